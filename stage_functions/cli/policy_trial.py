"""What `stageward policy test` does: asks the evaluation, of resources or of cases.

What is asked of Azure itself is not here: `az policy` does that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from stage_functions.adapters.policy_fields import read_values
from stage_functions.azure_policy import (
    Policy,
    PolicyError,
    PolicyFailedError,
    canonical_effect,
    compile_policy,
)
from stage_functions.cli.output import complain, fail
from stage_functions.cli.policy_answers import Answer, finish, finish_cases, strongest
from stage_functions.cli.policy_inputs import (
    Definition,
    Inputs,
    check_known,
    definition_in,
    resource_in,
    text_of,
)
from stage_functions.domain.hint import did_you_mean
from stage_functions.wire.policy_cases import FAILS, NOTHING, Case, Values, read_cases
from stage_functions.wire.policy_notes import notes
from stage_functions.wire.policy_values import Parameters, given, merged

_MISSING = re.compile(r"; give (?:a value|one)$")
"""How the evaluation ends what it says of a parameter that has no value."""


def try_resources(
    definitions: Sequence[Path], resources: Sequence[Path], inputs: Inputs, *, as_json: bool
) -> NoReturn:
    """Try each definition on each resource, show the effects, and end with the exit code."""
    read = [definition_in(file) for file in definitions]
    check_known(inputs.parameters, read)
    found = [(str(file), resource_in(file)) for file in resources]
    told: set[str] = set()
    answers = [
        answer
        for one in _assigned(read, inputs)
        for name, resource in found
        for answer in _answers(one, name, resource, inputs.parameters, inputs, told)
    ]
    finish(answers, as_json=as_json)


def try_cases(
    file: Path, definitions: Sequence[Path], inputs: Inputs, *, as_json: bool
) -> NoReturn:
    """Try the cases of a file, show what is not as expected, and end with the exit code."""
    finish_cases(list(_tried(file, definitions, inputs)), as_json=as_json)


def _tried(file: Path, more: Sequence[Path], inputs: Inputs) -> Iterator[Answer]:
    """Try each case on the definitions that it is about."""
    whole = read_cases(text_of(file), str(file))
    definitions = [
        definition_in(one) for one in (*more, *(file.parent / one for one in whole.definitions))
    ]
    if not definitions:
        fail(f"{file} names no definitions; name some in it, or before --cases")
    definitions = _assigned(definitions, inputs)
    common = merged(inputs.parameters, given(whole.parameters, f"{file}: parameters"))
    check_known(common, definitions)
    told: set[str] = set()
    for case in whole.cases:
        where = f"{file}: the case '{case.name}'"
        about = _about(case, definitions, where)
        own = given(case.parameters, where)
        check_known(own, about)
        resource = case.resource
        if isinstance(resource, str):
            resource = resource_in(file.parent / resource)
        mine = Inputs(
            inputs.parameters,
            inputs.assignments,
            inputs.effect,
            {**inputs.request_context, **case.request_context},
            {**inputs.context, **case.context},
        )
        for one in about:
            answers = _answers(
                one, case.name, resource, merged(common, own), mine, told, case.expect, where
            )
            yield strongest(list(answers))


def _assigned(definitions: Sequence[Definition], inputs: Inputs) -> list[Definition]:
    """Return the definitions that are tried: with assignments only those that they assign."""
    found = [one for one in definitions if inputs.trials(one, {})]
    for one in definitions:
        if one not in found:
            complain(f"Note: {one.file} is not tried, since no assignment is of {one.name}")
    if not found:
        fail("no assignment is of any of these definitions; their names say what they assign")
    return found


def _about(case: Case, definitions: Iterable[Definition], where: str) -> list[Definition]:
    found = [one for one in definitions if case.definition in ("", *one.names)]
    if not found:
        known = [one.name for one in definitions]
        hint = did_you_mean(case.definition, known)
        fail(f"{where}: it is about {case.definition}; there are: {', '.join(known)}{hint}")
    return found


def _answers(
    one: Definition,
    about: str,
    resource: Values,
    parameters: Parameters,
    inputs: Inputs,
    told: set[str],
    expected: str = "",
    where: str = "",
) -> Iterator[Answer]:
    """Try a definition on a resource, with the values of each of its assignments."""
    for assignment, values in inputs.trials(one, parameters):
        policy = _compiled(one, values, assignment, where)
        for note in notes(one.content, policy, resource):
            text = f"Note: {one.file}: {note}"
            if text not in told:
                told.add(text)
                complain(text)
        effect, says = _effect(one, policy, resource, inputs, where)
        seen = dict(read_values(policy.fields, resource))
        yield Answer(one.name, about, effect, says, expected, assignment, seen)


def _compiled(one: Definition, values: Parameters, assignment: str, where: str) -> Policy:
    """Return a definition with its values; one that is none ends the command."""
    try:
        plain = {name: value.value for name, value in values.items()}
        return compile_policy(one.content, parameters=plain)
    except PolicyError as exc:
        reason = str(exc).removeprefix(f"{exc.place}: ")
        missing = _MISSING.search(reason)
        reason = _MISSING.sub("", reason)
        for name, value in values.items():
            if exc.place == f"/parameters/{name}":
                fail(f"{value.source}: {name}: {reason}")
        before = f"{where}: " if where else ""
        if assignment and missing:
            fail(
                f"{before}{assignment}: {reason}; what the deployment adds, give in one more "
                "--parameters file"
            )
        if missing:
            given_by = "under parameters of the case, or by" if where else "by"
            name = exc.place.rpartition("/")[2]
            fail(
                f"{before}{one.file}: {exc.place}: {reason}; give one {given_by} "
                f'--parameters FILE.json, {{"{name}": …}}'
            )
        fail(f"{before}{one.file}: {exc}")


def _effect(
    one: Definition, policy: Policy, resource: Values, inputs: Inputs, where: str
) -> tuple[str, str]:
    """Return the effect and why; a definition that cannot be tried ends the command."""
    try:
        found = policy.decide(
            resource, context=inputs.context, request_context=inputs.request_context
        )
    except PolicyFailedError as exc:
        return FAILS, str(exc)
    except PolicyError as exc:
        fail(f"{where}: {one.file}: {exc}" if where else f"{one.file}: {exc}")
    effect = canonical_effect(found.effect or NOTHING)
    if found.unsure and effect not in ("deny", "denyAction"):
        return FAILS, f"{found.unsure}, where Azure may fail; give or guard it (else: {effect})"
    return effect, ""

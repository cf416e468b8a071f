"""What `stageward policy test` does: reads, asks the evaluation, shows.

What is asked of Azure itself is not here: `az policy` does that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import typer
from msgspec import Struct

from stage_functions.azure_policy import (
    PolicyError,
    PolicyFailedError,
    canonical_effect,
    compile_policy,
)
from stage_functions.cli.output import (
    FAULT,
    GRANTED,
    REFUSED,
    complain,
    fail,
    print_json,
    print_table,
    say,
)
from stage_functions.domain.hint import did_you_mean
from stage_functions.wire.document import member
from stage_functions.wire.policy_cases import (
    FAILS,
    NOTHING,
    Case,
    Values,
    json_object,
    read_cases,
)

_DENYING = frozenset({"deny", "denyAction", FAILS})

Inputs = tuple[Values, Values, Values]
"""Parameters, request context, context."""


class Definition(Struct, frozen=True):
    """A definition that was given.

    Attributes:
        name: its own, or that of its file.
        file: where it was read from.
        content: as it is there.
    """

    name: str
    file: str
    content: Values

    @property
    def parameters(self) -> Values | None:
        """The parameters that it has; None for a rule alone, which says nothing of them."""
        inner = self.content
        if _member(inner, "policyrule") is None and _member(inner, "if") is None:
            properties = _member(inner, "properties")
            inner = properties if isinstance(properties, dict) else {}
        if _member(inner, "policyrule") is None:
            return None
        found = _member(inner, "parameters")
        return found if isinstance(found, dict) else {}


def _member(content: Values, folded: str) -> object:
    """Return a member of a definition, whose names are without regard to case."""
    return next((value for name, value in content.items() if name.casefold() == folded), None)


class Answer(Struct, frozen=True):
    """What a definition says of a resource.

    Attributes:
        definition: its name.
        about: the resource's file, or the name of the case.
        effect: an effect as Azure spells it, `none`, or `fails`: then Azure denies, or may.
        says: why it fails, with the place.
        expected: what the case expects, or "".
    """

    definition: str
    about: str
    effect: str
    says: str = ""
    expected: str = ""

    @property
    def wrong(self) -> bool:
        """Something else was expected."""
        return bool(self.expected) and self.expected != self.effect


def inputs(parameters: Path | None, request_context: Path | None, context: Path | None) -> Inputs:
    """Read what definitions are tried with, from files or as nothing."""
    return (_values(_object(parameters)), _object(request_context), _object(context))


def _values(found: Values) -> Values:
    """Return values of parameters, also out of a whole assignment or a file of parameters."""
    of_assignment = member(found, "properties", "parameters")
    inner = member(found, "parameters") if "$schema" in found else of_assignment
    return inner if isinstance(inner, dict) else found


def try_resources(
    definitions: Sequence[Path], resources: Sequence[Path], given: Inputs, *, as_json: bool
) -> NoReturn:
    """Try each definition on each resource, show the effects, and end with the exit code."""
    read = [_definition(file) for file in definitions]
    _check_known(given[0], read)
    found = [(str(file), _resource(file)) for file in resources]
    answers = [
        Answer(one.name, name, *_effect(one, resource, (_own(given[0], one), *given[1:])))
        for one in read
        for name, resource in found
    ]
    _finish(answers, as_json=as_json)


def try_cases(file: Path, definitions: Sequence[Path], given: Inputs, *, as_json: bool) -> NoReturn:
    """Try the cases of a file, show what is not as expected, and end with the exit code."""
    _finish_cases(list(_tried(file, definitions, given)), as_json=as_json)


def _tried(file: Path, given: Sequence[Path], common: Inputs) -> Iterator[Answer]:
    """Try each case on the definitions that it is about."""
    whole = read_cases(_read(file), str(file))
    named = [file.parent / one for one in whole.definitions]
    definitions = [_definition(one) for one in (*given, *named)]
    if not definitions:
        fail(f"{file} names no definitions; name some in it, or before --cases")
    parameters = _merged(common[0], whole.parameters)
    _check_known(parameters, definitions)
    for case in whole.cases:
        where = f"{file}: the case '{case.name}': "
        about = _about(case, definitions, where)
        _check_known(case.parameters, about, where)
        resource = case.resource
        if isinstance(resource, str):
            resource = _resource(file.parent / resource)
        rest = ({**common[1], **case.request_context}, {**common[2], **case.context})
        values = _merged(parameters, case.parameters)
        for one in about:
            effect, says = _effect(one, resource, (_own(values, one), *rest), where)
            yield Answer(one.name, case.name, effect, says, case.expect)


def _merged(common: Values, own: Values) -> Values:
    """Return values of parameters, of which the second ones win; case does not count in names."""
    given = {name.casefold() for name in own}
    kept = {name: value for name, value in common.items() if name.casefold() not in given}
    return {**kept, **own}


def _check_known(parameters: Values, definitions: Sequence[Definition], where: str = "") -> None:
    """Refuse parameters that none of the definitions has: they are mistyped."""
    if any(one.parameters is None for one in definitions):
        return
    known = [name for one in definitions for name in one.parameters or {}]
    for name in parameters:
        if name.casefold() not in {one.casefold() for one in known}:
            fail(f"{where}no definition has a parameter '{name}'{did_you_mean(name, known)}")


def _own(parameters: Values, one: Definition) -> Values:
    """Return those of common parameters that a definition has."""
    if one.parameters is None:
        return parameters
    known = {name.casefold() for name in one.parameters}
    return {name: value for name, value in parameters.items() if name.casefold() in known}


def _about(case: Case, definitions: Iterable[Definition], where: str) -> list[Definition]:
    found = [one for one in definitions if case.definition in ("", one.name)]
    if not found:
        known = [one.name for one in definitions]
        hint = did_you_mean(case.definition, known)
        fail(f"{where}it is about {case.definition}; there are: {', '.join(known)}{hint}")
    return found


def _effect(one: Definition, resource: Values, inputs: Inputs, where: str = "") -> tuple[str, str]:
    """Return the effect and why; a definition that cannot be tried ends the command."""
    parameters, request_context, context = inputs
    try:
        policy = compile_policy(one.content, parameters=parameters)
        found = policy.decide(resource, context=context, request_context=request_context)
    except PolicyFailedError as exc:
        return FAILS, str(exc)
    except PolicyError as exc:
        fail(f"{where}{one.file}: {exc}")
    effect = canonical_effect(found.effect or NOTHING)
    if found.unsure and effect not in _DENYING:
        return FAILS, f"{found.unsure}, where Azure may fail; give or guard it (else: {effect})"
    return effect, ""


def _finish(answers: Sequence[Answer], *, as_json: bool) -> NoReturn:
    if as_json:
        print_json([_told(one) for one in answers])
    else:
        _table(
            ("definition", "resource", "effect"),
            [(one.definition, one.about, _shown(one.effect), one.says) for one in answers],
        )
    denied = any(one.effect in _DENYING for one in answers)
    raise typer.Exit(REFUSED if denied else GRANTED)


def _finish_cases(answers: Sequence[Answer], *, as_json: bool) -> NoReturn:
    wrong = [one for one in answers if one.wrong]
    if as_json:
        print_json([{**_told(one), "expected": one.expected} for one in answers])
    else:
        if wrong:
            _table(
                ("case", "definition", "expected", "effect"),
                [
                    (one.about, one.definition, one.expected, _shown(one.effect), one.says)
                    for one in wrong
                ],
            )
        say(f"{len(answers) - len(wrong)} of {len(answers)} are as expected")
    raise typer.Exit(FAULT if wrong else GRANTED)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; its last column, why something fails, only where something does."""
    width = len(columns)
    fails = any(row[width] for row in rows)
    names = (*columns, "says") if fails else columns
    print_table(names, (row if fails else row[:width] for row in rows))


def _told(one: Answer) -> dict[str, object]:
    told: dict[str, object] = {
        "definition": one.definition,
        "about": one.about,
        "effect": one.effect,
        "denies": one.effect in _DENYING,
    }
    return {**told, "says": one.says} if one.says else told


def _shown(effect: str) -> str:
    return "fails: Azure denies" if effect == FAILS else effect


def _definition(file: Path) -> Definition:
    content = json_object(_read(file), str(file))
    name = content.get("name")
    return Definition(name if isinstance(name, str) else file.stem, str(file), content)


def _resource(file: Path) -> Values:
    found = json_object(_read(file), str(file))
    if "type" not in found:
        complain(f"Note: {file} has no type, so no alias finds anything in it")
    return found


def _object(file: Path | None) -> Mapping[str, object]:
    return {} if file is None else json_object(_read(file), str(file))


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except OSError as exc:
        fail(f"cannot read {file}: {exc.strerror or exc}")
    except ValueError:
        fail(f"cannot read {file}: it is no text in UTF-8")

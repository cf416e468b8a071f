"""What `stageward policy test` is given: definitions, resources, values, read from files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from stage_functions.cli.output import complain, fail
from stage_functions.domain.definition import member
from stage_functions.domain.error import why_unread
from stage_functions.domain.hint import did_you_mean
from stage_functions.wire.policy_cases import Values, context_fault, json_object
from stage_functions.wire.policy_values import (
    Assigned,
    Parameters,
    Sources,
    holds_assignments,
    merged,
    read_parameters,
)

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Definition(Struct, frozen=True):
    """A definition that was given.

    Attributes:
        file: where it was read from.
        content: as it is there.
    """

    file: str
    content: Values

    @property
    def name(self) -> str:
        """What it is called: its name, or where that is a GUID its display name, or its file's."""
        return next(name for name in self.names if not _GUID.fullmatch(name))

    @property
    def names(self) -> tuple[str, ...]:
        """The names that a case or an assignment may call it by."""
        properties = member(self.content, "properties")
        inner = properties if isinstance(properties, Mapping) else self.content
        found = (member(self.content, "name"), member(inner, "displayName"), Path(self.file).stem)
        return (*(one for one in found if isinstance(one, str) and one), self.file)

    @property
    def parameters(self) -> Values | None:
        """The parameters that it has; None for a rule alone, which says nothing of them."""
        inner = self.content
        if member(inner, "policyRule") is None and member(inner, "if") is None:
            properties = member(inner, "properties")
            inner = properties if isinstance(properties, Mapping) else {}
        if member(inner, "policyRule") is None:
            return None
        found = member(inner, "parameters")
        return found if isinstance(found, Mapping) else {}

    def own(self, parameters: Parameters) -> Parameters:
        """Return those of common parameters that it has."""
        if self.parameters is None:
            return parameters
        known = {name.casefold() for name in self.parameters}
        return {name: value for name, value in parameters.items() if name.casefold() in known}


class Inputs(Struct, frozen=True):
    """What definitions are tried with.

    Attributes:
        parameters: for all definitions that have them.
        assignments: of one definition each; where there are any, only what they assign is tried.
        effect: which of their effects they have; "" for what the definition says.
        request_context, context: as the evaluation takes them.
    """

    parameters: Parameters
    assignments: tuple[Assigned, ...]
    effect: str
    request_context: Values
    context: Values

    def trials(self, one: Definition, own: Parameters) -> list[tuple[str, Parameters]]:
        """Return the values that a definition is tried with, by the assignment that has them.

        Args:
            one: the definition.
            own: values besides, which win.
        """
        if not self.assignments:
            return [("", one.own(own))]
        names = {name.casefold() for name in one.names}
        return [
            (assigned.name, merged(assigned.with_effect(self.effect), one.own(own)))
            for assigned in self.assignments
            if assigned.definition.casefold() in names
        ]


def inputs(
    parameters: Sequence[Path], effect: str, request_context: Path | None, context: Path | None
) -> Inputs:
    """Read what definitions are tried with, from files or as nothing."""
    found = [read_parameters(text_of(file), str(file)) for file in parameters]
    assignments = tuple(one for source in found for one in source.assignments)
    if effect and not assignments:
        fail(
            "--effect chooses among those of assignments; add --parameters assignments.json, or "
            "write the effect into the values"
        )
    return Inputs(_all(found), assignments, effect, _object(request_context), _context(context))


def _all(found: Iterable[Sources]) -> Parameters:
    values: Parameters = {}
    for one in found:
        values = merged(values, one.parameters)
    return values


def check_known(parameters: Parameters, definitions: Sequence[Definition]) -> None:
    """Refuse parameters that none of the definitions has: they are mistyped."""
    if any(one.parameters is None for one in definitions):
        return
    known = [name for one in definitions for name in one.parameters or {}]
    folded = {one.casefold() for one in known}
    for name, given in parameters.items():
        if name.casefold() not in folded:
            hint = did_you_mean(name, known)
            declared = f"; they declare {', '.join(dict.fromkeys(known)) or 'none'}"
            fail(f"{given.source}: no definition has a parameter '{name}'{hint or declared}")


def definition_in(file: Path) -> Definition:
    """Return the definition that a file holds."""
    text = text_of(file)
    if holds_assignments(text):
        fail(f"{file} holds assignments, and no definition; give it by --parameters {file}")
    return Definition(str(file), json_object(text, str(file)))


def resource_in(file: Path) -> Values:
    """Return the resource that a file holds."""
    found = json_object(text_of(file), str(file))
    if "type" not in found:
        complain(f"Note: {file} has no type, so no alias finds anything in it")
    return found


def _object(file: Path | None) -> Values:
    return {} if file is None else json_object(text_of(file), str(file))


def _context(file: Path | None) -> Values:
    found = _object(file)
    wrong = context_fault(found)
    if wrong:
        fail(f"{file}: {wrong}")
    return found


def text_of(file: Path) -> str:
    """Return what is written in a file."""
    try:
        return file.read_text("utf-8-sig")
    except (OSError, ValueError) as exc:
        fail(f"cannot read {file}: {why_unread(exc)}")

"""Reads values of parameters: plainly, as Azure keeps them, or the assignments that are rendered.

Each value knows where it was given, so that a wrong one is told there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from msgspec import Struct

from stage_functions.domain.error import InvalidInputError
from stage_functions.domain.hint import did_you_mean
from stage_functions.wire.document import member, parsed
from stage_functions.wire.policy_cases import Values, json_document

EFFECT = "effect"
"""The parameter that chooses between watching and preventing."""


class Given(Struct, frozen=True):
    """A value of a parameter.

    Attributes:
        value: plainly.
        source: the file, or the case, that it was given in.
    """

    value: object
    source: str


Parameters = Mapping[str, Given]


class Assigned(Struct, frozen=True):
    """An assignment as it is rendered.

    Attributes:
        name: its own.
        definition: the name of what it assigns.
        effects: what watching, preventing and so on are called there.
        parameters: those that it gives.
        source: the file.
    """

    name: str
    definition: str
    effects: Mapping[str, str]
    parameters: Parameters
    source: str

    def with_effect(self, wanted: str) -> Parameters:
        """Return its parameters with one of its effects; with none as they are.

        Raises:
            InvalidInputError: it has no such effect.
        """
        if not wanted:
            return self.parameters
        if wanted not in self.effects:
            known = ", ".join(self.effects)
            hint = did_you_mean(wanted, self.effects)
            message = f"{self.source}: {self.name} has the effects {known}, not '{wanted}'{hint}"
            raise InvalidInputError(message)
        return merged(self.parameters, {EFFECT: Given(self.effects[wanted], self.source)})


class Sources(Struct, frozen=True):
    """What files of parameters say.

    Attributes:
        parameters: for all definitions that have them.
        assignments: for one definition each.
    """

    parameters: Parameters
    assignments: tuple[Assigned, ...] = ()


def read_parameters(text: str, source: str) -> Sources:
    """Return what a file of parameters says.

    Raises:
        InvalidInputError: it says nothing; the message names the file, and the place.
    """
    found = json_document(text, source)
    if isinstance(found, list):
        return Sources(
            {}, tuple(_assigned(one, f"{source}: [{at}]") for at, one in enumerate(found))
        )
    if not isinstance(found, dict):
        message = f"{source}: values by name are wanted, or a list of assignments"
        raise InvalidInputError(message)
    of_assignment = member(found, "properties", "parameters")
    inner = member(found, "parameters") if "$schema" in found else of_assignment
    return Sources(given(inner if isinstance(inner, dict) else found, source))


def holds_assignments(text: str) -> bool:
    """Tell whether a file holds assignments as they are rendered, whatever is wrong with them."""
    try:
        found = parsed(text)
    except ValueError:
        return False
    return isinstance(found, list) and any(member(one, "definition") for one in found)


def given(values: Values, source: str) -> Parameters:
    """Return plain values with where they were given."""
    return {name: Given(value, source) for name, value in values.items()}


def merged(common: Parameters, own: Parameters) -> Parameters:
    """Return values of parameters, of which the second ones win; case does not count in names."""
    names = {name.casefold() for name in own}
    return {**{name: one for name, one in common.items() if name.casefold() not in names}, **own}


def _assigned(found: object, place: str) -> Assigned:
    if not isinstance(found, dict):
        _refuse(f"{place}: an assignment is an object with a definition and its parameters")
    texts = {}
    for key in ("name", "definition"):
        text = found.get(key)
        if not isinstance(text, str):
            _refuse(f"{place}: an assignment has a {key}; render them anew")
        texts[key] = text
    effects, values = found.get("effects", {}), found.get("parameters", {})
    if not isinstance(values, dict) or not isinstance(effects, dict):
        _refuse(f"{place}: effects and parameters are objects; render them anew")
    source = place.rpartition(": ")[0]
    return Assigned(
        texts["name"],
        texts["definition"],
        {name: str(effect) for name, effect in effects.items()},
        given(values, f"{source}: {texts['name']}"),
        source,
    )


def _refuse(message: str) -> NoReturn:
    raise InvalidInputError(message)

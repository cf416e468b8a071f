"""Finds the rule within what was given, and the values of its parameters.

What may be given is a rule (`if`, `then`), the properties of a definition (`policyRule`,
`parameters`, `mode`), or the whole definition (`properties`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from stage_functions.azure_policy.error import (
    InvalidPolicyError,
    UnfitValueError,
    UnsupportedPolicyError,
    below,
    shown,
)
from stage_functions.azure_policy.functions.moments import moment
from stage_functions.azure_policy.functions.signature import kind_of
from stage_functions.azure_policy.reader import members
from stage_functions.azure_policy.template import is_expression, literal
from stage_functions.azure_policy.value import identity, is_number, same

_MODES: Final = frozenset({"all", "indexed"})
_TYPES: Final = frozenset({
    "array", "boolean", "datetime", "float", "integer", "object", "string",
})  # fmt: skip
_GIVEN: Final = "/parameters"


class Rule(Struct, frozen=True):
    """A rule as it was found.

    Attributes:
        rule: the object with `if` and `then`, with names as written by names folded.
        place: JSON Pointer of the rule.
        values: of parameters, by their names folded.
        declared: the definition says which parameters there are.
    """

    rule: dict[str, tuple[str, object]]
    place: str
    values: dict[str, object]
    declared: bool


def rule_in(given: object, parameters: object) -> Rule:
    """Return the rule of what was given, and the values that its parameters have.

    Raises:
        InvalidPolicyError: There is no rule, or a value does not fit its parameter.
        UnsupportedPolicyError: It is an initiative, or of a mode that a resource provider
            evaluates.
    """
    found, place = members(given, "a policy", ""), ""
    if "policyrule" not in found and "if" not in found and "properties" in found:
        key, inner = found["properties"]
        place = below("", key)
        found = members(inner, key, place)
    values = members({} if parameters is None else parameters, "the parameters", _GIVEN)
    plain = {name: (key, _unwrapped(value)) for name, (key, value) in values.items()}
    if "policyrule" not in found:
        if "policydefinitions" in found:
            message = "an initiative is not evaluated here; give its definitions one by one"
            raise UnsupportedPolicyError(message, below(place, found["policydefinitions"][0]))
        if "if" not in found and "then" not in found:
            message = "there is no rule here; give if and then, or a definition with a policyRule"
            raise InvalidPolicyError(message, place)
        given_values = {name: value for name, (_, value) in plain.items()}
        return Rule(found, place, given_values, declared=False)
    _check_mode(found, place)
    key, rule = found["policyrule"]
    there = below(place, key)
    bound = _bound(found.get("parameters", ("parameters", {})), plain, place)
    return Rule(members(rule, "policyRule", there), there, bound, declared=True)


def _unwrapped(value: object) -> object:
    """Return a value that is given as an assignment has it, `{"value": …}`, or plainly."""
    if isinstance(value, Mapping) and len(value) == 1 and "value" in value:
        return value["value"]
    return value


def _check_mode(found: dict[str, tuple[str, object]], place: str) -> None:
    key, mode = found.get("mode", ("mode", "All"))
    if mode is None or (isinstance(mode, str) and mode.casefold() in _MODES):
        return
    if isinstance(mode, str) and "." in mode:
        message = (
            f"the mode {shown(mode)!r} is evaluated by the resource provider itself, not here; "
            "only All and Indexed are"
        )
        raise UnsupportedPolicyError(message, below(place, key))
    message = "the mode must be All, Indexed or one of a resource provider"
    raise InvalidPolicyError(message, below(place, key))


def _bound(
    declared: tuple[str, object], given: dict[str, tuple[str, object]], place: str
) -> dict[str, object]:
    key, value = declared
    there = below(place, key)
    parameters = members({} if value is None else value, key, there)
    for name, (spelled, _) in given.items():
        if name not in parameters:
            message = f"the definition has no parameter {shown(spelled)!r}; leave it out"
            raise InvalidPolicyError(message, below(_GIVEN, spelled))
    return {
        name: _value(spelled, parameter, given.get(name), below(there, spelled))
        for name, (spelled, parameter) in parameters.items()
    }


def _value(name: str, parameter: object, given: tuple[str, object] | None, place: str) -> object:
    says = members(parameter, f"the parameter {shown(name)!r}", place)
    kind_key, kind = says.get("type", ("type", None))
    if not isinstance(kind, str) or kind.casefold() not in _TYPES:
        message = f"a parameter's type is one of {', '.join(sorted(_TYPES))}"
        raise InvalidPolicyError(message, below(place, kind_key))
    schema_key, schema = says.get("schema", ("schema", None))
    if schema:
        message = f"the schema of the parameter {shown(name)!r} is not evaluated here"
        raise UnsupportedPolicyError(message, below(place, schema_key))
    allowed_key, allowed = says.get("allowedvalues", ("allowedValues", None))
    if allowed is not None and not isinstance(allowed, list):
        message = f"allowedValues must be an array, not {kind_of(allowed)}"
        raise InvalidPolicyError(message, below(place, allowed_key))
    default_key, default = says.get("defaultvalue", ("defaultValue", None))
    if default is not None:
        _check(default, kind, allowed, below(place, default_key))
    if given is not None:
        _check(given[1], kind, allowed, below(_GIVEN, given[0]))
        return given[1]
    if isinstance(default, str) and is_expression(default):
        message = (
            f"the default of the parameter {shown(name)!r} is an expression, which is not "
            "evaluated here; give a value"
        )
        raise UnsupportedPolicyError(message, below(place, default_key))
    if "defaultvalue" in says:
        return literal(default) if isinstance(default, str) else default
    message = f"the parameter {shown(name)!r} has no value and no default; give a value"
    raise InvalidPolicyError(message, below(_GIVEN, name))


def _check(value: object, kind: str, allowed: list[object] | None, place: str) -> None:
    if not _is_of(value, kind.casefold()):
        message = f"the value must be of type {kind}, and is {kind_of(value)}"
        raise InvalidPolicyError(message, place)
    try:
        if allowed is None or _is_allowed(value, allowed):
            return
    except UnfitValueError as error:
        raise InvalidPolicyError(str(error), place) from None
    shows = ", ".join(item for item in allowed[:10] if isinstance(item, str))
    message = f"the value is none of those allowed, with regard to case: {shown(shows)}"
    raise InvalidPolicyError(message, place)


def _is_allowed(value: object, allowed: list[object]) -> bool:
    """Say whether a value, or each item of an array, is among those allowed."""
    if not isinstance(value, list | Mapping):
        return any(same(value, item) for item in allowed)
    known = {identity(item) for item in allowed}
    if identity(value) in known:
        return True
    return isinstance(value, list) and all(identity(item) in known for item in value)


def _is_of(value: object, kind: str) -> bool:
    if kind == "string":
        return isinstance(value, str)
    if kind == "datetime":
        return _is_moment(value)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer":
        return is_number(value) and (isinstance(value, int) or value.is_integer())
    if kind == "float":
        return is_number(value)
    return isinstance(value, list if kind == "array" else Mapping)


def _is_moment(value: object) -> bool:
    if not isinstance(value, str) or not value:
        return False
    try:
        moment(value)
    except UnfitValueError:
        return False
    return True

"""What expressions read: fields, the element of a count, and what is known of the request.

Nothing of it is made up: what a function needs and was not given is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from stage_functions.azure_policy.error import (
    PolicyFailedError,
    UnfitValueError,
    UnsupportedPolicyError,
    shown,
)
from stage_functions.azure_policy.expression import Expression
from stage_functions.azure_policy.fields import (
    Field,
    each,
    field_named,
    follow,
    located,
)
from stage_functions.azure_policy.reader import counted_key
from stage_functions.azure_policy.run import Bound, Run
from stage_functions.azure_policy.value import MISSING

CONTEXT: Final = {
    "resourcegroup": "resourceGroup",
    "subscription": "subscription",
    "policy": "policy",
    "claims": "claims",
    "utcnow": "utcNow",
}
"""Functions whose value the context gives, by their names in lower case."""
REQUEST: Final = "requestcontext"


def named(value: object, place: str) -> Field:
    """Return the field that the value of an expression names.

    Raises:
        PolicyFailedError: It names none.
    """
    if not isinstance(value, str):
        message = "an expression that stands for a field must give its name"
        raise PolicyFailedError(message, place)
    try:
        return field_named(value)
    except UnfitValueError as error:
        raise PolicyFailedError(str(error), place) from None


def value_of(run: Run, field: Field) -> object:
    """Return the value of a field that is not about each element of an array, or MISSING."""
    if len(field.key) == 2 and not field.scope:  # noqa: PLR2004 - a scope and one step
        if field.key[1] == "fullname":
            return _full_name(run)
        if field.key[1] == "apiversion":
            return _api_version(run)
    found, value, first = located(run, field)
    return follow(run, value, found, first, len(found.steps))


def _full_name(run: Run) -> object:
    for name in ("fullName", "name"):
        found = run.member(run.resource, name)
        if found is not MISSING:
            break
    return found


def _api_version(run: Run) -> object:
    found = run.member(run.resource, "apiVersion")
    return run.member(request_of(run), "apiVersion") if found is MISSING else found


def request_of(run: Run) -> object:
    """Return what is known of the request: empty where nothing is."""
    given = run.member(run.context, "requestContext")
    if run.request or not isinstance(given, Mapping):
        given = run.request
    if run.member(given, "apiVersion") is not MISSING:
        return given
    version = run.member(run.resource, "apiVersion")
    return given if version is MISSING else {**given, "apiVersion": version}


class FieldValue(Struct, frozen=True):
    """A call of `field`.

    Attributes:
        name: names the field.
        place: JSON Pointer of the text that the expression stands in.
    """

    name: Expression
    place: str

    def value(self, run: Run) -> object:
        """Return the field's value, null where it is missing; of `[*]`, an array of values."""
        field = named(self.name.value(run), self.place)
        run.spend(1, self.place)
        if field.wild:
            found, value, first = located(run, field)
            return list(each(run, value, found, first))
        single = value_of(run, field)
        return None if single is MISSING else single


class Current(Struct, frozen=True):
    """A call of `current`.

    Attributes:
        key: names a count, a member of its element, or the field that is counted; None: the
            innermost count.
        place: JSON Pointer of the text that the expression stands in.
    """

    key: Expression | None
    place: str

    def value(self, run: Run) -> object:
        """Return the element that a count looks at, or a part of it."""
        run.spend(1, self.place)
        if self.key is None:
            return run.bounds[-1].element
        key = self.key.value(run)
        if isinstance(key, str):
            for bound in reversed(run.bounds):
                found = _current(run, bound, key)
                if found is not None:
                    return found[0]
        message = f"current({shown(str(key))!r}) names no count around it"
        raise PolicyFailedError(message, self.place)


def _current(run: Run, bound: Bound, key: str) -> tuple[object] | None:
    told = key.casefold()
    if bound.name:
        if told == bound.name:
            return (bound.element,)
        if told.startswith((f"{bound.name}.", f"{bound.name}[")):
            path = field_named(f"x{key[len(bound.name) :]}")
            return (follow(run, bound.element, path, 1, len(path.steps)),)
    if not bound.key or counted_key((bound.key,), key) is None:
        return None
    field = field_named(key)
    if len(field.key) < len(bound.key):
        return (bound.element,)
    first = len(bound.key) - 1
    if not _wild_after(field, first):
        return (follow(run, bound.element, field, first, len(field.steps)),)
    return (list(each(run, bound.element, field, first)),)


def _wild_after(field: Field, first: int) -> bool:
    return any(not isinstance(step, str | int) for step in field.steps[first:])


class ContextValue(Struct, frozen=True):
    """A call of a function whose value the context gives, such as `resourceGroup`.

    Attributes:
        name: the function, as Azure spells it.
        place: JSON Pointer of the text that the expression stands in.
    """

    name: str
    place: str

    def value(self, run: Run) -> object:
        """Return what the context says.

        Raises:
            UnsupportedPolicyError: It says nothing.
        """
        run.spend(1, self.place)
        found = run.member(run.context, self.name)
        if found is MISSING:
            message = f"{self.name}() is not known here; give `{self.name}` in the context"
            raise UnsupportedPolicyError(message, self.place)
        return found


class RequestValue(Struct, frozen=True):
    """A call of `requestContext`.

    Attributes:
        place: JSON Pointer of the text that the expression stands in.
    """

    place: str

    def value(self, run: Run) -> object:
        """Return what is known of the request."""
        run.spend(1, self.place)
        return request_of(run)

"""Fields of a resource: how a rule names them, and where they are in what is judged.

A resource is given as Azure Resource Manager has it. Names are without regard to case. An alias,
`Microsoft.X/type/a.b[*].c`, is about resources of its own type alone and is missing elsewhere. It
stands for `properties.a.b[*].c`, where elements may keep `c` in `properties` of their own, and a
step that says of which kind an object is (`SqlServer.typeProperties`) stays at an object of that
`type`. The alias of a resource that there is one of may have its name as the first step, as in
`Microsoft.Sql/servers/vulnerabilityAssessments/default.recurringScans`, which stands for
`properties.recurringScans`. What is elsewhere is in `aliases`. A name without a slash is a path
from the top.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import lru_cache
from typing import Final

from msgspec import Struct

from stage_functions.azure_policy.aliases import ENVELOPE, elsewhere
from stage_functions.azure_policy.error import UnfitValueError, shown
from stage_functions.azure_policy.run import Run
from stage_functions.azure_policy.value import MISSING

MOST_STEPS: Final = 100
"""Of one path: more than any resource is deep."""
LONGEST_NAME: Final = 2048
"""Of a field: more than any alias, and than the name of any tag."""
_SINGLE: Final = "default"
"""The name of resources that there is one of: some aliases have it in their path."""


_DASHED: Final = str.maketrans("./", "--")


class Every(Enum):
    """The step from an array to each of its elements."""

    EVERY = "[*]"


EVERY: Final = Every.EVERY
Step = str | int | Every


class Field(Struct, frozen=True):
    """A field as a rule names it.

    Attributes:
        name: as written.
        scope: type of the resources that an alias is about, folded; "" for any.
        steps: the way from the top, or for an alias from `properties`.
        exact: the way is from the top, nothing in between is left out.
        key: scope and steps, folded: equal for the same field however it is written.
    """

    name: str
    scope: str
    steps: tuple[Step, ...]
    exact: bool
    key: tuple[object, ...]

    @property
    def wild(self) -> bool:
        """Whether it is about each element of an array."""
        return EVERY in self.steps


@lru_cache(maxsize=4096)
def field_named(name: str) -> Field:
    """Return the field that a text names.

    Raises:
        UnfitValueError: It names none.
    """
    if len(name) > LONGEST_NAME:
        message = f"the name of a field has at most {LONGEST_NAME:,} characters"
        raise UnfitValueError(message)
    tag = _tag(name)
    if tag is not None:
        return _made(name, "", ("tags", tag), exact=True)
    head, path = _split_alias(name)
    steps = _steps(path, name)
    if not head:
        return _made(name, "", steps, exact=True)
    found = elsewhere(head, path)
    if found is not None:
        return _made(name, head.casefold(), _steps(found, name), exact=True)
    return _made(name, head.casefold(), steps, exact=False)


def _made(name: str, scope: str, steps: tuple[Step, ...], *, exact: bool) -> Field:
    key = (scope, *(step.casefold() if isinstance(step, str) else step for step in steps))
    return Field(name=name, scope=scope, steps=steps, exact=exact, key=key)


def _tag(name: str) -> str | None:
    """Return which tag a name is about, or None; a tag's name may have any character in it."""
    if not name[:5].casefold().startswith(("tags.", "tags[")) or name.startswith("[*]", 4):
        return None
    if name[4] == ".":
        return name[5:]
    if not name.endswith("]"):
        return None
    inner = name[5:-1]
    if len(inner) > 1 and inner[0] == inner[-1] == "'":
        return inner[1:-1].replace("''", "'")
    return inner


def _split_alias(name: str) -> tuple[str, str]:
    """Return the resource type of an alias and the rest; "" where the name is no alias."""
    bracket = name.find("['")
    slash = name.rfind("/", 0, bracket if bracket >= 0 else len(name))
    return ("", name) if slash < 0 else (name[:slash], name[slash + 1 :])


def _steps(path: str, name: str) -> tuple[Step, ...]:
    found: list[Step] = []
    at = 0
    while at < len(path):
        if path[at] == "[":
            step, at = _bracket(path, at, name)
        else:
            if found and path[at] == ".":
                at += 1
            end = at
            while end < len(path) and path[end] not in ".[]":
                end += 1
            step, at = path[at:end], end
            if not step:
                break
        found.append(step)
        if len(found) > MOST_STEPS:
            message = f"the field {shown(name)!r} has more than {MOST_STEPS} steps"
            raise UnfitValueError(message)
    if at < len(path) or not found or found[0] is EVERY or path.endswith("."):
        message = (
            f"{shown(name)!r} names no field; write a field such as type, name or tags['owner'], "
            "or an alias such as Microsoft.Storage/storageAccounts/sku.name"
        )
        raise UnfitValueError(message)
    return tuple(found)


def _bracket(path: str, start: int, name: str) -> tuple[Step, int]:
    quote = path[start + 1 : start + 2]
    closing = f"{quote}]" if quote in {"'", '"'} else "]"
    first = start + (2 if len(closing) > 1 else 1)
    end = path.find(closing, first)
    inner = path[first:end] if end >= 0 else ""
    if not inner or "[" in inner:
        message = f"a bracket of the field {shown(name)!r} is empty or not closed"
        raise UnfitValueError(message)
    after = end + len(closing)
    if len(closing) > 1:
        return inner.replace("''", "'"), after
    if inner == "*":
        return EVERY, after
    is_index = inner.isascii() and inner.isdigit() and len(inner) <= 6  # noqa: PLR2004
    return (int(inner) if is_index else inner), after


def located(run: Run, field: Field, *, beyond: bool = False) -> tuple[Field, object, int]:
    """Return the field to read, where to read it from, and how many steps are behind that.

    That is the top of the resource, or the element that the innermost count looks at which goes
    through the same array. An alias of a whole namespace is one of the resource's own type.

    Args:
        run: the evaluation.
        field: the field.
        beyond: only an element that the field goes beyond counts, not one that it ends at: a count
            within a count of the same array goes through all of it.
    """
    if field.wild:
        for bound in reversed(run.bounds):
            length = len(bound.key)
            if beyond and length == len(field.key):
                continue
            if length and field.key[:length] == bound.key:
                return field, bound.element, length - 1
    if not field.scope:
        return field, run.resource, 0
    kind = run.member(run.resource, "type")
    if isinstance(kind, str):
        told = kind.casefold()
        if told == field.scope:
            return field, run.resource, 0
        if "/" not in field.scope and told.startswith(f"{field.scope}/"):
            alias = f"{kind}/{field.name.rpartition('/')[2]}"
            return field_named(alias), run.resource, 0
    return field, MISSING, 0


def follow(run: Run, value: object, field: Field, first: int, last: int) -> object:
    """Return what the steps of a field lead to, or MISSING; none of them is EVERY."""
    for index in range(first, last):
        run.spend(1)
        step = field.steps[index]
        if isinstance(value, list):
            if not isinstance(step, int):
                return MISSING
            value = value[step] if step < len(value) else MISSING
        elif isinstance(value, Mapping):
            value = _member(run, value, str(step), field, at_top=index == 0)
        else:
            return MISSING
    return value


def _member(
    run: Run, value: Mapping[str, object], name: str, field: Field, *, at_top: bool
) -> object:
    if field.exact:
        return run.member(value, name)
    within = run.member(value, "properties")
    inner = run.member(within, name)
    if not at_top:
        direct = run.member(value, name)
        found = inner if direct is MISSING else direct
        return value if found is MISSING and _is_kind(run, value, name) else found
    if inner is not MISSING:
        return inner
    if name.casefold() in ENVELOPE:
        return run.member(value, name)
    if _is_kind(run, within, name) or _is_itself(run, value, name):
        return within
    return MISSING


def _is_kind(run: Run, value: object, name: str) -> bool:
    """Say whether a step only tells which kind of object it is about, as `type` does within it."""
    kind = run.member(value, "type")
    return isinstance(kind, str) and kind.translate(_DASHED).casefold() == name.casefold()


def _is_itself(run: Run, resource: Mapping[str, object], name: str) -> bool:
    """Say whether a first step is the resource's own name, which the alias of a single one has."""
    own = run.member(resource, "name")
    if name.casefold() != _SINGLE or not isinstance(own, str):
        return False
    return own.rpartition("/")[2].casefold() == _SINGLE


def next_array(field: Field, first: int) -> int:
    """Return the number of the next EVERY of a field from a step on, or of its end."""
    for index in range(first, len(field.steps)):
        if field.steps[index] is EVERY:
            return index
    return len(field.steps)


def each(run: Run, value: object, field: Field, first: int) -> Iterator[object]:
    """Return all values that the steps of a field lead to; what is missing is left out."""
    array = next_array(field, first)
    found = follow(run, value, field, first, array)
    if array == len(field.steps):
        if found is not MISSING:
            yield found
    elif isinstance(found, list):
        for item in found:
            run.spend(1)
            yield from each(run, item, field, array + 1)


def holds_for_all(
    run: Run, value: object, field: Field, first: int, test: Callable[[object], bool]
) -> bool:
    """Say whether a test holds for all values that the steps of a field lead to.

    It holds where an array is empty and does not where it is missing.
    """
    array = next_array(field, first)
    found = follow(run, value, field, first, array)
    if array == len(field.steps):
        return test(found)
    if not isinstance(found, list):
        return False
    for item in found:
        run.spend(1)
        if not holds_for_all(run, item, field, array + 1, test):
            return False
    return True

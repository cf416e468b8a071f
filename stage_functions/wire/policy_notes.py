"""What is known to be wrong with a definition though it can be evaluated: notes, never faults.

Azure would refuse most of it, or never ask the definition at all. What is said is what Microsoft
documents, and its list of aliases of 2026; there may be more of these by now, so that nothing of it
keeps a definition from being tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from stage_functions.azure_policy import Lookup, Policy, lookups
from stage_functions.azure_policy.condition import (
    CountCondition,
    FieldCondition,
    Not,
    ValueCondition,
)
from stage_functions.azure_policy.expression import Constant
from stage_functions.azure_policy.like import like
from stage_functions.azure_policy.value import order
from stage_functions.domain.arm_form import TYPE
from stage_functions.domain.asset import Kind
from stage_functions.domain.definition import member
from stage_functions.domain.hint import did_you_mean, meant

_OF_MODELS: Final = (
    "autoDeleteSetting",
    "datastoreId",
    "description",
    "flavors",
    "intellectualProperty",
    "isAnonymous",
    "isArchived",
    "jobName",
    "modelType",
    "modelUri",
    "path",
    "provisioningState",
    "stage",
    "tags",
)
"""Aliases of versions of models; most of them other kinds have too."""
_FIELDS: Final = frozenset(
    {"fullname", "id", "identity", "kind", "location", "name", "tags", "type"}
)
"""Fields that are no aliases."""
_TYPES: Final = {TYPE.format(kind=kind).casefold(): kind for kind in Kind}
_VERSIONS: Final = TYPE.format(kind="*").casefold()
_INDEXED: Final = "indexed"
_TAGS: Final = "tags"
_ASKING: Final = frozenset({"equals", "in", "like"})
_NEGATION: Final = (Not,)
_Compared = FieldCondition | ValueCondition | CountCondition


def notes(
    definition: Mapping[str, object], policy: Policy, resource: Mapping[str, object]
) -> Iterator[str]:
    """Return what to know of a definition that is tried on a resource.

    Each is told once, with its place in the definition.
    """
    found = [*lookups(policy)]
    tried = _version_type(resource, policy)
    told = dict.fromkeys(
        (
            *_of_mode(definition, policy, found, tried),
            *(_of_tags(found, tried) if tried else ()),
            *(note for one in found for note in _of_field(one)),
            *(note for one in _conditions(policy) for note in _of_condition(one)),
        )
    )
    yield from told


def _of_mode(
    definition: Mapping[str, object], policy: Policy, found: Iterable[Lookup], tried: str
) -> Iterator[str]:
    properties = member(definition, "properties")
    body = properties if isinstance(properties, Mapping) else definition
    mode = member(body, "mode")
    if not isinstance(mode, str) or mode.casefold() != _INDEXED:
        return
    asked = {one.path[0] for one in found}
    for one in _conditions(policy):
        if isinstance(one.right, Constant):
            right = one.right.constant
            asked |= {
                str(item).casefold() for item in (right if isinstance(right, list) else [right])
            }
    if tried or asked & set(_TYPES):
        where = "/properties/mode" if body is properties else "/mode"
        yield (
            f"{where}: in the mode {mode} Azure never evaluates versions of assets, which have no "
            "tags of a resource and no location; write All"
        )


def _version_type(resource: Mapping[str, object], policy: Policy) -> str:
    """Return the type of a version of an asset that a policy is about; "" for other resources.

    What asks for types, and for none that is like this one, is about others.
    """
    type_ = member(resource, "type")
    if not isinstance(type_, str) or not like(type_.casefold(), _VERSIONS):
        return ""
    wanted = [*_wanted_types(policy)]
    return type_ if not wanted or any(like(type_.casefold(), one) for one in wanted) else ""


def _wanted_types(policy: Policy) -> Iterator[str]:
    """Return the types that a policy asks for, folded, as patterns of `like`."""
    for one in _conditions(policy, _NEGATION):
        if isinstance(one, CountCondition) or one.operator.name not in _ASKING:
            continue
        left = one.field if isinstance(one, FieldCondition) else one.left
        if isinstance(one.right, Constant) and ("", "type") in [
            tuple(str(part).casefold() for part in asked.path) for asked in lookups(left)
        ]:
            right = one.right.constant
            yield from (
                str(item).casefold() for item in (right if isinstance(right, list) else [right])
            )


def _of_tags(found: Iterable[Lookup], tried: str) -> Iterator[str]:
    """Say where tags are looked for that versions do not have; of each field at its first place."""
    told: set[str] = set()
    for one in found:
        scope, *steps = one.path
        if not scope and str(steps[0]).casefold() == _TAGS and one.field not in told:
            told.add(one.field)
            yield (
                f"{one.place}: versions of assets have no tags of a resource, and '{one.field}' "
                f"finds none there; theirs are {tried}/tags"
            )


def _of_field(one: Lookup) -> Iterator[str]:
    scope, *steps = one.path
    name = str(steps[0])
    if not scope:
        if name.casefold() not in _FIELDS:
            hint = did_you_mean(name, ("fullName", *_FIELDS))
            yield (
                f"{one.place}: Azure has no field '{one.field}'; below properties it takes aliases "
                f"only{hint}"
            )
        return
    kind = _TYPES.get(str(scope))
    if kind is None or name.casefold() in {known.casefold() for known in _OF_MODELS}:
        return
    if kind is Kind.MODELS or meant(name, _OF_MODELS):
        hint = did_you_mean(name, _OF_MODELS)
        known = hint or f"; it has {', '.join(_OF_MODELS)}"
        yield f"{one.place}: no alias of {kind} in Azure is known as '{name}'{known}"


def _of_condition(one: _Compared) -> Iterator[str]:
    if not isinstance(one.right, Constant):
        return
    right, name = one.right.constant, one.operator.name
    if name in ("in", "notIn") and isinstance(right, str):
        yield f'{one.place}: {name} takes an array, and this is a text; write ["{right}"]'
    if name in ("like", "notLike") and isinstance(right, str) and right.count("*") > 1:
        yield f"{one.place}: {name} takes one * in Azure, and '{right}' has more"
    left = _left(one)
    if (
        one.operator.orders
        and left is not None
        and right is not None
        and order(left, right) is None
    ):
        yield f"{one.place}: {name} compares a number and a text that is none; Azure may fail"


def _left(one: _Compared) -> object:
    """Return what is compared, where it is known to be a number."""
    if isinstance(one, CountCondition):
        return 0
    left = one.left if isinstance(one, ValueCondition) else None
    return left.constant if isinstance(left, Constant) else None


def _conditions(node: object, without: tuple[type, ...] = ()) -> Iterator[_Compared]:
    if isinstance(node, without):
        return
    if isinstance(node, _Compared):
        yield node
    if isinstance(node, Struct):
        for name in node.__struct_fields__:
            yield from _conditions(getattr(node, name), without)
    elif isinstance(node, tuple):
        for value in node:
            yield from _conditions(value, without)

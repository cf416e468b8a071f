"""Evaluates rules that are definitions of Azure Policy, on the resource that a write would leave.

A rule fails where its effect is deny, and passes where it does not match, or has another effect,
which the verdict shows. What Azure would deny because the evaluation itself fails has errored, and
so has what it may deny because a member that is read is not there, or kinds of values have no
order; it never passes, and never raises.

A definition is refused when it is loaded if it asks for what no rule is told: who writes, where and
by which assignment, and what of a version no approval is bound to. It would find nothing there, and
pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from stage_functions.adapters.cel_text import shown
from stage_functions.azure_policy import Policy, PolicyError, canonical_effect, compile_policy
from stage_functions.domain.arm_form import TYPE, readable
from stage_functions.domain.asset import Kind
from stage_functions.domain.definition import member, read
from stage_functions.domain.rule import (
    ABSENT,
    RESOURCE,
    AzurePolicy,
    Facts,
    Result,
    Rule,
    Verdict,
)

MAX_COMPILED = 500
"""Definitions kept; drafts of configurations are checked here too, and are never seen again."""
MAX_SHOWN = 10
"""Of the fields that a policy reads, those that a verdict shows."""
MAX_NAMED_CHARACTERS = 200
"""Of a field or a place that is named in a fault."""
DENY = "deny"
NO_MATCH = "none, it does not match"
"""What is shown as the effect of a definition that says nothing of a version."""
_DISABLED = "disabled"
_GUARD = "guard it, as in [coalesce(tryGet(…, 'name'), '')]"
"""What helps whose definition reads a member that is not there."""
_FAULTS = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)
"""What evaluating may raise besides its own errors, where it should not: it holds all the same."""
_AROUND = re.compile(
    r"\b(claims|policy|requestContext|resourceGroup|subscription)\s*\(", re.IGNORECASE
)
"""Functions that tell who writes, where, and by which assignment."""
_TYPES = {TYPE.format(kind=kind).lower(): kind for kind in Kind}
_NAMESPACE = TYPE.partition("/")[0].lower()
_OF_ANY = ("", _NAMESPACE)
"""What stands before a field that is one of the resource's own, of whatever type it is."""
_TAG = re.compile(r"tags(?:\.|\[)", re.IGNORECASE)


class _Compiled(Struct, frozen=True):
    """A definition, ready to be asked.

    Attributes:
        policy: as it was compiled.
        otherwise: what is shown where it has no effect.
    """

    policy: Policy
    otherwise: str


class AzurePolicies:
    """A `RuleEngine` over Azure Policy; each definition is compiled once.

    Args:
        keeps: how many definitions are kept compiled.
    """

    def __init__(self, keeps: int = MAX_COMPILED) -> None:
        self._keeps = keeps
        self._compiled: dict[AzurePolicy, _Compiled] = {}

    def check(self, rule: Rule, calendars: Collection[str] = ()) -> str:  # noqa: ARG002  # of expressions
        """Say what is wrong with a policy; an empty text if nothing is."""
        if rule.policy is None:
            return "it is no definition of Azure Policy"
        found = read(rule.policy)
        if found.mode and found.mode.lower() != "all":
            return (
                f"its mode is {found.mode}, in which Azure never evaluates versions of assets; "
                "as a rule it takes mode All"
            )
        try:
            policy = self._policy(rule.policy).policy
        except PolicyError as exc:
            place = exc.place or "/"
            return f"{_cut(place)}: {str(exc).removeprefix(f'{place}: ')}"
        except _FAULTS as exc:
            return f"it cannot be read: {str(exc) or type(exc).__name__}"
        if found.effect.lower() == "denyaction":
            return "its effect is denyAction, which is about deletions: no transition would fail it"
        around = _AROUND.search(json.dumps(found.rule))
        if around:
            return (
                f"it reads {around[1]}(), which is known only where Azure is asked to write; a "
                "rule is about the version, and who may ask is said by requesters"
            )
        return next(_unreadable(policy.fields), "")

    def evaluate(self, rules: Sequence[Rule], facts: Facts) -> tuple[Verdict, ...]:
        """Return a verdict for each policy, in order."""
        if not rules:
            return ()
        resource = facts.get(RESOURCE)
        if not isinstance(resource, Mapping):
            return tuple(_errored(rule, "there is no resource to ask it of") for rule in rules)
        context = _context(facts.get("now"))
        return tuple(self._verdict(rule, resource, context) for rule in rules)

    def _policy(self, written: AzurePolicy) -> _Compiled:
        """Return the compiled definition.

        Raises:
            PolicyError: it is not valid, or not supported; the message says where.
        """
        compiled = self._compiled.get(written)
        if compiled is None:
            definition = json.loads(written.definition)
            policy = compile_policy(definition, parameters=json.loads(written.parameters))
            disabled = read(written).effect.lower() == _DISABLED
            compiled = _Compiled(policy, _DISABLED if disabled else NO_MATCH)
            if len(self._compiled) >= self._keeps:
                self._compiled.clear()
            self._compiled[written] = compiled
        return compiled

    def _verdict(
        self, rule: Rule, resource: Mapping[str, object], context: Mapping[str, object]
    ) -> Verdict:
        if rule.policy is None:
            return _errored(rule, "it is no definition of Azure Policy")
        values: dict[str, str] = {}
        try:
            compiled = self._policy(rule.policy)
            values = dict(_read(compiled.policy.fields, resource))
            found = compiled.policy.decide(resource, context=context)
        except _FAULTS as exc:
            return _errored(rule, f"{str(exc) or type(exc).__name__}", values)
        told = compiled.otherwise if found.effect is None else canonical_effect(found.effect)
        if found.unsure and told != DENY:
            return _errored(rule, f"{found.unsure}, where Azure may fail; {_GUARD}", values)
        return Verdict(
            rule=rule.name,
            result=Result.FAILED if told == DENY else Result.PASSED,
            values={"effect": told, **values},
            says=rule.says,
        )


def _errored(rule: Rule, why: str, values: Mapping[str, str] | None = None) -> Verdict:
    return Verdict(rule.name, Result.ERRORED, values or {}, rule.says, why)


def _context(now: object) -> dict[str, object]:
    """Return what template functions may read beside the resource: the moment."""
    if not isinstance(now, datetime):
        return {}
    return {"utcNow": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"}


def _unreadable(fields: Collection[str]) -> Iterator[str]:
    """Say which fields of versions a policy reads that no rule may see."""
    for field in sorted(fields):
        if field.startswith("["):
            yield f"it reads a field whose name is computed, {_cut(field)}; write the name"
            continue
        if field.lower() == "properties":
            yield "it reads all properties, of which no rule sees most; name those that it needs"
            continue
        scope, name = _property(field)
        kind = Kind.MODELS if scope in _OF_ANY else _TYPES.get(scope)
        if not name or kind is None:
            continue
        known = readable(kind)
        if name.lower() not in {one.lower() for one in known}:
            yield (
                f"it reads {_cut(field)}, which no rule sees, since no approval is bound to it; of "
                f"{kind} there are {', '.join(known)}"
            )


def _cut(text: str) -> str:
    return text if len(text) <= MAX_NAMED_CHARACTERS else f"{text[:MAX_NAMED_CHARACTERS]}…"


def _property(field: str) -> tuple[str, str]:
    """Return the type of resource that a field is of, folded, and its property.

    The type is "" for a path from the top, the property "" for what is no property.
    """
    head, slash, _ = field.partition("['")[0].rpartition("/")
    path = re.split(r"[.\[]", field[len(head) + len(slash) :])
    if slash:
        return head.lower(), path[0]
    return "", path[1] if path[0].lower() == "properties" and len(path) > 1 else ""


def _read(fields: Collection[str], resource: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield what a policy reads of a resource, each with its value in words."""
    told: set[str] = set()
    for field in sorted(fields):
        name, value = _looked_up(field, resource)
        if name and name not in told and len(told) < MAX_SHOWN:
            told.add(name)
            yield name, f"{name}{ABSENT}" if value is None else shown(value)


def _looked_up(field: str, resource: Mapping[str, object]) -> tuple[str, object]:
    """Return how a field of this resource is called, and its value; "" for one of another type."""
    scope, name = _property(field)
    if name:
        if scope not in (*_OF_ANY, str(resource.get("type", "")).lower()):
            return "", None
        properties = resource.get("properties")
        found = member(properties, name) if isinstance(properties, Mapping) else None
        return f"properties.{name}", found
    if scope or field.startswith("["):
        return "", None
    return field, None if _TAG.match(field) else member(resource, field)

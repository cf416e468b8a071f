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
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from stage_functions.adapters.policy_fields import cut, read_values, unreadable, unseen_tags
from stage_functions.azure_policy import (
    Policy,
    PolicyError,
    canonical_effect,
    compile_policy,
    lookups,
)
from stage_functions.domain.arm_form import TYPE
from stage_functions.domain.definition import read
from stage_functions.domain.rule import (
    RESOURCE,
    AzurePolicy,
    Facts,
    Result,
    Rule,
    Verdict,
)
from stage_functions.domain.visible_tags import EVERY_TAG, VisibleTags

MAX_COMPILED = 500
"""Definitions kept; drafts of configurations are checked here too, and are never seen again."""
DENY = "deny"
NO_MATCH = "none, it does not match"
"""What is shown as the effect of a definition that says nothing of a version."""
_DISABLED = "disabled"
_WORKSPACES = TYPE.partition("/{")[0]
_GUARD = "guard it, as in [coalesce(tryGet(…, 'name'), '')]"
"""What helps whose definition reads a member that is not there."""
_FAULTS = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)
"""What evaluating may raise besides its own errors, where it should not: it holds all the same."""
_AROUND = re.compile(
    r"\b(claims|policy|requestContext|resourceGroup|subscription)\s*\(", re.IGNORECASE
)
"""Functions that tell who writes, where, and by which assignment."""


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

    def check(
        self,
        rule: Rule,
        calendars: Collection[str] = (),  # noqa: ARG002  # of expressions
        tags: VisibleTags = EVERY_TAG,
    ) -> str:
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
            return f"{cut(place)}: {str(exc).removeprefix(f'{place}: ')}"
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
        return next(unreadable(policy.fields), "") or _unseen(policy, tags)

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
            values = {
                name: _short(value) for name, value in read_values(compiled.policy.fields, resource)
            }
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


def _short(value: str) -> str:
    """Return a value as a verdict has it: of a type what tells kinds apart."""
    return f"…{value.removeprefix(_WORKSPACES)}" if value.startswith(_WORKSPACES) else value


def _context(now: object) -> dict[str, object]:
    """Return what template functions may read beside the resource: the moment."""
    if not isinstance(now, datetime):
        return {}
    return {"utcNow": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"}


def _unseen(policy: Policy, tags: VisibleTags) -> str:
    try:
        return next(unseen_tags(lookups(policy), tags), "")
    except RecursionError:
        return "it is nested too deeply to tell which tags it reads; write it flatter"

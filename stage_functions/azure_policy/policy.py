"""A policy that was read and checked as a whole, ready to be asked about resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from stage_functions.azure_policy.condition import Condition
from stage_functions.azure_policy.definition import Rule, rule_in
from stage_functions.azure_policy.error import (
    InvalidPolicyError,
    PolicyFailedError,
    below,
    shown,
)
from stage_functions.azure_policy.expression import Constant, Expression
from stage_functions.azure_policy.functions.signature import kind_of
from stage_functions.azure_policy.reader import Reader, members
from stage_functions.azure_policy.rule import (
    MOST_CONDITIONS,
    MOST_EXISTENCE_CONDITIONS,
    RuleReader,
)
from stage_functions.azure_policy.run import Run
from stage_functions.azure_policy.template import template

EFFECTS: Final = {
    effect.casefold(): effect
    for effect in [
        "addToNetworkGroup",
        "append",
        "audit",
        "auditAction",
        "auditIfNotExists",
        "deny",
        "denyAction",
        "deployIfNotExists",
        "disabled",
        "enforceSetting",
        "manual",
        "modify",
        "mutate",
    ]
}
"""Effects as Azure spells them, by their names folded."""


class Decision(Struct, frozen=True):
    """What comes of a policy for a resource.

    Attributes:
        effect: as the rule spells it, or None.
        unsure: the first reason, with its place, for which Azure may fail and deny, whatever the
            effect: a member that is read is not there, or kinds of values have no order; "" for
            none. What the effect does not depend on, since something before it decided, is not
            looked at.
    """

    effect: str | None
    unsure: str = ""


_ON_ANOTHER: Final = frozenset({"auditifnotexists", "deployifnotexists"})


class Policy(Struct, frozen=True):
    """A policy with the values of its parameters.

    Attributes:
        condition: what its rule asks.
        effect: what follows; an expression where it is worked out.
        place: JSON Pointer of the effect.
        fields: the fields and aliases that it reads, as written; an expression where one is
            worked out.
    """

    condition: Condition
    effect: Expression
    place: str
    fields: frozenset[str]

    def evaluate(
        self,
        resource: Mapping[str, object],
        *,
        context: Mapping[str, object] | None = None,
        request_context: Mapping[str, object] | None = None,
    ) -> str | None:
        """Return the effect on a resource as the rule spells it, or None where there is none.

        See `decide`, which also says whether Azure may fail where no error is raised.
        """
        return self.decide(resource, context=context, request_context=request_context).effect

    def decide(
        self,
        resource: Mapping[str, object],
        *,
        context: Mapping[str, object] | None = None,
        request_context: Mapping[str, object] | None = None,
    ) -> Decision:
        """Return the effect on a resource, and for what reason Azure may fail nonetheless.

        No effect is also what `disabled` comes to. For `auditIfNotExists` and `deployIfNotExists`
        only the rule's `if` is asked: whether the other resource exists is not known here.

        Args:
            resource: as Azure Resource Manager has it.
            context: values of `resourceGroup`, `subscription`, `policy`, `claims` and `utcNow`.
            request_context: `apiVersion`, and `identity` with claims.

        Raises:
            InvalidPolicyError: The resource or a context is no object.
            PolicyFailedError: Azure fails on this resource, which is an implicit deny.
            UnsupportedPolicyError: The rule reads what the context does not give.
        """
        run = Run(
            _given(resource, "the resource"),
            _given({} if context is None else context, "the context"),
            _given({} if request_context is None else request_context, "the request's context"),
        )
        try:
            effect = self._effect(run)
        except RecursionError:
            message = "the rule and what it looks through are nested too deeply"
            raise PolicyFailedError(message) from None
        return Decision(effect, run.unsure)

    def _effect(self, run: Run) -> str | None:
        if not self.condition.holds(run):
            return None
        effect = self.effect.value(run)
        if not isinstance(effect, str) or effect.casefold() not in EFFECTS:
            raise PolicyFailedError(_no_effect(effect), self.place)
        return None if effect.casefold() == "disabled" else effect


def _given(value: Mapping[str, object], what: str) -> Mapping[str, object]:
    if isinstance(value, Mapping):
        return value
    message = f"{what} must be an object, not {kind_of(value)}"
    raise InvalidPolicyError(message)


def _no_effect(value: object) -> str:
    told = repr(shown(value)) if isinstance(value, str) else kind_of(value)
    return f"{told} is no effect; use one such as audit, deny or modify"


def canonical_effect(effect: str) -> str:
    """Return an effect as Azure spells it: "deny" for "Deny"."""
    return EFFECTS.get(effect.casefold(), effect)


def compile_policy(
    definition_or_rule: Mapping[str, object], *, parameters: Mapping[str, object] | None = None
) -> Policy:
    """Return a policy read and checked as a whole.

    Args:
        definition_or_rule: a rule, or a definition with one.
        parameters: their values, plainly or as `{"value": …}`, by name.

    Raises:
        InvalidPolicyError: Azure would refuse it; `place` says where it is wrong.
        UnsupportedPolicyError: It uses what is not evaluated here; `place` says where.
    """
    found = rule_in(definition_or_rule, parameters)
    reader = Reader(found.values, declared=found.declared)
    condition = RuleReader(reader, MOST_CONDITIONS).condition(
        *_part(found, "if", "what the rule asks")
    )
    then, then_place = _part(found, "then", "what follows")
    says = members(then, "then", then_place)
    if "effect" not in says:
        message = "then has no effect; add one such as audit or deny"
        raise InvalidPolicyError(message, then_place)
    key, effect = says["effect"]
    place = below(then_place, key)
    if not isinstance(effect, str):
        raise InvalidPolicyError(_no_effect(effect), place)
    expression = template(effect, place, reader)
    fields = frozenset(reader.fields)
    if isinstance(expression, Constant):
        value = expression.constant
        if not isinstance(value, str) or value.casefold() not in EFFECTS:
            raise InvalidPolicyError(_no_effect(value), place)
    _check_details(says, then_place, reader, expression)
    return Policy(condition, expression, place, fields)


def _part(found: Rule, name: str, what: str) -> tuple[object, str]:
    if name not in found.rule:
        message = f"the rule has no {name}, {what}; add it"
        raise InvalidPolicyError(message, found.place)
    key, value = found.rule[name]
    return value, below(found.place, key)


def _check_details(
    says: dict[str, tuple[str, object]], place: str, reader: Reader, effect: Expression
) -> None:
    """Read the condition on another resource, which is not evaluated but may be wrong."""
    key, details = says.get("details", ("details", None))
    inner = below(place, key)
    if not isinstance(details, Mapping):
        if isinstance(effect, Constant) and str(effect.constant).casefold() in _ON_ANOTHER:
            message = (
                f"{effect.constant} needs details that say which resource must exist; add them"
            )
            raise InvalidPolicyError(message, inner if "details" in says else place)
        return
    found = members(details, "details", inner)
    if "existencecondition" in found:
        spelled, condition = found["existencecondition"]
        RuleReader(reader, MOST_EXISTENCE_CONDITIONS).condition(condition, below(inner, spelled))


def evaluate(
    definition_or_rule: Mapping[str, object],
    resource: Mapping[str, object],
    *,
    parameters: Mapping[str, object] | None = None,
    context: Mapping[str, object] | None = None,
    request_context: Mapping[str, object] | None = None,
) -> str | None:
    """Return the effect of a policy on a resource as it spells it, or None; see `Policy.evaluate`.

    Raises:
        InvalidPolicyError: Azure would refuse the definition, its parameters or the resource.
        UnsupportedPolicyError: It uses what is not evaluated here; the message names it.
        PolicyFailedError: Azure fails on this resource, which is an implicit deny.
    """
    policy = compile_policy(definition_or_rule, parameters=parameters)
    return policy.evaluate(resource, context=context, request_context=request_context)

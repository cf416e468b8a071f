"""Evaluates every rule in the language that it is written in: CEL, or Azure Policy.

What evaluates policies is imported only where there is one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property

from stage_functions.adapters.cel import CelRules
from stage_functions.application.ports.rules import RuleEngine
from stage_functions.domain.rule import RESOURCE, Facts, Rule, Verdict
from stage_functions.domain.visible_tags import EVERY_TAG, VisibleTags


class Rules:
    """A `RuleEngine` over all languages."""

    def __init__(self) -> None:
        self._expressions = CelRules()

    def check(
        self, rule: Rule, calendars: Collection[str] = (), tags: VisibleTags = EVERY_TAG
    ) -> str:
        """Say what is wrong with a rule as written; an empty text if nothing is."""
        engine = self._expressions if rule.policy is None else self._policies
        return engine.check(rule, calendars, tags)

    def evaluate(self, rules: Sequence[Rule], facts: Facts) -> tuple[Verdict, ...]:
        """Return a verdict for each rule, in order."""
        policies = [rule for rule in rules if rule.policy is not None]
        if not policies:
            return self._expressions.evaluate(rules, facts)
        others = [rule for rule in rules if rule.policy is None]
        known = {name: fact for name, fact in facts.items() if name != RESOURCE}
        of_policies = iter(self._policies.evaluate(policies, facts))
        of_others = iter(self._expressions.evaluate(others, known))
        return tuple(next(of_policies if rule.policy else of_others) for rule in rules)

    @cached_property
    def _policies(self) -> RuleEngine:
        from stage_functions.adapters.azure_policies import AzurePolicies  # noqa: PLC0415  # see above

        return AzurePolicies()

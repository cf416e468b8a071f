"""The rule port: how conditions are evaluated. The language is the adapter's business."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from stage_functions.domain.rule import Facts, Rule, Verdict
from stage_functions.domain.visible_tags import EVERY_TAG, VisibleTags


class RuleEngine(Protocol):
    """Evaluates rules. Safe to share between threads."""

    def check(
        self, rule: Rule, calendars: Collection[str] = (), tags: VisibleTags = EVERY_TAG
    ) -> str:
        """Say what is wrong with a rule as written; an empty text if nothing is.

        A rule must compile and be of type BOOL; whatever it shows must compile. A tag that it
        names must be one that it may see.

        Args:
            rule: the rule.
            calendars: names of those that it may ask about.
            tags: those that it may see.
        """
        ...

    def evaluate(self, rules: Sequence[Rule], facts: Facts) -> tuple[Verdict, ...]:
        """Return a verdict for each rule, in order. Never raises for a rule's fault: it errored."""
        ...

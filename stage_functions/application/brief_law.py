"""What the lifecycle said that an approval is bound to, and what its rules answered.

The lifecycle is read from the text that the ledger keeps under its digest: what is in force today
may be another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from stage_functions.application.context import Context
from stage_functions.domain.approval import Approval
from stage_functions.domain.asset import Asset
from stage_functions.domain.definition import Written, kept, written
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.rule import Verdict

_Item = Mapping[str, Any]


class Law(Struct, frozen=True):
    """What a lifecycle said.

    Attributes:
        name: of the lifecycle.
        digest: of its text.
        in_force: it is the one that governs the asset now.
        exclusive_stages: each with where its holder moves when another takes it.
        written: each rule as people read it.
        says: the condition in words by rule.
    """

    name: str
    digest: str
    in_force: bool
    exclusive_stages: Mapping[str, str]
    written: Mapping[str, Written]
    says: Mapping[str, str]

    def exclusive(self, stage: str) -> bool:
        """Tell whether at most one version holds a stage."""
        return stage in self.exclusive_stages


class Judgement(Struct, frozen=True):
    """A rule with its verdicts.

    Attributes:
        rule: its name.
        says: the condition in words, or "".
        written: as people read it; an empty text where that of the lifecycle is not kept.
        then: the verdict when it opened; None for a rule that was not asked then.
        now: the verdict now; None where it was not asked.
    """

    rule: str
    says: str
    written: Written
    then: Verdict | None
    now: Verdict | None = None

    @property
    def changed(self) -> bool:
        """The rule answers otherwise now, or on other values."""
        if self.now is None or self.then is None:
            return self.now is not self.then and self.now is not None
        return self.now.result is not self.then.result or self.now.values != self.then.values


def law(context: Context, asset: Asset, approval: Approval) -> Law:
    """Return what the lifecycle said that an approval is bound to."""
    digest = approval.binding.lifecycle
    current = context.governing(asset)
    if current is not None and current.digest == digest:
        return _in_force(current)
    blob = context.ledger.blob(digest)
    text: _Item = msgspec.json.decode(blob) if blob is not None else {}
    stages, rules = text.get("stages", {}), text.get("rules", {})
    return Law(
        approval.lifecycle,
        digest,
        in_force=False,
        exclusive_stages={
            name: str(stage.get("displaced_to", ""))
            for name, stage in stages.items()
            if stage and stage.get("exclusive")
        },
        written={name: kept(rule) for name, rule in rules.items()},
        says={name: str(rule.get("says", "")) for name, rule in rules.items()},
    )


def judgements(
    said: Law, approval: Approval, now: tuple[Verdict, ...] | None
) -> tuple[Judgement, ...]:
    """Return each rule that was asked when an approval opened, or is asked now."""
    then = {one.rule: one for one in approval.verdicts}
    today = {one.rule: one for one in now or ()}
    return tuple(
        Judgement(
            name,
            said.says.get(name, "") or (then.get(name) or today[name]).says,
            said.written.get(name, Written("")),
            then.get(name),
            today.get(name),
        )
        for name in dict.fromkeys((*then, *today))
    )


def _in_force(lifecycle: Lifecycle) -> Law:
    return Law(
        lifecycle.name,
        lifecycle.digest,
        in_force=True,
        exclusive_stages={
            stage.name: stage.displaced_to for stage in lifecycle.stages.values() if stage.exclusive
        },
        written={rule.name: written(rule) for rule in lifecycle.rules.values()},
        says={rule.name: rule.says for rule in lifecycle.rules.values()},
    )

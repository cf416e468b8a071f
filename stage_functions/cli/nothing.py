"""What is said where a list is empty: whether a word in the question is none, and what helps."""

from __future__ import annotations

import re

from stage_functions.cli.output import fail
from stage_functions.client import Client
from stage_functions.domain.hint import did_you_mean
from stage_functions.domain.lifecycle import UNREGISTERED


def demand_stage(stageward: Client, stage: str, *, ever: bool = False) -> None:
    """End the command where no lifecycle has a stage that a list was asked for.

    Args:
        stageward: whom to ask.
        stage: the stage.
        ever: a stage that a lifecycle had before will do: it is asked about the past.
    """
    found = stageward.lifecycles()
    texts = [one.text for one in found]
    names = [name for text in texts for name in text.get("stages", ())]
    known = list(dict.fromkeys([*names, *([] if ever else [UNREGISTERED])]))
    if stage in known:
        return
    if ever and (
        any(stage in (text.get("renamed") or {}) for text in texts)
        or any(_had(stageward, one.name, stage) for one in found)
    ):
        return
    hint = did_you_mean(stage, known)
    ever_had = "has, or had," if ever else "has"
    fail(f"no lifecycle {ever_had} the stage '{stage}'; there are {', '.join(known)}{hint}")


def _had(stageward: Client, lifecycle: str, stage: str) -> bool:
    """Tell whether the records of a lifecycle name a stage in what has changed of it."""
    named = re.escape(stage)
    place = re.compile(
        rf"^. (?:stages|renamed)\.{named}[.:]|^. (?:transitions|renamed).*[:→] {named}(?: →|$)"
    )
    after = 0
    while records := stageward.lifecycle_history(lifecycle, after):
        if any(place.search(change) for one in records for change in one.get("changes", ())):
            return True
        after = int(records[-1]["number"])
    return False


def words(*, registry: str, stage: str, waiting: bool, everything: bool) -> str:
    """Say that no version fits, and what may help."""
    scan = f"`scan {registry or '<registry>'}`"
    if waiting:
        return "no version that fits waits for a decision"
    if stage == UNREGISTERED:
        return (
            f"nothing that fits is {UNREGISTERED}: what a job leaves behind is listed when the job "
            f"has ended, and what a registry made by itself when {scan} has seen it"
        )
    what = f"no version that fits stands at {stage}" if stage else "no version fits"
    others = "" if everything or stage else "`ls --all` for hidden ones, or "
    return f"{what}; try {others}{scan} for new ones"

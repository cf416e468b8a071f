"""What is said where a list is empty: whether a word in the question is none, and what helps."""

from __future__ import annotations

from stage_functions.cli.output import fail
from stage_functions.client import Client
from stage_functions.domain.hint import did_you_mean
from stage_functions.domain.lifecycle import UNREGISTERED


def demand_stage(stageward: Client, stage: str, *, then: bool = False) -> None:
    """End the command where no lifecycle has a stage that a list was asked for.

    Args:
        stageward: whom to ask.
        stage: its name.
        then: the list is of the past: it may have been the name of a stage then, but an empty list
            must not be taken for the answer to a name that was mistyped.
    """
    texts = [one.text for one in stageward.lifecycles()]
    names = [name for text in texts for name in text.get("stages", ())]
    known = list(dict.fromkeys([*names, *([] if then else [UNREGISTERED])]))
    before = {name for text in texts for name in text.get("renamed", ())} if then else set()
    if stage not in known and stage not in before:
        hint = did_you_mean(stage, known)
        there = ", and no version that fits stood at it then" if then else ""
        fail(f"no lifecycle has the stage '{stage}'{there}; there are {', '.join(known)}{hint}")


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

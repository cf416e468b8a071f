"""What holds at a stage, and at all stages of a lifecycle, in words: on pages and command line."""

from __future__ import annotations

from datetime import timedelta

from stage_functions.domain.demands import span
from stage_functions.domain.lifecycle import (
    Emergency,
    Lifecycle,
    NotRatified,
    OnViolation,
    Stage,
    WhenUnreviewed,
)


def properties(stage: Stage) -> tuple[str, ...]:
    """Say what holds of a stage."""
    displaced = f"whoever holds it moves to {stage.displaced_to} when another takes it"
    retires = f"who is displaced from it may be served as before for {_span(stage.retire_within)}"
    back = f"who is displaced from it may be brought back for {_span(stage.rollback_within)}"
    said = {
        "a registered version begins here": stage.initial,
        "nothing leaves it": stage.terminal,
        "at most one version of an asset holds it": stage.exclusive,
        displaced: bool(stage.displaced_to),
        "a version here may be deleted": stage.deletable,
        f"deployable to {', '.join(stage.deployable_to)}": bool(stage.deployable_to),
        "left out of lists": stage.hidden,
        retires: stage.retire_within is not None,
        back: stage.rollback_within is not None,
        "frozen: what is edited of a version here is put back, and blocks it": stage.frozen,
        _reviewed(stage): stage.review is not None,
    }
    return tuple(text for text, holds in said.items() if holds)


def terms(lifecycle: Lifecycle) -> tuple[str, ...]:
    """Say what holds at all stages of a lifecycle."""
    then = follows(lifecycle.on_violation)
    said = [f"what is deployed or deleted though its stage does not allow it: {then}"]
    if lifecycle.emergency is not None:
        said.append(_emergency(lifecycle.emergency))
    if lifecycle.protect_lifecycle:
        guards = " or ".join(lifecycle.protect_lifecycle)
        said.append(f"what loosens this lifecycle needs the consent of a member of {guards}")
    said += [f"{before} is called {after} now" for before, after in lifecycle.renamed.items()]
    if lifecycle.retain_for is not None:
        said.append(f"records are to be kept for {_span(lifecycle.retain_for)}")
    return tuple(said)


def follows(on_violation: OnViolation) -> str:
    """Say what follows when something was done that a stage does not allow."""
    return {
        OnViolation.RECORD: "it is recorded and published",
        OnViolation.NOTIFY: "it is recorded and published, and people are told",
        OnViolation.ZERO_TRAFFIC: "it is recorded and published, people are told, and what was "
        "deployed gets no more requests",
    }[on_violation]


def _reviewed(stage: Stage) -> str:
    """Say how often versions at a stage are reviewed, by whom, and what follows otherwise."""
    review = stage.review
    if review is None:
        return ""
    by = f" by {' or '.join(review.groups)}" if review.groups else " by who votes on the way here"
    blocks = review.when_unreviewed is WhenUnreviewed.BLOCK
    then = "; not deployed after that" if blocks else ""
    return f"reviewed every {_span(review.every)}{by}, within {_span(review.within)}{then}"


def _emergency(emergency: Emergency) -> str:
    """Say who may act at once, and what follows."""
    waived = f", without {' and '.join(emergency.waives)}" if emergency.waives else ""
    then = (
        "else it is put back"
        if emergency.not_ratified is NotRatified.REVERT
        else f"else it is not to be deployed, and {emergency.escalate_to} may ratify it too"
    )
    return (
        f"in an emergency a member of {' or '.join(emergency.groups)} may make a transition at "
        f"once{waived}, to be ratified within {_span(emergency.ratify_within)}; {then}"
    )


def _span(lasts: timedelta | None) -> str:
    return span(lasts.total_seconds()) if lasts is not None else ""

"""Lengths of time that are no such thing: what lasts for decades was meant otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from stage_functions.domain.lifecycle import ApprovalPolicy, Lifecycle
from stage_functions.domain.lifecycle_check import Fault

LONGEST = timedelta(days=366)
"""Of what is waited for: an answer, the end of a release."""
LONGEST_VALID = timedelta(days=3660)
"""Of an approval that was given, and of a calendar's window."""
LONGEST_KEPT = timedelta(days=36_600)
"""Of the keeping of records."""

_Path = tuple[str | int, ...]


def duration_faults(lifecycle: Lifecycle) -> Iterator[Fault]:
    """Return which of a lifecycle's lengths of time are too long, each with its path in it."""
    for path, lasts, most, instead in _durations(lifecycle):
        if lasts is not None and lasts > most:
            yield Fault(path, f"{path[-1]} must be at most {most.days}d{instead}")


def _durations(
    lifecycle: Lifecycle,
) -> Iterator[tuple[_Path, timedelta | None, timedelta, str]]:
    for name, stage in lifecycle.stages.items():
        yield ("stages", name, "retire_within"), stage.retire_within, LONGEST, ""
        yield ("stages", name, "rollback_within"), stage.rollback_within, LONGEST, ""
        if stage.review is not None:
            yield ("stages", name, "review_every"), stage.review.every, LONGEST_VALID, ""
            yield ("stages", name, "review", "within"), stage.review.within, LONGEST, ""
    if lifecycle.emergency is not None:
        yield ("emergency", "ratify_within"), lifecycle.emergency.ratify_within, LONGEST, ""
    yield ("retain_for",), lifecycle.retain_for, LONGEST_KEPT, ""
    for name, calendar in lifecycle.calendars.items():
        yield ("calendars", name, "lasts"), calendar.lasts, LONGEST_VALID, ""
    for index, transition in enumerate(lifecycle.transitions):
        if transition.approval is not None:
            yield from _of_approval(("transitions", index, "approval"), transition.approval)


def _of_approval(
    path: _Path, policy: ApprovalPolicy
) -> Iterator[tuple[_Path, timedelta, timedelta, str]]:
    """`remind` and `escalate` end before the approval lapses: that is checked elsewhere."""
    yield (*path, "expires"), policy.expires, LONGEST, ""
    if policy.valid_for is not None:
        instead = "; leave it out where it stays valid for ever"
        yield (*path, "valid_for"), policy.valid_for, LONGEST_VALID, instead

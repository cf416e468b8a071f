"""Periodic review: when one is due, what follows when it is not made, and who may make it.

No review, made or not, moves a version: `stage` and `since` stay. As with approvals, what is due is
derived from the state of the version, the lifecycle in force and the time alone:

- A version that comes to a stage with reviews is to be reviewed `every` so long after that, and
  after each review. One that stood there before the lifecycle said so counts from when it came, but
  is given the time that a review may take: nothing lapses on the day that reviews are introduced.
- When it is due whoever may review is told, reminded once however many reminders are late, and
  when `within` is over it has lapsed. That wins: nobody is reminded of what has lapsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.domain.authors import AuthorPart, authors
from stage_functions.domain.grounds import ITSELF
from stage_functions.domain.lifecycle import (
    ApprovalPolicy,
    Excluded,
    Lifecycle,
    Review,
    WhenUnreviewed,
)
from stage_functions.domain.people import OPERATORS, Actor, Directory
from stage_functions.domain.record import Draft, Json, RecordType, minute, timestamp
from stage_functions.domain.state import Step, VersionState

_PARTS = {
    AuthorPart.BOTH: "its author",
    AuthorPart.REGISTERED: "the person who registered it",
    AuthorPart.TRAINED: "the person who trained it",
}
_LAPSED = {
    WhenUnreviewed.NOTIFY: "it was not reviewed in time",
    WhenUnreviewed.BLOCK: "it was not reviewed in time, and must not be deployed until it is",
}


class Looked(Struct, frozen=True):
    """What the time has made of a version's review.

    Attributes:
        state: of the version by now.
        type: of the record that says so; None for none.
        fields: of that record.
    """

    state: VersionState
    type: RecordType | None = None
    fields: Mapping[str, Json] = {}


def review_of(lifecycle: Lifecycle, stage: str) -> Review | None:
    """Return how versions at a stage are reviewed, or None."""
    known = lifecycle.stages.get(stage)
    return known.review if known is not None else None


def begins(lifecycle: Lifecycle, stage: str, now: datetime) -> datetime | None:
    """Return when the first review is due of a version that comes to a stage now, or None."""
    review = review_of(lifecycle, stage)
    return now + review.every if review is not None else None


def said(due: datetime | None) -> dict[str, Json]:
    """Return, as records carry it, when the next review is due."""
    return {"review_due": timestamp(due)} if due is not None else {}


def awaiting(state: VersionState, due: datetime | None) -> VersionState:
    """Return a version's state with its next review to come, or none."""
    return replace(state, review_due=due, review_at=due, reviews_reminded=0, review_lapsed=False)


def look(state: VersionState, lifecycle: Lifecycle, now: datetime) -> Looked:
    """Return what the time, and the lifecycle in force, have made of a version's review."""
    if not state.governed:
        return Looked(state)
    review = review_of(lifecycle, state.stage)
    if review is None:
        asked = state.review_due or state.review_at
        return Looked(awaiting(state, None) if asked else state)
    if state.review_due is None:
        state = awaiting(state, max(state.since + review.every, now))
    return _due(state, review, state.review_due or now, now)


def _due(state: VersionState, review: Review, due: datetime, now: datetime) -> Looked:
    deadline = due + review.within
    about: dict[str, Json] = {"stage": state.stage, "due": timestamp(due)}
    if state.review_lapsed:
        return Looked(state)
    if now >= deadline:
        then = review.when_unreviewed
        lapsed = replace(state, review_lapsed=True, review_at=None)
        status = f"{state.stage}, but {_LAPSED[then]}"
        return Looked(_answered(lapsed, status), RecordType.REVIEW_LAPSED, {**about, "then": then})
    moments = (due, *(due + after for after in review.remind))
    told = sum(moment <= now for moment in moments)
    upcoming = min(moment for moment in (*moments, deadline) if moment > now)
    state = replace(state, review_at=upcoming)
    if told <= state.reviews_reminded:
        return Looked(state)
    fields = {**about, "deadline": timestamp(deadline)}
    if told > 1:
        fields["reminder"] = told - 1
    status = f"{state.stage}; its review is due, until {minute(deadline)}"
    state = _answered(replace(state, reviews_reminded=told), status)
    return Looked(state, RecordType.REVIEW_DUE, fields)


def pass_time(step: Step, version: str, lifecycle: Lifecycle, now: datetime) -> Step:
    """Add to a decision what the time has made of a version's review."""
    looked = look(step.version(version), lifecycle, now)
    if looked.state is not step.version(version):
        step = step.with_version(looked.state)
    if looked.type is None:
        return step
    incarnation = looked.state.incarnation
    return step.record(Draft(looked.type, version, incarnation, ITSELF, looked.fields))


def behind(state: VersionState, lifecycle: Lifecycle, now: datetime) -> bool:
    """Tell whether the clock has missed something of a version's review."""
    return look(state, lifecycle, now).state != state


def reviewed(
    step: Step, version: str, actor: Actor, comment: str, lifecycle: Lifecycle, now: datetime
) -> Step:
    """Record that somebody has reviewed a version, which clears what it was marked for."""
    state = step.version(version)
    due = begins(lifecycle, state.stage, now)
    fields: dict[str, Json] = {
        "stage": state.stage,
        **({"comment": comment} if comment else {}),
        **said(due),
        **({"clears": state.marked.number} if state.marked is not None else {}),
    }
    draft = Draft(RecordType.REVIEWED, version, state.incarnation, actor, fields)
    status = f"{state.stage}; reviewed{f', next due on {minute(due)}' if due else ''}"
    state = _answered(replace(awaiting(state, due), marked=None), status)
    return step.with_version(state).record(draft)


def groups(lifecycle: Lifecycle, state: VersionState) -> tuple[str, ...]:
    """Return the groups whose members may review a version; see `_judged_at`."""
    review = review_of(lifecycle, _judged_at(state))
    if review is not None and review.groups:
        return review.groups
    policy = _policy(lifecycle, state)
    return tuple(policy.groups) if policy is not None else ()


def objection(
    lifecycle: Lifecycle, state: VersionState, reviewer: str, directory: Directory
) -> str:
    """Say why somebody may not review a version; an empty text if they may."""
    may = groups(lifecycle, state)
    # Of a mark on a way that takes no approval somebody must be able to say that it is settled.
    anyway = state.marked is not None and not may and directory.is_operator(reviewer)
    if not anyway and not set(may) & set(directory.groups_of(reviewer)):
        others = OPERATORS if state.marked is not None else "nobody"
        return f"only {' or '.join(may) or others} may review it"
    for id_, why in _excluded(lifecycle, state).items():
        if directory.resolve(id_) == directory.resolve(reviewer):
            return f"nobody reviews their own work: you are {why}"
        if not directory.certainly_differ(reviewer, id_):
            return f"{why} is known only as {id_}, who may be you: map that id in `people`"
    return ""


def reviewers(lifecycle: Lifecycle, state: VersionState, directory: Directory) -> tuple[str, ...]:
    """Return the ids of the people of the file who may review a version."""
    return tuple(
        person.id
        for person in directory.people.values()
        if not objection(lifecycle, state, person.id, directory)
    )


def _excluded(lifecycle: Lifecycle, state: VersionState) -> dict[str, str]:
    """Return the ids that may not review, each with the reason."""
    if state.marked is None:
        return _makers(lifecycle, state)
    excluded = _made_by(state)  # whatever the lifecycle lets them vote on otherwise
    if state.marked.by:
        excluded[state.marked.by] = "the person who marked it"
    return excluded


def _makers(lifecycle: Lifecycle, state: VersionState) -> dict[str, str]:
    """Return who made a version, unless they may vote on it all the same."""
    policy = _policy(lifecycle, state)
    if policy is not None and Excluded.AUTHOR not in policy.exclude:
        return {}
    return _made_by(state)


def _made_by(state: VersionState) -> dict[str, str]:
    found = authors(state.author, (state.trainer,))
    return {id_: _PARTS[part] for part, id_ in found}


def _judged_at(state: VersionState) -> str:
    """Return at which stage a version is reviewed: of a marked one, where it was taken out."""
    return state.marked.stage if state.marked is not None and state.marked.stage else state.stage


def _policy(lifecycle: Lifecycle, state: VersionState) -> ApprovalPolicy | None:
    """Return whose consent the way to its stage demands; of one that was taken out, the way back.

    Where it came by a way without approval, another way to its stage counts.
    """
    stages = [_judged_at(state)]
    if state.marked is not None:
        stages += [stage for stage in reversed(state.held) if stage != state.stage]
    for stage in stages:
        way = lifecycle.renewal(stage, state.held)
        others = (one for one in lifecycle.transitions if one.target == stage and one.approval)
        way = way or next(others, None)
        if way is not None:
            return way.approval
    return None


def voters(lifecycle: Lifecycle, state: VersionState) -> tuple[str, ...]:
    """Return the groups that may vote on the way to the stage that a version has."""
    policy = _policy(lifecycle, state)
    return tuple(policy.groups) if policy is not None else ()


def may_vote(lifecycle: Lifecycle, state: VersionState, who: str, directory: Directory) -> bool:
    """Tell whether somebody may vote on the way to that stage: who made the version may not."""
    return bool(set(voters(lifecycle, state)) & set(directory.groups_of(who))) and all(
        directory.certainly_differ(who, id_) for id_ in _makers(lifecycle, state)
    )


def _answered(state: VersionState, status: str) -> VersionState:
    """Say something in a version's status, unless that says what an open approval waits for."""
    return state if state.approval else replace(state, status=status)

"""What a rollback will do, and what it will not, in sentences: said before anybody makes it."""

from __future__ import annotations

from datetime import datetime

from stage_functions.application.context import Context
from stage_functions.application.ledger import Loaded
from stage_functions.application.origins import copied_to
from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.lifecycle import Lifecycle, OnViolation, Stage
from stage_functions.domain.record import minute
from stage_functions.domain.rollback import Rollback


def effects(
    context: Context, lifecycle: Lifecycle, loaded: Loaded, way: Rollback, now: datetime
) -> tuple[str, ...]:
    """Say what will happen, and what will not."""
    stage = lifecycle.stages[way.stage]
    asset, versions = loaded.asset, loaded.versions
    said = [
        _moves(way, stage, versions[way.back].stage),
        _carried_by(way),
        _stands_by(way, now),
        _mirrored(asset, way),
        _served(lifecycle, way, stage),
        _stays_out(lifecycle, way, stage),
    ]
    said += [
        f"The open approval {versions[one].approval} of version {one} is closed as voided."
        for one in (way.back, way.out)
        if versions[one].approval
    ]
    copies = copied_to(context, Version(asset, way.out), versions[way.out])
    said += [
        f"Not done: {one.version}, a copy of version {way.out}, stays at {one.stage}; roll it back "
        f"there: `stageward rollback {one.version.asset}`."
        for one in copies
        if one.stage == way.stage
    ]
    return tuple(one for one in said if one)


def _mirrored(asset: Asset, way: Rollback) -> str:
    return (
        f"The tags in registry {asset.registry} follow: version {way.back} is written first, so "
        f"other tools may see both at {way.stage} for a moment, and never none."
    )


def _moves(way: Rollback, stage: Stage, comes_from: str) -> str:
    return (
        f"Version {way.back} goes from {comes_from} to {way.stage}, and version {way.out} from "
        f"{way.stage} to {stage.displaced_to}, in one step."
    )


def _carried_by(way: Rollback) -> str:
    if not way.approval:
        return f"Nobody votes: version {way.out} came to {way.stage} without an approval, too."
    return (
        f"Nobody votes: version {way.back} comes back under approval {way.approval}, which let "
        f"version {way.out} in; its approvers saw that it displaces version {way.back}."
    )


def _served(lifecycle: Lifecycle, way: Rollback, stage: Stage) -> str:
    if not stage.deployable_to:
        return ""
    taken = lifecycle.on_violation is OnViolation.ZERO_TRAFFIC
    then = "gets no more requests" if taken else "is recorded as a violation"
    retires = ", without the time to retire" if stage.retire_within else ""
    return (
        f"Version {way.out} may not be served any more at {' and '.join(stage.deployable_to)}"
        f"{retires}: a deployment that still serves it {then}. Nothing is deployed by itself: "
        f"deploy version {way.back}."
    )


def _stays_out(lifecycle: Lifecycle, way: Rollback, stage: Stage) -> str:
    if not stage.displaced_to or lifecycle.allowed(stage.displaced_to):
        return ""
    return (
        f"Nothing leaves {stage.displaced_to}: version {way.out} does not return from there, "
        "reviewed or not; register it as a new version once it is mended."
    )


def _stands_by(way: Rollback, now: datetime) -> str:
    stood = way.stood
    if not stood.approval or stood.valid_until is None:
        return ""
    ended = stood.valid_until <= now
    end = f"{'ran out on' if ended else 'is valid until'} {minute(stood.valid_until)}"
    then = ": have it renewed" if ended else ", and no longer by this"
    return f"Its own approval {stood.approval}, by which it stood there, {end}{then}."

"""A registry in mode observe: show what would happen, change nothing.

Each changed observation commits one Observed record: from, to, what would have happened, the
verdicts. No stage moves, no approval opens, nothing is owed to the registry.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import reduce

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.application.absence import found
from stage_functions.application.context import Context
from stage_functions.application.judging import Judged, judge
from stage_functions.application.ledger import Loaded
from stage_functions.application.unregistered import Begun, begin
from stage_functions.domain import observation
from stage_functions.domain.aliases import named
from stage_functions.domain.asset import Snapshot
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.people import NOBODY, UNKNOWN
from stage_functions.domain.presence import APPROVAL, PRESENCE, furthest
from stage_functions.domain.record import Draft, Json, RecordType
from stage_functions.domain.state import ALIAS, Step, VersionState
from stage_functions.domain.transition import Request, grounds

_PUT_BACK: Mapping[str, str] = {
    observation.STAGE: "stage {shown} would be put back to {stage}",
    PRESENCE: "the tag {shown} would be removed: the stage is {stage}",
    APPROVAL: "approval {shown} would be put back: the ledger says otherwise",
    observation.MLFLOW_STAGE: "MLflow's own stage {shown} would be put back to {stage}",
    ALIAS: "{shown} would be put back: the stage is {stage}",
}


class Seen(Struct, frozen=True):
    """What an observation comes to.

    Attributes:
        step: with one Observed record, or empty if nothing changed.
        blobs: documents by digest that the record refers to.
    """

    step: Step
    blobs: Mapping[str, bytes] = field(default_factory=dict)


def observe(
    context: Context, loaded: Loaded, snapshot: Snapshot, lifecycle: Lifecycle, now: datetime
) -> Seen:
    """Note what a version shows, and what would come of it, if anything changed."""
    number = snapshot.version.number
    registry = context.configuration.registry(snapshot.version.asset.registry)
    values = observation.observed(snapshot, registry, lifecycle)
    known = loaded.versions.get(number)
    step = loaded.step()
    if known is None or known.incarnation != snapshot.incarnation or known.gone:
        begun = begin(context, snapshot)
        first = _first(step, snapshot, lifecycle, values, now, begun)
        return Seen(reduce(Step.owing, begun.duties, first))
    known = found(known)
    step = step.with_version(known)
    if all(value == known.base.get(source) for source, value in values.items()):
        return Seen(step)
    return _changed(context, step, known, snapshot, lifecycle, values, now)


def would_be(
    context: Context,
    loaded: Loaded,
    snapshot: Snapshot,
    lifecycle: Lifecycle,
    request: Request,
    now: datetime,
) -> Judged:
    """Return what a request would come to if the registry were governed."""
    number = snapshot.version.number
    known = loaded.versions.get(number)
    registry = context.configuration.registry(snapshot.version.asset.registry)
    values = observation.observed(snapshot, registry, lifecycle)
    known = known or VersionState(number, snapshot.incarnation, "", now, base=values)
    stage = standing(known, snapshot, lifecycle)
    step = loaded.step().with_version(replace(known, stage=stage))
    return judge(context, lifecycle, step, snapshot, request, now)


def standing(known: VersionState, snapshot: Snapshot, lifecycle: Lifecycle) -> str:
    """Return where a version stands for want of a grant: granted, else as shown, else initial."""
    if known.stage and not known.gone:
        return known.stage
    base = known.base
    shown = (
        base.get(observation.STAGE),
        furthest(base.get(PRESENCE)),
        base.get(observation.MLFLOW_STAGE),
        snapshot.tags.get(observation.STAGE),
        snapshot.native_stage,
    )
    return next(
        (stage for stage in shown if stage and stage in lifecycle.stages), lifecycle.initial
    )


def _first(
    step: Step,
    snapshot: Snapshot,
    lifecycle: Lifecycle,
    values: Mapping[str, str | None],
    now: datetime,
    begun: Begun,
) -> Step:
    number, job = snapshot.version.number, snapshot.job or ""
    state = VersionState(number, snapshot.incarnation, "", now, base=dict(values), job=job)
    fields: dict[str, Json] = {
        **begun.fields,
        "to": standing(state, snapshot, lifecycle),
        "outcome": "first seen",
        "detail": f"would be taken over by `stageward import {snapshot.version.asset.registry}`",
    }
    draft = Draft(RecordType.OBSERVED, number, snapshot.incarnation, UNKNOWN, fields)
    return step.with_version(state).record(draft)


def _changed(
    context: Context,
    step: Step,
    known: VersionState,
    snapshot: Snapshot,
    lifecycle: Lifecycle,
    values: Mapping[str, str | None],
    now: datetime,
) -> Seen:
    registry = context.configuration.registry(snapshot.version.asset.registry)
    stage = standing(known, snapshot, lifecycle)
    as_governed = replace(known, stage=stage)
    reading = observation.read(as_governed, values, lifecycle, registry)
    fields: dict[str, Json] = {"from": stage}
    blobs: Mapping[str, bytes] = {}
    if reading.wish is not None:
        request = Request(reading.wish.target, reading.wish.reason, NOBODY)
        judged = judge(context, lifecycle, step.with_version(as_governed), snapshot, request, now)
        blobs = judged.blobs
        fields |= {
            "to": reading.wish.target,
            **grounds(judged.outcome),
            **judged.grounds.document(),
        }
    elif reading.drift is not None:
        shown = reading.drift[: observation.MAX_TARGET_CHARACTERS]
        place = ALIAS if named(reading.drift_in) else reading.drift_in
        detail = _PUT_BACK[place].format(shown=shown, stage=stage)
        fields |= {"to": shown, "outcome": "drift", "detail": detail}
    else:
        fields |= {"outcome": "nothing", "detail": "nothing would be asked or put back"}
    state = replace(known.answered(reading.answers, snapshot.modified_at or now), base=dict(values))
    by_tag = reading.drift is not None or (
        reading.wish is not None and reading.wish.source != observation.MLFLOW_STAGE
    )
    actor = NOBODY if by_tag else UNKNOWN
    draft = Draft(RecordType.OBSERVED, known.version, known.incarnation, actor, fields)
    return Seen(step.with_version(state).record(draft), blobs)

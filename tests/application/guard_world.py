"""What tests of guards share: a lifecycle with endpoints, and versions that are served."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.guards import follow_endpoint
from stage_functions.application.ports.registry import Deployment
from stage_functions.application.signal import EndpointSignal
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Version
from stage_functions.domain.lifecycle import Lifecycle, OnViolation
from stage_functions.domain.record import Record, RecordType
from tests.builders import IRIS, World, unguarded

ONE, TWO = Version(IRIS, "1"), Version(IRIS, "2")
SCORING = EndpointSignal("demo", "scoring")
HOURS = 3600
MINUTE = timedelta(minutes=1)


def guarding(
    on_violation: OnViolation = OnViolation.RECORD, retire_within: timedelta | None = None
) -> Lifecycle:
    """Return a lifecycle without approvals: Staging serves tests, Production serves scoring."""
    free = unguarded()
    served = {"Staging": ("*/test",), "Production": ("*/scoring", "*/test")}
    stages = {
        name: replace(stage, deployable_to=served.get(name, ()))
        for name, stage in free.stages.items()
    }
    stages["Production"] = replace(stages["Production"], retire_within=retire_within)
    return replace(free, stages=stages, on_violation=on_violation)


def at(it: World, number: str, *stages: str) -> Version:
    """Register a version and take it along some stages."""
    version = it.register(number)
    for stage in stages:
        move(it, version, stage)
    return version


def move(it: World, version: Version, stage: str) -> None:
    """Ask for a stage, which is granted."""
    assert request_transition(it.context, it.command(version, stage)).kind == "granted"


def deploy(
    it: World,
    version: Version | None,
    endpoint: str = "scoring",
    name: str = "blue",
    when: datetime | None = None,
    by: str | None = None,
) -> Deployment:
    """Make a deployment, or make it anew; Stageward is not told."""
    made = Deployment(endpoint, name, version, when or it.clock.now(), by, 100)
    others = [one for one in it.registry.deployed if (one.endpoint, one.name) != (endpoint, name)]
    it.registry.deployed = [*others, made]
    return made


def told(it: World, signal: EndpointSignal = SCORING) -> bool:
    """Tell Stageward of an endpoint."""
    return follow_endpoint(it.context, signal)


def violations(it: World) -> list[Record]:
    """Return the violations that were recorded."""
    records = query.all_records(it.context, IRIS)
    return [record for record in records if record.type is RecordType.VIOLATED]

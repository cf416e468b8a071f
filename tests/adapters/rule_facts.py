"""The facts that rules are tried on, and rules that pass and fail on them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.evidence import Evidence, Scalar
from stage_functions.domain.facts import facts
from stage_functions.domain.lifecycle import Lifecycle, Stage, Transition
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.rule import Facts
from stage_functions.domain.state import VersionState
from stage_functions.domain.transition import Request

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SINCE = NOW - timedelta(hours=25)
LIFECYCLE = Lifecycle(
    name="default",
    applies_to=("*/*/*",),
    stages={name: Stage(name, initial=name == "None") for name in ("None", "Production")},
    transitions=(Transition("None", "Production"),),
    bind=("team", "note"),
)
METRICS: Mapping[str, Scalar] = {
    "accuracy": 0.97,
    "nan": math.nan,
    "infinite": math.inf,
    "count": 3,
    "huge": 2**70,
    "endless": 10**400,
    "ok": True,
}
PASS = [
    "true",
    "evidence.metrics.accuracy > 0.9",
    "evidence.metrics['accuracy'] > 0.9",
    "evidence.metrics.count >= 2",
    "evidence.metrics.count >= 2.5",
    "evidence.metrics.huge > 9223372036854775807",
    "evidence.metrics.infinite > 1e300",
    "evidence.metrics.endless > 1e300",
    "evidence.metrics.ok == true",
    "evidence.metrics.nan != evidence.metrics.nan",
    "double(evidence.params.C) < 0.6",
    "evidence.job.status == 'FINISHED'",
    "!has(evidence.job.id) || evidence.job.id == 'x'",
    "size(evidence.data) == 0",
    "holder == null",
    "holder == null || holder.evidence.metrics.accuracy < 0.0",
    "version.name.startsWith('ir') && version.name.matches('^[a-z]+$')",
    "version.created_at < now",
    "now - in_stage_since > duration('24h')",
    "in_stage_since + duration('25h') == now",
    "now > timestamp('2026-01-01T00:00:00Z')",
    "'team' in version.tags && !('loose' in version.tags)",
    "evidence.metrics.exists(name, name == 'accuracy')",
    "evidence.nowhere.x == 1 || true",
]
FAIL = [
    "false",
    "evidence.metrics.accuracy > 0.99",
    "evidence.metrics.nan > 0.5",
    "evidence.metrics.nan < 0.5",
    "evidence.metrics.nan == evidence.metrics.nan",
    "evidence.metrics.count == 'three'",
    "holder != null",
    "now - in_stage_since > duration('26h')",
]
HELD = Evidence({"metrics": {"accuracy": 0.95}})


def snapshot(number: str, *, description: str = "a classifier") -> Snapshot:
    """Return a version of iris with one bound and one unbound tag."""
    return Snapshot(
        version=Version.parse(f"demo/models/iris:{number}"),
        created_at=NOW - timedelta(days=3),
        content="models:/m-1",
        tags={"team": "risk", "loose": "no rule reads it"},
        author="mlflow:scientist1",
        description=description,
        properties={"framework": "sklearn"},
    )


def known(
    evidence: Mapping[str, Mapping[str, Scalar]] | None = None,
    *,
    holder: Evidence | None = None,
    description: str = "a classifier",
) -> Facts:
    """Return the facts of a request of version 3 for Production."""
    shown = snapshot("3", description=description)
    sections = {"metrics": METRICS, "params": {"C": "0.5"}, "job": {"status": "FINISHED"}}
    return facts(
        LIFECYCLE,
        shown,
        VersionState("3", shown.incarnation, "None", SINCE),
        Evidence(sections if evidence is None else evidence),
        None if holder is None else (snapshot("2"), holder),
        Request(
            "Production",
            "better",
            Actor("person:scientist-1", Attribution.PROVEN, "api"),
        ),
        NOW,
    )

"""What telemetry tells: the steps that are spans, and what is counted and measured.

One table of each: the adapter makes its instruments by them, and docs/telemetry.md is held against
them. No attribute of a measure has more than a few values, so none names an asset; and no attribute
of anything is a person, a reason, a token, or the value of a tag. Figures of the state, such as
owed work that is parked, are no part of it: see `domain.figure`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto

from msgspec import Struct

from stage_functions.application.ports.telemetry import SILENT, Attribute, Telemetry
from stage_functions.domain.asset import Version
from stage_functions.domain.error import StagewardError
from stage_functions.domain.record import Json, Record, RecordType


class Role(Enum):
    """What a step is to the process that makes it."""

    ENTRY = auto()
    """It begins here, by a request from elsewhere or by the clock."""
    STEP = auto()
    CALL = auto()
    """It waits for another system."""


class Step(Struct, frozen=True):
    """A kind of span.

    Attributes:
        name: of the span.
        role: what it is to this process.
        attributes: that it may have.
        says: what it is, in words.
    """

    name: str
    role: Role
    attributes: tuple[str, ...]
    says: str


class Measure(Struct, frozen=True):
    """Something that is counted, or measured where it has bounds.

    Attributes:
        name: of the instrument.
        unit: as UCUM writes it.
        attributes: that each value has.
        says: what it is, in words.
        bounds: upper ends of the histogram's buckets, in `unit`; none for a counter.
    """

    name: str
    unit: str
    attributes: tuple[str, ...]
    says: str
    bounds: tuple[float, ...] = ()


REGISTRY, ASSET, VERSION = "stageward.registry", "stageward.asset", "stageward.version"
APPROVAL, OUTCOME = "stageward.approval", "stageward.outcome"
SOURCE, TARGET = "stageward.from", "stageward.to"
ERROR_TYPE = "error.type"
"""Name of the exception's type; every span that one passes through has it. Never its message."""

REQUEST, DELIVERY, SIGNAL = "stageward.request", "stageward.delivery", "stageward.signal"
TRANSITION, VOTE = "stageward.transition", "stageward.vote"
LOAD, JUDGE, COMMIT, DUTY = (
    "stageward.load",
    "stageward.judge",
    "stageward.commit",
    "stageward.duty",
)
CALL, SWEEP, SCAN = "stageward.registry.call", "stageward.sweep", "stageward.scan"

_HTTP = ("http.request.method", "http.route", "http.response.status_code")
_OF_VERSION = (REGISTRY, ASSET, VERSION)
STEPS = (
    Step(REQUEST, Role.ENTRY, _HTTP, "an HTTP request: page, API or webhook"),
    Step(DELIVERY, Role.STEP, ("stageward.signals",), "the signals of one event or webhook"),
    Step(SIGNAL, Role.STEP, (*_OF_VERSION, OUTCOME), "a signal is followed up"),
    Step(TRANSITION, Role.STEP, (*_OF_VERSION, OUTCOME), "somebody asks by API, command or page"),
    Step(
        VOTE,
        Role.STEP,
        (APPROVAL, "stageward.action", OUTCOME),
        "a vote, a sponsor, or a withdrawal; links to the trace of the request",
    ),
    Step(LOAD, Role.STEP, (), "an asset is loaded from the ledger"),
    Step(
        JUDGE,
        Role.STEP,
        (*_OF_VERSION, OUTCOME, SOURCE, TARGET, "stageward.rules"),
        "evidence is read, rules are asked, a request is decided",
    ),
    Step(
        COMMIT,
        Role.STEP,
        (ASSET, "stageward.commit", "stageward.records", "stageward.owed"),
        "a decision becomes true",
    ),
    Step(
        DUTY,
        Role.STEP,
        (ASSET, VERSION, "stageward.duty", "stageward.sink", "stageward.attempt", OUTCOME),
        "owed work is done: tags, catalog, events, notices, copies, traffic",
    ),
    Step(CALL, Role.CALL, (*_OF_VERSION, "stageward.call", "peer.service"), "a registry is asked"),
    Step(SWEEP, Role.ENTRY, ("stageward.finished", "stageward.waiting"), "the sweep"),
    Step(SCAN, Role.ENTRY, (REGISTRY, "stageward.seen", "stageward.nominated"), "the scan"),
)

SIGNALS, DECISIONS, CONFLICTS = "stageward.signals", "stageward.decisions", "stageward.conflicts"
DUTIES, RULE_ERRORS = "stageward.duties", "stageward.rule.errors"
EVENT_DURATION, REGISTRY_CALLS = "stageward.event.duration", "stageward.registry.calls"
MEASURES = (
    Measure(
        SIGNALS,
        "{signal}",
        ("outcome",),
        "signals: `changed`, `unchanged`, `failed`, or `ignored` (acknowledged unread)",
    ),
    Measure(
        DECISIONS,
        "{decision}",
        ("outcome", "from", "to"),
        "decisions committed: `granted`, `displaced`, `pending`, `refused`, `renewed`, or what "
        "became of an approval: `rejected`, `withdrawn`, `expired`, `voided`",
    ),
    Measure(CONFLICTS, "{conflict}", (), "decisions begun anew, since the ledger moved meanwhile"),
    Measure(
        DUTIES,
        "{duty}",
        ("duty", "outcome"),
        "owed work tried: `done`, `retried` (again later), `waiting` (put off), `parked`",
    ),
    Measure(RULE_ERRORS, "{error}", (), "rules that could not be evaluated, so held a transition"),
    Measure(
        EVENT_DURATION,
        "s",
        ("outcome",),
        "from the receipt of an event or webhook until it is answered: `followed`, `failed`",
        (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30),
    ),
    Measure(
        REGISTRY_CALLS,
        "{call}",
        ("registry", "call", "outcome"),
        "calls of a registry: `ok`, `unavailable`, `refused`, `failed`",
    ),
)

OTHER = "other"
"""Stands for a stage that somebody asked for and that is none: anybody can make up such names."""


def about(version: Version) -> dict[str, Attribute]:
    """Return the attributes that name a version."""
    return {
        REGISTRY: version.asset.registry,
        ASSET: str(version.asset),
        VERSION: version.number,
    }


def followed(
    telemetry: Telemetry, subject: Version | str, parent: str, follow: Callable[[], bool]
) -> bool:
    """Follow a signal inside a span, and count it; returns and raises as `follow` does.

    Args:
        telemetry: what is told of it.
        subject: the version that it is about, or the alias of the registry.
        parent: `traceparent` of what it follows from, where that is no open step.
        follow: the use case.
    """
    if telemetry is SILENT:  # by far the most frequent of all that happens
        return follow()
    attributes = about(subject) if isinstance(subject, Version) else {REGISTRY: subject}
    with telemetry.span(SIGNAL, attributes=attributes, parent=parent) as span:
        try:
            changed = follow()
        except StagewardError:
            telemetry.count(SIGNALS, outcome="failed")
            raise
        outcome = "changed" if changed else "unchanged"
        span.set(OUTCOME, outcome)
        telemetry.count(SIGNALS, outcome=outcome)
        return changed


def decided(telemetry: Telemetry, records: tuple[Record, ...]) -> None:
    """Count the decisions that a commit has made true."""
    for record in records:
        outcome = _outcome(record)
        if outcome:
            source, target = _course(record)
            telemetry.count(DECISIONS, **{"outcome": outcome, "from": source, "to": target})


def _outcome(record: Record) -> str:
    match record.type:
        case RecordType.STAGE_CHANGED:
            return "displaced" if record.content.get("why") == "displaced" else "granted"
        case RecordType.APPROVAL_REQUESTED:
            return "pending"
        case RecordType.TRANSITION_REFUSED:
            return "refused"
        case RecordType.RENEWED:
            return "renewed"
        case RecordType.APPROVAL_CLOSED:
            status = str(record.content.get("status", ""))
            return "" if status == "approved" else status
        case _:
            return ""


def _course(record: Record) -> tuple[str, str]:
    """Return the stages between which a decision is; what is no stage of a lifecycle is `other`."""
    content = record.content
    source = str(content.get("from", content.get("stage", "")))
    target = str(content.get("to", content.get("stage", "")))
    if record.type is RecordType.TRANSITION_REFUSED and target not in _named(content):
        target = OTHER
    return source, target


def _named(content: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the stages that a refusal itself names as ones that may be asked for."""
    allowed = content.get("allowed", ())
    return tuple(map(str, allowed)) if isinstance(allowed, (list, tuple)) else ()

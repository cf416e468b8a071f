"""What is told of a decision: one trace from the signal to its last effect, and figures of it."""

from __future__ import annotations

import signal as signals
import subprocess
import sys
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from stage_functions.adapters.telemetry import OpenTelemetry
from stage_functions.application import query
from stage_functions.application.deliveries import deliver
from stage_functions.application.following import follow_any
from stage_functions.application.measures import MEASURES, STEPS
from stage_functions.application.signal import Signal, Signals
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.application.vote import VoteCommand, vote, withdraw
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.error import (
    ConflictError,
    DeniedError,
    RegistryUnavailableError,
    SinkRefusedError,
    SinkUnavailableError,
)
from stage_functions.domain.people import Person
from stage_functions.domain.rule import Rule
from tests.builders import DIRECTORY, IRIS, actor, cast, context_over, lifecycle, world
from tests.collector import Collector, telemetry_to
from tests.copy_world import copy_world, there
from tests.crash import context as context_of_folder
from tests.crash import sink_of
from tests.fakes.sink import MemorySink
from tests.fakes.telemetry import CountingTelemetry

TELLTALE = "telltale"
"""Stands in everything that must never be sent."""


def test_the_whole_way_of_a_signal_is_one_trace(
    collector: Collector, telemetry: OpenTelemetry
) -> None:
    """From the delivery over registry, judgement and commit to tags, catalog and event."""
    sink = MemorySink("hook")
    it = world(sinks=(sink,), telemetry=telemetry)
    version = it.register("1")
    it.registry.set_tags(version, {"stage_request": "Staging"})
    deliver(
        lambda one: follow_any(it.context, one),
        Signals((Signal(version),)),
        it.clock,
        telemetry=telemetry,
    )
    telemetry.close()

    (delivery,) = collector.named("stageward.delivery")
    way = [span for span in collector.spans if span.trace == delivery.trace]
    duties = {span.attributes["stageward.duty"] for span in way if span.name == "stageward.duty"}
    names = {span.name for span in way}
    (judged,) = (span for span in way if span.name == "stageward.judge")
    assert {"reconcile", "catalog", "sink"} == duties
    assert {
        "stageward.delivery",
        "stageward.signal",
        "stageward.load",
        "stageward.registry.call",
        "stageward.judge",
        "stageward.commit",
        "stageward.duty",
    } == names
    assert ("granted", "None", "Staging") == tuple(
        judged.attributes[f"stageward.{key}"] for key in ("outcome", "from", "to")
    )
    assert "" == delivery.parent
    assert {span.id for span in way} >= {span.parent for span in way if span.parent}
    assert delivery.trace == sink.traceparents[-1].split("-")[1]
    it.rows.close()


def test_what_a_later_sweep_of_another_process_finishes_belongs_to_the_same_trace(
    collector: Collector, telemetry: OpenTelemetry
) -> None:
    """Also hours later, at the second try; the sweep's own trace is another one."""
    first, second = MemorySink("hook"), MemorySink("hook")
    first.fault = SinkUnavailableError("it is away")
    it = world(sinks=(first,), telemetry=telemetry)
    it.register("1")
    other_telemetry = telemetry_to(collector)
    it.clock.time += timedelta(hours=9)
    other = context_over(
        it.rows,
        it.registry,
        it.clock,
        it.context.configuration.registry("demo").mode,
        (second,),
        telemetry=other_telemetry,
    )

    sweep(other)
    telemetry.close()
    other_telemetry.close()

    (signal,) = collector.named("stageward.signal")
    (swept,) = collector.named("stageward.sweep")
    failed, done = (
        span
        for span in collector.named("stageward.duty")
        if span.attributes["stageward.duty"] == "sink"
    )
    assert (signal.trace, "retried", 1) == (
        failed.trace,
        failed.attributes["stageward.outcome"],
        failed.attributes["stageward.attempt"],
    )
    assert (signal.trace, "done", 2) == (
        done.trace,
        done.attributes["stageward.outcome"],
        done.attributes["stageward.attempt"],
    )
    assert signal.trace != swept.trace
    assert failed.process != done.process
    assert ["", signal.trace] == [one[3:35] for one in second.traceparents], (
        "of its lifecycle: none"
    )
    it.rows.close()


def test_a_process_that_dies_leaves_its_trace_to_the_one_that_comes_after(
    collector: Collector, tmp_path: Path
) -> None:
    """Killed when it publishes; the next one publishes, and the trace goes on."""
    command = [sys.executable, "-m", "tests.telemetry_process", str(tmp_path), collector.url]
    root = Path(__file__).parent.parent.parent
    killed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert -signals.SIGKILL == killed.returncode, killed.stderr
    begun = {span.trace for span in collector.named("stageward.commit")}
    telemetry = telemetry_to(collector)
    on = context_of_folder(tmp_path, ahead=60, telemetry=telemetry)

    sweep(on)
    telemetry.close()
    on.ledger.rows.close()

    (sent,) = (
        span
        for span in collector.named("stageward.duty")
        if span.attributes["stageward.duty"] == "sink"
    )
    assert {sent.trace} == begun
    assert "done" == sent.attributes["stageward.outcome"]
    assert 2 == len(sink_of(tmp_path).numbers()), "of the version, and of its lifecycle"


def test_what_begins_in_another_registry_belongs_to_the_trace_of_the_grant(
    collector: Collector, telemetry: OpenTelemetry
) -> None:
    """A copy that a later sweep makes: its registration there, its tags, its event."""
    it = copy_world(telemetry=telemetry)
    version = it.register()
    it.registries["dev"].before = no_copy
    it.ask(version, "Staging")
    it.registries["dev"].before = lambda _: None
    it.clock.time += timedelta(hours=2)

    sweep(it.context)
    telemetry.close()

    (asked,) = collector.named("stageward.transition")
    duties = duties_of(collector, asked.trace)
    *_, seen = collector.named("stageward.signal")
    assert "Staging" == it.stage(there(version, "test"))
    assert ["retried", "retried", "done"] == [one[2] for one in duties if one[1] == "copy"]
    assert {"reconcile", "catalog", "sink"} == {one[1] for one in duties if "test/" in one[0]}
    assert (asked.trace, "test/models/iris") == (seen.trace, seen.attributes["stageward.asset"])
    it.rows.close()


def no_copy(call: str) -> None:
    """Let no copy be made for now."""
    if call == "copy":
        message = "not now"
        raise RegistryUnavailableError(message)


def duties_of(collector: Collector, trace: str) -> list[tuple[str, str, str]]:
    """Return asset, duty and outcome of the owed work of a trace."""
    keys = ("stageward.asset", "stageward.duty", "stageward.outcome")
    found = [span for span in collector.named("stageward.duty") if span.trace == trace]
    told = [tuple(str(span.attributes[key]) for key in keys) for span in found]
    return [(asset, duty, outcome) for asset, duty, outcome in told]


def test_a_vote_points_to_the_trace_of_the_request(
    collector: Collector, telemetry: OpenTelemetry
) -> None:
    """Each is a trace of its own; what the last vote grants belongs to that one."""
    it = world(telemetry=telemetry)
    version = it.register("1")
    request_transition(it.context, it.command(version, "Staging"))
    answer = request_transition(it.context, it.command(version, "Production"))
    for person in ("bob", "eve"):
        cast(it.context, answer.approval, person)
    telemetry.close()

    *_, request = collector.named("stageward.transition")
    votes = collector.named("stageward.vote")
    granted = [
        span
        for span in collector.named("stageward.duty")
        if span.trace == votes[-1].trace and span.attributes["stageward.duty"] == "reconcile"
    ]
    assert [(request.trace,)] * 2 == [span.links for span in votes]
    assert 3 == len({request.trace, *(span.trace for span in votes)})
    assert ["open", "approved"] == [span.attributes["stageward.outcome"] for span in votes]
    assert {answer.approval} == {span.attributes["stageward.approval"] for span in votes}
    assert ["done"] == [span.attributes["stageward.outcome"] for span in granted]
    it.rows.close()


def test_outcomes_conflicts_and_owed_work_are_counted(
    collector: Collector, telemetry: OpenTelemetry
) -> None:
    """Each under the values that the table names; a stage that is none is `other`."""
    sink = MemorySink("hook")
    it = world(sinks=(sink,), telemetry=telemetry)
    one, two = it.register("1"), it.register("2")
    sink.fault = SinkRefusedError("never")
    for version in (one, two):
        request_transition(it.context, it.command(version, "Staging"))
        answer = request_transition(it.context, it.command(version, "Production"))
        for person in ("bob", "eve"):
            cast(it.context, answer.approval, person)
    request_transition(it.context, it.command(two, "Prodcution, please"))
    waiting = request_transition(it.context, it.command(two, "Archived"))
    withdraw(it.context, waiting.approval, actor("sam"), "w", "")
    stale = it.context.ledger.load(IRIS, ["1"])
    it.tag(one, "stage", "None")
    with pytest.raises(ConflictError):
        it.context.ledger.commit(stale, stale.step(), now=it.clock.now(), operation="late")
    follow(it.context, Signal(one))
    telemetry.close()

    decisions = collector.values("stageward.decisions")
    duties = collector.values("stageward.duties")
    assert {
        ("None", "granted", "Staging"): 2,
        ("Staging", "granted", "Production"): 2,
        ("Staging", "pending", "Production"): 2,
        ("Production", "displaced", "Archived"): 1,
        ("Production", "refused", "other"): 1,
        ("Production", "pending", "Archived"): 1,
        ("Production", "withdrawn", "Archived"): 1,
    } == decisions
    assert {(): 1} == collector.values("stageward.conflicts")
    assert duties["sink", "parked"] >= 1
    assert duties["reconcile", "done"] >= 6
    assert collector.values("stageward.signals")["changed",] >= 3
    assert collector.values("stageward.signals")["unchanged",] >= 1
    assert collector.values("stageward.registry.calls")["read", "ok", "demo"] >= 3
    it.rows.close()


def test_a_rule_that_cannot_be_evaluated_is_counted(
    collector: Collector, telemetry: OpenTelemetry
) -> None:
    """It holds the transition, and somebody should mend it."""
    plain = lifecycle()
    broken = replace(
        plain,
        rules={"broken": Rule("broken", "evidence.metrics.accuracy > 0.9")},
        transitions=(replace(plain.transitions[0], rules=("broken",)), *plain.transitions[1:]),
    )
    it = world(governed_by=broken, telemetry=telemetry)
    version = it.register("1")

    request_transition(it.context, it.command(version, "Staging"))
    telemetry.close()

    assert {(): 1} == collector.values("stageward.rule.errors")
    assert 1 == collector.values("stageward.decisions")["None", "refused", "Staging"]
    it.rows.close()


def test_nothing_that_could_tell_of_a_person_is_sent(collector: Collector) -> None:
    """Names, mails, reasons, comments, tokens, values of tags: in none of the bytes."""
    telemetry = telemetry_to(collector)
    people = {
        key: replace(one, name=f"{TELLTALE} {one.name}", ids=(*one.ids, f"upn:{TELLTALE}@x.org"))
        if key == "sam"
        else one
        for key, one in DIRECTORY.people.items()
    }
    people["mia"] = Person("mia", TELLTALE, (f"mlflow:{TELLTALE}",))
    it = world(sinks=(MemorySink("hook"),), telemetry=telemetry)
    directory = replace(it.context.configuration.directory, people=people)
    configuration = replace(it.context.configuration, directory=directory)
    it = replace(it, context=replace(it.context, configuration=configuration))
    version = Version(IRIS, "1")
    tags = {"note": TELLTALE, "stage_request": f"Staging: {TELLTALE} on the Q3 data"}
    it.registry.register(version, it.clock.now(), tags=tags, author=f"mlflow:{TELLTALE}@y.org")
    follow(it.context, Signal(version, actor=f"mlflow:{TELLTALE}", names=(TELLTALE,)))
    it.tag(version, "stage_request", f"{TELLTALE}: {TELLTALE}")
    it.tag(version, "stage", TELLTALE)
    it.tag(version, "stage_request", f"withdraw {TELLTALE}")
    for principal in (f"upn:{TELLTALE}", ""):
        operation = f"op-{TELLTALE}-{principal}"
        wish = TransitionRequest(version, "Production", TELLTALE, actor("sam"), operation)
        wish = replace(wish, on_behalf_of=principal)
        approval = request_transition(it.context, wish).approval
        seen = query.approval(it.context, approval).approval.fingerprint
        ballot = VoteCommand(approval, Decision.REJECT, TELLTALE, seen, actor("bob"), TELLTALE)
        with nullcontext() if not principal else pytest.raises(DeniedError, match=TELLTALE):
            vote(it.context, ballot)
        if principal:
            withdraw(it.context, approval, actor("sam"), f"w-{operation}", TELLTALE)
    with telemetry.span("stageward.signal", attributes={"stageward.reason": TELLTALE}) as span:
        span.set("actor", TELLTALE)
    with pytest.raises(ValueError, match=TELLTALE), telemetry.span("stageward.signal"):
        raise ValueError(TELLTALE)
    telemetry.count("stageward.signals", outcome="changed", person=TELLTALE)
    telemetry.close()

    sent = b"".join(request.body for request in collector.receiver.requests)
    records = b"".join(record.body for record in query.all_records(it.context, IRIS))
    assert TELLTALE.encode() in records, "the story tells of nobody"
    assert len(collector.spans) > 30
    assert TELLTALE.encode() not in sent
    it.rows.close()


def test_only_steps_measures_and_attributes_of_the_table_are_sent(
    collector: Collector, telemetry: OpenTelemetry
) -> None:
    """So what docs/telemetry.md lists is all that there is."""
    it = world(sinks=(MemorySink("hook"),), telemetry=telemetry)
    version = it.register("1")
    answer = request_transition(it.context, it.command(version, "Staging"))
    follow_any(it.context, Signal(version))
    sweep(it.context)
    telemetry.close()

    steps = {step.name: {*step.attributes, "error.type"} for step in STEPS}
    measures = {one.name: set(one.attributes) for one in MEASURES}
    assert "Staging" == answer.stage
    assert all(set(span.attributes) <= steps[span.name] for span in collector.spans)
    assert all(set(point.attributes) == measures[point.name] for point in collector.points)
    it.rows.close()


def test_where_it_is_off_a_signal_that_changes_nothing_makes_a_handful_of_calls() -> None:
    """Each a call of a method that does nothing: together about a microsecond."""
    telemetry = CountingTelemetry()
    it = world(telemetry=telemetry)
    version = it.register("1")
    telemetry.calls.clear()

    deliver(
        lambda one: follow_any(it.context, one),
        Signals((Signal(version),)),
        it.clock,
        telemetry=telemetry,
    )

    # The fake registry is watched here, as it is where telemetry is on: a span and a count of these.
    assert {"span": 4, "count": 2, "measure": 1} == dict(telemetry.calls)
    it.rows.close()

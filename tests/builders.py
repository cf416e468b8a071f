"""Builders of what most tests need: a configuration, a world to run it in."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.adapters.rules import Rules
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.adapters.telemetry_registry import WatchedRegistry
from stage_functions.application import query
from stage_functions.application.adoption import adopt
from stage_functions.application.answer import Answer
from stage_functions.application.context import Context
from stage_functions.application.keeping import keep_under
from stage_functions.application.ledger import open_ledger
from stage_functions.application.ports.clock import Clock
from stage_functions.application.ports.notifier import Notifier
from stage_functions.application.ports.registry import Registry
from stage_functions.application.ports.rows import Rows
from stage_functions.application.ports.telemetry import SILENT, Telemetry
from stage_functions.application.registries import RegistryStates
from stage_functions.application.scan import found_empty
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.transition import TransitionRequest
from stage_functions.application.vote import VoteCommand, vote
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.configuration import (
    Configuration,
    Mode,
    RegistryConfiguration,
    RegistryType,
)
from stage_functions.domain.lifecycle import (
    ApprovalPolicy,
    Escalation,
    Excluded,
    Lifecycle,
    Stage,
    Transition,
    WhenInvalid,
)
from stage_functions.domain.people import Actor, Attribution, Directory, Person
from tests.fakes.clock import FakeClock
from tests.fakes.registry import MemoryRegistry
from tests.fakes.rows import LossyRows
from tests.fakes.sink import MemorySink

IRIS = Asset("demo", Kind.MODELS, "iris")
BOTH = (Excluded.REQUESTER, Excluded.AUTHOR)
DIRECTORY = Directory(
    people={
        "ada": Person("ada", "Ada", ("mlflow:ada",)),
        "bob": Person("bob", "Bob", ("mlflow:bob",)),
        "eve": Person("eve", "Eve", ("mlflow:eve",)),
        "sam": Person("sam", "Sam", ("mlflow:sam",)),
    },
    groups={"science": ("sam", "ada"), "risk": ("ada", "bob", "eve")},
    operators=("eve",),
)
STAGES = ("None", "Staging", "Production", "Archived")


def lifecycle() -> Lifecycle:
    """Return the default lifecycle's shape, without rules."""
    two = ApprovalPolicy(2, {"risk": 1, "science": 0}, BOTH, timedelta(days=7))
    one = ApprovalPolicy(1, {"risk": 1}, (Excluded.REQUESTER,), timedelta(days=2))
    return Lifecycle(
        name="default",
        applies_to=("*/*/*",),
        stages={
            "None": Stage("None", initial=True, deletable=True),
            "Staging": Stage("Staging"),
            "Production": Stage("Production", exclusive=True, displaced_to="Archived"),
            "Archived": Stage("Archived", terminal=True, deletable=True, hidden=True),
        },
        transitions=(
            Transition("None", "Staging"),
            Transition("None", "Archived"),
            Transition("Staging", "Archived"),
            Transition("Staging", "Production", approval=two),
            Transition("Production", "Archived", approval=one),
        ),
        text={"name": "default", "shape": "the default's"},
    )


def unguarded() -> Lifecycle:
    """Return a lifecycle where anyone may take Production from whoever holds it."""
    return Lifecycle(
        name="unguarded",
        applies_to=("*/*/*",),
        stages=lifecycle().stages,
        transitions=(
            Transition("None", "Staging"),
            Transition("Staging", "Production"),
            Transition("Staging", "Archived"),
        ),
        text={"name": "unguarded"},
    )


def timed(when_invalid: WhenInvalid = WhenInvalid.NOTIFY) -> Lifecycle:
    """Return the lifecycle with a clock: Production reminds, escalates, lapses and runs out."""
    policy = ApprovalPolicy(
        quorum=2,
        groups={"risk": 1},
        exclude=(Excluded.REQUESTER,),
        expires=timedelta(days=7),
        remind=(timedelta(days=1), timedelta(days=3), timedelta(days=5)),
        escalate=Escalation(timedelta(days=2), "science"),
        valid_for=timedelta(days=30),
        when_invalid=when_invalid,
    )
    plain = lifecycle()
    return replace(
        plain,
        stages={
            **plain.stages,
            "Production": replace(plain.stages["Production"], deployable_to=("*/*",)),
        },
        transitions=tuple(
            replace(one, approval=policy) if one.target == "Production" else one
            for one in plain.transitions
        ),
        text={"name": "default", "shape": f"timed, {when_invalid}"},
    )


def actor(key: str) -> Actor:
    """Return a person who is signed in."""
    return Actor(f"person:{key}", Attribution.PROVEN, "api")


def cast(
    context: Context,
    approval: str,
    person: str,
    decision: Decision = Decision.APPROVE,
    comment: str = "",
) -> Answer:
    """Vote on an approval as it is shown."""
    fingerprint = query.approval(context, approval).approval.fingerprint
    operation = context.clock.operation_id()
    return vote(
        context,
        VoteCommand(approval, decision, comment, fingerprint, actor(person), operation),
    )


class World(Struct, frozen=True):
    """Stageward over a store, with a registry in memory and a clock that stands still."""

    context: Context
    registry: MemoryRegistry
    clock: FakeClock
    rows: LossyRows

    def register(self, number: str, tags: dict[str, str] | None = None) -> Version:
        """Register a version of iris, as sam, and tell Stageward."""
        version = Version(IRIS, number)
        self.registry.register(version, self.clock.now(), tags=tags, author="mlflow:sam")
        follow(self.context, Signal(version))
        return version

    def command(self, version: Version, target: str, person: str = "sam") -> TransitionRequest:
        """Return a request over the API."""
        return TransitionRequest(
            version, target, "because", actor(person), self.clock.operation_id()
        )

    def tag(self, version: Version, key: str, value: str) -> None:
        """Edit a tag, and tell Stageward."""
        self.registry.set_tags(version, {key: value})
        follow(self.context, Signal(version))


def context_over(  # noqa: PLR0913, PLR0917  # all that an instance is made of
    rows: Rows,
    registry: Registry,
    clock: Clock,
    mode: Mode,
    sinks: tuple[MemorySink, ...] = (),
    workspace: str = "",
    governed_by: Lifecycle | None = None,
    notifier: Notifier | None = None,
    telemetry: Telemetry = SILENT,
) -> Context:
    """Return one instance of Stageward; over an Azure ML workspace where its id is given."""
    type_ = RegistryType.AZUREML if workspace else RegistryType.MLFLOW
    registries = {"demo": RegistryConfiguration("demo", type_, workspace or "http://m", mode)}
    configuration = Configuration(registries, DIRECTORY, (governed_by or lifecycle(),))
    names = [sink.name for sink in sinks]
    told = notifier is not None
    ledger = open_ledger(rows, clock, names, notices=told, telemetry=telemetry)
    asked: Registry = registry
    if telemetry is not SILENT:
        asked = WatchedRegistry(registry, "demo", telemetry)
    states = RegistryStates(rows, clock, configuration)
    by_name = {sink.name: sink for sink in sinks}
    context = Context(configuration, ledger, {"demo": asked}, states, Rules(), by_name, clock)
    context = replace(context, notifier=notifier, telemetry=telemetry)
    keep_under(context)
    return context


def world(
    mode: Mode = Mode.ENFORCE,
    sinks: tuple[MemorySink, ...] = (),
    workspace: str = "",
    governed_by: Lifecycle | None = None,
    notifier: Notifier | None = None,
    telemetry: Telemetry = SILENT,
) -> World:
    """Return a new world over SQLite in memory, its registry empty."""
    clock, registry = FakeClock(), MemoryRegistry()
    rows = LossyRows(SQLiteRows(":memory:"))
    context = context_over(
        rows, registry, clock, mode, sinks, workspace, governed_by, notifier, telemetry
    )
    adopt(context)
    found_empty(context, "demo")
    return World(context, registry, clock, rows)

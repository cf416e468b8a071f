"""Stageward with stand-ins for its registries, behind the same port as the real adapters.

`demo` stands for an MLflow server, `cloud` for an Azure ML workspace. Everything else is what
`stageward serve` wires: the configuration is read from a file and its rules are evaluated by CEL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from stage_functions.adapters.rules import Rules
from stage_functions.application.adoption import adopt
from stage_functions.application.answer import Answer
from stage_functions.application.context import Context
from stage_functions.application.ledger import open_ledger
from stage_functions.application.ports.clock import Clock
from stage_functions.application.ports.registry import Registry
from stage_functions.application.ports.rows import Rows
from stage_functions.application.ports.sink import Sink
from stage_functions.application.registries import RegistryStates
from stage_functions.application.scan import found_empty
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.application.vote import VoteCommand, vote
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.configuration import (
    Configuration,
    Mode,
    RegistryConfiguration,
    RegistryType,
)
from stage_functions.domain.people import Actor, Attribution
from stage_functions.wire.configuration import load
from tests.fakes.registry import MemoryRegistry
from tests.wire.samples import WORKSPACE

FILE = Path(__file__).parent / "stageward.yaml"
MLFLOW, AZURE = "demo", "cloud"
_ADA = Actor("person:ada", Attribution.PROVEN, "api")


class UnexpectedError(Exception):
    """What is to be measured did not do what it should."""


@dataclass(frozen=True, slots=True)
class World:
    """Stageward, and the stand-ins that it governs.

    Attributes:
        context: what use cases work with.
        stand_ins: by alias.
    """

    context: Context
    stand_ins: dict[str, MemoryRegistry]

    def calls(self) -> int:
        """Return how many calls were made through the registry port so far."""
        return sum(len(one.calls) for one in self.stand_ins.values())

    def register(self, version: Version) -> None:
        """Make a version whose job has finished, and tell Stageward."""
        stand_in = self.stand_ins[version.asset.registry]
        job = stand_in.run(metrics={"accuracy": 0.93}, params={"depth": "4"}, user="ada")
        now = self.context.clock.now()
        stand_in.register(version, now, author="mlflow:ada", job=job)
        follow(self.context, Signal(version))

    def ask(self, version: Version, stage: str) -> Answer:
        """Ask for a transition, as Ada."""
        operation = self.context.clock.operation_id()
        command = TransitionRequest(version, stage, "measured", _ADA, operation)
        return request_transition(self.context, command)

    def approve(self, asked: Answer) -> None:
        """Approve what was asked, as Bob."""
        operation = self.context.clock.operation_id()
        actor = Actor("person:bob", Attribution.PROVEN, "api")
        ballot = VoteCommand(
            asked.approval, Decision.APPROVE, "", asked.fingerprint, actor, operation
        )
        vote(self.context, ballot)

    def move(self, version: Version, *stages: str) -> None:
        """Ask for transitions.

        Raises:
            UnexpectedError: one was not granted.
        """
        for stage in stages:
            answer = self.ask(version, stage)
            if answer.stage != stage:
                message = f"{version} stands at {answer.stage}, not at {stage}: {answer.detail}"
                raise UnexpectedError(message)


def version(alias: str, name: str, number: int = 1) -> Version:
    """Return a version of a model."""
    return Version(Asset(alias, Kind.MODELS, name), str(number))


def world(rows: Rows, clock: Clock, sinks: Sequence[Sink] = ()) -> World:
    """Return Stageward over a store, its registries empty."""
    stand_ins = {alias: MemoryRegistry(alias) for alias in (MLFLOW, AZURE)}
    context = context_over(rows, clock, stand_ins, sinks)
    for alias in stand_ins:
        found_empty(context, alias)
    return World(context, stand_ins)


def context_over(
    rows: Rows, clock: Clock, registries: Mapping[str, Registry], sinks: Sequence[Sink] = ()
) -> Context:
    """Return one instance of Stageward over a store and registries."""
    rules = Rules()
    configuration = _configuration(rules)
    ledger = open_ledger(rows, clock, [sink.name for sink in sinks])
    states = RegistryStates(rows, clock, configuration)
    by_name = {sink.name: sink for sink in sinks}
    context = Context(configuration, ledger, registries, states, rules, by_name, clock)
    adopt(context)
    return context


def _configuration(rules: Rules) -> Configuration:
    text, environment = FILE.read_text(encoding="utf-8"), {"MLFLOW_TRACKING_URI": "http://mlflow"}
    read = load(text, path=str(FILE), environment=environment, check_rule=rules.check)
    azure = RegistryConfiguration(AZURE, RegistryType.AZUREML, WORKSPACE, Mode.ENFORCE)
    return replace(read, registries={**read.registries, AZURE: azure})

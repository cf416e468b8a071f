"""A workspace to develop in, one to test in, and a registry that all share: copies between them."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.adapters.cel import CelRules
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application import query
from stage_functions.application.adoption import adopt
from stage_functions.application.answer import Answer
from stage_functions.application.context import Context
from stage_functions.application.ledger import open_ledger
from stage_functions.application.ports.telemetry import SILENT, Telemetry
from stage_functions.application.registries import RegistryStates
from stage_functions.application.scan import found_empty
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.configuration import (
    Configuration,
    Mode,
    RegistryConfiguration,
    RegistryType,
)
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.lifecycle import ApprovalPolicy, Excluded, Lifecycle, Transition
from stage_functions.domain.record import Record
from stage_functions.domain.rule import Rule
from stage_functions.domain.state import VersionState
from tests.builders import DIRECTORY, World, actor, cast, lifecycle
from tests.fakes.clock import FakeClock
from tests.fakes.registry import MemoryRegistry
from tests.fakes.rows import LossyRows
from tests.fakes.sink import MemorySink

ALIASES = ("dev", "test", "shared")
ONE_OF_RISK = ApprovalPolicy(1, {"risk": 1}, (Excluded.REQUESTER, Excluded.AUTHOR))


def governing(alias: str, *ways: Transition) -> Lifecycle:
    """Return the lifecycle of one registry, with the stages of the default."""
    rules = {"good": Rule("good", "evidence.metrics.accuracy > 0.9")}
    return Lifecycle(
        name=f"in-{alias}",
        applies_to=(f"{alias}/*/*",),
        stages=lifecycle().stages,
        transitions=ways,
        rules=rules,
        forward_only=True,
        text={"name": f"in-{alias}", "ways": len(ways)},
    )


def lifecycles() -> tuple[Lifecycle, ...]:
    """Return the lifecycles of a way from development over test to the shared registry."""
    return (
        governing("dev", Transition("None", "Staging", ("good",), copy_to="test")),
        governing(
            "test",
            Transition("None", "Archived"),
            Transition("Staging", "Production", ("good",), approval=ONE_OF_RISK, copy_to="shared"),
        ),
        governing(
            "shared",
            Transition("None", "Staging"),
            Transition("Production", "Archived", approval=ONE_OF_RISK),
        ),
    )


class CopyWorld(Struct, frozen=True):
    """Stageward over a store and three registries, with a clock that stands still."""

    context: Context
    registries: Mapping[str, MemoryRegistry]
    clock: FakeClock
    rows: LossyRows
    sink: MemorySink

    def register(
        self, number: str = "1", alias: str = "dev", author: str = "mlflow:sam"
    ) -> Version:
        """Register a version of iris with good evidence, and tell Stageward."""
        version = Version(Asset(alias, Kind.MODELS, "iris"), number)
        registry = self.registries[alias]
        registry.evidences[version] = Evidence(
            {"job": {"id": "j1", "status": "FINISHED"}, "metrics": {"accuracy": 0.97}}
        )
        registry.register(version, self.clock.now(), author=author)
        self.see(version)
        return version

    def see(self, version: Version) -> None:
        """Tell Stageward of a version."""
        follow(self.context, Signal(version))

    def world(self) -> World:
        """Return it as what serves the API over a world takes it."""
        return World(self.context, self.registries["dev"], self.clock, self.rows)

    def ask(self, version: Version, target: str, person: str = "sam") -> Answer:
        """Ask for a transition over the API."""
        operation = self.clock.operation_id()
        command = TransitionRequest(version, target, "because", actor(person), operation)
        return request_transition(self.context, command)

    def approve(self, approval: str, person: str = "bob") -> Answer:
        """Vote for an approval."""
        return cast(self.context, approval, person, comment="fine")

    def state(self, version: Version) -> VersionState:
        """Return where a version stands."""
        found = self.context.ledger.state(version)
        assert found is not None
        return found

    def stage(self, version: Version) -> str:
        """Return the stage that was granted to a version; "" where it is not known."""
        found = self.context.ledger.state(version)
        return found.stage if found is not None else ""

    def records(self, version: Version) -> list[Record]:
        """Return the history of a version's asset."""
        return list(query.all_records(self.context, version.asset))


def there(version: Version, alias: str) -> Version:
    """Return the version of the same name and number in another registry."""
    return Version(replace(version.asset, registry=alias), version.number)


def configuration(
    governed_by: tuple[Lifecycle, ...] = (),
    modes: Mapping[str, Mode] | None = None,
    copies_only: tuple[str, ...] = (),
) -> Configuration:
    """Return a configuration of three registries."""
    registries = {
        alias: RegistryConfiguration(
            alias,
            RegistryType.AZUREML,
            f"/{alias}",
            (modes or {}).get(alias, Mode.ENFORCE),
            copies_only=alias in copies_only,
        )
        for alias in ALIASES
    }
    return Configuration(registries, DIRECTORY, governed_by or lifecycles())


def copy_world(
    governed_by: tuple[Lifecycle, ...] = (),
    modes: Mapping[str, Mode] | None = None,
    copies_only: tuple[str, ...] = (),
    telemetry: Telemetry = SILENT,
) -> CopyWorld:
    """Return a new world over SQLite in memory, its registries empty."""
    clock, sink = FakeClock(), MemorySink("hook")
    rows = LossyRows(SQLiteRows(":memory:"))
    registries = {alias: MemoryRegistry(alias) for alias in ALIASES}
    for one in registries.values():
        one.beside = registries
    said = configuration(governed_by, modes, copies_only)
    context = Context(
        said,
        open_ledger(rows, clock, [sink.name], telemetry=telemetry),
        registries,
        RegistryStates(rows, clock, said),
        CelRules(),
        {sink.name: sink},
        clock,
        telemetry=telemetry,
    )
    adopt(context)
    for alias in ALIASES:
        found_empty(context, alias)
    return CopyWorld(context, registries, clock, rows, sink)

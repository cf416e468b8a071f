"""What must always hold of copies, in any order of signals, faults, losses and interference."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.context import Context
from stage_functions.application.ledger import open_ledger
from stage_functions.application.origins import verify_origin
from stage_functions.application.registries import RegistryStates
from stage_functions.application.scan import Scanner
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.application.upkeep import outbox
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.error import StagewardError
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.lifecycle import Lifecycle, Transition
from stage_functions.domain.record import Record, RecordType
from stage_functions.domain.state import Origin
from tests.builders import STAGES, actor
from tests.copy_world import ALIASES, CopyWorld, copy_world, governing, there

ASSETS = {alias: Asset(alias, Kind.MODELS, "iris") for alias in ALIASES}
VERSIONS = [Version(asset, number) for asset in ASSETS.values() for number in "12"]
versions, aliases = st.sampled_from(VERSIONS), st.sampled_from(ALIASES)


def ways() -> tuple[Lifecycle, ...]:
    """Return a way from development over test to the shared registry, without approvals."""
    return (
        governing(
            "dev",
            Transition("None", "Staging", ("good",), copy_to="test"),
            Transition("Staging", "Archived"),
        ),
        governing(
            "test",
            Transition("None", "Staging"),
            Transition("Staging", "Production", ("good",), copy_to="shared"),
        ),
        governing("shared", Transition("None", "Staging"), Transition("Production", "Archived")),
    )


class Copies(RuleBasedStateMachine):
    """Two instances over one ledger and three registries, which come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.it: CopyWorld = copy_world(ways(), copies_only=("shared",))
        self.instances = (self.it.context, self.another())

    def another(self) -> Context:
        """Return another instance over the same."""
        said, rows, clock = self.it.context.configuration, self.it.rows, self.it.clock
        ledger = open_ledger(rows, clock, [self.it.sink.name])
        return replace(self.it.context, ledger=ledger, states=RegistryStates(rows, clock, said))

    def teardown(self) -> None:
        """Close the store."""
        self.it.rows.close()

    @rule(version=versions)
    def register(self, version: Version) -> None:
        """Somebody registers a version, anywhere, perhaps anew."""
        registry = self.it.registries[version.asset.registry]
        registry.evidences[version] = Evidence({"metrics": {"accuracy": 0.97}})
        registry.register(version, self.it.clock.now(), author="mlflow:sam")

    @rule(version=versions)
    def remove(self, version: Version) -> None:
        """Somebody deletes a version."""
        self.it.registries[version.asset.registry].remove(version)

    @rule(version=versions, instance=st.integers(0, 1))
    def deliver(self, version: Version, instance: int) -> None:
        """A signal arrives; it may fail."""
        with suppress(StagewardError):
            follow(self.instances[instance], Signal(version))

    @rule(version=versions, stage=st.sampled_from(STAGES[1:]), instance=st.integers(0, 1))
    def ask(self, version: Version, stage: str, instance: int) -> None:
        """Somebody asks over the API."""
        operation = self.it.clock.operation_id()
        command = TransitionRequest(version, stage, "because", actor("sam"), operation)
        with suppress(StagewardError):
            request_transition(self.instances[instance], command)

    @rule(number=st.sampled_from("12"), instance=st.integers(0, 1))
    def send_all_the_way(self, number: str, instance: int) -> None:
        """A version is developed, tested and shared, as far as it goes."""
        dev = Version(ASSETS["dev"], number)
        self.ask(dev, "Staging", instance)
        self.ask(there(dev, "test"), "Production", 1 - instance)

    @rule(version=versions, stage=st.sampled_from(STAGES[1:]), other=versions)
    def interfere(self, version: Version, stage: str, other: Version) -> None:
        """The other instance does something between a load and its commit."""

        def meanwhile() -> None:
            self.ask(version, stage, 1)
            self.deliver(other, 1)

        self.it.rows.meanwhile = meanwhile

    @rule(alias=aliases, calls=st.integers(0, 4))
    def go_away(self, alias: str, calls: int) -> None:
        """A registry is away, now or in the middle of what comes next."""
        self.it.registries[alias].fail_after(calls)

    @rule(alias=aliases)
    def come_back(self, alias: str) -> None:
        """It is there again."""
        self.it.registries[alias].fail_after(-1)
        self.it.registries[alias].away = False

    @rule(losses=st.lists(st.sampled_from((None, True, False)), max_size=4))
    def lose_replies(self, losses: list[bool | None]) -> None:
        """The store's next replies are lost, with or without the batch applied."""
        self.it.rows.losses = losses

    @rule(seconds=st.sampled_from((1, 40, 700, 4000)), instance=st.integers(0, 1))
    def wait_and_sweep(self, seconds: int, instance: int) -> None:
        """Time passes, and what is owed is looked at."""
        self.it.clock.sleep(seconds)
        with suppress(StagewardError):
            sweep(self.instances[instance])

    @rule()
    def come_to_rest(self) -> None:
        """With no one writing, everything is copied that can be; then nothing happens any more."""
        self.it.rows.losses, self.it.rows.meanwhile = [], None
        for alias in ALIASES:
            self.come_back(alias)
        for _ in range(6):
            self.it.clock.sleep(3700)
            sweep(self.it.context)
            for alias in ALIASES:
                Scanner(self.it.context).scan(alias)
        count = len(self.everything())
        for version in VERSIONS:
            follow(self.instances[0], Signal(version))
            follow(self.instances[1], Signal(version))

        assert count == len(self.everything())
        assert all(one.owed.duty == "copy" and one.owed.parked for one in outbox(self.it.context))
        for granted in self.grants():
            self.check_copied(granted)

    def check_copied(self, granted: Record) -> None:
        """Check that what was granted is copied, or that the history or the outbox says why not."""
        asset = Asset.parse(str(granted.content["asset"]))
        said = [
            one
            for one in self.records(asset)
            if one.type is RecordType.DRIFT_FOUND
            and one.version == granted.version
            and "copy_to" in one.content
            and one.number > granted.number
        ]
        target = there(Version(asset, granted.version), self.target(granted))
        begun = [
            str(one.content["origin"]["version"])  # type: ignore[call-overload,index]  # a document
            for one in self.records(target.asset)
            if one.version == target.number and "origin" in one.content
        ]
        assert said or str(Version(asset, granted.version)) in begun

    def target(self, granted: Record) -> str:
        """Return where a grant is copied to."""
        lifecycle = self.it.context.configuration.lifecycle(
            Asset.parse(str(granted.content["asset"]))
        )
        assert lifecycle is not None
        content = granted.content
        way = lifecycle.transition(str(content["from"]), str(content["to"]))
        return way.copy_to if way is not None else ""

    def records(self, asset: Asset) -> list[Record]:
        """Return the history of an asset."""
        return list(query.all_records(self.it.context, asset))

    def everything(self) -> list[Record]:
        """Return all histories."""
        return [record for asset in ASSETS.values() for record in self.records(asset)]

    def grants(self) -> list[Record]:
        """Return the records of grants that owe a copy."""
        return [
            one
            for one in self.everything()
            if one.type is RecordType.STAGE_CHANGED
            and one.content["why"] == "allowed"
            and self.target(one)
        ]

    @invariant()
    def every_copy_is_proven_and_begins_once(self) -> None:
        """Its origin's record grants what it began at, and no grant begins two of them."""
        begun: list[str] = []
        for record in self.everything():
            if record.type is not RecordType.REGISTERED:
                continue
            found = record.content.get("origin")
            if not isinstance(found, dict):
                assert "None" == record.content["to"]
                continue
            origin = Origin(
                str(found["version"]),
                str(found["content"]),
                str(found["record"]),
                number=int(found["number"]),
            )
            assert "" == verify_origin(self.it.context, origin, str(record.content["to"]))
            begun.append(origin.record)
        assert len(begun) == len(set(begun))

    @invariant()
    def histories_are_whole_and_agree_with_the_states(self) -> None:
        """Replayed they say where every version stands, and one at most holds Production."""
        context = self.it.context
        for asset in ASSETS.values():
            if not context.ledger.load(asset).etag:
                continue
            assert query.check_history(context, asset) is None
            stood = {n: s.stage for n, s in query.standings(context, asset, None).items()}
            states = context.ledger.versions(asset)
            assert stood == {n: s.stage for n, s in states.items() if s.governed}
            held = [n for n, stage in stood.items() if stage == "Production"]
            assert tuple(held) == context.ledger.load(asset).head.holders.get("Production", ())

    @invariant()
    def one_version_at_most_holds_production_after_every_commit(self) -> None:
        """Also where a copy takes it over."""
        for asset in ASSETS.values():
            standing: dict[str, str] = {}
            after: dict[object, dict[str, str]] = {}
            for record in self.records(asset):
                if record.type is RecordType.DELETED:
                    standing.pop(record.version, None)
                elif record.type in (RecordType.REGISTERED, RecordType.STAGE_CHANGED):
                    standing[record.version] = str(record.content["to"])
                after[record.content["commit"]] = dict(standing)
            assert all(list(one.values()).count("Production") <= 1 for one in after.values())

    @invariant()
    def a_stranger_never_leaves_the_initial_stage_of_the_shared_registry(self) -> None:
        """Only copies belong there."""
        for state in self.it.context.ledger.versions(ASSETS["shared"]).values():
            assert not state.governed or state.origin is not None or state.stage == "None"


Copies.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestCopies = Copies.TestCase

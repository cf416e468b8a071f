"""What must always hold, also where an alias and MLflow's own stage follow the stage."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule
from msgspec.structs import replace

from stage_functions.application.following import follow_any
from stage_functions.application.signal import AliasSignal
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mirror, Source
from stage_functions.domain.error import StagewardError
from tests.application.mirror_world import changed
from tests.application.test_stateful import VERSIONS, Stageward, versions
from tests.builders import IRIS, STAGES

ALIASES = ("champion", "best")


class Aliases(Stageward):
    """Two instances, people who do as they please, and what MLflow has of its own for stages."""

    options: Mapping[str, object] = {
        "aliases": {"champion": "Production", "best": ""},
        "mirror_to": (Mirror.TAG, Mirror.MLFLOW_STAGE),
        "requests_from": (Source.TAG, Source.MLFLOW_STAGE),
    }

    def __init__(self) -> None:
        super().__init__()
        first, second = (changed(one, **self.options) for one in self.instances)
        self.instances = (first, second)
        self.world = replace(self.world, context=first)

    def hint(self, alias: str, number: str, instance: int) -> None:
        """Deliver a hint about an alias, as a host does: it may fail."""
        with suppress(StagewardError):
            follow_any(self.instances[instance], AliasSignal(IRIS, alias, number))

    @rule(
        alias=st.sampled_from(ALIASES),
        number=st.sampled_from(("", "1", "2", "3")),
        instance=st.integers(0, 1),
        told=st.booleans(),
    )
    def move_an_alias(self, alias: str, number: str, instance: int, told: bool) -> None:  # noqa: FBT001  # a strategy's value
        """Somebody sets an alias at a version, or deletes it."""
        if not number or self.known(Version(IRIS, number)):
            self.world.registry.set_alias(IRIS, alias, number)
            if told:
                self.hint(alias, number, instance)

    @rule(version=versions, stage=st.sampled_from(STAGES), told=st.booleans())
    def edit_the_field(self, version: Version, stage: str, told: bool) -> None:  # noqa: FBT001  # a strategy's value
        """Somebody sets MLflow's own stage."""
        if self.known(version):
            self.world.registry.set_native_stage(version, stage)
            if told:
                self.signal(version, 0)

    @rule(number=st.sampled_from("123"), alias=st.sampled_from(ALIASES), data=st.data())
    def interfere_with_an_alias(self, number: str, alias: str, data: st.DataObject) -> None:
        """The other instance, or somebody, is at it while an alias or a tag is written."""
        when = data.draw(st.sampled_from(("write_alias", "write_tag")))
        late = data.draw(st.booleans())

        def meanwhile(name: str) -> None:
            if name != when:
                return
            self.world.registry.before = self.world.registry.after = lambda _: None
            self.signal(Version(IRIS, number), 1)
            self.hint(alias, number, 1)

        if late:
            self.world.registry.after = meanwhile
        else:
            self.world.registry.before = meanwhile

    @rule()
    def come_to_rest(self) -> None:
        """At rest the holder of Production has both aliases, and MLflow shows what is granted."""
        self.world.registry.before = self.world.registry.after = lambda _: None
        super().come_to_rest()
        states = self.world.context.ledger.versions(IRIS)
        governed = {
            number: state
            for number, state in states.items()
            if state.governed and self.known(Version(IRIS, number))
        }
        holders = [number for number, state in governed.items() if state.stage == "Production"]
        for number, state in governed.items():
            shown = self.world.registry.read(Version(IRIS, number))
            assert shown is not None
            assert state.stage == shown.native_stage == state.base["mlflow_stage"]
            assert shown.aliases == (("best", "champion") if number in holders else ())
        expected = {alias: one for alias in ALIASES for one in holders}
        assert expected == self.world.registry.aliases(IRIS)
        assert len(VERSIONS) >= len(governed)


Aliases.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestAliases = Aliases.TestCase

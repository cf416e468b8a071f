"""What must always hold, also where tags stand for stages, ask for them, and old ones come back."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule
from msgspec.structs import replace

from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.domain.asset import Version
from stage_functions.domain.error import StagewardError
from stage_functions.domain.record import RecordType
from tests.application.mirror_world import ASKED, KEYS, SHOWN, STAGE_KEYS, changed, keys_of
from tests.application.test_stateful import Stageward, versions
from tests.builders import IRIS

_MOVES = (RecordType.STAGE_CHANGED, RecordType.APPROVAL_REQUESTED)


class Presence(Stageward):
    """Two instances, people who do as they please, and tags that stand for stages."""

    options: Mapping[str, object] = {
        "mirror_to": SHOWN,
        "requests_from": ASKED,
        "presence": KEYS,
    }

    def __init__(self) -> None:
        super().__init__()
        first, second = (changed(one, **self.options) for one in self.instances)
        self.instances = (first, second)
        self.world = replace(self.world, context=first)
        self.answered: dict[tuple[Version, str], list[Mapping[str, str]]] = {}

    def signal(self, version: Version, instance: int) -> None:
        """Deliver a signal, and remember what was read and answered."""
        snapshot = self.world.registry.read(version)
        with suppress(StagewardError):
            follow(self.instances[instance], Signal(version))
            state = self.world.context.ledger.versions(IRIS).get(version.number)
            calm = self.world.rows.meanwhile is None and not self.world.rows.losses
            if snapshot is not None and state is not None and calm and not state.paused_until:
                key = (version, snapshot.incarnation)
                self.answered.setdefault(key, []).append(dict(snapshot.tags))

    @rule(
        version=versions,
        key=st.sampled_from((*STAGE_KEYS, "approval")),
        value=st.sampled_from((None, "", "true", "prod-approved")),
        told=st.booleans(),
    )
    def edit_a_key(self, version: Version, key: str, value: str | None, told: bool) -> None:  # noqa: FBT001  # a strategy's value
        """Somebody sets or removes a tag that stands for a stage."""
        if self.known(version):
            self.world.registry.set_tags(version, {key: value})
            if told:
                self.signal(version, 0)

    @rule(version=versions, data=st.data(), whole=st.booleans())
    def answered_tags_come_back(
        self,
        version: Version,
        data: st.DataObject,
        whole: bool,  # noqa: FBT001  # a strategy's value
    ) -> None:
        """A stale tool writes back what was answered: no stage moves, nothing is asked.

        Not even where what it asked for has expired meanwhile.
        """
        snapshot = self.world.registry.read(version)
        maps = self.answered.get((version, snapshot.incarnation), []) if snapshot else []
        if snapshot is None or not maps:
            return
        self.world.clock.sleep(8 * 86_400)
        self.come_to_rest()
        before = self.moves()
        old = data.draw(st.sampled_from(maps))
        gone = dict.fromkeys(snapshot.tags) if whole else {}
        self.world.registry.set_tags(version, {**gone, **old})
        self.come_to_rest()

        assert self.moves() == before

    @rule(version=versions, key=st.sampled_from(("staging", "prod", "archived")))
    def ask_by_key(self, version: Version, key: str) -> None:
        """Somebody asks by a key, and old tags come back after it was answered."""
        if self.known(version):
            self.signal(version, 0)
            self.world.registry.set_tags(version, {key: "1"})
            self.signal(version, 0)

    def moves(self) -> list[int]:
        """Return the numbers of the records by which something moved or was asked to."""
        return [one.number for one in self.records() if one.type in _MOVES]

    @rule()
    def come_to_rest(self) -> None:
        """At rest every version shows the one key of its stage, and by which approval it is there."""
        super().come_to_rest()
        for number, state in self.world.context.ledger.versions(IRIS).items():
            version = Version(IRIS, number)
            if state.governed and self.known(version):
                shown = keys_of(self.world, version)
                key = KEYS.get(state.stage, state.stage.lower())
                approval = {"approval": f"{key}-approved"} if state.approved_by else {}
                assert {k: v for k, v in shown.items() if k != key} == approval
                assert key in shown
                assert state.base["presence"] == state.stage


Presence.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestPresence = Presence.TestCase

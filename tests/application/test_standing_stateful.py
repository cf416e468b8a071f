"""What must always hold of frozen stages and reviews, in whatever order things happen."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from stage_functions.application.attending import acknowledge, make_review
from stage_functions.application.scan import Scanner
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import StagewardError
from stage_functions.domain.record import RecordType
from tests.application.frozen_world import freezing, records, reviewing, said, state
from tests.builders import IRIS, context_over, unguarded, world

DAY = timedelta(days=1)
instances = st.integers(0, 1)
numbers = st.sampled_from(("1", "1", "2"))
people = st.sampled_from(("ada", "bob", "eve", "sam"))


class Standing(RuleBasedStateMachine):
    """Two instances over two versions that take a stage, frozen and reviewed, from each other."""

    def __init__(self) -> None:
        super().__init__()
        governed_by = freezing(unguarded())
        production = replace(
            governed_by.stages["Production"], review=reviewing().stages["Production"].review
        )
        stages = {**governed_by.stages, "Production": production}
        governed_by = replace(governed_by, stages=stages)
        self.it = world(governed_by=governed_by)
        other = context_over(
            self.it.rows, self.it.registry, self.it.clock, Mode.ENFORCE, governed_by=governed_by
        )
        self.contexts = (self.it.context, other)
        for number in ("1", "2"):
            self.it.register(number, {"owner": "ada"})
            self.ask(number, 0, "Staging")
        self.ask("1", 0, "Production")
        self.kept: dict[str, dict[str, str]] = {}

    def teardown(self) -> None:
        """Close the store."""
        self.it.rows.close()

    @rule(number=numbers, i=instances, stage=st.sampled_from(("Production", "Archived")))
    def ask(self, number: str, i: int, stage: str) -> None:
        """Somebody asks."""
        with suppress(StagewardError):
            command = self.it.command(Version(IRIS, number), stage)
            request_transition(self.contexts[i], command)

    @rule(number=numbers, key=st.sampled_from(("owner", "team")), value=st.sampled_from("xyz"))
    def edit(self, number: str, key: str, value: str) -> None:
        """Somebody edits a tag."""
        self.it.registry.set_tag(Version(IRIS, number), key, value)

    @rule(number=numbers, value=st.sampled_from(("", "x")))
    def describe(self, number: str, value: str) -> None:
        """Somebody edits the description."""
        self.it.registry.describe(Version(IRIS, number), value)

    @rule(number=numbers, i=instances, away=st.sampled_from((-1, -1, 1, 2, 3)))
    def signal(self, number: str, i: int, away: int) -> None:
        """A signal comes, and the registry may go away meanwhile."""
        self.it.registry.fail_after(away)
        with suppress(StagewardError):
            follow(self.contexts[i], Signal(Version(IRIS, number)))
        self.it.registry.fail_after(-1)
        self.it.registry.away = False

    @rule(i=instances)
    def scan(self, i: int) -> None:
        """The registry is scanned."""
        with suppress(StagewardError):
            Scanner(self.contexts[i]).scan("demo")

    @rule(
        days=st.sampled_from((0.02, 1, 4, 8, 15, 181)),
        back=st.sampled_from((False, False, False, True)),
        i=instances,
    )
    def time_passes(self, days: float, back: bool, i: int) -> None:  # noqa: FBT001  # a strategy's value
        """Or the clock is set back; then somebody sweeps."""
        self.it.clock.time += (-days if back else days) * DAY
        with suppress(StagewardError):
            sweep(self.contexts[i])

    @rule(
        lost=st.sampled_from((True, False)),
        number=numbers,
        person=people,
        i=instances,
        reviews=st.booleans(),
    )
    def attend(self, lost: bool, number: str, person: str, i: int, reviews: bool) -> None:  # noqa: FBT001  # strategies' values
        """Somebody reviews or acknowledges, twice by the same operation; a reply may be lost."""
        command = said(self.it, Version(IRIS, number), person, "seen")
        self.it.rows.losses = [lost]
        for _ in range(2):
            with suppress(StagewardError):
                (make_review if reviews else acknowledge)(self.contexts[i], command)
        self.it.rows.losses = []

    @invariant()
    def nothing_is_granted_to_what_was_edited(self) -> None:
        """Between an edit and its acknowledgement a version moves only by being displaced."""
        drifted: set[str] = set()
        for one in records(self.it):
            if one.blocks:
                drifted.add(one.version)
            elif one.type is RecordType.ACKNOWLEDGED:
                drifted.remove(one.version)
            elif one.type is RecordType.STAGE_CHANGED:
                assert one.version not in drifted or one.content["why"] == "displaced"
        for number in ("1", "2"):
            assert bool(state(self.it, number).drifted) is (number in drifted)

    @invariant()
    def each_part_is_recorded_once(self) -> None:
        """Until it is acknowledged: two tags, the description, and that nothing is put back."""
        since: dict[str, int] = {}
        for one in records(self.it):
            if one.blocks:
                since[one.version] = since.get(one.version, 0) + 1
                assert since[one.version] <= 4
            elif one.type is RecordType.ACKNOWLEDGED:
                since[one.version] = 0

    @invariant()
    def a_review_comes_due_in_order_and_lapses_once(self) -> None:
        """Reminders count up, and nothing is said after it has lapsed."""
        told: dict[tuple[str, str], list[object]] = {}
        for one in records(self.it):
            if one.type in (RecordType.REVIEW_DUE, RecordType.REVIEW_LAPSED):
                about = told.setdefault((one.version, str(one.content["due"])), [])
                about.append(one.content.get("reminder", 0 if "then" not in one.content else 9))
        for said_ in told.values():
            assert said_ == sorted(set(said_), key=str)

    @invariant()
    def the_next_review_is_as_recorded(self) -> None:
        """At the stage that is reviewed, and nowhere else."""
        for number in ("1", "2"):
            own = state(self.it, number)
            assert (own.review_due is not None) is (own.stage == "Production")


Standing.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestStanding = Standing.TestCase

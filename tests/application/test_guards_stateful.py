"""What must always hold of guards, in whatever order hints come, and however often."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.guards import follow_endpoint
from stage_functions.application.ports.registry import Deployment
from stage_functions.application.signal import EndpointSignal
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import StagewardError
from stage_functions.domain.lifecycle import Lifecycle, OnViolation, Transition
from stage_functions.domain.record import timestamp
from tests.application.guard_world import deploy, guarding, violations
from tests.builders import IRIS, context_over, world

NUMBERS = ("1", "2", "3")
ENDPOINTS = ("scoring", "test", "other")
RETIRES = timedelta(hours=2)
Mark = tuple[str, str, str, str]
"""Version, endpoint, deployment and moment: what a violation is told by."""


def course() -> Lifecycle:
    """Return a lifecycle whose versions go to and fro."""
    before = guarding(OnViolation.ZERO_TRAFFIC, RETIRES)
    stages = {**before.stages, "Archived": replace(before.stages["Archived"], terminal=False)}
    ways = (*before.transitions, Transition("Archived", "Production"))
    return replace(before, stages=stages, transitions=ways)


class Guards(RuleBasedStateMachine):
    """Two instances, versions that move, deployments that come and go, hints whenever they like.

    A model beside it keeps where every version stood when, without a ledger.
    """

    def __init__(self) -> None:
        super().__init__()
        self.it = world(governed_by=course())
        second = context_over(
            self.it.rows, self.it.registry, self.it.clock, Mode.ENFORCE, governed_by=course()
        )
        self.contexts = (self.it.context, second)
        self.stood: dict[str, list[tuple[datetime, str, datetime | None]]] = {}
        self.expected: set[Mark] = set()
        self.begun = self.it.clock.now()
        for number in NUMBERS:
            self.it.register(number)
            self.stood[number] = [(self.begun, "None", None)]

    def teardown(self) -> None:
        """Close the store."""
        self.it.rows.close()

    @rule(
        number=st.sampled_from(NUMBERS),
        stage=st.sampled_from(("Staging", "Production", "Archived")),
    )
    def move(self, number: str, stage: str) -> None:
        """Somebody asks, and it is granted where there is such a way."""
        version = Version(IRIS, number)
        before = {one: self.stood[one][-1][1] for one in NUMBERS}
        now = self.it.clock.now()
        answer = request_transition(self.it.context, self.it.command(version, stage))
        if answer.kind != "granted":
            return
        self.stood[number].append((now, stage, None))
        for other in NUMBERS:
            if stage == "Production" and other != number and before[other] == "Production":
                self.stood[other].append((now, "Archived", now + RETIRES))

    @rule(number=st.sampled_from(NUMBERS))
    def release(self, number: str) -> None:
        """A version goes all the way, and whoever held Production retires."""
        self.move(number, "Staging")
        self.move(number, "Production")

    @rule(number=st.sampled_from(NUMBERS), minutes_ago=st.sampled_from((0, 1, 90)))
    def deploy_to_production(self, number: str, minutes_ago: int) -> None:
        """What matters most happens most."""
        self.deploy(number, "scoring", "blue", minutes_ago)
        self.tell("scoring", 0, 1)

    @rule(
        number=st.sampled_from(NUMBERS),
        endpoint=st.sampled_from(ENDPOINTS),
        name=st.sampled_from(("blue", "green")),
        minutes_ago=st.sampled_from((0, 0, 0, 1, 90, 600)),
    )
    def deploy(self, number: str, endpoint: str, name: str, minutes_ago: int) -> None:
        """Somebody deploys, and Stageward hears of it later or never."""
        when = self.it.clock.now() - timedelta(minutes=minutes_ago)
        deploy(self.it, Version(IRIS, number), endpoint, name, when)

    @rule(minutes=st.sampled_from((1, 30, 119, 120, 300)), sweeps=st.booleans())
    def wait(self, minutes: int, sweeps: bool) -> None:  # noqa: FBT001  # a strategy's value
        """Time passes."""
        self.it.clock.sleep(60 * minutes)
        if sweeps:
            sweep(self.it.context)

    @rule(endpoint=st.sampled_from(ENDPOINTS), i=st.integers(0, 1), times=st.integers(1, 2))
    def tell(self, endpoint: str, i: int, times: int) -> None:
        """A hint comes, once or twice, to one instance or the other."""
        here = [one for one in self.it.registry.deployed if one.endpoint == endpoint]
        self.expected |= {mark(one) for one in here if not self.allowed(one)}
        for _ in range(times):
            follow_endpoint(self.contexts[i], EndpointSignal("demo", endpoint))

    @rule(endpoint=st.sampled_from(ENDPOINTS), after=st.integers(0, 3))
    def tell_in_vain(self, endpoint: str, after: int) -> None:
        """A hint comes while the registry goes away; it comes again later."""
        self.it.registry.fail_after(after)
        with suppress(StagewardError):
            follow_endpoint(self.it.context, EndpointSignal("demo", endpoint))
        self.it.registry.fail_after(-1)
        self.it.registry.away = False
        self.tell(endpoint, 0, 1)

    def allowed(self, one: Deployment) -> bool:
        """Tell by the model whether a deployment might be made when it was."""
        assert one.version is not None
        course_of = self.stood[one.version.number]
        stood = [spell for spell in course_of if spell[0] <= one.changed_at] or course_of[:1]
        _, stage, until = stood[-1]
        stages = {stage} | ({"Production"} if until and one.changed_at < until else set())
        takes = {"scoring": {"Production"}, "test": {"Production", "Staging"}, "other": set()}
        return bool(stages & takes[one.endpoint])

    @invariant()
    def each_violation_is_recorded_once_and_no_innocent_is(self) -> None:
        """What was told of, and nothing else."""
        found = [
            (
                record.version,
                str(record.content["endpoint"]),
                str(record.content["deployment"]),
                str(record.content["changed_at"]),
            )
            for record in violations(self.it)
        ]
        assert sorted(self.expected) == sorted(found)

    @invariant()
    def what_is_served_rightly_keeps_its_requests(self) -> None:
        """Traffic is taken from violations only."""
        taken = [one for one in self.it.registry.deployed if not one.traffic_percent]
        assert {mark(one) for one in taken} <= self.expected

    @invariant()
    def the_history_is_whole(self) -> None:
        """As ever."""
        assert query.check_history(self.it.context, IRIS) is None


def mark(one: Deployment) -> Mark:
    """Return what a violation by this deployment is told by."""
    assert one.version is not None
    return one.version.number, f"demo/{one.endpoint}", one.name, timestamp(one.changed_at)


TestGuards = Guards.TestCase
TestGuards.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

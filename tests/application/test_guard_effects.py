"""What follows a violation: people are told, and what was deployed gets no more requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from stage_functions.application import upkeep
from stage_functions.application.missing import note_missing
from stage_functions.application.registries import RegistryStates
from stage_functions.application.signal import EndpointSignal
from stage_functions.application.sweep import sweep
from stage_functions.application.timeline import moment
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import RegistryRefusedError, RegistryUnavailableError
from stage_functions.domain.lifecycle import Lifecycle, OnViolation
from tests.application.guard_world import (
    HOURS,
    MINUTE,
    ONE,
    at,
    deploy,
    guarding,
    move,
    told,
    violations,
)
from tests.application.telling_world import ENOUGH_SECONDS, REACH, reached, told_world
from tests.builders import IRIS, World, lifecycle, world
from tests.fakes.notifier import MemoryNotifier


@pytest.fixture
def notifier() -> MemoryNotifier:
    """Channels of everybody."""
    return MemoryNotifier(REACH)


@pytest.fixture
def it() -> Iterator[World]:
    """A world that takes traffic."""
    made = world(governed_by=guarding(OnViolation.ZERO_TRAFFIC))
    yield made
    made.rows.close()


def asking(on_violation: OnViolation) -> Lifecycle:
    """Return the lifecycle with approvals and endpoints."""
    return replace(lifecycle(), stages=guarding().stages, on_violation=on_violation)


def share(it: World, percent: int) -> None:
    """Give every deployment a share of requests."""
    it.registry.deployed = [replace(one, traffic_percent=percent) for one in it.registry.deployed]


def traffic(it: World) -> dict[str, int]:
    """Return the share of requests of each deployment."""
    return {one.name: one.traffic_percent for one in it.registry.deployed}


class TestTraffic:
    """`zero_traffic`."""

    def test_what_may_not_be_served_gets_no_more_requests(self, it: World) -> None:
        """At once, and its record says so; what may be served keeps its share."""
        deploy(it, at(it, "1", "Staging", "Production"), name="right")
        deploy(it, at(it, "2"), name="wrong")
        told(it)

        (record,) = violations(it)
        assert {"right": 100, "wrong": 0} == traffic(it)
        assert "zero_traffic" == record.content["then"]
        assert (
            "deployed to demo/scoring (wrong) while at None: that deployment is to get no more "
            "requests"
        ) == moment(record).what
        assert [] == upkeep.outbox(it.context)

    def test_it_is_taken_once(self, it: World) -> None:
        """Who gives it back its share does so knowingly, and is recorded if they deploy anew."""
        deploy(it, at(it, "1"))
        told(it)
        it.registry.deployed = [replace(one, traffic_percent=50) for one in it.registry.deployed]
        told(it)
        given_back = traffic(it)
        deploy(it, ONE, when=it.clock.now() + MINUTE)
        told(it)

        assert ({"blue": 50}, {"blue": 0}) == (given_back, traffic(it))

    def test_what_gets_requests_later_gets_none(self, it: World) -> None:
        """A deployment is made without requests: they are taken when it is first given some."""
        deploy(it, at(it, "1"))
        share(it, 0)
        told(it)
        share(it, 100)
        told(it)
        taken = traffic(it)
        share(it, 50)
        told(it)

        assert ({"blue": 0}, {"blue": 50}) == (taken, traffic(it))
        assert 1 == len(violations(it))
        assert [] == upkeep.outbox(it.context)

    def test_what_gets_requests_when_it_may_keeps_them(self, it: World) -> None:
        """Nothing is taken from a deployment whose version may be served by then."""
        deploy(it, at(it, "1"))
        share(it, 0)
        told(it)
        move(it, ONE, "Staging")
        move(it, ONE, "Production")
        share(it, 100)
        told(it)

        assert {"blue": 100} == traffic(it)

    def test_nothing_is_taken_where_requests_are_not_divided(self, it: World) -> None:
        """A batch endpoint has no shares; its violation is told, and promises nothing."""
        deploy(it, at(it, "1"))
        it.registry.deployed = [replace(one, divided=False) for one in it.registry.deployed]
        told(it)

        (record,) = violations(it)
        assert ({"blue": 100}, "notify") == (traffic(it), record.content["then"])

    @pytest.mark.parametrize("on_violation", [OnViolation.RECORD, OnViolation.NOTIFY])
    def test_it_is_taken_only_where_the_lifecycle_says_so(self, on_violation: OnViolation) -> None:
        """To record and to tell changes nothing outside."""
        made = world(governed_by=guarding(on_violation))
        deploy(made, at(made, "1"))
        told(made)
        share = traffic(made)
        made.rows.close()

        assert {"blue": 100} == share

    def test_what_may_be_served_by_now_keeps_its_share(self, it: World) -> None:
        """The violation stands, as it was one when it was done; the release goes on."""
        deploy(it, at(it, "1"))
        it.clock.sleep(HOURS)
        move(it, ONE, "Staging")
        move(it, ONE, "Production")
        told(it)

        (record,) = violations(it)
        assert ({"blue": 100}, "notify") == (traffic(it), record.content["then"])

    def test_a_registry_that_is_away_is_tried_again(self, it: World) -> None:
        """As any other owed work, until it is done."""
        deploy(it, at(it, "1"))
        broken(it, RegistryUnavailableError("away"))
        told(it)
        kept = traffic(it)
        it.registry.before = lambda _: None
        it.clock.sleep(ENOUGH_SECONDS)
        sweep(it.context)

        assert ({"blue": 100}, {"blue": 0}) == (kept, traffic(it))
        assert [] == upkeep.outbox(it.context)

    def test_a_registry_that_refuses_is_parked(self, it: World) -> None:
        """Operators see it, and try it again."""
        deploy(it, at(it, "1"))
        broken(it, RegistryRefusedError("no right to write endpoints"))
        told(it)
        (view,) = upkeep.outbox(it.context)
        it.registry.before = lambda _: None
        upkeep.retry(it.context, view.id)

        assert ("traffic", "demo/scoring/blue", True) == (
            view.owed.duty,
            view.owed.target,
            view.owed.parked,
        )
        assert {"blue": 0} == traffic(it)

    @pytest.mark.parametrize(
        "put_right", ["promoted", "served otherwise", "made anew", "taken off", "gone"]
    )
    def test_what_was_put_right_before_it_ran_is_left_alone(
        self, it: World, put_right: str
    ) -> None:
        """A late duty takes nothing from whoever was faster."""
        deploy(it, at(it, "1"))
        broken(it, RegistryUnavailableError("away"))
        told(it)
        it.registry.before = lambda _: None
        it.clock.sleep(HOURS)
        if put_right == "promoted":
            move(it, ONE, "Staging")
            move(it, ONE, "Production")
        elif put_right == "served otherwise":
            deploy(it, at(it, "2", "Staging", "Production"))
        elif put_right == "made anew":
            deploy(it, ONE)
        else:
            it.registry.deployed = [
                replace(one, traffic_percent=0)
                for one in it.registry.deployed
                if put_right == "taken off"
            ]
        it.registry.calls.clear()
        it.clock.sleep(ENOUGH_SECONDS)
        sweep(it.context)

        assert "take_traffic" not in it.registry.calls
        assert [] == upkeep.outbox(it.context)

    def test_while_a_registry_is_only_observed_nothing_is_taken(self, it: World) -> None:
        """It waits until it is governed again."""
        deploy(it, at(it, "1"))
        broken(it, RegistryUnavailableError("away"))
        told(it)
        it.registry.before = lambda _: None
        it.context.states.suspect("demo", str(IRIS), "another ledger", at_once=True)
        it.clock.sleep(ENOUGH_SECONDS)
        sweep(it.context)
        (view,) = upkeep.outbox(it.context)

        assert ({"blue": 100}, False) == (traffic(it), view.owed.parked)
        assert "stopped: another ledger" in view.owed.error

    def test_no_traffic_is_taken_in_another_registry_that_is_only_observed(self, it: World) -> None:
        """The version is governed, the endpoint is not: it is recorded, and told."""
        before = it.context.configuration
        beside = replace(before.registry("demo"), alias="beside", mode=Mode.OBSERVE)
        configuration = replace(before, registries={**before.registries, "beside": beside})
        context = replace(
            it.context,
            configuration=configuration,
            registries={**it.context.registries, "beside": it.registry},
            states=RegistryStates(it.rows, it.clock, configuration),
        )
        other = replace(it, context=context)
        deploy(other, at(other, "1"))
        told(other, EndpointSignal("beside", "scoring"))

        (record,) = violations(other)
        assert ("beside/scoring", "notify") == (record.content["endpoint"], record.content["then"])
        assert {"blue": 100} == traffic(other)


def broken(it: World, fault: Exception) -> None:
    """Let taking traffic fail."""

    def before(call: str) -> None:
        if call == "take_traffic":
            raise fault

    it.registry.before = before


class TestTelling:
    """`notify`."""

    def test_the_groups_whose_approval_was_passed_by_are_told(
        self, notifier: MemoryNotifier
    ) -> None:
        """Those that let versions into the stage that the endpoint takes; and whoever did it."""
        made = told_world(notifier, governed_by=asking(OnViolation.NOTIFY))
        deploy(made, at(made, "1"), by="mlflow:sam")
        told(made)
        sweep(made.context)
        sweep(made.context)
        made.rows.close()

        assert [
            "mail:sam",
            "mail:ada",
            "mail:bob",
            "bob-1",
            "mail:eve",
            "risk-1",
            "science-1",
        ] == reached(notifier)
        message = notifier.told[0][1]
        assert "Violated: demo/models/iris:1 is served by demo/scoring" == message.title
        assert message.text.startswith("Nothing was changed: serve a version that may be there")
        assert "https://stageward.example.org/versions/demo/models/iris:1" == message.link
        assert {
            "Version": "demo/models/iris:1",
            "Stage": "None",
            "Endpoint": "demo/scoring",
            "Deployment": "blue",
            "Deployed": "2026-01-01 00:00 UTC",
            "Why": "deployed to demo/scoring while at None, which is not deployable to it; "
            "demo/scoring takes Production",
            "By": "Sam, as its registry says",
        } == dict(message.facts)

    def test_where_nobody_approves_operators_are_told(self, notifier: MemoryNotifier) -> None:
        """A lifecycle without approvals has nobody else."""
        made = told_world(notifier, governed_by=guarding(OnViolation.NOTIFY))
        deploy(made, at(made, "1"))
        told(made)
        sweep(made.context)
        made.rows.close()

        assert ["mail:eve"] == reached(notifier)
        assert ("By", "nobody is known") in notifier.told[0][1].facts

    def test_that_traffic_is_taken_is_said(self, notifier: MemoryNotifier) -> None:
        """Whoever looks for their requests finds out why."""
        made = told_world(notifier, governed_by=guarding(OnViolation.ZERO_TRAFFIC))
        deploy(made, at(made, "1"))
        told(made)
        sweep(made.context)
        made.rows.close()

        assert notifier.told[0][1].text.startswith("The deployment gets no more requests")

    @pytest.mark.parametrize(
        ("on_violation", "then", "count"),
        [
            (OnViolation.RECORD, "record", 0),
            (OnViolation.NOTIFY, "notify", 1),
            (OnViolation.ZERO_TRAFFIC, "notify", 1),
        ],
    )
    def test_a_deletion_is_told_too(
        self, notifier: MemoryNotifier, on_violation: OnViolation, then: str, count: int
    ) -> None:
        """There is no traffic to take."""
        made = told_world(notifier, governed_by=guarding(on_violation))
        at(made, "1", "Staging")
        made.registry.remove(ONE)
        note_missing(made.context, ONE)
        made.clock.sleep(400)
        note_missing(made.context, ONE)
        sweep(made.context)
        (record,) = violations(made)
        made.rows.close()

        assert then == record.content["then"]
        assert ["Violated: demo/models/iris:1 was deleted"] * count == [
            message.title for _, message in notifier.told
        ]

    def test_what_was_only_recorded_is_told_to_nobody(self, notifier: MemoryNotifier) -> None:
        """And owes no notice."""
        made = told_world(notifier, governed_by=guarding())
        deploy(made, at(made, "1"))
        told(made)
        owed = made.context.ledger.owed(IRIS)
        made.rows.close()

        assert [] == owed

    def test_several_commits_are_told_each(self, notifier: MemoryNotifier) -> None:
        """A version that is served twice is told of twice, each once."""
        made = told_world(notifier, governed_by=guarding(OnViolation.NOTIFY))
        at(made, "1")
        deploy(made, ONE, name="blue")
        deploy(made, at(made, "2"), name="green")
        told(made)
        told(made)
        sweep(made.context)
        names = [dict(message.facts)["Deployment"] for _, message in notifier.told]
        made.rows.close()

        assert ["blue", "green"] == names


class TestLoss:
    """Two instances, and replies that get lost."""

    @pytest.mark.parametrize("applied", [True, False])
    def test_a_lost_reply_costs_time_and_nothing_else(self, it: World, *, applied: bool) -> None:
        """One record, and the traffic is taken, at the latest by the sweep."""
        deploy(it, at(it, "1"))
        it.rows.losses = [applied]
        told(it)
        told(it)
        it.clock.sleep(ENOUGH_SECONDS)
        sweep(it.context)

        assert (1, {"blue": 0}) == (len(violations(it)), traffic(it))
        assert [] == upkeep.outbox(it.context)

    def test_two_instances_that_are_told_at_once_record_one(self, it: World) -> None:
        """Whoever commits second finds it recorded."""
        deploy(it, at(it, "1"))
        it.rows.meanwhile = lambda: told(it)
        told(it)

        assert (1, {"blue": 0}) == (len(violations(it)), traffic(it))
        assert [] == upkeep.outbox(it.context)

"""What endpoints serve is judged by where a version stood when it was deployed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import query, upkeep
from stage_functions.application.adoption import adopt
from stage_functions.application.guards import SAME_WRITE_SECONDS
from stage_functions.application.importing import ImportCommand, import_registry
from stage_functions.application.ledger import RECONCILE
from stage_functions.application.missing import note_missing
from stage_functions.application.registries import RegistryState
from stage_functions.application.signal import EndpointSignal, Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import VoteCommand, vote
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import (
    NotFoundError,
    RegistryRefusedError,
    RegistryUnavailableError,
    StagewardError,
)
from stage_functions.domain.lifecycle import Lifecycle, WhenInvalid
from stage_functions.domain.record import timestamp
from tests.application.guard_world import (
    HOURS,
    MINUTE,
    ONE,
    SCORING,
    TWO,
    at,
    deploy,
    guarding,
    move,
    told,
    violations,
)
from tests.builders import IRIS, World, actor, timed, world
from tests.fakes.sink import MemorySink

TWO_HOURS = timedelta(hours=2)


@pytest.fixture
def it() -> Iterator[World]:
    """A world where Production serves scoring, and may for two hours after it was displaced."""
    made = world(governed_by=guarding(retire_within=TWO_HOURS))
    yield made
    made.rows.close()


def under(it: World, lifecycle: Lifecycle) -> World:
    """Return the world under another lifecycle of the same name, which was adopted."""
    configuration = replace(it.context.configuration, lifecycles=(lifecycle,))
    it = replace(it, context=replace(it.context, configuration=configuration))
    adopt(it.context)
    return it


class TestViolations:
    """What is one."""

    def test_another_thing_with_the_same_number_has_violated_nothing(self, it: World) -> None:
        """What is served was deleted; it has its violation, and what came after it has none."""
        deploy(it, at(it, "1", "Staging"))
        assert told(it)
        it.registry.register(ONE, it.clock.now(), author="mlflow:sam")
        follow(it.context, Signal(ONE))
        before = len(violations(it))

        assert not told(it)
        assert len(violations(it)) == before

    def test_what_is_served_from_a_stage_that_may_not_be_is_a_violation(self, it: World) -> None:
        """Recorded in the history of the version, with all that is known of it."""
        made = deploy(it, at(it, "1", "Staging"), by="mlflow:sam")

        assert told(it)
        (record,) = violations(it)
        said = {
            "version": "1",
            "from": "Staging",
            "endpoint": "demo/scoring",
            "deployment": "blue",
            "changed_at": timestamp(made.changed_at),
            "why": "deployed to demo/scoring while at Staging, which is not deployable to it; "
            "demo/scoring takes Production",
            "actor": {"id": "person:sam", "attribution": "inferred", "via": "registry"},
            "then": "record",
        }
        assert said == {key: record.content[key] for key in said}

    @pytest.mark.parametrize("stages", [(), ("Staging",), ("Staging", "Archived")])
    def test_only_what_a_stage_allows_may_be_served(
        self, it: World, stages: tuple[str, ...]
    ) -> None:
        """Neither the beginning nor the end of a lifecycle is deployed to scoring."""
        deploy(it, at(it, "1", *stages))
        told(it)

        assert 1 == len(violations(it))

    def test_what_a_stage_allows_is_no_violation(self, it: World) -> None:
        """And nothing is written, nor the version read, nor its history."""
        deploy(it, at(it, "1", "Staging", "Production"))
        it.registry.calls.clear()

        assert not told(it)
        assert ["deployments"] == it.registry.calls
        assert [] == violations(it)

    def test_a_violation_is_recorded_once(self, it: World) -> None:
        """However often it is told of, and wherever the version goes meanwhile."""
        deploy(it, at(it, "1"))
        told(it)
        move(it, ONE, "Staging")
        again = told(it)
        move(it, ONE, "Production")

        assert (False, False) == (again, told(it))
        assert 1 == len(violations(it))

    def test_what_is_changed_again_is_violated_again(self, it: World) -> None:
        """And another deployment is another violation."""
        at(it, "1")
        for name, minutes in (("blue", 0), ("blue", 5), ("green", 5)):
            deploy(it, ONE, name=name, when=it.clock.now() + minutes * MINUTE)
            told(it)

        assert ["blue", "blue", "green"] == [one.content["deployment"] for one in violations(it)]

    def test_every_deployment_of_an_endpoint_is_judged(self, it: World) -> None:
        """Whatever a hint names; what serves no version of a registry here is passed over."""
        elsewhere = Version(replace(IRIS, registry="other"), "1")
        unwatched = Version(replace(IRIS, kind="environments"), "1")
        at(it, "1", "Staging")
        at(it, "2")
        for name, version in enumerate((ONE, TWO, None, elsewhere, unwatched)):
            deploy(it, version, name=f"d{name}")
        told(it, replace(SCORING, deployment="d0"))

        assert ["1", "2"] == [one.version for one in violations(it)]

    def test_it_is_published_and_its_tags_follow(self) -> None:
        """As any other record."""
        sink = MemorySink("sink")
        made = world(governed_by=guarding(), sinks=(sink,))
        deploy(made, at(made, "1"))
        told(made)
        tags, owed = made.registry.tags(ONE), made.context.ledger.owed(IRIS)
        made.rows.close()

        assert "Violated" == sink.taken[-1].type
        assert f"{made.context.ledger.id}/2" == tags["stage_governor"]
        assert [] == owed


class TestTime:
    """Judged is the moment when it was deployed."""

    def test_a_late_hint_convicts_nobody(self, it: World) -> None:
        """What was allowed when it was done is told of after the version has gone on."""
        deploy(it, at(it, "1", "Staging", "Production"))
        it.clock.sleep(HOURS)
        at(it, "2", "Staging", "Production")
        it.clock.sleep(HOURS)

        assert "Archived" == it.registry.tags(ONE)["stage"]
        assert not told(it)
        assert [] == violations(it)

    def test_a_promotion_makes_nothing_good(self, it: World) -> None:
        """What was not allowed when it was done is one, though it would be allowed now."""
        deploy(it, at(it, "1"))
        it.clock.sleep(HOURS)
        move(it, ONE, "Staging")
        move(it, ONE, "Production")
        told(it)

        (record,) = violations(it)
        assert "None" == record.content["from"]

    def test_between_promotions_it_stood_where_it_stood(self, it: World) -> None:
        """Of the stages that it has had, that of the moment counts."""
        at(it, "1")
        moments = []
        for stage in ("Staging", "Production"):
            it.clock.sleep(HOURS)
            move(it, ONE, stage)
            moments.append(it.clock.now() + MINUTE)
        it.clock.sleep(HOURS)
        for name, moment in zip(("early", "right"), moments, strict=True):
            deploy(it, ONE, name=name, when=moment)
        told(it)

        assert [("early", "Staging")] == [
            (one.content["deployment"], one.content["from"]) for one in violations(it)
        ]

    def test_a_displaced_version_may_be_served_for_a_while(self, it: World) -> None:
        """A release in progress is no violation; what comes later is one."""
        at(it, "1", "Staging", "Production")
        it.clock.sleep(HOURS)
        at(it, "2", "Staging", "Production")
        displaced = it.clock.now()
        for name, minutes in (("within", 119), ("after", 120)):
            deploy(it, ONE, name=name, when=displaced + minutes * MINUTE)
        it.clock.sleep(2 * HOURS)
        told(it)

        assert ["after"] == [one.content["deployment"] for one in violations(it)]

    def test_it_may_be_told_of_after_that_while(self, it: World) -> None:
        """The history says that it might be served, when the state has forgotten it."""
        at(it, "1", "Staging", "Production")
        at(it, "2", "Staging", "Production")
        it.clock.sleep(HOURS)
        deploy(it, ONE)
        it.clock.sleep(2 * HOURS)
        sweep(it.context)
        state = it.context.ledger.state(ONE)

        assert state is not None
        assert state.retires_at is None
        assert not told(it)

    def test_what_is_gone_is_judged_by_where_it_stood(self, it: World) -> None:
        """And what was deployed when it was gone already is nothing that it did."""
        at(it, "1", "Staging", "Production")
        deploy(it, at(it, "2"), name="of-2")
        deploy(it, ONE, name="of-1")
        it.clock.sleep(HOURS)
        for version in (ONE, TWO):
            it.registry.remove(version)
            sweep_away(it, version)
        deploy(it, TWO, name="ghost")
        told(it)

        assert ["of-2"] == [
            one.content["deployment"] for one in violations(it) if "deployment" in one.content
        ]

    def test_what_was_deployed_before_its_history_began_stood_where_that_begins(
        self, it: World
    ) -> None:
        """Taken over at Production, it may be served; registered at None, it may not."""
        it.context.states.update("demo", lambda _: RegistryState())
        long_ago = it.clock.now() - timedelta(days=30)
        for version, tags in ((ONE, {"stage": "Production"}), (TWO, {})):
            it.registry.register(version, long_ago, tags=tags)
            deploy(it, version, name=f"of-{version.number}", when=long_ago + MINUTE)
        import_registry(it.context, ImportCommand("demo", {}, (), "as it was", actor("eve")))
        told(it)

        assert ["of-2"] == [one.content["deployment"] for one in violations(it)]

    def test_a_lifecycle_that_was_changed_since_convicts_nobody(self, it: World) -> None:
        """What the text of that time allowed; what it did not, the new one does."""
        before = guarding()
        text = {"name": "unguarded", "stages": {"Staging": {"deployable_to": ["*/scoring"]}}}
        it = under(it, replace(before, text=text))
        deploy(it, at(it, "1", "Staging"), name="then")
        it.clock.sleep(HOURS)
        it = under(it, replace(before, text={"name": "unguarded", "shape": "stricter"}))
        deploy(it, ONE, name="now")
        told(it)

        assert ["now"] == [one.content["deployment"] for one in violations(it)]


def sweep_away(it: World, version: Version) -> None:
    """Let the registry say twice that a version is gone."""
    note_missing(it.context, version)
    it.clock.sleep(400)
    note_missing(it.context, version)


class TestValidity:
    """What stands by an approval that has run out, where that is to block."""

    @pytest.mark.parametrize(
        ("when_invalid", "count"), [(WhenInvalid.BLOCK, 1), (WhenInvalid.NOTIFY, 0)]
    )
    def test_what_is_blocked_is_not_to_be_deployed(
        self, when_invalid: WhenInvalid, count: int
    ) -> None:
        """But what was deployed while it was valid stays."""
        made = approved(when_invalid)
        deploy(made, ONE, name="valid")
        made.clock.sleep(31 * 24 * HOURS)
        deploy(made, ONE, name="invalid")
        told(made)
        found = violations(made)
        made.rows.close()

        assert ["invalid"][:count] == [one.content["deployment"] for one in found]
        assert all("ran out on 2026-01-31" in str(one.content["why"]) for one in found)

    def test_a_renewal_makes_nothing_good(self) -> None:
        """What was deployed between the end and the renewal is a violation."""
        made = approved(WhenInvalid.BLOCK)
        made.clock.sleep(31 * 24 * HOURS)
        deploy(made, ONE)
        made.clock.sleep(HOURS)
        ask_and_approve(made)
        deploy(made, ONE, name="renewed")
        told(made)
        found = violations(made)
        made.rows.close()

        assert ["blue"] == [one.content["deployment"] for one in found]


def approved(when_invalid: WhenInvalid) -> World:
    """Return a world with version 1 at Production by an approval that runs out."""
    made = world(governed_by=timed(when_invalid))
    at(made, "1", "Staging")
    ask_and_approve(made)
    return made


def ask_and_approve(it: World) -> None:
    """Ask that version 1 be at Production, as sam, and approve it."""
    request_transition(it.context, it.command(ONE, "Production"))
    for person in ("bob", "eve"):
        (view,) = query.approvals(it.context)
        fingerprint, operation = view.approval.fingerprint, it.clock.operation_id()
        command = VoteCommand(
            view.approval.id, Decision.APPROVE, "", fingerprint, actor(person), operation
        )
        vote(it.context, command)


class TestStrangers:
    """Versions that the ledger does not know, or only watches."""

    def test_a_version_that_no_signal_has_told_of_is_registered_first(self, it: World) -> None:
        """Then it is judged."""
        it.registry.register(ONE, it.clock.now())
        deploy(it, ONE)

        assert told(it)
        records = query.all_records(it.context, IRIS)
        assert ["Registered", "Violated"] == [record.type for record in records]

    def test_what_nobody_has_registered_has_no_history(self, it: World) -> None:
        """What the registry made of itself, and what it does not have."""
        it.registry.register(ONE, it.clock.now())
        it.registry.call_anonymous(ONE)
        deploy(it, ONE, name="anonymous")
        deploy(it, TWO, name="missing")

        assert not told(it)
        assert not it.context.ledger.load(IRIS).etag

    def test_where_it_is_only_observed_it_is_said_what_would_be(self) -> None:
        """By one record that is not published; nothing is owed to the registry."""
        made = world(Mode.OBSERVE, governed_by=guarding())
        made.register("1", {"stage": "Staging"})
        deploy(made, ONE)
        changed = (told(made), told(made))
        records = list(query.all_records(made.context, IRIS))
        duties = {row.duty for row in made.context.ledger.owed(IRIS)}
        made.rows.close()

        assert (True, False) == changed
        assert ["Observed", "Observed"] == [record.type for record in records]
        assert "refused" == records[-1].content["outcome"]
        assert str(records[-1].content["detail"]).startswith(
            "would be recorded as violated: deployed to demo/scoring while at Staging"
        )
        assert RECONCILE not in duties

    def test_where_it_is_only_observed_what_is_right_is_not_said(self) -> None:
        """Nothing would be; nor of what is gone."""
        made = world(Mode.OBSERVE, governed_by=guarding())
        made.register("1", {"stage": "Production"})
        made.register("2")
        deploy(made, ONE)
        deploy(made, TWO, name="gone")
        made.registry.remove(TWO)
        changed = told(made)
        made.rows.close()

        assert not changed


class TestFaults:
    """What cannot be read is told of again."""

    def test_a_registry_that_is_away_is_asked_again(self, it: World) -> None:
        """The delivery fails, and comes again."""
        deploy(it, at(it, "1"))
        it.registry.away = True
        with pytest.raises(RegistryUnavailableError):
            told(it)
        it.registry.away = False
        told(it)

        assert 1 == len(violations(it))

    @pytest.mark.parametrize(
        "fault", [RegistryUnavailableError("too slow"), RegistryRefusedError("no right to read")]
    )
    def test_one_version_that_cannot_be_read_holds_up_no_other(
        self, it: World, fault: StagewardError
    ) -> None:
        """What can be judged is, before the delivery fails."""
        at(it, "1")
        it.registry.register(TWO, it.clock.now())
        deploy(it, TWO, name="a-stranger")
        deploy(it, ONE, name="known")
        it.registry.before = lambda call: _failing(it, fault) if call == "read" else None
        with pytest.raises(type(fault)):
            told(it)
        it.registry.before = lambda _: None

        assert ["1"] == [one.version for one in violations(it)]
        assert told(it)
        assert ["1", "2"] == [one.version for one in violations(it)]

    def test_an_endpoint_of_no_registry_is_none(self, it: World) -> None:
        """The file has no such alias."""
        with pytest.raises(NotFoundError):
            told(it, EndpointSignal("prod", "scoring"))


def _failing(it: World, fault: StagewardError) -> None:
    it.registry.before = lambda _: None
    raise fault


class TestActors:
    """Who did it, as far as that is known."""

    @pytest.mark.parametrize(
        ("shown", "hint", "id_", "attribution"),
        [
            (None, {"actor": "mlflow:sam", "authenticated": True}, "", "none"),
            ("mlflow:sam", {}, "person:sam", "inferred"),
            ("mlflow:sam", {"actor": "mlflow:sam"}, "person:sam", "inferred"),
            (
                "mlflow:sam",
                {"actor": "mlflow:sam", "authenticated": True},
                "person:sam",
                "proven",
            ),
            (
                "mlflow:sam",
                {"actor": "mlflow:ada", "authenticated": True},
                "person:sam",
                "inferred",
            ),
            (
                "aml:Sam Smith",
                {"actor": "mlflow:sam", "authenticated": True, "names": ("Sam Smith",)},
                "person:sam",
                "proven",
            ),
            (
                "mlflow:sam",
                {"actor": "mlflow:sam", "authenticated": True, "deployment": "green"},
                "person:sam",
                "inferred",
            ),
            ("stageward", {}, "", "none"),
        ],
    )
    def test_claims_count_where_the_registry_confirms_them(
        self, it: World, shown: str | None, hint: dict[str, object], id_: str, attribution: str
    ) -> None:
        """And a hint that anybody could send proves nothing."""
        made = deploy(it, at(it, "1"), by=shown)
        told(it, replace(SCORING, at=made.changed_at, **hint))

        (record,) = violations(it)
        known = {"id": id_} if id_ else {}
        assert {**known, "attribution": attribution, "via": "registry"} == record.content["actor"]

    def test_a_claim_of_another_time_proves_nothing(self, it: World) -> None:
        """It is about another write by the same person."""
        made = deploy(it, at(it, "1"), by="mlflow:sam")
        when = made.changed_at + timedelta(seconds=SAME_WRITE_SECONDS + 1)
        told(it, replace(SCORING, actor="mlflow:sam", authenticated=True, at=when))

        (record,) = violations(it)
        assert "inferred" == record.content["actor"]["attribution"]  # type: ignore[index,call-overload]  # a mapping

    def test_a_mail_address_is_masked(self, it: World) -> None:
        """As everywhere in records."""
        deploy(it, at(it, "1"), by="upn:sam@example.org")
        told(it)

        assert "sam@example.org" not in violations(it)[0].body.decode()


def test_a_version_that_is_violated_often_is_not_violated_in_secret(it: World) -> None:
    """What it remembers is bounded, and what it forgets is the oldest."""
    at(it, "1")
    for count in range(105):
        deploy(it, ONE, when=it.clock.now() + count * MINUTE)
        told(it)
    state = it.context.ledger.state(ONE)

    assert state is not None
    assert (105, 100) == (len(violations(it)), len(state.violations))
    assert not told(it)


def test_health_and_outbox_say_nothing_of_what_was_only_recorded(it: World) -> None:
    """A violation is no fault of Stageward's."""
    deploy(it, at(it, "1"))
    told(it)
    follow(it.context, Signal(ONE))

    assert upkeep.health(it.context).ready
    assert [] == upkeep.outbox(it.context)

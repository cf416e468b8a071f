"""Nobody approves their own work: neither whoever registered a version, nor whoever trained it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.brief import brief
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import VoteCommand, sponsor_request, vote
from stage_functions.domain.approval import Approval, Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.error import DeniedError, StagewardError
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.lifecycle import Excluded, WhenInvalid
from stage_functions.domain.people import STAGEWARD, Directory, Person
from tests.application import unregistered_world
from tests.builders import IRIS, World, actor, lifecycle, timed, world
from tests.copy_world import copy_world, there

FIRST = Version(IRIS, "1")
REGISTRANT, TRAINER = "person who registered the version", "person who trained the version"


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose registry is governed."""
    with closing((made := world()).rows):
        yield made


def trained(it: World, trainer: str, registrant: str | None = "mlflow:sam") -> Version:
    """Register a version of a job of somebody, and tell Stageward."""
    told(it, trainer)
    it.registry.register(FIRST, it.clock.now(), author=registrant)
    follow(it.context, Signal(FIRST))
    return FIRST


def told(it: World, trainer: str) -> None:
    """Let the registry say whose job it was from now on; "" for nobody."""
    author = {"author": {"id": trainer}} if trainer else {}
    it.registry.evidences[FIRST] = Evidence({"job": {"id": "j1"}, **author})


def asked(it: World, person: str = "sam") -> Approval:
    """Ask for Production; return the approval that opens."""
    request_transition(it.context, it.command(FIRST, "Staging", person))
    answer = request_transition(it.context, it.command(FIRST, "Production", person))
    return query.approval(it.context, answer.approval).approval


def votes(it: World, approval: Approval, person: str, operation: str = "") -> None:
    """Let somebody approve."""
    ballot = VoteCommand(
        approval.id,
        Decision.APPROVE,
        "",
        approval.fingerprint,
        actor(person),
        operation or it.clock.operation_id(),
    )
    vote(it.context, ballot)


def excluded(it: World, approval: Approval) -> dict[str, str]:
    """Return who may not vote on an approval, and why."""
    return dict(query.approval(it.context, approval.id).excluded)


def test_whoever_trained_it_cannot_approve_what_another_registered(it: World) -> None:
    """Each is told by their own part; a third may."""
    trained(it, "mlflow:ada", "mlflow:eve")
    approval = asked(it)

    with pytest.raises(DeniedError, match=f"you are the {TRAINER}"):
        votes(it, approval, "ada")
    with pytest.raises(DeniedError, match=f"you are the {REGISTRANT}"):
        votes(it, approval, "eve")
    votes(it, approval, "bob")

    assert ("person:bob",) == query.approval(it.context, approval.id).counting
    assert {
        "person:eve": f"the {REGISTRANT}",
        "person:ada": f"the {TRAINER}",
        "person:sam": "the requester",
    } == excluded(it, approval)


@pytest.mark.parametrize(
    ("trainer", "registrant"),
    [("", "mlflow:ada"), ("mlflow:ada", "mlflow:ada"), ("mlflow:ada", None)],
    ids=["no job", "both parts", "the registry names no registrant"],
)
def test_one_person_alone_is_the_author(it: World, trainer: str, registrant: str | None) -> None:
    """Whether they did both, or it is known of one thing only."""
    trained(it, trainer, registrant)
    approval = asked(it)

    assert "the author of the version" == excluded(it, approval)["person:ada"]
    assert [("author", "Ada")] == [
        (part, one.name) for part, one in brief(it.context, approval.id, "person:bob").authors
    ]


def test_a_trainer_whom_nobody_has_mapped_may_be_any_voter(it: World) -> None:
    """Only an id of the same provider proves that a voter is someone else, as of any author."""
    trained(it, "upn:jo@example.org")
    approval = asked(it)
    bob = Person("bob", "Bob", ("mlflow:bob", "upn:bob@example.org"))
    directory = it.context.configuration.directory
    directory = replace(directory, people={**directory.people, "bob": bob})
    configuration = replace(it.context.configuration, directory=directory)
    mapped = replace(it, context=replace(it.context, configuration=configuration))

    with pytest.raises(DeniedError, match=f"the {TRAINER} is known only as upn:raw-"):
        votes(it, approval, "bob")
    votes(mapped, approval, "bob")

    assert ("person:bob",) == query.approval(mapped.context, approval.id).counting


@pytest.mark.parametrize("later", ["mlflow:bob", "mlflow:sam", "", STAGEWARD])
def test_whoever_was_known_to_have_trained_it_stays_excluded(it: World, later: str) -> None:
    """Though what tells of the job is edited, or gone; and whoever it names now is excluded too."""
    trained(it, "mlflow:ada")
    told(it, later)
    approval = asked(it)

    assert f"the {TRAINER}" == excluded(it, approval)["person:ada"]
    assert ("person:bob" in excluded(it, approval)) is (later == "mlflow:bob")
    assert STAGEWARD not in excluded(it, approval)


def test_whoever_trained_what_was_known_before_is_excluded_from_the_next_approval(
    it: World,
) -> None:
    """A version whose row names no trainer: evidence does, when it is asked for; and it is kept."""
    trained(it, "")
    told(it, "mlflow:ada")
    approval = asked(it)

    assert f"the {TRAINER}" == excluded(it, approval)["person:ada"]
    assert "person:ada" == it.context.ledger.versions(IRIS)["1"].trainer


def test_an_approval_that_was_kept_before_is_read(it: World) -> None:
    """Its row names no trainers."""
    trained(it, "mlflow:ada")
    document = msgspec.to_builtins(asked(it))
    del document["trainers"]

    assert () == msgspec.convert(document, Approval).trainers


def test_the_first_record_names_whoever_trained_it_where_that_is_another(it: World) -> None:
    """Masked as anybody, where it could be a name."""
    trained(it, "upn:jo@example.org")
    (record,) = query.all_records(it.context, IRIS)

    assert "person:sam" == record.content["author"]
    assert str(record.content["trainer"]).startswith("upn:raw-")
    assert b"jo@" not in record.body


def test_whose_job_left_it_behind_has_trained_what_another_registers(it: World) -> None:
    """Though what was registered does not name the job."""
    unregistered_world.leave(it)
    unregistered_world.ends(it)
    it.registry.register(
        FIRST, it.clock.now(), author="mlflow:ada", content=unregistered_world.CONTENT
    )
    it.registry.evidences[FIRST] = Evidence({"author": {"id": "mlflow:ada"}})
    follow(it.context, Signal(FIRST))
    approval = asked(it, "bob")

    assert f"the {TRAINER}" == excluded(it, approval)["person:sam"]
    assert f"the {REGISTRANT}" == excluded(it, approval)["person:ada"]


def test_both_parts_go_along_with_a_copy() -> None:
    """Though the other registry knows neither: Stageward has made it."""
    made = copy_world()
    with closing(made.rows):
        dev = Version.parse("dev/models/iris:1")
        registry = made.registries["dev"]
        registry.evidences[dev] = Evidence(
            {
                "job": {"id": "j1"},
                "metrics": {"accuracy": 0.97},
                "author": {"id": "mlflow:ada"},
            }
        )
        registry.register(dev, made.clock.now(), author="mlflow:eve")
        made.see(dev)
        made.ask(dev, "Staging")
        asked_ = made.ask(there(dev, "test"), "Production")

        with pytest.raises(DeniedError, match=f"you are the {TRAINER}"):
            made.approve(asked_.approval, "ada")
        with pytest.raises(DeniedError, match=f"you are the {REGISTRANT}"):
            made.approve(asked_.approval, "eve")
        made.approve(asked_.approval, "bob")

        state = made.state(there(dev, "shared"))
        assert ("person:eve", "person:ada") == (state.author, state.trainer)


def test_a_renewal_that_stageward_asks_for_excludes_whoever_trained_it_too() -> None:
    """The approval that opens is bound to both parts like any other."""
    course = timed(WhenInvalid.RENEW)
    policy = course.transitions[3].approval
    assert policy is not None
    both = replace(policy, exclude=(Excluded.REQUESTER, Excluded.AUTHOR), quorum=1)
    ways = tuple(
        replace(one, approval=both) if one.target == "Production" else one
        for one in course.transitions
    )
    it = world(governed_by=replace(course, transitions=ways))
    with closing(it.rows):
        trained(it, "mlflow:ada")
        votes(it, asked(it), "bob")
        it.clock.sleep(31 * 86_400)
        sweep(it.context)
        (view,) = query.approvals(it.context)
        sponsor_request(it.context, view.approval.id, actor("sam"), "sponsored")

        assert view.approval.renews
        with pytest.raises(DeniedError, match=f"you are the {TRAINER}"):
            votes(it, view.approval, "ada")


_IDS = st.sampled_from(
    ("", "mlflow:ada", "mlflow:bob", "oid:eve", "upn:eve@example.org", "mlflow:sam", "oid:nobody")
)
_PEOPLE = st.sampled_from(("ada", "bob", "eve", "sam"))
_MAPPED = Directory(
    people={
        "ada": Person("ada", "Ada", ("mlflow:ada", "oid:ada", "upn:ada@example.org")),
        "bob": Person("bob", "Bob", ("mlflow:bob", "oid:bob", "upn:bob@example.org")),
        "eve": Person("eve", "Eve", ("mlflow:eve", "oid:eve", "upn:eve@example.org")),
        "sam": Person("sam", "Sam", ("mlflow:sam", "oid:sam", "upn:sam@example.org")),
    },
    groups={"science": ("sam", "ada"), "risk": ("ada", "bob", "eve", "sam")},
)


@settings(max_examples=60, deadline=None)
@given(
    registrant=_IDS,
    trainers=st.lists(_IDS, min_size=1, max_size=3),
    requester=_PEOPLE,
    voters=st.permutations(("ada", "bob", "eve", "sam")),
)
def test_the_vote_of_neither_author_ever_counts(
    registrant: str, trainers: list[str], requester: str, voters: list[str]
) -> None:
    """Whoever they are, by whichever id they are known, and whatever is told of the job later."""
    it = world(governed_by=lifecycle())
    configuration = replace(
        it.context.configuration, directory=_MAPPED.masked(it.context.ledger.mask)
    )
    it = replace(it, context=replace(it.context, configuration=configuration))
    with closing(it.rows):
        trained(it, trainers[0], registrant or None)
        for one in trainers[1:]:
            told(it, one)
        approval = asked(it, requester)
        for voter in voters:
            with suppress(StagewardError):
                votes(it, approval, voter)
        counting = query.approval(it.context, approval.id).counting

    made_it = {_MAPPED.resolve(one) for one in (registrant, trainers[0], trainers[-1]) if one}
    assert not made_it & set(counting)
    assert f"person:{requester}" not in counting
    left = {"person:ada", "person:bob", "person:eve", "person:sam"} - made_it
    assert set(counting) <= left - {f"person:{requester}"}
    assert counting or not left - {f"person:{requester}"}

"""Who asked by a tag: what an event claims counts as far as the registry shows the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.context import Context
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.vote import VoteCommand, vote
from stage_functions.application.writer import SAME_WRITE_SECONDS
from stage_functions.domain.approval import Approval, Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Configuration
from stage_functions.domain.error import DeniedError
from stage_functions.domain.people import Actor, Attribution, Directory, Person
from stage_functions.domain.record import Json
from tests.builders import DIRECTORY, IRIS, World, actor, lifecycle, world
from tests.wire.samples import APPLICATION, OID

VERSION = Version(IRIS, "1")
NAME = "Jo Doe"
MAIL = "jo@example.org"
HINT = Signal(VERSION, actor=f"oid:{OID}", names=(NAME, MAIL, OID, APPLICATION), authenticated=True)
OWN = "oid:11111111-2222-4333-8444-555555555555"
VOTERS = {
    key: Person(key, key.title(), (f"oid:{key}", f"aml:{key.title()}", f"upn:{key}@example.org"))
    for key in ("ada", "bob", "eve")
}


@pytest.fixture
def it() -> Iterator[World]:
    """A world with a version at Staging, of which Production demands two approvals."""
    made = world()
    made.registry.own = frozenset({OWN})
    made.registry.register(VERSION, made.clock.now(), author="oid:author")
    follow(made.context, Signal(VERSION))
    made.tag(VERSION, "stage_request", "Staging")
    yield made
    made.rows.close()


def asked(
    it: World, hint: Signal, shown: str | None, *, late: float = 0, context: Context | None = None
) -> Approval:
    """Ask for Production by tag; return the approval that an event about it opens.

    Args:
        it: the world.
        hint: what the event says; of the moment of the write where it names none.
        shown: whom the registry shows as the last writer.
        late: how many seconds after the write the event says that it was made.
        context: Stageward, where it is configured otherwise.
    """
    at = it.clock.now()
    it.registry.set_tags(VERSION, {"stage_request": "Production"})
    if shown is not None:
        it.registry.wrote(VERSION, shown, at)
    follow(context or it.context, replace(hint, at=hint.at or at + timedelta(seconds=late)))
    (found,) = query.approvals(it.context)
    return found.approval


def knowing(it: World, *people: Person) -> Context:
    """Return Stageward where further people are known."""
    known = {**DIRECTORY.people, **{one.key: one for one in people}}
    directory = Directory(known, DIRECTORY.groups).masked(it.context.ledger.mask)
    return replace(
        it.context,
        configuration=Configuration(it.context.configuration.registries, directory, (lifecycle(),)),
    )


@pytest.mark.parametrize(
    "shown",
    [
        f"oid:{OID}",
        f"oid:{OID.upper()}",
        f"app:{APPLICATION}",
        f"aml:{NAME}",
        f"aml:{NAME.upper()}",
        f"upn:{MAIL}",
    ],
)
def test_an_event_of_the_write_that_the_registry_shows_proves_who_asked(
    it: World, shown: str
) -> None:
    """However the registry names the writer; no sponsor is needed, and nobody else is suspected."""
    approval = asked(it, HINT, shown)

    assert Actor(f"oid:{OID}", Attribution.PROVEN, "tag") == approval.requester
    assert (f"oid:{OID}",) == approval.candidates
    assert not approval.needs_sponsor


def test_a_hint_that_anybody_could_send_proves_nothing(it: World) -> None:
    """Whom it names may vote, and whom the registry shows may not: whoever wrote may have sent it."""
    masked = it.context.ledger.mask(f"aml:{NAME}")

    approval = asked(it, replace(HINT, authenticated=False), f"aml:{NAME}")

    assert Actor(masked, Attribution.INFERRED, "tag") == approval.requester
    assert (masked,) == approval.candidates
    assert approval.needs_sponsor


@pytest.mark.parametrize("late", [-SAME_WRITE_SECONDS, -1, 0, 1, SAME_WRITE_SECONDS])
def test_clocks_may_differ_a_little(it: World, late: float) -> None:
    """An event is of the moment when the write has ended."""
    assert Attribution.PROVEN == asked(it, HINT, f"aml:{NAME}", late=late).requester.attribution


@pytest.mark.parametrize("late", [-SAME_WRITE_SECONDS - 1, SAME_WRITE_SECONDS + 1, 86_400])
def test_an_event_of_another_time_tells_of_another_write(it: World, late: float) -> None:
    """Only what the registry itself shows is believed then; everyone seen stays a candidate."""
    masked = it.context.ledger.mask(f"aml:{NAME}")

    approval = asked(it, HINT, f"aml:{NAME}", late=late)

    assert Actor(masked, Attribution.INFERRED, "tag") == approval.requester
    assert (f"oid:{OID}", masked) == approval.candidates


@pytest.mark.parametrize("shown", ["aml:Jo", "aml:", "oid:other", f"aml:{NAME} "])
def test_an_event_of_somebody_else_is_not_confirmed(it: World, shown: str) -> None:
    """Whoever the registry shows wrote after them."""
    approval = asked(it, HINT, shown)

    assert Attribution.INFERRED == approval.requester.attribution
    assert f"oid:{OID}" != approval.requester.id
    assert f"oid:{OID}" in approval.candidates


def test_a_registry_that_names_nobody_confirms_nothing(it: World) -> None:
    """Then nobody is known to have asked."""
    approval = asked(it, HINT, None)

    assert Actor("", Attribution.NONE, "tag") == approval.requester
    assert (f"oid:{OID}",) == approval.candidates


@pytest.mark.parametrize("shown", ["stageward", OWN])
def test_stageward_is_never_the_requester(it: World, shown: str) -> None:
    """Neither where its registry shows it as the last writer, nor where an event names it."""
    own = asked(it, replace(HINT, actor=OWN, names=("stageward",)), shown)

    assert Actor("", Attribution.NONE, "tag") == own.requester
    assert () == own.candidates


def test_whoever_wrote_before_stageward_is_a_candidate(it: World) -> None:
    """Its own write came after theirs, so that nobody knows who asked."""
    approval = asked(it, HINT, "stageward")

    assert Actor("", Attribution.NONE, "tag") == approval.requester
    assert (f"oid:{OID}",) == approval.candidates


def test_an_event_of_stageward_leaves_the_word_to_the_registry(it: World) -> None:
    """Whoever it shows wrote later."""
    approval = asked(it, replace(HINT, actor=OWN.upper()), "oid:other")

    assert Actor("oid:other", Attribution.INFERRED, "tag") == approval.requester
    assert ("oid:other",) == approval.candidates


def test_no_name_reaches_a_record(it: World) -> None:
    """A display name is masked as a mail address is, and can be forgotten."""
    masked = it.context.ledger.mask(f"aml:{NAME}")

    asked(it, HINT, f"aml:{NAME}", late=3600)

    bodies = b"".join(record.body for record in query.all_records(it.context, IRIS))
    assert NAME.encode() not in bodies
    assert MAIL.encode() not in bodies
    assert masked.encode() in bodies
    assert f"aml:{NAME}" == it.context.ledger.name(masked)
    assert masked == it.context.identify(masked)


def test_somebody_known_by_the_name_that_the_registry_shows_is_known_in_records(
    it: World,
) -> None:
    """`aml:` is a provider as any other: also where they were mapped only later."""
    masked = it.context.ledger.mask(f"aml:{NAME}")
    context = knowing(it, Person("jo", "Jo", (f"aml:{NAME}",)))

    assert "person:jo" == context.identify(f"aml:{NAME.lower()}")
    assert "person:jo" == context.identify(masked)


def test_who_has_proven_to_have_asked_does_not_vote_and_others_do(it: World) -> None:
    """Two approvals grant it without a sponsor; the requester has none of them."""
    context = knowing(
        it,
        replace(VOTERS["ada"], ids=(*VOTERS["ada"].ids, f"oid:{OID}")),
        VOTERS["bob"],
        VOTERS["eve"],
    )
    approval = asked(it, HINT, f"aml:{NAME}", context=context)

    with pytest.raises(DeniedError, match="you are the requester"):
        cast(context, approval, "ada")
    cast(context, approval, "bob")
    cast(context, approval, "eve")

    record = list(query.all_records(context, IRIS))[-1]
    expected: dict[str, Json] = {"id": "person:ada", "attribution": "proven", "via": "tag"}
    assert "Production" == it.registry.tags(VERSION)["stage"]
    assert expected == record.content["requester"]


def test_whoever_is_proven_to_be_of_the_group_may_ask_by_tag(it: World) -> None:
    """A transition with requesters takes a tag for a request where it is certain whose it is."""
    context = knowing(it, replace(DIRECTORY.people["sam"], ids=(f"oid:{OID}",)))
    barred = replace(
        lifecycle(),
        transitions=tuple(replace(one, requesters=("science",)) for one in lifecycle().transitions),
    )
    configuration = replace(context.configuration, lifecycles=(barred,))
    context = replace(context, configuration=configuration)

    approval = asked(it, HINT, f"aml:{NAME}", context=context)

    assert "person:sam" == approval.requester.id


def cast(context: Context, approval: Approval, key: str) -> None:
    """Vote for an approval."""
    vote(
        context,
        VoteCommand(
            approval.id, Decision.APPROVE, "", approval.fingerprint, actor(key), f"by {key}"
        ),
    )

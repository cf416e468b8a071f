"""Who is named in records, and how: nobody by a mail address, everybody so that they are known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.context import Context
from stage_functions.application.names import ids_in
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import VoteCommand, vote
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.error import DeniedError, InvalidInputError
from stage_functions.domain.people import Person
from tests.builders import DIRECTORY, IRIS, World, actor, world

JANE = "mlflow:Jane.Doe@example.org"


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose registry is governed."""
    made = world()
    yield made
    made.rows.close()


def registered(it: World) -> Version:
    """Return a version that Jane, whom nobody has mapped, has registered."""
    version = Version(IRIS, "1")
    it.registry.register(version, it.clock.now(), author=JANE)
    follow(it.context, Signal(version))
    return version


def mapped(it: World) -> Context:
    """Return Stageward as it is after Jane was mapped to bob, who is of risk."""
    bob = Person("bob", "Bob", ("mlflow:bob", JANE.lower()))
    directory = replace(DIRECTORY, people={**DIRECTORY.people, "bob": bob})
    directory = directory.masked(it.context.ledger.mask)
    configuration = replace(it.context.configuration, directory=directory)
    return replace(it.context, configuration=configuration)


def test_a_mail_address_never_reaches_a_record(it: World) -> None:
    """Its masked form does; the provider stays, and the text is kept apart."""
    registered(it)

    (record,) = query.all_records(it.context, IRIS)
    named = it.context.ledger.versions(IRIS)["1"].author

    assert b"@" not in record.body
    assert named.startswith("mlflow:raw-")
    assert record.content["actor"] == {"id": named, "attribution": "inferred", "via": "registry"}
    assert it.context.ledger.name(named) == JANE


def test_an_address_is_masked_the_same_in_any_case_and_in_each_ledger_otherwise(
    it: World,
) -> None:
    """So one person stays one, and nobody can look an address up in another's records."""
    other = world()
    other.clock.count += 1

    mask = it.context.ledger.mask

    assert mask(JANE) == mask("mlflow:jane.doe@EXAMPLE.org")
    assert mask(JANE) != mask("upn:Jane.Doe@example.org")
    other.rows.close()


def test_whoever_is_mapped_later_is_known_in_what_was_recorded_before(it: World) -> None:
    """The author of the version cannot vote on it after all."""
    version = registered(it)
    context = mapped(it)
    request_transition(context, it.command(version, "Staging"))
    asked = request_transition(context, it.command(version, "Production"))

    with pytest.raises(DeniedError, match="you are the author of the version"):
        vote(context, ballot(asked.approval, asked.fingerprint, "bob"))


def test_a_voter_with_an_id_of_the_same_provider_is_proven_to_be_someone_else(it: World) -> None:
    """Because the mask keeps the provider."""
    version = registered(it)
    request_transition(it.context, it.command(version, "Staging"))
    asked = request_transition(it.context, it.command(version, "Production"))

    answer = vote(it.context, ballot(asked.approval, asked.fingerprint, "bob"))

    assert answer.needs == ("1 more of risk or science",)


def ballot(approval: str, fingerprint: str, who: str) -> VoteCommand:
    """Return a vote for an approval."""
    return VoteCommand(approval, Decision.APPROVE, "", fingerprint, actor(who), f"by {who}")


@pytest.mark.parametrize("name", ["zoe", "person:zoe", "person:", ":x"])
def test_a_request_is_made_on_behalf_of_somebody(it: World, name: str) -> None:
    """Else separation of duties would compare with nobody."""
    version = it.register("1")
    command = replace(it.command(version, "Staging"), on_behalf_of=name)

    with pytest.raises(InvalidInputError, match="names nobody; write person:<key>"):
        request_transition(it.context, command)


@given(
    st.lists(
        st.one_of(
            st.from_regex(r"person:[a-z0-9][a-z0-9._-]{0,9}[a-z0-9]", fullmatch=True),
            st.from_regex(r"[a-z]{1,8}:raw-[0-9a-f]{24}", fullmatch=True),
        )
    ),
    st.sampled_from(['"', " ", "/", ",", "é", '{"id":"']),
)
def test_every_id_in_a_text_is_found(ids: list[str], between: str) -> None:
    """Whatever stands around them, persons and masked ids are found, each as it is written."""
    text = f"{between}superperson:nobody{between}{between.join(ids)}{between}:raw-0{between}"

    assert set(ids) == set(ids_in(text.encode()))

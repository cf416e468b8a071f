"""Who is told of a violation, in which words, and whom no channel reaches."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.application.alarms import alarm
from stage_functions.application.notices import Notice
from stage_functions.application.reach import not_told
from stage_functions.domain.configuration import Configuration
from stage_functions.domain.lifecycle import Lifecycle, OnViolation
from stage_functions.domain.people import NOBODY, Actor, Attribution
from stage_functions.domain.record import Draft, Json, RecordType, empty_tail, seal
from tests.application.guard_world import guarding
from tests.builders import DIRECTORY, lifecycle
from tests.fakes.notifier import MemoryNotifier

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SAM = Actor("person:sam", Attribution.PROVEN, "registry")
EVERYBODY = ("person:sam", "person:ada", "person:bob", "person:eve", "group:risk", "group:science")


def served() -> Lifecycle:
    """Return the lifecycle with approvals and endpoints."""
    return replace(lifecycle(), stages=guarding().stages)


def told(
    fields: dict[str, Json],
    by: Actor = NOBODY,
    governed_by: Lifecycle | None = None,
    asset: str = "demo/models/iris",
) -> Notice:
    """Return what is told of such a violation."""
    said: dict[str, Json] = {"from": "None", "why": "because", **fields}
    draft = Draft(RecordType.VIOLATED, "1", "1/x", by, said)
    (record,) = seal(empty_tail("l", asset), [draft], commit=1, now=NOON, operation="o")
    return alarm(record, governed_by, DIRECTORY)


def test_of_a_deletion_those_hear_who_approve_ways_into_and_out_of_its_stage() -> None:
    """All ways out of Production take approval, and into it; into and out of None none does."""
    at_production = told({"from": "Production"}, governed_by=served())
    at_none = told({}, governed_by=served())

    assert sorted(EVERYBODY) == sorted(at_production.recipients)
    assert ("person:eve",) == at_none.recipients


@pytest.mark.parametrize(
    ("fields", "done"),
    [
        ({}, "was deleted"),
        ({"endpoint": "demo/scoring"}, "is served by demo/scoring"),
        ({"copies_only": True}, "came to a registry that takes only copies"),
    ],
)
def test_the_title_says_what_was_done(fields: dict[str, Json], done: str) -> None:
    """A mail is read by its subject."""
    assert f"Violated: demo/models/iris:1 {done}" == told(fields).message.title


def test_of_a_deployment_those_hear_too_who_let_versions_into_what_the_endpoint_takes() -> None:
    """It went past their approval. Staging takes none, so an endpoint of tests is the operators'."""
    scoring = told({"endpoint": "demo/scoring"}, governed_by=served())
    other = told({"endpoint": "demo/other"}, governed_by=served())

    assert set(EVERYBODY) == set(scoring.recipients)
    assert ("person:eve",) == other.recipients


def test_whoever_did_it_hears_first() -> None:
    """They can put it right soonest; who is not of the file is only named."""
    known = told({"endpoint": "demo/other"}, SAM, served())
    unknown = told({"endpoint": "demo/other"}, replace(SAM, id="oid:7"), served())

    assert ("person:sam", "person:eve") == known.recipients
    assert ("Sam", "oid:7") == (
        dict(known.message.facts)["By"],
        dict(unknown.message.facts)["By"],
    )
    assert ("person:eve",) == unknown.recipients


def test_what_no_lifecycle_governs_any_more_is_told_to_operators() -> None:
    """The configuration may have changed meanwhile."""
    assert ("person:eve",) == told({"endpoint": "demo/scoring"}).recipients


@given(st.text(max_size=400), st.text(min_size=1, max_size=400))
def test_whatever_names_hold_a_message_has_lines(name: str, endpoint: str) -> None:
    """One each, of bounded length: adapters escape them, but cannot tell lines apart."""
    fields: dict[str, Json] = {"endpoint": endpoint, "deployment": name, "why": name}
    message = told(fields).message
    lines = (message.title, message.text, *(part for fact in message.facts for part in fact))

    assert all(line == " ".join(line.split()) for line in lines)
    assert max(map(len, lines)) <= 600


@pytest.mark.parametrize(
    ("on_violation", "governed", "reach", "silent"),
    [
        (OnViolation.RECORD, guarding(), {}, False),
        (OnViolation.NOTIFY, guarding(), {}, True),
        (OnViolation.ZERO_TRAFFIC, guarding(), {"person:eve": ("mail:eve",)}, False),
    ],
)
def test_operators_who_would_hear_of_violations_and_cannot_are_named(
    on_violation: OnViolation,
    governed: Lifecycle,
    reach: dict[str, tuple[str, ...]],
    *,
    silent: bool,
) -> None:
    """Where nobody else would."""
    configuration = Configuration({}, DIRECTORY, (replace(governed, on_violation=on_violation),))
    said = not_told(configuration, MemoryNotifier(reach))

    assert silent == ("no mail and no message reaches Eve (eve), who are to hear of" in said)
    assert silent == bool(said)

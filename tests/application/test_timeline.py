"""Records in words: what a person wrote is never mixed with what Stageward says."""

from __future__ import annotations

import pytest

from stage_functions.application.timeline import Moment, moment
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.record import Draft, Json, RecordType, empty_tail, seal
from tests.fakes.clock import FakeClock

BOB = Actor("person:bob", Attribution.PROVEN, "api")
ITSELF = Actor("stageward", Attribution.PROVEN, "itself")


def of(type_: RecordType, fields: dict[str, Json], by: Actor = BOB) -> Moment:
    """Return a record as a timeline shows it."""
    draft = Draft(type_, "1", "i", by, fields)
    tail = empty_tail("ledger", "demo/models/iris")
    (record,) = seal(tail, [draft], commit=1, now=FakeClock().now(), operation="o")
    return moment(record)


@pytest.mark.parametrize(
    ("type_", "fields", "quote", "why"),
    [
        (
            RecordType.VOTED,
            {"comment": "Evidence complete.", "needs": ["1 more of model-risk"]},
            "Evidence complete.",
            "needs 1 more of model-risk",
        ),
        (RecordType.VOTED, {"needs": ["1 of risk"]}, "", "needs 1 of risk"),
        (
            RecordType.TRANSITION_REFUSED,
            {"why": "'production' is no stage of the lifecycle default", "reason": "lower case"},
            "lower case",
            "'production' is no stage of the lifecycle default",
        ),
        (
            RecordType.APPROVAL_REQUESTED,
            {"reason": "AUC 0.94", "needs": ["2 of risk"]},
            "AUC 0.94",
            "needs 2 of risk",
        ),
        (RecordType.STAGE_CHANGED, {"reason": "green", "why": "allowed"}, "green", ""),
        (RecordType.IMPORTED, {"grounds": "no approval", "why": "imported"}, "", ""),
        (
            RecordType.APPROVAL_CLOSED,
            {"why": "rejected by person:bob: drift: too much\nof it", "needs": ["no"]},
            "drift: too much\nof it",
            "rejected by person:bob",
        ),
        (
            RecordType.APPROVAL_CLOSED,
            {"why": "withdrawn by person:sam"},
            "",
            "withdrawn by person:sam",
        ),
        (
            RecordType.APPROVAL_CLOSED,
            {"why": "changed since it was asked: metrics: auc: 1 → 2"},
            "",
            "changed since it was asked: metrics: auc: 1 → 2",
        ),
    ],
)
def test_quotes_what_a_person_wrote_apart_from_what_stageward_says(
    type_: RecordType, fields: dict[str, Json], quote: str, why: str
) -> None:
    """Where nobody wrote anything nothing is quoted."""
    found = of(type_, fields)

    assert (quote, why) == (found.quote, found.why)


def test_what_stageward_asks_of_itself_is_nobodys_quote() -> None:
    """Its reason is the system's."""
    requester: Json = {"attribution": "none", "via": "itself"}
    fields: dict[str, Json] = {"reason": "it ran out", "requester": requester}
    found = of(RecordType.APPROVAL_REQUESTED, fields, ITSELF)

    assert ("", "it ran out") == (found.quote, found.why)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"from": "Staging", "why": "deleted"}, "a rule of Staging was broken"),
        (
            {"from": "None", "endpoint": "prod/scoring", "deployment": "blue", "then": "notify"},
            "deployed to prod/scoring (blue) while at None",
        ),
        (
            {
                "from": "None",
                "endpoint": "prod/scoring",
                "deployment": "blue",
                "then": "zero_traffic",
            },
            "deployed to prod/scoring (blue) while at None: that deployment is to get no more "
            "requests",
        ),
    ],
)
def test_a_violation_says_what_was_done_and_what_follows(
    fields: dict[str, Json], what: str
) -> None:
    """Why it is one stands beside it."""
    found = of(RecordType.VIOLATED, fields)

    assert (what, "bad", fields.get("why", "")) == (found.what, found.tone, found.why)

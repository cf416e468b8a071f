"""What holds at a stage and of a lifecycle is said in words, on pages and the command line."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from stage_functions.domain.lifecycle import Emergency, NotRatified, Review, Stage
from stage_functions.domain.terms import properties, terms
from tests.builders import lifecycle


def test_how_long_something_can_be_brought_back_and_what_is_frozen_is_said_of_a_stage() -> None:
    """Each option of a stage has its words, and none is told that is not set."""
    review = Review(timedelta(days=180), ("risk",))
    stage = Stage("Staging", rollback_within=timedelta(days=30), frozen=True, review=review)

    assert properties(stage) == (
        "who is displaced from it may be brought back for 30 days",
        "frozen: what is edited of a version here is put back, and blocks it",
        "reviewed every 180 days by risk, within 14 days",
    )
    assert properties(Stage("Staging")) == ()


def test_who_may_act_at_once_and_who_guards_the_rules_is_said_of_a_lifecycle() -> None:
    """With what follows when nobody ratifies, and how long records are kept."""
    urgent = Emergency(("on-call",), not_ratified=NotRatified.REVERT, waives=("soaked",))
    governed = replace(
        lifecycle(),
        emergency=urgent,
        protect_lifecycle=("risk",),
        renamed={"Prod": "Production"},
        retain_for=timedelta(days=3650),
    )

    assert terms(governed)[1:] == (
        "in an emergency a member of on-call may make a transition at once, without soaked, to be "
        "ratified within 1 day; else it is put back",
        "what loosens this lifecycle needs the consent of a member of risk",
        "Prod is called Production now",
        "records are to be kept for 3650 days",
    )
    escalated = replace(urgent, not_ratified=NotRatified.ESCALATE, escalate_to="board")
    assert terms(replace(governed, emergency=escalated))[1].endswith(
        "else it is not to be deployed, and board may ratify it too"
    )

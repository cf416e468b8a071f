"""A refusal in words: why, what else may be asked for, and how to ask again by tag."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from stage_functions.domain.lifecycle import Transition
from stage_functions.domain.people import NOBODY
from stage_functions.domain.state import VersionState
from stage_functions.domain.transition import (
    Refused,
    Request,
    ask_again,
    lawful,
    near,
    refusal_words,
)
from tests.builders import DIRECTORY, actor, lifecycle

ALLOWED = ("Archived", "Production")


def said(target: str, refused: Refused, *, by_tag: bool = True) -> str:
    """Return the words for whoever asked for a stage."""
    request = Request(target, "", NOBODY if by_tag else actor("sam"), by_tag=by_tag)
    return refusal_words(refused, ask_again=ask_again(refused, request, lifecycle()))


@pytest.mark.parametrize(
    ("target", "again"),
    [
        ("production", "Production"),
        (" PRODUCTION ", "Production"),
        ("Produciton", "Production"),
        ("Archive", "Archived"),
        ("Prod", "<stage>"),
        ("PreProduction", "<stage>"),
        ("", "<stage>"),
        ("None", "<stage>"),
    ],
)
def test_only_what_was_meant_is_named_to_ask_again(target: str, again: str) -> None:
    """A repeat that archives is suggested to nobody who did not ask for it."""
    words = said(target, Refused("no such stage", ALLOWED))

    assert words == (
        f"no such stage; allowed: Archived, Production; to ask again: {again}: <new reason>"
    )


def test_a_stage_whose_rule_failed_is_not_called_allowed() -> None:
    """Others are; and the same one may be asked for again, once the rule would pass."""
    words = said("Production", Refused("too old", ALLOWED, asked="Production"))
    alone = said("Production", Refused("too old", ("Production",), asked="Production"))

    assert words == "too old; allowed: Archived; to ask again: Production: <new reason>"
    assert alone == "too old; to ask again: Production: <new reason>"


def test_who_is_barred_is_told_only_the_way() -> None:
    """By tag it would be refused again."""
    plain = lifecycle()
    ways = (Transition("Staging", "Production", requesters=("science",)),)
    course = replace(plain, transitions=(*ways, Transition("Staging", "Archived")))
    state = VersionState("1", "i", "Staging", datetime(2026, 1, 1, tzinfo=UTC))
    refused = lawful(course, state, Request("Production", "", NOBODY, by_tag=True), DIRECTORY)

    assert isinstance(refused, Refused)
    assert said("Production", refused) == (
        "only science may ask for Staging → Production; ask with `stageward promote`, signed in"
    )


def test_where_nothing_is_allowed_nothing_is_suggested() -> None:
    """Nor is a way to ask again by the page or the command line, which have their own."""
    assert said("Staging", Refused("no")) == "no; nothing is allowed"
    assert said("Staging", Refused("no", ALLOWED), by_tag=False) == (
        "no; allowed: Archived, Production"
    )


def test_a_slip_is_taken_for_the_likest_stage() -> None:
    """Whatever the case of its letters."""
    assert near("STAGING", ("Staging", "staged")) == "Staging"
    assert not near("elsewhere", ("Staging",))

"""What a file says of reviews and frozen stages that cannot be."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stage_functions.domain.lifecycle import Review, WhenUnreviewed
from tests.wire.configuration_file import edited, faults, loaded

PRODUCTION = "displaced_to: Archived, "


@pytest.mark.parametrize(
    ("old", "said", "told"),
    [
        (
            PRODUCTION,
            "review: {within: 7d}, ",
            ["versions here are never reviewed: say review_every"],
        ),
        (
            PRODUCTION,
            "review_every: 90d, review: {groups: [model-rsk]}, ",
            ["no group is named model-rsk; did you mean 'model-risk'?"],
        ),
        (
            PRODUCTION,
            "review_every: 90d, review: {within: 7d, remind: [1d, 7d, 8d]}, ",
            ["the review has lapsed by then: within is 7d"] * 2,
        ),
        (
            '{deployable_to: ["*/*-test"]',
            "{review_every: 90d, deployable_to: []",
            [
                (
                    "nobody may review versions at Staging, as no approval leads there: "
                    "say review: {groups: […]}"
                )
            ],
        ),
    ],
    ids=["never", "group", "late", "nobody"],
)
def test_what_cannot_be_is_told_with_its_place(old: str, said: str, told: list[str]) -> None:
    """Each fault has a line and a column."""
    new = old + said if old == PRODUCTION else said
    found = faults(edited(old, new))

    assert told == [one.split(": ", 1)[1] for one in found]
    assert all(one.split(":")[0].isdecimal() for one in found)


def test_a_stage_may_be_frozen_and_reviewed() -> None:
    """Also the initial one may be frozen: a version is kept as it was registered."""
    text = edited(
        PRODUCTION,
        f"{PRODUCTION}frozen: true, review_every: 90d, review: {{when_unreviewed: block}}, ",
    )
    text = text.replace("{initial: true,", "{initial: true, frozen: true,", 1)
    (lifecycle,) = loaded(text).lifecycles
    stage = lifecycle.stages["Production"]

    assert stage.review == Review(timedelta(days=90), when_unreviewed=WhenUnreviewed.BLOCK)
    assert (stage.frozen, lifecycle.stages["None"].frozen, lifecycle.freezes) == (True,) * 3

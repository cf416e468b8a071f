"""Versions are deleted at deletable stages only: what Azure evaluates is the version that is there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.domain.asset import Kind
from stage_functions.wire.policy_definitions import DELETION, definitions
from tests.policies.requests import (
    ABSENT,
    DELETABLE,
    OTHERS,
    STAGES,
    by,
    policy,
    tagged,
    version,
)

PREVENTING = policy(DELETION)
KINDS = pytest.mark.parametrize("kind", list(Kind))


@KINDS
@pytest.mark.parametrize("who", list(OTHERS))
@pytest.mark.parametrize("stage", [*STAGES, "anything"])
def test_others_delete_at_deletable_stages(kind: Kind, who: str, stage: str) -> None:
    """A value that is no stage is none of those."""
    found = PREVENTING.evaluate(tagged(stage, kind), request_context=by(who))

    assert (None if stage in DELETABLE else "denyAction") == found


@KINDS
@pytest.mark.parametrize("tags", [ABSENT, None, {}, {"team": "a"}])
def test_what_shows_no_stage_is_deleted_by_anybody(kind: Kind, tags: object) -> None:
    """Nobody governs it, or not yet."""
    assert PREVENTING.evaluate(version(kind, tags=tags), request_context=by("a person")) is None


@KINDS
@pytest.mark.parametrize("stage", STAGES)
def test_the_governor_may_undo_what_it_has_made(kind: Kind, stage: str) -> None:
    """A write that met a deletion creates the version anew; it is taken away again."""
    assert PREVENTING.evaluate(tagged(stage, kind), request_context=by("the governor")) is None


@pytest.mark.parametrize("key", ["stage", "Stage", "STAGE"])
def test_case_does_not_count(key: str) -> None:
    """Neither of the key nor of the stage."""
    person = by("a person")

    assert PREVENTING.evaluate(version(tags={key: "archived"}), request_context=person) is None
    assert "denyAction" == PREVENTING.evaluate(
        version(tags={key: "production"}), request_context=person
    )


def test_where_no_stage_is_deletable_none_is_deleted() -> None:
    """An empty list is one too."""
    none = policy(DELETION, deletableStages=[])

    assert "denyAction" == none.evaluate(tagged("None"), request_context=by("a person"))


def test_it_denies_deletion_and_nothing_else() -> None:
    """With mode All, which versions need, Azure takes no word on resource groups."""
    properties = definitions()[DELETION]["properties"]

    assert isinstance(properties, dict)
    assert "All" == properties["mode"]
    assert {"actionNames": ["delete"]} == properties["policyRule"]["then"]["details"]
    assert ["auditAction", "denyAction", "disabled"] == properties["parameters"]["effect"][
        "allowedValues"
    ]


@given(
    tags=st.dictionaries(
        st.one_of(st.just("stage"), st.text(max_size=6)),
        st.one_of(st.sampled_from(STAGES), st.text(max_size=10)),
        max_size=4,
    ),
    who=st.sampled_from(["the governor", *OTHERS]),
)
def test_it_denies_what_it_says_whatever_the_tags(tags: dict[str, str], who: str) -> None:
    """No text in a tag makes it deny more, or less, or fail."""
    shown = [value.casefold() for key, value in tags.items() if key.casefold() == "stage"]
    inside = {stage.casefold() for stage in DELETABLE}
    kept = who != "the governor" and bool(shown) and shown[0] not in inside

    found = PREVENTING.evaluate(version(tags=tags), request_context=by(who))

    assert ("denyAction" if kept else None) == found

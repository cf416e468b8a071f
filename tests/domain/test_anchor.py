"""Anchors: what is said of all histories at once, and proofs that one is among them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.domain.anchor import Anchor, End, proof_of, root_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ENDS = tuple(End(f"demo/models/m{n}", n + 1, f"{n:064x}") for n in range(7))


def anchor(ends: tuple[End, ...] = ENDS) -> Anchor:
    """Return an anchor over ends."""
    return Anchor("k7m2p9qd", NOW, len(ends), root_of(ends))


@given(st.permutations(ENDS))
def test_the_root_does_not_depend_on_the_order(ends: list[End]) -> None:
    """Whoever has the ends finds the root."""
    assert root_of(ENDS) == root_of(ends)


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.name)
def test_each_end_has_a_proof_and_no_other_end_has_it(end: End) -> None:
    """Neither a later record, nor one with another hash, nor another history."""
    found = proof_of(anchor(), ENDS, end.name)
    assert found is not None
    forged = [
        replace(end, number=end.number + 1),
        replace(end, hash="f" * 64),
        replace(end, name="demo/models/other"),
    ]

    assert found.holds
    assert [False] * 3 == [replace(found, end=one).holds for one in forged]
    assert not replace(found, anchor=anchor(ENDS[:6])).holds


def test_a_history_that_was_not_there_has_no_proof() -> None:
    """There is nothing to prove."""
    assert proof_of(anchor(), ENDS, "demo/models/later") is None


def test_an_anchor_names_the_one_before_and_has_a_digest_of_all_that_it_says() -> None:
    """So one that is left out is missed."""
    first = anchor()
    second = replace(first, before=first.digest)

    assert "before" not in first.document()
    assert first.digest == second.document()["before"]
    assert first.digest != second.digest

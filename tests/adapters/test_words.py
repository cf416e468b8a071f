"""Words of others, before they come to a log, a page, a terminal or the ledger."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.adapters.words import in_a_line

EVERY_CHARACTER = st.text(st.characters(codec=None, categories=None))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("  as it is:\n\t403  ", "as it is: 403"),
        ("\x1b[2J\x9b31m", "[2J 31m"),
        ("a\ud83db", "a b"),
        ("\u202egnp.exe\u2066", "gnp.exe"),
        ("é 😀 → 中", "é 😀 → 中"),
        ("x" * 500, "x" * 100),
        (" " * 10_000_000, ""),
    ],
)
def test_they_are_one_line_that_nobody_obeys(said: str, shown: str) -> None:
    """Half of a character, which JSON can write and no store can keep, is a blank."""
    assert shown == in_a_line(said, 100)


@given(EVERY_CHARACTER)
def test_whatever_is_said_can_be_kept_and_is_one_line(said: str) -> None:
    """And is not longer than asked for."""
    shown = in_a_line(said, 20)

    assert len(shown) <= 20
    assert len(shown.splitlines()) <= 1
    assert msgspec.json.encode(shown)

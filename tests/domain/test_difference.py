"""How two versions differ is said in words and numbers, and never judged."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.domain.difference import Change, Direction, differences, shown, told
from stage_functions.domain.evidence import Scalar, Section

SCALARS: st.SearchStrategy[Scalar] = st.one_of(
    st.text(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.floats().map(repr),
    st.sampled_from(["1e999", "-0", "nan", "inf", "007", "1_000", "0x10", "9" * 500]),
)
SECTIONS = st.dictionaries(st.text(), SCALARS, max_size=6)


@pytest.mark.parametrize(
    ("old", "new", "direction", "by"),
    [
        (0.91, 0.94, Direction.HIGHER, "0.03 (3.3\u00a0%)"),
        (0.94, 0.91, Direction.LOWER, "0.03 (3.19\u00a0%)"),
        ("0.1", "0.05", Direction.LOWER, "0.05 (50\u00a0%)"),
        (0.0, 1.0, Direction.HIGHER, "1"),
        (-1.0, 1.0, Direction.HIGHER, "2 (200\u00a0%)"),
        (1.0, 30.0, Direction.HIGHER, "29 (2,900\u00a0%)"),
        (5e-324, 1.0, Direction.HIGHER, "1 (more than 1,000,000\u00a0%)"),
        (1e308, -1e308, Direction.LOWER, "2.00e+308 (200\u00a0%)"),
        (100000.0, 100000.5, Direction.HIGHER, "0.5 (less than 0.01\u00a0%)"),
        (math.inf, 1.0, Direction.LOWER, ""),
        (math.nan, 1.0, None, ""),
        ("a", "b", None, ""),
    ],
)
def test_numbers_are_compared_as_they_are_written(
    old: Scalar, new: Scalar, direction: Direction | None, by: str
) -> None:
    """Higher or lower, by how much and by how many percent; what is no number is only changed."""
    (found,) = differences({"x": old}, {"x": new})

    assert (Change.CHANGED, direction, by) == (found.change, found.direction, found.by)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.5", "0.50"),
        (3.0, 3),
        (math.nan, math.nan),
        (math.inf, math.inf),
        ("a", "a"),
        (0.0, -0.0),
    ],
)
def test_what_is_the_same_number_is_the_same(old: Scalar, new: Scalar) -> None:
    """However it is written."""
    (found,) = differences({"x": old}, {"x": new})

    assert Change.SAME is found.change


@pytest.mark.parametrize(
    ("old", "new"), [("007", "7"), (True, 1), ("12345678901234567890", "12345678901234567891")]
)
def test_what_only_looks_alike_is_not_the_same(old: Scalar, new: Scalar) -> None:
    """A text is no number because digits are in it, and a long number is not rounded."""
    (found,) = differences({"x": old}, {"x": new})

    assert Change.CHANGED is found.change


def test_what_came_and_went_is_told() -> None:
    """In the order of the newer one, and nothing of what stayed."""
    found = differences({"a": 1, "b": "x", "c": 3}, {"d": 4, "b": "y", "c": 3})

    assert ("d: 4 was added", "b: x → y", "a: 1 was removed") == told(found)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (3.0, "3"),
        (1e22, "1e+22"),
        (0.1, "0.1"),
        (math.nan, "not a number"),
        (math.inf, "infinite"),
        (-math.inf, "infinite, negative"),
    ],
)
def test_values_are_shown_as_people_read_them(value: Scalar, text: str) -> None:
    """What is no number is called so."""
    assert text == shown(value)


@given(SECTIONS, SECTIONS)
def test_any_two_sections_can_be_compared(old: Section, new: Section) -> None:
    """Nothing raises, every fact of either is there once, and a fact of one alone says so."""
    found = differences(old, new)

    assert {*old, *new} == {one.name for one in found}
    assert len(found) == len({*old, *new})
    for one in found:
        assert (Change.ADDED is one.change) == (one.name not in old)
        assert (Change.REMOVED is one.change) == (one.name not in new)
        assert "nan" not in one.by
        assert "inf" not in one.by


@given(SECTIONS)
def test_nothing_differs_from_itself(section: Section) -> None:
    """Whatever is in it."""
    assert () == told(differences(section, section))


@given(SECTIONS, SECTIONS)
def test_what_is_higher_one_way_is_lower_the_other(old: Section, new: Section) -> None:
    """By the same amount."""
    there = {one.name: one for one in differences(old, new)}
    back = {one.name: one for one in differences(new, old)}
    opposite = {Direction.HIGHER: Direction.LOWER, Direction.LOWER: Direction.HIGHER, None: None}

    for name, one in there.items():
        assert opposite[one.direction] == back[name].direction
        assert one.by.partition(" ")[0] == back[name].by.partition(" ")[0]


def test_a_measured_number_is_shown_to_six_digits_or_as_many_as_tell_two_apart() -> None:
    """The whole of it stays in the texts that are compared."""
    (rounded,) = differences({"f1": 0.9095022624434389}, {"f1": 0.9332591768631813})
    (near,) = differences({"f1": 0.9095022624434389}, {"f1": 0.9095022624439999})
    (same,) = differences({"f1": 0.9095022624434389}, {"f1": 0.9095022624434389})

    assert ("0.909502", "0.933259") == rounded.shortly
    assert ("0.909502262443", "0.909502262444") == near.shortly
    assert ("0.909502", "0.909502") == same.shortly
    assert "0.9332591768631813" == rounded.new


def test_a_text_that_looks_like_a_number_is_shown_as_it_is() -> None:
    """A version of Python, a parameter, a date."""
    (one,) = differences({"python_version": "3.10"}, {"python_version": "3.1200000001"})

    assert ("3.10", "3.1200000001") == one.shortly

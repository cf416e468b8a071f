"""Bars of any two numbers can be drawn, and stay within their box."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.web.pages.bars import HEIGHT, WIDTH, bars

NUMBERS = st.none() | st.floats() | st.sampled_from([0.0, -0.0, 5e-324, 1.7e308, -1.7e308])
_RECT = re.compile(
    r'<rect class="(bar-\w+)" x="([^"]*)" y="([^"]*)" width="([^"]*)" height="([^"]*)"/>'
)


def rectangles(svg: str) -> dict[str, tuple[float, float]]:
    """Return left and width of each bar, by class."""
    return {name: (float(x), float(w)) for name, x, _, w, _ in _RECT.findall(svg)}


@given(st.text(), NUMBERS, NUMBERS)
def test_any_two_numbers_can_be_drawn(label: str, old: float | None, new: float | None) -> None:
    """Nothing raises, no NaN gets into the picture, and no bar leaves the box."""
    svg = bars(label, old, new)
    numbers = re.findall(r' (?:x|y|width|height|x1|x2|y1|y2)="([^"]*)"', str(svg))

    assert all(re.fullmatch(r"[0-9]+(\.[0-9]+)?", one) for one in numbers)
    for left, wide in rectangles(svg).values():
        assert 0 <= left <= left + wide <= WIDTH + 0.011
    drawn = [one for one in (old, new) if one is not None and math.isfinite(one)]
    assert len(drawn) == len(rectangles(svg))
    assert bool(drawn) == bool(svg)


def test_the_longer_bar_is_the_larger_number() -> None:
    """Both begin at nothing."""
    found = rectangles(bars("auc", 0.5, 1.0))

    assert {"bar-old": (0.0, WIDTH / 2), "bar-new": (0.0, WIDTH)} == found


def test_a_negative_number_goes_the_other_way() -> None:
    """From the same line."""
    found = rectangles(bars("gain", -1.0, 3.0))

    assert {"bar-old": (0.0, 50.0), "bar-new": (50.0, 150.0)} == found


@pytest.mark.parametrize("tiny", [1e-300, -1e-300])
def test_a_tiny_number_is_seen(tiny: float) -> None:
    """It is not nothing."""
    assert rectangles(bars("p", tiny, 1.0))["bar-old"][1] == 1.0


def test_nothing_is_drawn_of_what_is_no_number() -> None:
    """The table beside it says what it is."""
    assert "" == bars("loss", math.nan, math.inf)


def test_the_text_alternative_is_escaped() -> None:
    """A metric's name is anybody's text."""
    svg = bars('"><script>', 1.0, 2.0)

    assert "<script>" not in svg
    assert 'role="img"' in svg
    assert f'viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}"' in svg

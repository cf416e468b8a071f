"""Bars of two numbers, as SVG: the old one above the new one, on a scale of their own.

Pure. Colours come from the style sheet by class, so that they suit light, dark and paper. What is
no finite number has no bar; the values beside the chart say what it is.
"""

from __future__ import annotations

import math

from markupsafe import Markup

WIDTH = 200.0
HEIGHT = 20.0
_THICK = 8.0
_LEAST = 1.0
"""Of a bar that stands for anything but nothing, so that it is seen."""
_SVG = Markup(
    '<svg class="bars" role="img" viewBox="0 0 {width:.0f} {height:.0f}" '
    'preserveAspectRatio="none" aria-label="{label}">{old}{new}{zero}</svg>'
)
_BAR = Markup('<rect class="{name}" x="{x:.2f}" y="{y:.0f}" width="{w:.2f}" height="{h:.0f}"/>')
_ZERO = Markup('<line class="zero" x1="{x:.2f}" x2="{x:.2f}" y1="0" y2="{height:.0f}"/>')


def bars(label: str, old: float | None, new: float | None) -> Markup:
    """Return the bars of two numbers; nothing where neither can be drawn.

    Args:
        label: the text alternative.
        old: of the version that is compared with; None where it has none.
        new: of the version that is asked for; None where it has none.
    """
    finite = [one for one in (old, new) if one is not None and math.isfinite(one)]
    if not finite:
        return Markup()
    largest = max(abs(one) for one in finite) or 1.0
    # First by the largest, then by the range: the range of two large numbers may be infinite.
    parts = [one / largest for one in finite]
    low, high = min(0.0, *parts), max(0.0, *parts)
    scale = WIDTH / ((high - low) or 1.0)
    zero = abs(low) * scale
    return _SVG.format(
        width=WIDTH,
        height=HEIGHT,
        label=label,
        old=_bar("bar-old", old, 1, largest, scale, zero),
        new=_bar("bar-new", new, 11, largest, scale, zero),
        zero=_ZERO.format(x=_inside(zero), height=HEIGHT),
    )


def _bar(
    name: str, number: float | None, top: float, largest: float, scale: float, zero: float
) -> Markup:
    if number is None or not math.isfinite(number):
        return Markup()
    length = abs(number) / largest * scale
    wide = min(max(length, _LEAST if number else 0.0), WIDTH)
    left = zero if number >= 0 else zero - wide
    left = min(max(left, 0.0), WIDTH - wide)
    return _BAR.format(name=name, x=left, y=top, w=wide, h=_THICK)


def _inside(x: float) -> float:
    """Keep a line of some thickness within the box."""
    return min(max(x, 0.5), WIDTH - 0.5)

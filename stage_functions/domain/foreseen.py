"""What an `Observed` record says, in words: what would have happened. Pure.

The command line and the timeline of the pages say it alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ONLY_OBSERVED = "only observed: no stage is granted, nothing is written"
"""The status of a version whose registry is only observed."""
_WOULD: Mapping[str, str] = {
    "granted": "would be granted",
    "pending": "would wait for approval",
    "refused": "would be refused",
    "unchanged": "would stay as it is",
}
"""What an outcome is called that nobody has been given; others say it in their detail."""
_SAID_WHOLE = ("granted", "pending")
"""Their detail is the way again."""


def foreseen(content: Mapping[str, Any]) -> tuple[str, str]:
    """Return what would have happened, and why or what of it; the second may be "".

    Args:
        content: of the record; fields of a later release are left out.
    """
    source, target, outcome, detail = (
        str(content.get(key, "")) for key in ("from", "to", "outcome", "detail")
    )
    if outcome in _WOULD and target:
        way = f"{source} → {target}" if source else target
        return f"{way}: {_WOULD[outcome]}", "" if outcome in _SAID_WHOLE else detail
    if outcome in _WOULD:  # what an endpoint serves: its detail says what would be recorded
        return source or outcome, detail
    if outcome == "first seen":
        return f"{outcome} at {target}", detail
    return outcome, detail


def status(said: str, stage: str) -> str:
    """Return the status of a version: what was said of it last, or that it is only observed."""
    return said or ("" if stage else ONLY_OBSERVED)

"""What somebody may have meant by a name that is none."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_BEGINNING = 2
"""From how many characters on the beginning of a name stands for it, where it is one name's."""


def meant(word: str, known: Iterable[str]) -> str:
    """Return the known name that a word is but for case, begins, or is near; "" for none."""
    names = list(known)
    folded = {name.casefold(): name for name in reversed(names)}
    wanted = word.strip().casefold()
    if wanted in folded:
        return folded[wanted]
    begun = [name for name in folded if name.startswith(wanted)]
    if len(wanted) >= _BEGINNING and len(begun) == 1:
        return folded[begun[0]]
    near = difflib.get_close_matches(wanted, folded, 1)
    return folded[near[0]] if near else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean '…'?` where a word stands for a known name, else ""."""
    name = meant(word, known)
    return f"; did you mean '{name}'?" if name else ""

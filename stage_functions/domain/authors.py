"""Who made a version: one person has registered it, and perhaps another has trained it.

Both are its authors. Where they differ each is called by their own part, everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class AuthorPart(StrEnum):
    """What an author did, in words."""

    BOTH = "author"
    REGISTERED = "registered by"
    TRAINED = "trained by"


def authors(author: str, trainers: Iterable[str]) -> tuple[tuple[AuthorPart, str], ...]:
    """Return the id of each author with their part, whoever registered it first.

    Args:
        author: id of who registered it, or "".
        trainers: ids of whose job it was; "" is nobody.
    """
    known = tuple(dict.fromkeys(one for one in trainers if one))
    others = tuple(one for one in known if one != author)
    if not author:
        return tuple((AuthorPart.TRAINED, one) for one in known)
    if not others:
        return ((AuthorPart.BOTH, author),)
    trained = tuple((AuthorPart.TRAINED, one) for one in others)
    return ((AuthorPart.REGISTERED, author), *trained)

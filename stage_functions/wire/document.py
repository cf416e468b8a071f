"""Parsed JSON of someone else's, read without trusting its shape.

What is missing, or of another type than hoped for, counts as absent. What that means is for the
reader to decide.
"""

from __future__ import annotations

import json

_MAX_DIGITS = 19


def parsed(body: bytes | str, *, strict: bool = False) -> object:
    """Parse JSON.

    Args:
        body: the text.
        strict: refuse objects that have a name twice.

    Raises:
        ValueError: it is none, or nested beyond all sense.
    """
    try:
        content: object = json.loads(body, object_pairs_hook=unique if strict else None)
    except RecursionError as exc:
        message = "nested too deeply"
        raise ValueError(message) from exc
    return content


def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object of JSON; for `object_pairs_hook`.

    Raises:
        ValueError: it has a name twice, of which readers of JSON take the one or the other.
    """
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            message = f"an object has '{name}' twice"
            raise ValueError(message)
        found[name] = value
    return found


def member(document: object, *path: str) -> object:
    """Return what stands at a path of keys, or None."""
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def text(document: object, *path: str) -> str:
    """Return the text at a path, or ""."""
    found = member(document, *path)
    return found if isinstance(found, str) else ""


def integer(document: object, *path: str) -> int | None:
    """Return the whole number at a path, or None; digits in quotes are one too."""
    found = member(document, *path)
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) <= _MAX_DIGITS:
        return int(found)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def entries(document: object, *path: str) -> list[object]:
    """Return the list at a path, or an empty one."""
    found = member(document, *path)
    return found if isinstance(found, list) else []

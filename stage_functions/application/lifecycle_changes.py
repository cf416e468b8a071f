"""The difference between two texts of a lifecycle, as LifecycleAdopted has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

MAX_CHANGES = 200
MAX_CHANGED_CHARACTERS = 300
"""Of a value in a change; the texts themselves are kept whole, by their digests."""


def differences(before: bytes | None, after: bytes) -> tuple[str, ...]:
    """Return the difference: `+ path: value`, `- path: value`, `~ path: old → new`."""
    if before is None:
        return ()
    old = dict(_leaves("", msgspec.json.decode(before)))
    new = dict(_leaves("", msgspec.json.decode(after)))
    lines = [f"+ {path}: {_cut(new[path])}" for path in new if path not in old]
    lines += [f"- {path}: {_cut(old[path])}" for path in old if path not in new]
    both = [path for path in new if path in old and old[path] != new[path]]
    lines += [f"~ {path}: {_cut(old[path])} → {_cut(new[path])}" for path in both]
    return tuple(sorted(lines, key=lambda line: line[2:])[:MAX_CHANGES])


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHANGED_CHARACTERS else f"{text[:MAX_CHANGED_CHARACTERS]}…"


def _leaves(path: str, value: object) -> Iterable[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _leaves(f"{path}.{key}" if path else str(key), child)
    elif isinstance(value, list):
        for position, child in enumerate(value):
            yield from _leaves(f"{path}[{position}]", child)
    else:
        yield path, str(value)

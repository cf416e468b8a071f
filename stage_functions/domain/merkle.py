"""Hash trees over many histories at once: one root, and short proofs that something is under it.

The tree is that of RFC 9162, section 2.1: SHA-256, a leaf hashed behind a zero byte and a node
behind a one, so that none can be taken for the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf, 32 bytes."""
    return hashlib.sha256(b"\x00" + entry).digest()


def root(entries: Sequence[bytes]) -> bytes:
    """Return the root over entries in their order, 32 bytes; of none, SHA-256 of nothing."""
    return root_over([leaf_hash(entry) for entry in entries])


def root_over(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaves that are hashed already, 32 bytes."""
    level = leaves
    if not level:
        return hashlib.sha256().digest()
    while len(level) > 1:
        level = _above(level)
    return level[0]


def inclusion(entries: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the siblings from a leaf up to the root.

    Raises:
        IndexError: there is no such entry.
    """
    if not 0 <= index < len(entries):
        raise IndexError(index)
    level, path = [leaf_hash(entry) for entry in entries], []
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level, index = _above(level), index // 2
    return tuple(path)


def root_by(entry: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that an inclusion proof leads to; None where it cannot be one.

    Args:
        entry: the leaf.
        index: its place among the entries, from 0.
        size: how many entries there are.
        path: the siblings, from the leaf up.
    """
    if not 0 <= index < size:
        return None
    found, rest, last = leaf_hash(entry), list(path), size - 1
    while last > 0:
        if index ^ 1 <= last:
            if not rest:
                return None
            sibling = rest.pop(0)
            found = _node(sibling, found) if index & 1 else _node(found, sibling)
        index, last = index // 2, last // 2
    return None if rest else found


def _above(level: Sequence[bytes]) -> list[bytes]:
    """Return the nodes over pairs of a level; the last of an odd number goes up as it is."""
    pairs = [
        _node(level[position], level[position + 1]) for position in range(0, len(level) - 1, 2)
    ]
    return [*pairs, level[-1]] if len(level) % 2 else pairs


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()

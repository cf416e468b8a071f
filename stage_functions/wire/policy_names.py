"""Which names of a workspace a lifecycle governs, as Azure Policy can ask for them.

Stageward's globs run over `registry/kind/name`, with any number of `*`, `?` and `[…]`, and case
counts; the first lifecycle that matches governs. The operator `like` of Azure Policy takes one `*`,
and case does not count. What can be said exactly is translated; what cannot is an error that names
the glob, never a pattern that means something else. That case does not count is for whoever renders
to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from stage_functions.domain.asset import Kind
from stage_functions.domain.configuration import RegistryConfiguration
from stage_functions.domain.lifecycle import Lifecycle

EVERY = "*"
MAX_PATTERNS = 100
"""Azure Policy counts over at most so many values."""

_TOKEN = re.compile(r"\*+|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)
_STAR = "*"


class NotExpressibleError(ValueError):
    """Azure Policy has no words for it; the message says for what."""


class Governed(Struct, frozen=True):
    """Names of one kind that a lifecycle governs.

    Attributes:
        lifecycle: the first that matches them.
        names: patterns with at most one `*` each; one of them matches.
        exceptions: likewise, of lifecycles further up in the file; none of them matches.
    """

    lifecycle: Lifecycle
    names: tuple[str, ...]
    exceptions: tuple[str, ...] = ()


def governed(
    registry: RegistryConfiguration, kind: Kind, lifecycles: Iterable[Lifecycle]
) -> Iterator[Governed]:
    """Return who governs the watched names of a kind, in the order of the file.

    Raises:
        NotExpressibleError: of a lifecycle it cannot be said, so of none behind it either. What
            was returned before is right.
    """
    watched = _patterns(registry.watch, f"{kind}/")
    taken: list[str] = []
    for lifecycle in lifecycles:
        if any(_covers(one, EVERY) for one in taken):
            return
        globs = _patterns(lifecycle.applies_to, f"{registry.alias}/{kind}/")
        names = [
            one for one in _both(watched, globs) if not any(_covers(other, one) for other in taken)
        ]
        if names:
            exceptions = [one for one in taken if any(_meet(one, name) for name in names)]
            yield Governed(lifecycle, _few(names), _few(exceptions))
            taken += names


def _few(patterns: Sequence[str]) -> tuple[str, ...]:
    if len(patterns) > MAX_PATTERNS:
        message = f"{len(patterns)} globs, and Azure Policy counts to {MAX_PATTERNS}"
        raise NotExpressibleError(message)
    return tuple(patterns)


def _patterns(globs: Iterable[str], prefix: str) -> list[str]:
    """Return the patterns of the names that globs match behind a prefix, none within another.

    Raises:
        NotExpressibleError: `like` has no words for one of them, and no other matches every name.
    """
    found: list[str] = []
    unsaid = ""
    for glob in globs:
        for rest in _rests(glob, prefix):
            if _sayable(rest):
                found.append("".join(rest))
            else:
                unsaid = unsaid or glob
    if EVERY in found:
        return [EVERY]
    if unsaid:
        message = f"'{unsaid}': Azure Policy takes one * for a name, and neither ? nor [ ]"
        raise NotExpressibleError(message)
    return _widest(found)


def _rests(glob: str, prefix: str) -> Iterator[Sequence[str]]:
    """Return what is left of a glob behind a prefix, for every way in which it can match that."""
    tokens = [_STAR if one[0] == _STAR else one for one in _TOKEN.findall(glob)]
    at = _reached(tokens, {0})
    for character in prefix:
        moved = {
            place if tokens[place] == _STAR else place + 1
            for place in at
            if place < len(tokens) and fnmatchcase(character, tokens[place])
        }
        at = _reached(tokens, moved)
    for place in sorted(at):
        rest = tokens[place:]
        if rest and "/" not in rest:  # no name is empty, and none has a slash
            yield rest


def _reached(tokens: Sequence[str], places: Iterable[int]) -> set[int]:
    """Return places, and those behind a star that matches nothing."""
    found = set(places)
    for place, token in enumerate(tokens):
        if place in found and token == _STAR:
            found.add(place + 1)
    return found


def _sayable(tokens: Sequence[str]) -> bool:
    plain = all(len(one) == 1 and one not in "?[" for one in tokens)
    return plain and tokens.count(_STAR) <= 1


def _widest(patterns: Sequence[str]) -> list[str]:
    """Return the patterns that are not within another one, each once."""
    unique = list(dict.fromkeys(patterns))
    return [
        one for one in unique if not any(other != one and _covers(other, one) for other in unique)
    ]


def _both(some: Sequence[str], others: Sequence[str]) -> list[str]:
    """Return the patterns of what is matched by one of some, and by one of others.

    Raises:
        NotExpressibleError: two overlap so that no single pattern says where.
    """
    found: list[str] = []
    for one in some:
        for other in others:
            if _covers(one, other):
                found.append(other)
            elif _covers(other, one):
                found.append(one)
            elif _meet(one, other):
                message = f"'{one}' and '{other}' at once: Azure Policy takes one * for a name"
                raise NotExpressibleError(message)
    return _widest(found)


def _covers(wide: str, narrow: str) -> bool:
    """Tell whether every name that one pattern matches is matched by the other."""
    if _STAR not in wide:
        return wide == narrow
    before, _, behind = wide.partition(_STAR)
    long_enough = len(narrow.replace(_STAR, "")) >= len(before) + len(behind)
    head, star, tail = narrow.partition(_STAR)
    return long_enough and head.startswith(before) and (tail if star else head).endswith(behind)


def _meet(one: str, other: str) -> bool:
    """Tell whether some name may be matched by both patterns."""
    if _STAR not in one or _STAR not in other:
        return _covers(one, other) or _covers(other, one)
    (head, _, tail), (front, _, end) = one.partition(_STAR), other.partition(_STAR)
    heads = head.startswith(front) or front.startswith(head)
    return heads and (tail.endswith(end) or end.endswith(tail))

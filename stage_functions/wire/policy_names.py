"""Which names of a workspace a lifecycle governs, as Azure Policy can ask for them.

Stageward's globs run over `registry/kind/name`, with any number of `*`, `?` and `[…]`, and case
counts; the first lifecycle that matches governs. The operator `like` of Azure Policy takes one `*`,
and case does not count. What can be said exactly is translated. Of what cannot nothing is said, nor
of any name further down that it might match, and each is told as lost: never is there a pattern
that means something else. That case does not count is for whoever renders to say.
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
_ONE_STAR = "Azure Policy takes one * for a name"


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


class Said(Struct, frozen=True):
    """What Azure Policy can be told of who governs the names of one kind.

    Attributes:
        governed: in the order of the file.
        lost: what it cannot be told, each with the lifecycle and the glob that is to blame.
    """

    governed: tuple[Governed, ...]
    lost: tuple[str, ...] = ()


class _Odd(Struct, frozen=True):
    """What there are no words for.

    Attributes:
        glob: as the file has it.
        wide: a pattern that matches whatever it matches, and maybe more.
    """

    glob: str
    wide: str


class _Patterns(Struct, frozen=True):
    """The names that globs match: patterns that say it, and what they leave out."""

    sayable: tuple[str, ...]
    odd: tuple[_Odd, ...]


def governed(registry: RegistryConfiguration, kind: Kind, lifecycles: Iterable[Lifecycle]) -> Said:
    """Return who governs the watched names of a kind, as far as it can be said."""
    names = _Names(_patterns(registry.watch, f"{kind}/"))
    for lifecycle in lifecycles:
        if any(_covers(one, EVERY) for one in names.taken):
            break
        names.add(lifecycle, _patterns(lifecycle.applies_to, f"{registry.alias}/{kind}/"))
    return Said(tuple(names.governed), tuple(dict.fromkeys(names.lost)))


class _Names:
    """The names of one kind of a registry, given to one lifecycle after the other.

    Attributes:
        governed: what can be said.
        lost: what cannot.
        taken: patterns of names that lifecycles so far govern.
    """

    def __init__(self, watched: _Patterns) -> None:
        self._watched = watched
        self._odd: list[_Odd] = []
        self.governed: list[Governed] = []
        self.lost: list[str] = []
        self.taken: list[str] = []

    def add(self, lifecycle: Lifecycle, globs: _Patterns) -> None:
        """Take note of a lifecycle: what it governs of what is watched and not taken."""
        found, apart = _both(self._watched.sayable, globs.sayable)
        names = [one for one in found if not _within(one, self.taken)]
        odd = [*self._unsaid(lifecycle, globs, apart)]
        said = [one for one in names if not self._is_shadowed(lifecycle, one)]
        exceptions = [one for one in self.taken if any(_meet(one, name) for name in said)]
        exceptions += self._shadows(lifecycle, said)
        if (
            said
            and self._is_countable(lifecycle, said)
            and self._is_countable(lifecycle, exceptions)
        ):
            self.governed.append(Governed(lifecycle, tuple(said), tuple(exceptions)))
        self.taken += names
        self._odd += odd

    def _unsaid(
        self, lifecycle: Lifecycle, globs: _Patterns, apart: Iterable[tuple[str, str]]
    ) -> Iterator[_Odd]:
        """Return what of a lifecycle's own names cannot be said, and tell it."""
        watched = (*self._watched.sayable, *(one.wide for one in self._watched.odd))
        for one in globs.odd:
            if not _within(one.wide, self.taken) and any(_meet(one.wide, w) for w in watched):
                self._lose(lifecycle, f"'{one.glob}': {_ONE_STAR}, and neither ? nor [ ]")
                yield one
        for mine, theirs in apart:
            self._lose(lifecycle, f"'{mine}' and '{theirs}' at once: {_ONE_STAR}")
            yield _Odd(theirs, theirs)
        for one in self._watched.odd:
            wide = (*globs.sayable, *(odd.wide for odd in globs.odd))
            if any(_meet(one.wide, other) for other in wide):
                message = f"what is watched as '{one.glob}': {_ONE_STAR}, and neither ? nor [ ]"
                self._lose(lifecycle, message)

    def _is_shadowed(self, lifecycle: Lifecycle, name: str) -> bool:
        """Tell whether each name of a pattern may be governed further up."""
        over = next((one for one in self._odd if _covers(one.wide, name)), None)
        if over is not None:
            self._lose(lifecycle, f"'{name}': '{over.glob}' further up may match it")
        return over is not None

    def _shadows(self, lifecycle: Lifecycle, names: Sequence[str]) -> Iterator[str]:
        """Return patterns of names that may be governed further up, and are so left out here."""
        for one in self._odd:
            if any(_meet(one.wide, name) for name in names):
                message = f"names such as '{one.wide}': '{one.glob}' further up may match them"
                self._lose(lifecycle, message)
                yield one.wide

    def _is_countable(self, lifecycle: Lifecycle, patterns: Sequence[str]) -> bool:
        if len(patterns) <= MAX_PATTERNS:
            return True
        message = f"{len(patterns)} globs, and Azure Policy counts to {MAX_PATTERNS}"
        self._lose(lifecycle, message)
        return False

    def _lose(self, lifecycle: Lifecycle, why: str) -> None:
        self.lost.append(f"lifecycle {lifecycle.name}: {why}")


def _patterns(globs: Iterable[str], prefix: str) -> _Patterns:
    """Return the patterns of the names that globs match behind a prefix, none within another."""
    found: list[str] = []
    odd: list[_Odd] = []
    for glob in globs:
        for rest in _rests(glob, prefix):
            if _sayable(rest):
                found.append("".join(rest))
            else:
                odd.append(_Odd(glob, _wide(rest)))
    widest = (EVERY,) if EVERY in found else tuple(_widest(found))
    return _Patterns(widest, tuple(one for one in odd if not _within(one.wide, widest)))


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
        narrower = place - 1 in at and tokens[place - 1] == _STAR
        if rest and not narrower and "/" not in rest:  # no name is empty, and none has a slash
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


def _wide(tokens: Sequence[str]) -> str:
    """Return a pattern for what tokens match, and maybe for more: one `*` for all wildcards."""
    wild = [at for at, one in enumerate(tokens) if one == _STAR or len(one) > 1 or one in "?["]
    return "".join((*tokens[: wild[0]], _STAR, *tokens[wild[-1] + 1 :]))


def _within(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether one of some patterns matches every name that a pattern matches."""
    return any(_covers(one, name) for one in patterns)


def _widest(patterns: Sequence[str]) -> list[str]:
    """Return the patterns that are not within another one, each once."""
    unique = list(dict.fromkeys(patterns))
    return [
        one for one in unique if not any(other != one and _covers(other, one) for other in unique)
    ]


def _both(
    some: Iterable[str], others: Sequence[str]
) -> tuple[Sequence[str], Sequence[tuple[str, str]]]:
    """Return the patterns of what is matched by one of some, and by one of others.

    Besides the pairs that overlap so that no single pattern says where.
    """
    found: list[str] = []
    apart: list[tuple[str, str]] = []
    for one in some:
        for other in others:
            if _covers(one, other):
                found.append(other)
            elif _covers(other, one):
                found.append(one)
            elif _meet(one, other):
                apart.append((one, other))
    return _widest(found), apart


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

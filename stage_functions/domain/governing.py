"""Which lifecycle governs what while a protected one waits: no other may slip in before it.

The first lifecycle that fits an asset governs it. So a protected one is got round by another that
is written before it, by taking it out, or by calling it otherwise, unless that is judged as well.
Pure. A glob is taken to meet another where it cannot be told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.loosening import covers, guarded, loosening
from stage_functions.domain.people import OPERATORS, Directory, names_somebody

_ENTRA = "entra:"


class Held(Struct, frozen=True):
    """A lifecycle in force.

    Attributes:
        lifecycle: its text.
        ahead: `<name> <glob>` of what may come before it; None where it guards its place by
            nothing, so that the file's order counts.
    """

    lifecycle: Lifecycle
    ahead: tuple[str, ...] | None = None


def meet(one: str, other: str) -> bool:
    """Tell whether some text may fit both globs; a set of characters counts as any character."""
    left, right = _parts(one), _parts(other)
    fits = [[False] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in range(len(left), -1, -1):
        for j in range(len(right), -1, -1):
            fits[i][j] = _fits(left, right, i, j, fits)
    return fits[0][0]


def _fits(
    left: Sequence[str], right: Sequence[str], i: int, j: int, fits: Sequence[Sequence[bool]]
) -> bool:
    """Tell whether what follows two places may be the same text, of what follows those behind."""
    a, b = left[i : i + 1], right[j : j + 1]
    if not a and not b:
        return True
    if a == ["*"]:
        return fits[i + 1][j] or (bool(b) and fits[i][j + 1])
    if b == ["*"]:
        return fits[i][j + 1] or (bool(a) and fits[i + 1][j])
    return bool(a) and bool(b) and ("?" in (a[0], b[0]) or a == b) and fits[i + 1][j + 1]


def _parts(glob: str) -> list[str]:
    parts: list[str] = []
    at = 0
    while at < len(glob):
        end = glob.find("]", at + 2) if glob[at] == "[" else -1
        if end > 0:
            parts.append("?")
            at = end
        else:
            parts.append(glob[at])
        at += 1
    return parts


def ahead_of(lifecycle: Lifecycle, file: Iterable[Lifecycle]) -> tuple[str, ...]:
    """Return what comes before a lifecycle in a file and may fit the same assets.

    Of one that the file does not have, all of it does.
    """
    return tuple(_mark(other, glob) for other, glob in _before(lifecycle, file))


def _before(lifecycle: Lifecycle, file: Iterable[Lifecycle]) -> Iterator[tuple[Lifecycle, str]]:
    for other in file:
        if other.name == lifecycle.name:
            return
        for glob in other.applies_to:
            if any(meet(glob, own) for own in lifecycle.applies_to):
                yield other, glob


def _mark(lifecycle: Lifecycle, glob: str) -> str:
    return f"{lifecycle.name} {glob}"


def taken_over(held: Held, file: Iterable[Lifecycle]) -> tuple[str, ...]:
    """Say which lifecycles of a file come to govern what a protected one does, and demand less."""
    known, own = held.ahead or (), held.lifecycle
    said: dict[str, None] = {}
    for other, glob in _before(own, file):
        if any(_covered(glob, one, other.name) for one in known):
            continue
        less = loosening(own, replace(other, applies_to=own.applies_to))
        if less:
            place = f"{other.name} governs what fits {glob} before it"
            said[f"{place}, and demands less: {less[0]}"] = None
    return tuple(said)


def feeding(
    before: Lifecycle | None, after: Lifecycle, protected: Iterable[Lifecycle]
) -> dict[str, tuple[str, ...]]:
    """Say how a lifecycle comes to copy versions past what a protected one demands.

    A copy begins at the stage that was granted elsewhere. What feeds a stage that is reached only
    with approval is guarded as that is: each change of it, unless it has guards of its own.

    Args:
        before: its text in force, or None.
        after: its text as it is to be.
        protected: the protected lifecycles in force.

    Returns:
        By what is said, the groups that guard the lifecycle that is fed.
    """
    found: dict[str, tuple[str, ...]] = {}
    for one in protected:
        fed = {} if before is None else dict(_fed(before, one))
        for way, law in _fed(after, one):
            if one.name != after.name and fed.get(way) != law:
                found[f"{way}, which {one.name} lets in only with approval"] = one.protect_lifecycle
    return found


def _fed(lifecycle: Lifecycle, protected: Lifecycle) -> Iterator[tuple[str, str]]:
    """Yield the ways by which versions are copied to guarded stages, each with what it is under."""
    for way in lifecycle.transitions:
        there = f"{way.copy_to}/*/*"
        if (
            way.copy_to
            and guarded(protected, way.target)
            and any(meet(there, glob) for glob in protected.applies_to)
        ):
            law = "guarded" if lifecycle.protect_lifecycle else lifecycle.digest
            yield f"{way.source} → {way.target} copies versions to {way.copy_to}", law


def _covered(glob: str, known: str, name: str) -> bool:
    of, _, wider = known.partition(" ")
    return of == name and covers(wider, glob)


def arrange(file: Sequence[Lifecycle], held: Mapping[str, Held]) -> tuple[Lifecycle, ...]:
    """Return the lifecycles in force, in the file's order as far as protected ones allow.

    A protected one comes before whatever may take assets from it and was not known to.

    Args:
        file: what the file has.
        held: what is in force, by name, among it what the file no longer has but is protected.
    """
    names = dict.fromkeys((*(one.name for one in file), *held))
    texts = {one.name: one for one in file}
    left = [held.get(name) or Held(texts[name]) for name in names]
    order: list[Lifecycle] = []
    while left:
        free = (one for one in left if not any(_first(other, one) for other in left))
        found = next(free, left[-1])  # each would be first: rather what the file has no more
        left.remove(found)
        order.append(found.lifecycle)
    return tuple(order)


def _first(held: Held, other: Held) -> bool:
    """Tell whether a lifecycle is to come before another one."""
    known, own = held.ahead, held.lifecycle
    if known is None or held is other:
        return False
    return any(
        not any(_covered(glob, one, other.lifecycle.name) for one in known)
        for glob in other.lifecycle.applies_to
        if any(meet(glob, one) for one in own.applies_to)
    )


def keepers(groups: Iterable[str], directory: Directory) -> dict[str, tuple[str, ...]]:
    """Return who may consent, each with the ids by which they are known; no name among them.

    Who belongs to a group by what Entra says is known by the app roles and groups that say so.
    """
    found: dict[str, tuple[str, ...]] = {}
    for group in groups:
        for key in directory.groups.get(group, ()):
            person = directory.people.get(key)
            ids = person.ids if person is not None else ()
            found[f"person:{key}"] = tuple(sorted(one for one in ids if not names_somebody(one)))
        if group in directory.entra:
            found[f"{_ENTRA}{group}"] = tuple(sorted(directory.entra[group]))
    return found


def deciders(lifecycle: Lifecycle, directory: Directory) -> dict[str, tuple[str, ...]]:
    """Return who decides under a lifecycle: by `<group>: <who>`, the ids by which they are known.

    Those who may vote, ask, review, use an emergency or be turned to, by the groups it names; and
    the operators.
    """
    groups = {**directory.groups, OPERATORS: directory.operators}
    every = replace(directory, groups=groups)
    return {
        f"{group}: {who}": ids
        for group in (*_named(lifecycle), OPERATORS)
        for who, ids in keepers((group,), every).items()
    }


def _named(lifecycle: Lifecycle) -> tuple[str, ...]:
    """Return the groups that a lifecycle lets decide, each once."""
    named: list[str] = []
    for way in lifecycle.transitions:
        named += way.requesters
        if way.approval is not None:
            named += way.approval.groups
            named += [way.approval.escalate.to] if way.approval.escalate is not None else []
    for stage in lifecycle.stages.values():
        named += stage.review.groups if stage.review is not None else ()
    urgent = lifecycle.emergency
    named += (*urgent.groups, urgent.escalate_to) if urgent is not None else ()
    return tuple(dict.fromkeys(one for one in named if one))


def more_keepers(
    before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Say who may consent besides those who might before."""
    for one, ids in after.items():
        whose = one.removeprefix(_ENTRA)
        if one not in before:
            who = f"by Entra, members of {whose}" if one.startswith(_ENTRA) else one
            yield f"protect_lifecycle: {who} may consent too"
        elif set(ids) - set(before[one]):
            by = "further app roles or groups of Entra" if one.startswith(_ENTRA) else "further ids"
            yield f"protect_lifecycle: {whose} is known by {by}"


def may_consent(
    id_: str,
    groups: Sequence[str],
    pinned: Mapping[str, Sequence[str]],
    directory: Directory,
) -> bool:
    """Tell whether somebody may consent: a member now, who was one when the text was adopted.

    Whoever writes the file could name themselves, or give somebody an id of their own: neither
    counts before it was consented to.
    """
    now = keepers(groups, directory)
    own = directory.resolve(id_)
    if own in now and own in pinned:
        return set(now[own]) <= set(pinned[own])
    claimed = directory.claimed.get(own, ())
    return any(
        group in claimed
        and f"{_ENTRA}{group}" in pinned
        and set(now.get(f"{_ENTRA}{group}", ())) <= set(pinned[f"{_ENTRA}{group}"])
        for group in groups
    )

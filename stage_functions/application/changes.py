"""What is different about something that an approval is bound to, in words for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stage_functions.application.brief_facts import TITLES, readable
from stage_functions.domain.approval import Binding
from stage_functions.domain.difference import differences, told
from stage_functions.domain.evidence import Evidence

MAX_LINES = 5
MAX_LINE_CHARACTERS = 160
_AUTHOR = "author"
_OF_THE_LEDGER = ("from", "displaces", "lifecycle")
"""What of a binding no registry shows: it changes by what Stageward grants or adopts."""


def in_brief(lines: tuple[str, ...]) -> str:
    """Return changes as a record and a tag can say them: the first ones, each cut."""
    first = (
        one if len(one) <= MAX_LINE_CHARACTERS else f"{one[:MAX_LINE_CHARACTERS]}…"
        for one in lines[:MAX_LINES]
    )
    more = f"; and {len(lines) - MAX_LINES} more" if len(lines) > MAX_LINES else ""
    return "; ".join(first) + more


def nameless(evidence: Evidence) -> Evidence:
    """Return evidence without its author, whose id may be a mail address."""
    return Evidence({k: v for k, v in evidence.sections.items() if k != _AUTHOR})


def bound_changes(
    then: Binding, now: Binding, evidence: Evidence, evidence_now: Evidence
) -> tuple[str, ...]:
    """Say in words what of an approval's binding is different now; empty where nothing is."""
    if then == now:
        return ()
    in_words: Mapping[str, Callable[[], tuple[str, ...]]] = {
        "evidence": lambda: evidence_changes(evidence, evidence_now),
        "tags": lambda: each("tag", then.tags, now.tags),
        "properties": lambda: each("property", then.properties, now.properties),
        "displaces": lambda: (_displaces(then, now),),
        "lifecycle": lambda: ("the lifecycle has other stages, transitions or rules now",),
        "description": lambda: each("", {"description": then.description}, _description(now)),
        "from": lambda: (f"it stands at {now.source} now, no longer at {then.source}",),
    }
    mine, theirs = then.document(), now.document()
    lines: list[str] = []
    for name in mine:
        if mine[name] != theirs[name]:
            said = in_words[name]() if name in in_words else ()
            lines += said or then.differences(now)
    return tuple(dict.fromkeys(lines))


def of_the_registry(then: Binding, now: Binding) -> bool:
    """Tell whether something differs that a registry shows, so that somebody wrote it there."""
    mine, theirs = then.document(), now.document()
    return any(mine[name] != theirs[name] for name in mine if name not in _OF_THE_LEDGER)


def evidence_changes(then: Evidence, now: Evidence) -> tuple[str, ...]:
    """Say in words how evidence differs."""
    old, new = readable(then), readable(now)
    return tuple(
        f"{TITLES[name].lower()}: {line}"
        for name in old
        for line in told(differences(old[name], new[name]))
    )


def each(what: str, then: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Say in words how texts by name differ."""
    lead = f"{what} " if what else ""
    return tuple(f"{lead}{line}" for line in told(differences(then, now)))


def _displaces(then: Binding, now: Binding) -> str:
    return f"it would displace {_versions(now)} now, no longer {_versions(then)}"


def _versions(bound: Binding) -> str:
    return f"version {' and '.join(bound.displaces)}" if bound.displaces else "nothing"


def _description(bound: Binding) -> Mapping[str, str]:
    return {"description": bound.description}

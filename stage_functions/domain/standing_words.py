"""On what grounds a version stood where it stood, in words for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stage_functions.domain.history import Standing


def grounds(standing: Standing) -> str:
    """Say on what grounds a version stood at its stage; a word of a later release as it is."""
    said = _WORDS.get(standing.why)
    words = said(standing) if said is not None else standing.why
    words = f"{words}, {_confirmed(standing)}" if standing.confirmed else words
    return f"{words}; its stage was called {standing.called} then" if standing.called else words


def _confirmed(standing: Standing) -> str:
    return f"{standing.confirmed} by approval {standing.approval}"


def _approved(standing: Standing) -> str:
    """Say by which approval, unless that came later and is said behind."""
    there = standing.approval and not standing.confirmed
    return f"approved by approval {standing.approval}" if there else "approved"


def _rolled_back(standing: Standing) -> str:
    """Say both approvals: the one that let it come back, and the one by which it stands again."""
    words = "rolled back to"
    if standing.under:
        words += f", under approval {standing.under} of the version that had displaced it"
    return _again(words, standing)


def _reverted(standing: Standing) -> str:
    return _again("reverted, since an emergency was not ratified", standing)


def _again(words: str, standing: Standing) -> str:
    """Say by what a version stands again that came back."""
    if standing.confirmed:
        return words
    own = f"by its own approval {standing.approval}" if standing.approval else "without approval"
    return f"{words}; it stands there again {own}"


def _emergency(standing: Standing) -> str:
    words = f"emergency {standing.incident}" if standing.incident else "emergency"
    return words if standing.confirmed else f"{words}, not ratified"


def _copied(standing: Standing) -> str:
    return f"copied from {standing.origin.version}" if standing.origin is not None else "copied"


def _displaced(standing: Standing) -> str:
    if standing.taken_out:
        return f"taken out by a rollback (record {standing.taken_out})"
    return f"displaced by version {standing.displaced_by}"


_WORDS: Mapping[str, Callable[[Standing], str]] = {
    "registered": lambda _: "registered",
    "imported": lambda _: "imported, without approval",
    "allowed": lambda _: "allowed, without approval",
    "approved": _approved,
    "displaced": _displaced,
    "copied": _copied,
    "rolled_back": _rolled_back,
    "emergency": _emergency,
    "reverted": _reverted,
}

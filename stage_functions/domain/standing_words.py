"""On what grounds a version stood where it stood, in words for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stage_functions.domain.history import Standing


def grounds(standing: Standing) -> str:
    """Say on what grounds a version stood at its stage; a word of a later release as it is."""
    said = _WORDS.get(standing.why)
    words = said(standing) if said is not None else standing.why
    return f"{words}, {_confirmed(standing)}" if standing.confirmed else words


def _confirmed(standing: Standing) -> str:
    return f"{standing.confirmed} by approval {standing.approval}"


def _under(words: str, standing: Standing, link: str = ", under") -> str:
    """Say by which approval, unless that came later and is said behind."""
    there = standing.approval and not standing.confirmed
    return f"{words}{link} approval {standing.approval}" if there else words


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
    "approved": lambda one: _under("approved", one, " by"),
    "displaced": _displaced,
    "copied": _copied,
    "rolled_back": lambda one: _under("rolled back to", one),
    "emergency": lambda one: "emergency" if one.confirmed else "emergency, not ratified",
    "reverted": lambda _: "reverted, since an emergency was not ratified",
    "renamed": lambda one: _under("its stage was renamed", one),
}

"""What rules may read, and what approvals are bound to: assembled here so that both agree.

Rules see `version`, `evidence` and `holder`, which an approval is bound to, and, unbound,
`request`, `now`, `in_stage_since`, `calendars` and `used_by`. What a version `uses` is evidence,
and so bound; at which stage each of these stands is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from stage_functions.domain.approval import Binding
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.calendar import Calendar, standing
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.rule import Facts
from stage_functions.domain.state import VersionState
from stage_functions.domain.transition import Request


def facts(
    lifecycle: Lifecycle,
    snapshot: Snapshot,
    state: VersionState,
    evidence: Evidence,
    holder: tuple[Snapshot, Evidence] | None,
    request: Request,
    now: datetime,
    more: Facts | None = None,
) -> Facts:
    """Return the variables of a rule.

    Args:
        lifecycle: the one that governs the asset.
        snapshot: the version as its registry shows it.
        state: the version as the ledger knows it.
        evidence: what is known of it.
        holder: the version that holds the target stage, with its evidence, or None.
        request: what is asked.
        now: aware UTC.
        more: the variables that are only there where a rule names them.
    """
    return {
        "version": _version(lifecycle, snapshot, state.stage),
        "evidence": evidence.variables(),
        "holder": None
        if holder is None
        else {
            **_version(lifecycle, holder[0], request.target),
            "evidence": holder[1].variables(),
        },
        "request": {
            "from": state.stage,
            "to": request.target,
            "reason": request.reason,
            "requester": request.requester.id,
            "attribution": str(request.requester.attribution),
            "via": request.requester.via,
        },
        "now": now,
        "in_stage_since": state.since,
        **(more or {}),
    }


def calendars(of: Iterable[Calendar], now: datetime) -> Facts:
    """Return how each calendar stands, as rules see it."""
    return {calendar.name: standing(calendar, now).variables() for calendar in of}


def related(version: Version | None, stage: str, text: str = "") -> Mapping[str, str]:
    """Return a version that another one uses, or that uses it, as rules see it.

    Args:
        version: which; None where it is named in a way that says nothing.
        stage: where it stands; "" where the ledger has granted it none.
        text: how it is named, where that names no version.
    """
    asset = version.asset if version is not None else None
    return {
        "registry": asset.registry if asset else "",
        "kind": str(asset.kind) if asset else "",
        "name": asset.name if asset else text,
        "version": version.number if version is not None else "",
        "stage": stage,
    }


def binding(
    lifecycle: Lifecycle,
    snapshot: Snapshot,
    source: str,
    target: str,
    displaces: tuple[str, ...],
    evidence: str,
) -> Binding:
    """Return what an approval of this transition is bound to; `evidence` is the digest."""
    return Binding(
        incarnation=snapshot.incarnation,
        source=source,
        target=target,
        displaces=displaces,
        lifecycle=lifecycle.digest,
        evidence=evidence,
        tags=lifecycle.bound(snapshot.tags),
        properties=dict(snapshot.properties),
        description=snapshot.description,
    )


def _version(lifecycle: Lifecycle, snapshot: Snapshot, stage: str) -> dict[str, object]:
    asset = snapshot.version.asset
    return {
        "registry": asset.registry,
        "kind": str(asset.kind),
        "name": asset.name,
        "version": snapshot.version.number,
        "stage": stage,
        "created_at": snapshot.created_at,
        "author": snapshot.author or "",
        "description": snapshot.description,
        "properties": dict(snapshot.properties),
        "tags": lifecycle.bound(snapshot.tags),
    }

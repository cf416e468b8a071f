"""What rules may read, and what approvals are bound to: assembled here so that both agree.

Rules see `version`, `evidence` and `holder`, which an approval is bound to, and, unbound,
`request`, `now` and `in_stage_since`.
"""

from __future__ import annotations

from datetime import datetime

from stage_functions.domain.approval import Binding
from stage_functions.domain.asset import Snapshot
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

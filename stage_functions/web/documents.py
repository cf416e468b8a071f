"""What use cases return, as documents of the API."""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec.structs import asdict

from stage_functions.application.answer import Answer, AnswerKind
from stage_functions.application.backlog import OwedView
from stage_functions.application.brief_copy import Copying
from stage_functions.application.catalog import CatalogEntry
from stage_functions.application.checks import Finding
from stage_functions.application.importing import Import
from stage_functions.application.ledger import Owed
from stage_functions.application.origins import Hop
from stage_functions.application.query import (
    ApprovalView,
    AssetPage,
    AssetView,
    RegistryView,
    VersionView,
)
from stage_functions.application.resolving import Resolution
from stage_functions.application.scan import Scanned
from stage_functions.application.unregistered_rows import Note
from stage_functions.domain import foreseen
from stage_functions.domain import lifecycle as domain
from stage_functions.domain.asset import Version
from stage_functions.domain.evidence import Evidence, Scalar
from stage_functions.domain.lifecycle import UNREGISTERED
from stage_functions.domain.record import Record
from stage_functions.domain.rule import Verdict
from stage_functions.domain.state import COPY, VersionState
from stage_functions.domain.violation import Violation
from stage_functions.wire import api

_FORESEEN: Mapping[AnswerKind, api.Foreseen] = {
    AnswerKind.GRANTED: "granted",
    AnswerKind.UNCHANGED: "unchanged",
    AnswerKind.PENDING: "pending",
    AnswerKind.REFUSED: "refused",
}


_DECIDED: Mapping[AnswerKind, api.Decided] = {
    **_FORESEEN,
    AnswerKind.VOTED: "voted",
    AnswerKind.CLOSED: "closed",
}


def decision(answer: Answer) -> api.Decision:
    """Return how a command ended."""
    return api.Decision(
        outcome=_DECIDED[answer.kind],
        changed=answer.kind is AnswerKind.GRANTED and not (answer.renews or answer.ratifies),
        version=answer.version,
        stage=answer.stage,
        detail=answer.detail,
        approval=answer.approval or None,
        status=answer.status or None,
        needs=answer.needs,
        allowed=answer.allowed,
        verdicts=verdicts(answer.verdicts),
        displaces=answer.displaces,
        record=answer.record or None,
        fingerprint=answer.fingerprint or None,
        waits_for=answer.waits_for or None,
        renews=answer.renews,
        ratifies=answer.ratifies,
    )


def check(finding: Finding) -> api.Check:
    """Return what would happen."""
    return api.Check(
        allowed=finding.allowed,
        outcome=_FORESEEN[finding.outcome],
        stage=finding.stage or None,
        detail=finding.detail,
        allowed_stages=finding.allowed_stages,
        verdicts=verdicts(finding.verdicts),
    )


def verdicts(found: tuple[Verdict, ...]) -> tuple[api.Verdict, ...]:
    """Return verdicts."""
    return tuple(
        api.Verdict(one.rule, one.result.value, dict(one.values), one.says, one.error, one.sentence)
        for one in found
    )


def catalog_version(entry: CatalogEntry) -> api.CatalogVersion:
    """Return a version as lists show it."""
    return api.CatalogVersion(
        asset=entry.asset,
        version=entry.version,
        stage=entry.stage or None,
        since=entry.since,
        record=entry.number,
        approval=entry.approval or None,
        status=entry.status if entry.gone else foreseen.status(entry.status, entry.stage),
        author=entry.author or None,
        trainer=entry.trainer or None,
        gone=entry.gone,
        stopped=entry.stopped or None,
        approved_by=entry.approved_by or None,
        valid_until=entry.valid_until,
        job=entry.job or None,
        violation=violation(entry.violation) if entry.violation is not None else None,
        drifted=entry.drifted or None,
        review_due=entry.review_due,
        review_lapsed=entry.review_lapsed,
    )


def violation(found: Violation) -> api.Violation:
    """Return a violation that stands."""
    return api.Violation(
        found.why, found.number, found.at, found.endpoint or None, found.deployment or None
    )


def catalog_page(page: AssetPage) -> api.CatalogPage:
    """Return some versions of the catalog."""
    return api.CatalogPage(
        tuple(catalog_version(entry) for entry in page.entries), page.cursor or None
    )


def asset(view: AssetView, entries: list[CatalogEntry]) -> api.Asset:
    """Return an asset; its versions as `catalog.entry` has them."""
    return api.Asset(
        asset=str(view.asset),
        lifecycle=view.lifecycle,
        records=view.records,
        holders={stage: tuple(held) for stage, held in view.holders.items()},
        versions=tuple(catalog_version(entry) for entry in entries),
        holds=view.holds,
        aliases=view.aliases,
    )


def version(view: VersionView) -> api.Version:
    """Return a version with its evidence."""
    if view.note is not None:
        return _unregistered(view, view.note)
    state, snapshot = view.state, view.snapshot
    origins = tuple(origin(hop) for hop in view.hops)
    return api.Version(
        version=str(view.version),
        stage=(state.stage or None) if state else None,
        since=state.since if state and state.stage else None,
        allowed=view.allowed,
        approval=(state.approval or None) if state else None,
        status=_status(state),
        stopped=(state.stopped or None) if state else None,
        registered=snapshot is not None,
        created=snapshot.created_at if snapshot else None,
        author=_author(state, snapshot.author if snapshot else None),
        trainer=view.trainer or None,
        description=snapshot.description if snapshot else "",
        tags=dict(snapshot.tags) if snapshot else {},
        properties=dict(snapshot.properties) if snapshot else {},
        evidence=evidence(view.evidence),
        approved_by=(state.approved_by or None) if state else None,
        valid_until=state.valid_until if state else None,
        origin=origins[0] if origins else None,
        origins=origins,
        copies=tuple(
            api.Copy(str(one.version), str(one.source), one.stage or None) for one in view.copies
        ),
        violations=tuple(violation(one) for one in reversed(state.violating)) if state else (),
        archived=snapshot is not None and snapshot.archived,
        drifted=(state.drifted or None) if state else None,
        review_due=state.review_due if state else None,
        review_lapsed=state is not None and state.review_lapsed,
    )


def _status(state: VersionState | None) -> str:
    if state is None or state.gone:
        return state.status if state else ""
    return foreseen.status(state.status, state.stage)


def origin(hop: Hop) -> api.Origin:
    """Return what a version is a copy of."""
    known = hop.origin
    return api.Origin(
        version=known.version,
        stage=hop.stage,
        content=known.content,
        number=known.number,
        record=known.record,
        proven=not hop.fault,
        detail=hop.sentence,
        evidence=known.evidence or None,
        now=hop.now or None,
    )


def _unregistered(view: VersionView, note: Note) -> api.Version:
    snapshot = view.snapshot
    return api.Version(
        version=str(view.version),
        stage=UNREGISTERED,
        since=note.made_at,
        allowed=(),
        approval=None,
        status=view.refused,
        stopped=None,
        registered=snapshot is not None,
        created=note.made_at,
        author=note.author or None,
        description=snapshot.description if snapshot else "",
        tags=dict(snapshot.tags) if snapshot else {},
        properties=dict(snapshot.properties) if snapshot else {},
        evidence=evidence(view.evidence),
    )


def evidence(found: Evidence) -> dict[str, dict[str, Scalar]]:
    """Return evidence; JSON has no word for NaN and infinities, so they are texts."""
    return {
        name: {key: _finite(value) for key, value in section.items()}
        for name, section in found.variables().items()
    }


def history(records: list[Record], limit: int) -> api.History:
    """Return records; where there were as many as asked for, there may be more."""
    after = records[-1].number if len(records) == limit else None
    return api.History(tuple(record.document() for record in records), after)


def approval(view: ApprovalView, objection: str = "") -> api.Approval:
    """Return an approval as approvers meet it."""
    found = view.approval
    return api.Approval(
        id=found.id,
        version=str(Version(view.asset, found.version)),
        from_stage=found.binding.source,
        to_stage=found.binding.target,
        displaces=found.binding.displaces,
        reason=found.reason,
        requester=found.requester.id or None,
        proven=not found.needs_sponsor,
        on_behalf_of=found.on_behalf_of or None,
        author=found.author or None,
        trainers=found.trainers,
        opened=found.opened,
        deadline=found.deadline,
        status=found.status.value,
        closed=found.closed,
        why=found.why,
        fingerprint=found.fingerprint,
        needs=view.needs,
        votes=tuple(
            api.Vote(
                voter=one.voter,
                decision=one.decision.value,
                comment=one.comment,
                at=one.at,
                counts=one.voter in view.counting,
                assurance=one.assurance.value,
                groups=one.groups,
            )
            for one in found.votes
        ),
        excluded=dict(view.excluded),
        verdicts=verdicts(found.verdicts),
        lifecycle=found.lifecycle,
        waits_for=view.waits_for,
        impossible=view.impossible or None,
        escalated=found.escalated,
        assurance=found.policy.assurance.value,
        valid_until=found.valid_until,
        renews=found.renews,
        ratifies=found.ratifies or None,
        holder=found.holder or None,
        voters=view.voters,
        copied_to=str(view.copying.version) if view.copying is not None else None,
        copy_displaces=_displaced_there(view.copying),
        objection=objection or None,
    )


def registry(view: RegistryView) -> api.Registry:
    """Return a registry with its state."""
    return api.Registry(
        alias=view.alias,
        type=view.type,
        mode=view.mode.value,
        governed=view.governed,
        why=view.why,
        imported=view.imported,
        scanned=view.pass_completed,
        halted=view.halted,
        unreadable=view.unreadable,
        address=view.address,
    )


def imported(report: Import) -> api.Import:
    """Return what an import came to."""
    return api.Import(**asdict(report))


def resolved(report: Resolution) -> api.Resolution:
    """Return what resolving came to."""
    losses = tuple(api.Loss(one.version, one.shows, one.granted) for one in report.losses)
    return api.Resolution(**{**asdict(report), "losses": losses})


def scanned(report: Scanned) -> api.Scan:
    """Return what a scan came to."""
    return api.Scan(**asdict(report))


def lifecycle(found: domain.Lifecycle) -> api.Lifecycle:
    """Return a lifecycle."""
    return api.Lifecycle(found.name, found.digest, found.applies_to, dict(found.text))


def owed(view: OwedView) -> api.Owed:
    """Return owed work."""
    return api.Owed(
        id=view.id,
        asset=view.asset,
        duty=view.owed.duty,
        target=_target(view.owed),
        attempts=view.owed.attempts,
        next_at=view.owed.next_at,
        parked=view.owed.parked,
        error=view.owed.error,
    )


def _target(row: Owed) -> str:
    """Return what owed work is about; of a copy, which version goes where."""
    return f"version {row.versions[0]} to {row.target}" if row.duty == COPY else row.target


def _author(state: VersionState | None, shown: str | None) -> str | None:
    return (state.author if state else "") or shown or None


def _displaced_there(copy: Copying | None) -> tuple[str, ...]:
    return tuple(str(one) for one in copy.displaces) if copy is not None else ()


def _finite(value: Scalar) -> Scalar:
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value

"""What the pages of an asset and of a version show. The ledger first; the registry if it answers.

A history may be long: of it at most `MAX_RECORDS` are read for a page, and the page says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from stage_functions.application import keys, query, unregistered, unregistered_lists
from stage_functions.application.context import Context
from stage_functions.application.holding import Holding, holdings
from stage_functions.application.holds import Hold, of_asset
from stage_functions.application.numbering import newest_first
from stage_functions.application.origins import Copied, Hop, chain, copied_to, places_of
from stage_functions.application.timeline import Moment, moment
from stage_functions.application.unregistered_rows import Note
from stage_functions.domain.asset import Asset, Snapshot, Version
from stage_functions.domain.copied import trespasses
from stage_functions.domain.error import (
    NotFoundError,
    RegistryRefusedError,
    RegistryUnavailableError,
)
from stage_functions.domain.evidence import SECTIONS, Evidence, Scalar
from stage_functions.domain.lifecycle import Lifecycle, Transition
from stage_functions.domain.places import Places
from stage_functions.domain.record import Record
from stage_functions.domain.state import ARCHIVED, VersionState

MAX_RECORDS = 500
"""Read for who held what, and for what became of a version."""
MOMENTS = 50
VERSIONS = 50


class AssetDossier(Struct, frozen=True):
    """An asset's page.

    Attributes:
        asset: which.
        lifecycle: the one that governs it, or None.
        ungoverned: why its registry is only observed, or "".
        versions: some of its versions, the newest first.
        total: how many there are.
        skipped: how many newer ones are on earlier pages.
        holders: versions by exclusive stage.
        moments: some of its records, the newest first.
        older: number to read on before; 0 where these were the first.
        records: how many there are.
        holdings: who held each exclusive stage, the latest first.
        read_from: number of the first record that these are read from.
        holds: what it is held for.
    """

    asset: Asset
    lifecycle: Lifecycle | None
    ungoverned: str
    versions: tuple[VersionState, ...]
    total: int
    skipped: int
    holders: Mapping[str, tuple[str, ...]]
    moments: tuple[Moment, ...]
    older: int
    records: int
    holdings: tuple[Holding, ...]
    read_from: int
    holds: tuple[Hold, ...] = ()


class VersionDossier(Struct, frozen=True):
    """A version's page.

    Attributes:
        version: which.
        lifecycle: the one that governs it, or None.
        ungoverned: why its registry is only observed, or "".
        state: as the ledger knows it, or None.
        snapshot: as its registry shows it; None where it is gone, or cannot be read.
        unreadable: why the registry cannot be read, or "".
        evidence: what is known of it: of its registry, else what the ledger has kept.
        kept_in: number of the record that the kept evidence is from; 0 where it is the registry's.
        moments: its records among those that were read, the newest first.
        read_from: number of the first record that was read.
        allowed: what may be asked for.
        renewal: what renewing the approval by which it stands demands; None where that cannot be
            asked for.
        places: where its registry shows it and what made it.
        note: what is noted of it where nobody has registered it, or None.
        hops: what it is a copy of, the nearest first.
        copies: what it was copied to.
        trespass: why it may not leave its stage in a registry that takes only copies, or "".
        trainer: id of whose job it was, or "".
        archived: who has archived it in its registry, in words; "" where nobody has.
    """

    version: Version
    lifecycle: Lifecycle | None
    ungoverned: str
    state: VersionState | None
    snapshot: Snapshot | None
    unreadable: str
    evidence: Evidence
    kept_in: int
    moments: tuple[Moment, ...]
    read_from: int
    allowed: tuple[Transition, ...]
    renewal: Transition | None
    places: Places
    note: Note | None = None
    hops: tuple[Hop, ...] = ()
    copies: tuple[Copied, ...] = ()
    trespass: str = ""
    trainer: str = ""
    archived: str = ""


def asset_dossier(
    context: Context, wanted: Asset, *, before: int = 0, skip: int = 0
) -> AssetDossier:
    """Return what an asset's page shows.

    Args:
        context: the context.
        wanted: which asset.
        before: only records with lower numbers in the timeline; 0 for the newest.
        skip: how many of the newest versions to leave out.

    Raises:
        NotFoundError: no such registry, or the ledger does not know the asset.
    """
    number = query.asset_is_known(context, wanted).number
    lifecycle = context.governing(wanted)
    states = context.ledger.versions(wanted)
    ordered = newest_first(states)[skip : skip + VERSIONS]
    newest = _records(context, wanted, number)
    last = min(before - 1, number) if before > 0 else number
    shown = newest[-MOMENTS:] if last == number else _records(context, wanted, last, MOMENTS)
    exclusive = lifecycle.exclusive() if lifecycle is not None else ()
    holders = context.ledger.load(wanted).head.holders
    held = holdings(newest, exclusive, holders)
    return AssetDossier(
        asset=wanted,
        lifecycle=lifecycle,
        ungoverned=context.states.ungoverned(wanted.registry),
        versions=tuple(states[one] for one in ordered),
        total=len(states),
        skipped=min(skip, len(states)),
        holders=holders,
        moments=tuple(moment(record) for record in reversed(shown)),
        older=shown[0].number if shown and shown[0].number > 1 else 0,
        records=number,
        holdings=tuple(reversed(held)),
        read_from=newest[0].number if newest else 0,
        holds=of_asset(context.ledger, wanted),
    )


def version_dossier(context: Context, wanted: Version) -> VersionDossier:
    """Return what a version's page shows; its registry need not be there.

    Raises:
        NotFoundError: no such registry, or nobody knows the version.
    """
    asset = wanted.asset
    configuration = context.configuration
    registry = configuration.registry(asset.registry)
    lifecycle = context.governing(asset)
    state = context.ledger.load(asset, [wanted.number]).versions.get(wanted.number)
    snapshot, unreadable, evidence = _from_registry(context, wanted)
    note = unregistered.find(context, wanted, snapshot) if state is None else None
    if state is None and snapshot is None and note is None:
        why = unreadable or f"and registry {asset.registry} has no such version"
        message = f"the ledger knows no {wanted}, {why}"
        raise NotFoundError(message)
    records = _records(context, asset, state.number) if state is not None else []
    own = [record for record in reversed(records) if record.version == wanted.number]
    kept_in = 0
    if evidence is None:
        evidence, kept_in = _kept(context, own)
    if note is not None and snapshot is None:
        evidence = unregistered_lists.evidence(context, note, None)
    trespass = trespasses(registry, lifecycle, state)
    hops = chain(context, state)
    allowed = (
        tuple(one for one in lifecycle.transitions if one.source == state.stage)
        if lifecycle is not None and state is not None and state.governed and not trespass
        else ()
    )
    return VersionDossier(
        version=wanted,
        lifecycle=lifecycle,
        ungoverned=context.states.ungoverned(asset.registry),
        state=state,
        snapshot=snapshot,
        unreadable=unreadable,
        evidence=evidence,
        kept_in=kept_in,
        moments=tuple(moment(record) for record in own),
        read_from=records[0].number if records else 0,
        allowed=allowed,
        renewal=_renewal(lifecycle, state),
        note=note,
        places=places_of(context, wanted, evidence, hops),
        hops=hops,
        copies=copied_to(context, wanted, state),
        trespass=trespass,
        trainer=context.trainer(state.trainer if state is not None else "", evidence),
        archived=archived(snapshot, state),
    )


def archived(snapshot: Snapshot | None, state: VersionState | None) -> str:
    """Say who has archived a version in its registry, as far as is known; "" if nobody has."""
    if snapshot is None or not snapshot.archived:
        return ""
    if state is not None and state.base.get(ARCHIVED):
        return "by Stageward: the stage is a hidden one"
    return "by somebody else, not by Stageward, which leaves that as it is"


def _renewal(lifecycle: Lifecycle | None, state: VersionState | None) -> Transition | None:
    """Return what a renewal demands, where the approval has an end and none is open."""
    if lifecycle is None or state is None or not state.governed or state.approval:
        return None
    return lifecycle.renewal(state.stage, state.held) if state.valid_until is not None else None


def _records(context: Context, asset: Asset, last: int, count: int = MAX_RECORDS) -> list[Record]:
    """Return so many records up to and with a number, in order."""
    partition = keys.asset_partition(asset)
    return context.ledger.records(partition, after=max(0, last - count), last=last, limit=count)


def _from_registry(
    context: Context, wanted: Version
) -> tuple[Snapshot | None, str, Evidence | None]:
    """Return what the registry shows, or why it cannot be read; no evidence where it gives none."""
    try:
        snapshot = context.registry(wanted.asset.registry).read(wanted)
        return snapshot, "", context.evidence(snapshot) if snapshot is not None else None
    except (RegistryUnavailableError, RegistryRefusedError, NotFoundError) as exc:
        return None, str(exc), None


def _kept(context: Context, newest_first_records: list[Record]) -> tuple[Evidence, int]:
    """Return the evidence that the version was last judged on, and the record that names it."""
    for record in newest_first_records:
        digest = record.content.get("evidence")
        document = context.ledger.blob(str(digest)) if digest else None
        if document is not None:
            return context.nameless(_evidence(document)), record.number
    return Evidence(), 0


def _evidence(document: bytes) -> Evidence:
    sections: dict[str, dict[str, Any]] = msgspec.json.decode(document)
    kept: dict[str, dict[str, Scalar]] = {
        name: {str(key): value for key, value in section.items()}
        for name, section in sections.items()
        if name in SECTIONS
    }
    return Evidence(kept)

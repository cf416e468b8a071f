"""What is asked of the ledger: assets, versions, histories, approvals. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.application import (
    catalog,
    keys,
    listing,
    unregistered,
    unregistered_lists,
    unregistered_words,
    verifying,
)
from stage_functions.application.brief_copy import Copying, copying
from stage_functions.application.catalog import CatalogEntry
from stage_functions.application.context import Context
from stage_functions.application.holds import of_asset
from stage_functions.application.origins import Copied, Hop, copied_to
from stage_functions.application.origins import chain as origins_of
from stage_functions.application.unregistered_rows import Note
from stage_functions.application.vote import find
from stage_functions.domain import aliases
from stage_functions.domain.approval import Approval, Status
from stage_functions.domain.asset import Asset, Kind, Snapshot, Version
from stage_functions.domain.chain import Fault
from stage_functions.domain.configuration import Mode, RegistryType
from stage_functions.domain.copied import trespasses
from stage_functions.domain.error import InvalidInputError, NotFoundError
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.history import Standing, as_of
from stage_functions.domain.lifecycle import UNREGISTERED, Lifecycle
from stage_functions.domain.record import Record, Tail
from stage_functions.domain.state import VersionState
from stage_functions.domain.voting import (
    counted,
    impossible,
    parties,
    unmet,
    voters_left,
    waits_for,
)

MAX_LIMIT = 1000


class AssetPage(Struct, frozen=True):
    """Some entries of the catalog.

    Attributes:
        entries: in the order of the catalog.
        cursor: to go on behind; "" when these were the last.
    """

    entries: tuple[CatalogEntry, ...]
    cursor: str


class AssetView(Struct, frozen=True):
    """An asset with its versions.

    Attributes:
        asset: which.
        lifecycle: name of the one that governs it.
        versions: all that the ledger knows, gone ones too, by number.
        holders: versions by exclusive stage.
        records: how many its history has.
        holds: cases that it is held for.
        aliases: by alias that is kept, the version that has it by grant.
    """

    asset: Asset
    lifecycle: str
    versions: Mapping[str, VersionState]
    holders: Mapping[str, tuple[str, ...]]
    records: int
    holds: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)


class VersionView(Struct, frozen=True):
    """A version as the ledger and its registry know it.

    Attributes:
        version: which.
        state: as the ledger knows it, or None.
        snapshot: as its registry shows it, or None where it is gone.
        evidence: what is known of it.
        allowed: stages that may be asked for.
        note: what is noted of it where nobody has registered it, or None.
        refused: why nothing can be asked of it then, and what to do; else "".
        hops: what it is a copy of, the nearest first.
        copies: what it was copied to.
        trainer: id of whose job it was, or "".
    """

    version: Version
    state: VersionState | None
    snapshot: Snapshot | None
    evidence: Evidence
    allowed: tuple[str, ...]
    note: Note | None = None
    refused: str = ""
    hops: tuple[Hop, ...] = ()
    copies: tuple[Copied, ...] = ()
    trainer: str = ""


class ApprovalView(Struct, frozen=True):
    """An approval with what approvers must know of it.

    Attributes:
        asset: whose approval it is.
        approval: as it stands, a passed deadline included.
        needs: what it still waits for, in words.
        counting: ids of those whose approval counts.
        excluded: why each of these ids may not vote.
        waits_for: what it waits for in a sentence, with who is excluded; "" once it is closed.
        impossible: why nobody who is left can reach the quorum, or "".
        voters: ids of the people of the file who may still vote.
        copying: what it is copied to when it is approved, or None.
    """

    asset: Asset
    approval: Approval
    needs: tuple[str, ...]
    counting: tuple[str, ...]
    excluded: Mapping[str, str]
    waits_for: str = ""
    impossible: str = ""
    voters: tuple[str, ...] = ()
    copying: Copying | None = None


class RegistryView(Struct, frozen=True):
    """A registry with its state.

    Attributes:
        alias: its alias.
        type: the product behind it.
        mode: as configured.
        governed: Stageward acts on it.
        why: why it does not, or "".
        imported: its stages were taken as granted.
        pass_completed: when a scan last came to its end, or None.
        halted: why the scan marks nothing as deleted, or "".
        unreadable: why it could not be read at the last scan, or "".
        address: of an MLflow server; else "".
    """

    alias: str
    type: str
    mode: Mode
    governed: bool
    why: str
    imported: bool
    pass_completed: datetime | None
    halted: str
    unreadable: str
    address: str = ""


class Filter(Struct, frozen=True):
    """Which versions a list is to show.

    Attributes:
        registry: only this one; "" for all.
        kind: only this one; None for all.
        stage: only versions that stand there; "" for all.
        waiting: only versions with an open approval.
        gone: deleted ones too.
        hidden: those at stages that the lifecycle hides too; one that is asked for is shown.
        unregistered: behind them what nobody has registered; also where its stage is asked for.
        violating: only versions with a violation that stands, wherever they are.
        due_by: only versions whose review is due by this moment, wherever they are; None for all.
    """

    registry: str = ""
    kind: Kind | None = None
    stage: str = ""
    waiting: bool = False
    gone: bool = False
    hidden: bool = False
    unregistered: bool = False
    violating: bool = False
    due_by: datetime | None = None

    @property
    def registered(self) -> bool:
        """Versions are to be shown."""
        return self.stage != UNREGISTERED

    @property
    def notes(self) -> bool:
        """What nobody has registered is to be shown."""
        there = not self.registered or (self.unregistered and not self.stage)
        return there and not (self.waiting or self.violating or self.due_by)

    def fits(self, entry: CatalogEntry, lifecycle: Lifecycle | None) -> bool:
        """Tell whether an entry is to be shown."""
        stage = lifecycle.stages.get(entry.stage) if lifecycle is not None else None
        if self.stage:
            shown = entry.stage == self.stage
        else:
            anywhere = self.hidden or self.violating or self.due_by is not None
            shown = anywhere or stage is None or not stage.hidden
        violates = entry.violation is not None
        due = entry.review_due if stage is not None and stage.review is not None else None
        return (
            shown
            and (not self.waiting or bool(entry.approval))
            and (not self.violating or violates)
            and (self.due_by is None or (due is not None and due <= self.due_by))
            and (self.gone or not entry.gone)
        )


def assets(
    context: Context, wanted: Filter | None = None, *, cursor: str = "", limit: int = 100
) -> AssetPage:
    """List versions, from the catalog.

    Args:
        context: the context.
        wanted: which; all but hidden and deleted ones if None.
        cursor: from an earlier page.
        limit: at most so many, 1,000 at the most.

    Raises:
        NotFoundError: no such registry.
        InvalidInputError: the cursor is of no such page.
    """
    wanted = wanted or Filter()
    configuration = context.configuration
    if wanted.registry:
        configuration.registry(wanted.registry)
    aliases = [wanted.registry] if wanted.registry else list(configuration.registries)
    kinds = [wanted.kind] if wanted.kind else list(Kind)
    partitions = [(alias, kind) for alias in aliases for kind in kinds]
    known = {keys.catalog_partition(alias, kind) for alias, kind in partitions}
    known |= {unregistered_lists.place(alias) for alias in aliases}
    if cursor and cursor.partition(" ")[0] not in known:
        message = "the cursor is of another list: take it from the page before"
        raise InvalidInputError(message)
    matching = chain(
        _of_catalog(context, wanted, partitions, cursor) if wanted.registered else (),
        _noted(context, wanted, aliases, cursor) if wanted.notes else (),
    )
    limit = min(limit, MAX_LIMIT)
    page = list(islice(matching, limit + 1))
    shown = page[:limit]
    return AssetPage(
        tuple(entry for _, entry in shown), shown[-1][0] if len(page) > limit and shown else ""
    )


def _of_catalog(
    context: Context, wanted: Filter, partitions: Sequence[tuple[str, Kind]], cursor: str
) -> Iterator[tuple[str, CatalogEntry]]:
    for at, kept in catalog.entries(context.ledger.rows, partitions, cursor):
        lifecycle = context.governing(Asset.parse(kept.asset))
        entry = catalog.called(kept, lifecycle)
        if wanted.fits(entry, lifecycle):
            yield at, entry


def _noted(
    context: Context, wanted: Filter, aliases: Sequence[str], cursor: str
) -> Iterator[tuple[str, CatalogEntry]]:
    """Yield what nobody has registered, from the beginning where the cursor is of the catalog."""
    of_these = cursor.partition(" ")[0] in {unregistered_lists.place(alias) for alias in aliases}
    yield from unregistered_lists.entries(context, aliases, wanted.kind, cursor if of_these else "")


def asset(context: Context, wanted: Asset) -> AssetView:
    """Return an asset with its versions.

    Raises:
        NotFoundError: the ledger does not know it.
    """
    lifecycle = context.lifecycle(wanted)
    loaded = context.ledger.load(wanted)
    if not loaded.etag:
        message = f"the ledger knows no {wanted}"
        raise NotFoundError(message)
    versions = context.ledger.versions(wanted)
    head = loaded.head
    cases = tuple(one.case for one in of_asset(context.ledger, wanted))
    registry = context.configuration.registry(wanted.registry)
    held = aliases.held(registry, lifecycle, head.holders)
    return AssetView(wanted, lifecycle.name, versions, head.holders, head.number, cases, held)


def version(context: Context, wanted: Version) -> VersionView:
    """Return a version with its evidence.

    Raises:
        NotFoundError: neither the ledger nor its registry knows it.
        RegistryUnavailableError: its registry cannot be read.
    """
    registry = context.registry(wanted.asset.registry)
    loaded = context.ledger.load(wanted.asset, [wanted.number])
    state = loaded.versions.get(wanted.number)
    snapshot = registry.read(wanted)
    if state is None and (note := unregistered.find(context, wanted, snapshot)) is not None:
        known = unregistered_lists.evidence(context, note, snapshot)
        governed_by = context.configuration.registry(wanted.asset.registry)
        why = unregistered_words.refusal_words(note, governed_by)
        return VersionView(wanted, None, _nameless(context, snapshot), known, (), note, why)
    lifecycle = context.lifecycle(wanted.asset)
    if state is None and snapshot is None:
        message = f"neither the ledger nor registry {wanted.asset.registry} knows {wanted}"
        raise NotFoundError(message)
    evidence = context.evidence(snapshot) if snapshot is not None else Evidence()
    allowed = lifecycle.allowed(state.stage) if state is not None and state.governed else ()
    governed_by = context.configuration.registry(wanted.asset.registry)
    if state is not None and trespasses(governed_by, lifecycle, state):
        allowed = ()
    hops, copies = origins_of(context, state), copied_to(context, wanted, state)
    trainer = context.trainer(state.trainer if state is not None else "", evidence)
    seen = _nameless(context, snapshot)
    return VersionView(
        wanted, state, seen, evidence, allowed, hops=hops, copies=copies, trainer=trainer
    )


def _nameless(context: Context, snapshot: Snapshot | None) -> Snapshot | None:
    """Return a version as its registry shows it, its author as records would write it."""
    if snapshot is None or not snapshot.author:
        return snapshot
    return replace(snapshot, author=context.masked(snapshot.author))


def history(context: Context, wanted: Asset, *, after: int = 0, limit: int = 100) -> list[Record]:
    """Return records of an asset behind a number, in order.

    Raises:
        NotFoundError: the ledger does not know the asset.
    """
    asset_is_known(context, wanted)
    partition = keys.asset_partition(wanted)
    return context.ledger.records(partition, after=after, limit=min(limit, MAX_LIMIT))


def all_records(context: Context, wanted: Asset) -> Iterator[Record]:
    """Yield every record of an asset, in order."""
    partition, after = keys.asset_partition(wanted), 0
    while page := context.ledger.records(partition, after=after, limit=MAX_LIMIT):
        yield from page
        after = page[-1].number


def standings(context: Context, wanted: Asset, moment: datetime | None) -> dict[str, Standing]:
    """Return where each version of an asset stood at a moment.

    Raises:
        NotFoundError: the ledger does not know the asset.
    """
    asset_is_known(context, wanted)
    return as_of(all_records(context, wanted), moment)


def check_history(context: Context, wanted: Asset) -> Fault | None:
    """Verify an asset's history against its head; None if all is well.

    Raises:
        NotFoundError: the ledger does not know the asset.
    """
    asset_is_known(context, wanted)
    ledger = context.ledger
    history = verifying.of_asset(wanted)
    return verifying.check(ledger.rows, ledger.id, history, documents=False).fault


def asset_is_known(context: Context, wanted: Asset) -> Tail:
    """Return the end of an asset's history.

    Raises:
        NotFoundError: the ledger does not know the asset.
    """
    context.configuration.registry(wanted.registry)
    loaded = context.ledger.load(wanted)
    if not loaded.etag:
        message = f"the ledger knows no {wanted}"
        raise NotFoundError(message)
    head = loaded.head
    return Tail(context.ledger.id, str(wanted), head.number, head.hash, head.at)


def approval(context: Context, wanted: str) -> ApprovalView:
    """Return an approval.

    Raises:
        NotFoundError: no such approval.
    """
    loaded, found = context.persistently(lambda: find(context, wanted))
    return _approval_view(context, loaded.asset, found.at(context.clock.now()))


def approvals(context: Context, status: Status | None = Status.OPEN) -> list[ApprovalView]:
    """Return approvals, oldest deadline first; only open ones unless told otherwise."""
    now = context.clock.now()
    wanted = listing.open_ones(context) if status is Status.OPEN else listing.every_one(context)
    found: list[ApprovalView] = []
    for loaded, ids in wanted:
        for id_ in ids:
            kept = context.ledger.more(loaded, approval=id_).approvals.get(id_)
            one = kept.at(now) if kept is not None else None
            if one is not None and (status is None or one.status is status):
                found.append(_approval_view(context, loaded.asset, one))
    return sorted(found, key=lambda view: view.approval.deadline)


def registries(context: Context) -> list[RegistryView]:
    """Return every registry with its state."""
    return [_registry_view(context, alias) for alias in context.configuration.registries]


def _registry_view(context: Context, alias: str) -> RegistryView:
    registry = context.configuration.registry(alias)
    state = context.states.get(alias)
    why = context.states.ungoverned(alias)
    return RegistryView(
        alias,
        str(registry.type),
        registry.mode,
        not why,
        why,
        state.imported,
        state.pass_completed,
        state.halted,
        state.unreadable,
        registry.address if registry.type is RegistryType.MLFLOW else "",
    )


def _approval_view(context: Context, owner: Asset, found: Approval) -> ApprovalView:
    directory = context.configuration.directory
    is_open = found.status is Status.OPEN
    return ApprovalView(
        owner,
        found,
        unmet(found, directory),
        tuple(counted(found, directory)),
        parties(found),
        waits_for(found, directory) if is_open else "",
        impossible(found, directory),
        voters_left(found, directory) if is_open else (),
        copying(context, Version(owner, found.version), found),
    )

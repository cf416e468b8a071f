"""The scan: registry against ledger. It only nominates; every difference is read again.

It finds what no signal told: edits while Stageward was away, registries without events, versions
that are gone. Deleted needs a complete pass over a readable registry and two answers of "no such
version" five minutes apart; when more than 5 % of a registry is missing, nothing is marked.

When all versions were compared, the endpoints of the registry are judged, as by an event.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import catalog, measures
from stage_functions.application.context import Context
from stage_functions.application.endpoints import judge_endpoints
from stage_functions.application.freezing import adrift
from stage_functions.application.missing import note_missing
from stage_functions.application.ports.telemetry import Attribute
from stage_functions.application.reconcile import mirrors
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow, settle_due
from stage_functions.application.unregistered import forget_missing, note_anonymous
from stage_functions.domain.aliases import Holders
from stage_functions.domain.asset import Asset, Kind, Snapshot, Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import (
    RegistryRefusedError,
    RegistryUnavailableError,
    RetryableError,
)
from stage_functions.domain.observation import observed, read
from stage_functions.domain.review import behind
from stage_functions.domain.state import VersionState

MISSING_SHARE = 0.05
ENDPOINTS = "endpoints/"
"""A cursor that begins so is behind all versions, and behind an endpoint."""
MISSING_ALWAYS_FINE = 3
"""A registry may lose this many versions at once without anything being wrong."""
FAILURES_ALWAYS_FINE = 3
"""So many versions a scan passes over that cannot be read, before it gives up the registry."""
log = logging.getLogger("stageward.scan")


class Scanned(Struct, frozen=True):
    """What a scan of a registry came to.

    Attributes:
        registry: its alias.
        seen: versions listed.
        nominated: versions that differed and were read again.
        changed: of those, how many changed the ledger.
        missing: versions that the ledger knows and the registry does not.
        deleted: of those, how many were recorded as deleted.
        complete: the pass came to its end within the time.
        halted: why nothing was marked as deleted, or "".
        failed: the first version that could not be followed up, and why; or "".
        failures: how many could not be.
        endpoints: that were judged.
        unread: why one of them could not be judged, or "".
    """

    registry: str
    seen: int = 0
    nominated: int = 0
    changed: int = 0
    missing: int = 0
    deleted: int = 0
    complete: bool = False
    halted: str = ""
    failed: str = ""
    failures: int = 0
    endpoints: int = 0
    unread: str = ""


class _Pass:
    """What one pass over a registry has seen so far."""

    def __init__(self, began: datetime) -> None:
        self.began = began
        self.versions: set[Version] = set()
        self.nameless: set[Version] = set()

    def see(self, listed: Iterable[Snapshot]) -> None:
        """Remember versions of a page."""
        for snapshot in listed:
            self.versions.add(snapshot.version)
            if snapshot.anonymous:
                self.nameless.add(snapshot.version)


class Scanner:
    """Scans registries, each going on where its last scan stopped. Safe to share between threads.

    What a pass has seen is kept in memory: a pass that another process began nominates what
    differs, and leaves it to the next one to tell what is missing.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._seen: dict[str, _Pass] = {}
        self._scanning = threading.Lock()

    def scan(self, alias: str, *, seconds: float = 240, parent: str = "") -> Scanned:
        """Compare a registry with the ledger for at most so many seconds.

        Args:
            alias: of the registry.
            seconds: after which the next scan goes on.
            parent: `traceparent` of what rang, where that is known.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: it cannot be read; health says so.
            RetryableError: another scan did not end meanwhile.
        """
        if not self._scanning.acquire(timeout=seconds):
            message = "another scan is running; try again when it has ended"
            raise RetryableError(message)
        try:
            about: dict[str, Attribute] = {measures.REGISTRY: alias}
            telemetry = self._context.telemetry
            with telemetry.span(measures.SCAN, attributes=about, parent=parent) as span:
                scanned = self._scan(alias, seconds)
                span.set("stageward.seen", scanned.seen)
                span.set("stageward.nominated", scanned.nominated)
                return scanned
        except (RegistryUnavailableError, RegistryRefusedError) as exc:
            reason = str(exc)
            self._context.states.update(alias, lambda state: replace(state, unreadable=reason))
            raise
        finally:
            self._scanning.release()

    def _scan(self, alias: str, seconds: float) -> Scanned:
        context = self._context
        end = context.clock.now() + timedelta(seconds=seconds)
        found_empty(context, alias)
        cursor = context.states.get(alias, fresh=True).cursor
        if cursor.startswith(ENDPOINTS):
            return self._judge(alias, Scanned(alias), cursor.removeprefix(ENDPOINTS), end)
        if not cursor:
            self._seen[alias] = _Pass(context.clock.now())
        result = Scanned(alias)
        while True:
            page = context.registry(alias).versions(cursor)
            result = self._compare(alias, page.versions, result)
            cursor = page.cursor
            if not cursor:
                return self._judge(alias, self._finish(alias, result), "", end)
            self._advance(alias, cursor, result)
            if context.clock.now() >= end:
                return result

    def _advance(self, alias: str, cursor: str, result: Scanned) -> None:
        self._context.states.update(
            alias, lambda state: replace(state, cursor=cursor, unreadable=result.failed)
        )

    def _judge(self, alias: str, result: Scanned, after: str, end: datetime) -> Scanned:
        """Judge the endpoints behind one; where time is over, the next scan goes on there."""
        judged = judge_endpoints(self._context, alias, after, end)
        cursor = "" if judged.left is None else f"{ENDPOINTS}{judged.left}"
        self._context.states.update(alias, lambda state: replace(state, cursor=cursor))
        return replace(
            result,
            changed=result.changed + judged.changed,
            endpoints=judged.endpoints,
            unread=judged.unread,
            complete=judged.left is None,
        )

    def _compare(self, alias: str, snapshots: Iterable[Snapshot], result: Scanned) -> Scanned:
        context = self._context
        grouped: dict[Asset, list[Snapshot]] = {}
        for snapshot in snapshots:
            grouped.setdefault(snapshot.version.asset, []).append(snapshot)
        nominated: list[Version] = []
        nameless: list[Snapshot] = []
        for asset, listed in grouped.items():
            if alias in self._seen:
                self._seen[alias].see(listed)
            if context.configuration.registry(alias).watches(asset):
                nominated += _differing(context, asset, listed)
                nameless += _nameless(context, asset, listed)
        note_anonymous(context, alias, nameless)
        for version in nominated:
            result = _followed(context, version, result)
        return replace(
            result,
            seen=result.seen + sum(len(listed) for listed in grouped.values()),
            nominated=result.nominated + len(nominated),
        )

    def _finish(self, alias: str, result: Scanned) -> Scanned:
        context = self._context
        now = context.clock.now()
        seen = self._seen.pop(alias, None)
        missing = [] if seen is None else _missing(context, alias, seen.versions)
        halted = _too_many(len(missing), 0 if seen is None else len(seen.versions))
        if seen is not None and not halted:
            forget_missing(context, alias, seen.nameless, seen.began)
        deleted = 0 if halted else sum(_note_missing(context, version) for version in missing)
        context.states.update(
            alias,
            lambda state: replace(
                state, cursor="", pass_completed=now, halted=halted, unreadable=result.failed
            ),
        )
        return replace(result, missing=len(missing), deleted=deleted, halted=halted)


def found_empty(context: Context, alias: str) -> bool:
    """Count an enforce registry as imported if nothing is in it; tell whether it is imported.

    Raises:
        RegistryUnavailableError, RegistryRefusedError: it cannot be listed.
    """
    if context.states.get(alias, fresh=True).imported:
        return True
    if context.configuration.registry(alias).mode is not Mode.ENFORCE:
        return False
    page = context.registry(alias).versions()
    if page.versions or page.cursor:
        return False
    context.states.update(alias, lambda state: replace(state, imported=True))
    return True


def _followed(context: Context, version: Version, result: Scanned) -> Scanned:
    """Follow up a version that differs; what is wrong with one alone stops none of the others.

    Raises:
        RegistryUnavailableError: more than a few cannot be read now, so it is the registry.
    """
    try:
        return replace(result, changed=result.changed + follow(context, Signal(version)))
    except (RegistryUnavailableError, RegistryRefusedError) as exc:
        passing = isinstance(exc, RegistryUnavailableError)
        if passing and result.failures >= FAILURES_ALWAYS_FINE:
            raise
        log.warning("the scan leaves %s for the next time: %s", version, exc)
        failed = result.failed or f"{version}: {exc}"
        return replace(result, failed=failed, failures=result.failures + 1)


def _differing(context: Context, asset: Asset, listed: list[Snapshot]) -> list[Version]:
    """Return the versions of an asset that a signal should be followed up for."""
    named = [snapshot for snapshot in listed if not snapshot.anonymous]
    if not named or context.governing(asset) is None:
        return []
    loaded = context.ledger.load(asset)
    known = context.ledger.versions(asset) if loaded.etag else {}
    if loaded.head.owed:
        settle_due(context, loaded)
    return [
        snapshot.version
        for snapshot in named
        if _differs(context, known.get(snapshot.version.number), snapshot, loaded.head.holders)
    ]


def _nameless(context: Context, asset: Asset, listed: list[Snapshot]) -> list[Snapshot]:
    """Return the versions of an asset that the registry itself has made, where it is governed."""
    if context.governing(asset) is None:
        return []
    return [snapshot for snapshot in listed if snapshot.anonymous]


def _differs(
    context: Context, state: VersionState | None, snapshot: Snapshot, holders: Holders
) -> bool:
    """Tell whether following a signal about a version could come to anything."""
    if state is None or state.gone or state.incarnation != snapshot.incarnation:
        return True
    if state.missing_since is not None:
        return True
    alias, asset = snapshot.version.asset.registry, snapshot.version.asset
    registry, lifecycle = context.configuration.registry(alias), context.lifecycle(asset)
    values = observed(snapshot, registry, lifecycle)
    if context.states.ungoverned(alias):
        return any(value != state.base.get(source) for source, value in values.items())
    if not state.governed or state.stopped:
        return not state.governed
    # What was answered before may stand there for ever, and asks nothing.
    reading = read(state, values, lifecycle, registry, holders=holders)
    if reading.wish or reading.withdraw or reading.absorbed:
        return True
    paused = state.paused_until is not None and context.clock.now() < state.paused_until
    if paused:
        return False
    shown = reading.nothing and mirrors(context, state, snapshot, lifecycle, holders)
    missed = behind(state, lifecycle, context.clock.now())
    return missed or not shown or adrift(context, state, snapshot, lifecycle)


def _missing(context: Context, alias: str, seen: set[Version]) -> list[Version]:
    partitions = [(alias, kind) for kind in Kind]
    missing: list[Version] = []
    for _, entry in catalog.entries(context.ledger.rows, partitions):
        version = Version(Asset.parse(entry.asset), entry.version)
        if not entry.gone and version not in seen:
            missing.append(version)
    return missing


def _too_many(missing: int, seen: int) -> str:
    if missing <= MISSING_ALWAYS_FINE or missing <= MISSING_SHARE * (missing + seen):
        return ""
    return f"{missing} of {missing + seen} versions are missing: none was marked as deleted"


def _note_missing(context: Context, version: Version) -> bool:
    """Ask the registry once more; record as deleted what was gone five minutes ago already."""
    if context.registry(version.asset.registry).read(version) is not None:
        follow(context, Signal(version))
        return False
    return note_missing(context, version)

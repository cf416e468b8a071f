"""Copy a version to another registry when its stage is granted.

The copy is expected before it is made, so that it is known whenever and however it is seen; and the
duty is done only when the ledger has registered it. So a process may die between any two calls, and
whoever comes next goes on: nothing here is harmed by being done twice.
"""

from __future__ import annotations

from msgspec.structs import replace

from stage_functions.application import copies, keys
from stage_functions.application.context import Context
from stage_functions.application.copies import Expected
from stage_functions.application.ledger import Loaded, Owed
from stage_functions.domain.asset import Version
from stage_functions.domain.error import (
    LedgerDamagedError,
    NotAllowedNowError,
    OvertakenError,
    RegistryUnavailableError,
)
from stage_functions.domain.observation import STAGE_REQUEST
from stage_functions.domain.record import Json, Record, RecordType
from stage_functions.domain.rollback import RENAMED
from stage_functions.domain.state import Origin, VersionState


def copy(context: Context, loaded: Loaded, row: Owed) -> tuple[Version, ...]:
    """Copy a version to the registry that a duty names.

    Returns:
        The copy, which is to be observed, after which this is to be done again; nothing once the
        ledger has registered it.

    Raises:
        RetryableError: try again later; that registry may not be governed now.
        OvertakenError: there is nothing to copy any more.
        TerminalError: it can never be copied.
    """
    (number,) = row.versions
    source = Version(loaded.asset, number)
    target = copy_of(source, row.target)
    state = context.ledger.more(loaded, [number]).versions[number]
    granted = _granted(context, row, source)
    copied = _expected(state, source, granted)
    there = context.ledger.state(target)
    if there is not None and _is_copy(there, copied.origin):
        return ()
    _demand_standing(state, granted)
    _demand_room(context, target, there, copied)
    alias = source.asset.registry
    restored = context.states.get(alias).restored is not None  # it may be granted no more
    why = context.states.ungoverned(row.target) or (
        context.states.ungoverned(alias) if restored else ""
    )
    if why:
        message = f"{why}; {target} is copied once it is governed"
        raise RegistryUnavailableError(message)
    _copy(context, source, state, target, copied)
    return (target,)


def copy_of(source: Version, alias: str) -> Version:
    """Return what a copy of a version in another registry is called."""
    return Version(replace(source.asset, registry=alias), source.number)


def _copy(
    context: Context, source: Version, state: VersionState, target: Version, copied: Expected
) -> None:
    registry = context.registry(source.asset.registry)
    snapshot = registry.read(source)
    if snapshot is None:
        message = f"registry {source.asset.registry} has no {source} at present"
        raise RegistryUnavailableError(message)
    if snapshot.incarnation != state.incarnation:
        message = f"another thing was registered as {source} since it was granted {copied.stage}"
        raise OvertakenError(message)
    copied = replace(copied, asked=snapshot.tags.get(STAGE_REQUEST, ""))
    copies.expect(context.ledger.rows, target, copied)
    registry.copy(snapshot, context.configuration.registry(target.asset.registry))


def _granted(context: Context, row: Owed, source: Version) -> Record:
    """Return the record that granted the stage: it is of the commit that owes the copy."""
    partition = keys.asset_partition(source.asset)
    for record in context.ledger.records(partition, after=row.first - 1, last=row.last):
        moved = record.type is RecordType.STAGE_CHANGED and record.version == source.number
        if moved and record.content["why"] != RENAMED:  # a name that is said first grants nothing
            return record
    message = f"no record of commit {row.commit} grants {source} a stage"
    raise LedgerDamagedError(message)


def _expected(state: VersionState, source: Version, granted: Record) -> Expected:
    content = granted.content
    origin = Origin(
        version=str(source),
        content=str(content["incarnation"]).partition("/")[2],
        record=granted.hash,
        evidence=_text(content, "evidence"),
        author=state.author,
        number=granted.number,
        trainer=state.trainer,
    )
    return Expected(
        origin,
        stage=str(content["to"]),
        lifecycle=_text(content.get("lifecycle"), "name"),
        requester=_text(content.get("requester"), "id"),
    )


def _is_copy(there: VersionState, origin: Origin) -> bool:
    """Tell whether the ledger has registered the copy; one that is gone is not made again."""
    known = there.origin
    if known is None:
        return False
    same = (known.version, known.content) == (origin.version, origin.content)
    return same and (there.governed or known.record == origin.record)


def _demand_standing(state: VersionState, granted: Record) -> None:
    """Go on only where what was granted still holds.

    Raises:
        OvertakenError: it does not.
    """
    stage = str(granted.content["to"])
    if state.incarnation != granted.content["incarnation"] or state.gone:
        message = f"what was granted {stage} is gone"
        raise OvertakenError(message)
    if state.stage != stage:
        message = f"it stands at {state.stage} by now, and no longer at {stage}"
        raise OvertakenError(message)


def _demand_room(
    context: Context, target: Version, there: VersionState | None, copied: Expected
) -> None:
    """Go on only where the copy can begin.

    Raises:
        NotAllowedNowError: something else is there, or its lifecycle has no such stage.
        NotFoundError: no such registry, or nothing governs it there.
    """
    if there is not None and there.governed:
        why = _what_is_there(there, copied.origin)
        message = f"{target} is there already and is not this copy: {why}"
        raise NotAllowedNowError(message)
    lifecycle = context.lifecycle(target.asset)
    if copied.stage not in lifecycle.stages:
        known = ", ".join(lifecycle.stages)
        message = (
            f"lifecycle {lifecycle.name}, which governs {target.asset}, has no stage "
            f"{copied.stage}; the stages are {known}"
        )
        raise NotAllowedNowError(message)


def _what_is_there(there: VersionState, wanted: Origin) -> str:
    if there.origin is not None:
        before = ", as that was before" if there.origin.version == wanted.version else ""
        return f"it is a copy of {there.origin.version}{before}, and stands at {there.stage}"
    by = f" by {there.author}" if there.author else ""
    return f"it was registered there{by}, and stands at {there.stage}"


def _text(content: Json | None, key: str) -> str:
    value = content.get(key, "") if isinstance(content, dict) else ""
    return str(value)

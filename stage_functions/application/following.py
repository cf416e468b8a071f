"""Follow up a hint of any kind: about a version, a whole asset, an alias, a job, or an endpoint."""

from __future__ import annotations

from typing import assert_never

from stage_functions.application import measures
from stage_functions.application.adoption import keep_up
from stage_functions.application.context import Context
from stage_functions.application.guards import follow_endpoint
from stage_functions.application.signal import (
    AliasSignal,
    AnySignal,
    AssetSignal,
    EndpointSignal,
    JobSignal,
    Signal,
)
from stage_functions.application.signals import follow
from stage_functions.application.unregistered import follow_job
from stage_functions.domain.aliases import kept
from stage_functions.domain.asset import Version
from stage_functions.domain.error import RetryableError

AT_ONCE = 100
"""Versions of an asset that are looked for in one go; more are, when the hint comes again."""


def follow_any(context: Context, signal: AnySignal) -> bool:
    """Follow up a hint; tell whether anything was committed.

    Raises:
        RegistryUnavailableError: what it is about cannot be read; deliver it again.
        StoreUnavailableError, ConflictError, UnknownOutcomeError: deliver it again.
    """
    keep_up(context)
    if isinstance(signal, Signal):
        return follow(context, signal)
    named = signal.asset if isinstance(signal, AssetSignal | AliasSignal) else signal
    alias = named.registry
    return measures.followed(context.telemetry, alias, "", lambda: _follow(context, signal))


def _follow(
    context: Context, signal: JobSignal | EndpointSignal | AssetSignal | AliasSignal
) -> bool:
    match signal:
        case JobSignal():
            return follow_job(context, signal)
        case EndpointSignal():
            return follow_endpoint(context, signal)
        case AssetSignal():
            return _follow_asset(context, signal)
        case AliasSignal():
            return _follow_alias(context, signal)
        case _:
            assert_never(signal)


def _follow_alias(context: Context, signal: AliasSignal) -> bool:
    """Look at the version that holds the stage of an alias; where none does, at who has got it."""
    asset = signal.asset
    lifecycle = context.governing(asset)
    if lifecycle is None:
        return False
    stage = kept(context.configuration.registry(asset.registry), lifecycle).get(signal.alias)
    if stage is None:
        return False
    held = context.ledger.load(asset).head.holders.get(stage, ())
    numbers = held or ((signal.number,) if signal.number else ())
    changed = [follow(context, Signal(Version(asset, number))) for number in numbers]
    return any(changed)


def _follow_asset(context: Context, signal: AssetSignal) -> bool:
    """Look for each version of an asset that is said to be deleted, until one is there.

    What was missed already is left to the clock, so that a hint that comes again gets further.
    """
    states = context.ledger.versions(signal.asset)
    left = [n for n, one in states.items() if not one.gone and one.missing_since is None]
    for count, number in enumerate(left):
        if count == AT_ONCE:
            message = f"{signal.asset} has {len(left) - count} more versions to look for"
            raise RetryableError(message)
        hint = Signal(
            Version(signal.asset, number),
            actor=signal.actor,
            at=signal.at,
            names=signal.names,
            authenticated=signal.authenticated,
            deleted=True,
        )
        if not follow(context, hint):
            return count > 0
    return bool(left)

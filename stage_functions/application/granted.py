"""Where the versions of an asset stand, from the ledger alone. It changes nothing."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from stage_functions.application.context import Context
from stage_functions.domain.aliases import kept
from stage_functions.domain.asset import Asset
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.state import VersionState


class Granted(Struct, frozen=True):
    """An asset and where its versions stand.

    Attributes:
        asset: which.
        known: the ledger knows it.
        why: why nothing is granted to it now, or "".
        lifecycle: the one that governs it, or None.
        aliases: the exclusive stage by alias that is kept at its holder.
        versions: all that the ledger knows, gone ones too, by number.
    """

    asset: Asset
    known: bool
    why: str
    lifecycle: Lifecycle | None
    aliases: Mapping[str, str]
    versions: Mapping[str, VersionState]


def granted(context: Context, asset: Asset) -> Granted:
    """Return where the versions of an asset stand: one read of its partition.

    Raises:
        NotFoundError: no such registry.
        StoreUnavailableError, LaterReleaseError: as the ledger.
    """
    registry = context.configuration.registry(asset.registry)
    lifecycle = context.governing(asset) if registry.watches(asset) else None
    if lifecycle is None:
        why = f"no lifecycle governs {asset}: see `watch` and `applies_to` in the configuration"
        return Granted(asset, known=False, why=why, lifecycle=None, aliases={}, versions={})
    versions = context.ledger.versions(asset)
    return Granted(
        asset,
        known=bool(versions),
        why=context.states.ungoverned(asset.registry),
        lifecycle=lifecycle,
        aliases=kept(registry, lifecycle),
        versions=versions,
    )

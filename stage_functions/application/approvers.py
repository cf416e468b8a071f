"""Who let a version in: whose approval counted, of what put it where it stands."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.context import Context
from stage_functions.domain.approval import Approval
from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.history import Standing, own_approval
from stage_functions.domain.voting import counted


def with_approvers(
    context: Context,
    owner: Asset,
    standing: Standing,
    known: Mapping[str, Approval] | None = None,
) -> Standing:
    """Return a standing with the ids of those whose approval counted.

    Of a copy they are those who approved what was granted to its original.

    Args:
        context: the context.
        owner: the asset whose version it is.
        standing: where that stood.
        known: approvals of the asset that are at hand, by id.

    Raises:
        StoreUnavailableError: as the store says.
    """
    if standing.approval:
        found = (known or {}).get(standing.approval)
        return replace(
            standing, approved_by=_who(context, found or _approval(context, owner, standing))
        )
    original = _granted_to_original(context, standing)
    return replace(standing, approved_by=_who(context, original)) if original else standing


def _who(context: Context, found: Approval | None) -> tuple[str, ...]:
    """Return whose approval counted; of an approval of the first releases, by today's `people`."""
    if found is None:
        return ()
    return found.approvers or tuple(counted(found, context.configuration.directory))


def _approval(context: Context, owner: Asset, standing: Standing) -> Approval | None:
    return context.ledger.approval(owner, standing.approval)


def _granted_to_original(context: Context, copied: Standing) -> Approval | None:
    """Return the approval by which the original of a copy was granted its stage."""
    origin = copied.origin
    if origin is None or not origin.number:
        return None
    owner = Version.parse(origin.version).asset
    partition, number = keys.asset_partition(owner), origin.number
    records = context.ledger.records(partition, after=number - 1, last=number, limit=1)
    granted = next((one for one in records if one.hash == origin.record), None)
    id_ = own_approval(granted.content) if granted is not None else ""
    return context.ledger.approval(owner, id_) if id_ else None

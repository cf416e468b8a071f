"""Whether a version may be served by an endpoint, where it stands: asked by guards and duties.

Nothing is read from a registry here, and of the history nothing: what it says is given.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from msgspec import Struct

from stage_functions.application.context import Context
from stage_functions.application.ledger import Loaded
from stage_functions.application.ports.registry import Deployment
from stage_functions.domain.history import Standing
from stage_functions.domain.lifecycle import Lifecycle, WhenInvalid
from stage_functions.domain.record import minute, timestamp
from stage_functions.domain.state import VersionState, violation_hash


class Served(Struct, frozen=True):
    """A deployment, with the registry whose endpoint it is of.

    Attributes:
        registry: the alias.
        deployment: the deployment.
    """

    registry: str
    deployment: Deployment

    @property
    def endpoint(self) -> str:
        """`registry/endpoint`, as `deployable_to` matches it."""
        return f"{self.registry}/{self.deployment.endpoint}"

    @property
    def target(self) -> str:
        """`registry/endpoint/deployment`."""
        return f"{self.endpoint}/{self.deployment.name}"

    @property
    def mark(self) -> str:
        """What tells this deployment, as it was made or changed last, from every other."""
        return violation_hash(self.target, timestamp(self.deployment.changed_at))

    @property
    def idle_mark(self) -> str:
        """The mark for as long as it has no requests yet that could be kept from it."""
        return violation_hash(self.target, timestamp(self.deployment.changed_at), "idle")


def standing(state: VersionState) -> Standing:
    """Return where a version stands now."""
    return Standing(
        state.stage,
        state.since,
        state.number,
        why="",
        approval=state.approved_by,
        valid_until=state.valid_until,
        retires_from=state.retires_from,
        retires_at=state.retires_at,
    )


def objection(
    context: Context,
    loaded: Loaded,
    at: Standing,
    lifecycle: Lifecycle,
    endpoint: str,
    moment: datetime,
    takers: Collection[str] = (),
) -> str:
    """Say why a version that stood there might not be deployed at a moment; "" if it might.

    Args:
        context: the context.
        loaded: the version's asset.
        at: where the version stood at the moment.
        lifecycle: the one that governs it.
        endpoint: `registry/endpoint`.
        moment: when.
        takers: further stages that the endpoint took then.
    """
    takes = lifecycle.takers(endpoint)
    if not any(stage in takes or stage in takers for stage in at.served_as(moment)):
        where = f"; {endpoint} takes {' and '.join(takes)}" if takes else ""
        return f"deployed to {endpoint} while at {at.stage}, which is not deployable to it{where}"
    if at.valid_until is None or moment < at.valid_until:
        return ""
    found = context.ledger.more(loaded, approval=at.approval).approvals.get(at.approval)
    if found is None or found.policy.when_invalid is not WhenInvalid.BLOCK:
        return ""
    ended = minute(at.valid_until)
    return (
        f"deployed to {endpoint} while at {at.stage}, after approval {at.approval} ran out on "
        f"{ended}"
    )


def may_be_served(
    context: Context, loaded: Loaded, state: VersionState, lifecycle: Lifecycle, endpoint: str
) -> bool:
    """Tell whether a version may be served by `registry/endpoint` where it stands now."""
    now = context.clock.now()
    at = standing(state)
    return state.governed and not objection(context, loaded, at, lifecycle, endpoint, now)

"""What an endpoint serves no more as it was recorded: that violation stands no longer.

No record says so: the history keeps what was done, and this is what the endpoint showed since. It
stands no longer either where the version may be served there by now: as the lifecycle is now. What
was made or changed anew is judged by itself, and takes the place of what stood there before.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import violators
from stage_functions.application.context import Context
from stage_functions.application.ledger import CATALOG_DUTY, Committed, Loaded
from stage_functions.application.serving import Served, may_be_served
from stage_functions.application.signals import settle
from stage_functions.domain.asset import Version
from stage_functions.domain.state import Duty
from stage_functions.domain.violation import Violation


class Shown(Struct, frozen=True):
    """What an endpoint showed.

    Attributes:
        endpoint: `registry/endpoint`.
        served: all that it serves.
        asked_at: when it was asked. What was recorded later, somebody has seen later.
    """

    endpoint: str
    served: tuple[Served, ...]
    asked_at: datetime

    def serves(self, version: Version, one: Violation) -> bool:
        """Tell whether a version is served still where it violated."""
        return any(
            (served.deployment.name, served.deployment.version) == (one.deployment, version)
            for served in self.served
        )


def put_right(context: Context, shown: Shown) -> bool:
    """Let go of what stands against versions at an endpoint, and is so no more.

    Raises:
        StoreUnavailableError, ConflictError, UnknownOutcomeError: deliver the signal again.
    """
    changed = False
    for version in violators.nominated(context.ledger.rows, shown.endpoint):
        committed = context.persistently(partial(_attempt, context, shown, version))
        if committed is not None:
            settle(context, committed)
            changed = True
    return changed


def _attempt(context: Context, shown: Shown, version: Version) -> Committed | None:
    loaded = context.ledger.load(version.asset, [version.number])
    state = loaded.versions.get(version.number)
    if state is None:
        return None
    standing = _standing(context, loaded, shown, version)
    if standing == state.violating:
        return None
    step = loaded.step().with_version(replace(state, violating=standing))
    return context.ledger.commit(
        loaded,
        step.owing(Duty(CATALOG_DUTY, version.number, "")),  # no record, but lists follow
        now=context.clock.now(),
        operation=context.clock.operation_id(),
    )


def _standing(
    context: Context, loaded: Loaded, shown: Shown, version: Version
) -> tuple[Violation, ...]:
    state = loaded.versions[version.number]
    here = [one for one in state.violating if one.endpoint == shown.endpoint]
    lifecycle = context.governing(version.asset)
    if not here or lifecycle is None:
        return state.violating
    allowed = may_be_served(context, loaded, state, lifecycle, shown.endpoint)
    over = [
        one
        for one in here
        if (allowed or not shown.serves(version, one))
        and not (one.at is not None and one.at > shown.asked_at)
    ]
    return tuple(one for one in state.violating if one not in over)

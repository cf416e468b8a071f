"""What an endpoint serves no more as it was recorded: that violation stands no longer.

No record says so: the history keeps what was done, and this is what the endpoint showed since. A
deployment that was made or changed anew is judged by itself, and takes the place of what stood
there before.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import violators
from stage_functions.application.context import Context
from stage_functions.application.ledger import CATALOG_DUTY, Committed
from stage_functions.application.serving import Served
from stage_functions.application.signals import settle
from stage_functions.domain.asset import Version
from stage_functions.domain.state import Duty, VersionState
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

    def standing(self, version: Version, state: VersionState) -> tuple[Violation, ...]:
        """Return the violations by a version that stand still."""
        there = {
            one.deployment.name
            for one in self.served
            if one.deployment.version == version and one.mark in state.violations
        }
        return tuple(
            one
            for one in state.violating
            if one.endpoint != self.endpoint
            or one.deployment in there
            or (one.at is not None and one.at > self.asked_at)
        )


def put_right(context: Context, shown: Shown) -> bool:
    """Let go of what stands against versions at an endpoint that serves them so no more.

    Raises:
        StoreUnavailableError, ConflictError, UnknownOutcomeError: deliver the signal again.
    """
    changed = False
    for version in violators.nominated(context.ledger.rows, shown.endpoint):
        state = context.ledger.state(version)
        if state is None or shown.standing(version, state) == state.violating:
            continue
        committed = context.persistently(partial(_attempt, context, shown, version))
        if committed is not None:
            settle(context, committed)
            changed = True
    return changed


def _attempt(context: Context, shown: Shown, version: Version) -> Committed | None:
    loaded = context.ledger.load(version.asset, [version.number])
    state = loaded.versions.get(version.number)
    standing = shown.standing(version, state) if state is not None else ()
    if state is None or standing == state.violating:
        return None
    step = loaded.step().with_version(replace(state, violating=standing))
    return context.ledger.commit(
        loaded,
        step.owing(Duty(CATALOG_DUTY, version.number, "")),  # no record, but lists follow
        now=context.clock.now(),
        operation=context.clock.operation_id(),
    )

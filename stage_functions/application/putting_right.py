"""What an endpoint serves no more as it was recorded: that violation stands no longer.

No record says so: the history keeps what was done, and this is what the endpoint showed since. A
deployment that was made or changed anew is judged by itself, and takes the place of what stood
there before.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from stage_functions.application import violators
from stage_functions.application.context import Context
from stage_functions.application.ledger import CATALOG_DUTY, Committed
from stage_functions.application.serving import Served
from stage_functions.application.signals import settle
from stage_functions.domain.asset import Version
from stage_functions.domain.state import Duty, VersionState
from stage_functions.domain.violation import Violation


def put_right(context: Context, endpoint: str, served: Collection[Served]) -> bool:
    """Let go of what stands against versions at an endpoint that serves them so no more.

    Args:
        context: the context.
        endpoint: `registry/endpoint`.
        served: all that it serves now.

    Raises:
        StoreUnavailableError, ConflictError, UnknownOutcomeError: deliver the signal again.
    """
    changed = False
    for version in violators.nominated(context.ledger.rows, endpoint):
        state = context.ledger.state(version)
        if state is None or not _over(version, state, endpoint, served):
            continue
        committed = context.persistently(lambda: _attempt(context, version, endpoint, served))  # noqa: B023  # called at once
        if committed is not None:
            settle(context, committed)
            changed = True
    return changed


def _over(version: Version, state: VersionState, endpoint: str, served: Collection[Served]) -> bool:
    """Tell whether something stands there that is so no more."""
    return _standing(version, state, endpoint, served) != state.violating


def _standing(
    version: Version, state: VersionState, endpoint: str, served: Collection[Served]
) -> tuple[Violation, ...]:
    there = {
        one.deployment.name
        for one in served
        if one.deployment.version == version and one.mark in state.violations
    }
    return tuple(
        one for one in state.violating if one.endpoint != endpoint or one.deployment in there
    )


def _attempt(
    context: Context, version: Version, endpoint: str, served: Collection[Served]
) -> Committed | None:
    loaded = context.ledger.load(version.asset, [version.number])
    state = loaded.versions.get(version.number)
    if state is None or not _over(version, state, endpoint, served):
        return None
    right = replace(state, violating=_standing(version, state, endpoint, served))
    step = loaded.step().with_version(right).owing(Duty(CATALOG_DUTY, version.number, ""))
    operation = context.clock.operation_id()
    return context.ledger.commit(loaded, step, now=context.clock.now(), operation=operation)

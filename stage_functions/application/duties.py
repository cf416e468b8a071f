"""Carry out what a decision owes besides tags, events and notices."""

from __future__ import annotations

from stage_functions.application.context import Context
from stage_functions.application.copying import copy
from stage_functions.application.ledger import Loaded, Owed
from stage_functions.application.serving import Served, may_be_served
from stage_functions.application.unregistered import forget
from stage_functions.domain.asset import Version
from stage_functions.domain.error import RegistryUnavailableError
from stage_functions.domain.state import COPY, FORGET, TRAFFIC

DUTIES = (COPY, TRAFFIC, FORGET)


def perform(context: Context, loaded: Loaded, row: Owed) -> tuple[Version, ...]:
    """Carry out a duty; may be done twice.

    Returns:
        The versions that are to be observed now.

    Raises:
        RetryableError: try again later.
        TerminalError: it can never be done.
    """
    if row.duty == COPY:
        return copy(context, loaded, row)
    if row.duty == FORGET:
        forget(context, loaded.asset.registry, row.target)
        return ()
    _take_traffic(context, loaded, row)
    return ()


def _take_traffic(context: Context, loaded: Loaded, row: Owed) -> None:
    """Send no more requests to a deployment, if it is the violation still that was recorded.

    It is none any more where the deployment serves another version, was made anew (which is judged
    by itself), or where its version may be there by now.
    """
    alias, _, rest = row.target.partition("/")
    endpoint, _, name = rest.partition("/")
    version = Version(loaded.asset, row.versions[0])
    why = context.states.ungoverned(alias) or context.states.ungoverned(loaded.asset.registry)
    if why:
        raise RegistryUnavailableError(why)
    registry = context.registry(alias)
    for one in registry.deployments(endpoint):
        served = Served(alias, one)
        if one.name == name and one.version == version and one.traffic_percent:
            if _stands(context, loaded, version, served):
                registry.take_traffic(endpoint, name)
            return


def _stands(context: Context, loaded: Loaded, version: Version, served: Served) -> bool:
    state = context.ledger.state(version)
    if state is None or served.mark not in state.violations:
        return False
    lifecycle = context.lifecycle(version.asset)
    return not may_be_served(context, loaded, state, lifecycle, served.endpoint)

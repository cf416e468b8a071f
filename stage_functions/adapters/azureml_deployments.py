"""What endpoints of a workspace serve: which version, and to which share of their requests.

Two calls for an online endpoint, and one more for each further page of deployments. Where there is
none of this name, a batch endpoint is looked for, by one call more: it has no shares, but the
deployment that jobs go to by default gets all of them. A registry has no endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from stage_functions.adapters.azureml_api import AzureMlApi
from stage_functions.adapters.azureml_codec import moment
from stage_functions.adapters.azureml_errors import AzureMlMissingError
from stage_functions.adapters.azureml_identity import Identity, actor
from stage_functions.adapters.azureml_reference import Names
from stage_functions.adapters.azureml_sdk import AzureMlSdk
from stage_functions.application.ports.registry import Deployment
from stage_functions.domain.asset import Kind
from stage_functions.wire.document import integer, member, text

ONLINE, BATCH = "onlineEndpoints", "batchEndpoints"
_ALL = 100
_NOWHERE = frozenset({"", ".", ".."})
"""Names that would leave their place in an address."""


def endpoints(api: AzureMlApi) -> tuple[str, ...]:
    """Return the names of the endpoints, online and batch, in order.

    Raises:
        RegistryUnavailableError, RegistryRefusedError: as `AzureMlApi.rows`; or the workspace is
            not there.
    """
    if api.is_registry:
        return ()
    try:
        names = {text(row, "name") for kind in (ONLINE, BATCH) for row in api.rows(kind)}
    except AzureMlMissingError as exc:
        api.check_there(exc)
        raise
    return tuple(sorted(names - _NOWHERE))


def deployments(api: AzureMlApi, names: Names, endpoint: str) -> tuple[Deployment, ...]:
    """Return what an endpoint serves; nothing where there is no such endpoint.

    Raises:
        RegistryUnavailableError, RegistryRefusedError: as `AzureMlApi.find` and `rows`.
    """
    if api.is_registry:
        return ()
    for collection in (ONLINE, BATCH):
        document = api.find(collection, endpoint)
        if document is not None:
            shares = _shares(document) if collection == ONLINE else _default(document)
            who = api.http.identity()
            rows = api.rows(collection, endpoint, "deployments")
            found = (_deployment(row, endpoint, shares, names, who) for row in rows)
            divided = collection == ONLINE
            return tuple(replace(one, divided=divided) for one in found if one is not None)
    return ()


def take_traffic(api: AzureMlApi, sdk: AzureMlSdk, endpoint: str, deployment: str) -> None:
    """Send no more requests to a deployment, nor copies of them; nothing where none are sent.

    Microsoft's library is loaded only where there is something to change.

    Raises:
        RegistryUnavailableError, RegistryRefusedError: as `AzureMlApi.find` and
            `AzureMlSdk.change_traffic`.
    """
    document = None if api.is_registry else api.find(ONLINE, endpoint)
    if deployment in traffic(document) or deployment in traffic(document, "mirrorTraffic"):
        sdk.change_traffic(endpoint, lambda shares: without(shares, deployment))


def without(shares: Mapping[str, int], deployment: str) -> dict[str, int]:
    """Return the shares when a deployment gets none: the others have its own, in proportion.

    Whole percents, the largest remainders rounded up. A deployment that gets no requests is not
    given any: somebody has it wait. So where no other gets any, all end at 0.
    """
    others = {name: share for name, share in shares.items() if name != deployment and share > 0}
    whole, left = sum(shares.values()), sum(others.values())
    if not left:
        return dict.fromkeys(shares, 0)
    found = {name: share * whole // left for name, share in others.items()}
    by_remainder = sorted(others, key=lambda name: (-(others[name] * whole % left), name))
    for name in by_remainder[: whole - sum(found.values())]:
        found[name] += 1
    return {**dict.fromkeys(shares, 0), **found}


def traffic(document: object, key: str = "traffic") -> dict[str, int]:
    """Return the shares that deployments of an online endpoint get, by name, zeros left out."""
    given = member(document, "properties", key)
    named = given if isinstance(given, dict) else {}
    shares = {str(name): integer(named, name) or 0 for name in named}
    return {name: share for name, share in shares.items() if share > 0}


def _shares(document: object) -> dict[str, int]:
    """Return the share of each deployment; copies of requests count where it gets no others."""
    return {**traffic(document, "mirrorTraffic"), **traffic(document)}


def _default(document: object) -> dict[str, int]:
    name = text(document, "properties", "defaults", "deploymentName")
    return {name: _ALL} if name else {}


def _deployment(
    row: object, endpoint: str, shares: Mapping[str, int], names: Names, own: Identity
) -> Deployment | None:
    """Read a deployment; one without a name or a time is none."""
    name, system = text(row, "name"), member(row, "systemData")
    changed_at = moment(text(system, "lastModifiedAt"))
    if not name or changed_at is None:
        return None
    return Deployment(
        endpoint,
        name,
        names.version(_model(row), Kind.MODELS),
        changed_at,
        actor(system, "lastModified", own) or actor(system, "created", own),
        shares.get(name, 0),
    )


def _model(row: object) -> str:
    """Return what a deployment says that it serves: a name, or a reference with one."""
    found = member(row, "properties", "model")
    return found if isinstance(found, str) else text(found, "assetId")

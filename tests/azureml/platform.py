"""What is around workspaces: clouds, sign-in of the host's identity, the places themselves."""

from __future__ import annotations

from tests.azureml.calls import Answer, Request
from tests.azureml.errors import ArmError, refused
from tests.azureml.place import PROVIDER, Place
from tests.azureml.world import World

CLOUD = "LocalCloud"
"""How the cloud is called that the local server is."""


def metadata(request: Request) -> Answer:
    """Answer which clouds there are: `/metadata/endpoints`."""
    cloud = {
        "name": CLOUD,
        "portal": "https://portal.azure.local",
        "resourceManager": request.base,
        "authentication": {"loginEndpoint": request.base, "audiences": [request.base]},
        "suffixes": {"storage": "core.local.test"},
    }
    return Answer([cloud])


def managed_identity(world: World, request: Request, header: str) -> Answer:
    """Answer with a token of Stageward's identity, as App Service does: `/msi/token`."""
    if header != world.identity_header:
        message = "The header X-IDENTITY-HEADER is missing or wrong."
        raise ArmError(401, "Unauthorized", message)
    resource = request.query.get("resource")
    if not resource:
        message = "The parameter 'resource' is required."
        raise refused(message, "BadRequest")
    token = world.governor.token(resource)
    content = {
        "access_token": token.token,
        "expires_on": str(token.expires_on),
        "resource": resource,
        "token_type": "Bearer",
        "client_id": world.governor.app,
    }
    return Answer(content)


def workspace_discovery(request: Request) -> Answer:
    """Answer where the other services of a workspace are: all here."""
    names = ("api", "catalog", "experimentation", "gallery", "history", "hyperdrive")
    others = ("labeling", "modelmanagement", "pipelines", "studio", "notebooks")
    return Answer(dict.fromkeys((*names, *others), request.base))


def shown(request: Request, place: Place) -> Answer:
    """Answer with a workspace or a registry."""
    host = request.base.partition("://")[2]
    common = {
        "id": place.id,
        "name": place.name,
        "type": f"{PROVIDER}/{place.plural}",
        "location": place.location,
        "tags": {},
        "systemData": {"createdAt": place.created, "lastModifiedAt": place.created},
    }
    if place.is_registry:
        url = f"{request.base}/registrymanagement/v1.0/registries/{place.name}/discovery"
        return Answer({**common, "properties": {"discoveryUrl": url, "regionDetails": []}})
    properties = {
        "workspaceId": place.guid,
        "friendlyName": place.name,
        "description": "",
        "discoveryUrl": f"{request.base}/discovery",
        "mlFlowTrackingUri": f"azureml://{host}/mlflow/v1.0{place.id}",
        "provisioningState": "Succeeded",
        "publicNetworkAccess": "Enabled",
        "storageAccount": f"{place.group_id}/providers/Microsoft.Storage/storageAccounts/local",
    }
    return Answer({**common, "kind": "Default", "properties": properties})

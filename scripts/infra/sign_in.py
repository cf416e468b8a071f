"""How people sign in, and by which identity the app does: settings and App Service as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scripts.infra import catalog, find, world
from scripts.infra.check import Deployment
from scripts.infra.faults import Fault
from scripts.infra.world import Deployed, Response

_IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
_PACKAGE = (
    "properties.functionAppConfig.deployment.storage.authentication.userAssignedIdentityResourceId"
)
_AAD = "properties.identityProviders.azureActiveDirectory"


def check(deployment: Deployment) -> Iterator[Fault]:
    """Yield what does not fit together."""
    given = {name: value for _, name, value, _ in find.settings(deployment)}
    for site in find.of(deployment, find.SITE):
        yield from _identity(deployment, site)
    for resource in find.config(deployment, "authsettingsV2"):
        yield from _platform(resource, given)


def answer(resource: Deployed, *path: str) -> str:
    """Return an example of what Azure answers at a path of a resource; "" for nothing."""
    shape = catalog.answered(resource.type, resource.last_name)
    at: object = Response(resource, "", shape) if shape else None
    for name in path:
        at = at.get(name, resource.place) if isinstance(at, Response) else None
    return at if isinstance(at, str) else ""


def identity(deployment: Deployment, site: Deployed, name: str) -> str:
    """Return `principalId` or `clientId` of the identity of a site; "" where it has none."""
    users = find.value(site.body, "identity.userAssignedIdentities")
    for resource in deployment.resources:
        if isinstance(users, dict) and resource.is_of(_IDENTITY) and resource.id in users:
            return answer(resource, "properties", name)
    return ""


def _identity(deployment: Deployment, site: Deployed) -> Iterator[Fault]:
    client = identity(deployment, site, "clientId")
    wanted: Mapping[str, str] = {
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": f"ClientId={client};Authorization=AAD",
        "AZURE_CLIENT_ID": client,
        "AzureWebJobsStorage__clientId": client,
        "AzureWebJobsStorage__credential": "managedidentity",
        "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID": client,
    }
    for _, name, value, place in find.settings(deployment):
        if name in wanted and str(value) != wanted[name]:
            message = f"{name} names another identity than the app has; write that of the app"
            yield Fault(place, "identity", message)
    for path in ("properties.keyVaultReferenceIdentity", _PACKAGE):
        users = find.value(site.body, "identity.userAssignedIdentities")
        named = find.value(site.body, path)
        if isinstance(users, dict) and named is not None and named not in users:
            message = "this names another identity than the app has; write that of the app"
            yield Fault(find.place(site, path), "identity", message)


def _platform(resource: Deployed, given: Mapping[str, object]) -> Iterator[Fault]:
    """Yield what of App Service authentication does not fit the settings of the app."""

    def fault(path: str, message: str) -> Fault:
        return Fault(find.place(resource, path), "sign-in", message)

    def value(path: str) -> object:
        return find.value(resource.body, path)

    enabled = value("properties.platform.enabled")
    if enabled is not (given.get("STAGEWARD_AUTH") == "entra"):
        message = (
            "with STAGEWARD_AUTH=entra the app trusts headers that the platform sets, and else "
            "none; enable it just then"
        )
        yield fault("properties.platform.enabled", message)
    if (value(f"{_AAD}.enabled") is True) is not (enabled is True):
        yield fault(_AAD, "people sign in by Entra; enable azureActiveDirectory with the platform")
    if value("properties.globalValidation.unauthenticatedClientAction") is None:
        message = "what becomes of who has not signed in is said; give unauthenticatedClientAction"
        yield fault("properties.globalValidation", message)
    for path in ("properties.httpSettings.requireHttps", "properties.login.nonce.validateNonce"):
        if value(path) is not True:
            yield fault(
                path, f"sign-ins could be listened to; give {path.rpartition('.')[2]}: true"
            )
    if enabled is True:
        yield from (fault(path, message) for path, message in _entra(resource, given))


def _entra(resource: Deployed, given: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    path = f"{_AAD}.registration"
    client = find.value(resource.body, f"{path}.clientId")
    secret = find.value(resource.body, f"{path}.clientSecretSettingName")
    issuer = str(find.value(resource.body, f"{path}.openIdIssuer"))
    audiences = find.value(resource.body, f"{_AAD}.validation.allowedAudiences")
    if client is None:
        yield path, "people sign in to a registration; give clientId"
    if secret not in given:
        yield path, f"no setting is named '{secret}'; name the one that stands for the secret"
    if not issuer.endswith(f"/{world.TENANT}/v2.0"):
        yield path, "any tenant could sign in; give openIdIssuer of this tenant, ending in /v2.0"
    if not isinstance(audiences, list) or {client, f"api://{client}"} - set(audiences):
        yield f"{_AAD}.validation", "give allowedAudiences clientId and api://clientId; both come"
    if given.get("WEBSITE_AUTH_AAD_ALLOWED_TENANTS") != world.TENANT:
        message = "any tenant could sign in; set WEBSITE_AUTH_AAD_ALLOWED_TENANTS to this one"
        yield "properties.platform", message

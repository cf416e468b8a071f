"""The app registration that people sign in to: made if there is none, and kept as it must be.

It has no secret: the identity of the app stands for one, by a federated credential. What is there
already is asked first, and only what differs is written: so whoever may not write can deploy again.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.hooks.commands import CommandError, az, remember, rest
from infra.hooks.parameters import Parameters, set_

ROLES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "roles" / "app-roles.json").read_text(encoding="utf-8")
)
_OPERATOR, _OFFICER = "Stageward.Operator", "Stageward.Officer"
TOKENS = 2
"""The version of the tokens that the app takes: those of the issuer `…/v2.0`."""
_AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
_SCOPE = {
    "id": "e5f1c9b2-8a47-4d3e-96f0-7c2b4a1d8044",
    "value": "user_impersonation",
    "type": "User",
    "isEnabled": True,
    "adminConsentDisplayName": "Use Stageward",
    "adminConsentDescription": "Use Stageward in the name of whoever is signed in.",
    "userConsentDisplayName": "Use Stageward",
    "userConsentDescription": "Use Stageward in your name.",
}
_AUDIENCES = {
    "AzureUSGovernment": "api://AzureADTokenExchangeUSGov",
    "AzureChinaCloud": "api://AzureADTokenExchangeChina",
}
"""What a federated credential is for in clouds other than the public one."""


_NEEDED = ("ENTRA_CLIENT_ID", "STAGEWARD_URL", "GOVERNOR_PRINCIPAL_ID", "AZURE_TENANT_ID")
_WAITS_SECONDS = (1, 5, 15, 30)
_YOUNG = re.compile(r"not.?found|does not exist|not find", re.IGNORECASE)


class SignInError(Exception):
    """The registration cannot be made, or is not as it must be and cannot be written."""


def register(given: Parameters) -> str:
    """Make an app registration where none is named, and keep its client id; return it, or "".

    Raises:
        SignInError: it cannot be made.
    """
    if given["SIGN_IN"] != "entra" or given["ENTRA_CLIENT_ID"]:
        return given["ENTRA_CLIENT_ID"]
    name = f"Stageward {given['AZURE_ENV_NAME']}"
    create = ("ad", "app", "create", "--display-name", name, "--sign-in-audience", "AzureADMyOrg")
    try:
        client = str(az(*create)["appId"])
        remember("ENTRA_CLIENT_ID", client)
    except CommandError as exc:
        message = (
            f"no app registration could be made: {exc}; have whoever may run 'az "
            f'{" ".join(create[:4])} "{name}" '
            f"{' '.join(create[5:])}', then {set_('ENTRA_CLIENT_ID', '<its appId>')}; or let "
            "people sign in by "
            f"tokens of Stageward: {set_('SIGN_IN', 'tokens')}"
        )
        raise SignInError(message) from exc
    return client


def settle(given: Parameters) -> list[str]:
    """Bring the registration to what it must be, and give out roles; return what is left to people.

    Raises:
        SignInError: azd has not provisioned, or it differs from what it must be, and cannot be
            written.
    """
    lacking = [name for name in _NEEDED if not given[name]]
    if lacking:
        message = f"azd does not know {', '.join(lacking)} yet; azd provision first"
        raise SignInError(message)
    client = given["ENTRA_CLIENT_ID"]
    cloud = az("cloud", "show")
    graph = str(cloud["endpoints"]["microsoftGraphResourceId"]).rstrip("/")
    try:
        there = az("ad", "app", "show", "--id", client)
        app = f"{graph}/v1.0/applications/{there['id']}"
        for body in changes(there, given["STAGEWARD_URL"]):
            rest("patch", app, body)
        _trust(given, app, cloud)
        principal = _principal(graph, client)
    except CommandError as exc:
        message = (
            f"the app registration {client} is not as it must be, and could not be written: "
            f"{exc}; have one of its owners "
            "run 'azd hooks run postprovision', then go on with azd up"
        )
        raise SignInError(message) from exc
    return list(_assign(given, principal))


def changes(app: Mapping[str, Any], url: str) -> Iterator[dict[str, Any]]:
    """Return what is to be written to an app registration, in order; nothing where it is right.

    The scope comes before who may use it unasked: Entra knows a scope only once it is written.
    """
    uris: list[str] = (app.get("web") or {}).get("redirectUris") or []
    back = f"{url}/.auth/login/aad/callback"
    roles: list[dict[str, Any]] = app.get("appRoles") or []
    scopes: list[dict[str, Any]] = (app.get("api") or {}).get("oauth2PermissionScopes") or []
    version = (app.get("api") or {}).get("requestedAccessTokenVersion")
    missing = [role for role in ROLES if role["value"] not in [one.get("value") for one in roles]]
    scope = next((one for one in scopes if one.get("value") == _SCOPE["value"]), _SCOPE)
    tokens = ((app.get("web") or {}).get("implicitGrantSettings") or {}).get(
        "enableIdTokenIssuance"
    )
    named = f"api://{app['appId']}"
    identifiers: list[str] = app.get("identifierUris") or []
    if (
        missing
        or back not in uris
        or scope not in scopes
        or version != TOKENS
        or not tokens
        or named not in identifiers
    ):
        yield {
            "identifierUris": sorted({*identifiers, named}),
            "appRoles": [*roles, *missing],
            "web": {
                "redirectUris": sorted({*uris, back}),
                "implicitGrantSettings": {"enableIdTokenIssuance": True},
            },
            "api": {
                "requestedAccessTokenVersion": TOKENS,
                "oauth2PermissionScopes": [*scopes, *([] if scope in scopes else [scope])],
            },
        }
    known: list[dict[str, Any]] = (app.get("api") or {}).get("preAuthorizedApplications") or []
    if not any(one.get("appId") == _AZURE_CLI for one in known):
        allowed = {"appId": _AZURE_CLI, "delegatedPermissionIds": [scope["id"]]}
        yield {"api": {"preAuthorizedApplications": [*known, allowed]}}


def _trust(given: Parameters, app: str, cloud: Mapping[str, Any]) -> None:
    """Let the identity of the app stand for a secret of the registration."""
    subject = given["GOVERNOR_PRINCIPAL_ID"]
    credentials = f"{app}/federatedIdentityCredentials"
    there = rest("get", credentials)["value"]
    if any(one.get("subject") == subject for one in there):
        return
    login = str(cloud["endpoints"]["activeDirectory"]).rstrip("/")
    body = {
        "name": f"stageward-{subject[:8]}",
        "issuer": f"{login}/{given['AZURE_TENANT_ID']}/v2.0",
        "subject": subject,
        "audiences": [_AUDIENCES.get(str(cloud["name"]), "api://AzureADTokenExchange")],
    }
    rest("post", credentials, body)


def _principal(graph: str, client: str) -> Mapping[str, Any]:
    """Return the enterprise application of the registration; it is made if it is not there."""
    found = az("ad", "sp", "list", "--filter", f"appId eq '{client}'")
    made: Mapping[str, Any] = found[0] if found else az("ad", "sp", "create", "--id", client)
    url = f"{graph}/v1.0/servicePrincipals/{made['id']}"
    return {"id": made["id"], "url": url}


def _assign(given: Parameters, principal: Mapping[str, Any]) -> Iterator[str]:
    """Give out the roles of the app; say which of them people have to give out themselves."""
    url = f"{principal['url']}/appRoleAssignedTo"
    try:
        there = rest("get", url)["value"]
    except CommandError:
        there = []
    held = {(one.get("principalId"), one.get("appRoleId")) for one in there}
    for value, holder in _holders(given).items():
        if not holder:
            if value == _OPERATOR:
                yield f"nobody operates Stageward; {set_('OPERATORS_ID', '<object id of a group>')}"
            continue
        role = next(one["id"] for one in ROLES if one["value"] == value)
        body = {"principalId": holder, "resourceId": principal["id"], "appRoleId": role}
        try:
            if (holder, role) not in held:
                _give(url, body)
        except CommandError as exc:
            yield (
                f"the role {value} could not be given to {holder}: {exc}; an administrator "
                "does it in Entra: Enterprise "
                f"applications (All applications), Stageward {given['AZURE_ENV_NAME']}, Users and "
                "groups"
            )


def _give(url: str, body: Mapping[str, Any]) -> None:
    """Give a role; again where Entra does not know of the application yet that was just made."""
    for wait in (*_WAITS_SECONDS, 0):
        try:
            rest("post", url, body)
        except CommandError as exc:
            if not (wait and _YOUNG.search(str(exc))):
                raise
            time.sleep(wait)
        else:
            return


def _holders(given: Parameters) -> Mapping[str, str]:
    """Return who has which role, "" for nobody: without operators it is whoever deploys."""
    return {
        _OPERATOR: given["OPERATORS_ID"] or _deployer(given),
        _OFFICER: given["OFFICERS_ID"],
    }


def _deployer(given: Parameters) -> str:
    """Return the object id of the person who deploys; "" if it is none.

    azd fills `AZURE_PRINCIPAL_ID` into parameters, and does not tell it to hooks: so az is asked.
    """
    if given["AZURE_PRINCIPAL_ID"]:
        return given["AZURE_PRINCIPAL_ID"] if given["AZURE_PRINCIPAL_TYPE"] == "User" else ""
    try:
        return str(az("ad", "signed-in-user", "show")["id"])
    except CommandError:
        return ""  # a program that deploys is no operator

"""Who calls: people and applications, and the tokens that say so.

A token is a JWT whose claims are as Entra ID has them. Nobody signs it: whoever knows a name may
speak for it, which is all that tests need.
"""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from azure.core.credentials import AccessToken

from tests.azureml.clock import seconds_now
from tests.azureml.errors import ArmError

TENANT = "7f1c1a5e-55aa-4c0b-9d0e-0d4f0a3b2c10"
GOVERNOR = "governor"
"""The name of Stageward's own identity."""

_AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
_PEOPLE = uuid.UUID("0f6d4c1e-9e0f-4f7e-8a54-2f1d7c9b3a61")
_LIFETIME_SECONDS = 3600
_OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_TENANT_ID = "http://schemas.microsoft.com/identity/claims/tenantid"
_UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, or something, that has an identity.

    Attributes:
        oid: the object id.
        app: the application that is used, or that it is.
        name: as shown; empty for an application.
        upn: the user principal name; empty for an application.
    """

    oid: str
    app: str
    name: str = ""
    upn: str = ""

    @property
    def is_application(self) -> bool:
        """Whether nobody stands behind it, as with a managed identity."""
        return not self.upn

    def modified(self) -> tuple[str, str]:
        """Return what `systemData` has of it: who, and of which type."""
        return (self.app, "Application") if self.is_application else (self.name, "User")

    def claims(self) -> dict[str, str]:
        """Return the claims as an event of the resource manager carries them."""
        read = {
            "appid": self.app,
            "ipaddr": "127.0.0.1",
            _OBJECT_ID: self.oid,
            _TENANT_ID: TENANT,
        }
        return read if self.is_application else {**read, "name": self.name, _UPN: self.upn}

    def token(self, audience: str) -> AccessToken:
        """Return a token of an hour."""
        until = seconds_now() + _LIFETIME_SECONDS
        claims: dict[str, Any] = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{TENANT}/",
            "iat": until - _LIFETIME_SECONDS,
            "exp": until,
            "oid": self.oid,
            "appid": self.app,
            "tid": TENANT,
            "idtyp": "app" if self.is_application else "user",
        }
        if not self.is_application:
            claims |= {"name": self.name, "upn": self.upn}
        parts = (_encoded({"typ": "JWT", "alg": "none"}), _encoded(claims), "bG9jYWw")
        return AccessToken(".".join(parts), until)


class LocalCredential:
    """A credential of azure-core for one person; tokens are new with every question."""

    def __init__(self, person: Person) -> None:
        self._person = person

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **_: Any,  # noqa: ANN401  # the protocol of azure-core has it
    ) -> AccessToken:
        """Return a token for the first scope."""
        return self._person.token(scopes[0].removesuffix("/.default") if scopes else "")


def person(name: str) -> Person:
    """Return who has this name: the same with every question, in every process."""
    oid = str(uuid.uuid5(_PEOPLE, name))
    if name == GOVERNOR:
        return Person(oid, str(uuid.uuid5(_PEOPLE, f"{name}/application")))
    return Person(oid, _AZURE_CLI, name, f"{name}@example.com")


def signed_in(header: str | None) -> Person:
    """Read the Authorization header.

    Raises:
        ArmError: nobody is signed in.
    """
    scheme, _, token = (header or "").partition(" ")
    if not header or scheme.lower() != "bearer":
        message = "Authentication failed. The 'Authorization' header is missing."
        raise ArmError(401, "AuthenticationFailed", message, _challenge())
    found, until = _read(token.strip())
    if found is None:
        message = "The access token is invalid."
        raise ArmError(401, "InvalidAuthenticationToken", message, _challenge())
    if until <= seconds_now():
        message = "The access token has expired."
        raise ArmError(401, "ExpiredAuthenticationToken", message, _challenge())
    return found


def _challenge() -> dict[str, str]:
    return {"WWW-Authenticate": 'Bearer error="invalid_token"'}


@lru_cache(maxsize=1024)
def _read(token: str) -> tuple[Person | None, int]:
    try:
        text = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        who = Person(claims["oid"], claims["appid"], claims.get("name", ""), claims.get("upn", ""))
        return who, int(claims["exp"])
    except (IndexError, KeyError, TypeError, ValueError):
        return None, 0


def _encoded(part: dict[str, Any]) -> str:
    text = json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()

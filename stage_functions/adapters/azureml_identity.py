"""Who Stageward itself is at Azure, and whom a document of Azure ML names.

Azure ML names people as it likes: by a GUID, an address or what they are shown as. The own identity
is read from the access token that is sent; unverified, since it only tells whose a write was.
"""

from __future__ import annotations

import base64
import re

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from msgspec import Struct

from stage_functions.domain.people import STAGEWARD
from stage_functions.wire.document import parsed, text

DISPLAYED = "aml"
"""Provider of ids that are what somebody is shown as: they may be shared, and may change."""

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\Z")
_PERSON = "user"
_APPLICATION = "application"


class Identity(Struct, frozen=True):
    """An identity as a token names it; "" where it does not.

    Attributes:
        oid: the object id.
        app: the application's id.
        name: of an application or managed identity, as Azure shows it.
        tenant: the directory that it is in.
    """

    oid: str = ""
    app: str = ""
    name: str = ""
    tenant: str = ""

    @property
    def ids(self) -> frozenset[str]:
        """The ids by which events may name it."""
        named = {"oid": self.oid, "app": self.app}
        return frozenset(f"{provider}:{id_}" for provider, id_ in named.items() if id_)

    def is_named(self, name: str, type_: str) -> bool:
        """Tell whether a document means this identity: a person may be called as it is."""
        if name.lower() in {self.oid, self.app} - {""}:
            return True
        return bool(self.name) and name == self.name and type_.lower() != _PERSON


def of_token(token: str) -> Identity:
    """Read an access token; nobody where it is none that can be read."""
    payload = token.split(".")[1] if token.count(".") > 1 else ""
    try:
        claims = parsed(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return Identity()
    managed = text(claims, "xms_mirid").rpartition("/")[2]
    return Identity(
        text(claims, "oid").lower(),
        (text(claims, "appid") or text(claims, "azp")).lower(),
        text(claims, "app_displayname") or managed,
        text(claims, "tid").lower(),
    )


def of_credential(credential: TokenCredential, scope: str) -> Identity:
    """Return who a credential signs in; nobody where it cannot just now."""
    try:
        return of_token(credential.get_token(scope).token)
    except AzureError:
        return Identity()


def actor(system: object, verb: str, own: Identity) -> str | None:
    """Return `<provider>:<id>` of who did something, or None; `stageward` where it did it itself.

    Args:
        system: the `systemData` of a document.
        verb: `created` or `lastModified`.
        own: Stageward's identity.
    """
    name, type_ = text(system, f"{verb}By").strip(), text(system, f"{verb}ByType")
    if not name:
        return None
    if own.is_named(name, type_):
        return STAGEWARD
    if _GUID.match(name):
        return f"{'app' if type_.lower() == _APPLICATION else 'oid'}:{name.lower()}"
    return f"upn:{name.lower()}" if _MAIL.match(name) else f"{DISPLAYED}:{name}"

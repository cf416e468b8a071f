"""Who made a change, as far as the claims say that an event of Azure Resource Manager carries.

Claims are personal data. An object id or an application's id is what is kept of them; names and
mail addresses are only compared with what the registry shows, and never written down anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from stage_functions.wire.identifiers import is_guid

_OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_APPLICATION = "appid"
_UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
_LOGIN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
_NAMED = ("name", _UPN, "upn", _LOGIN, _OBJECT_ID, _APPLICATION)
_MAX_CHARACTERS = 300


class Claimed(Struct, frozen=True):
    """Who is said to have made a change.

    Attributes:
        actor: `oid:<object id>` or `app:<application id>`; "" where the claims name neither.
        names: every text by which a registry may show that actor.
    """

    actor: str = ""
    names: tuple[str, ...] = ()


NOBODY = Claimed()


def claimed(claims: object) -> Claimed:
    """Read the claims of an event; nobody where they name no object id and no application."""
    if not isinstance(claims, Mapping):
        return NOBODY
    for provider, claim in (("oid", _OBJECT_ID), ("app", _APPLICATION)):
        value = claims.get(claim)
        if isinstance(value, str) and is_guid(value):
            return Claimed(f"{provider}:{value.lower()}", _names(claims))
    return NOBODY


def _names(claims: Mapping[str, object]) -> tuple[str, ...]:
    said = (claims.get(claim) for claim in _NAMED)
    texts = (text.strip() for text in said if isinstance(text, str))
    return tuple(dict.fromkeys(text for text in texts if 0 < len(text) <= _MAX_CHARACTERS))

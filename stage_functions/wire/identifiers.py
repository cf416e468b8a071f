"""Ids of Microsoft Entra and Azure: GUIDs, and nothing else ever matches one."""

from __future__ import annotations

import re

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_IDS = {"oid": "an object id of Microsoft Entra", "app": "an application (client) id"}


def is_guid(text: str) -> bool:
    """Tell whether a text is a GUID, as Entra and Azure write them."""
    return bool(_GUID.match(text))


def id_fault(id_: str) -> str:
    """Say what is wrong with an id of a person that nobody could ever have, or return ""."""
    provider, _, value = id_.partition(":")
    if provider not in _IDS or is_guid(value):
        return ""
    instead = f"; a name to sign in with is upn:{value}" if "@" in value else ""
    return f"'{id_}' is nobody's: {provider} is {_IDS[provider]}, a GUID{instead}"

"""Aliases that stand for something else than their own name says.

The rule for all others is in `fields`. These are facts of Azure (`az provider show --expand
resourceTypes/aliases`); the list has those that Microsoft's built-in definitions use most.
"""

from __future__ import annotations

from typing import Final

ENVELOPE: Final = frozenset({
    "etag", "extendedlocation", "identity", "managedby", "plan", "sku", "systemdata", "zones",
})  # fmt: skip
"""What a resource has beside `properties` and an alias may name; type, id, name, location and tags
have fields of their own."""

_VM: Final = "microsoft.compute/virtualmachines"
_SCALE_SET: Final = "microsoft.compute/virtualmachinescalesets"
_STORAGE: Final = "microsoft.storage/storageaccounts"
_IMAGE: Final = {
    "imageid": "imageReference.id",
    "imageoffer": "imageReference.offer",
    "imagepublisher": "imageReference.publisher",
    "imagesku": "imageReference.sku",
    "imageversion": "imageReference.version",
}


def _image(storage: str) -> dict[str, str]:
    return {alias: f"{storage}.{path}" for alias, path in _IMAGE.items()}


_ELSEWHERE: Final[dict[str, dict[str, str]]] = {
    _VM: {
        **_image("properties.storageProfile"),
        "sku.name": "properties.hardwareProfile.vmSize",
        "osdisk.uri": "properties.storageProfile.osDisk.vhd.uri",
    },
    _SCALE_SET: {
        **_image("properties.virtualMachineProfile.storageProfile"),
        "osdisk.vhdcontainers": (
            "properties.virtualMachineProfile.storageProfile.osDisk.vhdContainers"
        ),
        "securityprofile": "properties.virtualMachineProfile.securityProfile",
        "osdisk.imageurl": ("properties.virtualMachineProfile.storageProfile.osDisk.image.uri"),
    },
    _STORAGE: {
        "accounttype": "sku.name",
        "enableblobencryption": "properties.encryption.services.blob.enabled",
        "enablefileencryption": "properties.encryption.services.file.enabled",
    },
}


def elsewhere(head: str, path: str) -> str | None:
    """Return the path from the top that an alias stands for, or None where the rule says it."""
    known = _ELSEWHERE.get(head.casefold())
    told = path.casefold()
    for alias, found in (known or {}).items():
        if told == alias or told.startswith((f"{alias}.", f"{alias}[")):
            return found + path[len(alias) :]
    return None

"""Reads the address of a registry: `${NAME}` from the environment, then what it must look like.

No message repeats an address: it may hold a secret by mistake. Nothing is asked of the network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from stage_functions.domain.configuration import RegistryType
from stage_functions.wire.identifiers import is_guid

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_RESOURCE = re.compile(
    r"/subscriptions/([^/\s]+)/resourcegroups/([^/\s]+)"
    r"/providers/microsoft\.machinelearningservices/(?:workspaces|registries)/([^/\s]+)",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"<[A-Za-z _-]{0,40}>|\{[A-Za-z _-]{0,40}\}|…|\.\.\.")
"""What documentation writes for what the reader is to put there."""


def expand(address: str, alias: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """Return an address with its variables read, and what is wrong with them.

    Args:
        address: as the file has it.
        alias: of the registry, for the message.
        environment: what `${NAME}` is read from; an empty value counts as unset.
    """
    if "${" in _VARIABLE.sub("", address):
        return "", "write ${NAME}, with letters, digits and '_' in the name"
    unset = [name for name in _VARIABLE.findall(address) if not environment.get(name)]
    if unset:
        names = " and ".join(dict.fromkeys(unset))
        return "", f"set {names}, the address of registry {alias}, in the environment"
    return _VARIABLE.sub(lambda found: environment[found[1]], address), ""


def endpoint_fault(endpoint: str) -> str:
    """Say what is wrong with the endpoint of a storage account's tables, or return ""."""
    try:
        url = urlsplit(endpoint)
        host, _ = url.hostname or "", url.port
    except ValueError:
        return _NO_ENDPOINT
    if url.scheme not in ("http", "https") or not host or re.search(r"[\s\0-\x1f]", endpoint):
        return _NO_ENDPOINT
    if url.scheme == "http" and not _is_loopback(host):
        return (
            "it begins with http://, so a token sent there could be read on the way; use https://"
        )
    return ""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def address_fault(type_: RegistryType, address: str) -> str:
    """Say what is wrong with an address, or return ""."""
    if type_ is RegistryType.AZUREML:
        return _resource_fault(address)
    try:
        url = urlsplit(address)
        _ = url.port
    except ValueError:
        return _NO_URL
    if (
        re.search(r"[\s\0-\x1f]", address)
        or url.scheme not in ("http", "https")
        or not url.hostname
    ):
        return _NO_URL
    if "@" in url.netloc:
        return "the address holds credentials; those come from the environment"
    if "?" in address or "#" in address:
        return "the address of an MLflow server has no query and no fragment"
    return ""


def _resource_fault(address: str) -> str:
    """Say what is wrong with a resource id; of its text only a placeholder is repeated."""
    found = _RESOURCE.fullmatch(address)
    if found is None:
        return _NO_RESOURCE
    for part, what in zip(found.groups(), _PARTS, strict=True):
        placeholder = _PLACEHOLDER.search(part)
        if placeholder:
            return f"'{placeholder[0]}' is a placeholder: write {what} in its place"
    return "" if is_guid(found[1]) else f"behind /subscriptions/ belongs {_PARTS[0]}"


_PARTS = (
    "the subscription's id, a GUID (`az account show --query id` tells it)",
    "the name of the resource group",
    "the name of the workspace or registry",
)
_NO_URL = "the address of an MLflow server is an http or https URL, such as http://localhost:5000"
_NO_RESOURCE = (
    "the address of an azureml registry is the resource id of a workspace or registry: "
    "/subscriptions/…/resourceGroups/…/providers/Microsoft.MachineLearningServices/workspaces/…"
)
_NO_ENDPOINT = "it is no URL with a host, such as https://<account>.table.core.windows.net"

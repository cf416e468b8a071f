"""Blob containers of Azure Storage: how a setting names one, and how it is opened.

The SDK is loaded when a container is opened, so that no event waits for its import.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from stage_functions.domain.error import ConfigurationError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.storage.blob import ContainerClient

CONNECT_TIMEOUT_SECONDS = 3
READ_TIMEOUT_SECONDS = 8
_CONTAINER = "Container="


def checked(address: str) -> str:
    """Return the address of a container, or a connection string that names one.

    Raises:
        ConfigurationError: it is neither; the message says what is, and repeats no secret.
    """
    address = address.strip()
    if "://" not in address.partition("=")[0]:
        account, name = split(address)
        if account and name:
            return address
        message = (
            "write the URL of the container, https://<account>.blob.core.windows.net/<container>, "
            "or a connection string that ends with ;Container=<container>"
        )
        raise ConfigurationError(message)
    try:
        url = urlsplit(address)
        fit = url.scheme in ("https", "http") and url.hostname and url.path.strip("/")
    except ValueError:
        fit = False
    if not fit:
        message = (
            "that is no URL of a container; write "
            "https://<account>.blob.core.windows.net/<container>"
        )
        raise ConfigurationError(message)
    return address


def split(address: str) -> tuple[str, str]:
    """Return a connection string without the container that it names, and that."""
    parts = [part for part in address.split(";") if part]
    names = [part.removeprefix(_CONTAINER) for part in parts if part.startswith(_CONTAINER)]
    rest = ";".join(part for part in parts if not part.startswith(_CONTAINER))
    return rest, names[0] if len(names) == 1 else ""


def opened(address: str, credential: Callable[[], TokenCredential]) -> ContainerClient:
    """Return a client of a container; nothing is sent yet.

    Args:
        address: as `checked` returns it. A URL with a shared access signature signs in by that, a
            connection string by its key, any other URL by `credential`.
        credential: makes what to sign in with.
    """
    from azure.storage.blob import ContainerClient  # 0.3 s to import

    options: dict[str, Any] = {
        "connection_timeout": CONNECT_TIMEOUT_SECONDS,
        "read_timeout": READ_TIMEOUT_SECONDS,
        "retry_total": 0,  # it would wait for 15 s; whoever asked asks again
    }
    if "://" not in address.partition("=")[0]:
        account, name = split(address)
        return ContainerClient.from_connection_string(account, name, **options)
    signed = "sig=" in urlsplit(address).query
    credential_ = None if signed else credential()
    return ContainerClient.from_container_url(address, credential=credential_, **options)

"""Anchors in a blob container of Azure Storage: one blob each, never written over.

What keeps them is the container's immutability policy, which the templates set; this only asks
never to overwrite. The SDK is loaded when the first anchor is due.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError

from stage_functions.adapters.anchors import MAX_BYTES, place_name, read_anchor
from stage_functions.adapters.containers import checked, opened, split
from stage_functions.adapters.sdk_errors import UNREADABLE, error_code
from stage_functions.domain.anchor import Anchor
from stage_functions.domain.error import SinkRefusedError, SinkUnavailableError, StagewardError
from stage_functions.wire.anchors import body_of, name_of

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.storage.blob import ContainerClient

_THERE = frozenset({403, 409, 412})
"""What is answered where a blob is there already: 403 to whoever may only make new ones."""
_EMPTY = 416
"""Of a blob without a byte there is no first one to ask for."""
_REFUSED = frozenset({400, 409, 412})
"""Whatever it is tried again; 401, 403 and 404 are mended by an operator, and then it goes on."""


class BlobAnchors:
    """A container with one blob an anchor. Safe to share between threads."""

    def __init__(self, address: str, credential: Callable[[], TokenCredential]) -> None:
        """Remember where they are; nothing is loaded or sent yet.

        Args:
            address: as `containers.checked` takes it.
            credential: makes what to sign in with.

        Raises:
            ConfigurationError: it names no container.
        """
        self._address = checked(address)
        self._credential = credential
        self._lock = threading.Lock()
        self._opened: ContainerClient | None = None
        self.where = _shown(self._address)
        self.name = place_name("container", self.where)

    def publish(self, anchor: Anchor) -> None:
        """Write an anchor to a blob of its own; see `AnchorPlace`.

        Raises:
            SinkUnavailableError: it cannot be reached, or does not let us in yet.
            SinkRefusedError: another one is there under its name, or it refuses.
        """
        name, body = name_of(anchor), body_of(anchor)
        try:
            self._client().upload_blob(name, body, overwrite=False)
        except (AzureError, *UNREADABLE) as exc:
            if getattr(exc, "status_code", None) not in _THERE:
                raise self._error(exc) from exc
            self._demand_same(name, body, self._error(exc))

    def kept(self) -> Iterator[Anchor]:
        """Yield the anchors of its blobs, by their names; see `AnchorPlace`.

        Raises:
            SinkUnavailableError, SinkRefusedError: it cannot be read.
            InvalidInputError: a blob is no anchor.
        """
        try:
            names = [one.name for one in self._client().list_blobs()]
        except (AzureError, *UNREADABLE) as exc:
            raise self._error(exc) from exc
        for name in sorted(names):
            if name.endswith(".json"):
                yield read_anchor(f"{self.where}/{name}", self._read(name))

    def close(self) -> None:
        """Close the connections, where there are any."""
        if self._opened is not None:
            self._opened.close()

    def _demand_same(self, name: str, body: bytes, otherwise: StagewardError) -> None:
        """See that what keeps a blob from being written is the same blob.

        Raises:
            SinkRefusedError: another one is there.
            SinkUnavailableError: none is; something else kept it.
        """
        try:
            same = self._read(name) == body
        except StagewardError:
            raise otherwise from None
        if not same:
            message = f"{self.where}/{name} is there, and is another anchor: it was changed"
            raise SinkRefusedError(message)

    def _read(self, name: str) -> bytes:
        try:
            stream = self._client().download_blob(name, offset=0, length=MAX_BYTES)
            body: bytes = stream.readall()
        except (AzureError, *UNREADABLE) as exc:
            if getattr(exc, "status_code", None) == _EMPTY:
                return b""
            raise self._error(exc) from exc
        return body

    def _client(self) -> ContainerClient:
        with self._lock:
            if self._opened is None:
                self._opened = opened(self._address, self._credential)
            return self._opened

    def _error(self, exc: Exception) -> SinkUnavailableError | SinkRefusedError:
        status = getattr(exc, "status_code", None)
        code = error_code(exc) or type(exc).__name__
        answered = f"answered {status} {code}" if status else f"cannot be reached ({code})"
        message = f"the container {self.where} {answered}"
        return (SinkRefusedError if status in _REFUSED else SinkUnavailableError)(message)


def _shown(address: str) -> str:
    """Return the address of a container without what signs in to it."""
    if "://" in address.partition("=")[0]:
        url = urlsplit(address)
        return f"{url.scheme}://{url.hostname}{url.path.rstrip('/')}"
    account, name = split(address)
    pairs = dict(part.partition("=")[::2] for part in account.split(";"))
    whose = pairs.get("AccountName") or urlsplit(pairs.get("BlobEndpoint", "")).hostname or "?"
    return f"{whose}/{name}"

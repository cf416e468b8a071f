"""Places for anchors: which kind an address names, and the folder, the simplest of them.

A container of Azure Storage is in `anchors_blob`, a receiver of events in `anchors_webhook`: each
is loaded when one is configured.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from stage_functions.application.ports.anchors import AnchorPlace
from stage_functions.domain.anchor import Anchor
from stage_functions.domain.error import (
    ConfigurationError,
    InvalidInputError,
    SinkRefusedError,
    SinkUnavailableError,
    why_unread,
)
from stage_functions.wire.anchors import anchor_of, body_of, name_of

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from stage_functions.wire.signing import Signer

MAX_BYTES = 64 * 1024
"""Of an anchor: it has a few hundred."""
_OF_BLOBS = re.compile(r"[^.]+\.blob\.")
"""How the host of a storage account's blobs begins, in every cloud of Azure."""


def open_place(
    address: str, credential: Callable[[], TokenCredential], signer: Signer | None = None
) -> AnchorPlace:
    """Return the place that an address names.

    Args:
        address: the URL of a blob container, or a connection string with `;Container=`; any other
            URL with http or https, which takes CloudEvents; else a folder, plain or as `file://`.
        credential: makes what to sign in to Azure with.
        signer: signs what a receiver of CloudEvents gets; None for no signature.

    Raises:
        ConfigurationError: it cannot be one, or takes no signature; no secret is repeated.
    """
    receives = address.startswith(("http://", "https://")) and not _names_container(address)
    if signer is not None and not receives:
        message = "there is a secret for a container or a folder, which takes no signature"
        raise ConfigurationError(message)
    if _names_container(address):
        from stage_functions.adapters.anchors_blob import (  # noqa: PLC0415  # loads azure-core
            BlobAnchors,
        )

        return BlobAnchors(address, credential)
    if receives:
        from stage_functions.adapters.anchors_webhook import (  # noqa: PLC0415  # loads httpx
            WebhookAnchors,
        )

        return WebhookAnchors(address, signer)
    return FolderAnchors(_path(address))


def _names_container(address: str) -> bool:
    if "://" not in address.partition("=")[0]:
        return "Container=" in address
    try:
        url = urlsplit(address)
    except ValueError:
        return False
    signed = {"sig", "sr"} <= parse_qs(url.query).keys()
    return signed or _OF_BLOBS.match(url.hostname or "") is not None


def _path(address: str) -> Path:
    plain = address.removeprefix("file://")
    return Path(unquote(plain) if plain != address else address)


def place_name(kind: str, address: str) -> str:
    """Return the name of a place: its kind, and a hash of its address."""
    return f"{kind}-{hashlib.sha256(address.encode()).hexdigest()[:8]}"


class FolderAnchors:
    """A folder with one file an anchor, each written once. Safe to share between threads.

    It is as far from whoever may write to the ledger as the folder is: mount one of another
    machine, or let something else take its files away.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = place_name("folder", str(path.absolute()))
        self.where = str(path)

    def publish(self, anchor: Anchor) -> None:
        """Write an anchor to a file of its own, whole or not at all; see `AnchorPlace`.

        Raises:
            SinkUnavailableError: it cannot be written now.
            SinkRefusedError: another one is there under its name.
        """
        place, body = self._path / name_of(anchor), body_of(anchor)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if _written_once(place, body):
                return
            same = place.read_bytes() == body
        except OSError as exc:
            message = f"{self.where}: {why_unread(exc)}"
            raise SinkUnavailableError(message) from exc
        if not same:
            message = f"{place} is there, and is another anchor: it was changed"
            raise SinkRefusedError(message)

    def kept(self) -> Iterator[Anchor]:
        """Yield the anchors of its files, by their names; see `AnchorPlace`.

        Raises:
            SinkUnavailableError: it cannot be read.
            InvalidInputError: a file is no anchor.
        """
        if not self._path.is_dir():
            message = f"{self.where} is no folder"
            raise SinkUnavailableError(message)
        for place in sorted(self._path.glob("**/*.json")):
            yield read_anchor(str(place), _read(place))

    def close(self) -> None:
        """Nothing is held open."""


def read_anchor(name: str, body: bytes) -> Anchor:
    """Read an anchor of a file or blob of its own.

    Raises:
        InvalidInputError: it is none; the message names it.
    """
    try:
        return anchor_of(json.loads(body))
    except (ValueError, RecursionError, InvalidInputError) as exc:
        message = f"{name}: {exc}"
        raise InvalidInputError(message) from exc


def read_anchors(path: Path) -> Iterator[Anchor]:
    """Yield the anchors of a file with one document a line, such as events that were collected.

    Raises:
        SinkUnavailableError: it cannot be read.
        InvalidInputError: a line is no anchor.
    """
    for number, line in enumerate(_read(path, whole=True).splitlines(), start=1):
        if line.strip():
            yield read_anchor(f"{path}, line {number}", line)


def _read(place: Path, *, whole: bool = False) -> bytes:
    try:
        with place.open("rb") as file:
            return file.read() if whole else file.read(MAX_BYTES)
    except OSError as exc:
        message = f"{place}: {why_unread(exc)}"
        raise SinkUnavailableError(message) from exc


def _written_once(place: Path, body: bytes) -> bool:
    """Write a file that is not there yet, on the disk when this returns; tell whether it was not.

    Raises:
        OSError: it cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        try:
            Path(place).hardlink_to(name)  # unlike a rename, it never takes the place of another
        except FileExistsError:
            return False
    finally:
        Path(name).unlink()
    with suppress(OSError):  # a folder cannot be opened everywhere
        folder = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return True

"""Dead letters in a blob container of Azure Storage, through `azure-storage-blob`.

Decides how the container is named and signed in to, and what its errors mean. The SDK is loaded
when the container is first asked, so that no event waits for its import.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceModifiedError,
    ResourceNotFoundError,
)

from stage_functions.adapters.containers import opened
from stage_functions.adapters.sdk_errors import UNREADABLE, error_code
from stage_functions.application.ports.dead_letters import MOST_BYTES, MOST_LISTED, DeadLetter
from stage_functions.domain.error import (
    InvalidInputError,
    NotAllowedNowError,
    NotFoundError,
    RetryableError,
)

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.storage.blob import ContainerClient

_FORBIDDEN = (401, 403)
_NO_CONTAINER = "ContainerNotFound"
_ROLE = "give Stageward's identity the role Storage Blob Data Contributor on it"


class BlobDeadLetters:
    """The `DeadLetters` of a container. Safe to share between threads."""

    def __init__(self, address: str, credential: Callable[[], TokenCredential]) -> None:
        """Remember where they are; nothing is loaded or sent yet.

        Args:
            address: as `checked` returns it. A URL with a shared access signature signs in by
                that, a connection string by its key, any other URL by `credential`.
            credential: makes what to sign in with.
        """
        self._address = address
        self._credential = credential
        self._lock = threading.Lock()
        self._opened: ContainerClient | None = None

    def listed(self, limit: int = MOST_LISTED) -> list[DeadLetter]:
        """Return at most so many; see `DeadLetters`."""
        with _translated("list the dead letters"):
            found = self._client().list_blobs(results_per_page=min(limit, MOST_LISTED))
            return [
                DeadLetter(one.name, one.last_modified, one.etag or "", one.size or 0)
                for one in islice(found, limit)
            ]

    def read(self, letter: DeadLetter) -> bytes:
        """Return the whole of one; see `DeadLetters`."""
        if letter.size > MOST_BYTES:
            message = f"it has {letter.size} bytes, and an event has {MOST_BYTES} at the most"
            raise InvalidInputError(message)
        with _translated("read a dead letter"):
            stream = self._client().download_blob(letter.name, **_as_listed(letter))
            content: bytes = stream.readall()
            return content

    def delete(self, letter: DeadLetter) -> bool:
        """Delete one as it was listed; see `DeadLetters`."""
        with suppress(NotFoundError), _translated("delete a dead letter"):
            self._client().delete_blob(letter.name, **_as_listed(letter))
            return True
        return False

    def close(self) -> None:
        """Close the connections, where there are any."""
        if self._opened is not None:
            self._opened.close()

    def _client(self) -> ContainerClient:
        with self._lock:
            if self._opened is None:
                self._opened = opened(self._address, self._credential)
            return self._opened


def _as_listed(letter: DeadLetter) -> dict[str, Any]:
    return {"etag": letter.etag, "match_condition": MatchConditions.IfNotModified}


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn every error of the SDK inside the block into one of Stageward's own.

    Raises:
        NotFoundError: the blob is gone, or another.
        NotAllowedNowError: the container is not there, or lets nobody in.
        RetryableError: it cannot be reached.
    """
    try:
        yield
    except (AzureError, *UNREADABLE) as exc:
        raise _error(exc, what) from exc


def _error(exc: Exception, what: str) -> Exception:
    code = error_code(exc) or type(exc).__name__
    status = getattr(exc, "status_code", None)
    if isinstance(exc, ResourceNotFoundError) and code == _NO_CONTAINER:
        message = f"cannot {what}: the container that STAGEWARD_DEAD_LETTERS names is not there"
        return NotAllowedNowError(message, code="dead-letters-missing")
    if isinstance(exc, ResourceNotFoundError | ResourceModifiedError):
        return NotFoundError("it is not there as it was listed: somebody else was first")
    if status in _FORBIDDEN:
        message = f"cannot {what}: the container answered {status} {code}; {_ROLE}"
        return NotAllowedNowError(message, code="dead-letters-refused")
    if isinstance(exc, ClientAuthenticationError):
        message = f"cannot {what}: Stageward cannot sign in to Azure"
        return RetryableError(message)
    if isinstance(exc, HttpResponseError) and status is not None:
        return RetryableError(f"cannot {what}: the container answered {status} {code}")
    return RetryableError(f"cannot {what}: the container cannot be reached ({code})")

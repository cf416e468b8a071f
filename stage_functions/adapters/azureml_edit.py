"""Edits of one version: read, decide, write all of it back, read again.

Decides what is done where something came in between. Azure ML has no conditional write and no write
of tags alone, so that every write puts back all that was read just before:

- Inside a process, edits of a version are one after another.
- Another process, or somebody else, who writes between the read and the write loses that write:
  some milliseconds. Nothing can tell; whoever needs their tags writes them again.
- A PUT of what was deleted meanwhile creates it. Azure ML says so, and it is deleted again. Who
  registers the same number between those two loses it.
- Azure ML may answer with what was there before the last write. What this process wrote is
  remembered for a while, so that an older answer is not written back.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from stage_functions.adapters.azureml_api import AzureMlApi
from stage_functions.adapters.azureml_codec import Document, changed, without_stage
from stage_functions.adapters.azureml_errors import AzureMlFaultError
from stage_functions.application.ports.registry import Decide
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.error import RegistryRefusedError, StagewardError
from stage_functions.domain.people import STAGEWARD

Read = Callable[[Version], tuple[Document, Snapshot] | None]
"""Reads a version: its document, and what that says."""

_STRIPES = 64
_REMEMBERED = 1024
_CREATED = 201


class Editor:
    """Edits versions of a workspace or registry. Safe to share between threads."""

    def __init__(self, api: AzureMlApi, read: Read) -> None:
        """Edit through an API.

        Args:
            api: of the workspace or registry.
            read: how a version is read.
        """
        self._api = api
        self._read = read
        self._locks = tuple(threading.Lock() for _ in range(_STRIPES))
        self._written: OrderedDict[Version, datetime] = OrderedDict()
        self._lock = threading.Lock()

    def edit(self, version: Version, decide: Decide) -> Snapshot | None:
        """Read, change what is decided on that, and read again; see `Registry.edit`.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: as the port says.
        """
        with self._locks[hash(version) % _STRIPES]:
            found = self._fresh(version)
            if found is None:
                return None
            document, snapshot = found
            edit = decide(snapshot)
            edit = None if edit is None else edit.differing(snapshot)
            if edit is None or edit.nothing:
                return snapshot
            try:
                body = changed(document, edit)
            except ValueError as exc:
                message = f"{self._api.name}: {version} is {exc}"
                raise RegistryRefusedError(message) from exc
            hidden = snapshot.archived if edit.archived is None else edit.archived
            after = self._write(version, snapshot, body)
            if after is not None and hidden and not after.archived:
                after = self._write(version, snapshot, without_stage(body))
            return after

    def _fresh(self, version: Version) -> tuple[Document, Snapshot] | None:
        """Return a version as it is, not as it was before this process wrote it."""
        for _ in range(2):
            found = self._read(version)
            written = self._written.get(version)
            at = None if found is None else found[1].modified_at
            if found is None or written is None or at is None or at >= written:
                return found
        message = f"{self._api.name} answers with what {version} was before it was written"
        raise AzureMlFaultError(message)

    def _write(self, version: Version, before: Snapshot, body: Document) -> Snapshot | None:
        asset = version.asset
        parts = (asset.kind, asset.name, "versions", version.number)
        answer = self._api.put(*parts, document=body)
        gone = f"{self._api.name}: {version} was deleted between reading and writing it"
        if answer.status == _CREATED:
            self._undo(parts)
            raise RegistryRefusedError(gone)
        found = self._read(version)
        if found is None:
            return None
        after = found[1]
        if after.incarnation != before.incarnation:
            if after.author == STAGEWARD and after.created_at > before.created_at:
                self._undo(parts)
                raise RegistryRefusedError(gone)
            message = f"{gone}, and registered anew"
            raise RegistryRefusedError(message)
        self._remember(after)
        return after

    def _undo(self, parts: tuple[str, ...]) -> None:
        """Delete what a write has created; what cannot be deleted is found by the scan."""
        with suppress(StagewardError):
            self._api.send("DELETE", *parts)

    def _remember(self, after: Snapshot) -> None:
        if after.modified_at is None:
            return
        with self._lock:
            former = self._written.get(after.version, after.modified_at)
            self._written[after.version] = max(former, after.modified_at)
            self._written.move_to_end(after.version)
            while len(self._written) > _REMEMBERED:
                self._written.popitem(last=False)

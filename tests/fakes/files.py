"""A registry and a sink in files, so that they outlive a process that is killed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from stage_functions.application.ports.registry import Page
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.record import Record


class FileRegistry:
    """A registry in a file, replaced whole by each write; keeps a log of the stages it showed."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "registry.json"
        self._log = folder / "shown.log"

    def register(self, version: Version, created_at: datetime, tags: Mapping[str, str]) -> None:
        """Make a version."""
        everything = self._load()
        everything[str(version)] = {"at": created_at.isoformat(), "tags": dict(tags)}
        self._save(everything)

    def shown(self) -> list[dict[str, str]]:
        """Return the stages that were shown after each write, by version."""
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def read(self, version: Version) -> Snapshot | None:
        """Return the version as it is now."""
        found = self._load().get(str(version))
        return None if found is None else _snapshot(version, found)

    def evidence(self, snapshot: Snapshot) -> Evidence:
        """Return nothing: nothing is known."""
        return Evidence()

    def write_tags(self, version: Version, tags: Mapping[str, str]) -> None:
        """Set these tags and leave every other as it is."""
        everything = self._load()
        everything[str(version)]["tags"] |= tags
        self._save(everything)

    def versions(self, after: str = "") -> Page:
        """Return every version."""
        found = [_snapshot(Version.parse(name), one) for name, one in self._load().items()]
        return Page(tuple(found) if not after else (), "")

    def close(self) -> None:
        """Hold nothing open."""

    def _load(self) -> dict[str, Any]:
        return dict(json.loads(self._file.read_text())) if self._file.exists() else {}

    def _save(self, everything: dict[str, Any]) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(everything))
        fresh.replace(self._file)
        shown = {name: one["tags"].get("stage", "") for name, one in everything.items()}
        with self._log.open("a") as log:
            log.write(json.dumps(shown) + "\n")


class FileSink:
    """A sink in a file: one line a record, its number."""

    name = "file"

    def __init__(self, folder: Path) -> None:
        self._file = folder / "published.log"

    def taken(self) -> list[int]:
        """Return the numbers of the records taken, in the order of their delivery."""
        return [int(line) for line in self._file.read_text().splitlines()]

    def publish(self, records: Sequence[Record]) -> None:
        """Take records."""
        with self._file.open("a") as log:
            log.writelines(f"{record.number}\n" for record in records)

    def close(self) -> None:
        """Hold nothing open."""


def _snapshot(version: Version, found: Mapping[str, Any]) -> Snapshot:
    created = datetime.fromisoformat(found["at"])
    return Snapshot(
        version, created, f"models:/{version.number}", dict(found["tags"]), "mlflow:sam"
    )

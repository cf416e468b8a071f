"""What an export is on the wire: a zip, and the manifest that its last file is."""

from __future__ import annotations

from dataclasses import dataclass

MEDIA_TYPE = "application/zip"
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class File:
    """A file of a pack.

    Attributes:
        name: its name in the pack.
        size: in bytes.
        sha256: 64 hex digits.
    """

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What a pack is about.

    Attributes:
        asset: `registry/kind/name`.
        version: its number.
        stage: where the version stands.
        gone: it is deleted.
        approvals: ids of the approvals that are in it.
        approval: id of the one that was asked for, or "".
    """

    asset: str
    version: str
    stage: str
    gone: bool
    approvals: tuple[str, ...]
    approval: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """A history in a pack.

    Attributes:
        name: of the asset, or `lifecycle:<name>`.
        file: that has its records.
        records: how many there are.
        hash: of the last one.
        fault: its first bad record and why, or "".
    """

    name: str
    file: str
    records: int
    hash: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """What a pack should have and has not.

    Attributes:
        file: its name.
        why: in words.
    """

    file: str
    why: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of a pack.

    Attributes:
        format: of the pack, 1.
        product: what made it.
        ledger: id of the ledger.
        made_at: time of the last record in it, ISO 8601.
        subject: what it is about.
        histories: that are in it.
        missing: what should be in it and is not.
        files: all others, in order.
    """

    format: int
    product: str
    ledger: str
    made_at: str
    subject: Subject
    histories: tuple[History, ...]
    missing: tuple[Missing, ...]
    files: tuple[File, ...]

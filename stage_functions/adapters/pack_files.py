"""Histories out of an evidence pack, as `stageward export` writes it: a zip, read as a stream.

The pack is checked whole by the `verify.py` in it; here only its histories are, by this program. A
zip may be anybody's: nothing is unpacked to the disk, and documents are read up to a size.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from stage_functions.adapters.record_files import READABLE, records_of
from stage_functions.application.verifying_file import Lying
from stage_functions.domain.anchor import Inclusion
from stage_functions.domain.error import InvalidInputError, LedgerDamagedError, why_unread
from stage_functions.domain.record import Json, Tail
from stage_functions.wire.anchors import inclusions_of

MANIFEST, PROOF = "manifest.json", "proof.json"
MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
_UNREADABLE = (
    EOFError,
    LookupError,
    NotImplementedError,  # a compression that is not known here
    RecursionError,
    RuntimeError,  # a password is asked for
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


def is_pack(path: Path) -> bool:
    """Tell whether a file begins as a zip does.

    Raises:
        InvalidInputError: it cannot be read.
    """
    with _reading(path), path.open("rb") as file:
        return file.read(2) == b"PK"


def histories_in(path: Path) -> Iterator[Lying]:
    """Yield the histories of a pack, as its manifest lists them: the asset's first.

    Raises:
        InvalidInputError: it is no pack.
        LedgerDamagedError: it is damaged.
    """
    with _reading(path), zipfile.ZipFile(path) as pack:
        names = pack.namelist()
        if MANIFEST not in names:
            message = f"{path} is a zip without a {MANIFEST}: {READABLE}"
            raise InvalidInputError(message)
        if len(set(names)) < len(names):
            message = "two files in it have the same name"
            raise ValueError(message)
        manifest = cast("dict[str, Json]", _document(pack, MANIFEST))
        ledger = str(manifest["ledger"])
        for one in cast("list[Mapping[str, Json]]", manifest["histories"]):
            name, number = str(one["name"]), int(cast("int", one["records"]))
            tail = Tail(ledger, name, number, str(one["hash"]))
            with pack.open(str(one["file"])) as file:
                yield Lying(ledger, name, records_of(file), lambda tail=tail: tail)  # type: ignore[misc]


def proofs_in(path: Path) -> dict[str, Inclusion]:
    """Return the proofs that are in a pack beside its records, by the names of histories.

    Raises:
        InvalidInputError: the file cannot be read.
        LedgerDamagedError: what stands there is no proof.
    """
    with _reading(path), zipfile.ZipFile(path) as pack:
        if PROOF not in pack.namelist():
            return {}
        try:
            return inclusions_of(_document(pack, PROOF))
        except InvalidInputError as exc:
            message = f"{path}, {PROOF}: {exc}"
            raise LedgerDamagedError(message) from exc


def _document(pack: zipfile.ZipFile, name: str) -> object:
    with pack.open(name) as file:
        body = file.read(MAX_DOCUMENT_BYTES + 1)
    if len(body) > MAX_DOCUMENT_BYTES:
        message = f"{name} is longer than any that was exported"
        raise ValueError(message)
    return json.loads(body)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        message = f"cannot read {path}: {why_unread(exc)}"
        raise InvalidInputError(message) from exc
    except _UNREADABLE as exc:
        why = str(exc).strip("\"'") or type(exc).__name__
        message = f"{path} cannot be read as an evidence pack: {why}"
        raise LedgerDamagedError(message) from exc

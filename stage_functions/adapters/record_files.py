"""Records out of a file: what `stageward history --json` prints, a record a line, or a pack.

A file says no places, so a record stands where it stands. It is read piece by piece, in the same
memory whatever its size; what cannot be read is told as what stands there, and not raised. A key
that an object has twice is such a fault: two readers could see two records.
"""

from __future__ import annotations

import codecs
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any, cast

from stage_functions.domain.anchor import Inclusion
from stage_functions.domain.chain import Found
from stage_functions.domain.error import InvalidInputError, why_unread
from stage_functions.domain.record import Record, canonical
from stage_functions.wire.anchors import inclusion_of

CHUNK_BYTES = 1024 * 1024
MAX_RECORD_CHARACTERS = 64 * CHUNK_BYTES
"""Of what is looked through for the end of one record."""
RECORDS, PROOF = "records.jsonl", "proof.json"
"""What a pack has inside."""
_BETWEEN = re.compile(r"[\s,\[\]]*")


def found_in(path: Path) -> Iterator[Found]:
    """Yield what stands in a file of records, in order.

    Raises:
        InvalidInputError: the file cannot be opened, or is a pack without records.
    """
    with _opened(path) as file:
        try:
            for document in _documents(file):
                yield _found(document)
        except (ValueError, RecursionError) as exc:
            yield Found(None, why=f"it cannot be read: {exc}")


def proof_in(path: Path) -> Inclusion | None:
    """Return the proof that is in a pack beside its records; None where there is none.

    Raises:
        InvalidInputError: it cannot be read.
    """
    if path.suffix != ".zip":
        return None
    try:
        with zipfile.ZipFile(path) as pack:
            body = pack.read(PROOF) if PROOF in pack.namelist() else b""
    except (OSError, zipfile.BadZipFile) as exc:
        message = f"cannot read {path}: {exc}"
        raise InvalidInputError(message) from exc
    return _proof(str(path), body) if body else None


def read_proof(path: Path) -> Inclusion:
    """Return the proof of a file of its own.

    Raises:
        InvalidInputError: it cannot be read.
    """
    try:
        return _proof(str(path), path.read_bytes())
    except OSError as exc:
        message = f"cannot read {path}: {why_unread(exc)}"
        raise InvalidInputError(message) from exc


def _proof(name: str, body: bytes) -> Inclusion:
    try:
        return inclusion_of(json.loads(body))
    except (ValueError, RecursionError, InvalidInputError) as exc:
        message = f"{name}: {exc}"
        raise InvalidInputError(message) from exc


@contextmanager
def _plain(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        yield file


@contextmanager
def _packed(path: Path) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(path) as pack, pack.open(RECORDS) as file:
        yield file


_FORMATS: Mapping[str, Callable[[Path], Any]] = {".zip": _packed}
"""By the end of a file's name, how its records are opened; else they stand in it as they are."""


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        file = _FORMATS.get(path.suffix, _plain)(path)
        opened = file.__enter__()
    except (OSError, KeyError, zipfile.BadZipFile) as exc:
        why = why_unread(exc) if isinstance(exc, OSError) else str(exc).strip("\"'")
        message = f"cannot read {path}: {why}"
        raise InvalidInputError(message) from exc
    with closing(opened):
        yield opened
    file.__exit__(None, None, None)


def _documents(file: IO[bytes]) -> Iterator[object]:
    """Yield the objects of a file: of a list, one a line, or one behind the other.

    Raises:
        ValueError: what follows is none.
    """
    decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_number)
    reading = codecs.getincrementaldecoder("utf-8")()
    text, at, ended = "", 0, False
    fault: UnicodeDecodeError | None = None
    while True:
        at = cast("re.Match[str]", _BETWEEN.match(text, at)).end()
        if at < len(text):
            try:
                document, at = decoder.raw_decode(text, at)
            except json.JSONDecodeError:
                if ended or len(text) - at > MAX_RECORD_CHARACTERS:
                    raise
            else:
                yield document
                continue
        elif ended:
            if fault is not None:
                raise fault
            return
        more = file.read(CHUNK_BYTES)
        ended = not more
        try:
            read = reading.decode(more, final=ended)
        except UnicodeDecodeError as exc:  # what stands before it is read first
            read, ended, fault = exc.object[: exc.start].decode(), True, exc
        text, at = text[at:] + read, 0


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object that has each key once.

    Raises:
        ValueError: it has one twice.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        message = "an object has a key twice"
        raise ValueError(message)
    return found


def _no_number(name: str) -> object:
    message = f"{name} is no number"
    raise ValueError(message)


def _found(document: object) -> Found:
    """Return the record of a document, or why it is none."""
    if not isinstance(document, dict):
        return Found(None, why="it cannot be read: it is no object")
    content = {name: value for name, value in document.items() if name not in {"prev", "hash"}}
    prev, hash_ = document.get("prev"), document.get("hash")
    try:
        record = Record(canonical(content), str(prev), str(hash_), content)
        if record.number < 1 or record.at.tzinfo is None:
            return Found(None, why="it cannot be read: it has no number or no time")
    except (KeyError, TypeError, ValueError, RecursionError) as exc:
        return Found(None, why=f"it cannot be read: {exc}")
    return Found(record)

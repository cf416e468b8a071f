"""Records out of a file: what `stageward history --json` prints, or a record a line.

A file says no places, so a record stands where it stands. It is read piece by piece, in the same
memory whatever its size; what cannot be read is told as what stands there, and not raised. A key
that an object has twice is such a fault: two readers could see two records.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from stage_functions.domain.anchor import Inclusion
from stage_functions.domain.chain import Found
from stage_functions.domain.error import InvalidInputError, why_unread
from stage_functions.domain.record import Record, canonical
from stage_functions.wire.anchors import inclusions_of

CHUNK_BYTES = 1024 * 1024
MAX_RECORD_CHARACTERS = 64 * CHUNK_BYTES
"""Of what is looked through for the end of one record."""
READABLE = (
    "what can be verified is what `stageward history --json` printed, the zip of "
    "`stageward export`, and the file of `stageward backup`"
)
_PACKED = {"prev", "hash", "record"}
"""What a line of a pack has: the record stands apart from the hashes around it."""
_BETWEEN = re.compile(r"[\s,\[\]]*")


def found_in(path: Path) -> Iterator[Found]:
    """Yield what stands in a file of records, in order.

    Raises:
        InvalidInputError: the file cannot be opened, or is none of records.
    """
    try:
        with path.open("rb") as file:
            start = file.read(CHUNK_BYTES)
            if not start.lstrip().startswith((b"[", b"{")) or b'"prev"' not in start:
                message = f"{path} holds no record: {READABLE}"
                raise InvalidInputError(message)
            file.seek(0)
            yield from records_of(file)
    except OSError as exc:
        message = f"cannot read {path}: {why_unread(exc)}"
        raise InvalidInputError(message) from exc


def records_of(file: IO[bytes]) -> Iterator[Found]:
    """Yield what stands in an open file of records, in order.

    Raises:
        OSError: as the file says.
    """
    try:
        for document in _documents(file):
            yield _found(document)
    except (ValueError, RecursionError) as exc:
        yield Found(None, why=f"it cannot be read: {exc}")


def read_proofs(path: Path) -> dict[str, Inclusion]:
    """Return the proofs of a file of its own, by the names of histories: one, or those of a pack.

    Raises:
        InvalidInputError: it cannot be read.
    """
    try:
        return inclusions_of(json.loads(path.read_bytes()))
    except OSError as exc:
        message = f"cannot read {path}: {why_unread(exc)}"
        raise InvalidInputError(message) from exc
    except (ValueError, RecursionError, InvalidInputError) as exc:
        message = f"{path}: {exc}"
        raise InvalidInputError(message) from exc


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
    if document.keys() == _PACKED and isinstance(document["record"], dict):
        document = {**document["record"], "prev": document["prev"], "hash": document["hash"]}
    elif "damaged" in document:
        return Found(None, why="it cannot be read: the pack says that its bytes are damaged")
    content = {name: value for name, value in document.items() if name not in {"prev", "hash"}}
    prev, hash_ = document.get("prev"), document.get("hash")
    try:
        record = Record(canonical(content), str(prev), str(hash_), content)
        if record.number < 1 or record.at.tzinfo is None:
            return Found(None, why="it cannot be read: it has no number or no time")
    except (KeyError, TypeError, ValueError, RecursionError) as exc:
        return Found(None, why=f"it cannot be read: {exc}")
    return Found(record)

"""Backups as files: compressed by gzip, for their owner alone, there whole or not at all.

A file is written beside its place under another name, and takes the place when it is finished and
on the disk. What is in it is decided in `application/backup_lines.py`.
"""

from __future__ import annotations

import gzip
import os
import tempfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from stage_functions.application.backup_lines import MAX_LINE_BYTES
from stage_functions.domain.error import InvalidInputError, NotAllowedNowError, why_unread

_LEVEL = 6
_OWNER_ALONE = 0o600
_BUFFER_BYTES = 1024 * 1024
_IN_MEMORY_BYTES = 8 * 1024 * 1024
"""Of the rows of one asset that are kept; what is more goes to a temporary file."""


@contextmanager
def new_file(path: Path, *, force: bool) -> Iterator[Callable[[bytes], object]]:
    """Give what takes a backup's bytes; the file is there when the block has ended without a fault.

    Args:
        path: where it is to be.
        force: replace what is there.

    Raises:
        NotAllowedNowError: something is there, and is not to be replaced.
        InvalidInputError: nothing can be written there; the message says why.
    """
    with _unwritable(path):
        demand_free(path, force=force)
        number, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        part = Path(name)
        try:
            with open(number, "wb", buffering=_BUFFER_BYTES) as file:  # noqa: PTH123  # it is open
                os.fchmod(number, _OWNER_ALONE)
                with gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as packed:
                    yield packed.write
                file.flush()
                os.fsync(number)
            _move(part, path, force=force)
        finally:
            with suppress(FileNotFoundError):
                part.unlink()


def demand_free(path: Path, *, force: bool) -> None:
    """Demand that a file may be written.

    Raises:
        NotAllowedNowError: something is there, and is not to be replaced.
    """
    if path.is_dir():
        message = f"{path} is a folder; name a file"
        raise NotAllowedNowError(message)
    if path.exists() and not force:
        message = f"{path} is there already; --force replaces it"
        raise NotAllowedNowError(message)


def is_backup(path: Path) -> bool:
    """Tell whether a file is compressed as backups are.

    Raises:
        InvalidInputError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(2) == b"\x1f\x8b"
    except OSError as exc:
        message = f"cannot read {path}: {why_unread(exc)}"
        raise InvalidInputError(message) from exc


def lines(path: Path) -> Generator[bytes]:
    """Yield the lines of a backup, each with its end.

    Raises:
        InvalidInputError: it cannot be read, or is damaged; the message says behind which line.
    """
    number = 0
    try:
        with gzip.open(path, "rb") as file:
            while line := file.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(line) > MAX_LINE_BYTES:
                    message = f"{path}, line {number}: it is longer than any row"
                    raise InvalidInputError(message)
                yield line
    except EOFError as exc:
        message = f"{path} is cut off behind line {number}"
        raise InvalidInputError(message) from exc
    except gzip.BadGzipFile as exc:
        what = "is damaged behind" if number else "is no backup of Stageward: no gzip at"
        message = f"{path} {what} line {number or 1}"
        raise InvalidInputError(message) from exc
    except zlib.error as exc:
        message = f"{path} is damaged behind line {number}"
        raise InvalidInputError(message) from exc
    except OSError as exc:
        message = f"cannot read {path}: {why_unread(exc)}"
        raise InvalidInputError(message) from exc


def spool() -> IO[bytes]:
    """Return a place for rows, in memory as long as they are few."""
    return tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)


def _move(part: Path, path: Path, *, force: bool) -> None:
    """Let a finished file take its place; never over another one unless told so."""
    if force:
        part.replace(path)
    else:
        try:
            os.link(part, path)
        except FileExistsError:
            demand_free(path, force=False)
            raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _unwritable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        message = f"cannot write {path}: {why_unread(exc)}"
        raise InvalidInputError(message) from exc

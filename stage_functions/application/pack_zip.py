"""A zip that is made while it is sent, the same every time: no clock, no disk, little memory."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

CHUNK_BYTES = 256 * 1024
_FIRST_YEAR, _LAST_YEAR = 1980, 2107
"""That the time of a file in a zip may have."""
_LEVEL = 6
_READ_BY_ALL = 0o100644 << 16
_UNIX = 3

Packed = tuple[str, int, str]
"""Of a file its name, size in bytes, and SHA-256, 64 hex digits."""


class _Pipe(io.RawIOBase):
    """What is written to it is taken from it; it cannot go back."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        """It is only written to."""
        return True

    def write(self, part: object) -> int:
        """Take a part."""
        data = bytes(memoryview(part))  # type: ignore[arg-type]  # whatever zipfile writes
        self._parts.append(data)
        self.size += len(data)
        return len(data)

    def taken(self) -> bytes:
        """Return what was written since it was last taken."""
        parts, self._parts, self.size = b"".join(self._parts), [], 0
        return parts


def zipped(
    files: Mapping[str, bytes | Iterable[bytes]],
    manifest: tuple[str, Callable[[Sequence[Packed]], bytes]],
    at: datetime,
    large: frozenset[str] = frozenset(),
) -> Iterator[bytes]:
    """Yield the bytes of a zip.

    Args:
        files: each by its name, whole or in parts.
        manifest: name of the last file, and what makes it of all the others.
        at: the time that every file gets.
        large: names of files that may have 2 GiB or more.
    """
    pipe = _Pipe()
    packed: list[Packed] = []
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for name in sorted(files):
            body = files[name]
            parts = (body,) if isinstance(body, bytes) else body
            hashed, size = hashlib.sha256(), 0
            with archive.open(_entry(name, at), "w", force_zip64=name in large) as file:
                for part in _gathered(parts):
                    hashed.update(part)
                    size += len(part)
                    file.write(part)
                    if pipe.size >= CHUNK_BYTES:
                        yield pipe.taken()
            packed.append((name, size, hashed.hexdigest()))
        name, made = manifest
        archive.writestr(_entry(name, at), made(packed))
    yield pipe.taken()


def _gathered(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield small parts together: compressing them one by one takes twice as long."""
    held: list[bytes] = []
    size = 0
    for part in parts:
        held.append(part)
        size += len(part)
        if size >= CHUNK_BYTES:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


def _entry(name: str, at: datetime) -> zipfile.ZipInfo:
    utc = at.astimezone(UTC)
    year = min(max(utc.year, _FIRST_YEAR), _LAST_YEAR)
    found = zipfile.ZipInfo(name, (year, utc.month, utc.day, utc.hour, utc.minute, utc.second))
    found.compress_type = zipfile.ZIP_DEFLATED
    found.external_attr = _READ_BY_ALL
    found.create_system = _UNIX
    return found

"""Evidence packs in tests: made as the server makes them, checked as an auditor does, and forged."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from stage_functions.application import pack_files
from stage_functions.application.anchoring import inclusion
from stage_functions.application.context import Context
from stage_functions.application.pack import Pack, Prover, gather_approval, gather_version
from stage_functions.domain.asset import Version
from stage_functions.domain.record import Json, canonical, first_prev, link
from stage_functions.web.exports import parts

Files = dict[str, bytes]
MANIFEST, RECORDS = "manifest.json", "records.jsonl"


class Checked(Struct, frozen=True):
    """What the verifier came to.

    Attributes:
        code: exit code.
        said: what it printed.
    """

    code: int
    said: str


def gathered(context: Context, subject: Version | str, prover: Prover = inclusion) -> Pack:
    """Return the pack of a version, or of an approval by its id."""
    if isinstance(subject, Version):
        return gather_version(context, subject, prover=prover)
    return gather_approval(context, subject, prover=prover)


def pack_of(context: Context, subject: Version | str, prover: Prover = inclusion) -> bytes:
    """Return the zip of a version, or of an approval by its id."""
    return b"".join(parts(context, gathered(context, subject, prover)))


def unzipped(data: bytes) -> Files:
    """Return the files of a zip."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def report_of(data: bytes) -> str:
    """Return the report of a pack."""
    return unzipped(data)[pack_files.REPORT].decode()


def manifest_of(data: bytes) -> Any:  # noqa: ANN401  # as JSON is
    """Return the manifest of a pack."""
    return json.loads(unzipped(data)[MANIFEST])


def written(files: Mapping[str, bytes], folder: Path) -> Path:
    """Write files to a folder."""
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder


def zipped(files: Mapping[str, bytes], path: Path) -> Path:
    """Write files as a zip."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return path


def check(path: Path, *arguments: str, python: str = sys.executable) -> Checked:
    """Run the verifier of this release on a pack, alone: no site, no environment, no paths."""
    verifier = path / pack_files.VERIFIER if path.is_dir() else path.with_suffix(".verify.py")
    if not verifier.exists():
        verifier.write_bytes(pack_files.constant()[pack_files.VERIFIER])
    done = subprocess.run(
        [python, "-I", "-S", str(verifier), str(path), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    return Checked(done.returncode, done.stdout)


def listed_anew(files: Mapping[str, bytes]) -> Files:
    """Return files whose manifest lists them as they are: what a forger does first."""
    manifest = json.loads(files[MANIFEST])
    manifest["files"] = [
        {"name": name, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        for name, body in sorted(files.items())
        if name != MANIFEST
    ]
    return {**files, MANIFEST: json.dumps(manifest).encode()}


def bodies(lines: bytes) -> list[bytes]:
    """Return the hashed bytes of each line of records."""
    return [line[158:-1] for line in lines.splitlines()]


def linked_anew(files: Mapping[str, bytes], changed: list[bytes]) -> Files:
    """Return files with these records in the place of the asset's, all of them linked anew."""
    manifest = json.loads(files[MANIFEST])
    history = manifest["histories"][0]
    prev, lines = first_prev(manifest["ledger"], history["name"]), []
    for body in changed:
        hash_ = link(prev, body)
        lines.append(
            b'{"prev":"%s","hash":"%s","record":%s}\n' % (prev.encode(), hash_.encode(), body)
        )
        prev = hash_
    history |= {"records": len(changed), "hash": prev}
    forged = {**files, RECORDS: b"".join(lines), MANIFEST: json.dumps(manifest).encode()}
    return listed_anew(forged)


def edited(body: bytes, **fields: Json) -> bytes:
    """Return a record's bytes with other fields."""
    return canonical({**json.loads(body), **fields})

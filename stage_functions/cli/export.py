"""Export evidence packs."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from stage_functions.cli.output import Json, connect, fail, print_json, say
from stage_functions.domain.error import InvalidInputError, why_unread
from stage_functions.wire.exports_api import MANIFEST, Manifest

_DEFAULT = "stageward-pack.zip"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(export)


def export(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="APPROVAL|VERSION", help="An approval's id, or registry/kind/name:version."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file to write; named by the server.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Write over a file that is there.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write an evidence pack: one zip with how a version was judged, and what checks it.

    It opens without a network. To check it, Python 3.9 or later is enough.
    """
    if out is not None:
        _demand_free(out, force=force)
    with _beside(out.parent if out is not None else Path()) as temporary:
        with temporary.open("wb") as file, connect() as stageward:
            named = stageward.export(subject, file)
        found = _manifest(temporary)
        path = out if out is not None else Path(named or _DEFAULT)
        _put(temporary, path, force=force)
    if as_json:
        print_json({"file": str(path), **msgspec.to_builtins(found)})
    else:
        _tell(path, found)


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """Give a new file in the folder that the pack is to lie in, and take away what is left of it.

    From there it can be moved to its name at once, which nothing sees by halves.
    """
    try:
        number, name = tempfile.mkstemp(dir=folder, prefix=".stageward-")
    except OSError as exc:
        fail(f"{folder}: {why_unread(exc)}")
    os.close(number)
    try:
        yield Path(name)
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()


def _manifest(path: Path) -> Manifest:
    """Return the manifest of a pack that has come whole.

    Raises:
        InvalidInputError: it is no whole pack.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return msgspec.json.decode(archive.read(MANIFEST), type=Manifest)
    except (zipfile.BadZipFile, KeyError, msgspec.MsgspecError, OSError) as exc:
        message = f"what came is no whole pack, and nothing was written: {exc}"
        raise InvalidInputError(message) from exc


def _put(temporary: Path, path: Path, *, force: bool) -> None:
    """Let the pack appear under its name, whole or not at all; never over another file unasked."""
    temporary.chmod(0o644)
    if force:
        temporary.replace(path)
        return
    try:
        os.link(temporary, path)  # refuses where a file is, whoever made it meanwhile
    except FileExistsError:
        _demand_free(path, force=False)
    except OSError:  # a file system without links
        _demand_free(path, force=False)
        temporary.replace(path)


def _demand_free(path: Path, *, force: bool) -> None:
    if path.is_dir():
        fail(f"{path} is a folder: name a file with --out")
    if path.exists() and not force:
        fail(f"{path} is there already; --force writes over it, --out names another")


def _tell(path: Path, found: Manifest) -> None:
    """Say what is in a pack and how to check it."""
    subject = found.subject
    about = f"approval {subject.approval} of " if subject.approval else ""
    what, files = f"{about}{subject.asset}:{subject.version}", len(found.files) + 1
    say(f"{path}: evidence of {what}, {files} files")
    say(f"  as of {found.made_at}, ledger {found.ledger}")
    for history in found.histories:
        say(f"  {history.name}: {history.records:,} records, the last has the hash {history.hash}")
        if history.fault:
            say(f"    THIS HISTORY DOES NOT HOLD: {history.fault}")
    for one in found.missing:
        say(f"  MISSING: {one.file}: {one.why}")
    if not any(one.name == "proof.json" for one in found.files):
        say("  no anchor covers it: it is hash-linked, and no more than that")
    say("  report.html is for people; unpacked, `python -I verify.py` checks all of it")

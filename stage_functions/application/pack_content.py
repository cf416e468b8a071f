"""The files of an evidence pack, made of what was gathered: the same every time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from stage_functions import __version__
from stage_functions.application.context import Context
from stage_functions.application.pack import History, Pack, approval_file
from stage_functions.application.pack_documents import approval_document, readable
from stage_functions.application.pack_lines import lines
from stage_functions.application.pack_zip import Packed
from stage_functions.domain.record import Json, timestamp

FORMAT = 1
PROOF, MANIFEST = "proof.json", "manifest.json"
_NO_RECORDS = datetime(1980, 1, 1, tzinfo=UTC)


def files(pack: Pack, beside: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of a pack but the histories, by name.

    Args:
        pack: what was gathered.
        beside: further files.
    """
    asset = str(pack.version.asset)
    made = {
        approval_file(one.id): readable(approval_document(asset, one)) for one in pack.approvals
    }
    made |= {one.name: one.body for one in pack.documents if one.body is not None}
    made["people.json"] = readable(dict(pack.names))
    proofs = {one.name: one.inclusion.document() for one in pack.histories if one.inclusion}
    if proofs:
        made[PROOF] = readable(proofs)
    return {**made, **beside}


def written(context: Context, history: History) -> Iterator[bytes]:
    """Yield the lines of a history, read anew: the records up to its head never change."""
    found = lines(context.ledger, history.partition, history.head.number)
    return (line.written() for line in found)


def manifest(pack: Pack, packed: Sequence[Packed]) -> bytes:
    """Return the manifest.

    Args:
        pack: what was gathered.
        packed: of each file its name, size in bytes, and SHA-256, 64 hex digits.
    """
    state = pack.state
    made_at = pack.head.at
    subject: dict[str, Json] = {
        "asset": str(pack.version.asset),
        "version": pack.version.number,
        "stage": state.stage,
        "gone": state.gone,
        "approvals": [one.id for one in pack.approvals],
    }
    document: dict[str, Json] = {
        "format": FORMAT,
        "product": f"Stageward {__version__}",
        "ledger": pack.head.ledger,
        "made_at": timestamp(made_at) if made_at is not None else "",
        "subject": {**subject, **({"approval": pack.approval} if pack.approval else {})},
        "histories": [
            {
                "name": one.name,
                "file": one.file,
                "records": one.head.number,
                "hash": one.head.hash,
                **({"fault": f"record {one.fault.number}: {one.fault.why}"} if one.fault else {}),
            }
            for one in pack.histories
        ],
        "missing": [{"file": one.what, "why": one.why} for one in pack.missing],
        "files": [{"name": name, "size": size, "sha256": hash_} for name, size, hash_ in packed],
    }
    return readable(document)


def when(pack: Pack) -> datetime:
    """Return the time that files of a pack get: that of the last record, whenever it is made."""
    return pack.head.at or _NO_RECORDS

"""Calls that export: evidence packs, as zips that are made while they are sent."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any

from fastapi import Path, Request, Response
from fastapi.responses import StreamingResponse

from stage_functions.application import pack, pack_content, pack_files
from stage_functions.application.context import Context
from stage_functions.application.pack import Pack
from stage_functions.application.pack_zip import zipped
from stage_functions.web.contract import (
    Alias,
    KindName,
    Name,
    Number,
    calls,
    problems,
    the_version,
)
from stage_functions.web.pages.report import report
from stage_functions.web.service import caller, service
from stage_functions.wire.exports_api import MEDIA_TYPE

router = calls("exports")
Wanted = Annotated[str, Path(description="The approval's id.")]
_LARGE_RECORDS = 30_000
"""From so many records on, of 64 KiB at the most each, a file may have 2 GiB."""
_ZIP: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the pack, a zip",
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        "headers": {
            "Content-Disposition": {
                "description": "with the name of the file",
                "schema": {"type": "string"},
            }
        },
    },
    **problems(401, 403, 404, 422, 503),
}


class Zip(StreamingResponse):
    """A zip that is sent while it is made."""

    media_type = MEDIA_TYPE


@router.get("/approvals/{approval}/export", response_class=Zip, responses=_ZIP)
def export_approval(request: Request, approval: Wanted) -> Response:
    """Export the evidence pack of an approval: that of its version, told from this approval."""
    caller(request)
    context = service(request).context
    return packed(context, pack.gather_approval(context, approval.lower()))


@router.get(
    "/assets/{registry}/{kind}/{name}/versions/{version}/export",
    response_class=Zip,
    responses=_ZIP,
)
def export_version(
    request: Request, registry: Alias, kind: KindName, name: Name, version: Number
) -> Response:
    """Export the evidence pack of a version: how it was judged, with the proof of its history."""
    caller(request)
    context = service(request).context
    wanted = the_version(registry, kind, name, version)
    return packed(context, pack.gather_version(context, wanted))


def packed(context: Context, found: Pack) -> Response:
    """Return a pack as a response."""
    headers = {
        "Content-Disposition": f'attachment; filename="{found.file_name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Zip(parts(context, found), headers=headers)


def parts(context: Context, found: Pack) -> Iterator[bytes]:
    """Yield the bytes of a pack, for whoever has gathered it.

    Raises:
        StoreUnavailableError: the ledger can no longer be read; what was sent is no whole zip.
    """
    beside = {**pack_files.constant(), pack_files.REPORT: report(context, found)}
    whole = pack_content.files(found, beside)
    streamed = {one.file: pack_content.written(context, one) for one in found.histories}
    large = {one.file for one in found.histories if one.head.number >= _LARGE_RECORDS}
    manifest = partial(pack_content.manifest, found)
    at = pack_content.when(found)
    return zipped({**whole, **streamed}, (pack_content.MANIFEST, manifest), at, frozenset(large))

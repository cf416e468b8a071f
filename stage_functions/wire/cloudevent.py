"""A record as the CloudEvent that announces it.

The event carries the record whole, with its links, so that whoever reads it can verify it. Whether
a record is published at all, and to whom, is not decided here.
"""

from __future__ import annotations

from urllib.parse import quote

from stage_functions.domain.asset import Asset
from stage_functions.domain.record import RESTORED, Record

_LIFECYCLE = "lifecycle:"
_LEDGER = "ledger"


def cloud_event(record: Record, traceparent: str = "") -> dict[str, object]:
    """Return a record's CloudEvent, ready to be written as JSON.

    `source` and `id` together are unique, and the same each time the record is published. What is
    decided after a restore takes the numbers of what was lost with the ledger before: behind its
    number stands, after a dot, how often the ledger was restored. Names
    are percent-encoded once in `id`, `source` and `subject`; in `data` they stand as they are. A
    record of a lifecycle has the source `/stageward/lifecycles` and the subject
    `lifecycles/<name>`; one of the ledger itself has `/stageward/ledger` and `ledger`.

    Args:
        record: as it is kept.
        traceparent: of the step that made it true, if it is known: the extension of CloudEvents for
            distributed tracing. It is no part of the record, nor of what a hash is over.

    Raises:
        InvalidInputError: the record is of no asset, no lifecycle and not of the ledger.
    """
    content = record.content
    source, path = _place(str(content["asset"]))
    return {
        "specversion": "1.0",
        "id": f"{content['ledger']}/{path}/{record.number}{_again(record)}",
        "source": f"/stageward/{source}",
        "type": f"Stageward.{record.type}",
        "subject": f"{path}:{_encoded(record.version)}" if record.version else path,
        "time": content["at"],
        "datacontenttype": "application/json",
        "dataschema": f"urn:stageward:{record.type}:{content['schema']}",
        **({"traceparent": traceparent} if traceparent else {}),
        "data": record.document(),
    }


def _again(record: Record) -> str:
    times = record.content.get(RESTORED)
    return f".{times}" if times else ""


def _place(asset: str) -> tuple[str, str]:
    """Return where a history belongs, and its path there."""
    if asset.startswith(_LIFECYCLE):
        return "lifecycles", f"lifecycles/{_encoded(asset.removeprefix(_LIFECYCLE))}"
    if asset == _LEDGER:
        return _LEDGER, _LEDGER
    read = Asset.parse(asset)
    return f"registries/{_encoded(read.registry)}", f"{read.kind}/{_encoded(read.name)}"


def _encoded(text: str) -> str:
    return quote(text, safe="")

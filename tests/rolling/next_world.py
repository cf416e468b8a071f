"""What people do in a world that two releases work on, and what is in it then."""

from __future__ import annotations

from typing import Any

from stage_functions.application import keys
from stage_functions.application.ports.rows import (
    LEDGER,
    Row,
)
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Version
from stage_functions.domain.record import Record
from tests.builders import IRIS, World
from tests.fakes.sink import MemorySink

PARTITION = keys.asset_partition(IRIS)
LATER = "update this instance"


def ask(it: World, version: Version, target: str) -> str:
    """Ask for a transition; return the approval's id."""
    return request_transition(it.context, it.command(version, target)).approval


def pending(it: World) -> tuple[Version, str]:
    """Return a version that waits for Production, and its approval."""
    version = it.register("1")
    ask(it, version, "Staging")
    return version, ask(it, version, "Production")


def found(it: World, key: str, partition: str = PARTITION) -> Row:
    """Return a row of the ledger."""
    row = it.rows.get(LEDGER, partition, key)
    assert row is not None
    return row


def published(sink: MemorySink) -> list[Record]:
    """Return the records of the asset that were published."""
    return [record for record in sink.taken if record.content["asset"] == str(IRIS)]


def snapshot(it: World) -> dict[tuple[str, str], Row]:
    """Return every row of the asset."""
    rows = it.rows.query(LEDGER, PARTITION, limit=10_000)
    return {(row.key, row.etag): row for row in rows}


CONDITIONS: dict[str, Any] = {
    "a condition in the policy": lambda one: one["policy"].update(four_eyes=True),
    "a word in the policy": lambda one: one["policy"].update(assurance="hardware_key"),
    "something that it is bound to": lambda one: one["binding"].update(container="sha256:1"),
    "a status": lambda one: one.update(status="on_hold"),
    "a kind of vote": lambda one: one["votes"][0].update(decision="abstain"),
    "more of a vote": lambda one: one["votes"][0].update(delegated="person:zoe"),
}

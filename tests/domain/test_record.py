"""A history proves itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from stage_functions.domain.chain import verify
from stage_functions.domain.history import as_of
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.record import (
    Draft,
    Json,
    Record,
    RecordType,
    Tail,
    canonical,
    empty_tail,
    link,
    seal,
)

LEDGER, ASSET = "k7m2p9qd", "demo/models/iris"
SAM = Actor("person:sam", Attribution.PROVEN, "api")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
VECTOR = Path(__file__).parent.parent / "reference" / "stage-changed.json"


def history(count: int = 5) -> tuple[Record, ...]:
    """Return a sound history of commits made at one moment, of one record each."""
    records: list[Record] = []
    tail = empty_tail(LEDGER, ASSET)
    for number in range(count):
        fields: dict[str, Json] = {"to": f"S{number}", "why": "allowed"}
        draft = Draft(RecordType.STAGE_CHANGED, "1", "i", SAM, fields)
        (record,) = seal(tail, [draft], commit=number + 1, now=NOW, operation="op")
        records.append(record)
        tail = Tail(LEDGER, ASSET, record.number, record.hash, record.at)
    return tuple(records)


def test_the_published_record_has_its_published_hash() -> None:
    """The test vector hashes to what it says."""
    data = json.loads(VECTOR.read_text(encoding="utf-8"))["data"]
    prev, expected = data.pop("prev"), data.pop("hash")

    assert link(prev, canonical(data)) == expected


def test_a_sound_history_verifies_up_to_its_head() -> None:
    """Nothing is wrong with what was sealed."""
    records = history()
    head = Tail(LEDGER, ASSET, 5, records[-1].hash)

    assert verify(LEDGER, ASSET, records, head=head) is None


def test_time_never_runs_backwards() -> None:
    """Records sealed at one moment are a microsecond apart."""
    moments = [record.at for record in history()]

    assert moments == sorted(set(moments))


def altered(records: tuple[Record, ...]) -> list[Record]:
    """Rewrite the content of one record."""
    content = {**records[2].content, "to": "Production"}
    forged = replace(records[2], content=content, body=canonical(content))
    return [*records[:2], forged, *records[3:]]


def read_otherwise(records: tuple[Record, ...]) -> list[Record]:
    """Leave the bytes, but let one record be read as another."""
    forged = replace(records[2], content={**records[2].content, "to": "Production"})
    return [*records[:2], forged, *records[3:]]


@pytest.mark.parametrize(
    ("forge", "number"),
    [
        (altered, 3),
        (read_otherwise, 3),
        (lambda r: [*r[:2], *r[3:]], 3),
        (lambda r: [r[0], r[2], r[1], *r[3:]], 2),
        (lambda r: [r[0], r[0], *r[1:]], 2),
        (lambda r: list(r[:4]), 5),
    ],
    ids=["altered", "read otherwise", "dropped", "reordered", "repeated", "tail cut"],
)
def test_the_first_bad_record_is_named(
    forge: Callable[[tuple[Record, ...]], list[Record]], number: int
) -> None:
    """Whatever is done to a history, verification says where."""
    records = history()
    fault = verify(LEDGER, ASSET, forge(records), head=Tail(LEDGER, ASSET, 5, records[-1].hash))

    assert fault is not None
    assert fault.number == number


def test_a_history_cannot_be_moved_to_another_asset_or_ledger() -> None:
    """The first link binds a history to its place."""
    assert verify(LEDGER, "demo/models/other", history()) is not None
    assert verify("another0", ASSET, history()) is not None


def test_as_of_replays_the_prefix() -> None:
    """Where a version stood is what the last record up to then says."""
    records = history()

    assert as_of(records, records[2].at)["1"].stage == "S2"

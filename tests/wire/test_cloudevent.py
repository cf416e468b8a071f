"""Records as CloudEvents."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.domain.chain import verify
from stage_functions.domain.error import InvalidInputError
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.record import (
    Draft,
    Json,
    Record,
    RecordType,
    canonical,
    empty_tail,
    link,
    seal,
)
from stage_functions.wire.cloudevent import cloud_event

REFERENCE = Path(__file__).parents[1] / "reference" / "stage-changed.json"
ACTOR = Actor("person:officer-1", Attribution.PROVEN, "api")
NOW = datetime(2026, 11, 23, 22, 31, 9, 104233, UTC)
URI_REFERENCE = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-F]{2})+\Z")
names = st.text(
    st.characters(exclude_characters="/:", exclude_categories=("Cs", "Cc")),
    min_size=1,
    max_size=255,
)


def record(asset: str, type_: RecordType = RecordType.REGISTERED, version: str = "3") -> Record:
    """Return the first record of a history."""
    draft = Draft(type_, version, "1/x", ACTOR)
    (sealed,) = seal(empty_tail("k7m2p9qd", asset), [draft], commit=1, now=NOW, operation="01K")
    return sealed


def read(document: dict[str, Json]) -> Record:
    """Return the record that a document holds."""
    content = {key: value for key, value in document.items() if key not in ("prev", "hash")}
    body = canonical(content)
    return Record(body, str(document["prev"]), str(document["hash"]), content)


def test_what_is_decided_after_a_restore_has_an_id_of_its_own() -> None:
    """It takes the number of what was lost, and consumers must not take it for that."""
    before = empty_tail("k7m2p9qd", "demo/models/iris")
    draft = Draft(RecordType.REGISTERED, "3", "1/x", ACTOR)
    again = replace(before, restored=2)
    (first,) = seal(before, [draft], commit=1, now=NOW, operation="01K")
    (second,) = seal(again, [draft], commit=1, now=NOW, operation="01K")

    assert cloud_event(first)["id"] == "k7m2p9qd/models/iris/1"
    assert cloud_event(second)["id"] == "k7m2p9qd/models/iris/1.2"
    assert second.content["restored"] == 2
    assert verify("k7m2p9qd", "demo/models/iris", [second]) is None


def test_the_reference_comes_out_exactly() -> None:
    """The reference event is what its record gives, to the order of the keys, and verifies."""
    reference = json.loads(REFERENCE.read_text("utf-8"))
    stored = read(reference["data"])

    event = cloud_event(stored)

    assert json.dumps(reference) == json.dumps(event)
    assert stored.hash == link(stored.prev, stored.body)


def test_a_receiver_can_verify_what_it_gets() -> None:
    """The data, sent as JSON and read again, still gives the record's hash."""
    sent = json.loads(json.dumps(cloud_event(record("demo/models/iris"))))

    again = read(sent["data"])

    assert again.hash == link(again.prev, again.body)


def test_the_trace_is_an_extension_and_changes_nothing_else() -> None:
    """Neither id nor data, so that it is the same event; without one there is no such field."""
    stored = record("demo/models/iris")
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    event = cloud_event(stored, trace)

    assert {**cloud_event(stored), "traceparent": trace} == event
    assert "traceparent" not in cloud_event(stored)


@pytest.mark.parametrize("type_", RecordType)
def test_every_type_has_its_own_name_and_schema(type_: RecordType) -> None:
    """Type and schema name what the record is about."""
    event = cloud_event(record("demo/models/iris", type_))

    assert f"Stageward.{type_}" == event["type"]
    assert f"urn:stageward:{type_}:1" == event["dataschema"]


def test_a_record_without_a_version_is_about_the_asset() -> None:
    """The subject ends with the name."""
    assert "models/iris" == cloud_event(record("demo/models/iris", version=""))["subject"]


def test_a_record_of_a_lifecycle_has_the_lifecycle_as_its_subject() -> None:
    """It belongs to no registry."""
    event = cloud_event(record("lifecycle:my own", RecordType.LIFECYCLE_ADOPTED, ""))

    assert "k7m2p9qd/lifecycles/my%20own/1" == event["id"]
    assert "/stageward/lifecycles" == event["source"]
    assert "lifecycles/my%20own" == event["subject"]


@pytest.mark.parametrize("asset", ["demo", "demo/jobs/x", "registry:demo", ""])
def test_what_is_neither_an_asset_nor_a_lifecycle_is_refused(asset: str) -> None:
    """No event is made up for it."""
    with pytest.raises(InvalidInputError):
        cloud_event(record(asset))


@given(names, names)
def test_names_are_percent_encoded_once(name: str, version: str) -> None:
    """Id, source and subject are valid URI references and give the names back when decoded."""
    assume(name not in (".", "..") and version not in (".", ".."))
    stored = record(f"demo/models/{name}", version=version)

    event = cloud_event(stored)

    assert f"k7m2p9qd/models/{name}/1" == unquote(str(event["id"]))
    assert f"models/{name}:{version}" == unquote(str(event["subject"]))
    assert all(URI_REFERENCE.match(str(event[name])) for name in ("id", "source", "subject"))
    assert stored.document() == event["data"]

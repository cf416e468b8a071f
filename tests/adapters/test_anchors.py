"""Places for anchors: a folder, a blob container on Azurite, a receiver of events, by one suite."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from azure.core.credentials import TokenCredential
from azure.storage.blob import ContainerClient, ContainerSasPermissions, generate_container_sas
from msgspec.structs import replace

from stage_functions.adapters.anchors import FolderAnchors, open_place, read_anchors
from stage_functions.adapters.anchors_blob import BlobAnchors
from stage_functions.adapters.anchors_webhook import WebhookAnchors
from stage_functions.application.ports.anchors import AnchorPlace
from stage_functions.domain.anchor import Anchor
from stage_functions.domain.error import (
    ConfigurationError,
    InvalidInputError,
    SinkRefusedError,
    SinkUnavailableError,
)
from stage_functions.wire.anchors import body_of, name_of
from tests.azurite import ACCOUNT, PUBLIC_KEY, blobs_connection_string, endpoint, free_port
from tests.fakes.anchors import MemoryAnchors
from tests.receiver import Receiver

NUMBERS = count()
FIRST = Anchor("k7m2p9qd", datetime(2026, 1, 1, tzinfo=UTC), 3, "a" * 64)
SECOND = replace(FIRST, at=FIRST.at + timedelta(hours=1), before=FIRST.digest)


def nobody() -> TokenCredential:
    """Return a credential that must not be asked for."""
    message = "no identity is needed"
    raise AssertionError(message)


@dataclass(frozen=True, slots=True)
class Place:
    """A place that keeps anchors, and somebody's way to change what is there."""

    place: AnchorPlace
    put: Callable[[str, bytes], object]


@pytest.fixture
def container(azurite_blobs: int) -> Iterator[ContainerClient]:
    """A container of the test's own, as its owner sees it."""
    name = f"anchors-{next(NUMBERS)}"
    with ContainerClient.from_connection_string(
        blobs_connection_string(azurite_blobs), name
    ) as client:
        client.create_container()
        yield client


def signed(azurite_blobs: int, container: ContainerClient) -> str:
    """Return the address of a container whose signature may create and read, and nothing else."""
    rights = ContainerSasPermissions(read=True, list=True, create=True)
    signature = generate_container_sas(
        ACCOUNT,
        container.container_name,
        PUBLIC_KEY,
        permission=rights,
        expiry=datetime.now(UTC) + timedelta(hours=1),  # noqa: TID251  # Azurite has no other clock
    )
    return f"{endpoint(azurite_blobs)}/{container.container_name}?{signature}"


@pytest.fixture(params=["folder", "key", "signature"])
def keeping(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Each kind of place that keeps what it gets."""
    if request.param == "folder":
        folder = tmp_path / "anchors"

        def written(name: str, body: bytes) -> None:
            (folder / name).write_bytes(body)

        yield Place(open_place(str(folder), nobody), written)
        return
    azurite_blobs: int = request.getfixturevalue("azurite_blobs")
    container: ContainerClient = request.getfixturevalue("container")
    address = signed(azurite_blobs, container)
    if request.param == "key":
        address = f"{blobs_connection_string(azurite_blobs)};Container={container.container_name}"
    place = open_place(address, nobody)
    yield Place(place, lambda name, body: container.upload_blob(name, body, overwrite=True))
    place.close()


def test_anchors_are_kept_each_by_itself_oldest_first(keeping: Place) -> None:
    """Whatever the order in which they came."""
    keeping.place.publish(SECOND)
    keeping.place.publish(FIRST)

    assert [FIRST, SECOND] == list(keeping.place.kept())


def test_the_same_anchor_may_be_published_again(keeping: Place) -> None:
    """A crash may have forgotten that it was."""
    keeping.place.publish(FIRST)
    keeping.place.publish(FIRST)

    assert [FIRST] == list(keeping.place.kept())


def test_an_anchor_that_was_changed_is_not_written_over(keeping: Place) -> None:
    """It is told: somebody has changed what must not be changed."""
    keeping.place.publish(FIRST)
    keeping.put(name_of(FIRST), body_of(SECOND))

    with pytest.raises(SinkRefusedError, match="is there, and is another anchor"):
        keeping.place.publish(FIRST)
    assert [SECOND] == list(keeping.place.kept())


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"\xff", b'{"at": 1}', body_of(FIRST).replace(b"Z", b"")]
)
def test_what_is_kept_and_is_no_anchor_is_named(keeping: Place, body: bytes) -> None:
    """By its name; it is not passed over."""
    keeping.place.publish(FIRST)
    keeping.put(name_of(FIRST), body)

    with pytest.raises(InvalidInputError, match="k7m2p9qd/2026-01-01T00-00-00"):
        list(keeping.place.kept())


def test_a_place_is_named_by_its_address_without_a_secret(keeping: Place) -> None:
    """The name is stable, and part of rows; the address is for people."""
    assert keeping.place.name.startswith(("folder-", "container-"))
    assert "sig" not in keeping.place.where
    assert PUBLIC_KEY not in keeping.place.where


def test_a_receiver_gets_an_event_of_each_anchor() -> None:
    """The same one each time, so that it can tell."""
    with Receiver() as receiver:
        place = WebhookAnchors(f"{receiver.url}?code=telltale")
        place.publish(FIRST)
        place.publish(FIRST)
        events = [json.loads(one.body) for one in receiver.requests]
        place.close()

    assert events[0] == events[1]
    assert "Stageward.Anchored" == events[0]["type"]
    assert f"k7m2p9qd/anchors/{FIRST.digest}" == events[0]["id"]
    assert FIRST.document() == events[0]["data"]
    assert [] == list(place.kept())
    assert "telltale" not in place.where


def test_a_receiver_that_is_away_or_refuses_is_told_apart() -> None:
    """One is tried again, the other for an operator to mend."""
    with Receiver(503, 404) as receiver:
        place = WebhookAnchors(receiver.url)
        with pytest.raises(SinkUnavailableError):
            place.publish(FIRST)
        with pytest.raises(SinkRefusedError):
            place.publish(FIRST)
        place.close()


def test_events_that_were_collected_are_read_from_a_file(tmp_path: Path) -> None:
    """One a line; plain anchors too."""
    with Receiver() as receiver:
        place = WebhookAnchors(receiver.url)
        place.publish(FIRST)
        (event,) = receiver.requests
        place.close()
    file = tmp_path / "collected.jsonl"
    file.write_bytes(event.body + b"\n\n" + body_of(SECOND) + b"\n")

    assert [FIRST, SECOND] == list(read_anchors(file))
    file.write_bytes(body_of(FIRST) + b"\nnothing\n")
    with pytest.raises(InvalidInputError, match=r"collected\.jsonl, line 2"):
        list(read_anchors(file))


def test_a_file_that_was_left_half_written_is_no_anchor_and_in_nobodys_way(
    tmp_path: Path,
) -> None:
    """A crash leaves it beside, under another name."""
    place = FolderAnchors(tmp_path)
    (tmp_path / "k7m2p9qd").mkdir()
    (tmp_path / "k7m2p9qd" / ".abc.part").write_bytes(b"{")
    place.publish(FIRST)

    assert [FIRST] == list(place.kept())
    names = sorted(one.name for one in (tmp_path / "k7m2p9qd").iterdir())
    assert [".abc.part", name_of(FIRST).partition("/")[2]] == names


def test_a_folder_that_cannot_be_written_may_be_mended(tmp_path: Path) -> None:
    """It is tried again; one that is not there cannot be read."""
    (tmp_path / "taken").write_text("", encoding="utf-8")

    with pytest.raises(SinkUnavailableError, match="taken"):
        FolderAnchors(tmp_path / "taken").publish(FIRST)
    with pytest.raises(SinkUnavailableError, match="is no folder"):
        list(FolderAnchors(tmp_path / "missing").kept())


def test_a_container_that_is_not_there_or_away_is_tried_again(azurite_blobs: int) -> None:
    """An operator may make it; no secret is repeated."""
    missing = f"{blobs_connection_string(azurite_blobs)};Container=no-such-container"
    away = f"http://127.0.0.1:{free_port()}/{ACCOUNT}/c?sr=c&sig=telltale"
    for address in (missing, away):
        place = BlobAnchors(address, nobody)
        with pytest.raises(SinkUnavailableError) as published:
            place.publish(FIRST)
        with pytest.raises(SinkUnavailableError):
            list(place.kept())
        assert "telltale" not in str(published.value)
        place.close()


def test_a_signature_that_may_not_create_is_told(
    azurite_blobs: int, container: ContainerClient
) -> None:
    """With what the container answered."""
    address = signed(azurite_blobs, container).replace("sp=rcl", "sp=rl")
    place = BlobAnchors(address, nobody)

    with pytest.raises(SinkUnavailableError, match="answered 403"):
        place.publish(FIRST)
    place.close()


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("/var/anchors", FolderAnchors),
        ("anchors", FolderAnchors),
        ("file:///var/my%20anchors", FolderAnchors),
        ("https://hooks.example.com/anchors", WebhookAnchors),
        ("https://account.blob.core.windows.net/anchors", BlobAnchors),
        ("https://account.blob.core.usgovcloudapi.net/anchors", BlobAnchors),
        ("http://127.0.0.1:10000/devstoreaccount1/anchors?sr=c&sig=x", BlobAnchors),
        ("AccountName=a;AccountKey=b;Container=anchors", BlobAnchors),
    ],
)
def test_the_address_says_which_kind_of_place_it_is(address: str, kind: type) -> None:
    """Nothing else is to be set."""
    place = open_place(address, nobody)

    assert type(place) is kind
    place.close()


@pytest.mark.parametrize(
    "address", ["https://account.blob.core.windows.net", "https://", "http://[", "a=b;Container="]
)
def test_an_address_that_cannot_be_a_place_is_refused(address: str) -> None:
    """At the start, and without a secret of it."""
    with pytest.raises(ConfigurationError):
        open_place(address, nobody)


def test_the_place_in_memory_is_as_the_others() -> None:
    """So that tests with it say something."""
    place: AnchorPlace = MemoryAnchors()
    place.publish(SECOND)
    place.publish(FIRST)
    place.publish(FIRST)

    assert [FIRST, SECOND] == list(place.kept())
    with pytest.raises(SinkRefusedError):
        place.publish(replace(FIRST, root="b" * 64))
    place.close()


def test_the_sdk_is_not_loaded_before_an_anchor_is_due() -> None:
    """An event must not wait for its import."""
    code = (
        "import sys; from stage_functions.adapters.anchors import open_place;"
        "open_place('https://a.blob.core.windows.net/c', None); print('azure.storage' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "False" == done.stdout.strip()

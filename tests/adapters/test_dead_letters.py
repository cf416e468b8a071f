"""Dead letters: the container of Azure Storage, on Azurite, and the one in memory, by one suite."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from azure.core.credentials import AccessToken, TokenCredential
from azure.storage.blob import ContainerClient, ContainerSasPermissions, generate_container_sas
from msgspec.structs import replace

from stage_functions.adapters.containers import checked
from stage_functions.adapters.dead_letters import BlobDeadLetters
from stage_functions.application.ports.dead_letters import MOST_BYTES, DeadLetter, DeadLetters
from stage_functions.domain.error import (
    ConfigurationError,
    InvalidInputError,
    NotAllowedNowError,
    NotFoundError,
    RetryableError,
)
from tests.azurite import (
    ACCOUNT,
    PUBLIC_KEY,
    blobs_connection_string,
    endpoint,
    free_port,
)
from tests.fakes.dead_letters import MemoryDeadLetters

NUMBERS = count()
NAME = "Topic/SUBSCRIPTION/2026/01/02/03/{}.json"


class Stranger:
    """Somebody who signs in with a token that nobody has issued."""

    def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        """Return it."""
        return AccessToken("nobody", 2**31)


def nobody() -> TokenCredential:
    """Return a credential that must not be asked for."""
    message = "no identity is needed"
    raise AssertionError(message)


@dataclass(frozen=True, slots=True)
class Container:
    """Where dead letters are kept, and Event Grid's way to write there."""

    letters: DeadLetters
    put: Callable[[str, bytes], object]


@pytest.fixture
def made(azurite_blobs: int) -> Iterator[ContainerClient]:
    """A container of the test's own, as its owner sees it."""
    name = f"dead-letters-{next(NUMBERS)}"
    with ContainerClient.from_connection_string(
        blobs_connection_string(azurite_blobs), name
    ) as client:
        client.create_container()
        yield client


def address(azurite_blobs: int, made: ContainerClient, way: str) -> str:
    """Return how the setting names a container."""
    if way == "key":
        return f"{blobs_connection_string(azurite_blobs)};Container={made.container_name}"
    rights = ContainerSasPermissions(read=True, list=True, delete=True)
    signature = generate_container_sas(
        ACCOUNT,
        made.container_name,
        PUBLIC_KEY,
        permission=rights,
        expiry=datetime.now(UTC) + timedelta(hours=1),  # noqa: TID251  # Azurite has no other clock
    )
    return f"{endpoint(azurite_blobs)}/{made.container_name}?{signature}"


@pytest.fixture(params=["memory", "key", "signature"])
def container(request: pytest.FixtureRequest) -> Iterator[Container]:
    """Each kind of it."""
    if request.param == "memory":
        kept = MemoryDeadLetters()
        yield Container(
            kept, lambda name, body: kept.put(name, body, datetime(2026, 1, 1, tzinfo=UTC))
        )
        return
    made: ContainerClient = request.getfixturevalue("made")
    where = address(request.getfixturevalue("azurite_blobs"), made, request.param)
    letters = BlobDeadLetters(checked(where), nobody)
    yield Container(letters, lambda name, body: made.upload_blob(name, body, overwrite=True))
    letters.close()


def test_what_was_written_is_listed_read_and_deleted(container: Container) -> None:
    """Each under its name, with its size and moment."""
    container.put(NAME.format(1), b"[1]")
    container.put(NAME.format(2), b"[1, 2]")
    listed = {one.name: one for one in container.letters.listed()}
    first = listed[NAME.format(1)]
    body = container.letters.read(first)
    container.letters.delete(first)

    assert {NAME.format(1): 3, NAME.format(2): 6} == {n: one.size for n, one in listed.items()}
    assert first.written.tzinfo is not None
    assert b"[1]" == body
    assert [NAME.format(2)] == [one.name for one in container.letters.listed()]


def test_no_more_are_listed_than_were_asked_for(container: Container) -> None:
    """However many there are."""
    for number in range(5):
        container.put(NAME.format(number), b"[]")

    assert 3 == len(container.letters.listed(3))


def test_one_that_was_deleted_meanwhile_is_gone_and_can_be_deleted_again(
    container: Container,
) -> None:
    """Somebody else was first: that is no fault."""
    container.put(NAME.format(1), b"[]")
    (letter,) = container.letters.listed()
    deleted = container.letters.delete(letter), container.letters.delete(letter)

    assert (True, False) == deleted
    with pytest.raises(NotFoundError):
        container.letters.read(letter)


def test_one_that_was_written_again_is_neither_read_nor_deleted(container: Container) -> None:
    """What was followed is not what is there."""
    container.put(NAME.format(1), b"[]")
    (letter,) = container.letters.listed()
    container.put(NAME.format(1), b"[2]")

    with pytest.raises(NotFoundError):
        container.letters.read(letter)
    assert not container.letters.delete(letter)
    assert 1 == len(container.letters.listed())


def test_one_that_is_too_large_to_be_an_event_is_not_read(container: Container) -> None:
    """It says how large it is."""
    container.put(NAME.format(1), b"[]")
    (letter,) = container.letters.listed()

    with pytest.raises(InvalidInputError, match=str(MOST_BYTES + 1)):
        container.letters.read(replace(letter, size=MOST_BYTES + 1))


def test_a_container_that_is_not_there_is_named_by_its_setting(azurite_blobs: int) -> None:
    """It is for an operator to mend."""
    where = f"{blobs_connection_string(azurite_blobs)};Container=no-such-container"
    letters = BlobDeadLetters(checked(where), nobody)

    with pytest.raises(NotAllowedNowError, match="STAGEWARD_DEAD_LETTERS names is not there"):
        letters.listed()
    letters.close()


def test_who_may_not_look_is_told_which_role_is_missing(
    azurite_blobs: int, made: ContainerClient
) -> None:
    """And no secret of the address is repeated."""
    where = f"{endpoint(azurite_blobs)}/{made.container_name}?se=2040-01-01&sp=r&sv=2020-02-10&sr=c&sig=telltale"
    letters = BlobDeadLetters(checked(where), nobody)

    with pytest.raises(NotAllowedNowError, match="Storage Blob Data Contributor") as caught:
        letters.listed()
    letters.close()
    assert "telltale" not in str(caught.value)


def test_a_store_that_does_not_answer_may_answer_later() -> None:
    """Nothing is lost."""
    where = f"http://127.0.0.1:{free_port()}/{ACCOUNT}/dead?sig=telltale"
    letters = BlobDeadLetters(checked(where), nobody)
    letter = DeadLetter("a", datetime(2026, 1, 1, tzinfo=UTC), '"1"', 2)

    for ask in (letters.listed, lambda: letters.read(letter), lambda: letters.delete(letter)):
        with pytest.raises(RetryableError) as caught:
            ask()
        assert "telltale" not in str(caught.value)
    letters.close()


def test_an_identity_signs_in_where_the_url_has_no_signature() -> None:
    """A bearer goes to https alone: so the SDK refuses to send it here, and nothing is leaked."""
    letters = BlobDeadLetters(checked(f"http://127.0.0.1:{free_port()}/{ACCOUNT}/dead"), Stranger)

    with pytest.raises(RetryableError):
        letters.listed()
    letters.close()


@pytest.mark.parametrize(
    "wrong",
    [
        "nonsense",
        "https://account.blob.core.windows.net",
        "ftp://account/container",
        "AccountName=a;AccountKey=telltale",
        "AccountName=a;AccountKey=telltale;Container=one;Container=two",
        "http://[",
    ],
)
def test_what_names_no_container_is_refused_with_what_does(wrong: str) -> None:
    """Without a secret of it."""
    with pytest.raises(ConfigurationError, match=r"https://<account>\.blob") as caught:
        checked(wrong)
    assert "telltale" not in str(caught.value)


def test_the_sdk_is_not_loaded_before_it_is_asked() -> None:
    """An event must not wait for its import."""
    code = (
        "import sys; from stage_functions.adapters.dead_letters import BlobDeadLetters as Letters;"
        "Letters('https://a.blob.core.windows.net/c', None); print('azure.storage' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "False" == done.stdout.strip()

"""The client downloads packs: whole, asked for again where they break off, and never by halves."""

from __future__ import annotations

import io
from collections.abc import Iterator

import httpx
import pytest

from stage_functions.client import Client, UnreachableError
from stage_functions.client.connection import ATTEMPTS
from stage_functions.domain.error import InvalidInputError, NotFoundError
from tests.api_server import api_over
from tests.builders import world
from tests.packs import unzipped

ZIP = {"Content-Type": "application/zip", "Content-Disposition": 'attachment; filename="a.zip"'}


class BreakingOff(httpx.SyncByteStream):
    """An answer that ends before it is whole."""

    def __iter__(self) -> Iterator[bytes]:
        """Give a part, and no more."""
        yield b"the first part"
        message = "peer closed connection without sending complete message body"
        raise httpx.RemoteProtocolError(message)


def client_of(*answers: httpx.Response) -> tuple[Client, list[str]]:
    """Return a client that gets these answers, the last of them for ever; and what it asked for."""
    left, calls = list(answers), list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.raw_path.decode())
        return left.pop(0) if len(left) > 1 else left[0]

    return Client("http://h", transport=httpx.MockTransport(answer), sleep=lambda _: None), calls


def test_a_pack_comes_from_a_running_stageward() -> None:
    """With its name."""
    it, into = world(), io.BytesIO()
    version = it.register("1")
    with api_over(it) as api, Client(api.address, "bob") as stageward:
        named = stageward.export(str(version), into)
    it.rows.close()

    assert "stageward-demo-iris-1.zip" == named
    assert "records.jsonl" in unzipped(into.getvalue())


def test_an_answer_that_breaks_off_is_asked_for_again() -> None:
    """What had come of it is taken back first; so is one that was not to be had yet."""
    broken = httpx.Response(200, headers=ZIP, stream=BreakingOff())
    away = httpx.Response(503, headers={"Retry-After": "1"})
    whole = httpx.Response(200, headers=ZIP, content=b"whole")
    (client, calls), into = client_of(away, broken, whole), io.BytesIO()

    assert "a.zip" == client.export("0000000a", into)
    assert b"whole" == into.getvalue()
    assert ["/api/v1/approvals/0000000a/export"] * 3 == calls


def test_an_answer_that_always_breaks_off_leaves_nothing() -> None:
    """And is told."""
    client, calls = client_of(
        *(httpx.Response(200, headers=ZIP, stream=BreakingOff()) for _ in range(ATTEMPTS))
    )
    into = io.BytesIO()

    with pytest.raises(UnreachableError, match="without sending complete"):
        client.export("0000000a", into)
    assert b"" == into.getvalue()
    assert ATTEMPTS == len(calls)


@pytest.mark.parametrize("name", ["../../x.zip", ".ssh", "", "C:\\x.zip"])
def test_no_name_that_leads_elsewhere_is_taken_from_the_other_end(name: str) -> None:
    """It becomes the name of a file here."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    client, _ = client_of(httpx.Response(200, headers=headers, content=b"x"))

    assert "" == client.export("0000000a", io.BytesIO())


def test_what_is_not_there_is_an_error() -> None:
    """A problem of the server's, in its words; what names nothing is not asked for."""
    problem = {
        "type": "urn:stageward:problem:not-found",
        "title": "x",
        "status": 404,
        "detail": "no",
    }
    headers = {"Content-Type": "application/problem+json"}
    client, calls = client_of(httpx.Response(404, headers=headers, json=problem))

    with pytest.raises(NotFoundError, match="no"):
        client.export("demo/models/iris:1", io.BytesIO())
    with pytest.raises(InvalidInputError):
        client.export("", io.BytesIO())
    assert ["/api/v1/assets/demo/models/iris/versions/1/export"] == calls

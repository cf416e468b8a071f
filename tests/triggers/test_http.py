"""HTTP requests, and the application that the first of them builds."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from azure.functions import HttpRequest, HttpResponse

from stage_functions.domain.error import StoreUnavailableError
from stage_functions.triggers.http import Asgi, HttpTrigger, LazyAsgi, Message, Receive, Send


@dataclass(slots=True)
class Factory:
    """Builds an application that says which path was asked for.

    Attributes:
        faults: raised, one by one, before it succeeds.
        built: how often it was asked to build.
        thread: the last one that it was asked in.
    """

    faults: list[Exception] = field(default_factory=list)
    built: int = 0
    thread: int = 0

    def build(self) -> Asgi:
        """Build it, or fail."""
        self.built += 1
        self.thread = threading.get_ident()
        if self.faults:
            raise self.faults.pop(0)
        return _say_path


async def _say_path(scope: Message, _: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    said = json.dumps([scope["path"], scope["raw_path"].decode()])
    await send({"type": "http.response.body", "body": said.encode()})


def request(
    url: str = "https://stageward.example/", route_params: Mapping[str, str] | None = None
) -> HttpRequest:
    """Return a request."""
    return HttpRequest("GET", url, headers={}, route_params=route_params, body=b"")


def asked(factory: Factory, *requests: HttpRequest) -> list[HttpResponse]:
    """Return the answers to requests that come at the same time."""
    trigger = HttpTrigger(factory.build)

    async def all_of_them() -> list[HttpResponse]:
        return await asyncio.gather(*(trigger.handle(one) for one in requests))

    return asyncio.run(all_of_them())


def test_the_application_is_built_by_the_first_request() -> None:
    """Not before; and once only, however many requests come first."""
    factory = Factory()
    HttpTrigger(factory.build)
    assert 0 == factory.built

    answers = asked(factory, *(request() for _ in range(5)))

    assert [200] * 5 == [answer.status_code for answer in answers]
    assert 1 == factory.built


def test_building_stops_nothing_else() -> None:
    """It takes a second, and happens in a thread of its own."""
    factory = Factory()

    asked(factory, request())

    assert threading.get_ident() != factory.thread


def test_an_application_that_cannot_be_opened_is_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Until then the answer is 503; the reason is for the log."""
    factory = Factory([StoreUnavailableError("the store in room 5 is away")])
    trigger = HttpTrigger(factory.build)

    first = asyncio.run(trigger.handle(request()))
    second = asyncio.run(trigger.handle(request()))

    assert (503, 200) == (first.status_code, second.status_code)
    assert 503 == json.loads(first.get_body())["status"]
    assert b"room 5" not in first.get_body()
    assert "room 5" in caplog.text


def test_a_mistake_in_the_code_escapes() -> None:
    """The host answers 500, and the invocation counts as failed."""
    with pytest.raises(ImportError, match="no such module"):
        asked(Factory([ImportError("no such module")]), request())


@pytest.mark.parametrize(
    ("url", "params", "path", "raw"),
    [
        ("https://a.example/x/a%20b", {"route": "x/a%20b"}, "/x/a%20b", "/x/a%2520b"),
        ("https://a.example/x/a%20b", {"route": "x/a b"}, "/x/a b", "/x/a%20b"),
        ("https://a.example/x/a%2520b", {}, "/x/a%20b", "/x/a%2520b"),
        ("https://a.example/x;y/z", {}, "/x;y/z", "/x%3By/z"),
        ("https://a.example", {}, "/", "/"),
    ],
    ids=["matched-encoded", "matched", "url-alone", "semicolon", "root"],
)
def test_the_path_is_what_the_route_matched(
    url: str, params: Mapping[str, str], path: str, raw: str
) -> None:
    """The host decoded that once; the URL is asked only where nothing was matched."""
    (answer,) = asked(Factory(), request(url, params))

    assert [path, raw] == json.loads(answer.get_body())


def test_the_lifespan_is_answered_without_the_application() -> None:
    """A server that announces its start builds nothing by it."""
    factory = Factory()

    said = asyncio.run(_lifespan(LazyAsgi(factory.build)))

    assert ["lifespan.startup.complete", "lifespan.shutdown.complete"] == said
    assert 0 == factory.built


async def _lifespan(application: LazyAsgi) -> list[str]:
    messages = iter(["lifespan.startup", "lifespan.shutdown"])
    said: list[str] = []

    async def receive() -> Message:
        return {"type": next(messages)}

    async def send(message: Message) -> None:
        said.append(message["type"])

    await application({"type": "lifespan"}, receive, send)
    return said

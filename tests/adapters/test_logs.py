"""Lines of the log: as text and as JSON, with ids, and with nothing that no log may keep."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.adapters.logs import (
    MAX_FAULT_CHARACTERS,
    JsonLines,
    Redaction,
    TextLines,
)
from stage_functions.application.correlation import about, current

SECRET = "dGVsbHRhbGU9PQ-telltale"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ0ZWxsdGFsZSJ9.dGVsbHRhbGU-telltale"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
KEPT = [
    "read stagewardledger: HttpResponseError 403 AuthorizationFailure",
    "granted: demo/models/iris:3 Staging → Production, approval 7f3k9m2x, record 12",
    "registry dev: Azure ML workspace dev answered 429 TooManyRequests: code 12, try later",
    "Stageward listens at http://127.0.0.1:8321, sign-in: tokens",
    "https://stageward.example.org/events is subscribed",
    "azureml://registries/shared/models/iris/versions/3",
    "iris@champion of demo/models/iris",
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g",
]
Lines = Callable[[], logging.Formatter]
BOTH = pytest.mark.parametrize("lines", [TextLines, JsonLines], ids=["text", "json"])


def record(message: str, *args: object, error: Exception | None = None) -> logging.LogRecord:
    """Return what a logger hands on."""
    fault = (type(error), error, error.__traceback__) if error is not None else None
    return logging.LogRecord("stageward.web", logging.WARNING, "x.py", 1, message, args, fault)


@pytest.mark.parametrize(
    "said",
    [
        f"Authorization: Bearer {SECRET}",
        f"authorization: basic {SECRET}",
        f"GET /approvals/7f3k9m2x/link?sig={SECRET} HTTP/1.1",
        f"https://prod.logic.azure.com/workflows/x?api-version=1&sig={SECRET}&sv=1",
        f"next=%2Fl%3Fsig%3D{SECRET}",
        f"https://a.blob.core.windows.net/c?se=2027&sig={SECRET}: 403",
        f"https://app/runtime/webhooks/eventgrid?functionName=on_event&code={SECRET}",
        f"AccountName=a;AccountKey={SECRET};TableEndpoint=http://x",
        f"SharedAccessSignature={SECRET}",
        f'{{"access_token": "{SECRET}"}}',
        f"client_secret={SECRET}",
        f"password: {SECRET}",
        f"smtp://user:{SECRET}@smtp.example.org:25",
        f"the token stw_{SECRET} is unknown",
        f"STAGEWARD_WEBHOOKS_SECRET has whsec_{SECRET}/+=",
        f"token {JWT} of nobody",
        "written by somebody.telltale@example.org just now",
        "upn:Somebody.Telltale@Example.org has no right",
        "mailto:somebody%2Btelltale%40example.org",
        "Olga Telltale is not told",
    ],
)
@BOTH
def test_what_no_log_may_keep_is_taken_out(
    lines: Callable[..., logging.Formatter], said: str
) -> None:
    """Whoever says it, in a message, an argument or an exception."""
    redaction = Redaction()
    redaction.hide(["Olga Telltale", "Bo"])
    form = lines(redaction=redaction)
    written = [
        form.format(record(said)),
        form.format(record("%s failed: %s", "x", ValueError(said))),
        form.format(record("fault", error=_raised(said))),
    ]

    assert not [one for one in written if "telltale" in one.lower()]
    assert all("[hidden]" in one for one in written)


@pytest.mark.parametrize("said", KEPT)
@BOTH
def test_what_an_operator_needs_stays(lines: Lines, said: str) -> None:
    """Addresses, codes, names of assets."""
    assert said in lines().format(record(said)).replace("\\u2192", "→")


def test_a_name_is_only_hidden_as_a_whole_word() -> None:
    """A person may be called as a part of a word is, or by so little that it is no name."""
    redaction = Redaction()
    redaction.hide(["Ada", "Bo", ""])

    assert "[hidden], adamant: Adam, person:ada, Bo" == redaction.clean(
        "Ada, adamant: Adam, person:ada, Bo"
    )


def test_a_line_of_json_says_when_who_what_and_about_what() -> None:
    """With the ids of what is being done, and its trace where there is one."""
    with about(request="r-1"), about(asset="demo/models/iris", version="3"):
        line = JsonLines(traceparent=lambda: TRACE).format(record("parked: %s", "403"))
    document = json.loads(line)

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", document.pop("time"))
    assert {
        "level": "WARNING",
        "logger": "stageward.web",
        "message": "parked: 403",
        "request": "r-1",
        "asset": "demo/models/iris",
        "version": "3",
        "trace": "4bf92f3577b34da6a3ce929d0e0e4736",
        "span": "00f067aa0ba902b7",
    } == document
    assert {} == current()


def test_a_host_that_adds_time_and_level_itself_gets_the_rest() -> None:
    """As Azure Functions does."""
    assert {"message": "well"} == json.loads(JsonLines(bare=True).format(record("well")))


def test_an_exception_is_one_field_of_one_line_and_is_shortened() -> None:
    """Its end says most."""
    line = JsonLines().format(record("fault", error=_raised("x" * MAX_FAULT_CHARACTERS * 2)))
    document = json.loads(line)

    assert "\n" not in line
    assert "ValueError" == document["error"]
    assert len(document["fault"]) <= MAX_FAULT_CHARACTERS + 1


@pytest.mark.parametrize("sign", ["\x1b", "\x9b", "\x85", "\r", "\u202e", "\u2028", "\ud83d"])
@BOTH
def test_what_a_terminal_would_obey_is_a_blank(lines: Lines, sign: str) -> None:
    """Colours, moves of the cursor, and text that runs the other way."""
    written = lines().format(record(f"before{sign}[2Jbehind"))

    assert "before [2Jbehind" in written
    assert written.encode()


def test_an_exception_cannot_look_like_a_line_of_its_own() -> None:
    """Its words may be those of a registry; in JSON it is within the one line anyway."""
    forged = "away\n2026-01-01 00:00:00,000 INFO stageward.decisions: granted: demo/models/iris:3"
    first, *more = TextLines().format(record("fault", error=ValueError(forged))).split("\n")

    assert first.endswith("stageward.web: fault")
    assert len(more) >= 2
    assert all(line.startswith("  ") for line in more)


@pytest.mark.parametrize("part", ["a", "a.", "a%", "sig=", "eyJaaaaa.", "stw_", "whsec_", "://a:"])
def test_a_long_word_is_looked_through_once(part: str) -> None:
    """Whoever decides waits for it; looked through again at every character, it is a minute."""
    redaction = Redaction()
    redaction.hide(["Olga Telltale"])
    began = time.process_time()
    redaction.clean(part * (100_000 // len(part)))

    assert time.process_time() - began < 2


@given(st.text(), st.text())
def test_whatever_is_said_a_line_is_one_line(message: str, id_: str) -> None:
    """Nobody can write a line of their own into the log."""
    with about(asset=id_):
        line = JsonLines().format(record("%s", message))
        text = TextLines().format(record("%s", message))

    assert 1 == len(line.splitlines()) == len(text.splitlines())
    assert isinstance(json.loads(line), dict)


def _raised(said: str) -> Exception:
    """Return an exception that says so, with where it was raised."""
    with pytest.raises(ValueError, match=r".") as caught:
        int(said, 10)
    return ValueError(said).with_traceback(caught.value.__traceback__)

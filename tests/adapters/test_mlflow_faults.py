"""What answers, and the want of them, mean to the MLflow registry: on a scripted transport."""

from __future__ import annotations

import base64
import inspect
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime

import httpx
import pytest

from stage_functions.adapters.mlflow import MlflowRegistry
from stage_functions.adapters.mlflow_http import FAILURES
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.error import (
    ConfigurationError,
    RegistryRefusedError,
    RegistryUnavailableError,
    StagewardError,
)
from tests.contracts.registry_faults import CALLS
from tests.contracts.registry_world import write_tags

VERSION = Version.parse("dev/models/iris:1")
SNAPSHOT = Snapshot(VERSION, datetime(2026, 1, 1, tzinfo=UTC), "models:/m-1", {}, job="1")
REFUSED = RegistryRefusedError
UNAVAILABLE = RegistryUnavailableError

Answer = Callable[[httpx.Request], httpx.Response]


def _registry(answer: Answer, address: str = "http://mlflow") -> MlflowRegistry:
    return MlflowRegistry("dev", address, transport=httpx.MockTransport(answer))


def _always(status: int, **content: object) -> Answer:
    headers = content.pop("headers", {})
    return lambda _: httpx.Response(status, headers=headers, **content)  # type: ignore[arg-type]


def _words(code: str, message: str = "as it is") -> dict[str, str]:
    return {"error_code": code, "message": message}


EXCEPTIONS: list[type[Exception]] = [
    found
    for found in (getattr(httpx, name) for name in httpx.__all__)
    if inspect.isclass(found) and issubclass(found, Exception)
]
"""Every exception that httpx exports."""


def _made(kind: type[Exception]) -> Exception:
    if issubclass(kind, httpx.HTTPStatusError):
        request = httpx.Request("GET", "http://mlflow")
        return kind("broken", request=request, response=httpx.Response(500))
    parameters = list(inspect.signature(kind).parameters.values())
    needed = [one for one in parameters if one.default is one.empty and one.name != "kwargs"]
    return kind(*["broken" for one in needed if one.kind is one.POSITIONAL_OR_KEYWORD])


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", EXCEPTIONS, ids=lambda kind: kind.__name__)
def test_maps_every_exception_of_httpx(kind: type[Exception], call: str) -> None:
    """Whatever httpx raises becomes one of our own errors, and keeps its cause."""

    def fail(_: httpx.Request) -> httpx.Response:
        raise _made(kind)

    with closing(_registry(fail)) as registry, pytest.raises((REFUSED, UNAVAILABLE)) as caught:
        CALLS[call](registry)

    assert isinstance(caught.value.__cause__, kind)


def test_knows_every_exception_of_httpx() -> None:
    """An exception that httpx grows is of a kind that is known, or is missing here."""
    assert [] == [kind for kind in EXCEPTIONS if not issubclass(kind, tuple(FAILURES))]


def _half(code: str, message: str) -> Answer:
    """Answer 403 in words that are cut within a character, as JSON can write it."""
    return _always(403, text=f'{{"error_code": "{code}", "message": "{message}"}}')


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (_always(400, json=_words("INVALID_PARAMETER_VALUE", "bad\n key")), REFUSED, "bad key"),
        (_always(400, json=_words("BAD_REQUEST", "(DataError) too long")), REFUSED, "DataError"),
        (
            _always(400, json=_words("BAD_REQUEST", "(sqlite3.IntegrityError) UNIQUE constraint")),
            UNAVAILABLE,
            "IntegrityError",
        ),
        (_always(401, text="who?"), REFUSED, "401"),
        (
            _half("PERMISSION_DENIED", r"cut\ud83d\u001b[2J"),
            REFUSED,
            r"403 PERMISSION_DENIED: cut \[2J",
        ),
        (_half("C" * 100_000, "no"), REFUSED, "403 C{80}: no$"),
        (_always(403, json=_words("PERMISSION_DENIED", "no")), REFUSED, "PERMISSION_DENIED: no"),
        (_always(404, text="<html>nginx</html>"), UNAVAILABLE, "404"),
        (_always(404, json={"detail": "Not Found"}), UNAVAILABLE, "answered 404"),
        (_always(408), UNAVAILABLE, "408"),
        (_always(429, json=_words("REQUEST_LIMIT_EXCEEDED")), UNAVAILABLE, "LIMIT"),
        (_always(500, text="<html>"), UNAVAILABLE, "500"),
        (_always(503, json=_words("TEMPORARILY_UNAVAILABLE")), UNAVAILABLE, "TEMPORARILY"),
        (
            _always(302, headers={"Location": "https://login.example/in?state=telltale"}),
            REFUSED,
            "login.example/in: is",
        ),
    ],
)
def test_says_what_an_answer_means(
    answer: Answer, error: type[StagewardError], says: str, call: str
) -> None:
    """Refusals are for good and in MLflow's words; what may pass is to be tried again."""
    with closing(_registry(answer)) as registry, pytest.raises(error, match=says):
        CALLS[call](registry)


@pytest.mark.parametrize("call", ["read", "versions"])
@pytest.mark.parametrize(
    "answer",
    [
        _always(200, text="<html>maintenance</html>"),
        _always(200, content=b""),
        _always(200, content=b"\xff\xfe"),
        _always(200, text="[" * 100_000),
        _always(200, headers={"Content-Encoding": "gzip"}, content=b"no gzip"),
    ],
    ids=["page", "nothing", "bytes", "deep", "gzip"],
)
def test_does_not_believe_what_is_not_mlflows(answer: Answer, call: str) -> None:
    """A page where a document should be is not an answer."""

    def lazily(request: httpx.Request) -> httpx.Response:
        return answer(request)

    with closing(_registry(lazily)) as registry, pytest.raises(UNAVAILABLE):
        CALLS[call](registry)


@pytest.mark.parametrize(
    "version",
    [
        None,
        {},
        {"name": "iris", "version": "1"},
        {"name": "iris", "creation_timestamp": 1},
        {"version": "1", "creation_timestamp": 1},
        {"name": "iris", "version": "1", "creation_timestamp": 10**18},
    ],
    ids=str,
)
def test_does_not_believe_half_a_version(version: object) -> None:
    """A version without a name, number or time of creation is not an answer, nor a deletion."""
    answer = _always(200, json={"model_version": version})

    with closing(_registry(answer)) as registry, pytest.raises(UNAVAILABLE, match="model version"):
        registry.read(VERSION)


@pytest.mark.parametrize("named", [{"name": "Iris"}, {"name": "iris "}, {"version": "2"}], ids=str)
def test_does_not_take_one_version_for_another(named: dict[str, str]) -> None:
    """A database that compares loosely may answer with another version: that is no answer."""
    other = {"name": "iris", "version": "1", "creation_timestamp": 1, **named}

    with closing(_registry(_always(200, json={"model_version": other}))) as registry:
        assert registry.read(VERSION) is None


def test_takes_numbers_as_numbers_or_texts() -> None:
    """Servers write 64-bit numbers as numbers or as texts; missing parts are empty."""
    bare = {"name": "iris", "version": 1, "creation_timestamp": "1000", "user_id": "sam"}

    with closing(_registry(_always(200, json={"model_version": bare}))) as registry:
        read = registry.read(VERSION)

    assert (
        Snapshot(VERSION, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), "", {}, "mlflow:sam") == read
    )


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("7", 7),
        ("soon", None),
        ("Tue, 24 Nov 2026 00:00:30 GMT", 30),
    ],
)
def test_passes_on_how_long_to_wait(written: str, seconds: int | None) -> None:
    """Retry-After is passed on, as seconds or as a date by the answer's own clock."""
    headers = {"Retry-After": written, "Date": "Tue, 24 Nov 2026 00:00:00 GMT"}

    with (
        closing(_registry(_always(503, headers=headers))) as registry,
        pytest.raises(UNAVAILABLE) as caught,
    ):
        registry.read(VERSION)

    assert seconds == caught.value.retry_after_seconds


@pytest.mark.parametrize(
    "address",
    ["", "mlflow:5000", "databricks", "ftp://mlflow", "http://", "http://host:port", "file:///x"],
)
def test_refuses_an_address_that_is_none(address: str) -> None:
    """An address that leads to no server is a fault of the configuration."""
    with pytest.raises(ConfigurationError, match="address"):
        MlflowRegistry("dev", address)


@pytest.mark.parametrize("token", ["a\nb", "ü", " "])
def test_refuses_a_token_that_cannot_be_sent(token: str) -> None:
    """A token that no header can carry is a fault, and is not repeated."""
    with pytest.raises(ConfigurationError) as caught:
        MlflowRegistry("dev", "http://mlflow", token=token)

    assert token.strip() not in str(caught.value) or not token.strip()


def _basic(pair: str) -> str:
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


@pytest.mark.parametrize(
    ("address", "secrets", "expected"),
    [
        ("http://mlflow", {}, None),
        ("http://mlflow", {"username": "sam", "password": "pä:ss"}, _basic("sam:pä:ss")),
        ("http://sam:p%40ss@mlflow", {}, _basic("sam:p@ss")),
        ("http://mlflow", {"token": "t.1"}, "Bearer t.1"),
        ("http://sam:pass@mlflow", {"token": "t.1"}, "Bearer t.1"),
    ],
)
def test_says_who_it_is(address: str, secrets: dict[str, str], expected: str | None) -> None:
    """Name and password, from the address too, or a token go with each request; the URL has none."""
    seen: list[tuple[str | None, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.headers.get("Authorization"), str(request.url)))
        return httpx.Response(403, json=_words("PERMISSION_DENIED"))

    transport = httpx.MockTransport(answer)
    registry = MlflowRegistry("dev", address, transport=transport, **secrets)  # type: ignore[arg-type]
    with closing(registry), pytest.raises(REFUSED) as caught:
        registry.read(VERSION)

    assert [
        (expected, "http://mlflow/api/2.0/mlflow/model-versions/get?name=iris&version=1")
    ] == seen
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize("address", ["https://host/mlflow", "https://host/mlflow/?x=1#y"])
def test_keeps_the_path_of_a_server(address: str) -> None:
    """A server behind a path is called behind it, for the API and for files alike."""
    paths: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        return httpx.Response(200, json={})

    with closing(_registry(answer, address)) as registry:
        registry.evidence(SNAPSHOT)

    assert all(path.startswith("/mlflow/") for path in paths)
    assert "/mlflow/api/2.0/mlflow/runs/get" in paths


def test_refuses_a_tag_that_is_no_text() -> None:
    """A value that no request can carry is refused, not raised as something else."""
    shown = {"model_version": {"name": "iris", "version": "1", "creation_timestamp": 1}}
    with closing(_registry(_always(200, json=shown))) as registry, pytest.raises(REFUSED):
        write_tags(registry, VERSION, {"stage_status": "\ud800"})


@pytest.mark.parametrize("call", CALLS)
def test_gives_up_on_a_server_that_does_not_answer(call: str) -> None:
    """A server that takes a request and says nothing is unavailable when the time is up."""
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        closing(_at(silent, timeout_seconds=0.05)) as registry,
        pytest.raises(UNAVAILABLE, match="does not answer in time"),
    ):
        CALLS[call](registry)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"model_version": {}',
        b"no HTTP\r\n\r\n",
    ],
    ids=["nothing", "half a head", "half a body", "another protocol"],
)
def test_gives_up_on_an_answer_that_breaks_off(answer: bytes) -> None:
    """A connection that is cut leaves nothing believed."""

    def answer_and_cut(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as thread:
        cut = thread.submit(answer_and_cut, server)
        with closing(_at(server, timeout_seconds=30)) as registry, pytest.raises(UNAVAILABLE):
            registry.read(VERSION)
        cut.result()


def _at(server: socket.socket, *, timeout_seconds: float) -> MlflowRegistry:
    address = f"http://127.0.0.1:{server.getsockname()[1]}"
    return MlflowRegistry("dev", address, timeout_seconds=timeout_seconds)


def test_where_nobody_listens_is_said_in_words_without_a_number_of_the_system() -> None:
    """With the address: it is read by whoever has to mend it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        host, port = taken.getsockname()
    with (
        closing(MlflowRegistry("demo", f"http://{host}:{port}")) as registry,
        pytest.raises(
            UNAVAILABLE, match=f"MLflow at http://{host}:{port} cannot be reached: Connection ref"
        ),
    ):
        registry.versions()

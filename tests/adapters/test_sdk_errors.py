"""Errors of the Azure SDK, walked one by one and provoked by a server that answers badly."""

from __future__ import annotations

import inspect
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from azure.core import exceptions as core
from azure.data import tables

from stage_functions.adapters.sdk_errors import FAULTS, Fault, error_for, fault_of
from stage_functions.adapters.tables import TableRows, table_service
from stage_functions.application.ports.rows import ANY_ETAG, LEDGER, Change, Delete, Insert, Upsert
from stage_functions.domain.error import (
    ConflictError,
    InvalidInputError,
    RetryableError,
    RowTooLargeError,
    StagewardError,
    StoreUnavailableError,
    UnknownOutcomeError,
)
from tests.azurite import connection_string

PARTITION = "dev:models:iris"
WRITES: dict[str, tuple[Change, ...]] = {
    "insert": (Insert("a", {}),),
    "upsert": (Upsert("a", {}),),
    "delete": (Delete("a", ANY_ETAG),),
    "batch": (Insert("a", {}), Upsert("b", {})),
}
EXCEPTIONS = sorted(
    {
        member
        for module in (core, tables)
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Exception)
    },
    key=lambda kind: kind.__name__,
)


class Answers(BaseHTTPRequestHandler):
    """Answer every request alike."""

    protocol_version = "HTTP/1.1"
    status = 500
    headers_sent: tuple[tuple[str, str], ...] = ()
    body = b""
    requests = 0

    def answer(self) -> None:
        """Read the request and give the answer."""
        type(self).requests += 1
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(self.status)
        for name, value in self.headers_sent:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - names of http.server

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def answers() -> type[Answers]:
    """Return what the server answers with, to be set."""
    return type("AnswersOfOneTest", (Answers,), {})


@pytest.fixture
def address(answers: type[Answers]) -> Iterator[str]:
    """Run a server that answers as told; the value is how to sign in to it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield connection_string(server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def store(address: str) -> Iterator[TableRows]:
    """Return a store on that server."""
    with closing(TableRows(table_service(address))) as store:
        yield store


def error_of_write(store: TableRows, write: str) -> type[BaseException]:
    """Return what a write raises."""
    with pytest.raises(StagewardError) as caught:
        store.commit(LEDGER, PARTITION, WRITES[write])
    return caught.type


@pytest.mark.parametrize("kind", EXCEPTIONS)
def test_every_exception_of_the_sdk_has_a_meaning(kind: type[Exception]) -> None:
    """An exception that the SDK grows is decided here before it is met."""
    assert kind in FAULTS


def test_the_walk_meets_the_exceptions_that_matter() -> None:
    """The test above is not empty, and knows those that are not exported by name."""
    assert {
        core.ServiceRequestTimeoutError,
        core.IncompleteReadError,
        tables.TableTransactionError,
        tables.RequestTooLargeError,
    } <= set(EXCEPTIONS)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (301, UnknownOutcomeError),
        (400, InvalidInputError),
        (401, StoreUnavailableError),
        (403, StoreUnavailableError),
        (404, ConflictError),
        (405, InvalidInputError),
        (408, UnknownOutcomeError),
        (409, ConflictError),
        (412, ConflictError),
        (413, RowTooLargeError),
        (429, StoreUnavailableError),
        (500, UnknownOutcomeError),
        (502, UnknownOutcomeError),
        (503, UnknownOutcomeError),
        (504, UnknownOutcomeError),
    ],
)
@pytest.mark.parametrize("write", WRITES)
def test_a_status_says_what_became_of_a_write(
    store: TableRows,
    answers: type[Answers],
    write: str,
    status: int,
    expected: type[StagewardError],
) -> None:
    """Only where the write may have been carried out is the outcome unknown."""
    answers.status = status

    assert error_of_write(store, write) is expected


@pytest.mark.parametrize("write", WRITES)
def test_a_write_is_sent_once_whatever_the_client_is_set_to(
    address: str, answers: type[Answers], write: str
) -> None:
    """The retries that the SDK's clients have by default are not for writes."""
    answers.headers_sent = (("Retry-After", "0"),)
    service = tables.TableServiceClient.from_connection_string(address)
    with closing(TableRows(service)) as store:
        assert error_of_write(store, write) is UnknownOutcomeError

    assert answers.requests == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 412, 429, 500, 503])
def test_a_read_never_conflicts_and_is_never_unknown(
    store: TableRows, answers: type[Answers], status: int
) -> None:
    """A read that fails says that the store is not available, or that it was refused."""
    answers.status = status
    expected = InvalidInputError if status == 400 else StoreUnavailableError

    with pytest.raises(expected):
        store.query(LEDGER, PARTITION)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "EntityTooLarge", RowTooLargeError),
        (400, "PropertyValueTooLarge", RowTooLargeError),
        (400, "RequestBodyTooLarge", RowTooLargeError),
        (400, "TooManyProperties", RowTooLargeError),
        (400, "InvalidInput", InvalidInputError),
        (404, "TableNotFound", StoreUnavailableError),
        (404, "ResourceNotFound", ConflictError),
        (409, "EntityAlreadyExists", ConflictError),
        (409, "TableBeingDeleted", StoreUnavailableError),
    ],
)
def test_a_code_says_more_than_a_status(
    store: TableRows,
    answers: type[Answers],
    status: int,
    code: str,
    expected: type[StagewardError],
) -> None:
    """The service's own word decides, whatever the kind of write."""
    message = f'{{"odata.error": {{"code": "{code}", "message": {{"value": "no"}}}}}}'
    answers.status = status
    answers.body = message.encode()
    answers.headers_sent = (("x-ms-error-code", code), ("Content-Type", "application/json"))

    assert [error_of_write(store, write) for write in WRITES] == [expected] * len(WRITES)


@pytest.mark.parametrize("body", [b"", b"{", b"<html>proxy</html>"], ids=["none", "cut", "html"])
@pytest.mark.parametrize("status", [200, 202, 204])
@pytest.mark.parametrize("write", WRITES)
def test_an_answer_that_is_not_the_services_is_an_unknown_outcome(
    store: TableRows, answers: type[Answers], write: str, status: int, body: bytes
) -> None:
    """Success in the words of somebody else, such as a proxy, proves nothing."""
    answers.status = status
    answers.body = b"" if status == 204 else body
    answers.headers_sent = (("Content-Type", "application/json"),)

    assert error_of_write(store, write) is UnknownOutcomeError


@pytest.mark.parametrize(("text", "seconds"), [("7", 7), ("soon", None)])
def test_the_wait_that_the_service_asks_for_is_passed_on(
    store: TableRows, answers: type[Answers], text: str, seconds: int | None
) -> None:
    """A number of seconds is taken, anything else is not."""
    answers.status = 429
    answers.headers_sent = (("Retry-After", text),)

    with pytest.raises(RetryableError) as caught:
        store.commit(LEDGER, PARTITION, WRITES["batch"])

    assert caught.value.retry_after_seconds == seconds


def test_a_request_that_cannot_be_signed_was_not_sent() -> None:
    """A failure to get a token is no unknown outcome."""
    exc = core.ClientAuthenticationError("no token")

    error = error_for(exc, "commit", repeatable=False)

    assert type(error) is StoreUnavailableError
    assert str(error).startswith("commit: Stageward cannot sign in to Azure: no token. In Azure, ")
    assert str(error).endswith("or run `az login`")


def test_tls_that_breaks_may_have_carried_the_request() -> None:
    """The SDK says "not sent" of every failure of TLS; only a bad certificate proves it."""
    broken = core.ServiceRequestError("x", error=OSError(OSError(ssl.SSLError(1, "bad record"))))
    refused = core.ServiceRequestError("x", error=OSError(ssl.SSLCertVerificationError(1, "no")))

    assert (fault_of(broken), fault_of(refused)) == (Fault.LOST, Fault.UNAVAILABLE)


def test_an_error_says_what_was_tried() -> None:
    """The message has the action, the kind, and the first line of the SDK's own."""
    exc = core.ServiceRequestError("cannot resolve\nsecond line")

    message = str(error_for(exc, "read stagewardledger", repeatable=True))

    assert message == "read stagewardledger: ServiceRequestError cannot resolve"

"""MLflow's REST API over HTTP: one connection pool, and what its answers mean as errors.

Decides what each failure says about trying again. It does not try again by itself, and it knows
nothing of models. The `mlflow` package is not used: its import alone takes over a second.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from contextlib import closing

import httpx

from stage_functions.adapters.sinks import retry_after_seconds, sendable
from stage_functions.adapters.words import in_a_line
from stage_functions.application.clocks import Heard, deaf
from stage_functions.domain.error import (
    ConfigurationError,
    RegistryRefusedError,
    RegistryUnavailableError,
    StagewardError,
)
from stage_functions.wire.document import parsed, text

API = "api/2.0/mlflow"
NO_SUCH = "RESOURCE_DOES_NOT_EXIST"
INVALID = "INVALID_PARAMETER_VALUE"
_DATABASE = "BAD_REQUEST"
"""MLflow's code for whatever its database refuses, also where two have written the same at once."""
_OVERTAKEN = "IntegrityError"
MAX_ARTIFACT_BYTES = 4 * 1024 * 1024
"""Of a file that is read whole; what is larger is not what was asked for."""

FAILURES: Mapping[type[Exception], type[StagewardError]] = {
    httpx.HTTPError: RegistryUnavailableError,
    httpx.StreamError: RegistryUnavailableError,
    httpx.LocalProtocolError: RegistryRefusedError,
    httpx.UnsupportedProtocol: RegistryRefusedError,
    httpx.TooManyRedirects: RegistryRefusedError,
    httpx.InvalidURL: RegistryRefusedError,
    httpx.CookieConflict: RegistryRefusedError,
    UnicodeError: RegistryRefusedError,
}
"""What a request that came to no answer means, the nearest class first."""

_PATIENCE = frozenset({408, 425, 429})
_SERVER_FAULT = 500
_SHOWN_CHARACTERS = 300
_NUMBERED = re.compile(r"\[Errno -?\d+\] ")
_CODE_CHARACTERS = 80
_IDLE_SECONDS = 1.5
"""Shorter than any server keeps an idle connection, so that none is reused while it is closing."""


Params = Mapping[str, str | int | Sequence[str]]


class MlflowRefusedError(RegistryRefusedError):
    """MLflow refuses, in words of its own.

    Attributes:
        code: its error code, such as `RESOURCE_DOES_NOT_EXIST`, or "".
        said: its message.
    """

    def __init__(self, message: str, *, code: str = "", said: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.said = said


class MlflowFaultError(RegistryUnavailableError):
    """MLflow, or what stands before it, answers with a fault that may pass.

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, message: str, *, status: int, retry_after_seconds: int | None) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.status = status


class MlflowApi:
    """An MLflow server's REST API. Safe to share between threads."""

    def __init__(
        self,
        address: str,
        *,
        username: str = "",
        password: str = "",
        token: str = "",
        timeout_seconds: float = 10,
        transport: httpx.BaseTransport | None = None,
        heard: Heard = deaf,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            address: URL of the server, with the path it is served under, if any.
            username: for basic authentication, with `password`.
            password: see `username`.
            token: sent as `Authorization: Bearer`; goes before `username`.
            timeout_seconds: for connecting, for sending, and for each part of an answer.
            transport: what carries the requests; the network if None.
            heard: takes the headers of every answer.

        Raises:
            ConfigurationError: the address is no URL of a server, or a secret cannot be sent.
        """
        url = _checked(address)
        username, password = username or url.username, password or url.password
        url = url.copy_with(username=None, password=None)
        self.address = str(url).rstrip("/")
        self.name = f"MLflow at {self.address}"
        self._heard = heard
        self._client = httpx.Client(
            base_url=url,
            headers={"User-Agent": "stageward", **_authorization(username, password, token)},
            timeout=timeout_seconds,
            limits=httpx.Limits(keepalive_expiry=_IDLE_SECONDS),
            transport=transport,
        )

    def get(self, path: str, params: Params) -> object:
        """Return a document of the API; raises as `send`."""
        return self._document(*self._exchange("GET", f"{API}/{path}", params=params))

    def send(self, method: str, path: str, document: object) -> object:
        """Send a document to the API and return its answer.

        Raises:
            MlflowRefusedError: it refuses; `code` tells whether the thing is missing.
            RegistryUnavailableError: it cannot be reached, answers 429 or 5xx, or not as MLflow.
            RegistryRefusedError: the request cannot be sent as it is.
        """
        return self._document(*self._exchange(method, f"{API}/{path}", document=document))

    def artifact(self, path: str, params: Params) -> str | None:
        """Return a text file of the server; None if it is no text, or too large to be the one.

        Raises:
            MlflowRefusedError, RegistryUnavailableError, RegistryRefusedError: as `send`.
        """
        response, body = self._exchange("GET", path, params=params, limit=MAX_ARTIFACT_BYTES)
        if not response.is_success:
            raise self._fault(response, body)
        try:
            return None if len(body) > MAX_ARTIFACT_BYTES else body.decode()
        except UnicodeDecodeError:
            return None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _exchange(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        document: object = None,
        limit: int | None = None,
    ) -> tuple[httpx.Response, bytes]:
        """Send a request; return the answer and its body, cut shortly behind a limit."""
        try:
            request = self._client.build_request(method, path, params=params, json=document)
            response = self._client.send(request, stream=True)
            self._heard(response.headers)
            with closing(response):
                if limit is None:
                    return response, response.read()
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > limit:
                        break
                return response, bytes(body)
        except tuple(FAILURES) as exc:
            kind = next(FAILURES[kind] for kind in type(exc).__mro__ if kind in FAILURES)
            message = f"{self.name} {_unanswered(exc)}"
            raise kind(message) from exc

    def _document(self, response: httpx.Response, body: bytes) -> object:
        if not response.is_success:
            raise self._fault(response, body)
        try:
            return parsed(body)
        except ValueError as exc:
            message = f"{self.name} answered something that is not MLflow's: {_cut(str(exc))}"
            raise RegistryUnavailableError(message) from exc

    def _fault(self, response: httpx.Response, body: bytes) -> StagewardError:
        code, said = _words(body)
        status = response.status_code
        message = f"{self.name} answered {status}{f' {code}' if code else ''}: {_cut(said)}"
        foreign = status == httpx.codes.NOT_FOUND and not code
        overtaken = code == _DATABASE and _OVERTAKEN in said
        if status in _PATIENCE or status >= _SERVER_FAULT or foreign or overtaken:
            # A 404 that is not MLflow's own says nothing of its models: a proxy in between, or a
            # wrong path. Taken for an answer, it would empty the registry.
            wait = retry_after_seconds(response.headers)
            return MlflowFaultError(message, status=status, retry_after_seconds=wait)
        if response.is_redirect:
            place = response.headers.get("Location", "elsewhere").partition("?")[0]  # may hold keys
            message = f"{self.name} sends us to {_cut(place)}: is its address right?"
        return MlflowRefusedError(message, code=code, said=said)


def _checked(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as exc:
        message = "the address of an MLflow server is no URL; write https://host[:port][/path]"
        raise ConfigurationError(message) from exc
    if url.scheme not in ("http", "https") or not url.host:
        message = (
            f"the address of an MLflow server begins with https:// or http://, not '{url.scheme}:'"
        )
        raise ConfigurationError(message)
    return url.copy_with(query=None, fragment=None)


def _authorization(username: str, password: str, token: str) -> dict[str, str]:
    if token:
        return {"Authorization": sendable("the token for MLflow", f"Bearer {token}")}
    if not username:
        return {}
    pair = base64.b64encode(f"{username}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _words(body: bytes) -> tuple[str, str]:
    """Return MLflow's code and message; an answer in other words has no code."""
    try:
        document = parsed(body)
    except ValueError:
        return "", "not in MLflow's words"
    code = in_a_line(text(document, "error_code"), _CODE_CHARACTERS)
    return code, text(document, "message") or "without a word"


def _unanswered(exc: Exception) -> str:
    """Say why there is no answer, in the words of whoever can mend it."""
    said = _cut(_NUMBERED.sub("", str(exc)))
    if isinstance(exc, httpx.ConnectError):
        return f"cannot be reached: {said or 'no connection'}"
    if isinstance(exc, httpx.TimeoutException):
        return "does not answer in time"
    return f"gave no answer: {type(exc).__name__} {said}".rstrip()


def _cut(words: str) -> str:
    return in_a_line(words, _SHOWN_CHARACTERS)

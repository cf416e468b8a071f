"""Sending a request until it is answered, and reading the answer or the problem in it."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Mapping
from typing import IO, TypeVar

import httpx
import msgspec

from stage_functions import __version__
from stage_functions.client.identity import Bearer, Identity, check_address
from stage_functions.domain.error import (
    ConfigurationError,
    DeniedError,
    InvalidInputError,
    NotAllowedNowError,
    NotFoundError,
    NotSignedInError,
    RegistryRefusedError,
    RegistryUnavailableError,
    RetryableError,
    StagewardError,
    StaleError,
    StoreUnavailableError,
    TerminalError,
)
from stage_functions.wire import api

ATTEMPTS = 4
LONGEST_PAUSE_SECONDS = 10.0
_IDLE_SECONDS = 1.5
"""Shorter than any server keeps an idle connection, so that none is reused while it is closing:
who asks only once would take that for Stageward's being away."""
_RETRIED = (429, 503)
_NO_SUCH_ADDRESS = "no-such-address"
_BY_CODE: Mapping[str, type[StagewardError]] = {
    "registry-unavailable": RegistryUnavailableError,
    "ledger-unavailable": StoreUnavailableError,
    "try-again": RetryableError,
    "not-signed-in": NotSignedInError,
    "denied": DeniedError,
    "not-found": NotFoundError,
    _NO_SUCH_ADDRESS: NotFoundError,
    "stale": StaleError,
    "invalid": InvalidInputError,
    "malformed": InvalidInputError,
    "body-too-large": InvalidInputError,
    "registry-refused": RegistryRefusedError,
    "configuration": ConfigurationError,
}
_CARRIED = re.compile(r"[!-~](?:[ -~]*[!-~])?")
"""What a header can carry, by any server's reading of it."""
_NOT_TAKEN = (
    "what stands before Stageward, as the sign-in of App Service does, does not take this token: "
    "it may have ended, or be for another app"
)
_NUMBERED = re.compile(r"\[Errno -?\d+\] ")
_FILE_NAME = re.compile(r'filename="([A-Za-z0-9][A-Za-z0-9._-]*)"')
"""No other name is taken from the other end: it becomes the name of a file here."""
_PROBLEM = "urn:stageward:problem:"

T = TypeVar("T")
Waiting = Callable[[str, float], None]
"""Takes why something is tried again, and after how many seconds."""


class UnreachableError(RetryableError):
    """Stageward cannot be reached, or something else answers at its address."""


class NoTokenError(NotSignedInError):
    """Nobody is signed in, since no token was given to be sent."""


class Connection:
    """The connections to one Stageward. Safe to share between threads."""

    def __init__(
        self,
        url: str,
        token: Bearer = "",
        *,
        agent: str = "stageward-python",
        timeout_seconds: float = 60,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        waiting: Waiting | None = None,
        attempts: int = ATTEMPTS,
    ) -> None:
        """Prepare connections; see `Client` for the arguments.

        Raises:
            InvalidInputError: the URL or the token cannot be sent, or not to there.
        """
        if not url.startswith(("http://", "https://")):
            message = f"'{url}' is no address of Stageward: STAGEWARD_URL is http://host:port"
            raise InvalidInputError(message)
        self._url = url
        self._sleep = sleep
        self._waiting = waiting
        self._attempts = attempts
        headers = {"User-Agent": f"{agent}/{__version__}"}
        identity, given = (token, "") if isinstance(token, Identity) else (None, token)
        self._unsigned = NotSignedInError if token else NoTokenError
        if identity is not None:
            check_address(url)
        if given and _CARRIED.fullmatch(given) is None:
            message = (
                "the token has a character that no header can carry, such as a line's end or a "
                "letter with an accent: STAGEWARD_TOKEN is to be the token and nothing else"
            )
            raise InvalidInputError(message)
        if given:
            headers["Authorization"] = f"Bearer {given}"
        try:
            self._http = httpx.Client(
                base_url=url,
                headers=headers,
                auth=identity,
                timeout=timeout_seconds,
                limits=httpx.Limits(keepalive_expiry=_IDLE_SECONDS),
                transport=transport,
                # Within this machine: a proxy of the environment would read the token.
                trust_env=identity is None or url.startswith("https:"),
            )
        except (ValueError, httpx.InvalidURL) as exc:
            message = f"'{url}' cannot be called: {exc}"
            raise InvalidInputError(message) from exc

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        key: str = "",
        query: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a request until it is answered, the same one every time.

        Raises:
            UnreachableError: nothing answers.
            NoIdentityError: there is no token to send.
        """
        content = None if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": "application/json"} if content is not None else {}
        if key:
            headers["Idempotency-Key"] = key
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = self._http.request(
                    method, f"/api/v1/{path}", content=content, headers=headers, params=query
                )
            except httpx.TransportError as exc:
                if attempt == self._attempts:
                    said = _NUMBERED.sub("", str(exc)) or type(exc).__name__
                    if _no_tls(exc):
                        said += f" (it may speak http: then STAGEWARD_URL is {self._over_http})"
                    raise self._unreachable(said) from exc
                self._sleep(0.2 * attempt)
                continue
            if answer.status_code not in _RETRIED or attempt == self._attempts:
                return answer
            self._wait(answer)

    def download(self, path: str, into: IO[bytes]) -> str:
        """Write the body of an answer to a file, however long it is; return its name.

        Whatever is written of an answer that breaks off is taken back, and it is asked for again.

        Args:
            path: what to get.
            into: a file that can be cut; it is left empty where that fails.

        Returns:
            The name that the answer gives the file, or "".

        Raises:
            UnreachableError: nothing answers, or not to the end.
            StagewardError: the answer is a problem.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                with self._http.stream("GET", f"/api/v1/{path}") as answer:
                    if answer.is_success:
                        for part in answer.iter_bytes():
                            into.write(part)
                        return _named(answer)
                    answer.read()
            except httpx.TransportError as exc:
                into.seek(0)
                into.truncate()
                if attempt == self._attempts:
                    raise self._unreachable(str(exc) or type(exc).__name__) from exc
                self._sleep(0.2 * attempt)
                continue
            if answer.status_code not in _RETRIED or attempt == self._attempts:
                self.read(answer, object)
                said = f"it answers HTTP {answer.status_code}"
                raise self._unreachable(said)
            self._wait(answer)

    @property
    def _over_http(self) -> str:
        return self._url.replace("https", "http", 1)

    def _wait(self, answer: httpx.Response) -> None:
        seconds = _pause(answer)
        if self._waiting is not None:
            problem = problem_of(answer)
            why = problem.detail if problem else f"it answers HTTP {answer.status_code}"
            self._waiting(why, seconds)
        self._sleep(seconds)

    def read(self, answer: httpx.Response, type_: type[T]) -> T:
        """Return the document of an answer.

        Raises:
            StagewardError: the answer is a problem, or none of Stageward's.
        """
        problem = problem_of(answer)
        if problem is not None:
            raise self._error(problem, answer)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise self._unsigned(_NOT_TAKEN)
        try:
            return msgspec.json.decode(answer.content, type=type_)
        except msgspec.MsgspecError as exc:
            said = f"HTTP {answer.status_code}, {answer.headers.get('Content-Type', 'no type')}"
            why = f"what answers there is not Stageward: {said}"
            raise self._unreachable(why) from exc

    def _error(self, problem: api.Problem, answer: httpx.Response) -> StagewardError:
        code = problem.type.removeprefix(_PROBLEM)
        if problem.status == httpx.codes.CONFLICT:
            return NotAllowedNowError(problem.detail, code=code)
        type_ = _BY_CODE.get(code, TerminalError)
        if type_ is NotSignedInError:
            return self._unsigned(problem.detail)
        if issubclass(type_, RetryableError):
            said = answer.headers.get("Retry-After", "")
            seconds = int(said) if said.isdigit() else None
            return type_(problem.detail, retry_after_seconds=seconds)
        if code == _NO_SUCH_ADDRESS and self._http.base_url.path != "/":
            message = f"{problem.detail}. STAGEWARD_URL is {self._url}: is its path right?"
            return type_(message)
        return type_(problem.detail)

    def _unreachable(self, why: str) -> UnreachableError:
        message = (
            f"Stageward does not answer at {self._url}: {why}; "
            "start it with `stageward serve`, or set STAGEWARD_URL to where it runs"
        )
        return UnreachableError(message)


def _no_tls(exc: BaseException | None) -> bool:
    """Tell whether an answer was none of TLS, and not that a certificate was not believed."""
    while exc is not None and not isinstance(exc, ssl.SSLError):
        exc = exc.__cause__ or exc.__context__
    return exc is not None and not isinstance(exc, ssl.SSLCertVerificationError)


def _named(answer: httpx.Response) -> str:
    """Return the name that an answer gives its file: a plain one, or ""."""
    found = _FILE_NAME.search(answer.headers.get("Content-Disposition", ""))
    return found[1] if found else ""


def _pause(answer: httpx.Response) -> float:
    said = answer.headers.get("Retry-After", "")
    return min(float(said) if said.isdigit() else 1.0, LONGEST_PAUSE_SECONDS)


def problem_of(answer: httpx.Response) -> api.Problem | None:
    """Return the problem of an answer, or None."""
    if not answer.headers.get("Content-Type", "").startswith("application/problem+json"):
        return None
    try:
        return msgspec.json.decode(answer.content, type=api.Problem)
    except msgspec.MsgspecError:
        return None

"""How an MLflow server asks Stageward before it stores something, and what a refusal says there.

Decides what is asked about (what Stageward says is guarded, read at most once a minute), how long
it waits, how many may wait at once, and what follows while Stageward does not answer. It stores
nothing.

Whoever waits holds a thread of MLflow, and Stageward reads MLflow before it answers, and writes to
it, about which it is asked itself: so fewer may wait than MLflow has threads (40 a worker), and
people leave room for what Stageward writes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Response, after_this_request, g, has_request_context, request
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    ABORTED,
    INVALID_PARAMETER_VALUE,
    PERMISSION_DENIED,
    RESOURCE_EXHAUSTED,
    TEMPORARILY_UNAVAILABLE,
)

from stage_functions.client import (
    Client,
    Identity,
    NoIdentityError,
    NoTokenError,
    UnreachableError,
    bearer_of,
)
from stage_functions.domain.error import (
    InvalidInputError,
    NotSignedInError,
    RetryableError,
    StagewardError,
)
from stage_functions.settings import Settings, WhenAway
from stage_functions.wire.writes_api import Guarded, Ruling, WriteBody

FRESH_SECONDS = 60
"""So long what is guarded is believed to be as it was read."""
MOST_SECONDS = 600
RETRY_SECONDS = 5
"""So long nobody else asks what is guarded, where Stageward did not say it."""
PATIENCE_SECONDS = 3
"""So long MLflow's client waits before it tries again, up to seven times, where it is told to. Left
to itself it waits longer each time, for four minutes in all."""
PEOPLE_AT_ONCE = 16
OWN_AT_ONCE = 16
_STAGEWARD = "stageward"
"""How Stageward's own calls to MLflow name their program."""
_LOG = logging.getLogger("stageward.mlflow")
_UNGOVERNED = Ruling(allowed=True, governed=False, detail="")


class Asking:
    """Asks Stageward. Safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        """Prepare to ask; nothing is sent yet.

        Raises:
            MlflowException: a setting says what cannot be.
        """
        self._settings = settings
        self._allows = _when_away(settings) is WhenAway.ALLOW
        self._alias = settings.mlflow_registry
        self._guarded: Guarded | None = None
        self._fresh_until = float("-inf")
        self._lock = threading.Lock()
        self._people = threading.BoundedSemaphore(PEOPLE_AT_ONCE)
        self._own = threading.BoundedSemaphore(OWN_AT_ONCE)
        try:
            self._client = self._connect()
        except InvalidInputError as exc:
            raise MlflowException(str(exc), INVALID_PARAMETER_VALUE) from exc

    @property
    def _by_identity(self) -> bool:
        return isinstance(bearer_of(self._settings), Identity)

    def _connect(self) -> Client:
        return Client(
            self._settings.url,
            bearer_of(self._settings),
            agent="stageward-mlflow",
            timeout_seconds=_seconds(self._settings),
            attempts=1,
        )

    def look(self) -> threading.Thread:
        """Begin to find out whether its token signs this server in, and warn where it does not.

        Nothing waits for that, and a Stageward that is away is nothing to warn of: it may come. Nor
        is an identity asked for a token before there is something to ask.
        """
        looking = threading.Thread(target=self._look, name="stageward-look", daemon=True)
        looking.start()
        return looking

    def _look(self) -> None:
        if self._by_identity:
            return
        try:
            with self._connect() as client:  # its own: the other may be closed meanwhile
                client.registries()
        except NotSignedInError as exc:
            _LOG.warning("nothing that Stageward governs will be stored: %s", self._unsigned(exc))
        except StagewardError:
            pass  # whoever writes is told

    def _unsigned(self, why: NotSignedInError) -> str:
        """Say that it is this server which is not signed in: no caller can mend that."""
        said, sent = str(why), "token" if self._by_identity else "STAGEWARD_TOKEN"
        if isinstance(why, NoTokenError):
            said = f"its {sent} is missing"
        elif "Authorization" in said:
            said = f"its {sent} signs in nobody there"
        elif not isinstance(why, NoIdentityError):
            said = f"its {sent} is not taken: {said}"
        return f"this MLflow server is not signed in to Stageward: {said}; tell whoever runs it"

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def guards_tag(self, key: str) -> bool:
        """Tell whether a tag of a version may be Stageward's; so is each while that is unknown."""
        known = self._known()
        return known is None or _folded(key) in {_folded(one) for one in known.tags}

    def guards_alias(self, alias: str) -> bool:
        """Tell whether an alias may be kept; so is each while that is unknown."""
        known = self._known()
        return known is None or _folded(alias) in {_folded(one) for one in known.aliases}

    def ask(self, body: WriteBody) -> Ruling:
        """Ask whether a write may be stored.

        Returns:
            It may: with what follows from it.

        Raises:
            MlflowException: it may not, with the reason, and the address of the approval that it
                waits for.
        """
        with self._turn():
            try:
                ruling = self._client.write(self._registry(), body)
            except UnreachableError as exc:
                return self._away(exc)
            except RetryableError as exc:
                raise _undecided(exc) from exc
            except NotSignedInError as exc:
                message = f"Stageward: nothing was stored: {self._unsigned(exc)}"
                raise _denied(message) from exc
            except StagewardError as exc:
                message = f"Stageward: nothing was stored: {exc}"
                raise _denied(message) from exc
        if not ruling.allowed:
            where = f"; see {ruling.address}" if ruling.address else ""
            message = f"Stageward: {ruling.detail}{where}"
            raise _denied(message)
        return ruling

    def _known(self) -> Guarded | None:
        """Return what is guarded; None where Stageward has never said it.

        While Stageward is away, what it said last goes on: one write a minute finds that out. No
        other waits for that one: who waits here holds a thread, and none is kept free for it.
        """
        if time.monotonic() < self._fresh_until or not self._lock.acquire(blocking=False):
            return self._guarded
        seconds = FRESH_SECONDS
        try:
            self._guarded = self._client.guarded(self._registry())
        except StagewardError:
            seconds = RETRY_SECONDS if self._guarded is None else FRESH_SECONDS
        finally:
            self._fresh_until = time.monotonic() + seconds
            self._lock.release()
        return self._guarded

    def _registry(self) -> str:
        """Return the alias of the registry that this server is.

        Raises:
            StagewardError: it cannot be found.
        """
        if not self._alias:
            found = [one.alias for one in self._client.registries() if one.type == "mlflow"]
            if len(found) != 1:
                known = ", ".join(found) or "none"
                message = (
                    "which registry of Stageward this server is must be said: set "
                    f"STAGEWARD_MLFLOW_REGISTRY to its alias; MLflow servers there are: {known}"
                )
                raise InvalidInputError(message)
            self._alias = found[0]
        return self._alias

    def _away(self, why: UnreachableError) -> Ruling:
        if self._allows:
            return _UNGOVERNED
        raise _undecided(why) from why

    @contextmanager
    def _turn(self) -> Iterator[None]:
        turns = self._own if _is_own() else self._people
        if not turns.acquire(blocking=False):
            message = "Stageward: too many writes wait for it now; nothing was stored: ask again"
            raise _soon(message)
        try:
            yield
        finally:
            turns.release()


def authenticated() -> str | None:
    """Return the id of whoever MLflow has authenticated for this request, or None.

    MLflow's own application for sign-in says it here. What a request says of itself is no proof.
    """
    name = getattr(g, "mlflow_authenticated_user", None) if has_request_context() else None
    return f"mlflow:{name}" if name else None


def _denied(message: str) -> MlflowException:
    """Return the error of what is not stored.

    What Stageward itself writes comes again: a later decision has overtaken it, or there was a
    fault. If it were refused for good, it would be given up.
    """
    return MlflowException(message, TEMPORARILY_UNAVAILABLE if _is_own() else PERMISSION_DENIED)


def _undecided(why: RetryableError) -> MlflowException:
    """Return the error of what could not be decided now.

    Where others only were faster MLflow's client tries again by itself. Where that would take it
    minutes, and lose these words, it does not.
    """
    message = (
        f"Stageward: nothing was stored, since it cannot be asked now: {why}. What was asked may "
        "have been decided all the same: ask again"
    )
    if _is_own():
        return MlflowException(message, TEMPORARILY_UNAVAILABLE)
    return _soon(message) if type(why) is RetryableError else MlflowException(message, ABORTED)


def _soon(message: str) -> MlflowException:
    """Return the error of what may be asked again soon, and tell whoever asked so."""
    if has_request_context():
        after_this_request(_patience)
    return MlflowException(message, RESOURCE_EXHAUSTED)


def _patience(answer: Response) -> Response:
    answer.headers["Retry-After"] = str(PATIENCE_SECONDS)
    return answer


def _is_own() -> bool:
    """Tell whether Stageward seems to be writing. It is only told otherwise that it may not."""
    agent = request.headers.get("User-Agent", "") if has_request_context() else ""
    return agent == _STAGEWARD


def _folded(name: str) -> str:
    """Return a name as databases may compare it: some without regard to case and blanks."""
    return name.strip().casefold()


def _when_away(settings: Settings) -> WhenAway:
    try:
        return WhenAway(settings.mlflow_when_away)
    except ValueError as exc:
        message = f"STAGEWARD_MLFLOW_WHEN_AWAY: it is {' or '.join(WhenAway)}"
        raise MlflowException(message, INVALID_PARAMETER_VALUE) from exc


def _seconds(settings: Settings) -> float:
    try:
        seconds = float(settings.mlflow_timeout_seconds)
    except ValueError:
        seconds = 0
    if not 0 < seconds <= MOST_SECONDS:
        message = f"STAGEWARD_MLFLOW_TIMEOUT_SECONDS: it is a number up to {MOST_SECONDS}, above 0"
        raise MlflowException(message, INVALID_PARAMETER_VALUE)
    return seconds

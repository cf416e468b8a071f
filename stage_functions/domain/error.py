"""Every error that Stageward raises.

A refusal is a value, not an error. An error is either retryable (the signal is delivered again,
an API request answers 503 with Retry-After) or terminal (trying again changes nothing).

    StagewardError
    ├── RetryableError
    │   ├── ConflictError              the ledger moved under the decision
    │   ├── UnknownOutcomeError        a store's reply was lost: the batch may have been applied
    │   ├── StoreUnavailableError      a store cannot be reached or read
    │   │   └── BeingRestoredError     its ledger is being restored, or was restored by halves
    │   ├── LaterReleaseError          a later release wrote what this one cannot decide on
    │   ├── RegistryUnavailableError   a registry cannot be reached, or answers 429 or 5xx
    │   └── SinkUnavailableError       a sink cannot be reached, or answers 429 or 5xx
    └── TerminalError
        ├── ConfigurationError         a fault in stageward.yaml or the environment
        ├── InvalidInputError          a value that no request may have
        ├── NotSignedInError           nobody is signed in
        │   └── LinkEndedError         a personal link that was good and is no longer
        ├── NotFoundError              no such registry, asset, version, approval or outbox row
        ├── DeniedError                this person may not do this
        ├── StaleError                 the caller decided on something that has changed since
        ├── NotAllowedNowError         right in itself, but not in the present state
        ├── OvertakenError             what was owed is not wanted any more
        ├── RegistryRefusedError       a registry refuses a write for good: 400, 403, 404, a policy
        ├── SinkRefusedError           a sink refuses an event for good: 400, 403, 404
        ├── RowTooLargeError           a row or batch is over the limits of Table Storage
        └── LedgerDamagedError         the ledger contradicts itself
"""

from __future__ import annotations


def why_unread(exc: Exception) -> str:
    """Say why a file cannot be read, in words: no number of the system, nor its name once more."""
    if not isinstance(exc, OSError):
        return "it is no text in UTF-8"
    said = exc.strerror or str(exc)
    return f"{said[:1].lower()}{said[1:]}"


class StagewardError(Exception):
    """Any error of Stageward's own."""


class RetryableError(StagewardError):
    """May succeed when tried again; nothing was lost.

    Attributes:
        retry_after_seconds: how long to wait, where the other side said so.
    """

    def __init__(self, message: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class ConflictError(RetryableError):
    """The rows that a batch was conditional on have changed: load and decide again."""


class UnknownOutcomeError(RetryableError):
    """A store's reply was lost; the batch may or may not have been applied."""


class StoreUnavailableError(RetryableError):
    """A store cannot be reached."""


class BeingRestoredError(StoreUnavailableError):
    """A ledger is being restored from a backup, or that was broken off: nothing works on it."""


class LaterReleaseError(RetryableError):
    """A later release wrote something that this one does not understand: update this instance.

    It may succeed when tried again, since another instance may be up to date already.
    """


class RegistryUnavailableError(RetryableError):
    """A registry cannot be reached, or asks for patience."""


class SinkUnavailableError(RetryableError):
    """A sink cannot be reached, or asks for patience."""


class TerminalError(StagewardError):
    """Trying again changes nothing."""


class ConfigurationError(TerminalError):
    """A fault in the configuration; the message carries file, line and column where known."""


class InvalidInputError(TerminalError):
    """A value that no request may have; the message says what is accepted."""


class NotFoundError(TerminalError):
    """Nothing by that name; the message names what was looked for."""


class NotSignedInError(TerminalError):
    """Nobody is signed in; the message says how to."""


class LinkEndedError(NotSignedInError):
    """A personal link was good and is no longer; the message says what became of the request.

    Attributes:
        approval: the id of the approval that it was for.
        voter: the id of whoever it was sent to, if they voted on it and it is closed; else "".
    """

    def __init__(self, message: str, *, approval: str = "", voter: str = "") -> None:
        super().__init__(message)
        self.approval = approval
        self.voter = voter


class DeniedError(TerminalError):
    """This person may not do this; the message says who may."""


class StaleError(TerminalError):
    """The caller decided on something that has changed since; the message says what changed."""


class NotAllowedNowError(TerminalError):
    """Right in itself, but not in the present state of the asset, approval or registry.

    Attributes:
        code: a stable word for programs, such as `registry-observed`.
    """

    def __init__(self, message: str, *, code: str = "conflict") -> None:
        super().__init__(message)
        self.code = code


class OvertakenError(TerminalError):
    """What was owed is not wanted any more: something was decided since that overtook it."""


class RegistryRefusedError(TerminalError):
    """A registry refuses a write for good."""


class SinkRefusedError(TerminalError):
    """A sink refuses an event for good."""


class RowTooLargeError(TerminalError):
    """A row or batch is over the limits of Table Storage, which hold in every store."""


class LedgerDamagedError(TerminalError):
    """The ledger contradicts itself; nothing is decided on such ground."""

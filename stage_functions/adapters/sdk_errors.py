"""What an error of the Azure SDK means for a store.

Decides, in one map, what each exception of `azure.core` and `azure.data.tables` says about the
request, and translates it into an error of Stageward's own. It does not send, and it does not
retry. A test walks the exceptions of the SDK and fails when one is missing here.

The question is always: may the request have been carried out? Only then is a lost reply an
`UnknownOutcomeError`.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum, StrEnum
from http.client import HTTPException

from azure.core import exceptions as core
from azure.data.tables import RequestTooLargeError, TableTransactionError

from stage_functions.adapters.words import in_a_line
from stage_functions.domain.error import (
    ConflictError,
    InvalidInputError,
    RowTooLargeError,
    StagewardError,
    StoreUnavailableError,
    UnknownOutcomeError,
)

TABLE_NOT_FOUND = "TableNotFound"
_SHOWN_CHARACTERS = 600
_SIGN_IN = (
    "In Azure, give Stageward a managed identity; elsewhere set AZURE_CLIENT_ID, AZURE_TENANT_ID "
    "and AZURE_CLIENT_SECRET, or run `az login`"
)


class Fault(StrEnum):
    """What became of a request."""

    UNAVAILABLE = "unavailable"
    """It was not carried out, and may be later."""
    LOST = "lost"
    """It may have been carried out."""
    CONFLICT = "conflict"
    """It was not carried out: a condition did not hold."""
    TOO_LARGE = "too large"
    """It was not carried out, and never will be."""
    REFUSED = "refused"
    """It was not carried out, and never will be, for another reason than its size."""


FAULTS: Mapping[type[Exception], Fault | None] = {
    core.AzureError: Fault.LOST,
    core.ServiceRequestError: Fault.UNAVAILABLE,
    core.ServiceRequestTimeoutError: Fault.UNAVAILABLE,
    core.ServiceResponseError: Fault.LOST,
    core.ServiceResponseTimeoutError: Fault.LOST,
    core.HttpResponseError: None,
    core.DecodeError: Fault.LOST,
    core.IncompleteReadError: Fault.LOST,
    core.ResourceExistsError: None,
    core.ResourceNotFoundError: None,
    core.ClientAuthenticationError: Fault.UNAVAILABLE,
    core.ResourceModifiedError: None,
    core.ResourceNotModifiedError: None,
    core.TooManyRedirectsError: Fault.UNAVAILABLE,
    core.ODataV4Error: None,
    core.StreamConsumedError: Fault.LOST,
    core.StreamClosedError: Fault.LOST,
    core.ResponseNotReadError: Fault.LOST,
    core.SerializationError: Fault.REFUSED,
    core.DeserializationError: Fault.LOST,
    TableTransactionError: None,
    RequestTooLargeError: Fault.TOO_LARGE,
}
"""By exception, the nearest class first; None where the status decides."""

UNREADABLE = (AttributeError, HTTPException, OSError, ValueError)
"""What the SDK lets through when a reply to a write is cut short or is not one of the service."""

_BY_STATUS: Mapping[int, Fault] = {
    401: Fault.UNAVAILABLE,
    403: Fault.UNAVAILABLE,
    404: Fault.CONFLICT,
    408: Fault.LOST,
    409: Fault.CONFLICT,
    412: Fault.CONFLICT,
    413: Fault.TOO_LARGE,
    429: Fault.UNAVAILABLE,
}
_BY_CODE: Mapping[str, Fault] = {
    TABLE_NOT_FOUND: Fault.UNAVAILABLE,
    "TableBeingDeleted": Fault.UNAVAILABLE,
    "EntityTooLarge": Fault.TOO_LARGE,
    "PropertyNameTooLong": Fault.TOO_LARGE,
    "PropertyValueTooLarge": Fault.TOO_LARGE,
    "RequestBodyTooLarge": Fault.TOO_LARGE,
    "TooManyProperties": Fault.TOO_LARGE,
}


@contextmanager
def translated(what: str, *, repeatable: bool) -> Iterator[None]:
    """Turn every error of the SDK inside the block into one of Stageward's own.

    Args:
        what: what was tried, for the message, such as `commit to ledger`.
        repeatable: whether a second try changes nothing more: a read, or making a table. A lost
            reply then only means that the store is not available.

    Raises:
        ConflictError: a condition of a write did not hold.
        UnknownOutcomeError: a write may have been carried out.
        StoreUnavailableError: nothing was carried out.
        RowTooLargeError: the service finds it too large.
        InvalidInputError: the service refuses it for another reason.
    """
    try:
        yield
    except (core.AzureError, *UNREADABLE) as exc:
        raise error_for(exc, what, repeatable=repeatable) from exc


def error_for(exc: Exception, what: str, *, repeatable: bool) -> StagewardError:
    """Return Stageward's own error for one of the SDK; see `translated`."""
    message = f"{what}: {_in_words(exc)}"
    wait = _retry_after_seconds(exc)
    match fault_of(exc):
        case Fault.TOO_LARGE:
            return RowTooLargeError(message)
        case Fault.REFUSED:
            return InvalidInputError(message)
        case Fault.CONFLICT if not repeatable:
            return ConflictError(message, retry_after_seconds=wait)
        case Fault.LOST if not repeatable:
            return UnknownOutcomeError(message, retry_after_seconds=wait)
        case _:
            return StoreUnavailableError(message, retry_after_seconds=wait)


def fault_of(exc: Exception) -> Fault:
    """Return what an error says about the request that caused it."""
    fault = next((FAULTS[kind] for kind in type(exc).__mro__ if kind in FAULTS), Fault.LOST)
    if fault is None:
        return _fault_of_status(getattr(exc, "status_code", None), error_code(exc))
    if isinstance(exc, core.ServiceRequestError) and _broke_inside_tls(exc):
        return Fault.LOST
    return fault


def error_code(exc: Exception) -> str | None:
    """Return the service's own word for an error, such as `TableNotFound`, where it gave one."""
    code = getattr(exc, "error_code", None) or _headers(exc).get("x-ms-error-code")
    return str(code.value if isinstance(code, Enum) else code) if code else None


def _fault_of_status(status: int | None, code: str | None) -> Fault:
    if code is not None and code in _BY_CODE:
        return _BY_CODE[code]
    if status is None:
        return Fault.LOST
    refused = 400 <= status < 500  # noqa: PLR2004 - as HTTP has it
    return _BY_STATUS.get(status, Fault.REFUSED if refused else Fault.LOST)


def _broke_inside_tls(exc: BaseException) -> bool:
    """Tell whether TLS failed after the certificate was accepted, when the request may be out.

    The SDK counts every failure of TLS among those before sending.
    """
    if isinstance(exc, ssl.SSLError):
        return not isinstance(exc, ssl.SSLCertVerificationError)
    causes = (getattr(exc, "inner_exception", None), *exc.args)
    return any(_broke_inside_tls(cause) for cause in causes if isinstance(cause, BaseException))


def _headers(exc: Exception) -> Mapping[str, str]:
    headers: Mapping[str, str] | None = getattr(getattr(exc, "response", None), "headers", None)
    return {} if headers is None else headers


def _retry_after_seconds(exc: Exception) -> int | None:
    text = _headers(exc).get("Retry-After", "")
    return int(text) if text.isdecimal() else None


def _in_words(exc: Exception) -> str:
    status = getattr(exc, "status_code", None)
    first_line = in_a_line(str(exc).partition("\n")[0], _SHOWN_CHARACTERS)
    if isinstance(exc, core.ClientAuthenticationError) and exc.response is None:
        # Nobody was asked: there is nothing here to sign in with.
        return f"Stageward cannot sign in to Azure: {first_line.rstrip('.')}. {_SIGN_IN}"
    parts = (type(exc).__name__, status, error_code(exc), first_line)
    return " ".join(str(part) for part in parts if part)

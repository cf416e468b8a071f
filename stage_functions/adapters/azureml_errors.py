"""What the answers and failures of Azure ML and its resource manager mean as errors.

Decides what each says about trying again, and what helps where something is not allowed. It sends
nothing. A test walks the exceptions of azure-core and fails when one is missing here.
"""

from __future__ import annotations

from collections.abc import Mapping

from azure.core.exceptions import ClientAuthenticationError

from stage_functions.adapters.sdk_errors import Fault, fault_of
from stage_functions.adapters.sinks import retry_after_seconds
from stage_functions.adapters.words import in_a_line
from stage_functions.domain.error import (
    RegistryRefusedError,
    RegistryUnavailableError,
    StagewardError,
)
from stage_functions.wire.document import entries, member, parsed, text

NOT_FOUND = 404
POLICY = "RequestDisallowedByPolicy"

_UNKNOWN_CALLER = 401
_FORBIDDEN = 403
_PATIENCE = frozenset({401, 408, 409, 412, 425, 429})
"""What may be otherwise later: a conflict is with a write that has begun."""
_SERVER_FAULT = 500
_SHOWN_CHARACTERS = 600
_CODE_CHARACTERS = 80
_ROLES = (
    "give the identity that Stageward runs as a role that allows it: AzureML Data Scientist on "
    "the workspace, or AzureML Registry User on the registry"
)

_IDENTITY = (
    "In Azure, give it a managed identity (AZURE_CLIENT_ID names one that is user-assigned); "
    "elsewhere run `az login`, or set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET"
)


class AzureMlFaultError(RegistryUnavailableError):
    """Azure ML, or the way there, has a fault that may pass.

    Attributes:
        status: the HTTP status; 0 where there was no answer.
        sent: the request may have been carried out.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        sent: bool = True,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.status = status
        self.sent = sent


class AzureMlRefusedError(RegistryRefusedError):
    """Azure ML refuses, in words of its own.

    Attributes:
        status: the HTTP status.
        code: its error code, such as `AuthorizationFailed`, or "".
    """

    def __init__(self, message: str, *, status: int, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class AzureMlMissingError(AzureMlRefusedError):
    """What was asked for is not there, or what it is in is not: see `AzureMlApi.find`."""


def failure(who: str, exc: Exception, doubt: str = "") -> AzureMlFaultError:
    """Return what a request that came to no answer means.

    Args:
        who: the other side, as messages name it.
        exc: of azure-core, or what it lets through.
        doubt: what may be wrong where nobody can be reached, or "".
    """
    words = _cut(str(exc).partition("\n")[0])
    if isinstance(exc, ClientAuthenticationError):
        message = f"{who}: Stageward cannot sign in to Azure: {words.rstrip('.')}. {_IDENTITY}"
        return AzureMlFaultError(message, status=_UNKNOWN_CALLER, sent=False)
    sent = fault_of(exc) is not Fault.UNAVAILABLE
    message = f"{who}: {type(exc).__name__} {words}".rstrip()
    return AzureMlFaultError(message if sent or not doubt else f"{message}. {doubt}", sent=sent)


def fault(who: str, status: int, headers: Mapping[str, str], body: bytes) -> StagewardError:
    """Return the error for an answer that is not the one hoped for.

    Args:
        who: the other side, as messages name it.
        status: the HTTP status.
        headers: of the answer.
        body: of the answer.
    """
    code, said, error = _words(body)
    message = f"{who} answered {status}{f' {code}' if code else ''}: {_cut(said)}"
    foreign = status == NOT_FOUND and not code
    if status in _PATIENCE or status >= _SERVER_FAULT or foreign:
        # A 404 that is not Azure's own says nothing of its assets: a proxy in between, or a wrong
        # path. Taken for an answer, it would empty the registry.
        wait = retry_after_seconds(headers)
        sent = status not in (_UNKNOWN_CALLER, 429)
        return AzureMlFaultError(message, status=status, sent=sent, retry_after_seconds=wait)
    if status == NOT_FOUND:
        return AzureMlMissingError(message, status=status, code=code)
    if code == POLICY:
        message = f"{message} (policy: {_policies(error)})"
    elif status == _FORBIDDEN:
        message = f"{message.rstrip('.')}. To allow it, {_ROLES}"
    return AzureMlRefusedError(message, status=status, code=code)


def _words(body: bytes) -> tuple[str, str, object]:
    """Return the code and message of an answer, and the error whole; in other words, no code."""
    try:
        document = parsed(body)
    except ValueError:
        return "", "not in the words of Azure", None
    error = member(document, "error")
    code = text(error, "code") or text(document, "error_code")  # MLflow's, of the tracking side
    said = text(error, "message") or text(document, "message")
    code = in_a_line(code, _CODE_CHARACTERS)
    return code, said or "without a word", error


def _policies(error: object) -> str:
    """Return the names of the assignments that forbid something."""
    infos = [member(one, "info") for one in entries(error, "additionalInfo")]
    names = [
        text(info, "policyAssignmentDisplayName") or text(info, "policyAssignmentName")
        for info in infos
    ]
    return _cut(", ".join(filter(None, names)) or text(error, "target") or "it names none")


def _cut(words: str) -> str:
    return in_a_line(words, _SHOWN_CHARACTERS)

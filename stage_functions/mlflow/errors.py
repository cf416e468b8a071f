"""Errors of the governed client. Whoever catches MLflow's own exception catches them too.

    mlflow.exceptions.MlflowException
    └── GovernedError         Stageward was asked, and this is not granted; also the answer to what
        │                     cannot be asked: no such model, nobody is signed in, only observed
        ├── PendingError      it waits for an approval
        ├── RefusedError      the lifecycle, a rule or the approvers say no
        └── UnavailableError  Stageward cannot be asked now; it may be asked again

None of them ever means that something was granted. Each can be pickled, as MLflow's own can.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    INTERNAL_ERROR,
    INVALID_PARAMETER_VALUE,
    PERMISSION_DENIED,
    RESOURCE_CONFLICT,
    RESOURCE_DOES_NOT_EXIST,
    TEMPORARILY_UNAVAILABLE,
    UNAUTHENTICATED,
)

from stage_functions.client import NoTokenError, signed_in_by
from stage_functions.domain.error import (
    DeniedError,
    InvalidInputError,
    NotAllowedNowError,
    NotFoundError,
    NotSignedInError,
    RetryableError,
    StagewardError,
    StaleError,
)
from stage_functions.wire import api

_CODES: Mapping[type[StagewardError], int] = {
    DeniedError: PERMISSION_DENIED,
    InvalidInputError: INVALID_PARAMETER_VALUE,
    NotAllowedNowError: RESOURCE_CONFLICT,
    NotFoundError: RESOURCE_DOES_NOT_EXIST,
    NotSignedInError: UNAUTHENTICATED,
    StaleError: RESOURCE_CONFLICT,
}
"""MLflow's word for each of ours; what is not here is a fault."""


class GovernedError(MlflowException):
    """Stageward did not do what was asked, or does not show it; the message says why."""


class PendingError(GovernedError):
    """The request waits for an approval; the stage is what it was.

    Attributes:
        decision: the whole answer.
        version: `registry/models/name:version`.
        approval: id of the approval.
        address: of its page, where it is decided.
        needs: what it still waits for, in words.
    """

    def __init__(self, decision: api.Decision, address: str) -> None:
        """Make the error of an answer; `address` is that of the approval's page."""
        waits = decision.waits_for or ", ".join(decision.needs)
        said = f"pending approval {decision.approval}, needs {waits}"  # as `stage_status` has it
        super().__init__(f"{decision.version}: {said}; see {address}", RESOURCE_CONFLICT)
        self.decision = decision
        self.version = decision.version
        self.approval = decision.approval or ""
        self.address = address
        self.needs = decision.needs

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.decision, self.address)


class RefusedError(GovernedError):
    """The request was refused, or its approval was closed without being given.

    Attributes:
        decision: the whole answer.
        version: `registry/models/name:version`.
        reason: why, in a sentence.
        allowed: stages that may be asked for instead.
        verdicts: of the rules, where they were asked.
        approval: id of the approval that was closed, or "".
    """

    def __init__(self, decision: api.Decision, hint: str = "") -> None:
        """Make the error of an answer; `hint` says what to do in words of this client."""
        said = f"{_about(decision)}; {hint}" if hint else _about(decision)
        super().__init__(said, PERMISSION_DENIED)
        self._hint = hint
        self.decision = decision
        self.version = decision.version
        self.reason = decision.detail
        self.allowed = decision.allowed
        self.verdicts = decision.verdicts
        self.approval = decision.approval or ""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.decision, self._hint)


class UnavailableError(GovernedError):
    """Stageward cannot be asked now, so nothing is granted and no stage is shown."""

    def __init__(self, message: str) -> None:
        """Make the error."""
        super().__init__(message, TEMPORARILY_UNAVAILABLE)


def _about(decision: api.Decision) -> str:
    """Return the answer in a sentence that names the version."""
    named = decision.detail.startswith(decision.version)
    return decision.detail if named else f"{decision.version}: {decision.detail}"


@contextmanager
def translated() -> Iterator[None]:
    """Raise Stageward's errors inside the block as MLflow's."""
    try:
        yield
    except RetryableError as exc:
        raise UnavailableError(str(exc)) from exc
    except NoTokenError as exc:
        raise GovernedError(signed_in_by(str(exc), ""), UNAUTHENTICATED) from exc
    except StagewardError as exc:
        known = (code for type_, code in _CODES.items() if isinstance(exc, type_))
        raise GovernedError(str(exc), next(known, INTERNAL_ERROR)) from exc

"""Asking Stageward for a transition on behalf of MLflow's calls, and waiting for its approval.

Decides what MLflow's `archive_existing_versions` means. An exclusive stage has one holder, which
Stageward displaces in the same commit. At any other stage the others are archived each by a request
of its own, as MLflow archives them; whether each may leave is asked before anything is changed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import timedelta

from mlflow.entities.model_registry.model_version_stages import STAGE_ARCHIVED
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from msgspec import Struct

from stage_functions.client import Client
from stage_functions.domain.approval import ending
from stage_functions.mlflow.errors import (
    GovernedError,
    PendingError,
    RefusedError,
    UnavailableError,
    translated,
)
from stage_functions.mlflow.shown import holder
from stage_functions.wire import api
from stage_functions.wire.granted_api import GrantedModel

POLL_SECONDS = 1.0
_SAY_SO = "to take its place, ask with archive_existing_versions=True"
Wait = float | timedelta
Pause = Callable[[float], None]


class Wish(Struct, frozen=True):
    """A request for a transition.

    Attributes:
        version: `registry/models/name:version`.
        to: the stage to reach, as the lifecycle writes it.
        archive: the others leave that stage.
        reason: why; approvers read it.
        on_behalf_of: id of the person it is asked for, or None.
        emergency: the incident for which it does not wait for approval, or None.
        wait: for how long, at most, an approval is waited for.
    """

    version: str
    to: str
    archive: bool
    reason: str = ""
    on_behalf_of: str | None = None
    emergency: str | None = None
    wait: Wait = 0.0


class Desk(Struct, frozen=True):
    """Where requests are handed in.

    Attributes:
        client: asks Stageward.
        url: where its pages are.
        pause: lets so many seconds pass.
    """

    client: Client
    url: str
    pause: Pause = time.sleep

    def ask(self, wish: Wish, model: GrantedModel) -> api.Decision:
        """Ask for a transition; return the answer that grants it.

        Raises:
            PendingError: it waits for an approval, and has waited for as long as was said.
            RefusedError: it was refused, or its approval was not given.
            MlflowException: others are to be archived where MLflow archives none.
            UnavailableError, GovernedError: as their names say.
        """
        others = self._others(wish, model)
        held = holder(wish.to, model) if wish.to in model.exclusive else ""
        taken = bool(held) and not wish.archive and f"{model.asset}:{held}" != wish.version
        answer = self._granted(wish, taken=taken)
        for other in others:
            self._granted(other)
        return answer

    def _granted(self, wish: Wish, *, taken: bool = False) -> api.Decision:
        with translated():
            answer = self.client.transition(
                wish.version,
                wish.to,
                reason=wish.reason,
                archive_existing_versions=wish.archive,
                on_behalf_of=wish.on_behalf_of,
                emergency=wish.emergency,
            )
        if answer.outcome == "pending":
            return self._waited(answer, wish)
        if answer.outcome not in ("granted", "unchanged"):
            raise RefusedError(answer, _SAY_SO if taken and self._would_displace(wish) else "")
        return answer

    def _would_displace(self, wish: Wish) -> bool:
        """Tell whether nothing but the holder of the stage stands against a request."""
        try:
            with translated():
                found = self.client.check(
                    wish.version, "transition", to=wish.to, reason=wish.reason
                )
        except GovernedError:
            return False  # what was refused is said all the same
        return found.outcome in ("granted", "pending")

    def _waited(self, pending: api.Decision, wish: Wish) -> api.Decision:
        """Wait for an approval; a Stageward that is away for a while ends nothing."""
        wait = wish.wait
        left = wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
        ends = time.monotonic() + left if math.isfinite(left) else math.inf
        id_ = pending.approval or ""
        while (left := ends - time.monotonic()) > 0:
            self.pause(min(POLL_SECONDS, left))
            try:
                with translated():
                    approval = self.client.approval(id_)
            except UnavailableError:
                continue
            if approval.status != "open":
                return _closed(pending, approval)
        raise PendingError(pending, f"{self.url}/approvals/{id_}")

    def _others(self, wish: Wish, model: GrantedModel) -> list[Wish]:
        """Return requests to archive the other versions at a stage, each of which may be made.

        Raises:
            RefusedError: one of them may not leave, or not without an approval.
        """
        if not wish.archive or wish.to in model.exclusive:
            return []
        idle = (model.initial, STAGE_ARCHIVED, *model.terminal)
        if wish.to in idle:
            active = [stage for stage in model.stages if stage not in idle]
            message = (
                "Model version transition cannot archive existing model versions "
                f"because '{wish.to}' is not an Active stage. Valid stages are {active}"
            )
            raise MlflowException(message, INVALID_PARAMETER_VALUE)
        numbers = sorted(model.versions, key=lambda number: (len(number), number))
        there = [number for number in numbers if model.versions[number].stage == wish.to]
        others = [name for number in there if (name := f"{model.asset}:{number}") != wish.version]
        why = f"{wish.version} takes its place at {wish.to} (archive_existing_versions)"
        wishes = [
            Wish(name, STAGE_ARCHIVED, False, why, wish.on_behalf_of)  # noqa: FBT003  # a field
            for name in others
        ]
        for other in wishes:
            self._demand_free(other, wish)
        return wishes

    def _demand_free(self, other: Wish, wish: Wish) -> None:
        with translated():
            found = self.client.check(other.version, "transition", to=other.to, reason=other.reason)
        if found.outcome not in ("granted", "unchanged"):
            detail = (
                f"{other.version} would not be archived at once, so nothing was changed: "
                f"{found.detail}. Ask with archive_existing_versions=False, or archive it first"
            )
            raise RefusedError(
                api.Decision(
                    outcome="refused",
                    changed=False,
                    version=wish.version,
                    stage="",
                    detail=detail,
                    allowed=found.allowed_stages,
                    verdicts=found.verdicts,
                )
            )


def _closed(pending: api.Decision, approval: api.Approval) -> api.Decision:
    granted = approval.status == "approved"
    answer = api.Decision(
        outcome="granted" if granted else "closed",
        changed=granted and not (approval.renews or approval.ratifies),
        version=pending.version,
        stage=approval.to_stage if granted else pending.stage,
        detail=ending(approval.status, approval.why),
        approval=approval.id,
        status=approval.status,
        verdicts=approval.verdicts,
        displaces=approval.displaces if granted else (),
    )
    if not granted:
        raise RefusedError(answer)
    return answer

"""An open approval as it is decided on, what a command does to it, and what has changed since.

Shared by votes, grants and ratifications.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Struct, field

from stage_functions.application.context import Context
from stage_functions.application.judging import as_sealed_now
from stage_functions.application.ledger import Loaded
from stage_functions.domain.approval import Approval, Binding
from stage_functions.domain.asset import Snapshot
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.lifecycle import Lifecycle, course
from stage_functions.domain.state import Step


class Case(Struct, frozen=True):
    """An open approval with everything that a decision on it is made on.

    Attributes:
        lifecycle: the one that governs the asset.
        loaded: the asset, with the approval and its version.
        step: the decision so far.
        approval: as it stands now.
        now: aware UTC.
    """

    lifecycle: Lifecycle
    loaded: Loaded
    step: Step
    approval: Approval
    now: datetime


class Ruling(Struct, frozen=True):
    """What a command does to an approval.

    Attributes:
        loaded: the asset, with everything loaded that the ruling touches.
        step: the decision.
        blobs: documents by digest that its records refer to.
        note: what else to tell whoever gave the command.
    """

    loaded: Loaded
    step: Step
    blobs: Mapping[str, bytes] = field(default_factory=dict)
    note: str = ""


def changed(
    context: Context,
    step: Step,
    snapshot: Snapshot,
    approval: Approval,
    bound: Binding | None,
    blobs: Mapping[str, bytes],
) -> str:
    """Say what of that which an approval is bound to has changed, and by whom.

    Args:
        context: the context.
        step: the decision so far.
        snapshot: the version as its registry shows it.
        approval: the one.
        bound: what it would be bound to now; None where the transition is not allowed now.
        blobs: documents by digest that this refers to.
    """
    from stage_functions.application.changes import (  # noqa: PLC0415  # seldom has one changed
        bound_changes,
        in_brief,
        nameless,
        of_the_registry,
    )

    said, stage = "changed since it was asked: ", step.version(approval.version).stage
    if bound is None:
        return f"{said}{course(stage, approval.binding.target)} is not allowed now"
    sealed = as_sealed_now(context, approval.binding)
    then = nameless(_known(context.ledger.blob(approval.binding.evidence)))
    now = nameless(_known(blobs.get(bound.evidence)))
    lines = bound_changes(sealed, bound, then, now)
    said = f"{said}{in_brief(lines or approval.binding.differences(bound))}"
    if not of_the_registry(sealed, bound):
        return said
    modified = snapshot.modified_by
    return f"{said} (by {context.identify(modified) if modified else 'an unknown writer'})"


def _known(document: bytes | None) -> Evidence:
    return Evidence.kept(msgspec.json.decode(document)) if document is not None else Evidence()

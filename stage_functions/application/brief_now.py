"""What has changed since an approval opened: by the same path that judges it at the quorum.

Nothing is committed. A registry that cannot be read is said, and never taken for a change.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from stage_functions.application.brief_people import someone
from stage_functions.application.changes import (
    bound_changes,
    each,
    evidence_changes,
    of_the_registry,
)
from stage_functions.application.context import Context
from stage_functions.application.judging import Judged, as_sealed_now, judge, weigh
from stage_functions.application.ledger import Loaded
from stage_functions.application.ratifying import bound_now
from stage_functions.domain.approval import Approval, Binding
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.beside import OF_AUTHORS, Beside, unbound_tags
from stage_functions.domain.error import (
    NotFoundError,
    RegistryRefusedError,
    RegistryUnavailableError,
)
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.facts import binding
from stage_functions.domain.grounds import Grounds
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.rule import Verdict
from stage_functions.domain.transition import Refused, Request, Unchanged


class Present(Struct, frozen=True):
    """How an open approval compares with what is there now.

    Attributes:
        unreadable: why it could not be compared, or "".
        bound: changes that void it at the vote that reaches the quorum.
        unbound: changes that do not.
        refused: why it would be refused now though nothing bound has changed, or "".
        verdicts: of the rules now; None where they were not asked.
        snapshot: the version as its registry shows it, or None.
    """

    unreadable: str = ""
    bound: tuple[str, ...] = ()
    unbound: tuple[str, ...] = ()
    refused: str = ""
    verdicts: tuple[Verdict, ...] | None = None
    snapshot: Snapshot | None = None


def present(
    context: Context, loaded: Loaded, approval: Approval, evidence: Evidence, beside: Beside | None
) -> Present:
    """Compare an open approval with what is there now.

    Args:
        context: the context.
        loaded: the asset with the approval's version.
        approval: an open one.
        evidence: what it is bound to.
        beside: what was shown beside that, where it was kept.
    """
    version = Version(loaded.asset, approval.version)
    try:
        lifecycle = context.lifecycle(loaded.asset)
        snapshot = context.registry(loaded.asset.registry).read(version)
        if snapshot is None:
            return Present(bound=(f"{version} is no longer in its registry",))
        if snapshot.incarnation != approval.binding.incarnation:
            return Present(bound=(f"{version} was deleted and registered anew",), snapshot=snapshot)
        judged, now_bound, known = _judged(context, lifecycle, loaded, approval, snapshot)
        unbound = _unbound(context, lifecycle, approval, snapshot, beside)
    except NotFoundError as exc:
        return Present(bound=(str(exc),))
    except (RegistryUnavailableError, RegistryRefusedError) as exc:
        return Present(unreadable=str(exc))
    then = approval.binding
    if then != now_bound:
        then = as_sealed_now(context, then)
    bound = bound_changes(then, now_bound, evidence, known)
    if bound and snapshot.modified_by and of_the_registry(then, now_bound):
        writer = someone(context, context.identify(snapshot.modified_by)).name
        bound = (*bound, f"the registry says that {writer} wrote it last")
    refused = judged.outcome.why if isinstance(judged.outcome, Refused) and not bound else ""
    verdicts = judged.grounds.verdicts if judged.binding is not None else None
    return Present("", bound, unbound, refused, verdicts, snapshot)


def _judged(
    context: Context,
    lifecycle: Lifecycle,
    loaded: Loaded,
    approval: Approval,
    snapshot: Snapshot,
) -> tuple[Judged, Binding, Evidence]:
    """Judge the request anew; return that with what it would be bound to and the evidence now."""
    target = approval.binding.target
    request = Request(target, approval.reason, approval.requester, approval.on_behalf_of)
    step, now = loaded.step(), context.clock.now()
    state = step.version(approval.version)
    if approval.ratifies:
        bound, blobs = bound_now(context, lifecycle, approval, snapshot)
        known = Evidence.kept(msgspec.json.decode(blobs[bound.evidence]))
        return Judged(Unchanged(state.stage), Grounds(lifecycle)), bound, known
    way = lifecycle.renewal(state.stage, state.held) if approval.renews else None
    if way is not None and way.target == target:
        judged = weigh(context, lifecycle, step, snapshot, way, request, now)
    else:
        judged = judge(context, lifecycle, step, snapshot, request, now)
    if judged.binding is not None:
        document = msgspec.json.decode(judged.blobs[judged.binding.evidence])
        return judged, judged.binding, Evidence.kept(document)
    evidence = context.evidence(snapshot)
    stage = state.stage
    displaces = approval.binding.displaces
    sealed, _ = evidence.sealed()
    return judged, binding(lifecycle, snapshot, stage, target, displaces, sealed), evidence


def _unbound(
    context: Context,
    lifecycle: Lifecycle,
    approval: Approval,
    snapshot: Snapshot,
    beside: Beside | None,
) -> tuple[str, ...]:
    lines: tuple[str, ...] = ()
    if beside is not None:
        registry = context.configuration.registry(snapshot.version.asset.registry)
        kept = {key: text for key, text in beside.tags.items() if key not in OF_AUTHORS}
        lines = each("tag", kept, unbound_tags(lifecycle, registry, snapshot))
    if not approval.holder_evidence:
        return lines
    then = context.kept_evidence(approval.holder_evidence)
    holder = Version(snapshot.version.asset, approval.holder)
    found = context.registry(holder.asset.registry).read(holder)
    if found is None:
        return (*lines, f"version {holder.number}, which it is compared with, is no longer there")
    if then is None:
        return lines
    said = evidence_changes(then, context.evidence(found))
    return (*lines, *(f"version {holder.number}, {line}" for line in said))

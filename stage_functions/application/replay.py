"""Which requests of the past a draft of the configuration would have decided otherwise, and why.

Each request since a moment is judged once more, by the draft, on what is kept of that moment: see
`replay_facts`. Of one that waited for approval the votes that were cast are counted once more too.
What cannot be known is unknown, with the reason; it is never guessed, and never counted as the
same. Groups are those of the draft, but for voters, whose groups were kept with their votes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.context import Context
from stage_functions.application.judging import rules_of
from stage_functions.application.replay_facts import Old, Unknown, answers, later_answers, old, then
from stage_functions.domain.approval import Approval, Status
from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.lifecycle import Lifecycle, Transition
from stage_functions.domain.people import Attribution
from stage_functions.domain.record import Record, minute
from stage_functions.domain.replay_history import Past, requests
from stage_functions.domain.replay_votes import WAITS, Came, came
from stage_functions.domain.rule import Result, Verdict
from stage_functions.domain.state import VersionState
from stage_functions.domain.transition import Refused, Request, lawful, was_barred

PAGE = 1000
MAX_CASES = 1000
"""Of one answer; the next one goes on behind them."""
_GRANTED, _REFUSED, _UNKNOWN = "granted", "refused", "unknown"
_NOTHING_MOVED = frozenset({Status.OPEN, Status.WITHDRAWN, Status.VOIDED, Status.EXPIRED, WAITS})
"""Ways in which a request that waited came to nothing, or has not come to anything yet."""


class Same(StrEnum):
    """Whether a draft decides as it was decided."""

    SAME = "same"
    DIFFERS = "differs"
    UNKNOWN = "unknown"


class Case(Struct, frozen=True):
    """A request that a draft decides otherwise, or of which that cannot be known.

    Attributes:
        version: which version it was about.
        number: of the record that says what came of it.
        at: when.
        source: the stage that it had.
        target: what was asked for.
        requester: id of who asked, or "".
        came: what came of it: granted, refused, approved, rejected, withdrawn, expired, voided or
            open.
        would: what it would have come to: granted, refused, approved, rejected, voided, expired,
            waits, or unknown.
        why: in words.
    """

    version: str
    number: int
    at: datetime
    source: str
    target: str
    requester: str
    came: str
    would: str
    why: str


class Replay(Struct, frozen=True):
    """What a replay came to, as far as it has got.

    Attributes:
        same: requests that are decided as they were.
        differs: those that are not.
        unknown: those of which that cannot be known.
        cases: of the latter two.
        behind: the last asset that was looked at, where there are more; else "".
    """

    same: int = 0
    differs: int = 0
    unknown: int = 0
    cases: tuple[Case, ...] = ()
    behind: str = ""


class _Counts(Struct):
    """Counts while assets are looked at; mutable only inside `replay`."""

    counts: dict[Same, int] = field(default_factory=lambda: dict.fromkeys(Same, 0))
    cases: list[Case] = field(default_factory=list)

    def replay(self, behind: str) -> Replay:
        same, differs, unknown = (self.counts[one] for one in Same)
        return Replay(same, differs, unknown, tuple(self.cases), behind)


def replay(
    context: Context, since: datetime, *, glob: str = "*", behind: str = "", seconds: float = 20
) -> Replay:
    """Judge the requests since a moment by the configuration of a context.

    Args:
        context: as it is under a draft; nothing is committed.
        since: aware UTC.
        glob: over `registry/kind/name`.
        behind: only assets behind this one, in the order of the ledger.
        seconds: after which no further asset is begun.

    Raises:
        StoreUnavailableError: try again.
        LedgerDamagedError: a record cannot be read.
    """
    end = context.clock.now() + timedelta(seconds=seconds)
    found, waiting = _Counts(), bool(behind)
    for asset in context.ledger.assets():
        if waiting:
            waiting = str(asset) != behind
            continue
        if not fnmatchcase(str(asset), glob):
            continue
        for case, same in _of_asset(context, asset, since):
            found.counts[same] += 1
            found.cases += [case] if same is not Same.SAME else []
        if context.clock.now() >= end or len(found.cases) >= MAX_CASES:
            return found.replay(str(asset))
    return found.replay("")


def _of_asset(context: Context, asset: Asset, since: datetime) -> Iterator[tuple[Case, Same]]:
    loaded = context.ledger.load(asset)
    if loaded.head.at is None or loaded.head.at < since:
        return
    texts: dict[str, Old | None] = {}
    for past in requests(_records(context, asset), since):
        if past.lifecycle not in texts:
            texts[past.lifecycle] = old(context, past.lifecycle)
        kept = context.ledger.more(loaded, approval=past.approval) if past.approval else loaded
        approval = kept.approvals.get(past.approval)
        yield _judged(context, asset, past, approval, texts[past.lifecycle])


def _records(context: Context, asset: Asset) -> Iterator[Record]:
    partition, after = keys.asset_partition(asset), 0
    while page := context.ledger.records(partition, after=after, limit=PAGE):
        yield from page
        after = page[-1].number


def _judged(
    context: Context, asset: Asset, past: Past, approval: Approval | None, before: Old | None
) -> tuple[Case, Same]:
    came_to = str(approval.status) if approval is not None else past.outcome
    would, why = _would(context, asset, past, approval, before)
    case = Case(
        version=str(Version(asset, past.record.version)),
        number=past.record.number,
        at=past.record.at,
        source=past.source,
        target=past.target,
        requester=past.requester.id,
        came=came_to,
        would=would,
        why=why,
    )
    if would == _UNKNOWN:
        return case, Same.UNKNOWN
    alike = came_to == would or {came_to, would} <= _NOTHING_MOVED
    return case, Same.SAME if alike else Same.DIFFERS


def _would(
    context: Context, asset: Asset, past: Past, approval: Approval | None, before: Old | None
) -> tuple[str, str]:
    """Return what a request would have come to, and why."""
    lifecycle = context.governing(asset)
    if lifecycle is None:
        return _UNKNOWN, "no lifecycle of the draft governs it"
    if past.approval and approval is None:
        return _UNKNOWN, f"approval {past.approval} is not kept"
    request = _request(past, lifecycle, before)
    stage = lifecycle.renamed.get(past.source, past.source)
    state = replace(past.state, stage=stage)
    if stage not in lifecycle.stages:
        return _UNKNOWN, f"the draft has no stage {stage}, where it stood"
    way = lawful(lifecycle, state, request, context.configuration.directory)
    if isinstance(way, Refused):
        return _refused(context, lifecycle, state, request, way)
    return _by_way(context, lifecycle, asset, replace(past, state=state), approval, before, way)


def _by_way(
    context: Context,
    lifecycle: Lifecycle,
    asset: Asset,
    past: Past,
    approval: Approval | None,
    before: Old | None,
    way: Transition,
) -> tuple[str, str]:
    """Return what a request would have come to that a transition of the draft leads to."""
    request, version = _request(past, lifecycle, before), Version(asset, past.state.version)
    found = then(context, lifecycle, version, past, approval, before)
    rules = rules_of(lifecycle, way)
    would = _against(answers(context, lifecycle, rules, past, found, before, request))
    if _was_in_the_way(past, before) and (would is None or would[0] == _UNKNOWN):
        return _UNKNOWN, f"it was refused for what was in its way then: {past.text('why')}"
    if would is not None:
        return would
    came_to = _let_through(context, approval, way)
    if came_to.at is None:
        return came_to.to, came_to.why
    later = _against(later_answers(context, lifecycle, rules, past, found, request, came_to.at))
    if later is None:
        return came_to.to, came_to.why
    to = Status.VOIDED if later[0] == _REFUSED else later[0]
    return to, f"{came_to.why}, but at {minute(came_to.at)}: {later[1]}"


def _against(answered: tuple[Verdict | Unknown, ...]) -> tuple[str, str] | None:
    """Return what stands against a request in the answers of rules, or None."""
    refused = [
        one.sentence
        for one in answered
        if isinstance(one, Verdict) and one.result is not Result.PASSED
    ]
    if refused:
        return _REFUSED, "; ".join(refused)
    unknown = [f"{one.rule}: {one.why}" for one in answered if isinstance(one, Unknown)]
    return (_UNKNOWN, "; ".join(unknown)) if unknown else None


def _refused(
    context: Context, lifecycle: Lifecycle, state: VersionState, request: Request, refused: Refused
) -> tuple[str, str]:
    """Return what a refusal before any rule comes to: which groups Entra named is not kept."""
    found = lifecycle.transition(state.stage, request.target)
    entra = context.configuration.directory.entra
    asking = found.requesters if found is not None and refused.barred else ()
    named = [one for one in asking if one in entra]
    if named and request.requester.attribution is Attribution.PROVEN:
        who, groups = request.requester.id, " or ".join(named)
        return _UNKNOWN, f"whether Entra named {who} a member of {groups} then is not kept"
    return _REFUSED, refused.why


def _let_through(context: Context, approval: Approval | None, way: Transition) -> Came:
    """Return what a request comes to whose rules have passed."""
    if way.approval is None:
        return Came(_GRANTED, "it takes no approval")
    if approval is None:
        return Came(WAITS, f"it takes approval: {_demands(way)}")
    found = came(approval, way.approval, context.configuration.directory, context.clock.now())
    if approval.status is Status.VOIDED and found.to == Status.APPROVED:
        return Came(_UNKNOWN, f"{found.why}, but it was voided: {approval.why}")
    return found


def _was_in_the_way(past: Past, before: Old | None) -> bool:
    """Tell whether a request was refused, but by no lifecycle, no rule, and not for who asked.

    It was for what else was open or stood there, or since it was no emergency: whether that
    would have been so under a draft depends on all that was decided before. Where rules were asked
    they passed; where they were not, a transition led there all the same.
    """
    given = past.record.content.get("verdicts", [])
    results = (
        [one.get("result") for one in given if isinstance(one, dict)]
        if isinstance(given, list)
        else []
    )
    failed = not all(one == Result.PASSED for one in results)
    if past.outcome != _REFUSED or failed or was_barred(past.text("why")):
        return False
    led = before is None or (past.source, past.target) in before.ways
    return bool(past.text("fingerprint")) or led


def _demands(way: Transition) -> str:
    policy = way.approval
    if policy is None:
        return ""
    groups = ", ".join(f"{count} of {group}" for group, count in policy.groups.items() if count)
    return f"{policy.quorum} in all" + (f", {groups}" if groups else "")


def _request(past: Past, lifecycle: Lifecycle, before: Old | None) -> Request:
    """Return a request as it was; a stage that was called otherwise then has its name of now."""
    was_stage = before is None or past.target in before.stages
    return Request(
        target=lifecycle.renamed.get(past.target, past.target) if was_stage else past.target,
        reason=past.text("reason"),
        requester=past.requester,
        on_behalf_of=past.text("on_behalf_of"),
    )

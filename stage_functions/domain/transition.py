"""The decision: granted, pending or refused. Pure: what it needs to know, it is given.

In this order, and the first that does not hold refuses:

1. the request names a stage, and a transition of the lifecycle leads there; or it names the stage
   that the version has, whose approval has an end: then it asks to renew that; and nothing bars the
   version itself (`blocked`);
2. who asks may ask (`requesters`); a request that nobody is proven to have made may not, there;
3. every rule passed; one that errored never grants;
4. no other approval of this version is open, and not too much is displaced at once;
5. where consent is demanded, the outcome is pending until an approval grants it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from msgspec import Struct

from stage_functions.domain.approval import Approval, Span
from stage_functions.domain.blocked import blocked
from stage_functions.domain.hint import meant
from stage_functions.domain.lifecycle import Lifecycle, Transition, course
from stage_functions.domain.marks import unratified, unreviewed
from stage_functions.domain.people import Actor, Attribution, Directory
from stage_functions.domain.record import Json
from stage_functions.domain.rule import Result, Verdict, all_passed
from stage_functions.domain.state import AssetState, VersionState

MAX_DISPLACED = 25
MAX_OPEN_APPROVALS = 50
ANY_STAGE = "<stage>"
"""Stands for a stage that the reader is to choose."""
ALIKE = 0.85
"""From which likeness on a name is taken for a slip of another: `Produciton`, not `Prod`."""
LETTERS_AMISS = 2
"""How much longer or shorter it may be: `PreProduction` is no slip of `Production`."""


_MAY_ASK = " may ask for "


class Request(Struct, frozen=True):
    """Someone's wish for a transition, however it arrived.

    Attributes:
        target: the stage asked for.
        reason: in the requester's words.
        requester: who asks, and how surely that is known.
        on_behalf_of: id of the person it is asked for, or "".
        candidates: ids of whoever may have asked, where nobody is proven to have.
        by_tag: it came from a tag, so the reason for a refusal says how to ask again by tag.
        asked: within which it was asked, where that was by tag.
    """

    target: str
    reason: str
    requester: Actor
    on_behalf_of: str = ""
    candidates: tuple[str, ...] = ()
    by_tag: bool = False
    asked: Span | None = None

    def said(self) -> dict[str, Json]:
        """Return, as records carry it, what was said with it."""
        reason: dict[str, Json] = {"reason": self.reason} if self.reason else {}
        return {**reason, **({"on_behalf_of": self.on_behalf_of} if self.on_behalf_of else {})}


class Granted(Struct, frozen=True):
    """The transition takes place.

    Attributes:
        transition: the way it takes.
        displaces: versions that leave an exclusive stage for it.
        verdicts: of its rules.
    """

    transition: Transition
    displaces: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()


class Pending(Struct, frozen=True):
    """It waits for approval.

    Attributes:
        transition: the way it would take.
        displaces: versions that the grant would displace.
        verdicts: of its rules.
        approval: the one open for the same wish already, or None.
    """

    transition: Transition
    displaces: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    approval: Approval | None = None


class Refused(Struct, frozen=True):
    """It does not take place.

    Attributes:
        why: in words, without the stages.
        allowed: the stages that may be asked for.
        verdicts: of its rules, where they were asked.
        asked: the stage asked for, where a transition leads there and is refused all the same.
        barred: it is refused because of who asks.
        meant: the stage that was meant by what is none, or "".
    """

    why: str
    allowed: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    asked: str = ""
    barred: bool = False
    meant: str = ""


class Unchanged(Struct, frozen=True):
    """It stands there already.

    Attributes:
        stage: where.
    """

    stage: str


Outcome = Granted | Pending | Refused | Unchanged


def lawful(
    lifecycle: Lifecycle, state: VersionState, request: Request, directory: Directory
) -> Transition | Refused:
    """Return the transition a request may take as far as no rule is asked, or the refusal."""
    transition = leading(lifecycle, state, request)
    if isinstance(transition, Refused):
        return transition
    why = barred(transition, request.requester, directory)
    allowed = lifecycle.allowed(state.stage)
    return Refused(why, allowed, asked=request.target, barred=True) if why else transition


def leading(lifecycle: Lifecycle, state: VersionState, request: Request) -> Transition | Refused:
    """Return the transition that a request names, whoever asks; or why there is none now."""
    allowed = lifecycle.allowed(state.stage)
    if request.target not in lifecycle.stages:
        shown = request.target or "nothing"
        if request.target in lifecycle.renamed:
            now = lifecycle.renamed[request.target]
            return Refused(f"{shown} is called {now} now", allowed)
        why = f"'{shown}' is no stage of the lifecycle {lifecycle.name}"
        return Refused(why, allowed, meant=meant(request.target, lifecycle.stages))
    transition = (
        lifecycle.transition(state.stage, request.target)
        if request.target != state.stage
        else lifecycle.renewal(state.stage, state.held)
    )
    if transition is None:
        return Refused(f"{course(state.stage, request.target)} is not allowed", allowed)
    why = (
        blocked(state)
        or unreviewed(lifecycle, state, request.target)
        or unratified(lifecycle, state, request.target)
    )
    return Refused(why, allowed, asked=request.target) if why else transition


def barred(transition: Transition, requester: Actor, directory: Directory) -> str:
    """Say why somebody may not ask for a transition; an empty text if they may."""
    if not transition.requesters or _may_ask(transition, requester, directory):
        return ""
    groups = " or ".join(transition.requesters)
    proven = requester.attribution is Attribution.PROVEN
    how = "you are not in it" if proven else "ask with `stageward promote`, signed in"
    return f"only {groups}{_MAY_ASK}{course(transition.source, transition.target)}; {how}"


def was_barred(why: str) -> bool:
    """Tell whether a refusal of the past was because of who asked: by what was said of it."""
    return why.startswith("only ") and _MAY_ASK in why


def renewable(lifecycle: Lifecycle, state: VersionState, request: Request) -> bool:
    """Tell whether a request for the stage that a version has asks to renew its approval.

    It does where that approval has an end, and where it is certain who asks.
    """
    return (
        request.target == state.stage
        and state.valid_until is not None
        and request.requester.attribution is Attribution.PROVEN
        and lifecycle.renewal(state.stage, state.held) is not None
    )


def displaced_by(
    lifecycle: Lifecycle, state: AssetState, version: str, target: str
) -> tuple[str, ...]:
    """Return the versions that leave an exclusive stage when this one takes it."""
    if not lifecycle.stages[target].exclusive:
        return ()
    return tuple(sorted(held for held in state.holders.get(target, ()) if held != version))


def decide(
    lifecycle: Lifecycle,
    state: AssetState,
    version: str,
    request: Request,
    verdicts: tuple[Verdict, ...],
    directory: Directory,
) -> Outcome:
    """Decide on a request; see the module for the order.

    Args:
        lifecycle: the one that governs the asset.
        state: the asset, with this version and its open approval loaded.
        version: its number.
        request: what is asked, and by whom.
        verdicts: of the transition's rules; empty when `lawful` refuses.
        directory: who is who now.
    """
    current = state.versions[version]
    if request.target == current.stage and not renewable(lifecycle, current, request):
        return Unchanged(current.stage)
    transition = lawful(lifecycle, current, request, directory)
    if isinstance(transition, Refused):
        return transition
    allowed = lifecycle.allowed(current.stage)
    if not all_passed(verdicts):
        return Refused(rule_sentence(verdicts), allowed, verdicts, asked=transition.target)
    displaces = displaced_by(lifecycle, state, version, transition.target)
    why = too_many(displaces)
    if why:
        return Refused(why, allowed, verdicts, asked=transition.target)
    if transition.approval is None:
        return Granted(transition, displaces, verdicts)
    return _pending(state, version, Pending(transition, displaces, verdicts), allowed)


def _pending(
    state: AssetState, version: str, pending: Pending, allowed: tuple[str, ...]
) -> Pending | Refused:
    approval = state.approval_of(version)
    if approval is None:
        if len(state.open_approvals) >= MAX_OPEN_APPROVALS:
            why = f"{MAX_OPEN_APPROVALS} approvals of this asset are open; decide or withdraw some"
            return Refused(why, allowed, pending.verdicts, asked=pending.transition.target)
        return pending
    if approval.binding.target == pending.transition.target:
        return Pending(pending.transition, pending.displaces, pending.verdicts, approval)
    binding = approval.binding
    what = course(binding.source, binding.target) if approval.renews else binding.target
    why = (
        f"approval {approval.id} for {what} is open; "
        f"withdraw it first: `stageward withdraw {approval.id}`"
    )
    return Refused(why, allowed, pending.verdicts, asked=pending.transition.target)


def _may_ask(transition: Transition, requester: Actor, directory: Directory) -> bool:
    if requester.attribution is not Attribution.PROVEN:
        return False
    return bool(set(directory.groups_of(requester.id)) & set(transition.requesters))


def too_many(displaces: tuple[str, ...]) -> str:
    """Say why so many versions are not displaced at once; an empty text if they are."""
    if len(displaces) <= MAX_DISPLACED:
        return ""
    return f"it would displace {len(displaces)} versions, more than {MAX_DISPLACED} at once"


def rule_sentence(verdicts: tuple[Verdict, ...]) -> str:
    """Say which rules did not pass, and what they saw."""
    return "; ".join(v.sentence for v in verdicts if v.result is not Result.PASSED)


def refusal_words(refused: Refused, *, ask_again: str = "") -> str:
    """Say a refusal whole: why, what else is allowed, and how to ask again by tag.

    The stage that was just refused is not called allowed; whom a refusal bars is told only why.
    """
    others = tuple(stage for stage in refused.allowed if stage != refused.asked)
    text = refused.why
    if refused.meant:
        text += f" (did you mean '{refused.meant}'?)"
    if others and not refused.barred:
        text += f"; allowed: {', '.join(others)}"
    elif not refused.allowed:
        text += "; nothing is allowed"
    return f"{text}; to ask again: {ask_again}: <new reason>" if ask_again else text


def ask_again(refused: Refused, request: Request, lifecycle: Lifecycle) -> str:
    """Return the stage to name when a refused request is made again by tag; "" for none.

    It is the one that was asked for, or the one that was meant: never a stage nobody asked for.
    """
    if not request.by_tag or refused.barred or not refused.allowed:
        return ""
    if request.target in refused.allowed:
        return request.target
    slip = "" if request.target in lifecycle.stages else near(request.target, refused.allowed)
    return slip or ANY_STAGE


def near(text: str, stages: Sequence[str]) -> str:
    """Return the stage that a text means but for its letters' case or a slip; "" for none."""
    folded = {stage.casefold(): stage for stage in stages}
    wanted = text.strip().casefold()
    found = get_close_matches(wanted, folded, n=1, cutoff=ALIKE)
    slip = bool(found) and abs(len(found[0]) - len(wanted)) <= LETTERS_AMISS
    return folded[found[0]] if slip else ""


def grounds(outcome: Outcome) -> Mapping[str, str]:
    """Say an outcome in a word and a sentence: `outcome` and `detail`."""
    match outcome:
        case Granted(transition=transition):
            return {"outcome": "granted", "detail": f"{transition.source} → {transition.target}"}
        case Pending(transition=transition):
            detail = f"{course(transition.source, transition.target)} waits for approval"
            return {"outcome": "pending", "detail": detail}
        case Refused():
            return {"outcome": "refused", "detail": refusal_words(outcome)}
        case Unchanged(stage=stage):
            return {"outcome": "unchanged", "detail": f"stands at {stage} already"}

"""What a brief says in sentences: the question, who asked, what happens on each decision. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from stage_functions.application.brief import Brief
from stage_functions.domain.approval import Status
from stage_functions.domain.demands import span
from stage_functions.domain.lifecycle import Assurance, WhenInvalid
from stage_functions.domain.people import Attribution
from stage_functions.web.pages import ratify_words

_AFTERWARDS: Mapping[WhenInvalid, str] = {
    WhenInvalid.NOTIFY: "then its people are told, and nothing else changes",
    WhenInvalid.BLOCK: "then deployment checks refuse it until it is approved again",
    WhenInvalid.RENEW: "then a renewal is asked for, as a new approval",
}
_FEW_TAGS = 4
"""So many tags are named; of more, the last are counted."""
_ITSELF = "itself"
_TAG = "tag"
_VIA: Mapping[str, str] = {
    "api": "over the API",
    "cli": "on the command line",
    "page": "on a page",
    "link": "by a personal link",
    _TAG: "by a tag",
    "registry": "in the registry",
}
_STATUSES: Mapping[Status, tuple[str, str]] = {
    Status.OPEN: ("waits for a decision", "wait"),
    Status.APPROVED: ("approved", "good"),
    Status.REJECTED: ("rejected", "bad"),
    Status.WITHDRAWN: ("withdrawn", ""),
    Status.EXPIRED: ("expired without a decision", ""),
    Status.VOIDED: ("voided", "bad"),
}
ASSURANCES: Mapping[Assurance, str] = {
    Assurance.SIGNED_IN: "signed in",
    Assurance.LINK: "by personal link, the weaker proof",
}


def assurance(of: Assurance) -> str:
    """Return how surely a voter was known, in words."""
    return ASSURANCES.get(of, str(of))


def status(brief: Brief) -> tuple[str, str]:
    """Return the approval's status in words, and the class of its badge."""
    found = brief.approval.status
    return _STATUSES.get(found, (str(found), ""))


def outcome(brief: Brief) -> str:
    """Say what became of an approval that is closed."""
    said, _ = status(brief)
    text = brief.why if brief.why.startswith(said) else f"{said}: {brief.why}".removesuffix(": ")
    return f"{text[:1].upper()}{text[1:]}."


def question(brief: Brief) -> str:
    """Return what is asked, in one sentence."""
    asset, bound = brief.version.asset, brief.approval.binding
    if brief.emergency is not None:
        return ratify_words.question(brief)
    if brief.approval.renews:
        return f"Keep {asset.name} version {brief.version.number} approved for {bound.target}?"
    return (
        f"Move {asset.name} version {brief.version.number} from {bound.source} to {bound.target}?"
    )


def headline(brief: Brief) -> str:
    """Return what is asked, or for a closed one what became of it."""
    approval, asset, bound = brief.approval, brief.version.asset, brief.approval.binding
    which = f"{asset.name} version {brief.version.number}"
    if approval.status is Status.OPEN:
        return question(brief)
    if brief.emergency is not None:
        return ratify_words.headline(brief)
    if approval.status is Status.APPROVED:
        if approval.renews:
            return f"Renewed the approval of {which} for {bound.target}"
        return f"Moved {which} from {bound.source} to {bound.target}"
    what = f"{which} from {bound.source} to {bound.target}"
    if approval.renews:
        what = f"renewal of {which} for {bound.target}"
    return f"{str(approval.status).capitalize()}: {what}"


def foreseen(brief: Brief) -> str:
    """Return the title of what follows from each decision."""
    if brief.approval.status is Status.OPEN:
        return "What happens"
    approved = brief.approval.status is Status.APPROVED
    return "What was foreseen" if approved else "What would have happened"


def asker(brief: Brief) -> str:
    """Return the name of whoever asked."""
    itself = "Stageward" if brief.approval.requester.via == _ITSELF else "nobody that is known"
    return brief.requester.name or itself


def attribution(brief: Brief) -> str:
    """Say how surely it is known who asked."""
    requester = brief.approval.requester
    via = _VIA.get(requester.via, "")
    if requester.via == _ITSELF and not brief.approval.sponsored:
        said = "of itself, since an approval that was given is no longer valid"
        sponsor = "; votes count once somebody sponsors it" if brief.approval.needs_sponsor else ""
        return f"{said}{sponsor}"
    if brief.approval.sponsored:
        return "signed in, as the sponsor of a request that nobody is proven to have made"
    if requester.attribution is Attribution.PROVEN and requester.via == _TAG:
        return f"{via}; an event that only Azure can send proves it"
    if requester.attribution is Attribution.PROVEN:
        return f"signed in, {via}" if via else "signed in"
    if requester.attribution is Attribution.INFERRED and requester.id:
        said = f"{via}; the registry says so, which is no proof" if via else "not proven"
        return f"{said}; votes count once somebody sponsors the request"
    return f"{via or 'asked'}; votes count once somebody sponsors the request"


def voids(brief: Brief) -> bool:
    """Tell whether the vote that reaches the quorum will void it, as things are."""
    return brief.present is not None and bool(brief.present.bound or brief.present.refused)


def already(brief: Brief) -> str:
    """Say, of an emergency, that the stage has changed already; "" of any other request."""
    return ratify_words.already(brief, brief.emergency) if brief.emergency is not None else ""


def not_ratified(brief: Brief) -> tuple[str, ...]:
    """Say what follows when an emergency is not ratified; nothing of any other request."""
    return ratify_words.then(brief, brief.emergency) if brief.emergency is not None else ()


def on_my_approval(brief: Brief) -> str:
    """Say what comes of it when the viewer approves."""
    if brief.emergency is not None:
        return ratify_words.on_my_approval(brief)
    approval, still = brief.approval, brief.position.then
    if still:
        waits = f"Once you approve it still waits for {'; '.join(still)}."
        return f"{waits} The last vote will void it." if voids(brief) else waits
    if voids(brief):
        does = "renews nothing" if approval.renews else "moves nothing"
        return f"Yours is the last vote that is needed: approving voids it and {does}."
    does = f"moves version {brief.version.number} to {approval.binding.target}"
    if approval.renews:
        does = "renews the approval"
    return f"Yours is the last vote that is needed: approving {does} at once."


def unasked(brief: Brief) -> str:
    """Say why the rules of an open approval could not be asked now."""
    present = brief.present
    if brief.emergency is not None:
        return "not asked again: the stage has changed already"
    if present is None:
        return "not asked"
    if present.unreadable:
        return f"not known, since {present.unreadable}"
    why = present.refused or "; ".join(present.bound)
    return f"not asked, since it would be refused before: {why}" if why else "not asked"


def instead(brief: Brief) -> str:
    """Say what to do about a request that will be voided."""
    if not brief.position.withdraw:
        return "Withdraw it, and ask anew for what is there now."
    return "Whoever asked can withdraw it and ask anew for what is there now. You may still vote."


def on_approve(brief: Brief) -> tuple[str, ...]:
    """Say what happens when the quorum is reached."""
    if brief.emergency is not None:
        return (*ratify_words.on_approve(brief), *_validity(brief), _events(brief))
    approval, number = brief.approval, brief.version.number
    bound = approval.binding
    first = (
        "Before anything happens the registry is read again and every rule runs again. If "
        "something that this approval is bound to has changed, or a rule fails, it is voided "
        "and nothing moves."
    )
    moved = f"Version {number} moves from {bound.source} to {bound.target}."
    if approval.renews:
        moved = f"Version {number} stays at {bound.target}; its approval is valid anew."
    return (
        first,
        moved,
        *_displaced(brief),
        *_validity(brief),
        *_written(brief),
        *_copied(brief),
        _events(brief),
    )


def _copied(brief: Brief) -> tuple[str, ...]:
    copy = brief.copying
    if copy is None:
        return ()
    lines = [f"It is copied to {copy.version}, which begins at {copy.stage}."]
    registry = copy.version.asset.registry
    if copy.displaces:
        which = " and ".join(str(one) for one in copy.displaces)
        leaves = "leaves" if len(copy.displaces) == 1 else "leave"
        lines.append(
            f"In registry {registry}, as it stands now, {which} {leaves} {copy.stage} for "
            f"{copy.displaced_to or 'the stage that the lifecycle names'} by that."
        )
    elif copy.exclusive and not copy.hinders and brief.approval.status is Status.OPEN:
        lines.append(f"In registry {registry} nothing is displaced: no version holds {copy.stage}.")
    if copy.hinders:
        lines.append(f"As things are nothing is copied: {copy.hinders}.")
    return tuple(lines)


def on_reject(brief: Brief) -> tuple[str, ...]:
    """Say what happens when anybody rejects."""
    if brief.emergency is not None:
        return ratify_words.on_reject(brief, brief.emergency)
    bound, number = brief.approval.binding, brief.version.number
    return (
        "One reject is enough: the request is closed at once, whoever else approved it.",
        f"Version {number} stays at {bound.source}. Nothing is displaced and no stage changes.",
        "Your comment is kept in the history and told to whoever asked, who may ask again.",
    )


def on_expiry(brief: Brief) -> tuple[str, ...]:
    """Say what happens when nobody decides."""
    if brief.emergency is not None:
        return ratify_words.on_expiry(brief, brief.emergency)
    approval = brief.approval
    further = approval.policy.escalate
    stage = approval.binding.source
    lines = [
        f"On {approval.deadline:%Y-%m-%d %H:%M} UTC it lapses: it is never approved by waiting.",
        f"Version {brief.version.number} stays at {stage}, and may be asked for again.",
    ]
    if further is not None and approval.escalated is None:
        at = approval.opened + further.after
        lines.insert(0, f"From {at:%Y-%m-%d %H:%M} UTC on, {further.to} may vote as well.")
    return tuple(lines)


def compared_with(brief: Brief) -> str:
    """Say what the version is compared with, or why with nothing."""
    holder, target_ = brief.holder, brief.approval.binding.target
    if brief.approval.renews:
        if not holder.known:
            return "What was approved before is not kept: there is nothing to compare with."
        return "Compared with what was approved before, for the same version."
    if not holder.exclusive:
        return (
            f"Several versions may stand at {target_}: this one displaces none and is compared "
            "with none."
        )
    if not holder.number:
        if brief.approval.status is not Status.OPEN:
            return f"Nothing held {target_} when this was asked: there was nothing to compare with."
        return f"Nothing holds {target_} yet: there is nothing to compare with."
    held = "holds" if holder.holds_now else "held"
    when = f" since {holder.since:%Y-%m-%d}" if holder.since else " when this was asked"
    said = f"Version {holder.number} {held} {target_}{when}."
    return said if holder.known else f"{said} Nothing that is known of it was kept."


def old_title(brief: Brief) -> str:
    """Return what the older side of the difference is called."""
    if brief.approval.renews:
        return "Approved before"
    return f"Version {brief.holder.number} ({brief.approval.binding.target})"


def _displaced(brief: Brief) -> tuple[str, ...]:
    bound = brief.approval.binding
    if brief.approval.renews:
        return ()
    if bound.displaces:
        to = brief.law.exclusive_stages.get(bound.target) or "the stage that the lifecycle names"
        which = " and ".join(f"version {number}" for number in bound.displaces)
        return (f"In the same step {which} leaves {bound.target} for {to}.",)
    if brief.law.exclusive(bound.target):
        return (f"Nothing is displaced: no version holds {bound.target}.",)
    return (f"Nothing is displaced: several versions may stand at {bound.target}.",)


def _validity(brief: Brief) -> tuple[str, ...]:
    policy = brief.approval.policy
    if policy.valid_for is None:
        return ()
    long = span(policy.valid_for.total_seconds())
    then = _AFTERWARDS.get(policy.when_invalid, f"then: {policy.when_invalid}")
    return (f"The approval is valid for {long}; {then}.",)


def _written(brief: Brief) -> tuple[str, ...]:
    """Say what is written to the registry."""
    registry, names = brief.version.asset.registry, brief.written.tags
    of = _versions((brief.version.number, *brief.approval.binding.displaces))
    few = names if len(names) <= _FEW_TAGS else names[: _FEW_TAGS - 1]
    more = f" and {len(names) - len(few)} others of Stageward" if len(few) < len(names) else ""
    tags = (
        f"In registry {registry} the tags {', '.join(few)}{more} of {of} are written to say so; "
        "no other tag is touched."
    )
    return (tags, *_native(brief), *_hidden(brief))


def _native(brief: Brief) -> tuple[str, ...]:
    where = f"In registry {brief.version.asset.registry} the"
    fields = (
        f"{where} stage field of version {number} is {f'set to {stage}' if stage else 'emptied'}."
        for number, stage in brief.written.native.items()
    )
    moved = (
        f"{where} alias {alias} is {f'set to version {one}' if one else 'deleted'}."
        for alias, one in brief.written.aliases.items()
    )
    return (*fields, *moved)


def _hidden(brief: Brief) -> tuple[str, ...]:
    own, said = brief.version.number, brief.written
    where = f"archived in registry {brief.version.asset.registry}"
    at_once = [number for number in said.archived if number == own]
    lines = [f"Version {number} is {where}." for number in at_once]
    later = [number for number in said.archived if number != own]
    after = f" after {span(said.after.total_seconds())}" if said.after else ""
    lines += [f"Version {number} is {where}{after}." for number in later]
    lines += [f"Version {number} is no longer {where}." for number in said.restored]
    return tuple(lines)


def _versions(numbers: tuple[str, ...]) -> str:
    return f"version{'s' * (len(numbers) > 1)} {' and '.join(numbers)}"


def _events(brief: Brief) -> str:
    count = len(brief.sinks)
    if not count:
        return "No system is told: no sink for events is configured."
    names = ", ".join(brief.sinks)
    return f"The records are published as events to {count} sink{'s' * (count > 1)}: {names}."

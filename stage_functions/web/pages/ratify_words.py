"""The words of a brief that asks to ratify an emergency: the stage has changed already.

Never "move": nothing moves when it is approved, and much does when it is not.
"""

from __future__ import annotations

from stage_functions.application.brief import Brief
from stage_functions.application.brief_emergency import Used
from stage_functions.domain.approval import Status


def question(brief: Brief) -> str:
    """Return what is asked, in one sentence."""
    asset, bound = brief.version.asset, brief.approval.binding
    return f"Ratify that {asset.name} version {brief.version.number} is at {bound.target}?"


def headline(brief: Brief) -> str:
    """Return what became of one that is closed."""
    bound, asset = brief.approval.binding, brief.version.asset
    what = f"{asset.name} version {brief.version.number} at {bound.target}"
    if brief.approval.status is Status.APPROVED:
        return f"Ratified: {what}"
    return f"Not ratified ({brief.approval.status}): {what}"


def already(brief: Brief, used: Used) -> str:
    """Say that the stage has changed already, and by whom."""
    bound, number = brief.approval.binding, brief.version.number
    displaced = "".join(f" in place of version {one}" for one in bound.displaces)
    moved = (
        f"{brief.requester.name} moved version {number} from {bound.source} to {bound.target}"
        f"{displaced} without waiting for approval, for {used.incident}."
    )
    if not used.escalated:
        return moved
    return f"{moved} That was not ratified, so it is not to be deployed until somebody does."


def on_my_approval(brief: Brief) -> str:
    """Say what comes of it when the viewer approves."""
    still, target = brief.position.then, brief.approval.binding.target
    if still:
        return f"Once you approve it still waits for {'; '.join(still)}."
    return (
        f"Yours is the last vote that is needed: approving ratifies it, and it stays at {target}."
    )


def on_approve(brief: Brief) -> tuple[str, ...]:
    """Say what happens when the quorum is reached."""
    bound, number = brief.approval.binding, brief.version.number
    first = (
        "Before anything happens the registry is read again. If what the version is has changed "
        "since, it counts as not ratified. The rules are not asked again."
    )
    stays = f"No stage changes: version {number} stays at {bound.target}, by this approval."
    return first, stays


def on_reject(brief: Brief, used: Used) -> tuple[str, ...]:
    """Say what happens when anybody rejects."""
    first = "One reject is enough: it is not ratified then, whoever else approved."
    return first, *then(brief, used)


def on_expiry(brief: Brief, used: Used) -> tuple[str, ...]:
    """Say what happens when nobody decides."""
    when = f"{brief.approval.deadline:%Y-%m-%d %H:%M} UTC"
    return f"On {when} it lapses: it is never ratified by waiting.", *then(brief, used)


def then(brief: Brief, used: Used) -> tuple[str, ...]:
    """Say what follows when it is not ratified."""
    bound, number = brief.approval.binding, brief.version.number
    if not used.reverts:
        further = f" {used.further} may vote on it as well." if used.further else ""
        stays = (
            f"Version {number} stays at {bound.target}, and checks refuse to deploy it until it is "
            f"ratified, or rolled back. A ratification opens again.{further}"
        )
        return (stays,)
    back = "".join(f", and version {one} comes back to {bound.target}" for one in bound.displaces)
    otherwise = (
        "Where that is not possible any more, it stays, is not to be deployed, and a ratification "
        "opens again."
    )
    return f"At once, in one step, version {number} goes back to {bound.source}{back}.", otherwise

"""What a transition demands, in words: the same on pages and on the command line."""

from __future__ import annotations

from stage_functions.domain.lifecycle import ApprovalPolicy, Assurance, Transition

_HOUR, _DAY = 3600, 86400


def demands(transition: Transition) -> tuple[str, ...]:
    """Say what a transition demands."""
    said = [f"rule {name} must pass" for name in transition.rules]
    if transition.requesters:
        said.append(f"must be asked for by a member of {' or '.join(transition.requesters)}")
    if transition.approval:
        said += _consent(transition.approval)
    return tuple(said)


def _consent(policy: ApprovalPolicy) -> list[str]:
    several = len(policy.groups) > 1
    least = [
        f"at least {count} of {group}"
        for group, count in policy.groups.items()
        if count and several
    ]
    persons = f"{policy.quorum} {'persons' if policy.quorum > 1 else 'person'} must approve"
    said = [f"{persons}, of {' or '.join(policy.groups)}" + "".join(f", {one}" for one in least)]
    if policy.exclude:
        said.append(f"no vote of {' or '.join(f'the {one}' for one in policy.exclude)}")
    said.append(f"lapses after {span(policy.expires.total_seconds())} without a decision")
    if policy.remind:
        after = " and ".join(span(one.total_seconds()) for one in policy.remind)
        said.append(f"reminded after {after}")
    if policy.escalate:
        after = span(policy.escalate.after.total_seconds())
        said.append(f"after {after} {policy.escalate.to} may vote as well")
    signed = policy.assurance is Assurance.SIGNED_IN
    said.append("votes by signing in" if signed else "votes by signing in or by personal link")
    if policy.valid_for:
        said.append(
            f"valid for {span(policy.valid_for.total_seconds())}, then: {policy.when_invalid}"
        )
    return said


def apart(seconds: float) -> str:
    """Return how far a clock is ahead of another one, or behind it."""
    whole = round(seconds)
    return f"{whole:+d} s" if whole else "less than a second"


def span(seconds: float) -> str:
    """Return a length of time in words: `3 days`, `1 hour`, `12 minutes`."""
    for size, name, smaller in ((_DAY, "day", _HOUR), (_HOUR, "hour", 60), (60, "minute", 1)):
        if abs(seconds) + smaller / 2 >= size:
            count = round(abs(seconds) / size)
            return f"{count} {name}{'s' if count != 1 else ''}"
    return "less than a minute"

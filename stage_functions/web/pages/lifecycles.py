"""The lifecycles as pictures, and the same in words."""

from __future__ import annotations

from fastapi import Request, Response
from msgspec import Struct
from starlette.routing import Route

from stage_functions.domain.error import NotFoundError
from stage_functions.domain.lifecycle import ApprovalPolicy, Lifecycle, Stage, Transition
from stage_functions.domain.rule import Rule
from stage_functions.web.pages.picture import Edge, Node, Picture, picture
from stage_functions.web.pages.render import page, span
from stage_functions.web.pages.routes import show
from stage_functions.web.pages.visitor import visitor


class Shown(Struct, frozen=True):
    """A lifecycle, ready to be shown.

    Attributes:
        lifecycle: as configured.
        drawn: its picture.
        stages: with what holds of each, in words.
        transitions: with what each demands, in words.
        rules: with the transitions that demand them.
    """

    lifecycle: Lifecycle
    drawn: Picture
    stages: tuple[tuple[Stage, tuple[str, ...]], ...]
    transitions: tuple[tuple[Transition, tuple[str, ...]], ...]
    rules: tuple[tuple[Rule, tuple[str, ...]], ...]


def routes() -> list[Route]:
    """Return the routes of lifecycles."""
    return [show("/lifecycles", _all), show("/lifecycles/{name}", _one)]


def shown(lifecycle: Lifecycle) -> Shown:
    """Return a lifecycle, ready to be shown."""
    return Shown(
        lifecycle,
        drawn(lifecycle),
        tuple((stage, properties(stage)) for stage in lifecycle.stages.values()),
        tuple((one, demands(one)) for one in lifecycle.transitions),
        tuple((rule, _demanding(lifecycle, rule.name)) for rule in lifecycle.rules.values()),
    )


def drawn(lifecycle: Lifecycle) -> Picture:
    """Return the picture of a lifecycle."""
    nodes = [Node(one.name, one.name, _marks(one)) for one in lifecycle.stages.values()]
    edges = [Edge(one.source, one.target, mark(one)) for one in lifecycle.transitions]
    edges += [
        Edge(one.name, one.displaced_to, "displaced", dashed=True)
        for one in lifecycle.stages.values()
        if one.displaced_to
    ]
    return picture(nodes, edges)


def mark(transition: Transition) -> str:
    """Return what stands on a transition's arrow."""
    parts: list[str] = []
    if transition.rules:
        count = len(transition.rules)
        parts.append(f"{count} rule{'s' if count > 1 else ''}")
    if transition.approval:
        count = transition.approval.quorum
        parts.append(f"{count} approval{'s' if count > 1 else ''}")
    return " + ".join(parts)


def properties(stage: Stage) -> tuple[str, ...]:
    """Say what holds of a stage."""
    said = {
        "a registered version begins here": stage.initial,
        "nothing leaves it": stage.terminal,
        "at most one version of an asset holds it": stage.exclusive,
        f"whoever holds it moves to {stage.displaced_to} when another takes it": bool(
            stage.displaced_to
        ),
        "a version here may be deleted": stage.deletable,
        f"deployable to {', '.join(stage.deployable_to)}": bool(stage.deployable_to),
        "left out of lists": stage.hidden,
    }
    return tuple(text for text, holds in said.items() if holds)


def demands(transition: Transition) -> tuple[str, ...]:
    """Say what a transition demands."""
    said = [f"rule {name} passes" for name in transition.rules]
    if transition.requesters:
        said.append(f"asked for by a member of {' or '.join(transition.requesters)}")
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
    persons = f"{policy.quorum} {'persons approve' if policy.quorum > 1 else 'person approves'}"
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
    signed = policy.assurance == "signed_in"
    said.append("votes by signing in" if signed else "votes by signing in or by personal link")
    if policy.valid_for:
        said.append(
            f"valid for {span(policy.valid_for.total_seconds())}, then: {policy.when_invalid}"
        )
    return said


def _marks(stage: Stage) -> tuple[str, ...]:
    marks = {
        "begins here": stage.initial,
        "exclusive": stage.exclusive,
        "terminal": stage.terminal,
        "deployable": bool(stage.deployable_to),
        "deletable": stage.deletable,
        "hidden": stage.hidden,
    }
    return tuple(text for text, holds in marks.items() if holds)


def _demanding(lifecycle: Lifecycle, rule: str) -> tuple[str, ...]:
    return tuple(
        f"{one.source} → {one.target}" for one in lifecycle.transitions if rule in one.rules
    )


def _all(request: Request) -> Response:
    visiting = visitor(request)
    found = [shown(one) for one in visiting.context.configuration.lifecycles]
    return page("lifecycles.html", visiting, here="lifecycles", lifecycles=found, alone=False)


def _one(request: Request) -> Response:
    visiting = visitor(request)
    name = request.path_params["name"]
    for one in visiting.context.configuration.lifecycles:
        if one.name == name:
            alone = [shown(one)]
            return page(
                "lifecycles.html", visiting, here="lifecycles", lifecycles=alone, alone=True
            )
    known = ", ".join(one.name for one in visiting.context.configuration.lifecycles)
    message = f"no lifecycle is called '{name}'; the file has {known}"
    raise NotFoundError(message)

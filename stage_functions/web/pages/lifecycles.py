"""The lifecycles as pictures, and the same in words."""

from __future__ import annotations

from fastapi import Request, Response
from msgspec import Struct
from starlette.routing import Route

from stage_functions.application.adoption import consent, law_of
from stage_functions.application.in_force import Waiting
from stage_functions.application.lifecycle_history import told
from stage_functions.domain.definition import Written, written
from stage_functions.domain.demands import demands
from stage_functions.domain.error import (
    DeniedError,
    InvalidInputError,
    NotFoundError,
    NotSignedInError,
    StagewardError,
)
from stage_functions.domain.lifecycle import (
    Assurance,
    Lifecycle,
    Stage,
    Transition,
)
from stage_functions.domain.record import MAX_TEXT_CHARACTERS
from stage_functions.domain.rule import Rule
from stage_functions.domain.terms import properties, terms
from stage_functions.web.pages.addresses import url_for_lifecycle
from stage_functions.web.pages.picture import Edge, Node, Picture, picture
from stage_functions.web.pages.render import page, redirect
from stage_functions.web.pages.routes import act, fields, operation_of, show
from stage_functions.web.pages.visitor import Visitor, visitor
from stage_functions.web.problems import status_of


class Shown(Struct, frozen=True):
    """A lifecycle, ready to be shown.

    Attributes:
        lifecycle: as configured.
        drawn: its picture.
        stages: with what holds of each, in words.
        terms: what holds at all of them, in words.
        transitions: with what each demands, in words.
        rules: as people read them, with the transitions that demand them.
    """

    lifecycle: Lifecycle
    drawn: Picture
    stages: tuple[tuple[Stage, tuple[str, ...]], ...]
    terms: tuple[str, ...]
    transitions: tuple[tuple[Transition, tuple[str, ...]], ...]
    rules: tuple[tuple[Rule, Written, tuple[str, ...]], ...]


def routes() -> list[Route]:
    """Return the routes of lifecycles."""
    return [
        show("/lifecycles", _all),
        show("/lifecycles/{name}", _one),
        act("/lifecycles/{name}/adoption", _consent),
    ]


def shown(lifecycle: Lifecycle) -> Shown:
    """Return a lifecycle, ready to be shown."""
    return Shown(
        lifecycle,
        drawn(lifecycle),
        tuple((stage, properties(stage)) for stage in lifecycle.stages.values()),
        terms(lifecycle),
        tuple((one, demands(one)) for one in lifecycle.transitions),
        tuple(
            (rule, written(rule), _demanding(lifecycle, rule.name))
            for rule in lifecycle.rules.values()
        ),
    )


def drawn(lifecycle: Lifecycle) -> Picture:
    """Return the picture of a lifecycle."""
    nodes = [
        Node(one.name, one.name, (*_marks(one), *_copied(lifecycle, one.name)))
        for one in lifecycle.stages.values()
    ]
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


def _marks(stage: Stage) -> tuple[str, ...]:
    marks = {
        "begins here": stage.initial,
        "exclusive": stage.exclusive,
        "terminal": stage.terminal,
        f"deployable to {', '.join(stage.deployable_to)}": bool(stage.deployable_to),
        "deletable": stage.deletable,
        "hidden": stage.hidden,
    }
    return tuple(text for text, holds in marks.items() if holds)


def _copied(lifecycle: Lifecycle, stage: str) -> tuple[str, ...]:
    """Say where a version is copied to that reaches a stage; and whence, where not by every way."""
    ways = [one for one in lifecycle.transitions if one.target == stage]
    said: list[str] = []
    for alias in dict.fromkeys(one.copy_to for one in ways if one.copy_to):
        sources = [one.source for one in ways if one.copy_to == alias]
        whence = f" from {' or '.join(sources)}" if len(sources) < len(ways) else ""
        said.append(f"copied to {alias}{whence}")
    return tuple(said)


def _demanding(lifecycle: Lifecycle, rule: str) -> tuple[str, ...]:
    return tuple(
        f"{one.source} → {one.target}" for one in lifecycle.transitions if rule in one.rules
    )


def _all(request: Request) -> Response:
    visiting = visitor(request)
    context = visiting.context
    waits = context.in_force.waiting(context.configuration.lifecycles)
    found = [shown(one) for one in context.lifecycles]
    return page(
        "lifecycles.html", visiting, here="lifecycles", lifecycles=found, alone=False, waits=waits
    )


def _one(request: Request) -> Response:
    return _shown(visitor(request), str(request.path_params["name"]))


def _consent(request: Request) -> Response:
    """Take somebody's consent to a change; whoever sends it twice has consented once."""
    who, name = visitor(request), str(request.path_params["name"])
    sent = fields(request)
    digest, comment = sent.get("digest", ""), sent.get("comment", "").replace("\r\n", "\n").strip()
    try:
        if who.assurance is not Assurance.SIGNED_IN:
            message = "a personal link is only for voting; sign in to do this"
            raise DeniedError(message)
        if len(comment) > MAX_TEXT_CHARACTERS:
            message = f"your comment has {len(comment)} characters; {MAX_TEXT_CHARACTERS} are kept"
            raise InvalidInputError(message)
        operation = operation_of(sent, who, f"adopt {digest} {comment}")
        consent(who.context, name, digest, who.actor, comment, operation=operation)
    except (NotFoundError, NotSignedInError):
        raise
    except StagewardError as exc:
        return _shown(who, name, exc, comment)
    return redirect(url_for_lifecycle(name))


def _shown(
    visiting: Visitor, name: str, error: StagewardError | None = None, comment: str = ""
) -> Response:
    context = visiting.context
    found = next((one for one in context.lifecycles if one.name == name), None)
    _, waiting = law_of(context, name)
    return page(
        "lifecycle.html",
        visiting,
        status=status_of(error) if error is not None else 200,
        here="lifecycles",
        name=name,
        one=shown(found) if found is not None else None,
        waiting=waiting,
        may=waiting is not None and _may(visiting, waiting),
        told=told(context, name),
        message=str(error) if error is not None else "",
        comment=comment,
        operation=context.clock.operation_id(),
        longest=MAX_TEXT_CHARACTERS,
    )


def _may(visiting: Visitor, waiting: Waiting) -> bool:
    """Tell whether somebody could consent, as far as a page need know; the ledger decides."""
    directory, id_ = visiting.context.configuration.directory, visiting.actor.id
    groups = set(directory.groups_of(id_)) & set(waiting.groups)
    may = bool(groups) if waiting.groups else directory.is_operator(id_)
    return may and not visiting.approval

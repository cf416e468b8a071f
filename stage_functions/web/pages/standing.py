"""What a version's page says of edits and reviews, and its two forms."""

from __future__ import annotations

from datetime import datetime

from fastapi import Request, Response
from msgspec import Struct
from msgspec.structs import replace
from starlette.routing import Route

from stage_functions.application.attending import (
    Attention,
    acknowledge,
    acknowledgers,
    make_review,
    may_acknowledge,
)
from stage_functions.application.dossier import VersionDossier
from stage_functions.domain import review
from stage_functions.domain.demands import span
from stage_functions.domain.lifecycle import Lifecycle, WhenUnreviewed
from stage_functions.domain.state import VersionState
from stage_functions.web.contract import text, the_version
from stage_functions.web.pages.addresses import url_for_version
from stage_functions.web.pages.render import redirect
from stage_functions.web.pages.routes import act, fields, operation_of
from stage_functions.web.pages.visitor import Visitor, visitor

_VERSION = "/assets/{registry}/{kind}/{name}/versions/{version}"


class StandingView(Struct, frozen=True):
    """What is to be said of a version where it stands, and by whom.

    Attributes:
        edited: what was edited, the last first, as its records say.
        acknowledgers: who may acknowledge that.
        may_acknowledge: the visitor is one of them.
        due: when its next review is due, or None.
        lapses: when that lapses.
        blocks: it must not be deployed from then on.
        every: how long it is between reviews, in words; "" where there are none.
        reviewers: the groups whose members may review it.
        why_not: why the visitor may not; "" if they may.
        marked: why it was marked, or "".
        marked_in: number of the record that says so.
    """

    edited: tuple[str, ...] = ()
    acknowledgers: tuple[str, ...] = ()
    may_acknowledge: bool = False
    due: datetime | None = None
    lapses: datetime | None = None
    blocks: bool = False
    every: str = ""
    reviewers: tuple[str, ...] = ()
    why_not: str = ""
    marked: str = ""
    marked_in: int = 0


def routes() -> list[Route]:
    """Return the routes that the forms are sent to."""
    return [act(f"{_VERSION}/review", _review), act(f"{_VERSION}/acknowledgement", _acknowledge)]


def standing(visiting: Visitor, found: VersionDossier) -> StandingView | None:
    """Return what is to be said of a version; None where that is nothing."""
    state, lifecycle = found.state, found.lifecycle
    if state is None or lifecycle is None or not state.governed:
        return None
    asked = review.review_of(lifecycle, state.stage)
    if not state.drifted and asked is None and state.marked is None:
        return None
    view = _with_edits(visiting, found, state, lifecycle)
    if asked is None and state.marked is None:
        return view
    directory = visiting.context.configuration.directory
    view = replace(
        view,
        reviewers=review.groups(lifecycle, state),
        why_not=review.objection(lifecycle, state, visiting.actor.id, directory),
        marked=state.marked.why if state.marked is not None else "",
        marked_in=state.marked.number if state.marked is not None else 0,
    )
    if asked is None:
        return view
    due = state.review_due
    return replace(
        view,
        due=due,
        lapses=due + asked.within if due is not None else None,
        blocks=asked.when_unreviewed is WhenUnreviewed.BLOCK,
        every=span(asked.every.total_seconds()),
    )


def _with_edits(
    visiting: Visitor, found: VersionDossier, state: VersionState, lifecycle: Lifecycle
) -> StandingView:
    if not state.drifted:
        return StandingView()
    may = acknowledgers(lifecycle, state)
    edited = tuple(
        one.what.partition(": ")[2] or one.what
        for one in found.moments
        if one.number >= state.drifted and one.type == "DriftFound"
    )
    allowed = may_acknowledge(visiting.context, lifecycle, state, visiting.actor.id)
    return StandingView(edited, ("operators", *may), allowed)


def _review(request: Request) -> Response:
    visiting, command = _sent(request, "review")
    make_review(visiting.context, command)
    return redirect(url_for_version(command.version))


def _acknowledge(request: Request) -> Response:
    visiting, command = _sent(request, "acknowledge")
    acknowledge(visiting.context, command)
    return redirect(url_for_version(command.version))


def _sent(request: Request, what: str) -> tuple[Visitor, Attention]:
    visiting, sent, given = visitor(request), fields(request), request.path_params
    record = sent.get("record", "")
    command = Attention(
        version=the_version(given["registry"], given["kind"], given["name"], given["version"]),
        comment=text("the comment", sent.get("comment", "").strip()),
        actor=visiting.actor,
        operation="",
        record=int(record) if record.isascii() and record.isdecimal() else 0,
    )
    operation = operation_of(sent, visiting, command.asked(what))
    return visiting, replace(command, operation=operation)

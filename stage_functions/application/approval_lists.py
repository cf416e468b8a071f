"""The lists of approvals: waiting for somebody, asked for or voted on by them, open, decided.

Open ones are few, and all are read. Decided ones grow for ever: of those a page is read.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from stage_functions.application import decided, query
from stage_functions.application.context import Context
from stage_functions.application.decided import Decided, DecidedPage
from stage_functions.application.query import ApprovalView
from stage_functions.domain.people import Directory
from stage_functions.domain.voting import has_voted, impossible, objection, waits_for

PAGE = 50
MAX_LOOKED_AT = 500
"""Of the decided ones, where only somebody's own are wanted."""


class OpenLine(Struct, frozen=True):
    """An open approval, as lists show it.

    Attributes:
        view: the approval.
        waits: for what, in a sentence.
        vain: why its quorum cannot be reached, or "".
        objection: why the one who looks may not vote, or "".
        voted: the one who looks has voted.
        mine: the one who looks has asked for it.
    """

    view: ApprovalView
    waits: str
    vain: str
    objection: str
    voted: bool
    mine: bool

    @property
    def waits_for_me(self) -> bool:
        """The one who looks may still vote."""
        return not self.objection and not self.voted


def open_lines(context: Context, viewer: str) -> list[OpenLine]:
    """Return all open approvals, the next deadline first, as somebody sees them."""
    found = {view.approval.id: view for view in query.approvals(context)}
    return [_line(view, viewer, context.configuration.directory) for view in found.values()]


def decided_page(context: Context, cursor: str = "") -> DecidedPage:
    """Return decided approvals, newest first."""
    return decided.page(context.ledger.rows, cursor, PAGE)


def decided_of(context: Context, viewer: str, cursor: str = "") -> DecidedPage:
    """Return decided approvals that somebody asked for or voted on, newest first.

    Of all that are decided at most `MAX_LOOKED_AT` are looked at; the cursor goes on behind.
    """
    directory = context.configuration.directory
    page = decided.page(context.ledger.rows, cursor, MAX_LOOKED_AT)
    return DecidedPage(tuple(_own(page.found, viewer, directory)), page.cursor)


def _own(found: Iterable[Decided], viewer: str, directory: Directory) -> Iterable[Decided]:
    me = directory.resolve(viewer)
    return (one for one in found if me in map(directory.resolve, (one.requester, *one.voters)))


def _line(view: ApprovalView, viewer: str, directory: Directory) -> OpenLine:
    approval = view.approval
    me = directory.resolve(viewer)
    asked = (approval.requester.id, approval.on_behalf_of)
    return OpenLine(
        view,
        waits_for(approval, directory),
        impossible(approval, directory),
        objection(approval, viewer, directory),
        has_voted(approval, viewer, directory),
        me in [directory.resolve(id_) for id_ in asked if id_],
    )

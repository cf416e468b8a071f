"""A world where personal links are enough, and what a test says of one."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx
from msgspec.structs import replace

from stage_functions.adapters.links import PageLinks
from stage_functions.application.link_keys import LinkKeys
from stage_functions.application.signatures import Signatures
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import find
from stage_functions.domain.approval import Approval
from stage_functions.domain.lifecycle import (
    ApprovalPolicy,
    Assurance,
    Lifecycle,
    Transition,
)
from tests.builders import IRIS, World, lifecycle
from tests.web.browser import Site

URL = "https://stageward.example.org"
WEEK = timedelta(days=7)


def linked() -> Lifecycle:
    """Return a lifecycle where a link is enough on the way to Production, and not out of it."""
    by_link = ApprovalPolicy(2, {"risk": 1}, (), WEEK, assurance=Assurance.LINK)
    surely = ApprovalPolicy(1, {"risk": 1}, (), WEEK)
    return replace(
        lifecycle(),
        transitions=(
            Transition("None", "Staging"),
            Transition("Staging", "Production", approval=by_link),
            Transition("Staging", "Archived", approval=surely),
        ),
        text={"name": "linked"},
    )


def signatures_of(it: World) -> Signatures:
    """Return what signs links in a world."""
    context = it.context
    keys = LinkKeys.of(context.ledger.rows, context.clock, context.configuration)
    return Signatures(keys, context.clock)


def links_of(it: World, url: str) -> PageLinks:
    """Return the links into pages at an address."""
    return PageLinks(url, signatures_of(it))


class Case(NamedTuple):
    """A world with an open approval, and the pages over it."""

    it: World
    site: Site
    approval: Approval

    @property
    def signatures(self) -> Signatures:
        """What signs links, as notifications have it."""
        return signatures_of(self.it)

    def link(self, person: str = "bob", approval: Approval | None = None) -> str:
        """Return the path of a personal link."""
        links = PageLinks(URL, self.signatures)
        return links.personal(approval or self.approval, person).removeprefix(URL)

    def token(self, person: str = "bob", approval: Approval | None = None) -> str:
        """Return the token of a personal link."""
        (token,) = parse_qs(urlsplit(self.link(person, approval)).query)["sig"]
        return token

    @property
    def page(self) -> str:
        """The path of a page of the approval."""
        return f"/approvals/{self.approval.id}/test"

    def number(self) -> int:
        """Return how many records the asset has."""
        return self.it.context.ledger.load(IRIS).head.number


def asked(it: World, number: str, target: str = "Production") -> Approval:
    """Open an approval."""
    version = it.register(number)
    request_transition(it.context, it.command(version, "Staging"))
    answer = request_transition(it.context, it.command(version, target))
    return find(it.context, answer.approval)[1]


def wrong(case: Case, answer: httpx.Response) -> None:
    """Assert that a link is told nothing of the approval, and let nobody in."""
    assert answer.status_code == 403
    assert "This link does not work" in answer.text
    assert "Set-Cookie" not in answer.headers
    for detail in (case.approval.id, "iris", "Production", "sam", "bob", "because"):
        assert detail not in answer.text

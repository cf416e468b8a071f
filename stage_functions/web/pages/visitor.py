"""Who looks at a page, and what they may do there."""

from __future__ import annotations

from fastapi import Request
from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application.context import Context
from stage_functions.domain.lifecycle import Assurance
from stage_functions.domain.people import Actor
from stage_functions.web.service import caller, service


class Visitor(Struct, frozen=True):
    """Somebody who looks at a page.

    Attributes:
        actor: who, as records write it; `via` is `page` or `link`.
        name: as pages greet them.
        context: what use cases work with, with the groups that Entra says they are in.
        assurance: how surely it is they.
        approval: the one approval that their link opens; "" for whoever has signed in.
    """

    actor: Actor
    name: str
    context: Context
    assurance: Assurance = Assurance.SIGNED_IN
    approval: str = ""


def visitor(request: Request) -> Visitor:
    """Return who looks at a page.

    Raises:
        NotSignedInError: nobody has signed in.
    """
    here = service(request)
    actor = replace(caller(request), via="page")
    person = here.context.configuration.directory.person(actor.id)
    return Visitor(actor, person.name if person is not None else actor.id, here.context)


def form_token(_visitor: Visitor | None) -> str:
    """Return what a form of this visitor must carry, so that no other site can send it."""
    return ""

"""Who looks at a page, and what they may do there."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import Request
from msgspec import Struct

from stage_functions.application.adoption import keep_up
from stage_functions.application.context import Context
from stage_functions.application.signatures import Purpose, Signatures
from stage_functions.domain.error import NotSignedInError, StagewardError
from stage_functions.domain.lifecycle import Assurance
from stage_functions.domain.people import PERSON, Actor, Attribution
from stage_functions.settings import SignIn
from stage_functions.web.bearer import bearer, by_bearer
from stage_functions.web.entra import SIGN_IN, SIGN_OUT
from stage_functions.web.pages.personal import Personal, approval_in, by_link
from stage_functions.web.service import Service, identity, service
from stage_functions.web.session import by_session


class Visitor(Struct, frozen=True):
    """Somebody who looks at a page.

    Attributes:
        actor: who, as records write it; `via` is `page` or `link`.
        name: as pages greet them.
        context: what use cases work with, with the groups that Entra says they are in.
        assurance: how surely it is they.
        approval: the one approval that their link opens; "" for whoever has signed in.
        signatures: makes what their forms carry; None where there are no forms.
        leave: address of the platform's page that signs them out; "" where a form of ours does.
    """

    actor: Actor
    name: str
    context: Context
    assurance: Assurance = Assurance.SIGNED_IN
    approval: str = ""
    signatures: Signatures | None = None
    leave: str = ""

    @property
    def operates(self) -> bool:
        """They are an operator who has signed in: a link may have been passed on."""
        known = self.context.configuration.directory.is_operator(self.actor.id)
        return known and not self.approval


def visitor(request: Request) -> Visitor:
    """Return who looks at a page: whoever has signed in, else whoever has followed a link to it.

    Raises:
        NotSignedInError: neither.
        LinkEndedError: a link that is no longer good.
        DeniedError: somebody whom the configuration does not know.
    """
    found = getattr(request.state, "visitor", None)
    if not isinstance(found, Visitor):
        keep_up(service(request).context)
        found = request.state.visitor = _visitor(request)
        request.state.known = True
    return found


def somebody(request: Request) -> Visitor | None:
    """Return who looks at a page that must be shown in any case; None where that is not known."""
    try:
        return visitor(request)
    except StagewardError:
        return None


def signed_in(request: Request) -> Visitor | None:
    """Return who has signed in; None if nobody has.

    Raises:
        DeniedError: somebody whom the configuration does not know.
    """
    try:
        return _signed_in(request, service(request))
    except NotSignedInError:
        return None


def way_in(request: Request, to: str = "") -> str:
    """Return the address where somebody signs in who wants to see a page: this one, or another."""
    here = service(request)
    if not to:
        query = request.scope["query_string"].decode("latin-1")
        to = quote(request.scope["path"]) + (f"?{query}" if query else "")
    if here.sign_in is SignIn.ENTRA:
        return f"{SIGN_IN}?post_login_redirect_uri={quote(to, safe='')}"
    return f"/sign-in?next={quote(to, safe='')}"


def way_back(request: Request) -> str:
    """Return the address of the page that a form was on, as far as that can be known."""
    approval = approval_in(request.scope["path"])
    return f"/approvals/{quote(approval)}" if approval else "/"


def form_token(visitor: Visitor | None) -> str:
    """Return what a form of this visitor must carry, so that no other site can send it."""
    if visitor is None or visitor.signatures is None:
        return ""
    return visitor.signatures.sign(Purpose.FORM, *form_parts(visitor))


def form_parts(visitor: Visitor) -> tuple[str, str]:
    """Return what a form token is bound to."""
    return visitor.actor.id, visitor.approval


def _visitor(request: Request) -> Visitor:
    here = service(request)
    try:
        return _signed_in(request, here)
    except NotSignedInError:
        link = by_link(request, here)
        if link is None:
            raise
        return _linked(here, link)


def _signed_in(request: Request, here: Service) -> Visitor:
    if here.sign_in is SignIn.ENTRA:
        known = identity(request)
        actor = Actor(known.id, Attribution.PROVEN, "page")
        return Visitor(actor, known.name, known.context, signatures=here.signatures, leave=SIGN_OUT)
    if bearer(request):
        key = by_bearer(request, here.context, here.sign_in)
    else:
        key = by_session(request, here)
    actor = Actor(f"{PERSON}:{key}", Attribution.PROVEN, "page")
    name = here.context.configuration.directory.people[key].name
    return Visitor(actor, name, here.context, signatures=here.signatures)


def _linked(here: Service, link: Personal) -> Visitor:
    actor = Actor(link.person.id, Attribution.INFERRED, "link")
    return Visitor(
        actor,
        link.person.name,
        here.context,
        Assurance.LINK,
        link.approval.id,
        here.signatures,
    )

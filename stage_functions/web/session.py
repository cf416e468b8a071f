"""Sessions of browsers: a signed cookie that names a token, or in development a person.

The cookie is never enough: at each request the token must still be there and the person still in
the file. So revoking a token ends every session that it began.
"""

from __future__ import annotations

from datetime import timedelta

from fastapi import Request, Response

from stage_functions.application import tokens
from stage_functions.application.signatures import Purpose
from stage_functions.domain.error import NotSignedInError
from stage_functions.settings import SignIn
from stage_functions.web.bearer import by_key
from stage_functions.web.service import Service

LENGTH = timedelta(hours=12)
_COOKIE = "stageward"


def cookie(here: Service) -> str:
    """Return the cookie's name; with https one that browsers take from this host alone."""
    return f"__Host-{_COOKIE}" if here.secure else _COOKIE


def begin(response: Response, here: Service, person: str, token: str = "") -> None:
    """Let a response begin a session.

    Args:
        response: sets the cookie.
        here: the service.
        person: key of who has signed in.
        token: id of the token that they did it with; "" in development.
    """
    text = here.signatures.sign(Purpose.SESSION, str(here.sign_in), person, token)
    seconds = int(LENGTH.total_seconds())
    response.set_cookie(
        cookie(here), text, max_age=seconds, secure=here.secure, httponly=True, samesite="lax"
    )


def end(response: Response, here: Service) -> None:
    """Let a response end the session."""
    response.delete_cookie(cookie(here), secure=here.secure, httponly=True, samesite="lax")


def over(request: Request, here: Service) -> str:
    """Say why the session that a browser has is no longer good; "" where it is, or has none."""
    if not request.cookies.get(cookie(here), ""):
        return ""
    try:
        by_session(request, here)
    except NotSignedInError as exc:
        return str(exc)
    return ""


def by_session(request: Request, here: Service) -> str:
    """Return the key of the person whose session it is.

    Raises:
        NotSignedInError: there is none, or what it began with is no longer good.
    """
    text, now = request.cookies.get(cookie(here), ""), here.context.clock.now()
    signed = here.signatures.read(Purpose.SESSION, text) if text else None
    if signed is None or not signed.younger(LENGTH, now) or signed.parts[0] != str(here.sign_in):
        message = "your session has ended; sign in again" if text else "nobody is signed in"
        raise NotSignedInError(message)
    _, person, token = signed.parts
    if here.sign_in is SignIn.DEV:
        return by_key(request, here.context, person)
    known = here.context.configuration.directory.people
    if tokens.holder_of(here.context.ledger.rows, token, now) != person or person not in known:
        message = "what you signed in with is revoked or over, or you are no longer in `people`"
        raise NotSignedInError(message)
    return person

"""The pages where somebody signs in and out; with Entra both are the platform's own."""

from __future__ import annotations

import re

from fastapi import Request, Response
from starlette.routing import BaseRoute

from stage_functions.application.signatures import Purpose
from stage_functions.application.tokens import token_id
from stage_functions.domain.error import DeniedError, NotFoundError, NotSignedInError
from stage_functions.settings import SignIn
from stage_functions.web.bearer import by_key, by_token, here_only
from stage_functions.web.entra import SIGN_OUT
from stage_functions.web.pages.render import page, redirect
from stage_functions.web.pages.routes import act, act_for_anyone, check_form, fields, show
from stage_functions.web.pages.visitor import signed_in, way_in
from stage_functions.web.service import Service, service
from stage_functions.web.session import begin, end, over

HOME = "/"
MAX_ADDRESS = 2000
MAX_TOKEN = 200
NONCE = "stageward_form"
"""The cookie that binds the form to the browser that asked for it: nobody is signed in yet."""
_NONCE = re.compile(r"[0-9A-Za-z]{16,64}")
_LOCAL = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path of ours: what browsers could read as another host, or would leave out, is not in it."""


def routes() -> list[BaseRoute]:
    """Return the routes."""
    return [
        show("/sign-in", ask),
        act_for_anyone("/sign-in", enter),
        act("/sign-out", leave),
    ]


def local(address: str) -> str:
    """Return an address if it is a path of ours, else that of the first page."""
    fits = len(address) <= MAX_ADDRESS and _LOCAL.fullmatch(address)
    return address if fits else HOME


def ask(request: Request) -> Response:
    """Show the form; whoever has signed in goes on to where they wanted."""
    here, to = service(request), local(request.query_params.get("next", HOME))
    if here.sign_in is SignIn.ENTRA:
        return redirect(way_in(request, to))
    _here_only(request, here)
    if signed_in(request) is not None:
        return redirect(to)
    return _form(request, here, to)


def enter(request: Request) -> Response:
    """Begin a session, and go on to where somebody wanted."""
    here, sent = service(request), fields(request)
    to = local(sent.get("next", HOME))
    if here.sign_in is SignIn.ENTRA:
        message = "here Microsoft Entra signs people in; open a page to get there"
        raise NotFoundError(message)
    _here_only(request, here)
    check_form(request, sent, ("", request.cookies.get(NONCE, "")))
    try:
        person, token = _who(request, here, sent)
    except NotSignedInError as exc:
        return _form(request, here, to, status=401, why=str(exc))
    response = redirect(to)
    begin(response, here, person, token)
    response.delete_cookie(NONCE, path="/sign-in", httponly=True, samesite="strict")
    return response


def leave(request: Request) -> Response:
    """End the session."""
    here = service(request)
    response = redirect(SIGN_OUT if here.sign_in is SignIn.ENTRA else "/sign-in")
    end(response, here)
    return response


def _who(request: Request, here: Service, sent: dict[str, str]) -> tuple[str, str]:
    if here.sign_in is SignIn.DEV:
        return by_key(request, here.context, sent.get("person", "")), ""
    secret = sent.get("token", "").strip()[:MAX_TOKEN]
    return by_token(here.context, secret), token_id(secret)


def _here_only(request: Request, here: Service) -> None:
    """In development say to another machine why, instead of asking it to sign in."""
    if here.sign_in is SignIn.DEV:
        try:
            here_only(request)
        except NotSignedInError as exc:
            raise DeniedError(str(exc)) from exc


def _form(
    request: Request, here: Service, to: str, *, status: int = 200, why: str = ""
) -> Response:
    given = request.cookies.get(NONCE, "")
    nonce = given if _NONCE.fullmatch(given) else here.context.clock.operation_id()
    people = here.context.configuration.directory.people if here.sign_in is SignIn.DEV else {}
    response = page(
        "sign_in.html",
        status=status,
        why=why,
        over=over(request, here),
        next=to,
        people=tuple(people.values()),
        by_token=here.sign_in is SignIn.TOKENS,
        token=here.signatures.sign(Purpose.FORM, "", nonce),
    )
    response.set_cookie(
        NONCE, nonce, path="/sign-in", secure=here.secure, httponly=True, samesite="strict"
    )
    return response

"""Sign-in by a bearer: a token of the ledger, or in development the key of a person."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address

from fastapi import Request

from stage_functions.application import tokens
from stage_functions.application.context import Context
from stage_functions.domain.error import NotSignedInError
from stage_functions.settings import SignIn


def bearer(request: Request) -> str:
    """Return the bearer that a request carries, or ""."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def by_bearer(request: Request, context: Context, sign_in: SignIn) -> str:
    """Return the key of the person whom the bearer of a request signs in.

    Raises:
        NotSignedInError: it signs in nobody, or there is none.
    """
    secret = bearer(request)
    if not secret:
        message = f"send 'Authorization: Bearer <token>'; {_how(sign_in)}"
        raise NotSignedInError(message)
    if sign_in is SignIn.DEV:
        return by_key(request, context, secret)
    return by_token(context, secret)


def by_key(request: Request, context: Context, key: str) -> str:
    """Return the key of a person, in development.

    Raises:
        NotSignedInError: nobody has it, or the request is from another machine.
    """
    here_only(request)
    people = context.configuration.directory.people
    if key not in people:
        message = f"the configuration has no person '{key}'; it has {', '.join(people)}"
        raise NotSignedInError(message)
    return key


def by_token(context: Context, secret: str) -> str:
    """Return the key of the person whom a token signs in.

    Raises:
        NotSignedInError: the token is unknown or over, or its person is gone.
    """
    person = tokens.holder(context.ledger.rows, secret, context.clock.now())
    if not person:
        message = f"the token is unknown, expired or revoked; {_how(SignIn.TOKENS)}"
        raise NotSignedInError(message)
    if person not in context.configuration.directory.people:
        message = f"the token is of '{person}', who is no longer in `people` of the configuration"
        raise NotSignedInError(message)
    return person


def here_only(request: Request) -> None:
    """Refuse a request of another machine, or for another name than this machine's.

    Raises:
        NotSignedInError: it is one.
    """
    client = request.client.host if request.client else ""
    if not _loopback(client) or not _loopback(_host(request.headers.get("Host", ""))):
        message = "STAGEWARD_AUTH=dev answers only on this machine; elsewhere set it to tokens"
        raise NotSignedInError(message)


def _how(sign_in: SignIn) -> str:
    if sign_in is SignIn.DEV:
        return "with STAGEWARD_AUTH=dev the token is a person's key in `people`"
    return "an operator of this server makes one with `stageward token create <person>`"


def _host(header: str) -> str:
    """Return the host of a Host header, without the port and the brackets of IPv6."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].lower()


@lru_cache(maxsize=128)
def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

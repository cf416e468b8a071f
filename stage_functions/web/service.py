"""What every call is given, and who is asking."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address

from fastapi import Request
from msgspec import Struct

from stage_functions.application import tokens
from stage_functions.application.coalescing import Coalescing
from stage_functions.application.context import Context
from stage_functions.application.scan import Scanner
from stage_functions.application.signals import follow
from stage_functions.domain.error import DeniedError, InvalidInputError, NotSignedInError
from stage_functions.domain.people import PERSON, Actor, Attribution
from stage_functions.settings import SignIn
from stage_functions.web.deliveries import SeenDeliveries

CLI_AGENT = "stageward-cli"
_KEY = re.compile(r"[!-~]{1,200}\Z")


class Service(Struct, frozen=True):
    """What a call works with.

    Attributes:
        context: what use cases work with.
        scanner: scans registries.
        signals: follows hints, several about one version as one.
        deliveries: ids of the webhook deliveries that were followed lately.
        sign_in: how callers sign in.
        webhook_secret: shared with MLflow, or "".
    """

    context: Context
    scanner: Scanner
    signals: Coalescing
    deliveries: SeenDeliveries
    sign_in: SignIn
    webhook_secret: str

    @classmethod
    def over(
        cls, context: Context, scanner: Scanner, sign_in: SignIn, webhook_secret: str
    ) -> Service:
        """Return the service over a context."""
        signals = Coalescing(lambda signal: follow(context, signal))
        return cls(context, scanner, signals, SeenDeliveries(), sign_in, webhook_secret)


def service(request: Request) -> Service:
    """Return what the application was made with."""
    found: Service = request.app.state.service
    return found


def caller(request: Request) -> Actor:
    """Return who is asking.

    Raises:
        NotSignedInError: nobody, or by a token or name that signs in nobody.
    """
    here = service(request)
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        message = f"send 'Authorization: Bearer <token>'; {_how(here.sign_in)}"
        raise NotSignedInError(message)
    person = _dev(request, secret) if here.sign_in is SignIn.DEV else _token(here, secret)
    via = "cli" if request.headers.get("User-Agent", "").startswith(CLI_AGENT) else "api"
    return Actor(f"{PERSON}:{person}", Attribution.PROVEN, via)


def operator(request: Request) -> Actor:
    """Return the operator who is asking.

    Raises:
        NotSignedInError: as `caller`.
        DeniedError: no operator.
    """
    actor = caller(request)
    directory = service(request).context.configuration.directory
    if not directory.is_operator(actor.id):
        known = ", ".join(directory.operators) or "nobody yet: see `operators` in the configuration"
        message = f"only operators may do this; operators are {known}"
        raise DeniedError(message)
    return actor


def operation(request: Request) -> str:
    """Return the operation id: the caller's Idempotency-Key, or a new one.

    Raises:
        InvalidInputError: the key is not 1 to 200 printable ASCII characters without spaces.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return service(request).context.clock.operation_id()
    if not _KEY.match(key):
        message = "Idempotency-Key: send 1 to 200 printable ASCII characters without spaces"
        raise InvalidInputError(message)
    return key


def _dev(request: Request, key: str) -> str:
    client = request.client.host if request.client else ""
    if not _loopback(client) or not _loopback(_host(request.headers.get("Host", ""))):
        message = "STAGEWARD_AUTH=dev answers only on this machine; elsewhere set it to tokens"
        raise NotSignedInError(message)
    people = service(request).context.configuration.directory.people
    if key not in people:
        message = f"the configuration has no person '{key}'; it has {', '.join(people)}"
        raise NotSignedInError(message)
    return key


def _token(here: Service, secret: str) -> str:
    person = tokens.holder(here.context.ledger.rows, secret, here.context.clock.now())
    if not person:
        message = f"the token is unknown, expired or revoked; {_how(here.sign_in)}"
        raise NotSignedInError(message)
    if person not in here.context.configuration.directory.people:
        message = f"the token is of '{person}', who is no longer in `people` of the configuration"
        raise NotSignedInError(message)
    return person


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

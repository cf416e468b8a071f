"""What every call is given, and who is asking."""

from __future__ import annotations

import re

from fastapi import Request
from msgspec import Struct

from stage_functions.application import upkeep
from stage_functions.application.adoption import keep_up
from stage_functions.application.coalescing import Coalescing
from stage_functions.application.context import Context
from stage_functions.application.following import follow_any
from stage_functions.application.link_keys import LinkKeys
from stage_functions.application.scan import Scanner
from stage_functions.application.shared import Shared
from stage_functions.application.signatures import Signatures
from stage_functions.application.upkeep import Health
from stage_functions.domain.error import DeniedError, InvalidInputError
from stage_functions.domain.people import PERSON, Actor, Attribution, Directory
from stage_functions.settings import SignIn
from stage_functions.web.bearer import by_bearer
from stage_functions.web.deliveries import SeenDeliveries
from stage_functions.web.entra import Identity, identify
from stage_functions.web.origin import foreign

CLI_AGENT = "stageward-cli"
HEALTH_SECONDS = 10
"""How long whoever asks for health waits; a look takes a second, and some where much is wrong."""
_READING = ("GET", "HEAD", "OPTIONS")
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
        signatures: makes and reads what sessions, forms and personal links carry.
        health: whether Stageward is well; asked for by anybody, as often as they like.
        url: where Stageward answers, as others reach it; "" where only requests say so.
        health_seconds: after which a ledger that has not answered counts as unavailable.
    """

    context: Context
    scanner: Scanner
    signals: Coalescing
    deliveries: SeenDeliveries
    sign_in: SignIn
    webhook_secret: str
    signatures: Signatures
    health: Shared[Health]
    url: str = ""
    health_seconds: float = HEALTH_SECONDS

    @classmethod
    def over(
        cls,
        context: Context,
        scanner: Scanner,
        sign_in: SignIn,
        webhook_secret: str,
        url: str = "",
    ) -> Service:
        """Return the service over a context."""
        signals = Coalescing(lambda signal: follow_any(context, signal))
        keys = LinkKeys.of(context.ledger.rows, context.clock, context.configuration)
        signatures = Signatures(keys, context.clock)
        return cls(
            context,
            scanner,
            signals,
            SeenDeliveries(),
            sign_in,
            webhook_secret,
            signatures,
            Shared(lambda: upkeep.health(context)),
            url,
        )

    @property
    def secure(self) -> bool:
        """Browsers reach it by https: its cookies go nowhere else."""
        return self.url.startswith("https://")


def service(request: Request) -> Service:
    """Return what the application was made with."""
    found: Service = request.app.state.service
    return found


def context_of(request: Request) -> Context:
    """Return what use cases work with, with the groups that Entra says the caller is in.

    Raises:
        NotSignedInError, DeniedError: as `caller`, where Entra says who it is.
    """
    here = service(request)
    keep_up(here.context)
    return identity(request).context if here.sign_in is SignIn.ENTRA else here.context


def identity(request: Request) -> Identity:
    """Return who Entra says is signed in; read once a request.

    Raises:
        NotSignedInError, DeniedError: as `caller`.
    """
    found = getattr(request.state, "identity", None)
    if not isinstance(found, Identity):
        found = request.state.identity = identify(request, service(request).context)
        request.state.advice = found.advice
    return found


def caller(request: Request) -> Actor:
    """Return who is asking.

    Raises:
        NotSignedInError: nobody, or by a token or name that signs in nobody.
        DeniedError: somebody whom the configuration does not know, or a page of another site
            asks in their name.
    """
    here = service(request)
    if here.sign_in is SignIn.ENTRA:
        _not_foreign(request, here)
        id_ = identity(request).id
    else:
        id_ = f"{PERSON}:{by_bearer(request, here.context, here.sign_in)}"
    request.state.known = True
    via = "cli" if request.headers.get("User-Agent", "").startswith(CLI_AGENT) else "api"
    return Actor(id_, Attribution.PROVEN, via)


def operator(request: Request) -> Actor:
    """Return the operator who is asking.

    Raises:
        NotSignedInError: as `caller`.
        DeniedError: as `caller`, or no operator.
    """
    actor = caller(request)
    directory = context_of(request).configuration.directory
    if not directory.is_operator(actor.id):
        message = f"only operators may do this; {who_operates(directory)}"
        raise DeniedError(message)
    return actor


def who_operates(directory: Directory) -> str:
    """Say who the operators are."""
    known = ", ".join(directory.operators) or "nobody yet: see `operators` in the configuration"
    return f"operators are {known}"


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


def _not_foreign(request: Request, here: Service) -> None:
    """Refuse what a page of another site sends: the platform's cookie would come along."""
    why = foreign(request, here.url) if request.method not in _READING else ""
    if why:
        message = f"this call is refused: {why}"
        raise DeniedError(message)

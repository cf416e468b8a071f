"""Signs a client in as an identity of Microsoft Entra, with tokens for one Stageward and no other.

    with Client("https://stageward.example.org", Identity("api://<client id>")) as stageward:
        ...

Decides for what a token is asked for, when another one is, and where one may be sent. The audience
comes from whoever uses the client, and is Stageward's own app: no answer of a server names it, or
the address alone could have a token that is good somewhere else. azure.identity signs in, and is
imported when a token is needed.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Generator
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import httpx

from stage_functions.domain.error import InvalidInputError, NotSignedInError
from stage_functions.settings import Settings
from stage_functions.wire.address import endpoint_fault

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

EARLY_SECONDS = 300
"""So long before a token ends another one is asked for."""
AGAIN_SECONDS = 30
"""So long the token that still counts is used, where another one could not be had."""
SIGN_IN_SECONDS = 60
"""So long `az` and its like may take."""
_AUDIENCE = re.compile(r"api://[A-Za-z0-9][A-Za-z0-9._/-]{0,250}")
_CREDENTIALS = ("AZURE_", "IDENTITY_", "MSI_")
"""How the variables begin that azure.identity reads."""
_ATTEMPT = re.compile(r"^\s*\w+Credential: (\S.*)$", re.MULTILINE)
_ENTRA = re.compile(r"AADSTS\d+: .*")
_BY_AZ = "AzureCliCredential"


class NoIdentityError(NotSignedInError):
    """Nobody is signed in to Azure here, or Entra gives them no token for Stageward."""


class Identity(httpx.Auth):
    """Gives tokens for one Stageward, each until shortly before it ends. Safe to share."""

    def __init__(
        self,
        audience: str,
        credential: Callable[[], TokenCredential] | None = None,
        now: Callable[[], float] = time.time,  # noqa: TID251  # tokens say when they end
    ) -> None:
        """Prepare; nobody is signed in yet.

        Args:
            audience: Stageward's app in Entra, `api://<client id>`.
            credential: makes what signs in; azure.identity's DefaultAzureCredential if None.
            now: seconds since 1970.

        Raises:
            InvalidInputError: it is no such audience.
        """
        if _AUDIENCE.fullmatch(audience) is None:
            message = (
                f"'{audience}' is no audience: STAGEWARD_AUDIENCE is api://<client id>, the "
                "application ID URI of Stageward's app in Entra; a token for anything else is not "
                "sent"
            )
            raise InvalidInputError(message)
        self._audience = audience
        self._make = credential or _default
        self._now = now
        self._lock = threading.Lock()
        self._credential: TokenCredential | None = None
        self._token, self._ends, self._renew = "", 0.0, 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign a request; raises as `token`."""
        request.headers["Authorization"] = f"Bearer {self.token()}"
        yield request

    def token(self) -> str:
        """Return a token that counts now.

        Raises:
            NoIdentityError: there is none.
        """
        with self._lock:
            now = self._now()
            if now >= self._renew:
                try:
                    found = self._ask()
                except NoIdentityError:
                    if now >= self._ends:
                        raise
                    self._renew = min(now + AGAIN_SECONDS, self._ends)
                else:
                    self._token, self._ends = found.token, float(found.expires_on)
                    self._renew = self._ends - min(EARLY_SECONDS, (self._ends - now) / 2)
            return self._token

    def _ask(self) -> AccessToken:
        from azure.core.exceptions import AzureError  # noqa: PLC0415  # as below

        try:
            if self._credential is None:
                self._credential = self._make()
            return self._credential.get_token(f"{self._audience}/.default")
        except (AzureError, ValueError) as exc:
            message = (
                f"Azure gives no token for {self._audience} here: {_why(str(exc))}. Run `az login`,"
                " or set STAGEWARD_TOKEN"
            )
            raise NoIdentityError(message) from exc


Bearer: TypeAlias = str | Identity
"""Who is asking: a token as it is sent, or what gives one; "" is nobody."""


def bearer_of(settings: Settings, url: str = "") -> Bearer:
    """Return who the environment says is asking: STAGEWARD_TOKEN, else by STAGEWARD_AUDIENCE.

    Clients of one process share an identity, and so its token.

    Args:
        settings: what the environment says.
        url: where Stageward answers, where that is not from the environment.

    Raises:
        InvalidInputError: the audience is none, or the address was named by nobody: whatever
            listens at the default one must not be sent a token that is good elsewhere.
    """
    if settings.token or not settings.audience:
        return settings.token
    if not url and not settings.url_is_set:
        message = (
            "STAGEWARD_AUDIENCE is set, and STAGEWARD_URL is not: set it to where the Stageward "
            f"answers that {settings.audience} is"
        )
        raise InvalidInputError(message)
    environment = settings.environment or {}
    own = frozenset(one for one in environment.items() if one[0].startswith(_CREDENTIALS))
    return _shared(settings.audience, own)


def check_address(url: str) -> None:
    """Refuse an address that no token of Entra may be sent to.

    Raises:
        InvalidInputError: others could read it on the way.
    """
    if fault := endpoint_fault(url):
        message = f"'{url}' is no address for a token of Entra: {fault}"
        raise InvalidInputError(message)


@lru_cache
def _shared(audience: str, environment: frozenset[tuple[str, str]]) -> Identity:  # noqa: ARG001  # the key
    return Identity(audience)


def _default() -> TokenCredential:
    from azure.identity import DefaultAzureCredential  # 0.4 s to import

    return DefaultAzureCredential(process_timeout=SIGN_IN_SECONDS)


def _why(said: str) -> str:
    """Return the one reason that helps: that of Entra, or of `az`, or the last one."""
    if found := _ENTRA.search(said):
        return found[0].strip().rstrip(".")
    by_az = [line for line in said.splitlines() if line.strip().startswith(_BY_AZ)]
    attempts = _ATTEMPT.findall("\n".join(by_az)) or _ATTEMPT.findall(said)
    reason: str = attempts[-1] if attempts else said.strip().partition("\n")[0]
    return reason.strip().rstrip(".")

"""Where a client of MLflow finds Stageward, and which registry of it MLflow's server is.

Decides nothing about stages. What is found is kept for the life of the process: a registry's alias
never changes. Nothing is asked before it is needed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from urllib.parse import urlsplit

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from msgspec import Struct

from stage_functions.client import Client, bearer_of
from stage_functions.mlflow.errors import translated
from stage_functions.settings import read_settings
from stage_functions.wire import api
from stage_functions.wire.granted_api import GrantedModel

SCHEME = "stageward"
AGENT = "stageward-mlflow"


class Place(Struct, frozen=True):
    """Where stages are kept and asked for. Can be pickled.

    Attributes:
        uri: of MLflow's own registry: its server, or whatever MLflow takes.
        registry: alias of that registry at Stageward; found by the uri if "".
        url: where Stageward answers; STAGEWARD_URL if "".
        token: who is asking; STAGEWARD_TOKEN if "", or else by STAGEWARD_AUDIENCE.
    """

    uri: str
    registry: str = ""
    url: str = ""
    token: str = ""


def place_of(uri: str, registry: str = "", url: str = "", token: str = "") -> Place:
    """Return the place that a URI means.

    Args:
        uri: `stageward:<uri of MLflow's registry>`, with `#<alias>` behind it where the alias
            cannot be found by the URI; or that URI alone.
        registry: the alias, which goes before one in the URI.
        url: see `Place`.
        token: see `Place`.

    Raises:
        MlflowException: there is nothing behind `stageward:`.
    """
    prefix = f"{SCHEME}:"
    if not uri.startswith(prefix):
        return Place(uri, registry, url, token)
    inner, _, alias = uri.removeprefix(prefix).partition("#")
    if not inner:
        message = f"'{uri}' names no registry of MLflow: write {prefix}http://mlflow.example:5000"
        raise MlflowException(message, INVALID_PARAMETER_VALUE)
    return Place(inner, registry or alias, url, token)


class Grants:
    """What Stageward has granted in one registry. Safe to share between threads."""

    def __init__(self, place: Place) -> None:
        """Prepare; nothing is asked yet."""
        self._place = place
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._alias = place.registry

    @property
    def url(self) -> str:
        """Where Stageward answers."""
        return (self._place.url or read_settings().url).rstrip("/")

    @property
    def client(self) -> Client:
        """The client of Stageward, made when it is first needed.

        Raises:
            GovernedError: the address or the token cannot be sent.
        """
        with self._lock, translated():
            if self._client is None:
                token = self._place.token or bearer_of(read_settings(), self._place.url)
                self._client = Client(self.url, token, agent=AGENT)
            return self._client

    def close(self) -> None:
        """Close the connections to Stageward; they are made again when they are needed."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def of(self, name: str) -> GrantedModel:
        """Return where the versions of a model stand: one call.

        Raises:
            UnavailableError, GovernedError: as their names say.
        """
        return self.of_all([name])[name]

    def of_all(self, names: Iterable[str]) -> dict[str, GrantedModel]:
        """Return where the versions of some models stand, by name: one call a hundred models.

        Raises:
            UnavailableError, GovernedError: as their names say.
        """
        wanted = list(dict.fromkeys(names))
        if not wanted:
            return {}
        alias, client = self.alias, self.client
        with translated():
            return dict(zip(wanted, client.granted(alias, wanted), strict=True))

    @property
    def alias(self) -> str:
        """The registry's alias at Stageward; asked for once.

        Raises:
            UnavailableError, GovernedError: as their names say.
            MlflowException: no registry there has this address, or several have.
        """
        if not self._alias:
            client = self.client
            with translated():
                found = client.registries()
            self._alias = _alias_of(self._place.uri, found)
        return self._alias


def _alias_of(uri: str, registries: Iterable[api.Registry]) -> str:
    known = {one.alias: one.address for one in registries}
    fitting = [alias for alias, address in known.items() if address and _same(address, uri)]
    if len(fitting) == 1:
        return fitting[0]
    has = ", ".join(f"{alias} ({address or 'of Azure ML'})" for alias, address in known.items())
    why = "several registries there have" if fitting else "no registry there has"
    message = (
        f"Stageward cannot tell which of its registries {_plain(uri)} is: {why} this address; it "
        f'has: {has or "none"}. Say which: MlflowClient(registry="{next(iter(known), "demo")}"), '
        f"or {SCHEME}:<uri>#<alias>"
    )
    raise MlflowException(message, INVALID_PARAMETER_VALUE)


def _same(one: str, other: str) -> bool:
    """Tell whether two addresses are of one server, as far as their texts say."""
    return _normal(one) == _normal(other)


def _normal(uri: str) -> tuple[str, str, int | None, str]:
    parts = urlsplit(uri)
    host = (parts.hostname or "").removesuffix(".")
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    local = "127.0.0.1" if host in ("localhost", "::1") else host
    return parts.scheme.lower(), local, port, parts.path.rstrip("/")


def _plain(uri: str) -> str:
    """Return a URI without what may be a password in it."""
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host).geturl()

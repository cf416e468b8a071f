"""What the environment says, read once. The one module that reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from enum import StrEnum

from msgspec import Struct, field

_PREFIX = "STAGEWARD_"
_NOTIFY = "STAGEWARD_NOTIFY_"
_REGISTRY = "STAGEWARD_REGISTRY_"
_SIGNING = ("STAGEWARD_ANCHORS_SECRET", "STAGEWARD_WEBHOOKS_SECRET")
NAMES = (
    "ANCHORS",
    "ANCHORS_SECRET",
    "ARM_ENDPOINT",
    "AUDIENCE",
    "AUTH",
    "CONFIG",
    "DEAD_LETTERS",
    "EVENTGRID_ENDPOINT",
    "EVENTGRID_KEY",
    "LEDGER",
    "LOGS",
    "MAIL",
    "MLFLOW_REGISTRY",
    "MLFLOW_TIMEOUT_SECONDS",
    "MLFLOW_WHEN_AWAY",
    "SCAN_AGE_SECONDS",
    "SCAN_MINUTES",
    "TABLES",
    "TABLES_ENDPOINT",
    "TOKEN",
    "URL",
    "WEBHOOKS",
    "WEBHOOKS_SECRET",
    "WEBHOOK_SECRET",
)
"""What stands behind `STAGEWARD_` in the names of variables, besides keys of the file."""
_WITH_KEYS = ("NOTIFY_<KEY>", "REGISTRY_<ALIAS>_TOKEN", "WEBHOOKS_SECRET_<PLACE>")


class SignIn(StrEnum):
    """How callers of the API sign in."""

    DEV = "dev"
    TOKENS = "tokens"
    ENTRA = "entra"


class Logs(StrEnum):
    """How lines of the log are written."""

    TEXT = "text"
    JSON = "json"


class WhenAway(StrEnum):
    """What an MLflow server does with a governed write while Stageward does not answer."""

    REFUSE = "refuse"
    ALLOW = "allow"


class Settings(Struct, frozen=True):
    """What the environment says.

    Attributes:
        configuration: path of the configuration file (`STAGEWARD_CONFIG`).
        ledger: path of the SQLite ledger (`STAGEWARD_LEDGER`), where no tables are named.
        tables: connection string of a storage account whose tables are the ledger
            (`STAGEWARD_TABLES`), or "".
        tables_endpoint: the tables endpoint of that account instead, signed in to by identity
            (`STAGEWARD_TABLES_ENDPOINT`), or "".
        sign_in: how callers sign in (`STAGEWARD_AUTH`): `tokens`; `entra`, behind App Service
            authentication; or `dev`, as whoever they say they are, on this machine only.
        url: where Stageward answers, as others reach it (`STAGEWARD_URL`); where that is not set,
            `stageward serve` takes the address that it listens at.
        token: token by which the command line and the clients sign in (`STAGEWARD_TOKEN`), or "".
        audience: Stageward's app in Entra, `api://<client id>`, for which they get a token by
            identity where none is given (`STAGEWARD_AUDIENCE`), or "".
        webhook_secret: secret by which MLflow signs its webhook (`STAGEWARD_WEBHOOK_SECRET`); ""
            for no webhook: then only the scan sees what changes.
        eventgrid_endpoint: endpoint of the Event Grid topic that events are published to
            (`STAGEWARD_EVENTGRID_ENDPOINT`), or "".
        eventgrid_key: access key of that topic (`STAGEWARD_EVENTGRID_KEY`), or "" for signing in
            by identity.
        webhooks: up to ten URLs that take CloudEvents, separated by blanks (`STAGEWARD_WEBHOOKS`).
        signing: secrets with which deliveries to webhooks and to receivers of anchors are signed,
            by the names of their variables (`STAGEWARD_WEBHOOKS_SECRET`,
            `STAGEWARD_ANCHORS_SECRET`): as named for the first URL, with `_2` for the second, and
            so on; two of one receiver, separated by blanks, while its secret is changed.
        mail: Apprise URL of the mail server by which people are written to (`STAGEWARD_MAIL`).
        notify: where a group or a person is told, URLs separated by blanks
            (`STAGEWARD_NOTIFY_<KEY>`): KEY is their key in the file, in capitals, `_` for `-` and
            `.`; model-risk has `STAGEWARD_NOTIFY_MODEL_RISK`.
        arm_endpoint: endpoint of the resource manager of a sovereign or private cloud
            (`STAGEWARD_ARM_ENDPOINT`), or "" for Azure's public one.
        registry_discovery: where registries of Azure ML are looked up
            (`REGISTRY_DISCOVERY_ENDPOINT_URL`, which azure-ai-ml reads too), or "" for the place
            of that cloud.
        dead_letters: URL of the blob container where Event Grid keeps what it could not deliver,
            or a connection string with `;Container=` (`STAGEWARD_DEAD_LETTERS`); "" for none.
        anchors: where anchors of the ledger go, separated by blanks (`STAGEWARD_ANCHORS`): folders,
            blob containers as for `STAGEWARD_DEAD_LETTERS`, and URLs that take CloudEvents.
        logs: how lines of the log are written, `text` or `json` (`STAGEWARD_LOGS`).
        scan_minutes: the pause from the end of a scan of a registry to the next one, in minutes
            (`STAGEWARD_SCAN_MINUTES`), not parsed; "" for whenever the timer rings: 60 s (serve),
            5 min (Functions).
        scan_age_seconds: so old the last scan may be before it counts as late, in seconds
            (`STAGEWARD_SCAN_AGE_SECONDS`), not parsed; "" for an hour, or three such pauses.
        insights: connection string of Application Insights that traces and metrics are sent to
            (`APPLICATIONINSIGHTS_CONNECTION_STRING`), or "".
        insights_sign_in: as which identity (`APPLICATIONINSIGHTS_AUTHENTICATION_STRING`:
            `ClientId=…;Authorization=AAD`), or "" for none.
        otlp: base URL of a collector that they are sent to (`OTEL_EXPORTER_OTLP_ENDPOINT`), or "".
        trace_share: which share of the traces is kept, from 0 to 1 (`OTEL_TRACES_SAMPLER_ARG`),
            not parsed; "" for all.
        mlflow_registry: where a guarded MLflow server runs, the alias that it has in Stageward's
            file (`STAGEWARD_MLFLOW_REGISTRY`); "" for the one MLflow server of that file.
        mlflow_timeout_seconds: there, how long it waits for Stageward, in seconds
            (`STAGEWARD_MLFLOW_TIMEOUT_SECONDS`), not parsed.
        mlflow_when_away: there, what becomes of a governed write while Stageward does not answer,
            `refuse` or `allow` (`STAGEWARD_MLFLOW_WHEN_AWAY`).
        in_functions: this is an Azure Functions app.
        platform_signs_in: App Service authentication stands in front (`WEBSITE_AUTH_ENABLED`, which
            the platform sets), and so removes what callers send by the names of its headers.
        environment: all of it, for `${NAME}` in addresses.
    """

    configuration: str = "stageward.yaml"
    ledger: str = ".stageward/ledger.db"
    tables: str = ""
    tables_endpoint: str = ""
    sign_in: str = SignIn.TOKENS
    url: str = "http://127.0.0.1:8321"
    token: str = ""
    audience: str = ""
    webhook_secret: str = ""
    eventgrid_endpoint: str = ""
    eventgrid_key: str = ""
    webhooks: tuple[str, ...] = ()
    signing: Mapping[str, str] = field(default_factory=dict)
    mail: str = ""
    notify: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    arm_endpoint: str = ""
    registry_discovery: str = ""
    dead_letters: str = ""
    anchors: tuple[str, ...] = ()
    logs: str = Logs.TEXT
    scan_minutes: str = ""
    scan_age_seconds: str = ""
    insights: str = ""
    insights_sign_in: str = ""
    otlp: str = ""
    trace_share: str = ""
    mlflow_registry: str = ""
    mlflow_timeout_seconds: str = "10"
    mlflow_when_away: str = WhenAway.REFUSE
    in_functions: bool = False
    platform_signs_in: bool = False
    environment: Mapping[str, str] | None = None

    @property
    def tells(self) -> bool:
        """The environment has a channel by which somebody might be told something."""
        return bool(self.mail or self.notify)

    @property
    def url_is_set(self) -> bool:
        """The environment says where Stageward answers."""
        return bool((self.environment or {}).get("STAGEWARD_URL"))

    def credential(self, alias: str, name: str, *, alone: bool) -> str:
        """Return a credential of an MLflow server, or "".

        `STAGEWARD_REGISTRY_<ALIAS>_<NAME>`, the alias in capitals with `_` for `-`; else, where
        there is but one server, `MLFLOW_TRACKING_<NAME>` as MLflow itself reads it. With several,
        that one could be sent to a server that it is not for.

        Args:
            alias: the registry's.
            name: USERNAME, PASSWORD or TOKEN.
            alone: it is the only MLflow server of the configuration.
        """
        known = self.environment or {}
        own = known.get(f"STAGEWARD_REGISTRY_{alias.upper().replace('-', '_')}_{name}", "")
        return own or (known.get(f"MLFLOW_TRACKING_{name}", "") if alone else "")


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from an environment; the process's own if none is given."""
    known = dict(os.environ) if environment is None else dict(environment)
    default = Settings()

    def get(name: str, fallback: str) -> str:
        return known.get(f"STAGEWARD_{name}", "") or fallback

    return Settings(
        configuration=get("CONFIG", default.configuration),
        ledger=get("LEDGER", default.ledger),
        tables=get("TABLES", ""),
        tables_endpoint=get("TABLES_ENDPOINT", ""),
        sign_in=get("AUTH", default.sign_in),
        url=get("URL", default.url).rstrip("/"),
        token=get("TOKEN", "").strip(),
        audience=get("AUDIENCE", "").strip(),
        webhook_secret=get("WEBHOOK_SECRET", ""),
        eventgrid_endpoint=get("EVENTGRID_ENDPOINT", ""),
        eventgrid_key=get("EVENTGRID_KEY", ""),
        webhooks=tuple(get("WEBHOOKS", "").split()),
        signing={
            name: value
            for name, value in sorted(known.items())
            if name.startswith(_SIGNING) and value.strip()
        },
        mail=get("MAIL", "").strip(),
        notify={
            name.removeprefix(_NOTIFY): tuple(value.split())
            for name, value in known.items()
            if name.startswith(_NOTIFY) and value.strip()
        },
        arm_endpoint=get("ARM_ENDPOINT", "").strip(),
        registry_discovery=known.get("REGISTRY_DISCOVERY_ENDPOINT_URL", "").strip(),
        dead_letters=get("DEAD_LETTERS", "").strip(),
        anchors=tuple(get("ANCHORS", "").split()),
        logs=get("LOGS", default.logs).strip().lower(),
        scan_minutes=get("SCAN_MINUTES", "").strip(),
        scan_age_seconds=get("SCAN_AGE_SECONDS", "").strip(),
        insights=known.get("APPLICATIONINSIGHTS_CONNECTION_STRING", "").strip(),
        insights_sign_in=known.get("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "").strip(),
        otlp=known.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip(),
        trace_share=known.get("OTEL_TRACES_SAMPLER_ARG", "").strip(),
        mlflow_registry=get("MLFLOW_REGISTRY", "").strip(),
        mlflow_timeout_seconds=get(
            "MLFLOW_TIMEOUT_SECONDS", default.mlflow_timeout_seconds
        ).strip(),
        mlflow_when_away=get("MLFLOW_WHEN_AWAY", default.mlflow_when_away).strip().lower(),
        in_functions="FUNCTIONS_WORKER_RUNTIME" in known,
        platform_signs_in=known.get("WEBSITE_AUTH_ENABLED", "").lower() == "true",
        environment=known,
    )


def unknown(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that begin as ours do and are none, each with a hint, or "".

    What stands behind `STAGEWARD_NOTIFY_` is checked with the keys of the file, and whose secret
    one is with the addresses; whether an alias behind `STAGEWARD_REGISTRY_` is one is not.
    """
    found: dict[str, str] = {}
    for name in sorted(environment):
        own = name.removeprefix(_PREFIX)
        ours = own in NAMES or name.startswith((_NOTIFY, _REGISTRY, *_SIGNING))
        if ours or not name.startswith(_PREFIX):
            continue
        near = get_close_matches(own, (*NAMES, *_WITH_KEYS), 2)
        hint = " or ".join(f"{_PREFIX}{one}" for one in near)
        found[name] = f"; did you mean {hint}?" if hint else ""
    return found

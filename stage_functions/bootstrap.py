"""Wire Stageward: the only module that names concrete adapters. It decides nothing."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.definitions import in_folder_of
from stage_functions.adapters.links import PageLinks
from stage_functions.adapters.logs import REDACTION, trace
from stage_functions.adapters.noted import NotedRows
from stage_functions.adapters.process import open_process
from stage_functions.adapters.rules import Rules
from stage_functions.application.adoption import adopt
from stage_functions.application.clocks import Clocks, Heard, deaf
from stage_functions.application.context import Context
from stage_functions.application.in_force import InForce
from stage_functions.application.keeping import keep_under
from stage_functions.application.ledger import open_ledger
from stage_functions.application.link_keys import LinkKeys
from stage_functions.application.ports.clock import Clock
from stage_functions.application.ports.notifier import Notifier
from stage_functions.application.ports.registry import Registry
from stage_functions.application.ports.rows import WholeRows
from stage_functions.application.ports.rules import RuleEngine
from stage_functions.application.ports.sink import Sink
from stage_functions.application.ports.telemetry import SILENT, Telemetry
from stage_functions.application.reach import not_told
from stage_functions.application.registries import RegistryStates
from stage_functions.application.scan import Scanner, found_empty
from stage_functions.application.signatures import Signatures
from stage_functions.domain.asset import Kind
from stage_functions.domain.configuration import (
    Configuration,
    Mode,
    RegistryConfiguration,
    RegistryType,
)
from stage_functions.domain.error import ConfigurationError, StagewardError, why_unread
from stage_functions.domain.people import Person, names_somebody
from stage_functions.settings import Settings, SignIn, unknown
from stage_functions.wire.address import endpoint_fault
from stage_functions.wire.configuration import lifecycle_of, load
from stage_functions.wire.resource import addresses

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from stage_functions.application.ports.anchors import AnchorPlace
    from stage_functions.application.verifying_file import Lying
    from stage_functions.domain.anchor import Anchor, Inclusion
    from stage_functions.wire.signing import Signer

MAX_SINKS = 10
WEBHOOKS, ANCHORS = "STAGEWARD_WEBHOOKS", "STAGEWARD_ANCHORS"
"""Settings with addresses, each of which may have a secret."""
CONFIGURED = "configured"
"""Stands for the places of STAGEWARD_ANCHORS."""
_OF_CREDENTIALS = ("AZURE_", "IDENTITY_", "MSI_")
"""How the variables begin that azure.identity reads."""
ASGI = Callable[
    [Any, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]
]
"""An ASGI 3 application."""
log = logging.getLogger("stageward")


class Application(Struct, frozen=True):
    """Stageward, wired.

    Attributes:
        settings: what the environment says.
        context: what use cases work with.
        scanner: scans registries, pass by pass.
    """

    settings: Settings
    context: Context
    scanner: Scanner

    def close(self) -> None:
        """Give back everything that is held open."""
        for registry in self.context.registries.values():
            registry.close()
        for sink in self.context.sinks.values():
            sink.close()
        if self.context.notifier is not None:
            self.context.notifier.close()
        for place in self.context.places:
            place.close()
        if self.context.process.dead_letters is not None:
            self.context.process.dead_letters.close()
        self.context.ledger.rows.close()
        self.context.telemetry.close()


def open_application(settings: Settings) -> Application:
    """Read the configuration, open the ledger, connect registries and sinks, adopt lifecycles.

    Raises:
        ConfigurationError: a fault in the file or the environment; the message says where.
        StoreUnavailableError: the ledger cannot be opened.
    """
    rules = Rules()
    configuration = read_configuration(settings, rules)
    clock, clocks = SystemClock(), Clocks()
    _point_out_unknown(settings)
    _signers(settings)  # a fault in them is told before anything is opened
    place = ledger_place(settings)
    process = open_process(settings, place, clock, clocks, lambda: _credential(settings))
    notifier = open_notifier(settings, configuration, clock)
    silent = not_told(configuration, notifier) if settings.tells else ""
    if silent:
        log.info(silent)
    telemetry = open_telemetry(settings)
    registries = {
        alias: _watched(
            _registry(one, configuration, settings, clocks.listener(alias, clock)),
            alias,
            telemetry,
        )
        for alias, one in configuration.registries.items()
    }
    rows = NotedRows(open_rows(settings, clocks.listener("ledger", clock)), process, clock)
    sinks = {sink.name: sink for sink in _sinks(settings, clock)}
    told = notifier is not None
    governing = InForce(lifecycle_of)
    ledger = open_ledger(
        rows, clock, tuple(sinks), notices=told, telemetry=telemetry, names=governing
    )
    people = configuration.directory.people.values()
    REDACTION.hide(name for one in people for name in _names(one))
    directory = configuration.directory.masked(ledger.mask)
    configuration = replace(configuration, directory=directory)
    signatures = Signatures(LinkKeys.of(rows, clock, configuration), clock)
    context = Context(
        configuration,
        ledger,
        registries,
        RegistryStates(rows, clock, configuration),
        rules,
        sinks,
        clock,
        notifier=notifier,
        links=PageLinks(settings.url, signatures),
        telemetry=telemetry,
        process=process,
        places=open_places(settings),
        in_force=governing,
    )
    keep_under(context)
    trace(context.telemetry.traceparent)
    adopt(context)
    _find_empty(context, registries)
    _point_out_ungoverned(context)
    return Application(settings, context, Scanner(context))


def web_application(application: Application) -> ASGI:
    """Return the HTTP API over an application; loads the web framework.

    Raises:
        ConfigurationError: STAGEWARD_AUTH is no way to sign in, or one that is not allowed here.
    """
    from stage_functions.web.app import create_app  # noqa: PLC0415  # a second to import

    settings = application.settings
    return create_app(
        application.context,
        application.scanner,
        sign_in=_sign_in(settings),
        webhook_secret=settings.webhook_secret,
        url=settings.url,
    )


def _sign_in(settings: Settings) -> SignIn:
    ways = list(SignIn)
    if settings.sign_in not in ways:
        message = f"STAGEWARD_AUTH={settings.sign_in}: it is one of {', '.join(ways)}"
        raise ConfigurationError(message)
    sign_in = SignIn(settings.sign_in)
    if sign_in is SignIn.DEV and settings.in_functions:
        message = "STAGEWARD_AUTH=dev answers only on one machine; in Azure Functions use entra"
        raise ConfigurationError(message)
    if sign_in is SignIn.ENTRA and not settings.platform_signs_in:
        message = (
            "STAGEWARD_AUTH=entra believes a header that anybody could send, unless App Service "
            "authentication stands in front; WEBSITE_AUTH_ENABLED, which the platform sets, is not "
            "true: turn authentication on for the app, or use tokens"
        )
        raise ConfigurationError(message)
    return sign_in


def read_configuration(
    settings: Settings, rules: RuleEngine, *, addresses: bool = True
) -> Configuration:
    """Read and check the configuration file.

    Args:
        settings: where it is, and what `${NAME}` in an address is read from.
        rules: to check the rules with.
        addresses: False leaves the addresses of registries alone, for who asks none.

    Raises:
        ConfigurationError: it cannot be read, or has faults.
    """
    text, path = _file(settings), Path(settings.configuration)
    environment = (settings.environment or {}) if addresses else None
    return load(
        text,
        path=str(path),
        environment=environment,
        check_rule=rules.check,
        read_file=in_folder_of(path),
    )


def _file(settings: Settings) -> str:
    path = Path(settings.configuration)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        message = f"cannot read {path}: {why_unread(exc)}; STAGEWARD_CONFIG names the file"
        raise ConfigurationError(message) from exc


def _point_out_unknown(settings: Settings) -> None:
    """Warn of variables that look like settings and are none; the file may use some."""
    named = _file(settings)
    for name, hint in unknown(settings.environment or {}).items():
        if f"${{{name}}}" not in named:
            log.warning("%s is set, but Stageward reads no such variable%s", name, hint)


def ledger_place(settings: Settings) -> str:
    """Say, without a secret, where the ledger is that the environment names."""
    if settings.tables:
        pairs = (part.partition("=") for part in settings.tables.split(";"))
        named = {name.strip().casefold(): value for name, _, value in pairs}
        account = named.get("tableendpoint") or named.get("accountname")
        if not account and named.get("usedevelopmentstorage", "").casefold() == "true":
            account = "development storage"
        return f"the tables of {account}" if account else "the tables that STAGEWARD_TABLES names"
    if settings.tables_endpoint:
        return f"the tables of {settings.tables_endpoint}"
    return f"the file {Path(settings.ledger).resolve()}"


def ledger_is_missing(settings: Settings) -> bool:
    """Tell whether opening the ledger that the environment names would make a new file."""
    in_tables = settings.tables or settings.tables_endpoint
    return not in_tables and settings.ledger != ":memory:" and not Path(settings.ledger).exists()


def open_rows(
    settings: Settings, heard: Heard = deaf, *, create: bool = True, read_only: bool = False
) -> WholeRows:
    """Open the store of the ledger.

    Args:
        settings: what the environment says.
        heard: takes the headers of the store's answers.
        create: make the tables in Table Storage that are missing; else they read as empty. (Of a
            file, `ledger_is_missing` tells before it is opened.)
        read_only: of a file, write nothing to it and make none beside it: it may be evidence.

    Raises:
        ConfigurationError: SQLite inside Azure Functions, or in a folder that cannot be made.
        StoreUnavailableError: it cannot be opened.
    """
    if settings.tables or settings.tables_endpoint:
        return _tables(settings, heard, create=create)
    if settings.in_functions:
        message = (
            "SQLite cannot be the ledger inside Azure Functions: its disk is not kept; "
            "set STAGEWARD_TABLES_ENDPOINT"
        )
        raise ConfigurationError(message)
    from stage_functions.adapters.sqlite import SQLiteRows  # noqa: PLC0415  # one store is loaded

    if read_only:
        return SQLiteRows(settings.ledger, read_only=True, damaged=True)
    if settings.ledger != ":memory:":
        try:
            Path(settings.ledger).parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            message = f"STAGEWARD_LEDGER: its folder cannot be made: {exc.strerror}"
            raise ConfigurationError(message) from exc
    return SQLiteRows(settings.ledger)


def _tables(settings: Settings, heard: Heard, *, create: bool) -> WholeRows:
    fault = endpoint_fault(settings.tables_endpoint) if not settings.tables else ""
    if fault:
        message = f"STAGEWARD_TABLES_ENDPOINT: {fault}"
        raise ConfigurationError(message)
    from stage_functions.adapters.tables import (  # noqa: PLC0415  # one store is loaded
        TableRows,
        table_service,
    )

    if settings.tables:
        with _naming("STAGEWARD_TABLES"):
            service = table_service(settings.tables, heard=heard)
    else:
        with _naming("STAGEWARD_TABLES_ENDPOINT"):
            service = table_service(settings.tables_endpoint, _credential(settings), heard)
    rows = TableRows(service, missing_is_empty=not create)
    if create:
        rows.create_tables()
    return rows


@contextmanager
def _naming(setting: str) -> Iterator[None]:
    """Say which setting a fault is in."""
    try:
        yield
    except ConfigurationError as exc:
        message = f"{setting}: {exc}"
        raise ConfigurationError(message) from exc


def ensure_webhook(application: Application, alias: str) -> bool:
    """Make an MLflow server deliver its events here; tell whether the registry is one.

    Raises:
        ConfigurationError: the environment of the MLflow server forbids it; the message names
            the setting.
        RegistryUnavailableError, RegistryRefusedError: it cannot be reached, or refuses.
    """
    from stage_functions.adapters.mlflow import MlflowRegistry  # noqa: PLC0415  # loads httpx

    registry, settings = application.context.registries.get(alias), application.settings
    if application.context.telemetry is not SILENT:
        from stage_functions.adapters.telemetry_registry import bare  # noqa: PLC0415  # seldom used

        registry = bare(registry)
    if not isinstance(registry, MlflowRegistry):
        return False
    url = f"{settings.url}/webhooks/mlflow?registry={alias}"
    kept = bool(application.context.configuration.registry(alias).aliases)
    registry.ensure_webhook(url, settings.webhook_secret, aliases=kept)
    return True


def _registry(
    registry: RegistryConfiguration,
    configuration: Configuration,
    settings: Settings,
    heard: Heard,
) -> Registry:
    if registry.type is RegistryType.AZUREML:
        return _azureml(registry, configuration, settings, heard)
    from stage_functions.adapters.mlflow import MlflowRegistry  # noqa: PLC0415  # loads httpx

    types = [one.type for one in configuration.registries.values()]
    alone = types.count(RegistryType.MLFLOW) == 1
    return MlflowRegistry(
        registry.alias,
        registry.address,
        username=settings.credential(registry.alias, "USERNAME", alone=alone),
        password=settings.credential(registry.alias, "PASSWORD", alone=alone),
        token=settings.credential(registry.alias, "TOKEN", alone=alone),
        heard=heard,
    )


def _watched(registry: Registry, alias: str, telemetry: Telemetry) -> Registry:
    """Return a registry that tells of its calls, where there is somebody to tell."""
    if telemetry is SILENT:
        return registry
    from stage_functions.adapters.telemetry_registry import (  # noqa: PLC0415  # seldom used
        WatchedRegistry,
    )

    return WatchedRegistry(registry, alias, telemetry)


def _azureml(
    registry: RegistryConfiguration,
    configuration: Configuration,
    settings: Settings,
    heard: Heard,
) -> Registry:
    from stage_functions.adapters.azureml import AzureMlRegistry  # noqa: PLC0415  # loads azure-core
    from stage_functions.adapters.azureml_cloud import cloud  # noqa: PLC0415  # goes with it

    return AzureMlRegistry(
        registry.alias,
        registry.address,
        _credential(settings),
        cloud=cloud(settings.arm_endpoint, settings.registry_discovery),
        kinds=_kinds(registry),
        aliases=addresses(configuration.registries),
        heard=heard,
    )


def _kinds(registry: RegistryConfiguration) -> list[Kind]:
    """Return the kinds of which a registry's globs may match an asset."""
    heads = [glob.partition("/")[0] for glob in registry.watch]
    return [kind for kind in Kind if any(fnmatchcase(kind, head) for head in heads)]


def _credential(settings: Settings) -> TokenCredential:
    """Return what signs in to Azure, one for all: each keeps tokens of its own."""
    environment = settings.environment or {}
    return _signing(
        frozenset(one for one in environment.items() if one[0].startswith(_OF_CREDENTIALS))
    )


@lru_cache
def _signing(environment: frozenset[tuple[str, str]]) -> TokenCredential:  # noqa: ARG001  # the key
    from azure.identity import DefaultAzureCredential  # 0.4 s to import

    return DefaultAzureCredential()


def _signers(settings: Settings) -> Mapping[str, Mapping[int, Signer]]:
    """Return what signs for receivers: by setting, and place from 1.

    Raises:
        ConfigurationError: a secret is none, or of nobody, or of two; the message names it.
    """
    if not settings.signing:
        return {}
    from stage_functions.wire.signing import signers  # noqa: PLC0415  # seldom configured

    addresses = {WEBHOOKS: settings.webhooks, ANCHORS: settings.anchors}
    return signers(addresses, settings.signing)


def _sinks(settings: Settings, clock: Clock) -> list[Sink]:
    sinks: list[Sink] = []
    signers = _signers(settings).get(WEBHOOKS, {})
    if settings.eventgrid_endpoint:
        with _naming("STAGEWARD_EVENTGRID_ENDPOINT"):
            sinks.append(_event_grid(settings))
    for position, url in enumerate(settings.webhooks, start=1):
        from stage_functions.adapters.events import WebhookSink  # noqa: PLC0415  # loads httpx

        name, signer = f"webhook-{position}", signers.get(position)
        with _naming(WEBHOOKS):
            sinks.append(WebhookSink(name, url, signer=signer, clock=clock))
        if signers and signer is None:
            log.warning("%s has no secret, others have: what it gets is not signed", name)
    if len(sinks) > MAX_SINKS:
        message = f"{len(sinks)} sinks are configured; at most {MAX_SINKS} are allowed"
        raise ConfigurationError(message)
    return sinks


def open_places(settings: Settings) -> tuple[AnchorPlace, ...]:
    """Return the places that anchors of the ledger go to.

    Raises:
        ConfigurationError: one of them cannot be one, or there are too many.
    """
    if not settings.anchors:
        return ()
    from stage_functions.adapters.anchors import open_place  # noqa: PLC0415  # seldom configured

    if len(settings.anchors) > MAX_SINKS:
        message = f"STAGEWARD_ANCHORS names {len(settings.anchors)} places, of {MAX_SINKS} at most"
        raise ConfigurationError(message)
    signers = _signers(settings).get(ANCHORS, {})
    with _naming(ANCHORS):
        return tuple(
            open_place(one, lambda: _credential(settings), signers.get(position))
            for position, one in enumerate(settings.anchors, start=1)
        )


def read_anchors(settings: Settings, place: str) -> Iterator[Anchor]:
    """Yield the anchors that are kept in a place.

    Args:
        settings: what the environment says.
        place: as in STAGEWARD_ANCHORS; `configured` for all of those; or a file with an anchor, or
            the event of one, a line.

    Raises:
        ConfigurationError: it cannot be a place, or none is configured.
        SinkUnavailableError, SinkRefusedError: it cannot be read.
        InvalidInputError: something that is kept there is no anchor.
    """
    from stage_functions.adapters import anchors  # noqa: PLC0415  # seldom used

    if Path(place).is_file():
        yield from anchors.read_anchors(Path(place))
        return
    configured = place == CONFIGURED
    if configured and not settings.anchors:
        message = "STAGEWARD_ANCHORS names no place"
        raise ConfigurationError(message)
    places = settings.anchors if configured else (place,)
    given = replace(settings, anchors=places, signing={})  # nothing is sent there
    for one in open_places(given):
        try:
            yield from one.kept()
        finally:
            one.close()


def histories_in(path: Path) -> Iterator[Lying]:
    """Yield the histories in a file: an evidence pack, a backup, or records; by how it begins.

    Raises:
        InvalidInputError: it is none of these, or is damaged.
    """
    from stage_functions.adapters import backup_files, pack_files  # noqa: PLC0415  # seldom used
    from stage_functions.adapters.record_files import found_in  # noqa: PLC0415  # seldom used
    from stage_functions.application.backup_check import histories_of  # noqa: PLC0415  # seldom
    from stage_functions.application.backup_lines import Reader  # noqa: PLC0415  # seldom
    from stage_functions.application.verifying_file import lying  # noqa: PLC0415  # seldom

    if pack_files.is_pack(path):
        return pack_files.histories_in(path)
    if backup_files.is_backup(path):
        return histories_of(Reader(backup_files.lines(path), str(path)))
    return lying(found_in(path))


def proofs_beside(path: Path, proof: Path | None) -> dict[str, Inclusion]:
    """Return the proofs of a file of its own, or those inside of a pack, by names of histories.

    Raises:
        InvalidInputError: they cannot be read.
    """
    from stage_functions.adapters import pack_files, record_files  # noqa: PLC0415  # seldom used

    if proof is not None:
        return record_files.read_proofs(proof)
    return pack_files.proofs_in(path) if pack_files.is_pack(path) else {}


def open_notifier(
    settings: Settings, configuration: Configuration, clock: Clock
) -> Notifier | None:
    """Return the channels by which people are told; None where the environment has none.

    In Azure Functions the addresses are not tried out on Apprise first: an event must not wait for
    its import. A wrong one is found when something is first sent, and shown as owed work.

    Raises:
        ConfigurationError: a variable names nobody, or has an address that is none.
    """
    if not settings.tells:
        return None
    from stage_functions.adapters.notify import open_notifications  # noqa: PLC0415  # loads httpx

    return open_notifications(
        configuration.directory,
        settings.notify,
        settings.mail,
        clock,
        thorough=not settings.in_functions,
    )


def open_telemetry(settings: Settings) -> Telemetry:
    """Return what tells of traces and metrics, to wherever the environment says; else SILENT.

    What is wrong with these settings is logged, and stops nothing: nobody's decision depends on it.
    """
    if not settings.insights and not settings.otlp:
        return SILENT
    try:
        from stage_functions.adapters import telemetry_settings  # noqa: PLC0415  # loads the SDK

        return telemetry_settings.opened(settings)
    except ModuleNotFoundError as exc:
        log.warning(
            "no traces and no metrics are sent: %s is not installed; "
            "in the repository of Stageward, pip install '.[telemetry]'; or unset %s",
            exc.name,
            "APPLICATIONINSIGHTS_CONNECTION_STRING and OTEL_EXPORTER_OTLP_ENDPOINT",
        )
    except Exception as exc:  # noqa: BLE001  # the SDK reads a dozen variables of its own
        said = str(exc).rstrip(".")
        log.warning("no traces and no metrics are sent: %s; it is about a variable OTEL_…", said)
    return SILENT


def _event_grid(settings: Settings) -> Sink:
    from stage_functions.adapters.eventgrid import EventGridSink  # noqa: PLC0415  # loads the SDK

    if settings.eventgrid_key:
        return EventGridSink(settings.eventgrid_endpoint, settings.eventgrid_key)
    return EventGridSink(settings.eventgrid_endpoint, _credential(settings))


def _find_empty(context: Context, registries: Mapping[str, Registry]) -> None:
    for alias in registries:
        try:
            found_empty(context, alias)
        except StagewardError as exc:
            log.warning("registry %s cannot be listed yet: %s", alias, exc)


def _point_out_ungoverned(context: Context) -> None:
    """Say at the start which registries are only observed though they are to be governed."""
    for alias, registry in context.configuration.registries.items():
        why = context.states.ungoverned(alias) if registry.mode is Mode.ENFORCE else ""
        if why:
            log.warning("%s; till then it is only observed", why)


def _names(person: Person) -> Iterator[str]:
    """Yield what somebody is called: no log is to have it."""
    yield person.name
    yield from (id_.partition(":")[2] for id_ in person.ids if names_somebody(id_))

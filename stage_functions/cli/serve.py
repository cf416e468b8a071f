"""`stageward serve`: the whole of Stageward in one process; and the demonstration."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

import typer
from msgspec.structs import replace

from stage_functions.adapters import logs
from stage_functions.bootstrap import Application
from stage_functions.cli import access_log
from stage_functions.cli.output import fail, say
from stage_functions.domain.configuration import Configuration, RegistryType
from stage_functions.settings import Logs, Settings, SignIn, read_settings

DEFAULT_PORT = 8321
log = logging.getLogger("stageward.serve")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(serve)
    app.command()(demo)


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen at; else that of STAGEWARD_URL.")
    ] = "",
    port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            help=f"Port to listen at; else that of STAGEWARD_URL, or {DEFAULT_PORT}.",
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every request.")] = False,
) -> None:
    """Serve the HTTP API, take events, and run the timers, until Ctrl-C."""
    settings = read_settings()
    host, port = _listen_at(settings, host, port)
    if not settings.url_is_set:
        settings = replace(settings, url=_reached_at(host, port))
    _is_free(host, port)
    if settings.sign_in == SignIn.DEV and not _loopback(host):
        fail(f"STAGEWARD_AUTH=dev answers only on this machine, not at {host}: set it to tokens")
    if settings.logs not in list(Logs):
        fail(f"STAGEWARD_LOGS={settings.logs}: it is one of {', '.join(Logs)}")
    logs.set_up(settings.logs, verbose=verbose)
    logging.getLogger(access_log.LOGGER).addFilter(access_log.WithoutTokens())
    from stage_functions.bootstrap import open_application  # noqa: PLC0415  # loads the stores

    # The server raises the signal once more when it has stopped: then the rest is to stop as well.
    signal.signal(signal.SIGTERM, _leave)
    application = open_application(settings)
    try:
        _run(application, host, port, verbose=verbose)
    except KeyboardInterrupt:
        say("Stopped.")
    finally:
        application.close()


def _run(application: Application, host: str, port: int, *, verbose: bool) -> None:
    import uvicorn  # only this command serves

    from stage_functions.bootstrap import web_application  # noqa: PLC0415  # loads the framework
    from stage_functions.cli.timers import Timers, scan_seconds  # noqa: PLC0415  # likewise

    web = web_application(application)
    timers = Timers(application)
    settings = application.settings
    tell = log.info if settings.logs == Logs.JSON else say  # every line is to be JSON then
    for alias, one in application.context.configuration.registries.items():
        tell(f"registry {alias}: {one.type} {one.address}, mode {one.mode}")
    tell(f"Stageward listens at {_address(host, port)}, sign-in: {settings.sign_in}")
    if _everywhere(host) and not settings.url_is_set:
        tell(
            f"STAGEWARD_URL is not set, so links and webhooks lead to {settings.url}, which only "
            "this machine reaches; set it to the address that others use"
        )
    every = scan_seconds(application.context)
    for line in _events_of_azureml(application.context.configuration, settings.url, every):
        tell(line)
    timers.start()
    try:
        uvicorn.run(web, host=host, port=port, log_config=None, access_log=verbose)
    finally:
        timers.stop()


def _events_of_azureml(configuration: Configuration, url: str, seconds: int) -> Iterator[str]:
    """Say how changes in Azure ML come here, and whether Event Grid can reach this address."""
    registries = configuration.registries.values()
    watched = [one.alias for one in registries if one.type is RegistryType.AZUREML]
    if not watched:
        return
    names, address = ", ".join(watched), urlsplit(url)
    if address.scheme == "https" and not _loopback(address.hostname or ""):
        yield f"Azure ML ({names}): Event Grid tells of changes, where {url}/events is subscribed"
    else:
        yield f"Azure ML ({names}): Event Grid delivers to https addresses only, so not to {url}"
    yield f"what no event tells of, the scan finds, every {seconds} s; see docs/azure-ml.md"


def _leave(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def demo(
    registry: Annotated[
        RegistryType,
        typer.Option(help="Where it plays: a real MLflow server, or a local Azure ML."),
    ] = RegistryType.MLFLOW,
    once: Annotated[bool, typer.Option("--once", help="End with the story.")] = False,
) -> None:
    """Show a real model going through its lifecycle, with a registry of its own."""
    from stage_functions.demo import (  # noqa: PLC0415  # for this alone
        on_azureml,
        on_mlflow,
        stage,
        story,
    )

    on: dict[RegistryType, tuple[Callable[[], bool], stage.Begin]] = {
        RegistryType.MLFLOW: (on_mlflow.can_play, on_mlflow.open_mlflow),
        RegistryType.AZUREML: (on_azureml.can_play, on_azureml.open_azureml),
    }
    can_play, begin = on[registry]
    if not can_play():
        fail(
            "the demonstration needs more than is installed: in the repository of Stageward, "
            "pip install '.[demo]', or `make demo`"
        )
    story.play(begin, once=once)


def _listen_at(settings: Settings, host: str, port: int | None) -> tuple[str, int]:
    try:
        address = urlsplit(settings.url)
        named, named_port = address.hostname or "", address.port
    except ValueError:
        address, named, named_port = urlsplit(""), "", None
    if address.scheme not in ("http", "https") or not named:
        fail(f"STAGEWARD_URL is no address: '{settings.url}'; write http://host:port")
    if _everywhere(named):
        fail(
            f"STAGEWARD_URL is '{settings.url}': others cannot reach it there; name the host they "
            f"use, and listen everywhere with --host {named}"
        )
    if not host:
        host = named if _loopback(named) else "127.0.0.1"
    if not port:
        port = named_port or DEFAULT_PORT
    return ("127.0.0.1" if host == "localhost" else host), port


def _reached_at(host: str, port: int) -> str:
    """Return the address of who listens there, for this machine where it is every one of its."""
    if _everywhere(host):
        host = "::1" if ":" in host else "127.0.0.1"
    return _address(host, port)


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_free(host: str, port: int) -> None:
    """End with a word of advice where nobody can listen; before anything else is done."""
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(place)
    except OSError as exc:
        fail(f"cannot listen at {host}:{port}: {exc.strerror}; choose with --host and --port")


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _everywhere(host: str) -> bool:
    """Tell whether an address means every one of this machine: to listen at, not to go to."""
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False

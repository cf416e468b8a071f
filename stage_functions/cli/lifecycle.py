"""`stageward lifecycle`: the lifecycles of the configuration file, checked where it is written."""

from __future__ import annotations

from typing import Annotated

import typer

from stage_functions.application.reach import not_told
from stage_functions.cli.output import Json, fail, print_json, print_table, say
from stage_functions.domain.configuration import Configuration
from stage_functions.domain.demands import demands
from stage_functions.domain.error import ConfigurationError
from stage_functions.domain.lifecycle import Transition
from stage_functions.settings import Settings, read_settings
from stage_functions.wire import api

app = typer.Typer(no_args_is_help=True, help="The lifecycles of the configuration file.")


@app.command()
def validate() -> None:
    """Check the configuration file that STAGEWARD_CONFIG names (stageward.yaml).

    Where the environment has channels for notices, whoever may vote and is told nothing is noted.
    """
    settings = read_settings()
    configuration = _configuration()
    names = ", ".join(f"{one.name} ({one.digest})" for one in configuration.lifecycles)
    say(f"The file is sound; lifecycles: {names}")
    note = _silent(settings, configuration) if settings.tells else ""
    if note:
        say(f"Note: {note}")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The lifecycle's name.")] = "default",
    as_json: Json = False,
) -> None:
    """Show what each transition of a lifecycle demands."""
    configuration = _configuration()
    found = next((one for one in configuration.lifecycles if one.name == name), None)
    if found is None:
        known = ", ".join(one.name for one in configuration.lifecycles)
        fail(f"no lifecycle is named '{name}'; the file has: {known}")
    if as_json:
        print_json(api.Lifecycle(found.name, found.digest, found.applies_to, found.text))
        return
    say(f"{found.name} {found.digest}")
    rows = [
        (one.source, _target(one), "\n".join(demands(one)) or "nothing")
        for one in found.transitions
    ]
    print_table(("from", "to", "demands"), rows)


def _target(way: Transition) -> str:
    return f"{way.target}, copied to {way.copy_to}" if way.copy_to else way.target


def _silent(settings: Settings, configuration: Configuration) -> str:
    """Say who may vote and is told nothing, or why nobody can be told; the file is not at fault."""
    from stage_functions.adapters.clock import SystemClock  # noqa: PLC0415  # only here
    from stage_functions.bootstrap import open_notifier  # noqa: PLC0415  # loads the stores

    try:
        notifier = open_notifier(settings, configuration, SystemClock())
    except ConfigurationError as exc:
        return str(exc)
    try:
        return not_told(configuration, notifier)
    finally:
        if notifier is not None:
            notifier.close()


def _configuration() -> Configuration:
    from stage_functions.adapters.cel import CelRules  # noqa: PLC0415  # other commands need none
    from stage_functions.bootstrap import read_configuration  # noqa: PLC0415  # likewise

    return read_configuration(read_settings(), CelRules())

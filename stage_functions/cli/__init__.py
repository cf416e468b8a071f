"""The command line. Every error names the next step; output is for people."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from stage_functions.adapters.cel import CelRules
from stage_functions.bootstrap import read_configuration
from stage_functions.domain.configuration import Configuration
from stage_functions.domain.error import StagewardError
from stage_functions.domain.lifecycle import Lifecycle, Transition
from stage_functions.settings import read_settings

app = typer.Typer(name="stageward", no_args_is_help=True, help="Governs lifecycle stages.")
lifecycle = typer.Typer(no_args_is_help=True, help="The lifecycles of the configuration file.")
app.add_typer(lifecycle, name="lifecycle")
FAULT = 1


@app.callback()
def stageward() -> None:
    """Govern the lifecycle stages of machine-learning assets."""


@lifecycle.command()
def validate() -> None:
    """Check the configuration file that STAGEWARD_CONFIG names (stageward.yaml)."""
    configuration = _configuration()
    names = ", ".join(f"{one.name} ({one.digest})" for one in configuration.lifecycles)
    Console().print(f"The file is sound; lifecycles: {names}", highlight=False)


@lifecycle.command()
def show(
    name: Annotated[str, typer.Argument(help="The lifecycle's name.")] = "default",
) -> None:
    """Show what each transition of a lifecycle demands."""
    configuration = _configuration()
    found = next((one for one in configuration.lifecycles if one.name == name), None)
    if found is None:
        known = ", ".join(one.name for one in configuration.lifecycles)
        _fail(f"no lifecycle is named '{name}'; the file has: {known}")
    Console().print(_table(found))


def main() -> None:
    """Run the command line."""
    app()


def _configuration() -> Configuration:
    try:
        return read_configuration(read_settings(), CelRules())
    except StagewardError as exc:
        _fail(str(exc))


def _fail(message: str) -> NoReturn:
    Console(stderr=True).print(message, highlight=False, markup=False)
    raise typer.Exit(FAULT)


def _table(found: Lifecycle) -> Table:
    table = Table("from", "to", "rules", "approval", title=f"{found.name} {found.digest}")
    for transition in found.transitions:
        rules = ", ".join(transition.rules) or "none"
        table.add_row(transition.source, transition.target, rules, _approval(transition))
    return table


def _approval(transition: Transition) -> str:
    policy = transition.approval
    if policy is None:
        return "none"
    groups = ", ".join(f"at least {count} of {group}" for group, count in policy.groups.items())
    excluded = " or ".join(policy.exclude)
    return f"{policy.quorum} persons, {groups}" + (f"; never {excluded}" if excluded else "")

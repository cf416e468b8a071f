"""The commands, put together."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from stage_functions import __version__
from stage_functions.cli import (
    approvals,
    assets,
    lifecycle,
    migrate,
    operations,
    policy,
    serve,
    status,
    tokens,
)
from stage_functions.cli.output import FAULT, complain
from stage_functions.domain.error import NotSignedInError, StagewardError

app = typer.Typer(
    name="stageward",
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Govern the lifecycle stages of machine-learning assets.",
    epilog=(
        "Commands that ask a running Stageward find it by STAGEWARD_URL and sign in with "
        "STAGEWARD_TOKEN. Versions are named registry/kind/name:version, such as "
        "demo/models/iris:3."
    ),
    pretty_exceptions_show_locals=False,
)
app.add_typer(lifecycle.app, name="lifecycle")
app.add_typer(policy.app, name="policy")
app.add_typer(tokens.app, name="token")
for module in (serve, assets, approvals, operations, status, migrate):
    module.add_to(app)


def _version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"stageward {__version__}")
        raise typer.Exit


@app.callback()
def stageward(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Govern the lifecycle stages of machine-learning assets."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; an error of Stageward's own is a message and exit code 1.

    Args:
        arguments: behind the program's name; those of the process if None.
    """
    try:
        app(arguments)
    except NotSignedInError as exc:
        complain(f"{exc}\nSet STAGEWARD_TOKEN to it.")
    except StagewardError as exc:
        complain(str(exc))
    sys.exit(FAULT)

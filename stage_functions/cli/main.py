"""The commands, put together."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from stage_functions import __version__
from stage_functions.cli import (
    approvals,
    assets,
    backup,
    export,
    lifecycle,
    migrate,
    operations,
    policy,
    replay,
    retention,
    rollback,
    serve,
    standing,
    status,
    tokens,
    verify,
)
from stage_functions.cli.output import FAULT, complain
from stage_functions.client import NoIdentityError, signed_in_by
from stage_functions.domain.error import NotSignedInError, StagewardError
from stage_functions.settings import read_settings

app = typer.Typer(
    name="stageward",
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Govern the lifecycle stages of machine-learning assets.",
    epilog=(
        "Commands that ask a running Stageward find it by STAGEWARD_URL and sign in with "
        "STAGEWARD_TOKEN, or as whoever is signed in to Azure, for STAGEWARD_AUDIENCE. Versions "
        "are named registry/kind/name:version, such as demo/models/iris:3."
    ),
    pretty_exceptions_show_locals=False,
)
app.add_typer(lifecycle.app, name="lifecycle")
app.add_typer(policy.app, name="policy")
app.add_typer(tokens.app, name="token")
app.add_typer(retention.app, name="hold")
for module in (
    serve,
    assets,
    standing,
    rollback,
    approvals,
    export,
    operations,
    status,
    retention,
    migrate,
    backup,
    replay,
    verify,
):
    module.add_to(app)

_PANELS: Mapping[str, Sequence[str]] = {
    "See what there is": ("ls", "show", "check", "history", "as-of", "approvals"),
    "Ask and decide": (
        "promote",
        "rollback",
        "withdraw",
        "approve",
        "reject",
        "sponsor",
        "review",
        "acknowledge",
    ),
    "Prove it": ("verify", "export", "replay"),
    "Set it up": ("demo", "serve", "lifecycle", "policy", "token"),
}
_OPERATE = "Operate it"
"""For all that is on no other panel of the help."""


def _panel(name: str | None, function: object) -> str:
    """Return the panel of the help that a command stands on."""
    called = name or getattr(function, "__name__", "")
    return next((panel for panel, names in _PANELS.items() if called in names), _OPERATE)


for command in app.registered_commands:
    command.rich_help_panel = _panel(command.name, command.callback)
for group in app.registered_groups:
    group.rich_help_panel = _panel(group.name, None)


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
    except NoIdentityError as exc:
        complain(str(exc))
    except NotSignedInError as exc:
        complain(signed_in_by(str(exc), _sent()))
    except StagewardError as exc:
        complain(str(exc))
    sys.exit(FAULT)


def _sent() -> str:
    """Return what was sent to say who is asking, in words; "" for nothing."""
    settings = read_settings()
    if settings.token:
        return "STAGEWARD_TOKEN"
    return f"A token for {settings.audience}" if settings.audience else ""

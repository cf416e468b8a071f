"""`stageward lifecycle`: the lifecycles of the configuration file, checked where it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from stage_functions.application.reach import not_told
from stage_functions.cli.output import Json, Yes, fail, print_json, print_table, say
from stage_functions.domain.configuration import Configuration
from stage_functions.domain.copied import held_up
from stage_functions.domain.definition import written
from stage_functions.domain.demands import demands
from stage_functions.domain.emergency import unusable
from stage_functions.domain.error import ConfigurationError, why_unread
from stage_functions.domain.lifecycle import Transition
from stage_functions.domain.terms import properties, terms
from stage_functions.settings import Settings, read_settings
from stage_functions.wire import api

app = typer.Typer(no_args_is_help=True, help="The lifecycles of the configuration file.")
_UNTOLD = (
    "nobody is told of anything, since this environment has neither STAGEWARD_MAIL nor "
    "STAGEWARD_NOTIFY_<KEY>; who may vote finds it on the page /approvals"
)
_POLICIES = Path("infra", "policy")


@app.command()
def validate(
    file: Annotated[
        Path | None,
        typer.Argument(help="The file; the one that STAGEWARD_CONFIG names if left out."),
    ] = None,
    against_ledger: Annotated[
        bool,
        typer.Option(
            "--against-ledger",
            help="Ask the Stageward of STAGEWARD_URL what the file would strand, void, loosen.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Check a configuration file: the one that is in use (stageward.yaml), or any other.

    Noted is what may not be meant: copies into a registry that is only observed; an emergency that
    nobody can use; and whoever may vote and is told nothing, since no channel reaches them.

    Exits 0 where it is sound, 1 where it has a fault. With --against-ledger it is held against what
    is there: exits 1 where it would strand versions.
    """
    settings = read_settings()
    if file is not None:
        settings = replace(settings, configuration=_readable(file))
    if against_ledger:
        from stage_functions.cli.governance import against  # noqa: PLC0415  # others need none

        against(Path(settings.configuration), as_json=as_json)
        return
    configuration = _configuration(settings)
    names = ", ".join(f"{one.name} ({one.digest})" for one in configuration.lifecycles)
    say(f"The file is sound; lifecycles: {names}")
    silent = _silent(settings, configuration)
    for note in filter(None, (held_up(configuration), unusable(configuration), silent)):
        say(f"Note: {note}")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The lifecycle's name.")] = "default",
    as_json: Json = False,
) -> None:
    """Show what holds at each stage of a lifecycle, and what each transition demands."""
    configuration = _configuration(read_settings())
    found = next((one for one in configuration.lifecycles if one.name == name), None)
    if found is None:
        known = ", ".join(one.name for one in configuration.lifecycles)
        fail(f"no lifecycle is named '{name}'; the file has: {known}")
    if as_json:
        print_json(api.Lifecycle(found.name, found.digest, found.applies_to, found.text))
        return
    say(f"{found.name} {found.digest}")
    held = [(one.name, "\n".join(properties(one)) or "nothing") for one in found.stages.values()]
    print_table(("stage", "what holds there"), held)
    rows = [
        (one.source, _target(one), "\n".join(demands(one)) or "nothing")
        for one in found.transitions
    ]
    print_table(("from", "to", "demands"), rows)
    if found.rules:
        readable = [(rule, written(rule)) for rule in found.rules.values()]
        print_table(
            ("rule", "in words", "as written"),
            [(rule.name, rule.says, one.about or one.text) for rule, one in readable],
        )
    for text in terms(found):
        say(f"{text[0].upper()}{text[1:]}.")


@app.command("azure-policy")
def azure_policy(
    file: Annotated[
        Path | None,
        typer.Argument(help="The file; the one that STAGEWARD_CONFIG names if left out."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The folder that they go to.")] = _POLICIES,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 where the files say otherwise.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 where something is left out, too.")
    ] = False,
) -> None:
    """Render what Azure Policy can prevent: definitions, and their assignments for this file.

    docs/azure-policy.md says what that is, and what it cannot stop.
    """
    from stage_functions.cli.azure_policy import render  # noqa: PLC0415  # other commands need none

    settings = read_settings()
    if file is not None:
        settings = replace(settings, configuration=_readable(file))
    render(_configuration(settings), out, check=check, strict=strict)


@app.command()
def adopt(
    name: Annotated[str, typer.Argument(help="The lifecycle's name.")],
    digest: Annotated[
        str, typer.Option("--digest", help="Of the change, as it was shown; else it is asked for.")
    ] = "",
    comment: Annotated[str, typer.Option("--comment", "-m", help="In your words.")] = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Consent to a change of a lifecycle that waits, as one of those who guard it."""
    from stage_functions.cli.governance import consent  # noqa: PLC0415  # other commands need none

    consent(name, digest, comment, yes=yes, as_json=as_json)


@app.command()
def history(
    name: Annotated[str, typer.Argument(help="The lifecycle's name.")] = "default",
    as_json: Json = False,
) -> None:
    """Show what was adopted and proposed of a lifecycle, by whom, with every difference."""
    from stage_functions.cli.governance import told  # noqa: PLC0415  # other commands need none

    told(name, as_json=as_json)


def _target(way: Transition) -> str:
    return f"{way.target}, copied to {way.copy_to}" if way.copy_to else way.target


def _silent(settings: Settings, configuration: Configuration) -> str:
    """Say who may vote and is told nothing, or why nobody can be told; the file is not at fault."""
    from stage_functions.adapters.clock import SystemClock  # noqa: PLC0415  # only here
    from stage_functions.bootstrap import open_notifier  # noqa: PLC0415  # loads the stores

    if not settings.tells:
        return _UNTOLD if not_told(configuration, None) else ""
    try:
        notifier = open_notifier(settings, configuration, SystemClock())
    except ConfigurationError as exc:
        return str(exc)
    try:
        return not_told(configuration, notifier)
    finally:
        if notifier is not None:
            notifier.close()


def _readable(file: Path) -> str:
    """Return a file that was named here: of one that is not there no setting is to blame."""
    try:
        file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        fail(f"cannot read {file}: {why_unread(exc)}")
    return str(file)


def _configuration(settings: Settings) -> Configuration:
    from stage_functions.adapters.rules import Rules  # noqa: PLC0415  # other commands need none
    from stage_functions.bootstrap import read_configuration  # noqa: PLC0415  # likewise

    return read_configuration(settings, Rules())

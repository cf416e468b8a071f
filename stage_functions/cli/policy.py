"""`stageward policy`: definitions of Azure Policy, tried on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stage_functions.cli.output import Json, fail

app = typer.Typer(no_args_is_help=True)


@app.callback()
def policy() -> None:
    """Definitions of Azure Policy, tried on this machine."""


@app.command("test")
def try_definitions(
    definitions: Annotated[
        list[Path] | None, typer.Argument(metavar="DEFINITION.json…", help="Definitions, or rules.")
    ] = None,
    resources: Annotated[
        list[Path] | None,
        typer.Option("--resource", help="What is asked to be written or deleted, in ARM form."),
    ] = None,
    parameters: Annotated[
        list[Path] | None,
        typer.Option(
            "--parameters", help="Values, or assignments.json as it is rendered; the last one wins."
        ),
    ] = None,
    effect: Annotated[
        str, typer.Option("--effect", help="Of assignments: audit, deny or disabled.")
    ] = "",
    request_context: Annotated[
        Path | None, typer.Option("--request-context", help='Who asks: {"identity": {…}}.')
    ] = None,
    context: Annotated[
        Path | None, typer.Option("--context", help="What resourceGroup(), utcNow(), … say.")
    ] = None,
    cases: Annotated[
        Path | None, typer.Option("--cases", help="Cases with what is expected, instead (YAML).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Try definitions of Azure Policy on resources, without Azure.

    Exits 0 if nothing is denied, 4 if something is, 1 on a fault. With --cases 0 if all is as
    expected, else 1. What Azure would not take, or never ask, is a note beside the answers.
    """
    from stage_functions.cli import policy_inputs, policy_trial  # noqa: PLC0415  # only here

    given = policy_inputs.inputs(parameters or [], effect, request_context, context)
    if cases is not None:
        if resources:
            fail("the resources of --cases are in its file; leave --resource out")
        policy_trial.try_cases(cases, definitions or [], given, as_json=as_json)
    if not definitions:
        fail(
            "no definition is given; write: stageward policy test DEFINITION.json --resource R.json"
        )
    if not resources:
        fail("nothing is given to try it on; add --resource R.json, or --cases FILE.yaml")
    policy_trial.try_resources(definitions, resources, given, as_json=as_json)

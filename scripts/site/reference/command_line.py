"""The command line, of the commands themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import Enum
from typing import Any

import typer

from scripts.site.reference.markdown import blocks, code, paragraphs, prose, table
from stage_functions.cli.main import app
from stage_functions.cli.output import FAULT, GRANTED, PENDING, REFUSED, REJECTED

_TYPES = {"str": "text", "int": "whole number", "float": "number", "Path": "path", "bool": "flag"}
_EXITS = (
    (GRANTED, "done, granted, allowed, or all is well"),
    (FAULT, "a fault, or what was looked for is not as it should be; the lines above say what"),
    (2, "the arguments cannot be taken"),
    (PENDING, "it waits for approval"),
    (REFUSED, "refused, not allowed, or not for you"),
    (REJECTED, "rejected, lapsed, or void"),
)
_OTHERWISE = f"Exits {GRANTED} done, {FAULT} on a fault."
"""Of a command that says nothing of its exit codes."""


def page() -> str:
    """Return the page of the command line."""
    top: Any = typer.main.get_command(app)
    named = dict(_commands(top, "stageward"))
    panels: dict[str, list[str]] = {}
    for path, command in named.items():
        group = path.split()[1]
        panel = top.commands[group].rich_help_panel
        panels.setdefault(panel, []).append(_command(path, command))
    exits = table(("code", "means"), [(code(number), says) for number, says in _EXITS])
    return blocks(
        "# Command line",
        "Made of the commands themselves: `stageward --help` says the same. Which variables they "
        "read is in [Environment](environment.md).",
        prose(str(top.epilog)),
        _parameters(top),
        "## Exit codes",
        "The numbers mean the same with every command; which of them it ends with stands there.",
        exits,
        *(part for panel, parts in panels.items() for part in (f"## {panel}", *parts)),
    )


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # typer's
    for name, one in getattr(command, "commands", {}).items():
        if one.hidden:
            continue
        if hasattr(one, "commands"):
            yield from _commands(one, f"{path} {name}")
        else:
            yield f"{path} {name}", one


def _command(path: str, command: Any) -> str:  # noqa: ANN401  # typer's
    usage = " ".join([path, *(_usage(one) for one in command.params if not one.hidden)])
    said = str(command.help)
    return blocks(
        f"### {path}",
        paragraphs(said),
        "" if "Exits " in said else _OTHERWISE,
        f"```text\n{usage}\n```",
        _parameters(command),
    ).strip()


def _usage(one: Any) -> str:  # noqa: ANN401  # typer's
    if one.param_type_name != "argument":
        value = "" if one.is_flag else f" {_metavar(one)}"
        return f"[{max(one.opts, key=len)}{value}]"
    said = _metavar(one) + ("..." if one.nargs != 1 else "")
    return said if one.required else f"[{said}]"


def _metavar(one: Any) -> str:  # noqa: ANN401  # typer's
    return str(one.metavar or one.name).upper()


def _parameters(command: Any) -> str:  # noqa: ANN401  # typer's
    rows = [
        (_called(one), _is(one), "yes" if one.required else _default(one), prose(one.help or ""))
        for one in command.params
        if not one.hidden
    ]
    return table(("argument or option", "is", "required, or default", "means"), rows)


def _called(one: Any) -> str:  # noqa: ANN401  # typer's
    if one.param_type_name == "argument":
        return code(_metavar(one))
    return ", ".join(code(name) for name in (*one.opts, *one.secondary_opts))


def _is(one: Any) -> str:  # noqa: ANN401  # typer's
    annotation = one.type_descriptor.annotation
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        said = "one of " + ", ".join(code(member.value) for member in annotation)
    else:
        said = _TYPES.get(getattr(annotation, "__name__", ""), "text")
    return f"{said}, several times" if one.multiple or one.nargs != 1 else said


def _default(one: Any) -> str:  # noqa: ANN401  # typer's
    value = one.default.value if isinstance(one.default, Enum) else one.default
    empty = value is None or value is False or value in ("", (), [])
    return "" if empty or callable(value) else code(json.dumps(value, default=str))

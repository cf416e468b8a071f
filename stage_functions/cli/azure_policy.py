"""`stageward lifecycle azure-policy`: the policies of a configuration, written or compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import typer

from stage_functions.cli.output import FAULT, complain, fail, print_table, say
from stage_functions.domain.configuration import Configuration
from stage_functions.domain.record import Json
from stage_functions.wire.policy_assignments import Assignment, Plan, document, plan
from stage_functions.wire.policy_definitions import definitions, kind_of
from stage_functions.wire.policy_names import EVERY

ASSIGNMENTS = "assignments.json"


def render(configuration: Configuration, out: Path, *, check: bool, strict: bool = False) -> None:
    """Write the policies of a configuration, or compare with what is there, and say what they do.

    Raises:
        typer.Exit: with 1 where nothing can be rendered or written, something differs, or, if
            `strict`, something is left out.
    """
    found = plan(configuration)
    if not found.assignments:
        why = "\n".join(f"  {one}" for one in (*found.left_out, *found.unseen))
        fail(f"no policy can stand in front of what this file governs:\n{why}")
    if out.exists() and not out.is_dir():
        fail(f"{out} is a file; name the folder of the policies by --out")
    texts = {f"{name}.json": _text(content) for name, content in definitions().items()}
    texts[ASSIGNMENTS] = _text(document(found))
    if check:
        same = _compare(texts, out)
    else:
        same = True
        _write(texts, out)
    _show(found)
    if strict and found.left_out:
        complain("Something is left out, and nothing stands in front of it: see above.")
    if not same or (strict and found.left_out):
        raise typer.Exit(FAULT)


def _text(content: Json) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _write(texts: dict[str, str], out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (out / name).write_text(text, "utf-8", newline="\n")
    except OSError as exc:
        fail(f"cannot write {exc.filename or out}: {exc.strerror}")
    say(f"{len(texts)} files are written to {out}")


def _compare(texts: dict[str, str], out: Path) -> bool:
    different = [name for name, text in texts.items() if _there(out / name) != text]
    if different:
        complain(f"{out} is not what the configuration says: {', '.join(different)}")
        complain("Render it anew: leave --check out.")
        return False
    say(f"{out} is what the configuration says")
    return True


def _there(file: Path) -> str | None:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _show(found: Plan) -> None:
    print_table(
        ("policy", "lifecycle", "workspaces", "versions of", "names", "free to all"),
        (tuple(_row(one)) for one in found.assignments),
    )
    for note in found.notes:
        say(f"Note: {note}")
    for one in found.left_out:
        say(f"Left out: {one}")
    for one in found.unseen:
        say(f"Out of sight: {one}")


def _row(one: Assignment) -> Iterator[str]:
    said = one.parameters
    names = ", ".join(said["names"])
    excepted = ", ".join(said["exceptNames"])
    yield one.definition
    yield one.lifecycle
    yield ", ".join(one.registries)
    yield ", ".join(kind_of(value) for value in said["resourceTypes"])
    yield ("every" if names == EVERY else names) + (f" but {excepted}" if excepted else "")
    yield ", ".join(said.get("openStages") or said.get("deletableStages") or [])

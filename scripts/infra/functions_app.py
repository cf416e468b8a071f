"""What the code and the files of the Functions app say that its templates must agree with."""

from __future__ import annotations

import ast
import fnmatch
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

APP = "function_app.py"
_VARIABLE = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class FunctionsApp:
    """The app.

    Attributes:
        event_functions: names of those that Event Grid calls.
        other_functions: names of those that neither HTTP nor Event Grid calls.
        events: types of events that the code reads.
        settings: names behind `STAGEWARD_` that the code reads.
        tables: names of the tables, with their prefix.
        python: versions that the project supports, such as `3.13`.
        pinned_python: the one that requirements.txt is made for.
    """

    event_functions: frozenset[str]
    other_functions: frozenset[str]
    events: frozenset[str]
    settings: frozenset[str]
    tables: frozenset[str]
    python: frozenset[str]
    pinned_python: str


def read(root: Path) -> FunctionsApp:
    """Read it from the code, which is not imported: a copy of the project can be checked too."""
    decorated = _decorated((root / APP).read_text(encoding="utf-8"))
    rows = _constants(root / "stage_functions" / "application" / "ports" / "rows.py")
    prefix = re.search(
        r'prefix: str = "(\w+)"', _text(root / "stage_functions" / "adapters" / "tables.py")
    )
    named = [str(rows.get(name)) for name in ("LEDGER", "WORK", "CATALOG", "BLOBS")]
    names = _constants(root / "stage_functions" / "settings.py").get("NAMES")
    pinned = re.search(r"--python-version (\S+) --python-platform", _text(root / "scripts/lock.sh"))
    return FunctionsApp(
        frozenset(name for name, how in decorated if how == "event_grid_trigger"),
        frozenset(n for n, how in decorated if how not in {"event_grid_trigger", "route"}),
        _events(_text(root / "stage_functions" / "wire" / "eventgrid.py")),
        frozenset(names if isinstance(names, tuple) else ()),
        frozenset(f"{prefix.group(1)}{name}" for name in named) if prefix else frozenset(),
        _supported(root / "pyproject.toml"),
        pinned.group(1) if pinned else "",
    )


def _events(source: str) -> frozenset[str]:
    spaces = dict(re.findall(r'^(_ML|_RESOURCES) = "([\w.]+)"', source, re.MULTILINE))
    return frozenset(
        f"{spaces[space]}.{name}"
        for space, name in re.findall(r'f"\{(\w+)\}\.(\w+)"', source)
        if space in spaces
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _decorated(source: str) -> list[tuple[str, str]]:
    """Return the functions that are decorated by `app`, each with its decorator."""
    return [
        (node.name, call.func.attr)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for call in node.decorator_list
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
    ]


def _constants(path: Path) -> dict[str, object]:
    """Return what is assigned at the top of a file and is constant."""
    found: dict[str, object] = {}
    for node in ast.parse(_text(path)).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return found


def _supported(path: Path) -> frozenset[str]:
    wanted = tomllib.loads(_text(path))["project"]["requires-python"]
    low, high = (int(minor) for minor in re.findall(r"3\.(\d+)", wanted))
    return frozenset(f"3.{minor}" for minor in range(low, high))


def variables(path: Path) -> frozenset[str]:
    """Return the `${NAME}` of a configuration file, less those in comments."""
    lines = (re.sub(r"(^|\s)#.*", "", line) for line in _text(path).splitlines())
    return frozenset(name for line in lines for name in _VARIABLE.findall(line))


def left_out(root: Path, path: str) -> bool:
    """Tell whether .funcignore keeps a file from being deployed; its last match decides."""
    ignored = False
    for line in _text(root / ".funcignore").splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        undo = pattern.startswith("!")
        pattern = pattern.removeprefix("!").removesuffix("/")
        parts = path.split("/")
        folders = ["/".join(parts[: end + 1]) for end in range(len(parts))]
        if any(fnmatch.fnmatch(folder, pattern) for folder in folders) or (
            "/" not in pattern and any(fnmatch.fnmatch(part, pattern) for part in parts)
        ):
            ignored = not undo
    return ignored

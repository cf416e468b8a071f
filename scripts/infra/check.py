"""Reads templates, finds what their names stand for, and evaluates them with every example."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from scripts.infra import ambient, bodies, deploy, examples, symbols, world
from scripts.infra.faults import Fault, Place, TemplateError
from scripts.infra.parser import parse, second_opinion
from scripts.infra.syntax import Access, Expression, File, For, If, Index, Literal, Name, Node
from scripts.infra.unit import Unit
from scripts.infra.values import Record, Scope
from scripts.infra.walk import children, declarations, everything
from scripts.infra.world import Deployed, World

BLIND = ("circle", "duplicate", "keys", "module", "symbol", "syntax")
"""Rules whose faults leave nothing to evaluate."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A template, evaluated with the values of one case.

    Attributes:
        file: the template.
        case: the values.
        resources: what Azure would be asked for; and what must exist.
        units: the file of each module, by the modules that it is in, `main/storage`.
        outputs: of the template.
    """

    file: File
    case: examples.Case
    resources: tuple[Deployed, ...]
    units: dict[str, File] = field(default_factory=dict)
    outputs: dict[str, object] = field(default_factory=dict)


def templates(root: Path) -> list[str]:
    """Return the paths of all templates below `infra`, in order."""
    return sorted(path.relative_to(root).as_posix() for path in root.glob("infra/**/*.bicep"))


def read(root: Path) -> tuple[dict[str, File], list[Fault]]:
    """Return the trees of all templates, and what is wrong with their text and their names."""
    files: dict[str, File] = {}
    found: list[Fault] = []
    for path in templates(root):
        text = (root / path).read_text(encoding="utf-8")
        try:
            files[path] = parse(path, text)
        except TemplateError as exc:
            found.append(exc.fault)
            continue
        found += second_opinion(path, text)
        found += symbols.check(files[path], root)
    return files, found


def beginnings(files: dict[str, File]) -> list[File]:
    """Return the templates that are deployed themselves: no other uses them as a module."""
    modules = {
        World(Path()).beside(file.path, one.target)
        for file in files.values()
        for one in file.declarations
        if one.kind == "module"
    }
    return [file for path, file in files.items() if path not in modules]


def unused_outputs(files: dict[str, File]) -> Iterator[Fault]:
    """Yield outputs of modules that no template asks for."""
    asked: set[tuple[str, str]] = set()
    for file in files.values():
        modules = {one.name: one.target for one in file.declarations if one.kind == "module"}
        for one in file.declarations:
            for node in everything(one.value) if one.value is not None else ():
                name = _output_asked(node, modules)
                if name is not None:
                    asked.add((World(Path()).beside(file.path, name[0]), name[1]))
    begins = {file.path for file in beginnings(files)}
    for path, file in files.items():
        for one in file.declarations:
            if one.kind == "output" and path not in begins and (path, one.name) not in asked:
                message = f"output '{one.name}' is asked for nowhere; remove it"
                yield Fault(one.name_place, "unused", message)


def _output_asked(node: Expression, modules: dict[str, str]) -> tuple[str, str] | None:
    """Return path and name of the output that an expression asks for."""
    match node:
        case Access(name=name, base=Access(name="outputs", base=base)):
            while isinstance(base, Index):
                base = base.base
            if isinstance(base, Name) and base.name in modules:
                return modules[base.name], name
    return None


def evaluate(
    root: Path, files: dict[str, File], *, thorough: bool = True
) -> tuple[list[Deployment], list[Fault]]:
    """Return every template with the values of every case, and what Azure would refuse of it.

    Args:
        root: folder of the project.
        files: the trees of its templates.
        thorough: all cases; else the first two, which do not reach all of a template.
    """
    found: set[Fault] = set()
    reached: set[Node] = set()
    made: list[Deployment] = []
    for file in beginnings(files):
        lacking = list(examples.missing(file))
        for one in lacking:
            message = f"param '{one.name}' has no example; add one to scripts/infra/examples.py"
            found.add(Fault(one.place, "example", message))
        if lacking:
            continue
        for case in islice(examples.cases(file), None if thorough else 2):
            within = World(root, files=files, reached=reached)
            given = Record(case.values.items(), place=Place(file.path))
            unit = Unit(within, Path(file.path).stem, file, _scope(file), given)
            outputs = unit.run()
            for resource in within.resources:
                found.update(bodies.check(resource))
            found |= within.faults
            made.append(Deployment(file, case, tuple(within.resources), within.units, outputs))
    if thorough and not found:
        found.update(unreached(files.values(), reached))
    return made, sorted(found)


def _scope(file: File) -> Scope:
    kind = deploy.target_scope(file)
    if kind == "resourceGroup":
        return ambient.example_group()
    return Scope(kind, f"/subscriptions/{world.SUBSCRIPTION}" if kind == "subscription" else "/")


def unreached(files: Iterable[File], reached: set[Node]) -> Iterator[Fault]:
    """Yield the expressions that no case has evaluated: nothing is known of them."""
    for file in files:
        for one, _ in declarations(file.declarations):
            if one.value is not None and one.kind not in {"metadata", "targetScope"}:
                for node in _outermost(one.value, reached):
                    message = (
                        "no example comes here, so it is not checked; remove it, or give an "
                        "example to scripts/infra/examples.py"
                    )
                    yield Fault(node.place, "unreached", message)


def _outermost(node: Expression, reached: set[Node]) -> Iterator[Expression]:
    if node not in reached and not isinstance(node, Literal | Name | For | If):
        yield node
        return
    for child in children(node):
        yield from _outermost(child, reached)

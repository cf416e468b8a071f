"""What modules are evaluated in: an example of Azure, the files, and all that was found so far."""

from __future__ import annotations

import difflib
import posixpath
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from scripts.infra import catalog
from scripts.infra.faults import Fault, Place, TemplateError
from scripts.infra.parser import parse
from scripts.infra.shapes import ANY, ARRAY, MAP, OBJECT, STRING, Kind, Shape
from scripts.infra.syntax import Declaration, File, Node
from scripts.infra.values import Record, Runtime, Scope, Unknown

SUBSCRIPTION = "00000000-0000-0000-0000-00000000a2e5"
TENANT = "00000000-0000-0000-0000-0000000e9a27"
DEPLOYER = "00000000-0000-0000-0000-00000000de90"
LOCATION = "westeurope"
GROUP = "rg-example"
_NAMESPACE = uuid.UUID("4f0e9c2f-5a0d-4d5e-9d52-2d2ecb4d6c0f")


class EvaluationError(TemplateError):
    """An expression that Azure would refuse."""


@dataclass(frozen=True, eq=False, slots=True)
class Deployed:
    """A resource as Azure is asked for it.

    Attributes:
        declaration: where it is declared.
        place: where the object of its properties begins.
        unit: the modules that it is in, such as `main/storage`.
        type: such as `Microsoft.Storage/storageAccounts`.
        version: of the API.
        name: all segments, `account/default/container`.
        id: its resource id.
        scope: where it is deployed; of an extension, the resource that it extends.
        body: what is sent, less `name`, `parent`, `scope` and `dependsOn`.
        existing: nothing is sent, it must be there.
        wanted: its condition holds.
    """

    declaration: Declaration
    place: Place
    unit: str
    type: str
    version: str
    name: str
    id: str
    scope: Scope
    body: Record
    existing: bool
    wanted: bool

    @property
    def last_name(self) -> str:
        """The last segment of its name."""
        name = self.name.rpartition("/")[2]
        return Runtime(name) if isinstance(self.name, Runtime) else name

    def is_of(self, *types: str) -> bool:
        """Tell whether it is of one of these types."""
        return self.type.lower() in {one.lower() for one in types}


@dataclass(frozen=True, slots=True)
class Response:
    """A part of what Azure answers about a resource.

    Attributes:
        of: the resource.
        path: of the part, such as `properties.primaryEndpoints`.
        shape: what is there.
    """

    of: Deployed
    path: str
    shape: Shape

    def get(self, name: str, place: Place) -> object:
        """Return a property of it: a further part, or an example of its value.

        Raises:
            EvaluationError: Azure answers no such property.
        """
        field = self.shape.fields.get(name)
        path = f"{self.path}.{name}".lstrip(".")
        if field is not None:
            return self.example(path, field.kind)
        if self.shape.rest is not None or not self.shape.fields:
            return Unknown(ANY)
        close = near(name, self.shape.fields)
        message = f"Azure tells no '{path}' of {self.of.type}{close or '; use one that it tells'}"
        raise EvaluationError(place, "response", message)

    def example(self, path: str, kind: Kind) -> object:
        """Return an example of a value."""
        if kind.name == OBJECT and kind.shape is not None:
            return Response(self.of, path, kind.shape())
        if kind.name == STRING:
            return catalog.example(self.of.type, self.of.last_name, path) or _invented(
                self.of.id, path, guid=path.endswith("Id") and path.count(".") == 1
            )
        return Unknown({MAP: OBJECT, ARRAY: ARRAY}.get(kind.name, kind.name))


def _invented(resource: str, path: str, *, guid: bool) -> Runtime:
    text = str(uuid.uuid5(_NAMESPACE, f"{resource}|{path}"))
    return Runtime(text if guid else f"<{path} of {resource}>")


def near(name: str, known: Iterable[str]) -> str:
    """Return a hint at the known name that is most like one, or ""."""
    close = difflib.get_close_matches(name, list(known), 1, 0.6)
    return f"; did you mean '{close[0]}'?" if close else ""


@dataclass(slots=True)
class World:
    """All that one evaluation of a template shares.

    Attributes:
        root: folder that paths begin at.
        faults: those found so far; a set, as one expression is evaluated more than once.
        reached: every expression that was evaluated.
        resources: all of them, in the order of their evaluation.
        units: the file of each module, by the modules that it is in, `main/storage`.
        files: trees by path.
    """

    root: Path
    faults: set[Fault] = field(default_factory=set)
    reached: set[Node] = field(default_factory=set)
    resources: list[Deployed] = field(default_factory=list)
    units: dict[str, File] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)

    def file(self, path: str) -> File:
        """Return the tree of a file.

        Raises:
            TemplateError: it is no Bicep.
        """
        if path not in self.files:
            text = (self.root / path).read_text(encoding="utf-8")
            self.files[path] = parse(path, text)
        return self.files[path]

    def beside(self, path: str, relative: str) -> str:
        """Return the path of a file named in another, from the root."""
        return posixpath.normpath(posixpath.join(posixpath.dirname(path), relative))

    def fault(self, place: Place, rule: str, message: str) -> None:
        """Note a fault."""
        self.faults.add(Fault(place, rule, message))

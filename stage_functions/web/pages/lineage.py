"""Where a version comes from, as a picture and as a list: of what its evidence names. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from msgspec import Struct

from stage_functions.application.brief_facts import maker_title
from stage_functions.application.dossier import VersionDossier
from stage_functions.domain.evidence import Evidence, Scalar
from stage_functions.domain.places import public
from stage_functions.web.pages.picture import Edge, Node, Picture, picture

DRAWN = 12
"""Sources in the picture; the list has all."""
_LABELS = {
    "job": "Job",
    "code": "Code",
    "base_model": "Base model",
    "environment": "Environment",
    "features": "Features",
    "author": "Author",
}
_TELLING = {
    "job": ("name", "id", "status"),
    "code": ("commit", "branch", "repository", "source"),
    "data": ("name", "digest", "source"),
    "environment": ("name", "version", "asset", "python_version", "mlflow_version"),
}
_VALUES = 3
_VERSION = "_version"


class Origin(Struct, frozen=True):
    """Something that a version comes from.

    Attributes:
        label: what part it has: `Job`, `Data`.
        values: what it is, by what the evidence calls it; empty where it is not recorded.
    """

    label: str
    values: tuple[tuple[str, str], ...]


class Lineage(Struct, frozen=True):
    """Where a version comes from, and where it stands.

    Attributes:
        origins: everything that may be recorded, in order.
        drawn: the picture of what is; None where nothing is.
        left_out: how many origins are only in the list.
    """

    origins: tuple[Origin, ...]
    drawn: Picture | None
    left_out: int


def lineage(found: VersionDossier, called: Callable[[str], str]) -> Lineage:
    """Return where a version comes from.

    Args:
        found: the version.
        called: what somebody is called, by id; the id itself where that is not known.
    """
    origins = _origins(found.evidence, called, maker_of(found))
    known = [one for one in origins if one.values]
    if not known:
        return Lineage(tuple(origins), None, 0)
    version = Node("version", f"Version {found.version.number}", (found.version.asset.name,))
    nodes = [
        Node(f"origin {n}", one.label, tuple(_line(*value) for value in one.values[:2]))
        for n, one in enumerate(known[:DRAWN])
    ]
    edges = [Edge(node.key, version.key) for node in nodes]
    nodes.append(version)
    state = found.state
    if state is not None and state.stage:
        gone = ("deleted",) if state.gone else (f"since {state.since:%Y-%m-%d}",)
        nodes.append(Node("stage", state.stage, gone, look="stage"))
        edges.append(Edge(version.key, "stage"))
    return Lineage(tuple(origins), picture(nodes, edges, centred=True), len(known[DRAWN:]))


def maker_of(found: VersionDossier) -> str:
    """Return what whoever trained a version is called: its author, if no other is one."""
    return maker_title(found.state.author if found.state is not None else "", [found.trainer])


def _origins(evidence: Evidence, called: Callable[[str], str], maker: str) -> list[Origin]:
    found = [Origin("Job", _values("job", evidence.section("job")))]
    found += [Origin("Data", values) for values in _data(evidence.section("data"))]
    for name, label in _LABELS.items():
        if name not in ("job", "author"):
            found.append(Origin(label, _values(name, evidence.section(name))))
    id_ = str(evidence.section("author").get("id", ""))
    name = called(id_) if id_ else ""
    named = (("name", name),) if name != id_ else ()
    return [*found, Origin(maker, (*named, ("id", id_)) if id_ else ())]


def _data(section: Mapping[str, Scalar]) -> list[tuple[tuple[str, str], ...]]:
    """Return every data input; a section that names several has them all as `datasets`."""
    try:
        several = json.loads(str(section.get("datasets", "[]")))
    except ValueError:
        several = []
    named = several if isinstance(several, list) else []
    rows: list[Mapping[str, Scalar]] = [one for one in named if isinstance(one, dict)]
    return [_values("data", one) for one in rows or [section]]


def _line(name: str, value: str) -> str:
    """Return a value as the picture says it: of a version alone, what it is the version of."""
    what = name.removesuffix(_VERSION)
    return f"{what} {value}" if what != name else value


def _values(name: str, section: Mapping[str, Scalar]) -> tuple[tuple[str, str], ...]:
    telling = [key for key in _TELLING.get(name, ()) if section.get(key)]
    rest = [key for key in section if key not in telling and not telling]
    return tuple((key, public(str(section[key]))) for key in (*telling, *rest)[:_VALUES])

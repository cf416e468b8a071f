"""Makes resources out of what is declared: their ids, their scopes, and whether they fit there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from scripts.infra import catalog
from scripts.infra.faults import Place
from scripts.infra.syntax import Declaration, File, Literal, Object
from scripts.infra.values import Record, Runtime, Scope, Scoped, Unknown, join, type_of
from scripts.infra.world import Deployed, EvaluationError, World, near

if TYPE_CHECKING:
    from scripts.infra.evaluate import Locals
    from scripts.infra.unit import Unit

Make = Callable[["Declaration", "Object", "Locals", bool], object]
TARGET = re.compile(r"([\w.]+(?:/[\w.]+)+)@(\d{4}-\d\d-\d\d(?:-preview)?)")
_DEPLOYMENT = re.compile(r"[A-Za-z0-9._()-]{1,64}")
_EXISTING = ("name", "parent", "scope")
_NOT_SENT = ("name", "parent", "scope", "dependsOn")
_GROUPS = "Microsoft.Resources/resourceGroups"


def resource(unit: Unit, declaration: Declaration, body: Record, *, wanted: bool) -> Deployed:
    """Return a resource, and note it.

    Raises:
        EvaluationError: it cannot be.
    """
    parent = body.get("parent")
    kind, version = _target(declaration, parent)
    if not isinstance(parent, Deployed | None):
        raise EvaluationError(body.at("parent"), "parent", "the parent is a resource; name one")
    if declaration.existing:
        for key in body:
            if key not in _EXISTING:
                message = f"what exists is only named, not given '{key}'; remove that"
                unit.world.fault(body.at(key), "existing", message)
    hold_depends_on(unit.world, body)
    name = _full_name(body, kind, parent)
    scope = scope_of(body.get("scope"), body.at("scope"), parent.scope if parent else unit.scope)
    if parent is None:
        _hold_scope(unit, declaration, kind, scope, body)
    found = Deployed(
        declaration,
        body.place,
        unit.path,
        kind,
        version,
        name,
        _id(kind, name, scope),
        scope,
        Record(
            ((key, value) for key, value in body.items() if key not in _NOT_SENT),
            place=body.place,
            places=body.places,
        ),
        declaration.existing,
        wanted and (parent is None or parent.wanted or declaration.existing),
    )
    unit.world.resources.append(found)
    _hold_name(unit.world, found, body.at("name"))
    return found


def hold_depends_on(world: World, body: Record) -> None:
    """Note what is waited for and is neither a resource nor a module."""
    waited = body.get("dependsOn", [])
    for one in waited if isinstance(waited, list) else [waited]:
        if isinstance(one, str | int | dict) or one is None:
            message = "what is waited for is a resource or a module; name one"
            world.fault(body.at("dependsOn"), "type", message)


def _target(declaration: Declaration, parent: object) -> tuple[str, str]:
    """Return type and version; a resource inside another takes both from that."""
    target, place = declaration.target, declaration.target_place
    if isinstance(parent, Deployed) and "/" not in target:
        version = target.partition("@")[2] or parent.version
        target = f"{parent.type}/{target.partition('@')[0]}@{version}"
    match = TARGET.fullmatch(target)
    if match is None:
        message = f"'{target}' is no type with a version; write 'Provider/type@2025-01-31'"
        raise EvaluationError(place, "resource-type", message)
    kind, version = match.groups()
    known = catalog.entry(kind)
    if known is None:
        message = (
            f"no resource type '{kind}' is known here{near(kind, catalog.TYPES)}; "
            "if it is real, add it to scripts/infra/catalog.py with its source"
        )
        raise EvaluationError(place, "resource-type", message)
    if version not in known.versions:
        versions = ", ".join(known.versions)
        message = (
            f"{kind} has no API version {version} that is known here, but {versions}; "
            "take one, or add it to scripts/infra/catalog.py with its source"
        )
        raise EvaluationError(place, "api-version", message)
    return kind, version


def _full_name(body: Record, kind: str, parent: Deployed | None) -> str:
    name = body.get("name")
    place = body.at("name")
    if isinstance(name, Unknown):
        name = Runtime("<name>")
    if not isinstance(name, str) or not name:
        raise EvaluationError(place, "name", "a resource has a name, which is text; give it one")
    segments = kind.count("/")
    if parent is None:
        if name.count("/") != segments - 1:
            message = f"the name of {kind} has {segments} segments; name its parent by 'parent'"
            raise EvaluationError(place, "parent", message)
        return name
    if kind.lower().rpartition("/")[0] != parent.type.lower():
        message = f"{kind} is no child of {parent.type}; take another parent"
        raise EvaluationError(body.at("parent"), "parent", message)
    if "/" in name:
        raise EvaluationError(place, "parent", "beside a parent the name is one segment; mend it")
    return join([parent.name, "/", name])


def scope_of(value: object, place: Place, default: Scope) -> Scope:
    """Return where `scope` says; without one, the default.

    Raises:
        EvaluationError: it says nothing that can be deployed to.
    """
    match value:
        case None:
            return default
        case Scoped(scope=scope):
            return scope
        case Deployed() if value.is_of(_GROUPS):
            return Scope("resourceGroup", value.id)
        case Deployed():
            return Scope("resource", value.id)
        case Unknown():
            return default
    message = f"a scope is a resource, or such as resourceGroup(), not {type_of(value)}; mend it"
    raise EvaluationError(place, "scope", message)


def _hold_scope(
    unit: Unit, declaration: Declaration, kind: str, scope: Scope, body: Record
) -> None:
    place = body.at("scope") if "scope" in body else declaration.place
    known = catalog.entry(kind)
    assert known is not None  # noqa: S101  # looked up before
    if scope.kind == "resource":
        if known.scope != catalog.ANYWHERE:
            message = f"{kind} extends no resource; remove its scope"
            raise EvaluationError(place, "scope", message)
        return
    if known.scope not in {catalog.ANYWHERE, scope.kind}:
        message = (
            f"{kind} is deployed to a {known.scope}, not to a {scope.kind}; "
            "deploy it by a module with that scope"
        )
        raise EvaluationError(place, "scope", message)
    if scope != unit.scope and not declaration.existing:
        message = "what is deployed elsewhere goes by a module with that scope; make one"
        raise EvaluationError(place, "scope", message)


def _id(kind: str, name: str, scope: Scope) -> str:
    provider, *types = kind.split("/")
    names = name.split("/")
    if kind.lower() == _GROUPS.lower():
        return join([scope.id, "/resourceGroups/", _like(name, name)])
    parts = [_like(part, name) for pair in zip(types, names, strict=True) for part in pair]
    base = "" if scope.id == "/" else scope.id
    return join([base, "/providers/", provider, *(f"/{part}" for part in parts)])


def _like(part: str, whole: str) -> str:
    return Runtime(part) if isinstance(whole, Runtime) else part


def _hold_name(world: World, found: Deployed, place: Place) -> None:
    known = catalog.entry(found.type)
    name = found.last_name
    if known is not None and not isinstance(name, Runtime) and not known.name.fullmatch(name):
        message = f"'{name}' is no name for {found.type}: {known.rule}; make one that is"
        world.fault(place, "name", message)


def hold_deployment_name(world: World, name: object, place: Place) -> None:
    """Note a name of a deployment that Azure would refuse."""
    if not isinstance(name, str) or not _DEPLOYMENT.fullmatch(name):
        message = (
            f"'{name}' is no name for a deployment: 1 to 64 letters, digits and ._()-; mend it"
        )
        world.fault(place, "name", message)


def target_scope(file: File) -> str:
    """Return where a file is deployed to."""
    for one in file.declarations:
        if one.kind == "targetScope" and isinstance(one.value, Literal):
            return str(one.value.value)
    return catalog.GROUP


def hold_target_scope(world: World, file: File, scope: Scope, place: Place) -> None:
    """Note a module that is deployed to a scope of another kind than its own."""
    wanted = target_scope(file)
    if scope.kind != wanted:
        message = f"{file.path} is for a {wanted}, not a {scope.kind}; give it such a 'scope'"
        world.fault(place, "scope", message)

"""Finds what every name of a file stands for, and what is wrong with that, without any values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from scripts.infra import ambient, functions
from scripts.infra.evaluate import NAMESPACES, OF_LAMBDAS
from scripts.infra.faults import Fault, Place
from scripts.infra.kinds import constant, decorated, known_types
from scripts.infra.syntax import (
    Access,
    Call,
    Declaration,
    Expression,
    File,
    For,
    If,
    Lambda,
    Name,
    Object,
    Property,
    Type,
)
from scripts.infra.walk import body_of, children, declarations, everything, key_of
from scripts.infra.world import near

_LIMITS = ("minLength", "maxLength", "minValue", "maxValue")
DECORATORS: Mapping[str, tuple[str, ...]] = {
    "param": ("allowed", "description", "metadata", "secure", *_LIMITS),
    "output": ("description", "metadata", "secure", *_LIMITS),
    "resource": ("batchSize", "description", "onlyIfNotExists"),
    "module": ("batchSize", "description"),
    "type": ("description", "metadata", "sealed", "secure", *_LIMITS),
    "var": ("description",),
}
_SCOPES = ("resourceGroup", "subscription", "managementGroup", "tenant")
_EARLY = ("name", "parent", "scope")
_KNOWN_EARLY = ("id", "name", "type", "apiVersion")
_LAMBDA_ARGUMENTS = {"reduce": (3, 3), "toObject": (2, 3)}


def check(file: File, root: Path) -> list[Fault]:
    """Return what is wrong with the names of a file, in the order of their places."""
    return sorted(_Symbols(file, root).faults())


class _Symbols:
    def __init__(self, file: File, root: Path) -> None:
        self._file = file
        self._root = root
        self._all = list(declarations(file.declarations))
        named = [
            one for one, _ in self._all if one.kind not in {"output", "metadata", "targetScope"}
        ]
        self._names = {one.name: one for one in named}
        self._types = {one.name for one in named if one.kind == "type"}
        self._inside = {one.name: outer for one, outer in self._all if outer is not None}
        self._used: set[str] = set()
        self._found: list[Fault] = []

    def faults(self) -> list[Fault]:
        for one, outer in self._all:
            self._declaration(one, outer)
        self._duplicates()
        self._unused()
        self._circles()
        return self._found

    def _fault(self, place: Place, rule: str, message: str) -> None:
        self._found.append(Fault(place, rule, message))

    # --- statements ---------------------------------------------------------------------------

    def _declaration(self, one: Declaration, outer: Declaration | None) -> None:
        self._decorators(one)
        if one.type is not None:
            self._type(one.type)
        value = getattr(one.value, "value", None)
        if one.kind == "targetScope" and value not in _SCOPES:
            message = f"'{value}' is no scope{near(str(value), _SCOPES) or '; take another'}"
            self._fault(one.place, "scope", message)
        if one.kind == "module":
            self._target(one)
        if one.value is not None:
            body = body_of(one) if one.kind == "resource" else None
            for part in everything(one.value):
                if isinstance(part, Object) and part.nested and part is not body:
                    message = "a resource stands only in the body of another; move it there"
                    self._fault(part.nested[0].place, "syntax", message)
            self._expression(one.value, frozenset(), outer or one)
            if one.kind in {"resource", "module"}:
                self._early(one, one.value)

    def _decorators(self, one: Declaration) -> None:
        known = DECORATORS.get(one.kind, ())
        for call in one.decorators:
            if call.name not in known:
                hint = near(call.name, known) or "; remove it"
                message = f"'@{call.name}()' decorates no {one.kind}{hint}"
                self._fault(call.place, "decorator", message)
        for low, high in (("minLength", "maxLength"), ("minValue", "maxValue")):
            least, most = decorated(one, low), decorated(one, high)
            if isinstance(least, int) and isinstance(most, int) and least > most:
                self._fault(one.place, "decorator", f"@{low} is above @{high}; mend one")
        for call in one.decorators:
            value = constant(call.arguments[0]) if call.arguments else None
            wanted = {"allowed": list, "description": str}.get(
                call.name, int if call.name in _LIMITS else object
            )
            if not isinstance(value, wanted):
                message = f"@{call.name}() takes another argument; see the documentation of Bicep"
                self._fault(call.place, "decorator", message)
        said = decorated(one, "description")
        if one.kind == "param" and not said:
            message = f"'{one.name}' says nothing of itself; add @description"
            self._fault(one.place, "description", message)
        if "It is a secret" in str(said) and not decorated(one, "secure"):
            self._fault(one.place, "secret", f"'{one.name}' is said to be one; add @secure()")

    def _type(self, kind: Type) -> None:
        for inner in known_types(kind):
            if inner.name in self._types:
                self._used.add(inner.name)
            else:
                hint = near(inner.name, ("string", "int", "bool", "object", "array", *self._types))
                message = f"there is no type '{inner.name}'{hint or '; declare it'}"
                self._fault(inner.place, "symbol", message)

    def _target(self, one: Declaration) -> None:
        path = (self._root / self._file.path).parent / one.target
        if one.target.startswith(("br:", "br/", "ts:", "ts/")):
            message = "modules of registries cannot be checked here; use one of the project's own"
            self._fault(one.target_place, "module", message)
        elif not path.is_file():
            message = f"there is no file '{one.target}' beside {self._file.path}; mend the path"
            self._fault(one.target_place, "module", message)

    # --- expressions --------------------------------------------------------------------------

    def _expression(self, node: Expression, local: frozenset[str], owner: Declaration) -> None:
        match node:
            case Name(name=name):
                self._name(node, name, local, owner)
            case Call():
                self._call(node)
            case For(item=item, index=index, over=over, body=body):
                self._expression(over, local, owner)
                self._expression(body, local | {item, index}, owner)
                return
            case Lambda(parameters=parameters, body=body):
                self._expression(body, local | set(parameters), owner)
                return
        for child in children(node):
            is_namespace = isinstance(node, Call) and child is node.base
            if not (is_namespace and isinstance(child, Name) and child.name in NAMESPACES):
                self._expression(child, local, owner)

    def _name(self, node: Name, name: str, local: frozenset[str], owner: Declaration) -> None:
        if name in local:
            return
        found = self._names.get(name)
        if found is None or found.kind == "type":
            message = (
                f"nothing is named '{name}'{near(name, {*self._names, *local}) or '; declare it'}"
            )
            self._fault(node.place, "symbol", message)
            return
        self._used.add(name)
        outer = self._inside.get(name)
        if outer is not None and owner is not outer:
            message = f"'{name}' is inside '{outer.name}' and not known here; write it beside that"
            self._fault(node.place, "symbol", message)

    def _call(self, node: Call) -> None:
        namespaced = isinstance(node.base, Name) and node.base.name in NAMESPACES
        if node.base is not None and not namespaced:
            return
        known = functions.FUNCTIONS.get(node.name)
        arity = (known.least, known.most) if known else ambient.ARITY.get(node.name)
        if node.name in OF_LAMBDAS:
            arity = _LAMBDA_ARGUMENTS.get(node.name, (2, 2))
        if arity is None:
            names = (*functions.FUNCTIONS, *ambient.ARITY, *OF_LAMBDAS)
            hint = (
                near(node.name, names) or "; if Bicep has it, add it to scripts/infra/functions.py"
            )
            secret = node.name.startswith("list")
            rule, hint = ("keys", "; sign in by identity") if secret else ("symbol", hint)
            self._fault(node.place, rule, f"no function '{node.name}' is known here{hint}")
        elif not arity[0] <= len(node.arguments) <= arity[1]:
            wanted = " to ".join(map(str, sorted(set(arity))))
            message = (
                f"{node.name}() takes {wanted} arguments, not {len(node.arguments)}; mend that"
            )
            self._fault(node.place, "symbol", message)

    # --- what must be known before the deployment begins ----------------------------------------

    def _early(self, one: Declaration, value: Expression) -> None:
        """Find conditions, loops, names and scopes that wait for what is only deployed then."""
        early: list[Expression] = []
        while isinstance(value, If | For):
            early.append(value.condition if isinstance(value, If) else value.over)
            value = value.body
        body = body_of(one)
        early += [
            item.value
            for item in (body.items if body else ())
            if isinstance(item, Property) and key_of(item) in _EARLY
        ]
        message = "this must be known before the deployment begins; take it from a param"
        late = (next(self._late(node, frozenset()), None) for node in early)
        self._found += [Fault(part.place, "early", message) for part in late if part]

    def _late(self, node: Expression, seen: frozenset[str]) -> Iterator[Expression]:
        return (part for part in everything(node) if self._is_late(part, seen))

    def _is_late(self, part: Expression, seen: frozenset[str]) -> bool:
        if isinstance(part, Access) and isinstance(part.base, Name):
            base = self._names.get(part.base.name)
            if base and base.kind == "resource":
                return part.name not in _KNOWN_EARLY
            return bool(base and base.kind == "module" and part.name == "outputs")
        if isinstance(part, Name) and part.name not in seen:
            base = self._names.get(part.name)
            value = base.value if base and base.kind == "var" else None
            return value is not None and any(self._late(value, seen | {part.name}))
        return False

    # --- the file as a whole ------------------------------------------------------------------

    def _duplicates(self) -> None:
        seen: set[tuple[bool, str]] = set()
        for one, _ in self._all:
            if one.kind in {"metadata", "targetScope"}:
                continue
            key = (one.kind == "output", one.name.lower() if one.kind == "output" else one.name)
            if key in seen:
                message = f"'{one.name}' is declared already; take another name"
                self._fault(one.name_place, "duplicate", message)
            seen.add(key)

    def _unused(self) -> None:
        for name, one in self._names.items():
            needed = one.kind in {"param", "var", "type"} or (
                one.kind == "resource" and one.existing and name not in self._inside
            )
            body = body_of(one)
            if needed and name not in self._used and not (body and body.nested):
                message = f"{one.kind} '{name}' is used nowhere; remove it"
                self._fault(one.name_place, "unused", message)

    def _circles(self) -> None:
        needs = {name: self._needs(one) for name, one in self._names.items()}
        done: set[str] = set()

        def follow(name: str, path: tuple[str, ...]) -> None:
            if name in path:
                circle = " → ".join((*path[path.index(name) :], name))
                place = self._names[name].name_place
                self._fault(place, "circle", f"{circle} need each other; break the circle")
            elif name not in done:
                for other in sorted(needs[name]):
                    follow(other, (*path, name))
            done.add(name)

        for name in needs:
            follow(name, ())

    def _needs(self, one: Declaration) -> set[str]:
        found = {
            part.name
            for part in (everything(one.value) if one.value is not None else ())
            if isinstance(part, Name)
        }
        if outer := self._inside.get(one.name):
            found.add(outer.name)
        return found & self._names.keys()

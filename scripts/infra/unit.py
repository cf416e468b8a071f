"""Evaluates one module: its params, variables and outputs, and asks `deploy` for its resources."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.infra import ambient, catalog, deploy
from scripts.infra.evaluate import NONE, Evaluator, Locals
from scripts.infra.faults import Place
from scripts.infra.kinds import decorated, disobeys, mismatch
from scripts.infra.shapes import ANY
from scripts.infra.syntax import (
    Call,
    Declaration,
    Expression,
    File,
    For,
    If,
    Object,
    Property,
    Type,
)
from scripts.infra.values import Items, Record, Runtime, Scope, Secret, Unknown, texts
from scripts.infra.walk import declarations, key_of
from scripts.infra.world import Deployed, EvaluationError, Response, World, near

_CONSTANT = ("id", "name", "type", "apiVersion")
_MODULE = ("name", "scope", "params", "dependsOn")
_SAID = ("name", "parent", "scope")


@dataclass(frozen=True, eq=False, slots=True)
class Module:
    """A module that is deployed.

    Attributes:
        unit: its evaluation; None where its condition does not hold.
        name: of its deployment.
        file: what it is written in.
    """

    unit: Unit | None
    name: str
    file: File


@dataclass(frozen=True, eq=False, slots=True)
class Outputs:
    """`outputs` of a module."""

    module: Module


class Unit(Evaluator):
    """One module, with what it was given.

    Attributes:
        path: the modules that it is in, `main/storage`.
        file: what it is written in.
        scope: where it is deployed.
        given: its params.
        outputs: those evaluated so far.
    """

    def __init__(self, world: World, path: str, file: File, scope: Scope, given: Record) -> None:
        super().__init__(world)
        self.path = path
        self.file = file
        world.units[path] = file
        self.scope = scope
        self.given = given
        self._ambient = ambient.Ambient(world, file.path, scope)
        self._values: dict[str, object] = {}
        self._outputs: dict[str, object] = {}
        found = [pair for pair in declarations(file.declarations) if pair[0].kind != "output"]
        self._names = {one.name: one for one, _ in found}
        self._parents = {one.name: outer.name for one, outer in found if outer is not None}
        self._output_names = {one.name: one for one in file.declarations if one.kind == "output"}
        self._types = {
            one.name: one.type for one in file.declarations if one.kind == "type" and one.type
        }

    def run(self) -> dict[str, object]:
        """Evaluate all of it; return the outputs."""
        for declaration in self._names.values():
            if declaration.kind not in {"type", "metadata", "targetScope"}:
                self.symbol(declaration.name)
        for name in self._output_names:
            self._output(name)
        return self._outputs

    # --- what names stand for -----------------------------------------------------------------

    def symbol(self, name: str) -> object:
        """Return what a declared name stands for; what is faulty is noted, and then unknown."""
        if name not in self._values:
            try:
                self._values[name] = self._declared(self._names[name])
            except EvaluationError as exc:
                self.world.faults.add(exc.fault)
                self._values[name] = Unknown(ANY)
        return self._values[name]

    def ambient(self, call: Call, arguments: list[object]) -> object:
        """Return what a function answers that reads more than its arguments."""
        return self._ambient.call(call, arguments)

    def part(self, base: object, name: str, place: Place) -> object:
        """Return a property of a resource or a module."""
        if isinstance(base, Deployed):
            return self._of_resource(base, name, place)
        if isinstance(base, Outputs):
            return self._of_module(base.module, name, place)
        if isinstance(base, Module) and name in {"name", "outputs"}:
            return base.name if name == "name" else Outputs(base)
        raise EvaluationError(place, "type", f"a module has no '{name}'; ask its outputs")

    def _of_resource(self, resource: Deployed, name: str, place: Place) -> object:
        if name in _CONSTANT:
            return {
                "id": resource.id,
                "name": resource.last_name,
                "type": resource.type,
                "apiVersion": resource.version,
            }[name]
        if not resource.wanted:
            message = (
                f"'{resource.declaration.name}' is not deployed in this case, but asked for "
                f"'{name}'; ask under the same condition, or write '.?'"
            )
            raise EvaluationError(place, "not-deployed", message)
        if name in resource.body and name not in {"properties", "identity"}:
            return resource.body[name]
        shape = catalog.answered(resource.type, resource.last_name)
        return Unknown(ANY) if shape is None else Response(resource, "", shape).get(name, place)

    def _of_module(self, module: Module, name: str, place: Place) -> object:
        known = [one.name for one in module.file.declarations if one.kind == "output"]
        if name not in known:
            message = f"{module.file.path} has no output '{name}'"
            hint = near(name, known) or f"; it has {', '.join(known) or 'none'}"
            raise EvaluationError(place, "output", message + hint)
        if module.unit is None:
            message = "the module is not deployed in this case; ask under the same condition"
            raise EvaluationError(place, "not-deployed", message)
        value = module.unit._output(name)  # noqa: SLF001  # of the same class
        return Runtime(value) if type(value) is str else value

    def _declared(self, declaration: Declaration) -> object:
        match declaration.kind:
            case "param":
                return self._param(declaration)
            case "resource":
                return self._each(declaration, self._resource)
            case "module":
                return self._each(declaration, self._module)
        assert declaration.value is not None  # noqa: S101  # variables have one
        value = self.evaluate(declaration.value)
        self._hold(value, declaration)
        return value

    def _param(self, declaration: Declaration) -> object:
        name, place = declaration.name, declaration.place
        value: object = None
        if declaration.value is not None:
            value = self.evaluate(declaration.value)
            place = declaration.value.place
            self._obey(value, declaration, place)
        if name in self.given:
            value, place = self.given[name], self.given.at(name)
            self._obey(value, declaration, place)
        if isinstance(value, str) and decorated(declaration, "secure"):
            return Secret(value)
        return str(value) if type(value) is Runtime else value  # it is known when this begins

    def _obey(self, value: object, declaration: Declaration, place: Place) -> None:
        assert declaration.type is not None  # noqa: S101  # params have one
        wrong = mismatch(value, declaration.type, self._types)
        rule = "type" if wrong else "decorator"
        if wrong or (wrong := disobeys(value, declaration)):
            message = f"param '{declaration.name}' of {self.file.path}: {wrong}; mend that"
            self.world.fault(place, rule, message)

    def _hold(self, value: object, declaration: Declaration) -> None:
        kind: Type | None = declaration.type
        if kind is not None and (wrong := mismatch(value, kind, self._types)):
            what = f"{declaration.kind} '{declaration.name}'"
            self.world.fault(declaration.place, "type", f"{what}: {wrong}; mend that")

    def _output(self, name: str) -> object:
        if name not in self._outputs:
            declaration = self._output_names[name]
            self._outputs[name] = Unknown(ANY)
            assert declaration.value is not None  # noqa: S101  # outputs have one
            try:
                value = self.evaluate(declaration.value)
                self._hold(value, declaration)
                if any(isinstance(text, Secret) for text in texts(value)) and not decorated(
                    declaration, "secure"
                ):
                    message = f"output '{name}' shows a secret; leave it out"
                    self.world.fault(declaration.place, "secret", message)
                self._outputs[name] = value
            except EvaluationError as exc:
                self.world.faults.add(exc.fault)
        return self._outputs[name]

    # --- resources and modules ----------------------------------------------------------------

    def _each(self, declaration: Declaration, make: deploy.Make) -> object:
        """Return what is declared: one, or one a round of its loop."""
        assert declaration.value is not None  # noqa: S101  # both have one
        return self._rounds(declaration.value, declaration, make, NONE, wanted=True)

    def _rounds(
        self,
        node: Expression,
        declaration: Declaration,
        make: deploy.Make,
        local: Locals,
        *,
        wanted: bool,
    ) -> object:
        self.world.reached.add(node)
        match node:
            case For(body=body):
                return Items(
                    (
                        self._rounds(body, declaration, make, one, wanted=wanted)
                        for one in self.rounds(node, local)
                    ),
                    place=node.place,
                )
            case If(condition=condition, body=body):
                holds = self.truth(condition, local)
                return self._rounds(body, declaration, make, local, wanted=wanted and holds)
            case Object():
                # Of what is not deployed Azure still evaluates the name and the scope, no more:
                # https://github.com/Azure/bicep/issues/2371 and 11463.
                return make(declaration, node if wanted else _identified(node), local, wanted)
            case _:
                message = "this is '{ … }', 'if (…) { … }' or '[for …]'; write one of them"
                raise EvaluationError(node.place, "syntax", message)

    def _resource(
        self,
        declaration: Declaration,
        node: Object,
        local: Locals,
        wanted: bool,  # noqa: FBT001
    ) -> object:
        body = self.evaluate(node, local)
        assert isinstance(body, Record)  # noqa: S101  # objects are
        outer = self._parents.get(declaration.name)
        if outer is not None:
            body.put("parent", self.symbol(outer), node.place)
        return deploy.resource(self, declaration, body, wanted=wanted)

    def _module(
        self,
        declaration: Declaration,
        node: Object,
        local: Locals,
        wanted: bool,  # noqa: FBT001
    ) -> object:
        body = self.evaluate(node, local)
        assert isinstance(body, Record)  # noqa: S101  # objects are
        for key in body:
            if key not in _MODULE:
                message = f"a module has no '{key}'{near(key, _MODULE) or '; remove it'}"
                self.world.fault(body.at(key), "params", message)
        file = self.world.file(self.world.beside(self.file.path, declaration.target))
        name = body.get("name", declaration.name)
        deploy.hold_depends_on(self.world, body)
        deploy.hold_deployment_name(self.world, name, body.at("name"))
        scope = deploy.scope_of(body.get("scope"), body.at("scope"), self.scope)
        deploy.hold_target_scope(self.world, file, scope, body.at("scope"))
        params = body.get("params", Record(place=body.place))
        if not isinstance(params, Record):
            raise EvaluationError(body.at("params"), "type", "params are an object; write '{ … }'")
        unit = None
        if wanted:
            self._hold_params(file, params, body)
            unit = Unit(self.world, f"{self.path}/{declaration.name}", file, scope, params)
            unit.run()
        return Module(unit, str(name), file)

    def _hold_params(self, file: File, params: Record, body: Record) -> None:
        declared = {one.name: one for one in file.declarations if one.kind == "param"}
        for name in params:
            if name not in declared:
                message = (
                    f"{file.path} has no param '{name}'{near(name, declared) or '; remove it'}"
                )
                self.world.fault(params.at(name), "params", message)
        for name, one in declared.items():
            optional = one.value is not None or (one.type is not None and one.type.nullable)
            if name not in params and not optional:
                message = f"param '{name}' of {file.path} is not given; give it"
                self.world.fault(body.at("params"), "params", message)


def _identified(node: Object) -> Object:
    """Return only what of a resource or a module says which it is."""
    kept = (item for item in node.items if isinstance(item, Property) and key_of(item) in _SAID)
    return Object(node.place, tuple(kept))

"""The tree of a Bicep file: what is written, nothing of what it means.

Nodes are compared by identity, so that what was evaluated can be told from what never was.
Left out on purpose, and refused by the parser: `import`, `extension`, `assert`, `func`, `using` and
`::`. No template here needs them, and each would need a check.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from scripts.infra.faults import Place


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """Anything written.

    Attributes:
        place: where it begins.
    """

    place: Place


@dataclass(frozen=True, eq=False, slots=True)
class Literal(Node):
    """A number, `true`, `false`, `null`, or text without `${}`."""

    value: str | int | bool | None


@dataclass(frozen=True, eq=False, slots=True)
class Text(Node):
    """Text with expressions inside."""

    parts: tuple[str | Expression, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Property(Node):
    """`key: value` of an object."""

    key: Literal | Text
    value: Expression


@dataclass(frozen=True, eq=False, slots=True)
class Spread(Node):
    """`...value` of an object or an array."""

    value: Expression


@dataclass(frozen=True, eq=False, slots=True)
class Object(Node):
    """`{ … }`; `nested` are resources written inside that of another."""

    items: tuple[Property | Spread, ...]
    nested: tuple[Declaration, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Array(Node):
    """`[ … ]`."""

    items: tuple[Expression | Spread, ...]


@dataclass(frozen=True, eq=False, slots=True)
class For(Node):
    """`[for item in over: body]`; `index` is "" where it is not named."""

    item: str
    index: str
    over: Expression
    body: Expression


@dataclass(frozen=True, eq=False, slots=True)
class If(Node):
    """`if (condition) { … }` of a resource or a module."""

    condition: Expression
    body: Expression


@dataclass(frozen=True, eq=False, slots=True)
class Name(Node):
    """A name that stands for something declared."""

    name: str


@dataclass(frozen=True, eq=False, slots=True)
class Access(Node):
    """`base.name`, or `base.?name` where `safe`."""

    base: Expression
    name: str
    safe: bool


@dataclass(frozen=True, eq=False, slots=True)
class Index(Node):
    """`base[index]`, or `base[?index]` where `safe`."""

    base: Expression
    index: Expression
    safe: bool


@dataclass(frozen=True, eq=False, slots=True)
class Call(Node):
    """`name(…)`, or `base.name(…)`: a namespace's function or a resource's."""

    base: Expression | None
    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Lambda(Node):
    """`(a, b) => body`."""

    parameters: tuple[str, ...]
    body: Expression


@dataclass(frozen=True, eq=False, slots=True)
class Group(Node):
    """`(inner)`."""

    inner: Expression


@dataclass(frozen=True, eq=False, slots=True)
class Unary(Node):
    """`!a`, `-a`, or `a!`, whose operator is written `null`."""

    operator: str
    operand: Expression


@dataclass(frozen=True, eq=False, slots=True)
class Binary(Node):
    """`left operator right`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, eq=False, slots=True)
class Ternary(Node):
    """`condition ? yes : no`."""

    condition: Expression
    yes: Expression
    no: Expression


Expression = (
    Literal
    | Text
    | Object
    | Array
    | For
    | If
    | Name
    | Access
    | Index
    | Call
    | Lambda
    | Group
    | Unary
    | Binary
    | Ternary
)


@dataclass(frozen=True, eq=False, slots=True)
class Type(Node):
    """A type as written.

    Attributes:
        name: `string`, `int`, `bool`, `object`, `array`, or that of a declared type; "" for a
            union of literals and for `{ … }`.
        literals: the members of a union of literals.
        properties: of `{ … }`, or None.
        item: of `item[]`, or None.
        nullable: it ends with `?`.
    """

    name: str = ""
    literals: tuple[str | int | bool, ...] = ()
    properties: tuple[tuple[str, Type], ...] | None = None
    item: Type | None = None
    nullable: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Declaration(Node):
    """A statement.

    Attributes:
        kind: `param`, `var`, `resource`, `module`, `output`, `type`, `metadata` or `targetScope`.
        name: what it declares; for `targetScope` that word itself.
        value: what stands behind `=`, or None.
        type: of a param, an output, a type, or a typed var.
        target: of a resource its type and version, of a module its path.
        existing: the resource is there already.
        decorators: those above it, each a call.
        name_place: where the name is.
        target_place: where the target is.
    """

    kind: str
    name: str
    value: Expression | None = None
    type: Type | None = None
    target: str = ""
    existing: bool = False
    decorators: tuple[Call, ...] = ()
    name_place: Place = field(default_factory=lambda: Place(""))
    target_place: Place = field(default_factory=lambda: Place(""))


@dataclass(frozen=True, eq=False, slots=True)
class File:
    """A Bicep file as a whole."""

    path: str
    declarations: tuple[Declaration, ...]

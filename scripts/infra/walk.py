"""Goes through a tree: what an expression is made of, and what a statement holds."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.infra.syntax import (
    Access,
    Array,
    Binary,
    Call,
    Declaration,
    Expression,
    For,
    Group,
    If,
    Index,
    Lambda,
    Literal,
    Name,
    Object,
    Property,
    Spread,
    Ternary,
    Text,
    Unary,
)


def children(node: Expression) -> Iterator[Expression]:
    """Yield the expressions that one is directly made of."""
    match node:
        case Literal() | Name():
            return
        case Text(parts=parts):
            yield from (part for part in parts if not isinstance(part, str))
        case Object(items=items):
            for item in items:
                if isinstance(item, Property):
                    yield item.key
                yield item.value
        case Array(items=items):
            yield from (item.value if isinstance(item, Spread) else item for item in items)
        case For(over=over, body=body):
            yield from (over, body)
        case If(condition=condition, body=body):
            yield from (condition, body)
        case _:
            yield from _parts(node)


def _parts(node: Expression) -> Iterator[Expression]:
    match node:
        case Access(base=base):
            yield base
        case Index(base=base, index=index):
            yield from (base, index)
        case Call(base=base, arguments=arguments):
            if base is not None:
                yield base
            yield from arguments
        case Lambda(body=body):
            yield body
        case Group(inner=inner):
            yield inner
        case Unary(operand=operand):
            yield operand
        case Binary(left=left, right=right):
            yield from (left, right)
        case Ternary(condition=condition, yes=yes, no=no):
            yield from (condition, yes, no)


def everything(node: Expression) -> Iterator[Expression]:
    """Yield an expression and all that it is made of."""
    yield node
    for child in children(node):
        yield from everything(child)


def body_of(declaration: Declaration) -> Object | None:
    """Return the object of a resource or a module, past its loop and its condition."""
    value = declaration.value
    while isinstance(value, If | For):
        value = value.body
    return value if isinstance(value, Object) else None


def declarations(
    outer: tuple[Declaration, ...],
) -> Iterator[tuple[Declaration, Declaration | None]]:
    """Yield statements, those inside resources too, each with the one that it is inside of."""
    for one in outer:
        yield one, None
        yield from _inside(one)


def _inside(outer: Declaration) -> Iterator[tuple[Declaration, Declaration | None]]:
    body = body_of(outer)
    for one in body.nested if body and outer.kind == "resource" else ():
        yield one, outer
        yield from _inside(one)


def key_of(item: Property) -> object:
    """Return the key of a property; None where that is an expression."""
    return item.key.value if isinstance(item.key, Literal) else None

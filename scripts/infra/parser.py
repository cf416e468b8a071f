"""Makes the tree of a Bicep file out of its words, or says where it is none.

It is strict: where the language lets a line break or a comma be left out or doubled, only the usual
way passes, so what is taken here is taken by Azure. `second_opinion` asks another grammar.
"""

from __future__ import annotations

from scripts.infra.expressions import Expressions
from scripts.infra.faults import Fault, Place, TemplateError
from scripts.infra.lexer import Lexer
from scripts.infra.syntax import Call, Declaration, Expression, File, Literal, Type

KINDS = ("targetScope", "metadata", "param", "var", "resource", "module", "output", "type")
REFUSED = ("import", "extension", "provider", "assert", "func", "using", "extends")
"""Of the language, but not of this project: nothing here checks them."""
PRIMITIVES = ("string", "int", "bool", "object", "array")


def parse(path: str, text: str) -> File:
    """Return the tree of a file.

    Raises:
        TemplateError: it is no Bicep, or uses what this project leaves out.
    """
    return _Parser(Lexer(path, text).tokens()).file(path)


def second_opinion(path: str, text: str) -> list[Fault]:
    """Return what the grammar of tree-sitter cannot read, so that no slip of ours passes text.

    It knows no `...` and lets more pass, so it judges nothing alone.
    """
    import tree_sitter  # noqa: PLC0415  # only for this
    import tree_sitter_bicep  # noqa: PLC0415

    language = tree_sitter.Language(tree_sitter_bicep.language())
    root = tree_sitter.Parser(language).parse(text.encode()).root_node
    waiting, found = [root], []
    while waiting:
        node = waiting.pop()
        if (node.is_error or node.is_missing) and b"..." not in (node.text or b""):
            place = Place(path, node.start_point.row + 1, node.start_point.column + 1)
            message = "a second grammar cannot read this; write it in a more usual way"
            found.append(Fault(place, "syntax", message))
        elif node.has_error:
            waiting += node.children
    return found


class _Parser(Expressions):
    """The statements; what they are made of is in `Expressions`."""

    def file(self, path: str) -> File:
        found: list[Declaration] = []
        self.newlines()
        while self.kind != "end":
            found.append(self.declaration())
            if self.kind != "end":
                self.expect("newline", "a new line")
            self.newlines()
        return File(path, tuple(found))

    def declaration(self) -> Declaration:
        """Read a statement, with the decorators above it."""
        decorators = []
        while self.kind == "@":
            place = self.next().place
            call = self.postfix()
            if not isinstance(call, Call):
                raise TemplateError(place, "syntax", "a decorator is a call; add '()'")
            decorators.append(call)
            self.expect("newline", "a new line")
            self.newlines()
        token = self.token
        word = token.text if token.kind == "word" else ""
        if word in REFUSED:
            message = f"'{word}' is not used in this project, as nothing here checks it; do without"
            raise TemplateError(token.place, "syntax", message)
        if word not in KINDS:
            known = ", ".join(KINDS)
            message = f"a statement begins with one of {known}; mend {_shown(token.text)}"
            raise TemplateError(token.place, "syntax", message)
        self.next()
        read = {
            "param": self._typed,
            "output": self._typed,
            "type": self._alias,
            "resource": self._deployed,
            "module": self._deployed,
        }.get(word, self._bound)
        return read(word, token.place, tuple(decorators))

    def _name(self) -> tuple[str, Place]:
        token = self.expect("word", "a name")
        return token.text, token.place

    def _bound(self, kind: str, place: Place, decorators: tuple[Call, ...]) -> Declaration:
        """Read `var name = …`, `metadata name = …` or `targetScope = …`."""
        name, name_place = (kind, place) if kind == "targetScope" else self._name()
        kind_of = self.type() if kind == "var" and self.kind != "=" else None
        self.expect("=", "'='")
        value = self.expression(loop=kind == "var")
        return Declaration(
            place, kind, name, value, kind_of, decorators=decorators, name_place=name_place
        )

    def _typed(self, kind: str, place: Place, decorators: tuple[Call, ...]) -> Declaration:
        """Read `param name type`, with or without a default, or `output name type = …`."""
        name, name_place = self._name()
        kind_of = self.type()
        value: Expression | None = None
        if kind == "output" or self.kind == "=":
            self.expect("=", "'='")
            value = self.expression(loop=kind == "output")
        return Declaration(
            place, kind, name, value, kind_of, decorators=decorators, name_place=name_place
        )

    def _alias(self, kind: str, place: Place, decorators: tuple[Call, ...]) -> Declaration:
        name, name_place = self._name()
        self.expect("=", "'='")
        return Declaration(
            place, kind, name, type=self.type(), decorators=decorators, name_place=name_place
        )

    def _deployed(self, kind: str, place: Place, decorators: tuple[Call, ...]) -> Declaration:
        """Read `resource name 'type@version' [existing] = …` or `module name 'path' = …`."""
        name, name_place = self._name()
        target = self.text()
        if not isinstance(target, Literal):
            raise TemplateError(target.place, "syntax", "this is text without '${'; write it out")
        existing = kind == "resource" and self.kind == "word" and self.token.text == "existing"
        if existing:
            self.next()
        self.expect("=", "'='")
        value = self.expression(loop=True, condition=True)
        return Declaration(
            place,
            kind,
            name,
            value,
            target=str(target.value),
            existing=existing,
            decorators=decorators,
            name_place=name_place,
            target_place=target.place,
        )

    # --- types --------------------------------------------------------------------------------

    def type(self) -> Type:
        """Read a type: `string`, `'a' | 'b'`, `{ x: int }`, each perhaps with `[]` or `?`."""
        first = self._one_type()
        if self.kind != "|":
            return first
        literals = list(first.literals)
        while self.kind == "|":
            self.next()
            literals += self._one_type().literals
        return Type(first.place, literals=tuple(literals))

    def _one_type(self) -> Type:
        place = self.token.place
        if self.kind == "{":
            found = Type(place, properties=self._type_properties())
        elif self.kind in {"text", "number"}:
            value = self.primary()
            if not isinstance(value, Literal) or value.value is None:
                raise TemplateError(place, "syntax", "a type holds no '${'; write the text out")
            found = Type(place, literals=(value.value,))
        elif self.token.text in {"true", "false"}:
            found = Type(place, literals=(self.next().text == "true",))
        else:
            found = Type(place, name=self.expect("word", "a type").text)
            if self.kind in {"<", "."}:
                message = "such a type is not used in this project; write the type out"
                raise TemplateError(self.token.place, "syntax", message)
        while self.kind in {"[", "?"}:
            if self.next().kind == "[":
                self.expect("]", "']'")
                found = Type(place, item=found)
            else:
                found = Type(
                    place, found.name, found.literals, found.properties, found.item, nullable=True
                )
        return found

    def _type_properties(self) -> tuple[tuple[str, Type], ...]:
        found = []
        self.expect("{", "'{'")
        self.newlines()
        while self.kind != "}":
            while self.kind == "@":
                self.next()
                self.postfix()
                self.newlines()
            key, _ = self._name()
            self.expect(":", "':'")
            found.append((key, self.type()))
            self.separator("}")
        self.expect("}", "'}'")
        return tuple(found)


def _shown(text: str) -> str:
    return f"'{text}'" if text.strip() else "this line"

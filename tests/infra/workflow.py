"""The workflow language of Logic Apps, as far as Stageward's workflow uses it: runs it in tests.

Follows https://learn.microsoft.com/azure/logic-apps/workflow-definition-language-functions-reference
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote

_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(\?\[|\[|\]|\(|\)|,)|([A-Za-z]+))")
_INSERTED = re.compile(r"@\{((?:[^}']|'(?:[^']|'')*')*)\}")
Body = Mapping[str, Any]
Value: TypeAlias = Any
"""Whatever JSON can say."""


class Workflow:
    """A workflow, run on one event.

    Attributes:
        outputs: of each action that ran, its inputs where it reaches the outside.
    """

    def __init__(
        self, definition: Body, parameters: Body, event: Body, answers: Body | None = None
    ) -> None:
        """Run it at once.

        Args:
            definition: of the workflow.
            parameters: their values; those that are left out have their defaults.
            event: the body that its trigger gets.
            answers: the body that an action gets back, by its name.
        """
        defaults = {
            name: one["defaultValue"]
            for name, one in definition["parameters"].items()
            if "defaultValue" in one
        }
        self._parameters = {**defaults, **parameters}
        self._event = event
        self.outputs: dict[str, Any] = {}
        self._functions: dict[str, Callable[..., Any]] = {
            "triggerBody": lambda: self._event,
            "parameters": lambda name: self._parameters[name],
            "outputs": lambda name: self.outputs[name],
            "concat": lambda *parts: "".join(parts),
            "coalesce": lambda *values: next((one for one in values if one is not None), None),
            "replace": lambda text, old, new: text.replace(old, new),
            "join": lambda values, between: between.join(values),
            "body": lambda name: (answers or {})[name],
            "createArray": lambda *values: list(values),
            "equals": lambda one, other: one == other,
            "if": lambda holds, one, other: one if holds else other,
            "length": len,
            "startsWith": lambda text, start: text.lower().startswith(start.lower()),
            "uriComponent": lambda text: quote(text, safe="!'()*-._~"),
        }
        self._run(definition["actions"])

    def value(self, text: str) -> Value:
        """Return what a text of the workflow stands for."""
        if text.startswith("@") and not text.startswith("@{"):
            return _Expression(text[1:], self._functions).value()
        return _INSERTED.sub(
            lambda found: str(_Expression(found[1], self._functions).value()), text
        )

    def _run(self, actions: Body) -> None:
        left = dict(actions)
        while left:
            ready = [name for name in left if not set(left[name].get("runAfter", {})) & set(left)]
            assert ready, f"{list(left)} wait for each other"
            for name in ready:
                self._act(name, left.pop(name))

    def _act(self, name: str, action: Body) -> None:
        if action["type"] == "If":
            chosen = action if self._holds(action["expression"]) else action["else"]
            self._run(chosen["actions"])
            self.outputs[name] = None
        else:
            self.outputs[name] = self._resolved(action["inputs"])

    def _holds(self, condition: Body) -> bool:
        ((kind, inner),) = condition.items()
        if kind in {"and", "or"}:
            # each is asked, whatever the one before says: that Azure stops early is promised nowhere
            holds = [self._holds(one) for one in inner]
            return all(holds) if kind == "and" else any(holds)
        if kind == "not":
            return not self._holds(inner)
        assert kind == "equals"
        one, other = (self._resolved(value) for value in inner)
        return bool(one == other)

    def _resolved(self, inputs: Value) -> Value:
        if isinstance(inputs, str):
            return self.value(inputs)
        if isinstance(inputs, list):
            return [self._resolved(one) for one in inputs]
        if isinstance(inputs, dict):
            return {key: self._resolved(value) for key, value in inputs.items()}
        return inputs


class _Expression:
    """One expression: calls, texts in quotes, and members in brackets."""

    def __init__(self, text: str, functions: Mapping[str, Callable[..., Any]]) -> None:
        self._tokens = [found[0].strip() for found in _TOKEN.finditer(text)]
        assert "".join(self._tokens) == re.sub(r"\s+(?=(?:[^']*'[^']*')*[^']*\Z)", "", text)
        self._functions = functions

    def value(self) -> Value:
        """Return its value; all of it must be one expression."""
        found = self._operand()
        assert not self._tokens
        return found

    def _operand(self) -> Value:
        token = self._tokens.pop(0)
        found: Value = token[1:-1].replace("''", "'") if token[0] == "'" else self._call(token)
        while self._tokens and self._tokens[0] in ("[", "?["):
            optional = self._tokens.pop(0) == "?["
            key = self._operand()
            assert self._tokens.pop(0) == "]"
            found = (found or {}).get(key) if optional else found[key]
        return found

    def _call(self, name: str) -> Value:
        assert self._tokens.pop(0) == "("
        arguments: list[Any] = []
        while self._tokens[0] != ")":
            arguments.append(self._operand())
            if self._tokens[0] == ",":
                self._tokens.pop(0)
        self._tokens.pop(0)
        return self._functions[name](*arguments)

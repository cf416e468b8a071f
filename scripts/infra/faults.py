"""A fault of a template: where it is, which rule found it, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something is written.

    Attributes:
        path: of the file, as it was given, with `/`.
        line: from 1; 0 for the file as a whole.
        column: from 1; 0 for the file as a whole.
    """

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong.

    Attributes:
        place: where.
        rule: id of the rule that found it.
        message: what is wrong; what to do.
    """

    place: Place
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.rule}: {self.message}"


class TemplateError(Exception):
    """A fault that leaves nothing to go on with, such as text that is no Bicep."""

    def __init__(self, place: Place, rule: str, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(place, rule, message)

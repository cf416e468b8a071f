"""What `stageward policy test` says, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

import typer
from msgspec import Struct

from stage_functions.cli.output import FAULT, GRANTED, REFUSED, print_json, print_table, say
from stage_functions.domain.rule import Result, Verdict
from stage_functions.wire.policy_cases import FAILS, NOTHING

_DENYING = frozenset({"deny", "denyAction", FAILS})
_PROVIDER = "Microsoft.MachineLearningServices/"
_MAX_VALUE = 60
"""Characters of a value in the table; JSON has all."""


class Answer(Struct, frozen=True):
    """What a definition says of a resource.

    Attributes:
        definition: its name.
        about: the resource's file, or the name of the case.
        effect: an effect as Azure spells it, `none`, or `fails`: then Azure denies, or may.
        says: why it fails, with the place.
        expected: what the case expects, or "".
        assignment: the one whose values it was tried with, or "".
        values: of the fields that it reads, in words.
    """

    definition: str
    about: str
    effect: str
    says: str = ""
    expected: str = ""
    assignment: str = ""
    values: Mapping[str, str] = {}

    @property
    def wrong(self) -> bool:
        """Something else was expected."""
        return bool(self.expected) and self.expected != self.effect

    @property
    def denies(self) -> bool:
        """Azure denies, or may."""
        return self.effect in _DENYING

    @property
    def why(self) -> str:
        """Why, in short: the reason of a failure, then what was read."""
        short = {name: _short(value) for name, value in self.values.items()}
        read = Verdict("", Result.PASSED, short).shown
        return "; ".join([*filter(None, [self.says]), *filter(None, [", ".join(read)])])


def strongest(answers: Sequence[Answer]) -> Answer:
    """Return the answer of several assignments of one definition: the one that says most."""
    denied = (one for one in answers if one.denies)
    said = (one for one in answers if one.effect != NOTHING)
    return next(denied, None) or next(said, None) or answers[0]


def finish(answers: Sequence[Answer], *, as_json: bool) -> NoReturn:
    """Show what each definition says of each resource, and end with the exit code."""
    if as_json:
        print_json([{**_told(one), "resource": one.about} for one in answers])
    else:
        assigned = any(one.assignment for one in answers)
        columns = ("definition", *(["assignment"] if assigned else []), "resource", "effect", "why")
        print_table(columns, (_row(one, assigned=assigned) for one in answers))
    raise typer.Exit(REFUSED if any(one.denies for one in answers) else GRANTED)


def finish_cases(answers: Sequence[Answer], *, as_json: bool) -> NoReturn:
    """Show which cases are not as expected, and end with the exit code."""
    wrong = [one for one in answers if one.wrong]
    if as_json:
        print_json([{**_told(one), "case": one.about, "expected": one.expected} for one in answers])
    else:
        if wrong:
            print_table(
                ("case", "definition", "expected", "effect", "why"),
                (
                    (one.about, one.definition, one.expected, _shown(one.effect), one.why)
                    for one in wrong
                ),
            )
        say(f"{len(answers) - len(wrong)} of {len(answers)} are as expected")
    raise typer.Exit(FAULT if wrong else GRANTED)


def _row(one: Answer, *, assigned: bool) -> Iterator[str]:
    yield one.definition
    if assigned:
        yield one.assignment
    yield one.about
    yield _shown(one.effect)
    yield one.why


def _told(one: Answer) -> dict[str, object]:
    told: dict[str, object] = {"definition": one.definition}
    if one.assignment:
        told["assignment"] = one.assignment
    told |= {"effect": one.effect, "denies": one.denies, "values": dict(one.values)}
    return {**told, "says": one.says} if one.says else told


def _shown(effect: str) -> str:
    return "fails: Azure denies" if effect == FAILS else effect


def _short(value: str) -> str:
    found = value.replace(_PROVIDER, "…/")
    return found if len(found) <= _MAX_VALUE else f"{found[:_MAX_VALUE]}…"

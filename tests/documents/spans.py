"""Commands that stand within lines and tables of documents, and in sessions that they show."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

import typer

from stage_functions.cli.main import app
from tests.documents.reading import Block, Span, documents

NAMES = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]  # it is a group
"""Of the commands of Stageward."""
PROGRAMS = {"az", "azd", "make", "pip", "python", "stageward"}
READS = {
    *("approvals", "as-of", "backup", "check", "export", "history", "ls", "migrate", "outbox"),
    *("registries", "replay", "retention", "show", "status", "verify"),
    *("lifecycle validate", "lifecycle history", "hold list", "token list"),
}
"""Commands of Stageward that change nothing."""
ALONE = {"approvals", "ls", "outbox", "registries", "retention", "status"}
"""Those that mean something without any argument; of the others it is then their name."""
_STANDS_FOR = re.compile(r"[…<\[$]|\b(?:DEFINITION|FILE|ID|NAME|PERSON|PLACE|R|REGISTRY)\b")


@dataclass(frozen=True, slots=True)
class Command:
    """A command within a line.

    Attributes:
        where: document and line.
        written: as it stands there.
        words: program and arguments; what may be left out is given, what stands for something too.
        whole: nothing is left out: it can be run.
    """

    where: str
    written: str
    words: tuple[str, ...]
    whole: bool


def commands() -> Iterator[Command]:
    """Return those of all documents; `show …` behind `stageward ls` is one of Stageward, too."""
    for document in documents():
        for block in document.blocks():
            if block.language == "console":
                yield from _of_session(document.name, block)
        for span in document.spans():
            written = _of_stageward(span)
            if written.partition(" ")[0] in PROGRAMS and "|" not in written:
                yield _command(f"{document.name}:{span.line}", written)


def _of_session(name: str, block: Block) -> Iterator[Command]:
    """Return what is typed in a session that is shown with what came of it."""
    for number, line in enumerate(block.text.splitlines(), start=block.line):
        typed = line.removeprefix("$ ")
        if typed != line and typed.partition(" ")[0] in PROGRAMS and "|" not in typed:
            yield _command(f"{name}:{number}", typed.partition(" #")[0])


def _of_stageward(span: Span) -> str:
    name = span.text.partition(" ")[0]
    follows = any(one.startswith("stageward ") for one in span.before) and name in NAMES
    return f"stageward {span.text}" if follows else span.text


def _command(where: str, written: str) -> Command:
    whole = not _STANDS_FOR.search(written)
    text = re.sub(r"<[^<>]*>", "one", written)
    words = shlex.split(re.sub(r"[\[\]]", "", text).replace("…", ""))
    return Command(where, written, tuple(words), whole)


ALL = sorted(commands(), key=lambda one: one.where)


def of(program: str) -> list[Command]:
    """Return those of a program, each once."""
    return list({one.written: one for one in ALL if one.words[0] == program}.values())


def written(command: object) -> str:
    """Return how a case is called."""
    return command.written if isinstance(command, Command) else str(command)


def reading() -> list[Command]:
    """Return the commands of Stageward that can be run, and change nothing."""
    return [one for one in of("stageward") if one.whole and _reads(one.words[1:])]


def _reads(words: tuple[str, ...]) -> bool:
    named = words[:1] == ("migrate",) and "--dry-run" not in words
    known = " ".join(words[:1]) in READS or " ".join(words[:2]) in READS
    return known and not named and "--retry" not in words and (len(words) > 1 or words[0] in ALONE)

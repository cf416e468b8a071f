"""What nobody has registered, as lists and pages show it: asked for by name, or left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from stage_functions.application import unregistered_rows
from stage_functions.application.board import Wanted
from stage_functions.application.catalog import CatalogEntry
from stage_functions.application.context import Context
from stage_functions.application.unregistered_rows import Note
from stage_functions.application.unregistered_words import origin_words
from stage_functions.domain.asset import Kind, Snapshot
from stage_functions.domain.error import InvalidInputError
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.lifecycle import UNREGISTERED

PAGE = 50
MAX_COUNTED = 100
MAX_READ = 20_000
"""Read for a page: a name that fits little reads more."""


class NotePage(Struct, frozen=True):
    """Some of what nobody has registered.

    Attributes:
        notes: in the order of registry, kind and name.
        cursor: to go on behind; "" when these were the last.
    """

    notes: tuple[Note, ...]
    cursor: str


def entry(note: Note) -> CatalogEntry:
    """Return something as lists of versions show it."""
    return CatalogEntry(
        asset=str(note.named.asset),
        version=note.named.number,
        stage=UNREGISTERED,
        since=note.made_at,
        number=0,
        status=f"{origin_words(note)}; register it first",
        author=note.author,
        job=note.job,
    )


def place(alias: str) -> str:
    """Return how a cursor begins that is among these: no kind is called so."""
    return f"{alias}:{UNREGISTERED}"


def entries(
    context: Context, aliases: Sequence[str], kind: Kind | None, cursor: str = ""
) -> Iterator[tuple[str, CatalogEntry]]:
    """Yield entries behind a cursor, each with the cursor to go on behind it."""
    for at, note in notes(context, aliases, kind, cursor):
        yield at, entry(note)


def notes(
    context: Context, aliases: Sequence[str], kind: Kind | None, cursor: str = ""
) -> Iterator[tuple[str, Note]]:
    """Yield what is noted behind a cursor, each with the cursor to go on behind it."""
    at, _, behind = cursor.partition(" ")
    for alias in aliases:
        here = place(alias)
        if at and here != at:
            continue
        found = unregistered_rows.notes(context.ledger.rows, alias, kind, behind=behind)
        at, behind = "", ""
        for key, note in found:
            yield f"{here} {key}", note


def page(context: Context, wanted: Wanted, cursor: str = "") -> NotePage:
    """Return some of what nobody has registered.

    Raises:
        NotFoundError: no such registry.
        InvalidInputError: the cursor is of no such page.
    """
    if wanted.registry:
        context.configuration.registry(wanted.registry)
    aliases = [wanted.registry] if wanted.registry else list(context.configuration.registries)
    if cursor and cursor.partition(" ")[0] not in {place(alias) for alias in aliases}:
        message = "the cursor is of another list: begin at the first page"
        raise InvalidInputError(message)
    shown: list[Note] = []
    last = ""
    for read, (at, note) in enumerate(notes(context, aliases, wanted.kind, cursor)):
        if len(shown) == PAGE or read == MAX_READ:
            return NotePage(tuple(shown), last)
        last = at
        if wanted.name.casefold() in note.named.asset.name.casefold():
            shown.append(note)
    return NotePage(tuple(shown), "")


def count(context: Context) -> int:
    """Return how much nobody has registered, at most `MAX_COUNTED`."""
    aliases = context.configuration.registries
    return unregistered_rows.count(context.ledger.rows, aliases, MAX_COUNTED)


def evidence(context: Context, note: Note, snapshot: Snapshot | None) -> Evidence:
    """Return what is known of something that nobody has registered: little, where no version is.

    Raises:
        RegistryUnavailableError, RegistryRefusedError: its registry cannot be read.
    """
    if snapshot is not None:
        return context.evidence(snapshot)
    return Evidence(
        {
            "job": {"id": note.job} if note.job else {},
            "model": {"content": note.content},
            "author": {"id": note.author} if note.author else {},
        }
    )

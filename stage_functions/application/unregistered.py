"""What nobody has registered: outputs of jobs, and versions that the registry itself has made.

Such a thing has no history, shows no stage, and moves nowhere. It is noted, so that people see
what there is; when it is registered, the history of that version says where it comes from.

What must hold, in whatever order events come:

- What is registered is not noted: who registers writes what identifies it before the commit, and
  drops the note after it; who notes looks for it before and after.
- Nothing is ever written to such a thing in its registry.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct, field

from stage_functions.application import contents, keys, unregistered_rows
from stage_functions.application.context import Context
from stage_functions.application.ports.registry import Output
from stage_functions.application.signal import JobSignal
from stage_functions.application.unregistered_rows import Note
from stage_functions.domain.asset import Asset, Kind, Snapshot, Version
from stage_functions.domain.error import ConflictError, UnknownOutcomeError
from stage_functions.domain.lifecycle import UNREGISTERED
from stage_functions.domain.record import Json, timestamp
from stage_functions.domain.state import FORGET, Duty, VersionState

OUTPUTS_DAYS = 90
"""How long an output is listed that nobody registers."""
BATCH = 30
LATELY_SECONDS = 600
"""For how long a whole pass of the scan looks again at what was noted."""


class Begun(Struct, frozen=True):
    """How the history of a version begins.

    Attributes:
        fields: what its first record says of where it comes from.
        author: id of whose that was, or "".
        duties: what is owed to what is no longer unregistered.
    """

    fields: Mapping[str, Json] = field(default_factory=dict)
    author: str = ""
    duties: tuple[Duty, ...] = ()


def follow_job(context: Context, signal: JobSignal) -> bool:
    """Note the models that a job has left behind; tell whether anything was new.

    Raises:
        NotFoundError: no such registry.
        RegistryUnavailableError, RegistryRefusedError: the job cannot be read.
        StoreUnavailableError, ConflictError, UnknownOutcomeError: deliver the signal again.
    """
    if not context.configuration.registry(signal.registry).watches_kind(Kind.MODELS):
        return False
    outputs = context.registry(signal.registry).outputs(signal.job)
    sole = len(outputs) == 1
    return sum(_follow(context, signal.registry, one, sole=sole) for one in outputs) > 0


def note_anonymous(context: Context, alias: str, snapshots: Iterable[Snapshot]) -> int:
    """Note versions that a registry has made itself; return how many were new.

    Raises:
        StoreUnavailableError, ConflictError, UnknownOutcomeError: as the store says.
    """
    found = {keys.note_key(snapshot.version): snapshot for snapshot in snapshots}
    known = unregistered_rows.noted(context.ledger.rows, alias, found)
    made = [as_note(context, snapshot) for key, snapshot in found.items() if key not in known]
    new = [note for note in made if not _registered(context, note)]
    starts = range(0, len(new), BATCH)
    return sum(_note_all(context, alias, new[start : start + BATCH]) for start in starts)


def begin(context: Context, snapshot: Snapshot) -> Begun:
    """Return how the history of a version begins that has become known: with what it was before.

    Its content decides. Where nothing noted has it, its job does, if that left behind one thing
    only; but then it may be something else of that job, and the record names the job alone.
    """
    asset, rows = snapshot.version.asset, context.ledger.rows
    found = unregistered_rows.with_content(rows, asset.registry, asset.kind, snapshot.content)
    if not found and snapshot.job:
        found = unregistered_rows.of_job(rows, asset.registry, asset.kind, snapshot.job)
    if not found:
        return Begun()
    # Of several with one content that of the same job comes first, and an output before others.
    note = min(found, key=lambda one: (one.job != snapshot.job, not one.output, one.version))
    number = snapshot.version.number
    duties = tuple(Duty(FORGET, number, one.key) for one in found)
    return Begun({"from": UNREGISTERED, **_origin(note, snapshot)}, note.author, duties)


def forget(context: Context, alias: str, key: str) -> None:
    """Drop the note of what is registered now.

    Raises:
        ConflictError, UnknownOutcomeError: try again.
    """
    context.persistently(lambda: unregistered_rows.drop(context.ledger.rows, alias, key))


def forget_missing(
    context: Context, alias: str, seen: Collection[Version], before: datetime
) -> int:
    """Drop notes of versions that a complete pass did not see as such; return how many.

    Outputs stay: no list has them. So does what was noted since the pass began. And what was noted
    lately is looked at again: somebody may have registered it at that very moment.
    """
    rows, lately = context.ledger.rows, before - timedelta(seconds=LATELY_SECONDS)
    gone = [
        key
        for key, note in unregistered_rows.notes(rows, alias)
        if (not note.output and note.seen_at < before and note.named not in seen)
        or (note.seen_at >= lately and _registered(context, note))
    ]
    for key in gone:
        forget(context, alias, key)
    return len(gone)


def forget_old(context: Context) -> int:
    """Drop outputs that nobody has registered for long, and what is registered; return how many."""
    rows, limit = context.ledger.rows, context.clock.now() - timedelta(days=OUTPUTS_DAYS)
    gone = [
        (alias, key)
        for alias in context.configuration.registries
        for key, note in unregistered_rows.notes(rows, alias)
        if (note.output and note.seen_at < limit) or _registered(context, note)
    ]
    for alias, key in gone:
        forget(context, alias, key)
    return len(gone)


def find(context: Context, version: Version, snapshot: Snapshot | None) -> Note | None:
    """Return what is known of something unregistered, as its registry shows it; None otherwise."""
    if snapshot is not None and not snapshot.anonymous:
        return None
    noted = unregistered_rows.find(context.ledger.rows, version)
    return as_note(context, snapshot) if noted is None and snapshot is not None else noted


def as_note(context: Context, snapshot: Snapshot) -> Note:
    """Return what is to be noted of a version that the registry itself has made."""
    return Note(
        version=str(snapshot.version),
        content=snapshot.content,
        made_at=snapshot.created_at,
        seen_at=context.clock.now(),
        job=snapshot.job or "",
        author=context.identify(snapshot.author) if snapshot.author else "",
    )


def _follow(context: Context, alias: str, output: Output, *, sole: bool) -> bool:
    name = f"azureml_{keys.encode(output.job)}_output_{keys.encode(output.name)}"
    version = str(Version(Asset(alias, Kind.MODELS, name), "1"))

    def made() -> Note:
        return Note(
            version=version,
            content=output.content,
            made_at=output.made_at,
            seen_at=context.clock.now(),
            job=output.job,
            output=output.name,
            author=context.identify(output.author) if output.author else "",
            sole=sole,
            type=output.type,
            path=output.path,
        )

    return _note(context, made)


def _note_all(context: Context, alias: str, notes: Sequence[Note]) -> int:
    """Note things at once; one by one where some are noted by now. Return how many were new."""
    try:
        _keep_authors(context, notes)
        unregistered_rows.put_new(context.ledger.rows, alias, notes)
    except (ConflictError, UnknownOutcomeError):
        return sum(_note(context, partial(_same, note)) for note in notes)
    return len(notes)


def _keep_authors(context: Context, notes: Sequence[Note]) -> None:
    """Keep whom the ids mean that notes have, before they are written."""
    ledger = context.ledger
    authors = (note.author.encode() for note in notes)
    ledger.names.keep(authors, context.clock.now(), ledger.keeping.called)


def _same(note: Note) -> Note:
    return note


def _note(context: Context, made: Callable[[], Note]) -> bool:
    """Note something, unless a version has its content; tell whether it was new."""

    def attempt() -> bool:
        note, rows = made(), context.ledger.rows
        _keep_authors(context, [note])
        if _registered(context, note) or not unregistered_rows.put(rows, note):
            return False
        if not _registered(context, note):
            return True
        # It was registered meanwhile, by somebody who may have looked before this was noted.
        unregistered_rows.drop(rows, note.named.asset.registry, note.key)
        return False

    return context.persistently(attempt)


def _registered(context: Context, note: Note) -> bool:
    """Tell whether the ledger knows a version of it."""
    asset, rows = note.named.asset, context.ledger.rows
    alike = contents.with_content(rows, asset.registry, asset.kind, note.content)
    if any(_is(context, one, lambda state: state.content == note.content) for one in alike):
        return True
    if not note.sole:
        return False
    others = contents.of_job(rows, asset.registry, asset.kind, note.job)
    return any(_is(context, one, lambda state: state.job == note.job) for one in others)


def _is(context: Context, version: Version, fits: Callable[[VersionState], bool]) -> bool:
    state = context.ledger.state(version)
    return state is not None and not state.gone and fits(state)


def _origin(note: Note, snapshot: Snapshot) -> dict[str, Json]:
    """Return what the first record says of what the version was before."""
    if note.output:
        if note.content != snapshot.content:
            return {"job": note.job}
        made = timestamp(note.made_at)
        return {"output": {"job": note.job, "name": note.output, "made_at": made}}
    if note.version == str(snapshot.version):
        return {}
    return {"anonymous": note.version}

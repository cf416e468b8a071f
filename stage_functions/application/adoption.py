"""Adopt the lifecycles of the configuration: whatever is decided is decided under a known text.

A new digest is a LifecycleAdopted record in the lifecycle's own history, with the difference; the
text is kept by its digest. A lifecycle that would strand versions is refused. What loosens a
protected one is a LifecycleProposed record, and waits: the text before stays in force.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import histories, keys
from stage_functions.application.codec import pack, pack_blob, plain
from stage_functions.application.context import Context
from stage_functions.application.histories import History
from stage_functions.application.in_force import Waiting
from stage_functions.application.laws import (
    ADOPTED,
    LAW,
    SETTLES,
    Course,
    Judged,
    Known,
    Law,
    Past,
    in_force,
    judge,
    known_of,
    placed,
)
from stage_functions.application.ledger_format import bar
from stage_functions.application.lifecycle_changes import MAX_CHANGES, differences
from stage_functions.application.ports.rows import BLOBS, LEDGER, Change, Insert, Replace, Upsert
from stage_functions.application.renaming import follow_renames
from stage_functions.application.stranding import demand_nobody_stranded
from stage_functions.domain.error import (
    DeniedError,
    NotAllowedNowError,
    NotFoundError,
    SinkRefusedError,
    SinkUnavailableError,
    StagewardError,
    StaleError,
)
from stage_functions.domain.governing import may_consent
from stage_functions.domain.grounds import ITSELF, lifecycle_document
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.people import Actor
from stage_functions.domain.record import Draft, Json, Record, RecordType, canonical

log = logging.getLogger("stageward.adoption")
MAX_PROPOSED = 50
"""Proposals of a lifecycle that are remembered as recorded."""


class Adopted(Struct, frozen=True):
    """A lifecycle, as it is in force here and as the ledger has adopted it last.

    Attributes:
        name: its name.
        digest: of the text in force here.
        adopted: of the text that the ledger has adopted; "" where it has adopted none.
        behind: sinks that do not have its last adoption yet.
        at: when that was, or None.
        waiting: the change of it that is not in force, or None.
    """

    name: str
    digest: str
    adopted: str
    behind: tuple[str, ...] = ()
    at: datetime | None = None
    waiting: Waiting | None = None


class _Said(Struct, frozen=True):
    """Who adopts a text, and what they said.

    Attributes:
        actor: who.
        comment: in their words.
        waiting: what they have consented to, or None.
        operation: id of what they sent, or "".
    """

    actor: Actor
    comment: str = ""
    waiting: Waiting | None = None
    operation: str = ""


def adopted(context: Context) -> tuple[Adopted, ...]:
    """Return every lifecycle in force, as the ledger has adopted it.

    Raises:
        StoreUnavailableError: the ledger cannot be read.
    """
    waits = context.in_force.waiting(context.configuration.lifecycles)
    found = [_as_adopted(context, one.name, one.digest, waits) for one in context.lifecycles]
    known = {one.name for one in found}
    found += [_as_adopted(context, one.name, "", waits) for one in waits if one.name not in known]
    return tuple(found)


def _as_adopted(
    context: Context, name: str, in_force_here: str, waits: tuple[Waiting, ...]
) -> Adopted:
    ledger, history = context.ledger, histories.of_lifecycle(name)
    row, last = (
        ledger.rows.get(LEDGER, history.partition, ADOPTED),
        histories.tail(ledger, history),
    )
    behind = [
        sink for sink in context.sinks if histories.announced(ledger, history, sink) < last.number
    ]
    digest = str(row.values.get("digest", "")) if row is not None else ""
    waiting = next((one for one in waits if one.name == name), None)
    return Adopted(name, in_force_here, digest, tuple(behind), last.at, waiting)


def adopt(context: Context) -> None:
    """Adopt every lifecycle whose digest is new; propose what loosens a protected one.

    Raises:
        ConfigurationError: a stage was removed, or made exclusive, while versions stand there.
        LaterReleaseError: a text in force is of a later release.
        StoreUnavailableError, ConflictError, UnknownOutcomeError: try again.
    """
    judged = judge(context, starting=True)
    new = [one for one in judged if one.course is Course.ADOPT]
    if new:
        _finish_renames(context)
        judged = judge(context, starting=True)
        demand_nobody_stranded(context, in_force(context, judged), _texts(judged))
    for one in judged:
        if one.course is Course.ADOPT and one.wanted is not None:
            context.persistently(partial(_adopt, context, one.known.name, one.wanted))
        elif one.waiting is not None and one.waiting.loosens:
            context.persistently(partial(_propose, context, one))
    refresh(context)


def refresh(context: Context) -> None:
    """Read which lifecycles are in force; a draft has its own, and nothing is read for it.

    Raises:
        StoreUnavailableError, LaterReleaseError: as `judge`; what was read before stays in force.
    """
    if context.in_force.read is None or context.draft:
        return
    now = context.clock.now()
    judged = judge(context, starting=False)
    numbers = {one.known.name: one.known.law.number for one in judged if one.known.law is not None}
    waiting = tuple(one.waiting for one in judged if one.waiting is not None)
    context.in_force.keep(
        context.configuration.lifecycles, in_force(context, judged), numbers, waiting, now
    )


def keep_up(context: Context) -> None:
    """Read which lifecycles are in force, where that was read a while ago.

    For processes that have no sweep. What cannot be read now is read the next time, and what was
    read before stays in force: a ledger that is away fails by itself whatever needs it.
    """
    if context.in_force.aged(context.clock.now()):
        try:
            refresh(context)
        except StagewardError as exc:
            log.warning("which lifecycles are in force cannot be read now: %s", exc)


def waiting_for(context: Context, name: str) -> Waiting:
    """Return the change of a lifecycle that waits, as it is at this moment.

    Raises:
        NotFoundError: no such lifecycle.
        NotAllowedNowError: no change of it waits.
        StoreUnavailableError, LaterReleaseError: as `judge`.
    """
    return _waiting(context, name)[1]


def law_of(context: Context, name: str) -> tuple[str, Waiting | None]:
    """Return the digest of the text in force of a lifecycle, "" for none, and what waits of it.

    Raises:
        NotFoundError: no such lifecycle.
        StoreUnavailableError, LaterReleaseError: as `judge`.
    """
    found = _of_name(context, name)
    held = next((one for one in context.lifecycles if one.name == name), None)
    return held.digest if held is not None else "", found.waiting


def consent(
    context: Context,
    name: str,
    digest: str,
    actor: Actor,
    comment: str = "",
    *,
    operation: str = "",
) -> Record:
    """Adopt what waits, in the name of somebody who may.

    Args:
        context: the context.
        name: of the lifecycle.
        digest: of what they have seen waiting.
        actor: who consents.
        comment: in their words.
        operation: who sends the same again has consented once.

    Raises:
        NotFoundError, NotAllowedNowError: as `waiting_for`.
        StaleError: something else waits now.
        DeniedError: they may not.
        ConfigurationError: it would strand versions.
        StoreUnavailableError, ConflictError, UnknownOutcomeError: try again.
    """
    _finish_renames(context)

    def attempt() -> Record:
        done = _done(context, name, operation)
        if done is not None:
            return done
        judged, waiting = _waiting(context, name)
        if digest != waiting.digest:
            message = (
                f"what waits is {waiting.digest}, and not what you consent to; look at it again"
            )
            raise StaleError(message)
        _demand_may(context, judged, waiting, actor)
        others = [one for one in judge(context, starting=False) if one.known.name != name]
        then = replace(judged, course=Course.ADOPT)
        if judged.wanted is not None:
            demand_nobody_stranded(context, in_force(context, (*others, then)), _texts((then,)))
        said = _Said(actor, comment, waiting, operation)
        return _write(context, judged.known, judged.wanted, judged.law, said)

    record = context.persistently(attempt)
    refresh(context)
    return record


def own_histories(context: Context) -> tuple[History, ...]:
    """Return the histories of lifecycles: of the file's, of those in force, of all before them.

    Raises:
        StoreUnavailableError: try again.
    """
    rows = context.ledger.rows.query(LEDGER, keys.LIFECYCLES_PARTITION)
    known = (one.name for one in (*context.configuration.lifecycles, *context.lifecycles))
    names = dict.fromkeys((*known, *(str(row.values["name"]) for row in rows)))
    return tuple(histories.of_lifecycle(name) for name in names)


def announce(context: Context) -> tuple[str, ...]:
    """Publish records of lifecycles, and of the ledger, that a sink lacks; tell what failed.

    They wait where the ledger was restored, till somebody has said that it is right.

    Raises:
        StoreUnavailableError: try again.
    """
    failed: list[str] = []
    if context.states.waits():
        return ()
    for history in (*own_histories(context), histories.JOURNAL):
        for sink in context.sinks.values():
            try:
                histories.announce(context.ledger, history, sink)
            except (SinkRefusedError, SinkUnavailableError) as exc:
                failed.append(f"{history.name} to {sink.name}: {exc}")
    return tuple(failed)


def _done(context: Context, name: str, operation: str) -> Record | None:
    """Return the last record of a lifecycle, where it is of this very operation."""
    history = histories.of_lifecycle(name)
    last = histories.tail(context.ledger, history).number
    found = context.ledger.records(history.partition, after=max(0, last - 1), limit=1)
    same = operation and found and found[-1].content.get("operation") == operation
    return found[-1] if same else None


def _waiting(context: Context, name: str) -> tuple[Judged, Waiting]:
    found = _of_name(context, name)
    if found.waiting is None:
        message = (
            f"no change of the lifecycle {name} waits: what its file says is in force; a change "
            "that was taken out of the file is withdrawn"
        )
        raise NotAllowedNowError(message, code="lifecycle-nothing-waits")
    return found, found.waiting


def _of_name(context: Context, name: str) -> Judged:
    judged = judge(context, starting=False)
    found = next((one for one in judged if one.known.name == name), None)
    if found is None:
        known = ", ".join(one.known.name for one in judged)
        message = f"no lifecycle is called '{name}'; there are: {known}"
        raise NotFoundError(message)
    return found


def _demand_may(context: Context, judged: Judged, waiting: Waiting, actor: Actor) -> None:
    directory = context.configuration.directory
    if not waiting.groups:
        if not directory.is_operator(actor.id):
            message = "only operators may say that a text which was superseded is meant"
            raise DeniedError(message)
        return
    if not set(directory.groups_of(actor.id)) & set(waiting.groups):
        message = f"only a member of {' or '.join(waiting.groups)} may consent to it"
        raise DeniedError(message)
    pinned = judged.keepers
    if pinned and not may_consent(actor.id, waiting.groups, pinned, directory):
        message = (
            f"whoever became a member of {' or '.join(waiting.groups)}, or got a further id, after "
            "the text in force was adopted may not consent; somebody who was one before may"
        )
        raise DeniedError(message)


def _finish_renames(context: Context) -> None:
    """Let versions follow the names of stages in force, before those change again."""
    refresh(context)
    follow_renames(context, carry_out=False)


def _texts(judged: tuple[Judged, ...]) -> Mapping[str, Lifecycle]:
    """Return the texts in force that are to be superseded, by name."""
    return {
        one.known.name: one.known.text
        for one in judged
        if one.course is Course.ADOPT and one.known.text is not None
    }


def _adopt(context: Context, name: str, wanted: Lifecycle) -> None:
    """Adopt a text, unless another process did meanwhile, or has made consent necessary."""
    judged = judge(context, starting=True)
    one = next(one for one in judged if one.known.name == name)
    if one.course is Course.ADOPT:
        _write(context, one.known, wanted, one.law, _Said(ITSELF))


def _propose(context: Context, judged: Judged) -> None:
    """Record what waits, once."""
    waiting, name = judged.waiting, judged.known.name
    known = known_of(context, name, judged.wanted)
    law = known.law or Law("", 0)
    if waiting is None or waiting.digest in law.proposed:
        return
    history = histories.of_lifecycle(name)
    document = (
        lifecycle_document(judged.wanted)
        if judged.wanted is not None
        else {"name": name, "digest": known.digest}
    )
    fields: dict[str, Json] = {
        "lifecycle": document,
        **({"from": known.digest} if known.digest else {}),
        "proposal": waiting.digest,
        "changes": list(waiting.changes[:MAX_CHANGES]),
        "loosens": list(waiting.loosens[:MAX_CHANGES]),
        "needs": list(waiting.needs),
    }
    number = histories.tail(context.ledger, history).number + 1
    proposed = {**law.proposed, waiting.digest: number}
    law = replace(law, proposed=dict(list(proposed.items())[-MAX_PROPOSED:]))
    _append(
        context,
        history,
        Draft(RecordType.LIFECYCLE_PROPOSED, "", "", ITSELF, fields),
        known,
        law,
        judged.wanted,
    )


def _write(
    context: Context, known: Known, wanted: Lifecycle | None, law: Law, said: _Said
) -> Record:
    """Adopt a text, or that a lifecycle is no more."""
    comment, waiting = said.comment, said.waiting
    history, before = histories.of_lifecycle(known.name), known.law
    earlier = known.digest if wanted is not None else ""
    document = (
        lifecycle_document(wanted)
        if wanted is not None
        else {"name": known.name, "digest": known.digest}
    )
    proposed = before.proposed.get(waiting.digest, 0) if before and waiting else 0
    fields: dict[str, Json] = {
        "lifecycle": document,
        **({"from": earlier} if earlier else {}),
        "changes": list(_changes(context, known, wanted, law)),
        **({"comment": comment} if comment else {}),
        **({"proposed": proposed} if proposed else {}),
        **({"loosens": list(waiting.loosens[:MAX_CHANGES])} if waiting and waiting.loosens else {}),
    }
    law = replace(
        law,
        number=histories.tail(context.ledger, history).number + 1,
        past=_past(context, before, law.digest),
        proposed=before.proposed if before is not None else {},
    )
    draft = Draft(RecordType.LIFECYCLE_ADOPTED, "", "", said.actor, fields)
    return _append(context, history, draft, known, law, wanted, said.operation)


def _changes(context: Context, known: Known, wanted: Lifecycle | None, law: Law) -> tuple[str, ...]:
    before = known.law
    if before is None or not known.digest:
        return ()
    places = placed(before, law)
    if wanted is None:
        return places
    text = context.ledger.blob(known.digest)
    return (*differences(text, canonical(wanted.text)), *places)[:MAX_CHANGES]


def _past(context: Context, before: Law | None, digest: str) -> tuple[Past, ...]:
    if before is None:
        return ()
    now = context.clock.now()
    kept = tuple(one for one in before.past if now - one.at < SETTLES and one.digest != digest)
    return kept if before.digest == digest else (*kept, Past(before.digest, now))


def _append(  # all that one batch has
    context: Context,
    history: History,
    draft: Draft,
    known: Known,
    law: Law,
    wanted: Lifecycle | None,
    operation: str = "",
) -> Record:
    """Add a record; text and name are kept no later than that."""
    rows = context.ledger.rows
    if draft.type is RecordType.LIFECYCLE_ADOPTED and wanted and wanted.protect_lifecycle:
        bar(rows)
    if wanted is not None:
        blob = canonical(wanted.text)
        rows.prepare(BLOBS, keys.encode(wanted.digest), pack_blob(blob))
    name = Upsert(keys.encode(known.name), plain({"name": known.name}))
    rows.prepare(LEDGER, keys.LIFECYCLES_PARTITION, [name])
    changes: list[Change] = [
        Replace(LAW, pack(law), known.row.etag) if known.row else Insert(LAW, pack(law))
    ]
    if draft.type is RecordType.LIFECYCLE_ADOPTED:
        row = plain({"digest": law.digest}, known.adopted)
        changes.append(
            Replace(ADOPTED, row, known.adopted.etag) if known.adopted else Insert(ADOPTED, row)
        )
    return histories.append(
        context.ledger,
        history,
        draft,
        now=context.clock.now(),
        operation=operation or context.clock.operation_id(),
        changes=changes,
    )

"""What the ledger knows of a lifecycle in force beside its text; read and judged, not written.

A file is judged by the texts in force, never by what it says of itself: a change of a protected
lifecycle that loosens it waits, whichever way it is made. See `governing` and `loosening`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.application import histories, keys
from stage_functions.application.codec import unpack
from stage_functions.application.context import Context
from stage_functions.application.in_force import Waiting
from stage_functions.application.lifecycle_changes import differences
from stage_functions.application.ports.rows import LEDGER, Row
from stage_functions.domain.error import LedgerDamagedError
from stage_functions.domain.governing import (
    Held,
    ahead_of,
    arrange,
    deciders,
    feeding,
    keepers,
    more_keepers,
    taken_over,
)
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.loosening import demanding, loosening, reopened
from stage_functions.domain.record import Json, canonical, digest
from stage_functions.domain.stored import Whole

ADOPTED = "adopted"
LAW = "law"
SETTLES = timedelta(hours=1)
"""So long after a text was superseded a start does not bring it back: an update may be rolling."""
MAX_NAMES = 1000


class Past(Whole, frozen=True):
    """A text that was superseded.

    Attributes:
        digest: of the text.
        at: when it was superseded.
    """

    digest: str
    at: datetime


class Law(Whole, frozen=True):
    """A lifecycle as the ledger has adopted it, beside its text.

    Attributes:
        digest: of the text in force.
        number: of the record by which it was adopted.
        ahead: `<name> <glob>` of what may come before it in the file; only where it is protected.
        keepers: who may consent, each with the ids that they are known by; no names.
        past: texts that were superseded lately.
        proposed: numbers of the records of what was proposed, by digest: each is recorded once.
        ended: it was taken out of the file, with consent.
        demanded: stages to which every way demanded something once, by whatever text.
        deciders: `<group>: <who>` of who votes, asks, reviews, uses an emergency under it, or
            operates, each with the ids that they are known by; only where it is protected. That is
            judged by the file at each moment: this only records when it changed.
    """

    digest: str
    number: int
    ahead: tuple[str, ...] = ()
    keepers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    past: tuple[Past, ...] = ()
    proposed: Mapping[str, int] = field(default_factory=dict)
    ended: bool = False
    demanded: tuple[str, ...] = ()
    deciders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Known(Struct, frozen=True):
    """What the ledger knows of a lifecycle.

    Attributes:
        name: its name.
        adopted: the row with its digest, or None.
        row: the row with its law, or None.
        law: what that says; one of the digest alone where there is none.
        text: the text in force; None where none was adopted, or it cannot be read here.
    """

    name: str
    adopted: Row | None = None
    row: Row | None = None
    law: Law | None = None
    text: Lifecycle | None = None

    @property
    def digest(self) -> str:
        """Of the text in force; "" where none was adopted."""
        return self.law.digest if self.law is not None and not self.law.ended else ""

    @property
    def keepers(self) -> Mapping[str, tuple[str, ...]]:
        """Who may consent to a change, as of when the text in force was adopted."""
        return self.law.keepers if self.law is not None else {}

    @property
    def protected(self) -> bool:
        """Consent is demanded for what loosens it."""
        return self.text is not None and bool(self.text.protect_lifecycle)


class Course(StrEnum):
    """What is to become of a lifecycle of the file."""

    SAME = "same"
    ADOPT = "adopt"
    WAIT = "wait"


class Judged(Struct, frozen=True):
    """A lifecycle of the file, or one that it no longer has, judged by what is in force.

    Attributes:
        known: what is in force.
        wanted: the lifecycle as the file has it; None where it has none.
        course: what is to become of it.
        waiting: what waits, where something does.
        law: what the ledger is to know of it once it is adopted, but for numbers.
        keepers: who may consent, as of when the text that guards it was adopted.
    """

    known: Known
    wanted: Lifecycle | None
    course: Course
    law: Law
    waiting: Waiting | None = None
    keepers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def nothing(self) -> bool:
        """It waits, and nothing of that name is in force."""
        return self.course is Course.WAIT and not self.known.digest


def judge(context: Context, *, starting: bool) -> tuple[Judged, ...]:
    """Return what is to become of each lifecycle, by the texts in force.

    Args:
        context: the context.
        starting: the process has just been started: a text that was superseded since is not
            brought back by one that runs.

    Raises:
        StoreUnavailableError: the ledger cannot be read.
        LaterReleaseError: a text in force is of a later release.
    """
    file = context.configuration.lifecycles
    own = {one.name: one for one in file}
    found: list[Judged] = []
    names = dict.fromkeys((*own, *_index(context)))
    every = {name: known_of(context, name, own.get(name)) for name in names}
    protected = tuple(one for one in every.values() if one.digest and one.protected)
    for name, known in every.items():
        wanted = own.get(name)
        if wanted is not None:
            found.append(_judged(context, known, wanted, protected, starting=starting))
        elif known.digest and known.protected and known.text is not None:
            found.append(_taken_out(context, known, known.text))
    return tuple(_placed(context, found))


def in_force(context: Context, judged: Sequence[Judged]) -> tuple[Lifecycle, ...]:
    """Return the lifecycles in force, in their order, once what may be adopted is."""
    held = {one.known.name: _held(one) for one in judged if not one.nothing}
    nothing = {one.known.name for one in judged if one.nothing}
    file = [one for one in context.configuration.lifecycles if one.name not in nothing]
    return arrange(file, held)


def _held(judged: Judged) -> Held:
    known, wanted = judged.known, judged.wanted
    ahead = known.law.ahead if known.law is not None else ()
    if judged.course is Course.ADOPT and wanted is not None:
        # What is new claims no place of what is in force; the file's order counts for it.
        guarded = bool(known.digest) and bool(wanted.protect_lifecycle)
        return Held(wanted, (*ahead, *judged.law.ahead) if guarded else None)
    text = known.text if known.text is not None else wanted
    if text is None:
        message = f"the ledger has lost the text of the lifecycle {known.name}"
        raise LedgerDamagedError(message)
    return Held(text, ahead if text.protect_lifecycle and known.law is not None else None)


def _placed(context: Context, judged: Sequence[Judged]) -> Iterator[Judged]:
    """Yield what was judged, with what comes before each as things then are."""
    order = in_force(context, judged)
    for one in judged:
        if one.wanted is None or one.course is Course.WAIT or not one.wanted.protect_lifecycle:
            yield one
        else:
            yield replace(one, law=replace(one.law, ahead=ahead_of(one.wanted, order)))


def known_of(context: Context, name: str, wanted: Lifecycle | None) -> Known:
    """Return what the ledger knows of a lifecycle.

    Raises:
        StoreUnavailableError, LaterReleaseError: as `judge`.
    """
    rows, partition = context.ledger.rows, keys.lifecycle_partition(name)
    adopted, row = rows.get(LEDGER, partition, ADOPTED), rows.get(LEDGER, partition, LAW)
    if adopted is None:
        return Known(name, row=row, law=unpack(row, Law) if row is not None else None)
    current = str(adopted.values.get("digest", ""))
    law = unpack(row, Law) if row is not None else None
    if law is None or law.digest != current:
        law = Law(current, histories.tail(context.ledger, histories.of_lifecycle(name)).number)
    return Known(name, adopted, row, law, _text(context, current, wanted))


def _text(context: Context, current: str, wanted: Lifecycle | None) -> Lifecycle | None:
    if wanted is not None and wanted.digest == current:
        return wanted
    if context.in_force.read is None:
        return None
    found = context.in_force.text(current, lambda: _kept(context, current))
    return _in_order(found, wanted) if found is not None and wanted is not None else found


def _in_order(found: Lifecycle, wanted: Lifecycle) -> Lifecycle:
    """Return a lifecycle with its stages in the file's order: kept texts have theirs by name."""
    names = (*(name for name in wanted.stages if name in found.stages), *found.stages)
    return replace(found, stages={name: found.stages[name] for name in names})


def _kept(context: Context, digest_: str) -> Mapping[str, Json]:
    blob = context.ledger.blob(digest_)
    if blob is None:
        message = f"the ledger has lost the text of a lifecycle, {digest_}"
        raise LedgerDamagedError(message)
    found: Mapping[str, Json] = msgspec.json.decode(blob)
    return found


def _judged(
    context: Context,
    known: Known,
    wanted: Lifecycle,
    protected: tuple[Known, ...],
    *,
    starting: bool,
) -> Judged:
    law = _law(context, known, wanted)
    same = known.digest == wanted.digest
    texts = [one.text for one in protected if one.text is not None]
    fed = {} if same else feeding(known.text if known.digest else None, wanted, texts)
    guards = known.keepers if known.protected else _guards(protected)
    if not known.digest:
        course = Course.WAIT if fed else Course.ADOPT
        waiting = _waiting(known, wanted, law, tuple(fed), _groups(fed)) if fed else None
        return Judged(known, wanted, course, law, waiting, guards)
    if known.text is None:
        return Judged(known, wanted, Course.ADOPT if starting else Course.SAME, law)
    loosens = _loosens(context, known, wanted, law) if known.protected else ()
    if loosens or fed:
        # Its own guards know what feeds it as well; whom it feeds must consent where it has none.
        groups = known.text.protect_lifecycle or _groups(fed)
        waiting = _waiting(known, wanted, law, (*loosens, *fed), groups)
        return Judged(known, wanted, Course.WAIT, law, waiting, guards)
    if same:
        course = Course.ADOPT if starting and _placed_anew(known, law) else Course.SAME
        return Judged(known, wanted, course, law)
    if not starting or _superseded(context, known, wanted.digest):
        return Judged(known, wanted, Course.WAIT, law, _waiting(known, wanted, law, (), ()))
    return Judged(known, wanted, Course.ADOPT, law)


def _guards(protected: Sequence[Known]) -> Mapping[str, tuple[str, ...]]:
    return {who: ids for one in protected for who, ids in one.keepers.items()}


def _groups(fed: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(group for groups in fed.values() for group in groups))


def _law(context: Context, known: Known, wanted: Lifecycle) -> Law:
    """Return what the ledger is to know of a lifecycle; its numbers are of the record to come."""
    before = known.law
    guards = wanted.protect_lifecycle
    # Where all have left, those before stay known: or who joins next would be the first guard.
    own = keepers(guards, context.configuration.directory)
    last = known.keepers if guards and known.protected else {}
    return Law(
        wanted.digest,
        before.number if before is not None else 0,
        ahead_of(wanted, context.configuration.lifecycles) if guards else (),
        own or last,
        before.past if before is not None else (),
        before.proposed if before is not None else {},
        demanded=_demanded(known, wanted),
        deciders=deciders(wanted, context.configuration.directory) if guards else {},
    )


def _demanded(known: Known, wanted: Lifecycle) -> tuple[str, ...]:
    before = known.law.demanded if known.law is not None else ()
    own = demanding(known.text) if known.text is not None else ()
    return tuple(sorted({*before, *own, *demanding(wanted)}))


def _loosens(context: Context, known: Known, wanted: Lifecycle, law: Law) -> tuple[str, ...]:
    before = known.law
    if known.text is None or before is None:
        return ()
    own: tuple[str, ...] = ()
    if known.digest != wanted.digest:
        again = reopened(known.text, wanted, before.demanded)
        own = (*loosening(known.text, wanted), *again)
    over = taken_over(Held(known.text, before.ahead), context.configuration.lifecycles)
    more = more_keepers(before.keepers, law.keepers) if before.keepers else ()
    return (*own, *over, *more)


def _placed_anew(known: Known, law: Law) -> bool:
    before = known.law
    if before is None or not known.protected:
        return False
    more = set(law.ahead) - set(before.ahead)
    people = (before.keepers, before.deciders) != (law.keepers, law.deciders)
    return known.row is None or bool(more) or people


def _superseded(context: Context, known: Known, wanted: str) -> bool:
    """Tell whether a text was superseded a moment ago: who brings it back may be a straggler."""
    past = known.law.past if known.law is not None else ()
    limit = context.clock.now() - SETTLES
    return any(one.digest == wanted and one.at > limit for one in past)


def _taken_out(context: Context, known: Known, text: Lifecycle) -> Judged:
    over = taken_over(
        Held(text, known.law.ahead if known.law else ()), context.configuration.lifecycles
    )
    loosens = ("it is taken out of the file, or called otherwise", *over)
    law = known.law or Law(known.digest, 0)
    law = replace(law, ended=True)
    waiting = _waiting(known, None, law, loosens, text.protect_lifecycle)
    return Judged(known, None, Course.WAIT, law, waiting, known.keepers)


def _waiting(
    known: Known,
    wanted: Lifecycle | None,
    law: Law,
    loosens: tuple[str, ...],
    groups: tuple[str, ...],
) -> Waiting:
    before = known.law or Law("", 0)
    changes = placed(before, law)
    text = wanted.digest if wanted is not None else ""
    if known.text is not None and wanted is not None:
        changes = (*differences(canonical(known.text.text), canonical(wanted.text)), *changes)
    own: dict[str, Json] = {"text": text, "changes": list(placed(before, law))}
    return Waiting(
        known.name,
        text if text not in ("", known.digest) and not placed(before, law) else digest(own),
        text,
        known.digest,
        changes,
        loosens,
        groups,
    )


def placed(before: Law, after: Law) -> tuple[str, ...]:
    """Return what changes of a lifecycle besides its text, as LifecycleAdopted has it."""
    if after.ended and not before.ended:
        return ("- the lifecycle itself: the file has none of that name",)
    old, new = _places(before), _places(after)
    return tuple(sorted({*(f"+ {one}" for one in new - old), *(f"- {one}" for one in old - new)}))


def _places(law: Law) -> set[str]:
    return {
        *(f"before it: {one}" for one in law.ahead),
        *(f"may consent: {who} {', '.join(ids)}".rstrip() for who, ids in law.keepers.items()),
        *(f"in {who} {', '.join(ids)}".rstrip() for who, ids in law.deciders.items()),
    }


def _index(context: Context) -> Iterator[str]:
    if context.in_force.read is None:
        return
    rows = context.ledger.rows.query(LEDGER, keys.LIFECYCLES_PARTITION, limit=MAX_NAMES)
    yield from (str(row.values["name"]) for row in rows)

"""Dead letters: events that Event Grid has given up, shown, and followed after all.

An event that is followed so late is a hint, as it was at first, and no more: whoever can write to
where it is kept can write anything, so nothing that it claims counts. What cannot be read stays.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application.context import Context
from stage_functions.application.deliveries import deliver
from stage_functions.application.ports.dead_letters import (
    MOST_LISTED,
    Counted,
    DeadLetter,
    DeadLetters,
)
from stage_functions.application.signal import AnySignal, Signals
from stage_functions.domain.error import (
    InvalidInputError,
    NotFoundError,
    RetryableError,
    StagewardError,
)

AT_ONCE = 50
"""Dead letters that one call follows."""
READ_AT_ONCE = 200
"""Dead letters that one call reads, those that cannot be followed too."""
SECONDS = 20
FRESH = timedelta(minutes=5)
"""How long a count is believed where it is only a figure among others."""


class Told(Struct, frozen=True):
    """What an event says of its failure.

    Attributes:
        type: of the event.
        subject: what it is about, shortened.
        reason: why it was given up.
        outcome: how the last attempt ended.
        attempts: to deliver it.
        published: when it was published, or None.
        attempted: when it was last tried to deliver it, or None.
    """

    type: str
    subject: str
    reason: str = ""
    outcome: str = ""
    attempts: int = 0
    published: datetime | None = None
    attempted: datetime | None = None


class Letter(Struct, frozen=True):
    """A dead letter, read.

    Attributes:
        told: of each event in it, what it says of its failure.
        signals: what follows from it; nothing that vouches for anybody.
    """

    told: tuple[Told, ...]
    signals: Signals


Read = Callable[[bytes], Letter]
"""Reads the bytes of one; raises InvalidInputError where it is none."""


class Shown(Struct, frozen=True):
    """A dead letter, as operators see it.

    Attributes:
        letter: which.
        told: of each event in it, what it says of its failure.
        fault: why it cannot be read, or "".
    """

    letter: DeadLetter
    told: tuple[Told, ...] = ()
    fault: str = ""


class Replayed(Struct, frozen=True):
    """What became of the dead letters that were followed.

    Attributes:
        followed: hints that were followed up.
        changed: of those, how many changed the ledger.
        deleted: dead letters that are done with.
        kept: names of those that stay, each with the reason.
        ignored: why others of their events were acknowledged unread.
        cursor: to go on behind; "" when these were the last.
        more: there are more than can be listed at once; begin anew behind the last.
    """

    followed: int = 0
    changed: int = 0
    deleted: int = 0
    kept: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()
    cursor: str = ""
    more: bool = False


def counted(letters: DeadLetters) -> Counted:
    """Count dead letters: one look. A fault is told, not raised: there is more to look at."""
    try:
        found = letters.listed()
    except StagewardError as exc:
        return Counted(fault=str(exc))
    oldest = min((one.written for one in found), default=None)
    return Counted(len(found), len(found) >= MOST_LISTED, oldest)


def lately_counted(context: Context) -> Counted | None:
    """Return what was counted a few minutes ago at the most; None where none are kept."""
    process, now = context.process, context.clock.now()
    if process.dead_letters is None:
        return None
    kept = process.counted
    if kept is None or not now - FRESH < kept[0] <= now:
        kept = process.counted = (now, counted(process.dead_letters))
    return kept[1]


def newest(context: Context, read: Read, limit: int) -> tuple[tuple[Shown, ...], Counted]:
    """Return the newest dead letters, and how many there are.

    Raises:
        NotFoundError: no place for them is configured.
        RetryableError, NotAllowedNowError: as `DeadLetters`.
    """
    letters = kept_in(context)
    found = sorted(letters.listed(), key=_place, reverse=True)
    oldest = found[-1].written if found else None
    shown = tuple(_shown(letters, read, one) for one in found[:limit])
    return shown, Counted(len(found), len(found) >= MOST_LISTED, oldest)


def replay(
    context: Context,
    follow: Callable[[AnySignal], bool],
    read: Read,
    *,
    after: str = "",
    seconds: float = SECONDS,
) -> Replayed:
    """Follow dead letters as hints, oldest first, and delete those that are done with.

    Args:
        context: the context.
        follow: follows one hint.
        read: reads one dead letter.
        after: the cursor of an earlier call.
        seconds: after so long no further one is begun.

    Raises:
        NotFoundError: no place for them is configured.
        RetryableError, NotAllowedNowError: as `DeadLetters`.
    """
    letters, clock = kept_in(context), context.clock
    end = clock.now() + timedelta(seconds=seconds)
    found = letters.listed()
    done = Replayed(more=len(found) >= MOST_LISTED)
    looked = 0
    for letter in sorted(found, key=_place):
        if _cursor(letter) <= after:
            continue
        if looked and (done.deleted >= AT_ONCE or looked >= READ_AT_ONCE or clock.now() >= end):
            return done
        looked += 1
        done = _followed(context, follow, read, letter, done)
    return replace(done, cursor="")


def kept_in(context: Context) -> DeadLetters:
    """Return where dead letters are kept.

    Raises:
        NotFoundError: nowhere that Stageward was told of.
    """
    letters = context.process.dead_letters
    if letters is None:
        message = (
            "no container of dead letters is configured: set STAGEWARD_DEAD_LETTERS to its URL"
        )
        raise NotFoundError(message)
    return letters


def _followed(
    context: Context,
    follow: Callable[[AnySignal], bool],
    read: Read,
    letter: DeadLetter,
    done: Replayed,
) -> Replayed:
    """Follow one; whatever is wrong with it keeps no other waiting."""
    letters, cursor = kept_in(context), _cursor(letter)
    try:
        signals = read(letters.read(letter)).signals
        delivered = deliver(follow, signals, context.clock, telemetry=context.telemetry)
        deleted = letters.delete(letter)
    except NotFoundError:  # somebody else was first
        return replace(done, cursor=cursor)
    except (InvalidInputError, RetryableError) as exc:
        kept = (*done.kept, (letter.name, str(exc)))
        return replace(done, kept=kept, cursor=cursor)
    return replace(
        done,
        followed=done.followed + delivered.followed,
        changed=done.changed + delivered.changed,
        deleted=done.deleted + deleted,
        ignored=(*done.ignored, *delivered.ignored),
        cursor=cursor,
    )


def _shown(letters: DeadLetters, read: Read, letter: DeadLetter) -> Shown:
    try:
        return Shown(letter, read(letters.read(letter)).told)
    except (InvalidInputError, NotFoundError, RetryableError) as exc:
        return Shown(letter, fault=str(exc))


def _place(letter: DeadLetter) -> tuple[datetime, str]:
    return letter.written, letter.name


def _cursor(letter: DeadLetter) -> str:
    """Return what sorts as the moment does, and then as the name."""
    return f"{letter.written:%Y-%m-%dT%H:%M:%S.%f} {letter.name}"

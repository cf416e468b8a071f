"""The keys that personal links, sessions and forms are signed with: two live at a time.

The newest signs, the one before it still verifies. A key is followed by another when it is older
than any approval may wait, so whatever it has signed can be verified for as long as it can count.
Keys are rows of the ledger, inserted and never changed: instances that make one at once agree on
whichever was first. Nothing here is read before the first signature is made or looked at.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from threading import Lock

from msgspec import Struct

from stage_functions.application import keys
from stage_functions.application.codec import foreign, plain
from stage_functions.application.ports.clock import Clock
from stage_functions.application.ports.rows import ANY_ETAG, LEDGER, Delete, Insert, Row, Rows
from stage_functions.domain.configuration import Configuration
from stage_functions.domain.error import (
    ConflictError,
    LaterReleaseError,
    LedgerDamagedError,
    UnknownOutcomeError,
)

PREFIX = "link-key:"
SHORTEST = timedelta(days=30)
"""How long a key signs at the least."""
SPARE = timedelta(hours=1)
"""Beyond what an approval may wait: an instance may sign with the key that it has last read."""
CACHED = timedelta(seconds=60)
"""How long keys are believed unread."""
CURIOUS = timedelta(seconds=1)
"""How old keys must be to be read again for a number that they do not have."""
_PARTS = 4
"""Random parts of a secret: 80 bits each."""


class Key(Struct, frozen=True):
    """A key.

    Attributes:
        number: what a signature names it by; the newest has the highest.
        secret: what signs.
        created: when it was made.
    """

    number: int
    secret: bytes
    created: datetime


class Shown(Struct, frozen=True):
    """A key, as operators see it: without its secret.

    Attributes:
        number: what a signature names it by.
        created: when it was made.
        until: so long it signs; then another is made, by itself.
    """

    number: int
    created: datetime
    until: datetime


class LinkKeys:
    """The live keys of a ledger. Safe to share between threads."""

    def __init__(self, rows: Rows, clock: Clock, longest: timedelta) -> None:
        """Take keys from a store.

        Args:
            rows: the ledger's store.
            clock: time and chance.
            longest: how long an approval may wait at the most.
        """
        self._rows, self._clock = rows, clock
        self._period = max(SHORTEST, longest + SPARE)
        self._lock = Lock()
        self._live: tuple[Key, ...] = ()
        self._read: datetime | None = None

    @classmethod
    def of(cls, rows: Rows, clock: Clock, configuration: Configuration) -> LinkKeys:
        """Return the keys for approvals as a configuration has them."""
        waits = (
            transition.approval.expires
            for lifecycle in configuration.lifecycles
            for transition in lifecycle.transitions
            if transition.approval is not None
        )
        return cls(rows, clock, max(waits, default=timedelta()))

    def newest(self) -> Key:
        """Return the key to sign with; it is made if there is none, or only an old one.

        Raises:
            StoreUnavailableError, UnknownOutcomeError: as the store says.
            LedgerDamagedError: a key is none.
            LaterReleaseError: a key is of a later release, which signs otherwise.
        """
        return self._known(CACHED)[-1]

    def shown(self) -> Shown | None:
        """Return the newest key without its secret; None where none was needed so far.

        Raises:
            StoreUnavailableError, LedgerDamagedError: as `newest`.
        """
        live = self._stored()
        if not live:
            return None
        return Shown(live[-1].number, live[-1].created, live[-1].created + self._period)

    def numbered(self, number: int) -> Key | None:
        """Return the live key of a number, or None.

        Raises:
            StoreUnavailableError, UnknownOutcomeError, LedgerDamagedError: as `newest`.
        """
        for age in (CACHED, CURIOUS):
            for key in self._known(age):
                if key.number == number:
                    return key
        return None

    def _known(self, age: timedelta) -> tuple[Key, ...]:
        """Return the live keys, oldest first, read no longer ago than this."""
        now = self._clock.now()
        with self._lock:
            fresh = self._read is not None and timedelta() <= now - self._read <= age
            if not fresh or now - self._live[-1].created > self._period:
                self._live, self._read = self._renewed(now), now
            return self._live

    def _renewed(self, now: datetime) -> tuple[Key, ...]:
        live = self._stored()
        if live and now - live[-1].created <= self._period:
            return live
        number = live[-1].number + 1 if live else 1
        secret = "".join(self._clock.operation_id() for _ in range(_PARTS))
        made = Insert(_key(number), plain({"secret": secret.encode(), "created": now.isoformat()}))
        gone = [Delete(_key(key.number), ANY_ETAG) for key in live[:-1]]
        # Another instance may have been quicker, and a lost reply may have been a yes: what is
        # stored now is what counts.
        with suppress(ConflictError, UnknownOutcomeError):
            self._rows.commit(LEDGER, keys.LEDGER_PARTITION, [made, *gone])
        live = self._stored()
        if not live:
            message = "no key for links could be kept; try again"
            raise UnknownOutcomeError(message)
        return live

    def _stored(self) -> tuple[Key, ...]:
        partition, end = keys.LEDGER_PARTITION, keys.after(PREFIX)
        rows = self._rows.query(LEDGER, partition, start=PREFIX, end=end)
        return tuple(_unpacked(row) for row in rows)


def _key(number: int) -> str:
    return f"{PREFIX}{number:010d}"


def _unpacked(row: Row) -> Key:
    why = foreign(row)
    if why:
        raise LaterReleaseError(why)
    secret, created = row.values.get("secret"), row.values.get("created")
    try:
        if isinstance(secret, bytes) and secret and isinstance(created, str):
            return Key(int(row.key.removeprefix(PREFIX)), secret, datetime.fromisoformat(created))
    except ValueError:
        pass
    message = f"row {row.key} of the ledger's own is no key"
    raise LedgerDamagedError(message)

"""What people are called, apart from the records: where it can be forgotten, and no hash breaks.

Records, versions and evidence carry ids alone. Two partitions of the ledger say whom they mean:
`names`, the text behind each masked id, and `people`, what each person of the configuration was
called, and since when. A name is written no later than the first commit that has its id, and never
by a look: until then what was read stands in this process alone. What is forgotten stays so.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import string
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.codec import pack, plain, unpack
from stage_functions.application.ports.rows import LEDGER, Change, Insert, Replace, Row, Rows
from stage_functions.domain.error import ConflictError
from stage_functions.domain.people import PERSON
from stage_functions.domain.stored import Stored

MAX_NAME_CHARACTERS = 1000
MAX_NAMES = 20
"""That a person is remembered to have had: the first, and the latest."""
FORGOTTEN = "forgotten person"
"""What somebody is called whose names were deleted."""
_FORGOTTEN = "forgotten"
_REMEMBERED = 10_000
"""Texts of masked ids that this process has read and not written."""
_IN_PERSON = PERSON.encode() + b":"
_IN_MASKED = b":raw-"
_PERSONS = re.compile(rb"person:(?<!\wperson:)[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?")
"""It begins with plain text, and looks back from there: so a long text is searched at once."""
_MASKED = re.compile(rb"[A-Za-z0-9_-]+:raw-[0-9a-f]{24}")
_RAW = re.compile(rb":raw-[0-9a-f]{24}")
_PROVIDER = (string.ascii_letters + string.digits + "_-").encode()
_PROVIDER_BYTES = 64
"""Of a provider, at most; in a text it is looked for before what is masked."""


class Names(Stored, frozen=True):
    """What a person of the configuration was called.

    Attributes:
        id: as records write it.
        names: each with since when it counts, in order; the first counts before it, too.
        forgotten: when they were deleted, or None.
    """

    id: str
    names: tuple[tuple[datetime, str], ...] = ()
    forgotten: datetime | None = None

    def at(self, moment: datetime | None) -> str:
        """Return what the person was called at a moment, or last; "" where that is not known."""
        if self.forgotten is not None:
            return FORGOTTEN
        then = [name for since, name in self.names if moment is None or since <= moment]
        return then[-1] if then else self.names[0][1] if self.names else ""


class Keeping(Struct, frozen=True):
    """What a ledger asks of the configuration that it is kept under.

    Attributes:
        retain: how long the records of a history are to be kept, by what they have as `asset`;
            None where nothing says.
        called: what the configuration calls a person, by id; "" where it names nobody so.
    """

    retain: Callable[[str], timedelta | None]
    called: Callable[[str], str]


UNSAID = Keeping(lambda _: None, lambda _: "")


class KeptNames:
    """The names that a ledger keeps. Safe to share between threads.

    Args:
        rows: the store.
        secret: what ids are masked with, known to this ledger alone.
    """

    def __init__(self, rows: Rows, secret: bytes) -> None:
        self._rows = rows
        self._secret = secret
        self._read: dict[str, str] = {}
        self._kept: dict[str, str] = {}

    def mask(self, id_: str) -> str:
        """Return what stands in records for an id that could be a mail address.

        `<provider>:raw-<24 hex digits>`: the same for the same id, and not to be turned back. The
        provider stays, so that a voter who has an id of that same provider is known to differ.
        """
        provider, _, text = id_.partition(":")
        masked = hmac.new(self._secret, text.casefold().encode(), hashlib.sha256).hexdigest()
        return f"{provider}:raw-{masked[:24]}"

    def masked(self, id_: str) -> str:
        """Mask an id, and remember in this process what it stands for: nothing is written."""
        masked = self.mask(id_)
        if masked not in self._read:
            while len(self._read) >= _REMEMBERED:
                with suppress(KeyError, StopIteration, RuntimeError):  # another thread was faster
                    del self._read[next(iter(self._read))]
            self._read[masked] = id_[:MAX_NAME_CHARACTERS]
        return masked

    def keep(
        self, texts: Iterable[bytes], now: datetime, called: Callable[[str], str] = UNSAID.called
    ) -> None:
        """Write whom the ids in some texts mean, as far as that is known here and not written yet.

        Args:
            texts: what is about to be committed.
            now: aware UTC; since when a new name counts.
            called: what the configuration calls a person.

        Raises:
            ConflictError, UnknownOutcomeError, StoreUnavailableError: as the store says.
        """
        for id_ in dict.fromkeys(id_ for text in texts for id_ in ids_in(text)):
            person = id_.startswith(f"{PERSON}:")
            name = called(id_) if person else self._read.get(id_, "")
            if not name or self._kept.get(id_) == (name if person else ""):
                continue
            if person:
                self._keep_person(id_, name[:MAX_NAME_CHARACTERS], now)
                self._kept[id_] = name
            else:
                self._keep_masked(id_, name)
                self._kept[id_] = ""

    def text(self, masked: str) -> str:
        """Return the id behind a masked one; "" where it was forgotten, or never kept."""
        row = self._rows.get(LEDGER, keys.NAMES_PARTITION, keys.encode(masked))
        return str(row.values.get("id", "")) if row is not None else ""

    def at(self, id_: str, moment: datetime | None = None) -> str:
        """Return what somebody is called, as far as that is kept.

        Args:
            id_: as records write it.
            moment: as of when; now if None.

        Returns:
            A name, or the text of a masked id without its provider; FORGOTTEN where it was
            deleted; "" where nothing is known.
        """
        if id_.startswith(f"{PERSON}:"):
            row = self._rows.get(LEDGER, keys.PEOPLE_PARTITION, keys.encode(id_))
            return unpack(row, Names).at(moment) if row is not None else ""
        if not _MASKED.fullmatch(id_.encode()):
            return ""
        row = self._rows.get(LEDGER, keys.NAMES_PARTITION, keys.encode(id_))
        if row is not None and _FORGOTTEN in row.values:
            return FORGOTTEN
        text = str(row.values.get("id", "")) if row is not None else self._read.get(id_, "")
        return text.partition(":")[2]

    def known(self, id_: str) -> bool:
        """Tell whether anything is kept of an id, forgotten or not."""
        person = id_.startswith(f"{PERSON}:")
        partition = keys.PEOPLE_PARTITION if person else keys.NAMES_PARTITION
        return self._rows.get(LEDGER, partition, keys.encode(id_)) is not None

    def count(self, id_: str) -> int:
        """Return how many texts are kept of an id: as many as `forget` would delete."""
        return len(self.called(id_)) if id_.startswith(f"{PERSON}:") else int(bool(self.text(id_)))

    def called(self, id_: str) -> tuple[str, ...]:
        """Return all that a person of the configuration was called."""
        row = self._rows.get(LEDGER, keys.PEOPLE_PARTITION, keys.encode(id_))
        kept = unpack(row, Names).names if row is not None else ()
        return tuple(dict.fromkeys(name for _, name in kept))

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield every masked id whose text is kept, with that text."""
        start = ""
        while rows := self._rows.query(LEDGER, keys.NAMES_PARTITION, start=start):
            for row in rows:
                text = str(row.values.get("id", ""))
                if text:
                    yield _decoded(row.key), text
            start = keys.behind(rows[-1].key)

    def forget(self, id_: str, now: datetime) -> int:
        """Delete what an id is called, for good; return how many texts that were.

        Raises:
            ConflictError, UnknownOutcomeError, StoreUnavailableError: as the store says; repeat it.
        """
        self._read.pop(id_, None)
        self._kept.pop(id_, None)
        if id_.startswith(f"{PERSON}:"):
            return self._forget_person(id_, now)
        key = keys.encode(id_)
        row = self._rows.get(LEDGER, keys.NAMES_PARTITION, key)
        if row is not None and _FORGOTTEN in row.values:
            return 0
        # A release that knows nothing of `forgotten` reads the empty id as: nothing was kept.
        gone = plain({"id": "", _FORGOTTEN: now.isoformat()}, row)
        self._write(
            keys.NAMES_PARTITION, Replace(key, gone, row.etag) if row else Insert(key, gone)
        )
        return 1 if row is not None and row.values.get("id") else 0

    def _forget_person(self, id_: str, now: datetime) -> int:
        row = self._rows.get(LEDGER, keys.PEOPLE_PARTITION, keys.encode(id_))
        known = unpack(row, Names) if row is not None else Names(id_)
        if known.forgotten is not None:
            return 0
        self._write(keys.PEOPLE_PARTITION, _changed(row, replace(known, names=(), forgotten=now)))
        return len(dict.fromkeys(name for _, name in known.names))

    def _keep_person(self, id_: str, name: str, now: datetime) -> None:
        row = self._rows.get(LEDGER, keys.PEOPLE_PARTITION, keys.encode(id_))
        known = unpack(row, Names) if row is not None else Names(id_)
        last = known.names[-1][1] if known.names else ""
        if known.forgotten is not None or known.doubt or last == name:
            return
        names = (*known.names, (now, name))
        names = names if len(names) <= MAX_NAMES else (names[0], *names[2:])
        self._write(keys.PEOPLE_PARTITION, _changed(row, replace(known, names=names)))

    def _keep_masked(self, masked: str, text: str) -> None:
        key = keys.encode(masked)
        if self._rows.get(LEDGER, keys.NAMES_PARTITION, key) is None:
            with suppress(ConflictError):  # another process has just written it, or forgotten it
                self._write(keys.NAMES_PARTITION, Insert(key, plain({"id": text})))

    def _write(self, partition: str, change: Change) -> None:
        self._rows.commit(LEDGER, partition, [change])


def _changed(row: Row | None, value: Names) -> Change:
    key = keys.encode(value.id)
    return Replace(key, pack(value), row.etag) if row is not None else Insert(key, pack(value))


def ids_in(text: bytes) -> Iterator[str]:
    """Yield the ids in a text; looked for only where one can be, which is faster."""
    if _IN_PERSON in text:
        yield from (found.decode() for found in _PERSONS.findall(text))
    if _IN_MASKED in text:
        yield from _masked_ids(text)


def _masked_ids(text: bytes) -> Iterator[str]:
    for found in _RAW.finditer(text):
        before = text[max(0, found.start() - _PROVIDER_BYTES) : found.start()]
        provider = before[len(before.rstrip(_PROVIDER)) :]
        if provider:
            yield (provider + found.group()).decode()


def _decoded(key: str) -> str:
    """Return the masked id of a key: a provider and hexadecimal digits, so nothing was cut."""
    return re.sub(r"=([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), key)

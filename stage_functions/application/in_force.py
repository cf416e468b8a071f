"""Which lifecycles are in force in this process: those that the ledger has adopted, not the file's.

Read at the start and at every sweep, and by whoever is called in a process without one, at most
once a minute; so an event costs nothing more. Where no reader of texts is given, the file counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field

from stage_functions.application.ledger import Head
from stage_functions.domain.asset import Asset
from stage_functions.domain.error import ConflictError
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.record import Json

AGE = timedelta(seconds=60)
"""How old what was read may be."""
FOLLOWS = timedelta(minutes=10)
"""So long the versions of stages that are called otherwise are looked for, at the least."""
MAX_READ = 100
"""Texts that are kept as read."""
Read = Callable[[Mapping[str, Json]], Lifecycle]


class Waiting(Struct, frozen=True):
    """A change of the file that is not in force.

    Attributes:
        name: of the lifecycle.
        digest: of what would be adopted: of the text, or of all that is consented to.
        text: digest of the text that would be in force; "" where it is taken out.
        before: digest of the text in force.
        changes: the difference, as LifecycleAdopted has it.
        loosens: what it loosens, in words; empty where it only waits because it was superseded.
        groups: of whom a member must consent; empty where an operator must say so.
    """

    name: str
    digest: str
    text: str
    before: str
    changes: tuple[str, ...] = ()
    loosens: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        """Whose word it waits for, in words."""
        return (f"1 of {' or '.join(self.groups)}",) if self.groups else ("an operator",)


class _Now(Struct, frozen=True):
    """What was read last, all at once.

    Attributes:
        written: the lifecycles of the file that it was read for.
        lifecycles: those in force, in their order.
        numbers: of the records by which they were adopted, by name.
        waiting: changes that are not in force.
        at: when it was read.
    """

    written: Sequence[Lifecycle]
    lifecycles: tuple[Lifecycle, ...]
    numbers: Mapping[str, int] = field(default_factory=dict)
    waiting: tuple[Waiting, ...] = ()
    at: datetime | None = None


class InForce:
    """The lifecycles in force. Safe to share between threads.

    Args:
        read: reads the text of a lifecycle; None where only the file counts.
    """

    def __init__(self, read: Read | None = None) -> None:
        self.read = read
        self._now = _Now((), ())
        self._texts: dict[str, Lifecycle] = {}
        self._seen: dict[str, datetime] = {}
        self._followed: frozenset[str] = frozenset()

    def of(self, written: tuple[Lifecycle, ...]) -> tuple[Lifecycle, ...]:
        """Return the lifecycles in force for a file; of one that is only tried, its own."""
        now = self._now
        return now.lifecycles if written is now.written else written

    def waiting(self, written: tuple[Lifecycle, ...]) -> tuple[Waiting, ...]:
        """Return the changes of a file that are not in force."""
        now = self._now
        return now.waiting if written is now.written else ()

    def keep(
        self,
        written: tuple[Lifecycle, ...],
        lifecycles: tuple[Lifecycle, ...],
        numbers: Mapping[str, int],
        waiting: tuple[Waiting, ...],
        at: datetime,
    ) -> None:
        """Let what was read be in force from now on."""
        self._now = _Now(written, lifecycles, numbers, waiting, at)

    def aged(self, now: datetime) -> bool:
        """Tell whether what was read is to be read again."""
        at = self._now.at
        return self.read is not None and (at is None or now - at >= AGE)

    def text(self, digest: str, written: Callable[[], Mapping[str, Json]]) -> Lifecycle | None:
        """Return a lifecycle by its text, each read once; None where none can be read.

        Raises:
            LaterReleaseError: it is of a later release.
        """
        found = self._texts.get(digest)
        if found is None and self.read is not None:
            found = self.read(written())
            if len(self._texts) >= MAX_READ:
                self._texts.clear()
            self._texts[digest] = found
        return found

    def governing(self, asset: Asset) -> Lifecycle | None:
        """Return the lifecycle in force that governs an asset, as it was read last."""
        return next((one for one in self._now.lifecycles if one.applies(asset)), None)

    def renames(self, now: datetime) -> bool:
        """Tell whether versions may still have to follow stages that are called otherwise."""
        marks = self._marks()
        self._seen = {mark: self._seen.get(mark, now) for mark in marks}
        return bool(marks - self._followed)

    def followed(self, began: datetime) -> None:
        """Note that a look over all versions found none that has to follow.

        Another process may know the former names for a while: so the look is repeated till it
        began long enough after these were first known here.
        """
        done = {mark for mark, seen in self._seen.items() if began - seen >= FOLLOWS}
        self._followed = frozenset(done)

    def _marks(self) -> frozenset[str]:
        now = self._now
        return frozenset(
            f"{one.name}/{now.numbers.get(one.name, 0)}" for one in now.lifecycles if one.renamed
        )

    def renamed(self, asset: Asset) -> Mapping[str, str]:
        """Return what stages of an asset are called now, by their names before."""
        if not any(one.renamed for one in self._now.lifecycles):
            return {}
        found = self.governing(asset)
        return found.renamed if found is not None else {}

    def mark(self, asset: Asset) -> str:
        """Return by which adoption the stages of an asset are called as they are."""
        found = self.governing(asset)
        return f"{found.name}/{self._now.numbers.get(found.name, 0)}" if found is not None else ""

    def demand_known(self, asset: Asset, head: Head) -> None:
        """Decide nothing on an asset whose stages are called otherwise than is known here.

        Raises:
            ConflictError: they are; read what is in force, and start over.
        """
        name, _, number = head.renamed.rpartition("/")
        now = self._now
        if name in now.numbers and now.numbers[name] < int(number):
            self._now = _Now(now.written, now.lifecycles, now.numbers, now.waiting)
            message = f"stages of {asset} are called otherwise now: read what is in force again"
            raise ConflictError(message)

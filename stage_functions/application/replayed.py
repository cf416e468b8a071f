"""Where the versions of an asset stand by its records, to compare with what the ledger says now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from stage_functions.domain.record import Record, RecordType
from stage_functions.domain.state import VersionState

_PLACED = (RecordType.REGISTERED, RecordType.IMPORTED, RecordType.STAGE_CHANGED)
_GONE = "gone"
"""The outcome of an Observed record of what is not there any more."""


class _Known(Struct):
    """What the records say of a version; mutable only while they are read.

    Attributes:
        incarnation: which thing its number means.
        stage: the granted one, or "".
        number: of its last record.
        gone: it was deleted.
    """

    incarnation: str
    stage: str = ""
    number: int = 0
    gone: bool = False


class Replayed:
    """The versions of an asset, as its records leave them."""

    def __init__(self) -> None:
        self._versions: dict[str, _Known] = {}
        self._compared: dict[str, _Known] = {}

    def see(self, record: Record) -> None:
        """Follow the next record."""
        if not record.version:
            return
        incarnation = str(record.content.get("incarnation", ""))
        known = self._versions.get(record.version)
        if known is None or known.incarnation != incarnation:
            known = self._versions[record.version] = _Known(incarnation)
        known.number = record.number
        kind = str(record.content.get("type", ""))
        if kind in _PLACED:
            known.stage, known.gone = str(record.content.get("to", "")), False
        elif kind == RecordType.DELETED:
            known.gone = True
        elif kind == RecordType.OBSERVED:
            known.gone = record.content.get("outcome") == _GONE

    def forget(self, version: str) -> None:
        """Leave a version out: it has changed since."""
        self._versions.pop(version, None)

    def differences(self, state: VersionState) -> Iterator[str]:
        """Yield in what the ledger says otherwise of a version than its records."""
        version, known = state.version, self._versions.pop(state.version, None)
        if known is None:
            yield f"version {version} is known, but no record tells of it"
            return
        self._compared[version] = known
        if state.incarnation != known.incarnation:
            yield f"version {version} is {state.incarnation}, by its records {known.incarnation}"
        if state.gone != known.gone:
            yield f"version {version} is {'gone' if state.gone else 'there'}, against its records"
        if state.stage != known.stage and not (state.gone and known.gone):
            yield (
                f"version {version} stands at {state.stage or 'no stage'}, "
                f"by its records at {known.stage or 'none'}"
            )
        if state.number != known.number:
            yield (
                f"version {version} has record {state.number} as its last one, "
                f"but that is record {known.number}"
            )

    def left(self) -> Iterator[str]:
        """Yield which versions have records, and are not known."""
        for version in self._versions:
            yield f"version {version} has records, but what stands of it is gone"

    def held_otherwise(self, holders: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
        """Yield which stages the head says are held by others than the records say."""
        for stage, held in holders.items():
            by_records = {
                version
                for version, known in self._compared.items()
                if known.stage == stage and not known.gone
            }
            if by_records != set(held):
                found = ", ".join(sorted(by_records)) or "nobody"
                yield f"{stage} is held by {', '.join(held)}, by the records by {found}"

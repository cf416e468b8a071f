"""What a version is a copy of, hop by hop, and what it was copied to. Changes nothing.

A copy names the record that granted the stage where it began, by number and hash. Whoever doubts it
looks that record up: `verify_origin` does.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.context import Context
from stage_functions.application.copying import copy_of
from stage_functions.domain.asset import Version
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.places import Places
from stage_functions.domain.record import RecordType, link
from stage_functions.domain.state import Origin, VersionState

_DIGITS = 12
"""Of a hash, where a sentence names it."""


class Hop(Struct, frozen=True):
    """One hop back along a chain of copies.

    Attributes:
        version: what was copied.
        stage: the stage that was granted to it, where the copy began.
        origin: what the copy keeps of it.
        fault: why the record that the copy names does not say so, or "".
        now: where it stands now; "" where it is gone, or another thing by now.
    """

    version: Version
    stage: str
    origin: Origin
    fault: str
    now: str

    @property
    def sentence(self) -> str:
        """Say it, and whether it holds."""
        origin = self.origin
        short = origin.record[:_DIGITS]
        said = f"record {origin.number} (hash {short}…) of {self.version.asset}"
        if self.fault:
            return f"{said} does not prove it: {self.fault}"
        return f"{said} grants version {self.version.number} {self.stage}, and its hash is right"


class Copied(Struct, frozen=True):
    """A copy of a version, or a copy of that.

    Attributes:
        version: which.
        source: what it was copied from.
        stage: where it stands; "" where it is gone.
    """

    version: Version
    source: Version
    stage: str


def chain(context: Context, state: VersionState | None) -> tuple[Hop, ...]:
    """Return what a version is a copy of, the nearest first.

    Raises:
        StoreUnavailableError: the ledger cannot be read now.
    """
    hops: list[Hop] = []
    while state is not None and state.origin is not None:
        origin, began = state.origin, state.held[0]
        version = Version.parse(origin.version)
        if any(hop.version == version for hop in hops):
            break  # no chain of copies comes back, but a damaged ledger may say so
        fault = verify_origin(context, origin, began)
        found = context.ledger.state(version)
        same = found is not None and found.incarnation.partition("/")[2] == origin.content
        now = found.stage if found is not None and same and found.governed else ""
        hops.append(Hop(version, began, origin, fault, now))
        state = found if same else None
    return tuple(hops)


def copied_to(context: Context, version: Version, state: VersionState | None) -> tuple[Copied, ...]:
    """Return the copies of a version, and the copies of those, each behind what it is a copy of.

    Raises:
        StoreUnavailableError: the ledger cannot be read now.
    """
    content = state.incarnation.partition("/")[2] if state is not None else ""
    return tuple(_copies(context, version, content, {version.asset.registry}))


def verify_origin(context: Context, origin: Origin, began: str) -> str:
    """Say why the record that a copy names does not grant the stage where it began; "" if it does.

    Args:
        context: the context.
        origin: what the copy keeps.
        began: the stage where it began.

    Raises:
        StoreUnavailableError: the ledger cannot be read now.
    """
    version = Version.parse(origin.version)
    partition = keys.asset_partition(version.asset)
    number = origin.number
    found = context.ledger.records(partition, after=number - 1, last=number) if number else []
    if not found:
        return f"the history of {version.asset} has no record {number}"
    (record,) = found
    content = record.content
    if record.hash != origin.record or link(record.prev, record.body) != record.hash:
        return "that record has another hash than the one that the copy names"
    if record.type is not RecordType.STAGE_CHANGED or record.version != version.number:
        return f"that record grants version {version.number} nothing"
    if content["to"] != began:
        return f"that record grants {content['to']}, and the copy began at {began}"
    if str(content["incarnation"]).partition("/")[2] != origin.content:
        return "that record is about another thing of that number"
    return ""


def places_of(
    context: Context, version: Version, evidence: Evidence, hops: tuple[Hop, ...]
) -> Places:
    """Return where a registry shows a version, and where its original's shows what made it."""
    registry = context.registries.get(version.asset.registry)
    own = registry.links(version, evidence) if registry is not None else Places()
    if not hops:
        return own
    first = hops[-1].version
    origin = context.registries.get(first.asset.registry)
    made = origin.links(first, evidence) if origin is not None else Places()
    return replace(made, version=own.version)


def _copies(context: Context, version: Version, content: str, passed: set[str]) -> Iterator[Copied]:
    for alias in context.configuration.registries:
        if alias in passed:
            continue
        copy = copy_of(version, alias)
        state = context.ledger.state(copy)
        origin = state.origin if state is not None else None
        if state is None or origin is None:
            continue
        if (origin.version, origin.content) == (str(version), content):
            yield Copied(copy, version, state.stage if state.governed else "")
            of_that = state.incarnation.partition("/")[2]
            yield from _copies(context, copy, of_that, {*passed, alias})

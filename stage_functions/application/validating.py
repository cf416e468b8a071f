"""A file held against the ledger: what it would strand, void, loosen, rename. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from stage_functions.application import catalog, query
from stage_functions.application.context import Context
from stage_functions.application.laws import Judged, judge
from stage_functions.application.stranding import Stranded, stranded, taken_names, ungoverned
from stage_functions.domain.asset import Asset, Kind

MAX_STRANDED = 200


class Voided(Struct, frozen=True):
    """An open approval that would be void.

    Attributes:
        id: of the approval.
        version: `registry/kind/name:version`.
        deadline: when it would lapse.
    """

    id: str
    version: str
    deadline: datetime


class Renamed(Struct, frozen=True):
    """A stage that would be called otherwise.

    Attributes:
        lifecycle: its name.
        before: how the stage is called now.
        after: how it would be.
        versions: how many stand there.
    """

    lifecycle: str
    before: str
    after: str
    versions: int


class Report(Struct, frozen=True):
    """What a file would do to what is there.

    Attributes:
        refused: why it could not be adopted at all.
        stranded: versions that it would strand, `MAX_STRANDED` at the most.
        more: how many further ones there are.
        voided: open approvals, the next deadline first.
        judged: what would become of each lifecycle.
        renamed: stages that are called otherwise.
    """

    refused: tuple[str, ...]
    stranded: tuple[Stranded, ...]
    more: int
    voided: tuple[Voided, ...]
    judged: tuple[Judged, ...]
    renamed: tuple[Renamed, ...]

    @property
    def sound(self) -> bool:
        """It strands nothing, and can be adopted."""
        return not self.stranded and not self.refused


def validate(draft: Context) -> Report:
    """Hold a file against the ledger, as if all that it loosens were consented to.

    Args:
        draft: a context whose configuration is the file.

    Raises:
        StoreUnavailableError: the ledger cannot be read.
    """
    file = draft.configuration.lifecycles
    judged = judge(draft, starting=True)
    texts = {one.known.name: one.known.text for one in judged if one.known.text is not None}
    found = [*stranded(draft, file), *ungoverned(draft, file)]
    return Report(
        tuple(taken_names(texts, file)),
        tuple(found[:MAX_STRANDED]),
        max(0, len(found) - MAX_STRANDED),
        tuple(sorted(_voided(draft), key=lambda one: (one.deadline, one.id))),
        judged,
        tuple(_renamed(draft)),
    )


def _voided(draft: Context) -> Iterator[Voided]:
    for view in query.approvals(draft):
        lifecycle = draft.configuration.lifecycle(view.asset)
        if lifecycle is None or lifecycle.digest != view.approval.binding.lifecycle:
            version = f"{view.asset}:{view.approval.version}"
            yield Voided(view.approval.id, version, view.approval.deadline)


def _renamed(draft: Context) -> Iterator[Renamed]:
    counts: dict[tuple[str, str], int] = {}
    for entry in _entries(draft) if any(one.renamed for one in draft.lifecycles) else ():
        lifecycle = draft.configuration.lifecycle(Asset.parse(entry.asset))
        if lifecycle is not None and entry.stage in lifecycle.renamed and not entry.gone:
            key = lifecycle.name, entry.stage
            counts[key] = counts.get(key, 0) + 1
    for one in draft.configuration.lifecycles:
        called: Mapping[str, str] = one.renamed
        for before, after in called.items():
            yield Renamed(one.name, before, after, counts.get((one.name, before), 0))


def _entries(draft: Context) -> Iterator[catalog.CatalogEntry]:
    partitions = [(alias, kind) for alias in draft.configuration.registries for kind in Kind]
    for _, entry in catalog.entries(draft.ledger.rows, partitions):
        yield entry

"""A story of frozen stages and reviews that fills every field of their records."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.attending import acknowledge, make_review
from stage_functions.application.importing import ImportCommand, import_registry
from stage_functions.application.registries import RegistryState
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.domain.asset import Version
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.record import Record
from stage_functions.domain.state import Mark
from tests.application.frozen_world import promote, reviewing, said
from tests.builders import IRIS, World, actor, world


def everywhere() -> Lifecycle:
    """Return a lifecycle whose stages are all frozen and reviewed."""
    plain = reviewing()
    reviews = plain.stages["Production"].review
    stages = {
        name: replace(stage, frozen=True, review=reviews) for name, stage in plain.stages.items()
    }
    return replace(plain, stages=stages)


def standing() -> list[Record]:
    """Walk where versions are edited, reviewed too late and marked; and were imported."""
    it, taken = world(governed_by=everywhere()), world(governed_by=everywhere())
    with closing(it.rows), closing(taken.rows):
        version = it.register("1", {"owner": "ada"})
        promote(it, version)
        it.tag(version, "owner", "eve")
        acknowledge(it.context, said(it, version, "eve", "a script of ours"))
        for days in (180, 4, 14):
            it.clock.time += timedelta(days=days)
            sweep(it.context)
        _mark(it, version)
        make_review(it.context, said(it, version, "bob", "still sound"))
        taken.context.states.update("demo", lambda _: RegistryState())
        taken.registry.register(version, taken.clock.now())
        import_registry(taken.context, ImportCommand("demo", {}, (), "", actor("eve")))
        follow(taken.context, Signal(version))
        worlds = (it.context, taken.context)
        return [record for one in worlds for record in query.all_records(one, IRIS)]


def _mark(it: World, version: Version) -> None:
    """Mark a version, as a rollback does."""
    loaded = it.context.ledger.load(IRIS, [version.number])
    known = loaded.versions[version.number]
    marked = replace(known, marked=Mark(known.number, "it answered nonsense", "person:eve"))
    step = loaded.step().with_version(marked)
    it.context.ledger.commit(loaded, step, now=it.clock.now(), operation="mark")

"""Worlds whose lifecycles are governed too: files that change, and processes that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.adoption import adopt
from stage_functions.application.context import Context
from stage_functions.application.in_force import InForce
from stage_functions.application.ledger import open_ledger
from stage_functions.application.scan import found_empty
from stage_functions.domain.configuration import Mode
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.people import Directory
from stage_functions.domain.record import Json, Record
from stage_functions.wire.configuration import lifecycle_of
from tests.builders import DIRECTORY, World, context_over
from tests.fakes.clock import FakeClock
from tests.fakes.registry import MemoryRegistry
from tests.fakes.rows import LossyRows
from tests.fakes.sink import MemorySink

APPROVAL: Json = {"quorum": 2, "groups": {"risk": 1, "science": 0}}
STAGES: Json = {
    "None": {"initial": True, "deletable": True},
    "Staging": {},
    "Production": {"exclusive": True, "displaced_to": "Archived", "deployable_to": ["*/*"]},
    "Archived": {"terminal": True, "deletable": True, "hidden": True},
}


def law(name: str = "default", /, **changes: Json | None) -> Lifecycle:
    """Return a protected lifecycle as a file would have it, with keys changed; None leaves one out."""
    text: dict[str, Json | None] = {
        "name": name,
        "applies_to": ["*/*/*"],
        "stages": STAGES,
        "transitions": [
            {"from": "None", "to": "Staging"},
            {"from": "None", "to": "Archived"},
            {"from": "Staging", "to": "Production", "approval": APPROVAL},
            {"from": "Production", "to": "Archived"},
        ],
        "protect_lifecycle": ["risk"],
        **changes,
    }
    left = {key: value for key, value in text.items() if value is not None}
    return lifecycle_of(msgspec.json.decode(msgspec.json.encode(left)))


def lax(name: str = "default", /, **changes: Json | None) -> Lifecycle:
    """Return the same with one approver instead of two."""
    approval: Json = {"quorum": 1, "groups": {"risk": 1, "science": 0}}
    ways: Json = [
        {"from": "None", "to": "Staging"},
        {"from": "None", "to": "Archived"},
        {"from": "Staging", "to": "Production", "approval": approval},
        {"from": "Production", "to": "Archived"},
    ]
    return law(name, **{"transitions": ways, **changes})


def renamed(**changes: Json | None) -> Lifecycle:
    """Return the same with other names for the stages of the way to Production."""
    stages: Json = {
        "None": {"initial": True, "deletable": True},
        "Testing": {},
        "Live": {"exclusive": True, "displaced_to": "Archived", "deployable_to": ["*/*"]},
        "Archived": {"terminal": True, "deletable": True, "hidden": True},
    }
    ways: Json = [
        {"from": "None", "to": "Testing"},
        {"from": "None", "to": "Archived"},
        {"from": "Testing", "to": "Live", "approval": APPROVAL},
        {"from": "Live", "to": "Archived"},
    ]
    called: Json = {"Staging": "Testing", "Production": "Live"}
    return law(**{"stages": stages, "transitions": ways, "renamed": called, **changes})


def unguarded(**changes: Json | None) -> Lifecycle:
    """Return the lifecycle with no approval at all."""
    ways: Json = [
        {"from": "None", "to": "Staging"},
        {"from": "None", "to": "Archived"},
        {"from": "Staging", "to": "Production"},
        {"from": "Production", "to": "Archived"},
    ]
    return law(**{"transitions": ways, **changes})


def process(
    it: World,
    *lifecycles: Lifecycle,
    directory: Directory | None = None,
    sinks: tuple[MemorySink, ...] = (),
    started: bool = True,
) -> Context:
    """Return a further process over the same ledger, started with a file of its own."""
    plain = context_over(it.rows, it.registry, it.clock, Mode.ENFORCE, sinks)
    governing = InForce(lifecycle_of)
    ledger = open_ledger(it.rows, it.clock, [one.name for one in sinks], names=governing)
    configuration = replace(
        plain.configuration, lifecycles=lifecycles, directory=directory or DIRECTORY
    )
    made = replace(plain, configuration=configuration, ledger=ledger, in_force=governing)
    if started:
        adopt(made)
    return made


def rules_world(*lifecycles: Lifecycle, sinks: tuple[MemorySink, ...] = ()) -> World:
    """Return a world whose first process has adopted its lifecycles."""
    clock, registry = FakeClock(), MemoryRegistry()
    rows = LossyRows(SQLiteRows(":memory:"))
    context = context_over(rows, registry, clock, Mode.ENFORCE, sinks)
    bare = World(context, registry, clock, rows)
    made = process(bare, *(lifecycles or (law(),)), sinks=sinks)
    found_empty(made, "demo")
    return replace(bare, context=made)


def with_member(
    group: str, key: str, groups: Mapping[str, Sequence[str]] = DIRECTORY.groups
) -> Directory:
    """Return the directory with somebody more in a group."""
    return replace(DIRECTORY, groups={**groups, group: (*groups[group], key)})


def types(records: Sequence[Record]) -> list[str]:
    """Return the types of records, in their order."""
    return [str(one.type) for one in records]

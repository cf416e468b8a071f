"""What must hold of a workspace and its ledger when all has come to rest, and how both look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from msgspec.structs import replace

from stage_functions.application import catalog, keys, query
from stage_functions.application.context import Context
from stage_functions.application.ports.rows import WORK
from stage_functions.application.reconcile import mirrors
from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.observation import STAGE, STAGE_GOVERNOR
from stage_functions.domain.people import STAGEWARD, Attribution
from stage_functions.domain.record import Record, RecordType
from tests.azureml_events.plan import ALLOWED, NONE, PRODUCTION

_BEGUN = (RecordType.REGISTERED, RecordType.IMPORTED)


def picture(context: Context, alias: str) -> dict[str, Any]:
    """Return what a workspace and its ledger show, but for what differs from run to run."""
    listed = context.registry(alias).versions()
    assert listed.cursor == ""
    stages: dict[str, str] = {}
    holders: dict[str, Mapping[str, tuple[str, ...]]] = {}
    violations: dict[str, list[str]] = {}
    for asset in sorted(context.ledger.assets()):
        holders[f"{asset}"] = context.ledger.load(asset).head.holders
        for number, state in context.ledger.versions(asset).items():
            stages[f"{asset}:{number}"] = "gone" if state.gone else state.stage
        for record in query.all_records(context, asset):
            if record.type is RecordType.VIOLATED:
                told = violations.setdefault(f"{asset}:{record.version}", [])
                what = record.content.get("deployment", record.content["why"])
                told.append(f"{what} at {record.content['from']}")
    return {
        "stages": dict(sorted(stages.items())),
        "holders": holders,
        "violations": {name: sorted(found) for name, found in sorted(violations.items())},
        "shown": {
            f"{one.version}": {
                "archived": one.archived,
                "description": one.description,
                "tags": {key: one.tags[key] for key in sorted(one.tags) if key != STAGE_GOVERNOR},
            }
            for one in listed.versions
        },
    }


def proven(context: Context) -> set[str]:
    """Return the reasons of requests of which it is proven who made them."""
    asked = (
        (record.content.get("requester"), str(record.content.get("reason", "")))
        for asset in context.ledger.assets()
        for record in query.all_records(context, asset)
    )
    return {
        reason
        for who, reason in asked
        if isinstance(who, Mapping) and who["attribution"] == Attribution.PROVEN
    }


def faults(context: Context, alias: str, requesters: Mapping[str, str]) -> list[str]:
    """Return what does not hold, in words.

    Args:
        context: Stageward.
        alias: of the workspace.
        requesters: object ids of who asked, by the reason they gave.
    """
    own = {STAGEWARD, *context.registry(alias).identities()}
    found: list[str] = []
    for asset in context.ledger.assets():
        records = list(query.all_records(context, asset))
        mine = (
            *_chain(context, asset),
            *_history(records),
            *_operations(records),
            *_requesters(records, own, requesters),
            *_ledger(context, asset, records),
            *_outside(context, asset),
        )
        found += [f"{asset}: {one}" for one in mine]
    for shard in range(keys.SHARDS):
        left = context.ledger.rows.query(WORK, f"outbox-{shard:02d}")
        found += [f"the marker {row.key} is left" for row in left]
    return found


def _chain(context: Context, asset: Asset) -> Iterator[str]:
    fault = query.check_history(context, asset)
    if fault is not None:
        yield f"record {fault.number}: {fault.why}"


def _history(records: list[Record]) -> Iterator[str]:
    """Each step begins where the version stood and is allowed, or makes room for another one."""
    standing: dict[str, str] = {}
    for number, record in enumerate(records):
        content = record.content
        if record.type in _BEGUN:
            if record.version in standing or content["to"] != NONE:
                yield f"record {record.number}: registered at {content['to']}, or twice"
            standing[record.version] = str(content["to"])
        elif record.type is RecordType.DELETED:
            if standing.pop(record.version, None) != content["from"]:
                yield f"record {record.number}: deleted from {content['from']}"
        elif record.type is RecordType.STAGE_CHANGED:
            if standing.get(record.version) != content["from"]:
                yield f"record {record.number}: it did not stand at {content['from']}"
            standing[record.version] = str(content["to"])
            yield from _step(records, record)
        last = (
            number + 1 == len(records) or records[number + 1].content["commit"] != content["commit"]
        )
        if last and list(standing.values()).count(PRODUCTION) > 1:
            yield f"record {record.number}: Production has several holders"


def _step(records: list[Record], record: Record) -> Iterator[str]:
    content = record.content
    way = (str(content["from"]), str(content["to"]))
    if content["why"] == "displaced":
        by = [
            other
            for other in records
            if other.content["commit"] == content["commit"]
            and other.version == content["displaced_by"]
            and other.content.get("to") == content["from"]
        ]
        if len(by) != 1:
            yield f"record {record.number}: nobody took the place of {record.version}"
    elif way not in ALLOWED or content["why"] != "allowed":
        yield f"record {record.number}: {way} is not allowed"


def _operations(records: list[Record]) -> Iterator[str]:
    commits: dict[str, set[object]] = {}
    for record in records:
        commits.setdefault(str(record.content["operation"]), set()).add(record.content["commit"])
    for operation, made in commits.items():
        if len(made) > 1:
            yield f"operation {operation} was carried out {len(made)} times"
    for one, other in pairwise(records):
        if int(str(one.content["commit"])) > int(str(other.content["commit"])):
            yield f"record {other.number} is of an earlier commit than the one before"


def _requesters(
    records: list[Record], own: set[str], requesters: Mapping[str, str]
) -> Iterator[str]:
    """Nobody asks in Stageward's name; of whom it is proven that they asked, did."""
    for record in records:
        asked = record.content.get("requester")
        if not isinstance(asked, Mapping):
            continue
        who, reason = str(asked.get("id", "")), str(record.content.get("reason", ""))
        if who in own:
            yield f"record {record.number}: Stageward asked"
        proven = asked["attribution"] == Attribution.PROVEN
        if proven and reason in requesters and who != f"oid:{requesters[reason]}":
            yield f"record {record.number}: {reason} was not {who}'s"


def _ledger(context: Context, asset: Asset, records: list[Record]) -> Iterator[str]:
    """The state is what the history says, and nothing is owed to anyone."""
    loaded, states = context.ledger.load(asset), context.ledger.versions(asset)
    stages = {number: one.stage for number, one in states.items() if not one.gone}
    stood = {n: one.stage for n, one in query.standings(context, asset, None).items()}
    if stages != stood:
        yield f"it stands at {stages}, and its history says {stood}"
    holding = tuple(number for number, stage in stages.items() if stage == PRODUCTION)
    if dict(loaded.head.holders) != ({PRODUCTION: holding} if holding else {}):
        yield f"its holders are {dict(loaded.head.holders)}, and should be {holding}"
    if loaded.head.owed or context.ledger.owed(asset):
        yield f"it still owes {context.ledger.owed(asset)}"
    if loaded.head.number != len(records):
        yield f"its head is at {loaded.head.number}, with {len(records)} records"
    entries = {one.version: one for one in catalog.of_asset(context.ledger.rows, asset)}
    shown = {number: replace(one, followed=0) for number, one in entries.items()}
    if shown != {number: catalog.entry(asset, state) for number, state in states.items()}:
        yield "the catalog says something else"


def _outside(context: Context, asset: Asset) -> Iterator[str]:
    """Every version shows what the ledger says, and what is gone is gone."""
    for number, state in context.ledger.versions(asset).items():
        snapshot = context.registry(asset.registry).read(Version(asset, number))
        if state.gone or snapshot is None:
            if not (state.gone and snapshot is None):
                yield f"{number} is gone: {state.gone}, and there: {snapshot is not None}"
        elif not mirrors(context, state, snapshot, context.lifecycle(asset)):
            yield f"{number} shows {dict(snapshot.tags)}, and stands at {state.stage}"
        elif state.base.get(STAGE) != state.stage:
            yield f"{number} stands at {state.stage}, and was verified at {state.base.get(STAGE)}"

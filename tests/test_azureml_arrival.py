"""Arriving in a grown Azure ML workspace: looked at first, then imported, then governed.

By the command line against a served Stageward, on a local Azure ML.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from stage_functions.adapters.clock import SystemClock
from stage_functions.application import query, upkeep
from stage_functions.application.context import Context
from stage_functions.application.importing import ImportCommand, import_registry
from stage_functions.application.ledger import LEASE_SECONDS
from stage_functions.application.ports.registry import Decide, Registry
from stage_functions.application.sweep import sweep
from stage_functions.bootstrap import Application
from stage_functions.domain.asset import Asset, Kind, Snapshot, Version
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.record import RecordType
from tests.arrival_world import ANONYMOUS, GOVERNED, LONG, OWN, TOTAL, Documents, Estate, grown
from tests.azureml import LocalAzureMl, running
from tests.cli.console import Done
from tests.fakes.clock import LaterClock

MAP = ("--map", "Prod=Production")
KEEP = tuple(text for kind in Kind for text in ("--keep", f"{kind}/a7:2"))
STAGES = {"None": 172, "Staging": 4, "Production": 12, "Archived": 8}


HOUR = 3600


class _CrashError(BaseException):
    """The process ends here."""


class EndingClock(SystemClock):
    """The machine's clock, of a process that ends when it has committed so often."""

    def __init__(self, commits: int) -> None:
        self._left = commits

    def operation_id(self) -> str:
        """Return an id for what is done next, or end."""
        if self._left == 0:
            raise _CrashError
        self._left -= 1
        return super().operation_id()


class EndingRegistry:
    """A registry, in a process that ends when it has written so often."""

    def __init__(self, registry: Registry, writes: int) -> None:
        self._registry = registry
        self._left = writes

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the registry has
        return getattr(self._registry, name)

    def edit(self, version: Version, decide: Decide) -> Snapshot | None:
        """Edit a version, or end."""
        if self._left == 0:
            raise _CrashError
        self._left -= 1
        return self._registry.edit(version, decide)


def later(context: Context, seconds: float = LEASE_SECONDS + 1) -> Context:
    """Return the context when no work is any more that of whoever committed it."""
    return replace(context, clock=LaterClock(seconds))


def in_process(context: Context) -> None:
    """Import as the command line does, without it."""
    keep = tuple(f"{kind}/a7:2" for kind in Kind)
    operator = Actor("person:olga", Attribution.PROVEN, "cli")
    command = ImportCommand("dev", {"Prod": "Production"}, keep, "as it was", operator)
    import_registry(context, command)


@pytest.fixture
def local() -> Iterator[LocalAzureMl]:
    """Return a local Azure ML, which the process is pointed to."""
    with running() as local, local.in_environment():
        yield local


@pytest.fixture
def estate(local: LocalAzureMl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Estate:
    """Return a workspace that has grown."""
    return grown(local, local.workspace("dev"), tmp_path, monkeypatch)


def writes(estate: Estate, calls: int) -> int:
    """Return how often something was written behind the first so many calls."""
    return sum(call.method != "GET" for call in estate.since(calls))


def imported(estate: Estate, *more: str) -> Done:
    """Import with everything decided."""
    return estate.run("import", "dev", *MAP, *KEEP, "-m", "as it was", *more)


def check_governed(estate: Estate, application: Application, before: Documents) -> None:
    """Check that tags equal the ledger, and that everything else is as it was."""
    after = estate.documents()
    stages = Counter[str]()
    for (kind, name, number), document in before.items():
        found = after[kind, name, number]
        old, new = document["properties"], found["properties"]
        version = f"{kind}/{name}:{number}"
        if (name, number) == ANONYMOUS:
            assert document == found, version
            continue
        states = application.context.ledger.versions(Asset("dev", Kind(kind), name))
        state = states[number]
        stages[state.stage] += 1
        hidden = state.stage == "Archived"
        assert state.stage == new["tags"]["stage"], version
        key = {"Production": "prod"}.get(state.stage, state.stage.lower())
        assert [key] == [
            one for one in ("none", "staging", "prod", "archived") if one in new["tags"]
        ]
        assert _others(old) == _others(new), version
        assert (old["isArchived"] or hidden) == new["isArchived"], version
        assert document["systemData"]["createdAt"] == found["systemData"]["createdAt"]
        if kind == Kind.MODELS and not new["isArchived"]:
            assert state.stage == new["stage"], version
        elif kind != Kind.MODELS or not hidden:
            assert old.get("stage") == new.get("stage"), version
    assert STAGES == stages


def _others(properties: Mapping[str, Any]) -> str:
    """Return everything that is not Stageward's, as it is stored."""
    tags = [(key, value) for key, value in properties["tags"].items() if key not in OWN]
    left = {k: v for k, v in properties.items() if k not in {"tags", "isArchived", "stage"}}
    return json.dumps([tags, left])


def test_observing_writes_nothing(estate: Estate) -> None:
    """A record says of each version what would be; a second scan nominates none."""
    before, calls = estate.documents(), len(estate.local.calls)
    with estate.stageward("observe") as application:
        first = estate.run("scan", "dev", "--json").json
        second = estate.run("scan", "dev", "--json").json
        told = estate.run("import", "dev", "--dry-run")
        records = [
            record.type
            for kind in Kind
            for record in query.all_records(application.context, Asset("dev", kind, "a5"))
        ]

    assert (TOTAL, GOVERNED, GOVERNED) == (first["seen"], first["nominated"], first["changed"])
    assert (TOTAL, 0, True) == (second["seen"], second["nominated"], second["complete"])
    assert {RecordType.OBSERVED} == set(records)
    assert 0 == writes(estate, calls)
    assert before == estate.documents()
    assert 1 == told.code


def test_a_dry_run_says_what_is_to_be_decided(estate: Estate) -> None:
    """Value by value and holder by holder, in words of the command line; nothing is written."""
    before = estate.documents()
    with estate.stageward():
        first = estate.run("import", "dev", "--dry-run")
        mapped = estate.run("import", "dev", "--dry-run", *MAP)
        undecided = estate.run("import", "dev", *MAP)
        decided = imported(estate, "--dry-run")

    assert 1 == first.code == mapped.code == undecided.code
    assert "'Prod' is no stage (as in dev/components/a0:1): add --map Prod=<stage>" in first.err
    assert "'Prod'" not in mapped.err
    for kind in Kind:
        assert f"{kind}/a7 at Production is held by 2: add --keep {kind}/a7:1 or" in mapped.err
    assert "held by 2" in undecided.err
    assert 0 == decided.code
    assert STAGES == {
        stage: int(count) for count, stage in re.findall(r"(\d+) at (\w+)", decided.out)
    }
    assert before == estate.documents()


def test_todays_stages_are_taken_as_granted(estate: Estate) -> None:
    """By three calls for each version; whatever is not Stageward's stays byte for byte."""
    before = estate.documents()
    with estate.stageward("observe"):
        estate.run("scan", "dev")
    with estate.stageward() as application:
        listed = len(estate.local.calls)
        estate.run("import", "dev", "--dry-run")
        calls = len(estate.local.calls)
        done = imported(estate)
        made = Counter(call.method for call in estate.since(calls))
        scanned = estate.run("scan", "dev", "--json").json

        assert 0 == done.code, done
        assert {"PUT": GOVERNED, "GET": 2 * GOVERNED + calls - listed} == made
        check_governed(estate, application, before)
        assert (0, 0, "") == (scanned["nominated"], scanned["changed"], scanned["halted"])
        assert [] == upkeep.outbox(application.context)
        for name, value in (("models/a5:1", "v47"), ("data/a6:1", LONG)):
            assert value in estate.tags(name).values()
        again = imported(estate)
        assert f"governed already: {GOVERNED}" in again.out
        assert "governed" in estate.run("registries").out


@pytest.mark.parametrize("at", [0, 120])
def test_an_import_goes_on_where_its_process_ended(estate: Estate, at: int) -> None:
    """While it committed: what is imported already is not imported again, and shown as well."""
    before, calls = estate.documents(), len(estate.local.calls)
    with estate.stageward() as application:
        with pytest.raises(_CrashError):
            in_process(replace(application.context, clock=EndingClock(at)))
        written = writes(estate, calls)
    with estate.stageward() as application:
        done = imported(estate)
        swept = sweep(later(application.context))
        check_governed(estate, application, before)
        scanned = estate.run("scan", "dev", "--json").json
        owed = upkeep.outbox(application.context)

    assert 0 == written
    assert at == int((re.findall(r"governed already: (\d+)", done.out) or ["0"])[0])
    assert ((), [], 0) == (swept.failed, owed, scanned["nominated"])


@pytest.mark.parametrize("at", [0, 150])
def test_tags_are_written_on_where_the_process_ended(estate: Estate, at: int) -> None:
    """By the next process's sweep, without a word of the operator's."""
    before = estate.documents()
    with estate.stageward() as application:
        context = application.context
        ending = {"dev": cast("Registry", EndingRegistry(context.registry("dev"), at))}
        with pytest.raises(_CrashError):
            in_process(replace(context, registries=ending))
    with estate.stageward() as application:
        calls = len(estate.local.calls)
        swept = sweep(later(application.context))
        written = writes(estate, calls)
        check_governed(estate, application, before)
        scanned = estate.run("scan", "dev", "--json").json
        owed = upkeep.outbox(application.context)

    assert (GOVERNED - at, ()) == (written, swept.failed)
    assert ([], 0) == (owed, scanned["nominated"])


def test_a_short_wish_for_patience_is_waited_for(estate: Estate) -> None:
    """The import lands in one go."""
    before = estate.documents()
    estate.local.fail("PUT .*/models/", status=429, headers={"Retry-After": "1"})
    with estate.stageward() as application:
        done = imported(estate)
        check_governed(estate, application, before)
        owed = upkeep.outbox(application.context)

    assert (0, []) == (done.code, owed)


def test_a_long_wish_for_patience_is_left_to_the_sweep(estate: Estate) -> None:
    """Nothing more is sent meanwhile; what is granted is granted, and shown later."""
    before = estate.documents()
    with estate.stageward() as application:
        estate.local.fail("PUT .*/data/", status=429, headers={"Retry-After": "300"}, times=9)
        calls = len(estate.local.calls)
        done = imported(estate)
        refused = [call for call in estate.since(calls) if call.status == 429]
        owed = upkeep.outbox(application.context)
        at_once = len(estate.since(calls))
        swept = sweep(later(application.context))
        sent = len(estate.since(calls))
    estate.local.heal()
    with estate.stageward() as application:
        again = sweep(later(application.context, 2 * HOUR))
        check_governed(estate, application, before)
        left = upkeep.outbox(application.context)

    assert 0 == done.code, done
    assert 1 == len(refused)
    assert owed
    assert not any(one.owed.parked for one in owed)
    assert at_once == sent
    assert ((), (), []) == (swept.failed, again.failed, left)


def test_what_takes_no_more_tags_is_parked_and_said(estate: Estate) -> None:
    """The others are written; that one is governed, and tried again when somebody says so."""
    estate.local.tag_limit = 50
    with estate.stageward() as application:
        done = imported(estate)
        owed = upkeep.outbox(application.context)
        shown = estate.run("outbox")
        calls = len(estate.local.calls)
        scanned = estate.run("scan", "dev", "--json").json
        written = writes(estate, calls)
        estate.local.tag_limit = None
        for one in owed:
            estate.run("outbox", "--retry", one.id)
        left = upkeep.outbox(application.context)

    assert 0 == done.code
    assert [f"dev/{kind}/a5" for kind in sorted(Kind)] == sorted(str(one.asset) for one in owed)
    assert all(one.owed.parked for one in owed)
    assert 1 == shown.code
    assert "The number of tags, " in shown.out
    assert (len(owed), 0, 0) == (scanned["nominated"], scanned["changed"], written)
    assert [] == left


def test_another_ledger_takes_over_only_when_told_to(estate: Estate) -> None:
    """Where tags name another ledger everything stands still until `resolve`; then it governs."""
    before = estate.documents()
    with estate.stageward():
        imported(estate)
    of_the_first = estate.documents()
    with estate.stageward(ledger="second.db") as application:
        calls = len(estate.local.calls)
        refused = imported(estate)
        shown = estate.run("registries").out
        estate.run("scan", "dev")
        unwritten = writes(estate, calls)
        resolved = estate.run("resolve", "dev")
        done = imported(estate)
        ledger = application.context.ledger.id
        check_governed(estate, application, before)
        governors = {
            document["properties"]["tags"].get("stage_governor", "").partition("/")[0]
            for document in estate.documents().values()
        }
    with estate.stageward() as application:
        calls = len(estate.local.calls)
        estate.run("scan", "dev")
        stopped = application.context.states.ungoverned("dev")
        of_the_second = writes(estate, calls)

    assert 1 == refused.code
    assert "if this ledger is to take over, run `stageward resolve dev` first" in refused.err
    assert "is stopped" in shown
    assert 0 == unwritten
    assert (0, 0) == (resolved.code, done.code), done
    assert {"", ledger} == governors
    assert of_the_first.keys() == before.keys()
    assert "is stopped" in stopped
    assert 0 == of_the_second

"""What is asked of the ledger: where everything stands, stood, and whether that is proven."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.application import catalog, keys, query
from stage_functions.application.approvers import with_approvers
from stage_functions.application.codec import pack_record
from stage_functions.application.context import Context
from stage_functions.application.ports.rows import ANY_ETAG, LEDGER, Change, Delete, Upsert
from stage_functions.application.query import Filter
from stage_functions.application.scan import Scanner
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.domain.approval import Status
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.configuration import (
    Mode,
    RegistryConfiguration,
    RegistryType,
)
from stage_functions.domain.error import (
    InvalidInputError,
    NotFoundError,
    RegistryUnavailableError,
    StagewardError,
)
from stage_functions.domain.record import Record, canonical, link
from stage_functions.domain.state import MISSING_TWICE_SECONDS, VersionState
from tests.builders import IRIS, STAGES, World, cast, unguarded, world

PARTITION = keys.asset_partition(IRIS)
MOMENT = timedelta(microseconds=1)
NUMBERS = ("1", "2", "3")


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose registry is governed."""
    made = world()
    yield made
    made.rows.close()


def approve(it: World, approval: str, *people: str) -> None:
    """Let people vote for an approval."""
    for person in people:
        cast(it.context, approval, person)


def staged(it: World, *numbers: str) -> list[Version]:
    """Return versions at Staging."""
    versions = [it.register(number) for number in numbers]
    for version in versions:
        request_transition(it.context, it.command(version, "Staging"))
    return versions


# As of a moment.

Act = tuple[str, str, str]
acts = st.lists(
    st.tuples(
        st.sampled_from(("register", "register", "ask", "ask", "ask", "tag", "edit", "lose")),
        st.sampled_from(NUMBERS),
        st.sampled_from(STAGES),
    ),
    max_size=25,
)


def carry_out(it: World, act: Act) -> None:
    """Do as people do, and tell Stageward."""
    what, number, stage = act
    version = Version(IRIS, number)
    if what == "register":
        it.register(number)
    elif what == "lose":
        it.registry.remove(version)
        for _ in range(2):
            Scanner(it.context).scan("demo")
            it.clock.sleep(MISSING_TWICE_SECONDS)
    elif it.registry.read(version) is None:
        return
    elif what == "tag":
        it.tag(version, "stage_request", f"{stage}: by tag")
    elif what == "edit":
        it.tag(version, "stage", stage)
    else:
        request_transition(it.context, it.command(version, stage))


def standing_now(context: Context) -> dict[str, str]:
    """Return where every version stands, from the rows that decisions are made on."""
    states = context.ledger.versions(IRIS)
    return {number: state.stage for number, state in states.items() if state.governed}


def replayed(records: list[Record]) -> dict[str, str]:
    """Return where versions stand by these records, as a reader without a program would."""
    stages: dict[str, str] = {}
    for record in records:
        if record.type == "Deleted":
            del stages[record.version]
        elif record.type in ("Registered", "Imported", "StageChanged"):
            assert stages.get(record.version) == record.content.get("from")
            stages[record.version] = str(record.content["to"])
    return stages


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts)
def test_as_of_a_moment_is_what_stood_then_and_what_the_records_up_to_then_say(
    acts: list[Act],
) -> None:
    """At the end of every commit, just before the next one, and before the first."""
    it = world(governed_by=unguarded())
    stood: list[tuple[datetime, dict[str, str]]] = []
    for act in acts:
        carry_out(it, act)
        if at := it.context.ledger.load(IRIS).head.at:
            stood.append((at, standing_now(it.context)))
    records = list(query.all_records(it.context, IRIS))

    def as_of(moment: datetime | None) -> dict[str, str]:
        found = query.standings(it.context, IRIS, moment)
        return {number: standing.stage for number, standing in found.items()}

    for at, stages in stood:
        assert as_of(at) == stages
    for n, record in enumerate(records):
        following = records[n + 1].content["commit"] if n + 1 < len(records) else None
        if record.content["commit"] != following:
            stages = replayed(records[: n + 1])
            assert as_of(record.at) == stages
            later = records[n + 1].at - MOMENT if following else None
            assert as_of(later) == stages
    if records:
        assert as_of(records[0].at - MOMENT) == {}
    it.rows.close()


def test_a_standing_names_the_record_that_it_rests_on(it: World) -> None:
    """Its number, its moment, its grounds, its approval."""
    (version,) = staged(it, "1")
    asked = request_transition(it.context, it.command(version, "Production"))
    approve(it, asked.approval, "bob", "eve")

    standing = query.standings(it.context, IRIS, None)["1"]
    record = query.history(it.context, IRIS, after=standing.number - 1, limit=1)[0]
    assert (standing.stage, standing.why, standing.approval) == (
        "Production",
        "approved",
        asked.approval,
    )
    assert (record.number, record.at, record.content["to"]) == (
        standing.number,
        standing.since,
        "Production",
    )
    approved = with_approvers(it.context, IRIS, standing)
    assert ("person:bob", "person:eve") == approved.approved_by
    unknown = replace(standing, approval="nothere0")
    assert () == with_approvers(it.context, IRIS, unknown).approved_by


def test_a_history_is_read_in_parts(it: World) -> None:
    """Behind a number, so many at most; all of them one after the other."""
    staged(it, "1", "2")
    whole = list(query.all_records(it.context, IRIS))
    part = query.history(it.context, IRIS, after=1, limit=2)

    assert [record.number for record in whole] == [1, 2, 3, 4]
    assert part == whole[1:3]
    assert query.history(it.context, IRIS, after=4) == []


@pytest.mark.parametrize(
    "ask",
    [
        query.history,
        lambda context, asset: query.standings(context, asset, None),
        query.check_history,
        query.asset,
        lambda context, asset: query.version(context, Version(asset, "1")),
    ],
    ids=["history", "standings", "check", "asset", "version"],
)
@pytest.mark.parametrize("name", ["demo/models/rose", "nowhere/models/iris"])
def test_what_nobody_knows_is_not_found(
    it: World, ask: Callable[[Context, Asset], object], name: str
) -> None:
    """An asset that the ledger has not, a registry that the file has not."""
    staged(it, "1")
    missing = "nowhere" if name.startswith("nowhere") else name

    with pytest.raises(NotFoundError, match=missing):
        ask(it.context, Asset.parse(name))


# Whether a history is whole.


def kept(records: list[Record], at: int, record: Record) -> list[Change]:
    """Put a record where the one at a number is."""
    return [Upsert(keys.record_key(records[at - 1].number), pack_record(record))]


def altered(records: list[Record], at: int) -> list[Change]:
    """Say that somebody else did it."""
    content = {**records[at - 1].content, "actor": {"id": "person:eve", "attribution": "proven"}}
    return kept(records, at, replace(records[at - 1], content=content, body=canonical(content)))


def altered_and_hashed(records: list[Record], at: int) -> list[Change]:
    """The same, by someone who knows how hashes are made."""
    old = records[at - 1]
    body = canonical({**old.content, "operation": "another"})
    return kept(records, at, replace(old, body=body, hash=link(old.prev, body)))


def written_otherwise(records: list[Record], at: int) -> list[Change]:
    """The same content in other bytes."""
    old = records[at - 1]
    body = old.body.replace(b'":"', b'": "', 1)
    return kept(records, at, replace(old, body=body, hash=link(old.prev, body)))


def dropped(records: list[Record], at: int) -> list[Change]:
    """Leave it out."""
    return [Delete(keys.record_key(records[at - 1].number), ANY_ETAG)]


def doubled(records: list[Record], at: int) -> list[Change]:
    """Put it once more where the next one is."""
    return [Upsert(keys.record_key(at + 1), pack_record(records[at - 1]))]


def exchanged(records: list[Record], at: int) -> list[Change]:
    """Let it change places with the one before, or the one behind the first."""
    one, other = (at, at - 1) if at > 1 else (1, 2)
    return [
        Upsert(keys.record_key(one), pack_record(records[other - 1])),
        Upsert(keys.record_key(other), pack_record(records[one - 1])),
    ]


FORGERIES = [altered, altered_and_hashed, written_otherwise, dropped, doubled, exchanged]


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: str(forge.__name__))
def test_a_forged_record_is_found_wherever_it_is(
    it: World, forge: Callable[[list[Record], int], list[Change]]
) -> None:
    """Altered, dropped, doubled or reordered, the first and the last one too."""
    staged(it, "1", "2")
    records = list(query.all_records(it.context, IRIS))
    sound = query.check_history(it.context, IRIS)
    faults = []
    for at in range(1, len(records) + 1):
        it.rows.commit(LEDGER, PARTITION, forge(records, at))
        fault = query.check_history(it.context, IRIS)
        faults.append(fault is not None and abs(fault.number - at) <= 1)
        mended: list[Change] = [Upsert(keys.record_key(r.number), pack_record(r)) for r in records]
        it.rows.commit(LEDGER, PARTITION, mended)
        with suppress(StagewardError):
            it.rows.commit(LEDGER, PARTITION, [Delete(keys.record_key(len(records) + 1), ANY_ETAG)])

    assert sound is None
    assert faults == [True] * len(records)
    assert query.check_history(it.context, IRIS) is None


def test_a_history_moved_from_another_asset_is_found(it: World) -> None:
    """Every record is bound to its own."""
    staged(it, "1")
    rose = Version(Asset("demo", Kind.MODELS, "rose"), "1")
    it.registry.register(rose, it.clock.now())
    follow(it.context, Signal(rose))
    (stolen,) = query.all_records(it.context, rose.asset)
    it.rows.commit(LEDGER, PARTITION, [Upsert(keys.record_key(1), pack_record(stolen))])

    fault = query.check_history(it.context, IRIS)
    assert fault is not None
    assert (fault.number, "it belongs to demo/models/rose" in fault.why) == (1, True)


def test_a_history_that_was_cut_with_its_end_is_found_by_the_head(it: World) -> None:
    """What is left would be sound by itself."""
    staged(it, "1")
    it.rows.commit(LEDGER, PARTITION, [Delete(keys.record_key(2), ANY_ETAG)])

    fault = query.check_history(it.context, IRIS)
    assert fault is not None
    assert fault.why == "the head is at record 2, the records end at 1"


# Lists.


def wide(it: World) -> Context:
    """Return an instance with two registries that watch everything, none of them read."""
    registries = {
        alias: RegistryConfiguration(alias, RegistryType.MLFLOW, "http://m", watch=("*",))
        for alias in ("demo", "prod")
    }
    configuration = replace(it.context.configuration, registries=registries)
    return replace(it.context, configuration=configuration)


def listed(context: Context, wanted: Filter | None = None) -> list[str]:
    """Return the versions that a list shows, in its order."""
    return [f"{one.asset}:{one.version}" for one in query.assets(context, wanted).entries]


def catalogued(it: World) -> None:
    """Put versions of all sorts into the catalog."""
    sorts = {
        "demo/models/iris": [
            VersionState("1", "i", "Production", it.clock.now()),
            VersionState("2", "i", "Staging", it.clock.now(), approval="7f3k9m2x"),
            VersionState("3", "i", "Staging", it.clock.now(), gone=True),
            VersionState("4", "i", "Archived", it.clock.now()),
        ],
        "demo/data/iris": [VersionState("1", "i", "Staging", it.clock.now())],
        "prod/models/iris": [
            VersionState("1", "i", "", it.clock.now()),
            VersionState("2", "i", "Archived", it.clock.now(), approval="0b4k9m2x", gone=True),
        ],
    }
    for name, states in sorts.items():
        by_number = {state.version: state for state in states}
        catalog.write(it.rows, Asset.parse(name), by_number)


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        (None, "demo/models/iris:1 demo/models/iris:2 demo/data/iris:1 prod/models/iris:1"),
        (Filter(registry="prod"), "prod/models/iris:1"),
        (Filter(kind=Kind.DATA), "demo/data/iris:1"),
        (Filter(stage="Staging"), "demo/models/iris:2 demo/data/iris:1"),
        (Filter(stage="Archived"), "demo/models/iris:4"),
        (Filter(stage="Archived", gone=True), "demo/models/iris:4 prod/models/iris:2"),
        (Filter(waiting=True), "demo/models/iris:2"),
        (Filter(waiting=True, gone=True, hidden=True), "demo/models/iris:2 prod/models/iris:2"),
        (
            Filter(registry="demo", kind=Kind.MODELS, hidden=True),
            "demo/models/iris:1 demo/models/iris:2 demo/models/iris:4",
        ),
        (Filter(stage="Nowhere"), ""),
    ],
)
def test_a_list_shows_what_all_of_its_filters_let_through(
    it: World, wanted: Filter | None, shown: str
) -> None:
    """Without filters all but hidden and deleted versions."""
    catalogued(it)

    assert listed(wide(it), wanted) == shown.split()


@pytest.mark.parametrize("limit", range(1, 8))
def test_pages_of_any_size_make_up_the_whole_list(it: World, limit: int) -> None:
    """Across kinds and registries; the last page says that it is the last."""
    catalogued(it)
    context, everything = wide(it), Filter(gone=True, hidden=True)
    whole = query.assets(context, everything).entries
    pages = [query.assets(context, everything, limit=limit)]
    while pages[-1].cursor:
        pages.append(query.assets(context, everything, cursor=pages[-1].cursor, limit=limit))

    assert tuple(entry for page in pages for entry in page.entries) == whole
    assert len(pages) == -(-len(whole) // limit)


def test_a_list_that_cannot_be_is_told_so(it: World) -> None:
    """An unknown registry, and the cursor of another list."""
    catalogued(it)
    context = wide(it)
    cursor = query.assets(context, Filter(registry="prod", gone=True, hidden=True), limit=1).cursor

    assert cursor
    with pytest.raises(NotFoundError, match="nowhere"):
        query.assets(context, Filter(registry="nowhere"))
    with pytest.raises(InvalidInputError, match="cursor"):
        query.assets(context, Filter(registry="demo"), cursor=cursor)


# Approvals.


def ids(it: World, status: Status | None = Status.OPEN) -> list[str]:
    """Return the ids of approvals, in the order of the list."""
    return [view.approval.id for view in query.approvals(it.context, status)]


def test_approvals_are_listed_the_most_urgent_first(it: World) -> None:
    """What was decided is left out, unless it is asked for."""
    one, two, three = staged(it, "1", "2", "3")
    first, second, third = (
        request_transition(it.context, it.command(version, "Production")).approval
        for version in (two, three, one)
    )
    approve(it, second, "bob", "eve")
    urgent = request_transition(it.context, it.command(three, "Archived")).approval

    assert ids(it) == [urgent, first, third]
    assert ids(it, Status.APPROVED) == [second]
    assert ids(it, None) == [urgent, first, second, third]


def test_an_approval_whose_deadline_has_passed_is_among_the_expired(it: World) -> None:
    """At once, though its record comes with the sweep: nobody can decide on it any more."""
    (version,) = staged(it, "1")
    asked = request_transition(it.context, it.command(version, "Production"))
    it.clock.sleep(8 * 86_400)
    before = query.approval(it.context, asked.approval)
    listed = ids(it), ids(it, Status.EXPIRED)
    sweep(it.context)
    after = query.approval(it.context, asked.approval)

    assert (before.approval.status, before.needs) == (Status.EXPIRED, ())
    assert before.approval.why == after.approval.why
    assert listed == (ids(it), ids(it, Status.EXPIRED)) == ([], [asked.approval])


def test_an_approval_says_who_counts_who_may_not_and_what_is_missing(it: World) -> None:
    """As its approvers meet it."""
    (version,) = staged(it, "1")
    asked = request_transition(it.context, it.command(version, "Production", "ada"))
    approve(it, asked.approval, "bob")
    view = query.approval(it.context, asked.approval)

    assert view.asset == IRIS
    assert view.counting == ("person:bob",)
    assert view.needs == ("1 more of risk or science",)
    assert view.excluded == {
        "person:sam": "the author of the version",
        "person:ada": "the requester",
    }
    with pytest.raises(NotFoundError, match="no approval has the id 'nothere0'"):
        query.approval(it.context, "nothere0")


# Single things.


def test_an_asset_is_shown_with_all_its_versions(it: World) -> None:
    """Gone ones too, and who holds what."""
    one, two = staged(it, "1", "2")
    asked = request_transition(it.context, it.command(one, "Production"))
    approve(it, asked.approval, "bob", "eve")
    it.registry.register(two, it.clock.now())
    follow(it.context, Signal(two))
    view = query.asset(it.context, IRIS)

    assert (view.lifecycle, view.holders) == ("default", {"Production": ("1",)})
    assert {number: state.stage for number, state in view.versions.items()} == {
        "1": "Production",
        "2": "None",
    }
    assert view.records == len(list(query.all_records(it.context, IRIS)))


def test_a_version_is_shown_as_far_as_ledger_or_registry_knows_it(it: World) -> None:
    """Either will do; without its registry there is no answer."""
    one, two = it.register("1"), Version(IRIS, "2")
    it.registry.register(two, it.clock.now())
    it.registry.remove(one)
    lost, unheard = query.version(it.context, one), query.version(it.context, two)

    assert lost.snapshot is None
    assert lost.allowed == ("Staging", "Archived")
    assert (unheard.state, unheard.allowed) == (None, ())
    assert unheard.snapshot is not None
    it.registry.away = True
    with pytest.raises(RegistryUnavailableError):
        query.version(it.context, two)


def test_registries_are_listed_with_what_keeps_them_from_being_governed(it: World) -> None:
    """In the order of the file."""
    observed = world(Mode.OBSERVE)
    (governed,), (watched,) = query.registries(it.context), query.registries(observed.context)
    observed.rows.close()

    assert (governed.governed, governed.why, governed.imported) == (True, "", True)
    assert (watched.governed, watched.why) == (False, "registry demo is in mode observe")

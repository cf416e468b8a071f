"""The estate as of a moment is what a replay of every history says, whatever went wrong before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.application import as_of, catalog, keys, past, query, upkeep
from stage_functions.application.as_of import Wanted
from stage_functions.application.codec import unpack
from stage_functions.application.ports.rows import ANY_ETAG, CATALOG, Change, Delete, Upsert
from stage_functions.application.status import status
from stage_functions.application.troubles import troubles
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.error import InvalidInputError, NotFoundError
from stage_functions.domain.history import Standing
from tests.application.past_world import OWN, ROSE, Estate, Who, estate, eventful
from tests.builders import IRIS, STAGES, lifecycle, unguarded

MOMENT = timedelta(microseconds=1)
ALL = Wanted(hidden=True)
FIRST, SECOND = Version(IRIS, "1"), Version(IRIS, "2")
PAST = keys.past_partition("demo", Kind.MODELS)
Act = tuple[Who, str, Version, str]
versions = st.builds(Version, st.sampled_from((IRIS, ROSE)), st.sampled_from(("1", "2")))
acts = st.lists(
    st.tuples(
        st.sampled_from((Who.PRESENT, Who.PRESENT, Who.PRESENT, *Who)),
        st.sampled_from(("register", "register", "ask", "ask", "approve", "lose", "sweep")),
        versions,
        st.sampled_from(STAGES),
    ),
    max_size=18,
)


@pytest.fixture
def it() -> Iterator[Estate]:
    """An estate where anyone may take Production."""
    with estate(unguarded()) as made:
        yield made


def listed(
    it: Estate, moment: datetime, wanted: Wanted = ALL, limit: int = 1000
) -> list[tuple[Version, Standing]]:
    """Return the whole estate, page by page."""
    found: list[tuple[Version, Standing]] = []
    cursor = ""
    while True:
        page = as_of.of_estate(it.present, moment, wanted, cursor=cursor, limit=limit)
        found += page.found
        cursor = page.cursor
        if not cursor:
            return found


def replayed(it: Estate, moment: datetime) -> dict[Version, Standing]:
    """Return what a replay of each history says."""
    return {
        Version(asset, number): standing
        for asset in it.present.ledger.assets()
        if it.present.ledger.load(asset).etag
        for number, standing in as_of.of_asset(it.present, asset, moment).items()
    }


def moments(it: Estate) -> list[datetime]:
    """Return every moment at which something may begin to be otherwise, and now."""
    known = [asset for asset in it.present.ledger.assets() if it.present.ledger.load(asset).etag]
    at = [record.at for asset in known for record in query.all_records(it.present, asset)]
    return [*at, *(one - MOMENT for one in at), it.clock.now()]


def demand_equal(it: Estate, limit: int = 1000) -> None:
    """Demand that the estate is as the replays say, at every moment, each version once."""
    for moment in moments(it):
        found, expected = listed(it, moment, limit=limit), replayed(it, moment)
        assert expected == dict(found)
        assert len(expected) == len(found)
        for stage in STAGES:
            there = {one for one, standing in expected.items() if standing.stage == stage}
            assert there == {one for one, _ in listed(it, moment, Wanted(stage=stage))}


def forget(it: Estate, partition: str, of: str = "") -> None:
    """Delete rows of the catalog, as a damaged one has lost them."""
    rows = [row for row in it.rows.query(CATALOG, partition) if row.key.startswith(of)]
    deletions: list[Change] = [Delete(row.key, ANY_ETAG) for row in rows]
    if deletions:
        it.rows.commit(CATALOG, partition, deletions)


eventful_acts = st.lists(
    st.tuples(
        st.sampled_from((Who.PRESENT, Who.PRESENT, Who.PRESENT, *Who)),
        st.sampled_from(
            ("register", "ask", "ask", "ask", "approve", "urgent", "roll back", "review", "sweep")
        ),
        versions,
        st.sampled_from(("Staging", "Production", "Production")),
    ),
    min_size=12,
    max_size=24,
)
PROMOTED: list[Act] = [
    (Who.PRESENT, what, version, stage)
    for version in (FIRST, SECOND)
    for what, stage in (
        ("register", ""),
        ("ask", "Staging"),
        ("ask", "Production"),
        ("approve", ""),
    )
]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(eventful_acts, st.booleans())
def test_the_estate_is_so_whatever_comes_back(acts: list[Act], promoted: bool) -> None:  # noqa: FBT001
    """By rollbacks, emergencies that are ratified or put back, reviews, and all that went before."""
    with estate(eventful()) as it:
        for act in (*PROMOTED, *acts) if promoted else acts:
            it.act(*act)
        demand_equal(it)
        upkeep.rebuild_catalog(it.present)
        demand_equal(it)


def test_what_came_back_is_told_as_it_was_known_then() -> None:
    """An emergency, its ratification, a rollback, and a review, each at its own moment."""
    with estate(eventful()) as it:
        for act in PROMOTED[:4]:
            it.act(*act)
        for what in ("register", "ask", "urgent", "approve", "roll back", "review"):
            stage = "Production" if what == "urgent" else "Staging"
            it.act(Who.PRESENT, what, FIRST if what == "review" else SECOND, stage)
        told = [
            (version.number, standing.why, standing.confirmed, standing.approved_by)
            for moment in sorted(set(moments(it)))
            for version, standing in listed(it, moment, Wanted(stage="Production"))
        ]
        dues = [
            standing.review_due
            for moment in sorted(set(moments(it)))
            for version, standing in listed(it, moment, Wanted(stage="Production"))
            if version == FIRST and standing.why == "rolled_back"
        ]

        assert [
            ("1", "approved", "", ("person:bob", "person:eve")),
            ("2", "emergency", "", ()),
            ("2", "emergency", "ratified", ("person:bob", "person:eve")),
            ("1", "rolled_back", "", ("person:bob", "person:eve")),
        ] == list(dict.fromkeys(told))
        assert len(set(dues)) == 2
        demand_equal(it)


def lose_catalog(it: Estate) -> None:
    """Delete all that the catalog has, as where its table was lost."""
    for partition, row in list(it.rows.scan(CATALOG)):
        it.rows.commit(CATALOG, partition, [Delete(row.key, ANY_ETAG)])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts, st.integers(1, 3))
def test_the_estate_is_what_every_history_says(acts: list[Act], limit: int) -> None:
    """Whoever wrote, died or was late; also when the catalog was rebuilt."""
    with estate() as it:
        for act in acts:
            it.act(*act)
        demand_equal(it, limit)
        upkeep.rebuild_catalog(it.present)
        demand_equal(it)
        for asset in it.present.ledger.assets():
            loaded = it.present.ledger.load(asset)
            assert loaded.head.past == loaded.head.number


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts, st.sampled_from((*OWN, "")), st.sampled_from((IRIS, ROSE)))
def test_what_the_catalog_has_lost_is_replayed(acts: list[Act], table: str, lost: Asset) -> None:
    """Rows of the past, or all that it knew of an asset."""
    with estate() as it:
        for act in acts:
            it.act(*act)
        forget(it, f"{table}demo:{Kind.MODELS}", keys.encode(lost.name) + ":")
        demand_equal(it, 2)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts)
def test_a_rebuild_writes_what_the_events_have_written(acts: list[Act]) -> None:
    """Row for row, where no instance of the release before has been."""
    with estate() as it:
        for who, what, version, stage in acts:
            it.act(Who.PRESENT if who is Who.OLDER else who, what, version, stage)
        it.act(Who.PRESENT, "sweep", FIRST, "")
        it.act(Who.PRESENT, "sweep", FIRST, "")
        before = {row.key: unpack(row, past.Past) for row in it.rows.query(CATALOG, PAST)}

        upkeep.rebuild_catalog(it.present)

        after = {row.key: unpack(row, past.Past) for row in it.rows.query(CATALOG, PAST)}
        assert after == before


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts, acts, st.integers(1, 3))
def test_a_catalog_that_was_lost_and_written_to_is_not_believed(
    before: list[Act], later: list[Act], limit: int
) -> None:
    """Not until it was rebuilt: its rows begin too late, and lists lack what has not moved."""
    with estate() as it:
        for act in before:
            it.act(*act)
        lose_catalog(it)
        for act in later:
            it.act(*act)
        demand_equal(it, limit)
        lost = "catalog-lost" in {one.code for one in troubles(status(it.present))}
        upkeep.rebuild_lost_catalog(it.present)
        demand_equal(it, limit)

        assert lost
        assert status(it.present).whole
        assert upkeep.rebuild_lost_catalog(it.present) == 0


def test_a_version_that_moves_ever_again_costs_ever_the_same() -> None:
    """What its row has no more room for goes to rows that nobody reads but for a moment of then."""
    back = lifecycle()
    ways = (
        *unguarded().transitions,
        replace(unguarded().transitions[0], source="Staging", target="None"),
    )
    with estate(replace(unguarded(), transitions=ways, stages=back.stages)) as it:
        it.act(Who.PRESENT, "register", FIRST, "")
        for number in range(5 * past.SPANS):
            it.act(Who.PRESENT, "ask", FIRST, STAGES[(number + 1) % 2])

        (row,) = it.rows.query(CATALOG, PAST)
        kept = unpack(row, past.Past)
        earlier = it.rows.query(CATALOG, keys.earlier_partition("demo", Kind.MODELS))

        assert past.SPANS <= len(kept.spans) < 2 * past.SPANS
        assert 5 * past.SPANS + 1 == kept.earlier + len(kept.spans)
        assert kept.earlier == past.SPANS * len(earlier)
        demand_equal(it)
        upkeep.rebuild_catalog(it.present)
        assert kept == unpack(it.rows.query(CATALOG, PAST)[0], past.Past)


def test_an_asset_of_the_release_before_catches_up_with_its_next_event(it: Estate) -> None:
    """All that it was is kept from then on, not only what is new."""
    it.act(Who.OLDER, "register", FIRST, "")
    it.act(Who.OLDER, "ask", FIRST, "Staging")
    assert [] == it.rows.query(CATALOG, PAST)

    it.act(Who.PRESENT, "ask", FIRST, "Production")

    (row,) = it.rows.query(CATALOG, PAST)
    spans = unpack(row, past.Past).spans
    stages = [one.standing.stage for one in spans if one.standing is not None]
    assert ["None", "Staging", "Production"] == stages
    assert all(one.standing is not None and one.standing.author for one in spans)


def test_what_a_dead_instance_still_owed_is_known_before_anybody_has_swept(it: Estate) -> None:
    """The version is asked for at the very second at which it was granted."""
    it.act(Who.PRESENT, "register", FIRST, "")
    it.act(Who.DYING, "ask", FIRST, "Staging")
    it.act(Who.DYING, "register", SECOND, "")

    found = {one.number: standing.stage for one, standing in listed(it, it.clock.now())}

    assert {"1": "Staging", "2": "None"} == found


def test_versions_at_hidden_stages_are_shown_where_they_are_asked_for(it: Estate) -> None:
    """As in the present list."""
    it.act(Who.PRESENT, "register", FIRST, "")
    it.act(Who.PRESENT, "ask", FIRST, "Staging")
    it.act(Who.PRESENT, "ask", FIRST, "Archived")
    now = it.clock.now()

    assert [] == listed(it, now, Wanted())
    assert [FIRST] == [one for one, _ in listed(it, now, Wanted(stage="Archived"))]
    assert [FIRST] == [one for one, _ in listed(it, now, Wanted(hidden=True))]


def test_other_registries_and_kinds_are_left_out_where_one_is_asked_for(it: Estate) -> None:
    """By its alias, and by the kind."""
    it.act(Who.PRESENT, "register", FIRST, "")
    now = it.clock.now()

    assert [FIRST] == [one for one, _ in listed(it, now, Wanted("demo", Kind.MODELS))]
    assert [] == listed(it, now, Wanted("demo", Kind.DATA))
    with pytest.raises(NotFoundError):
        listed(it, now, Wanted("nowhere"))
    with pytest.raises(InvalidInputError):
        as_of.of_estate(it.present, now, cursor="demo:data iris:1")


def test_a_row_that_cannot_be_read_is_replayed(it: Estate) -> None:
    """Rather than answered by halves."""
    it.act(Who.PRESENT, "register", FIRST, "")
    entry = catalog.of_asset(it.rows, IRIS)[0]
    assert entry.followed >= entry.number
    it.rows.commit(CATALOG, PAST, [Upsert("iris:1", {"format": 1, "body0": b'{"spans": "None"}'})])

    assert ["None"] == [standing.stage for _, standing in listed(it, it.clock.now())]


def test_a_version_of_which_the_catalog_is_still_to_hear_is_not_left_out(it: Estate) -> None:
    """Its row was kept by another instance, which passed by before its own duty was done."""
    it.act(Who.DYING, "register", FIRST, "")
    it.act(Who.PRESENT, "register", SECOND, "")

    demand_equal(it)

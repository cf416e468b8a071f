"""The board's cost: what a page reads, and where it ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import board, catalog, keys
from stage_functions.application.board import ASSETS, MAX_ROWS, Wanted
from stage_functions.application.codec import pack
from stage_functions.application.ports.rows import CATALOG, MAX_BATCH_ROWS, Upsert
from stage_functions.domain.asset import Version
from stage_functions.domain.state import VersionState
from tests.builders import IRIS, World, world


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose registry is governed."""
    made = world()
    yield made
    made.rows.close()


def fill(it: World, assets: int, versions: int, stage: str = "Staging") -> None:
    """Put assets into the catalog, as if they had been registered."""
    now = it.clock.now()
    changes: list[Upsert] = []
    for n in range(assets):
        asset = replace(IRIS, name=f"model-{n:05d}")
        for v in range(versions):
            state = VersionState(str(v), "1/x", stage, now + timedelta(seconds=n), number=1)
            row = pack(catalog.entry(asset, state))
            changes.append(Upsert(keys.catalog_key(Version(asset, str(v))), row))
    partition = keys.catalog_partition("demo", "models")
    for start in range(0, len(changes), MAX_BATCH_ROWS):
        it.rows.commit(CATALOG, partition, changes[start : start + MAX_BATCH_ROWS])


def test_a_page_reads_no_more_than_it_shows(it: World) -> None:
    """However many assets there are: one range of rows."""
    fill(it, 500, 2)
    it.rows.trips = 0
    found = board.board(it.context, Wanted())

    assert len(found.cards) == ASSETS
    assert it.rows.trips == 1


def test_a_filter_that_fits_little_ends_the_page_after_many_rows(it: World) -> None:
    """It says so, and goes on behind."""
    fill(it, 5, MAX_ROWS // 4)
    first = board.board(it.context, Wanted(stage="Production"))
    rest = board.board(it.context, Wanted(stage="Production"), first.cursor)

    assert (first.cards, first.cut, first.known) == ((), True, True)
    assert first.cursor == "demo:models model-00003"
    assert (rest.cards, rest.cut, rest.cursor, rest.known) == ((), False, "", True)


def test_an_asset_with_very_many_versions_is_summed_up_whole(it: World) -> None:
    """Over as many ranges of rows as it takes."""
    fill(it, 2, 2500)
    found = board.board(it.context, Wanted())

    assert [card.shares[1].count for card in found.cards] == [2500, 2500]
    assert found.cards[0].shares[1].versions == ("2499", "2498", "2497")


def test_a_stage_that_the_lifecycle_no_longer_has_is_shown(it: World) -> None:
    """It is where the version stands, until somebody moves it."""
    fill(it, 1, 1, stage="Pilot")
    (card,) = board.board(it.context, Wanted()).cards

    assert [share.stage for share in card.shares if share.count] == ["Pilot"]


def test_a_deleted_version_stands_nowhere(it: World) -> None:
    """No filter by stage finds it."""
    state = VersionState("1", "1/x", "Staging", it.clock.now(), number=1, gone=True)
    catalog.write(it.rows, IRIS, {"1": state})
    found = board.board(it.context, Wanted(stage="Staging"))

    assert (found.cards, found.known) == ((), True)


def test_texts_that_look_like_fields_deceive_no_filter(it: World) -> None:
    """A quote in a status is written with a backslash before it."""
    text = '"stage":"Production","approval":""'
    now = it.clock.now()
    waits = VersionState("1", "1/x", 'Größe"', now, number=1, approval="a", status=text)
    catalog.write(it.rows, IRIS, {"1": waits})

    def found(wanted: Wanted) -> int:
        return len(board.board(it.context, wanted).cards)

    assert found(Wanted(stage="Production")) == 0
    assert found(Wanted(stage='Größe"')) == 1
    assert found(Wanted(waiting=True)) == 1
    assert found(Wanted(waiting=True, stage='Größe"')) == 1

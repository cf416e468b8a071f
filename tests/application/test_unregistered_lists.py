"""Lists of what nobody has registered: over several registries, long, and by name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from stage_functions.application import query, unregistered_lists, unregistered_rows
from stage_functions.application.board import Wanted
from stage_functions.application.unregistered_rows import Note
from stage_functions.domain.error import InvalidInputError, NotFoundError
from stage_functions.domain.lifecycle import UNREGISTERED
from tests.builders import World, world


@pytest.fixture
def it() -> Iterator[World]:
    """A world with two registries."""
    made = world()
    demo = made.context.configuration.registry("demo")
    registries = {"demo": demo, "other": replace(demo, alias="other")}
    configuration = replace(made.context.configuration, registries=registries)
    yield replace(made, context=replace(made.context, configuration=configuration))
    made.rows.close()


def fill(it: World, alias: str, count: int) -> None:
    """Note so many outputs of a registry."""
    now = it.clock.now()
    names = [f"{alias}/models/azureml_{number:05d}_output_m:1" for number in range(count)]
    notes = [Note(name, name, now, now, f"{n:05d}", "m") for n, name in enumerate(names)]
    for start in range(0, count, 40):
        unregistered_rows.put_new(it.rows, alias, notes[start : start + 40])


def test_pages_go_from_one_registry_to_the_next(it: World) -> None:
    """And begin where the cursor says."""
    fill(it, "demo", 60)
    fill(it, "other", 60)
    seen: list[str] = []
    cursor = ""
    for shown in (50, 50, 20):
        page = unregistered_lists.page(it.context, Wanted(stage=UNREGISTERED), cursor)
        assert shown == len(page.notes)
        seen += [note.version for note in page.notes]
        cursor = page.cursor

    assert cursor == ""
    assert sorted(set(seen)) == seen
    assert len(seen) == 120


def test_a_list_may_be_of_one_registry_or_of_a_name(it: World) -> None:
    """As filters of the board say."""
    fill(it, "demo", 3)
    fill(it, "other", 3)
    wanted = Wanted(registry="other", name="00001_OUT")
    (note,) = unregistered_lists.page(it.context, wanted).notes
    page = query.assets(it.context, query.Filter(registry="other", stage=UNREGISTERED))

    assert note.version == "other/models/azureml_00001_output_m:1"
    assert {entry.asset.partition("/")[0] for entry in page.entries} == {"other"}
    with pytest.raises(NotFoundError):
        unregistered_lists.page(it.context, Wanted(registry="nowhere"))


def test_a_list_of_thousands_is_read_to_its_end(it: World) -> None:
    """And counted no further than a page says."""
    fill(it, "demo", 1100)
    found = list(unregistered_rows.notes(it.rows, "demo"))

    assert len(found) == 1100
    assert unregistered_lists.count(it.context) == unregistered_lists.MAX_COUNTED


def test_a_cursor_of_another_list_is_refused(it: World) -> None:
    """It would begin anywhere."""
    with pytest.raises(InvalidInputError, match="the cursor is of another list"):
        query.assets(
            it.context, query.Filter(stage=UNREGISTERED), cursor="nowhere:Unregistered note:x"
        )
    with pytest.raises(InvalidInputError, match="the cursor is of another list"):
        unregistered_lists.page(it.context, Wanted(stage=UNREGISTERED), "demo:models iris")

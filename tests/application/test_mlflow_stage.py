"""The granted stage in MLflow's own field: shown there, and asked for by it where that is heard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stage_functions.application import query
from stage_functions.application.scan import Scanner
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mirror, Source
from stage_functions.domain.record import RecordType
from tests.application.mirror_world import configured, move, types
from tests.builders import IRIS, World, world

ONE, TWO = Version(IRIS, "1"), Version(IRIS, "2")
SHOWN = (Mirror.TAG, Mirror.MLFLOW_STAGE)
ASKED = (Source.TAG, Source.MLFLOW_STAGE)


@pytest.fixture
def plain() -> Iterator[World]:
    """A server whose own stages say nothing."""
    made = world()
    yield made
    made.rows.close()


@pytest.fixture
def shown(plain: World) -> World:
    """A server whose own stages show what is granted."""
    return configured(plain, mirror_to=SHOWN)


@pytest.fixture
def asked(plain: World) -> World:
    """A server whose own stages show what is granted, and ask for others."""
    return configured(plain, mirror_to=SHOWN, requests_from=ASKED)


def set_stage(it: World, version: Version, stage: str) -> bool:
    """Set MLflow's own stage as a stock client does, and tell Stageward."""
    it.registry.set_native_stage(version, stage)
    return follow(it.context, Signal(version))


def natives(it: World) -> list[str]:
    """Return MLflow's own stages of the versions."""
    return [it.registry.native_stage(version) for version in (ONE, TWO)]


def found(it: World) -> list[object]:
    """Return what each DriftFound says was found."""
    records = query.all_records(it.context, IRIS)
    return [one.content["found"] for one in records if one.type is RecordType.DRIFT_FOUND]


def test_it_follows_the_granted_stage(shown: World) -> None:
    """Of both: who comes, and who is displaced."""
    for version in (ONE, TWO):
        shown.register(version.number)
        move(shown, version, "Staging", "Production")

    assert ["Archived", "Production"] == natives(shown)
    assert "DriftFound" not in types(shown)


def test_two_show_it_for_a_moment_and_never_none(shown: World) -> None:
    """The new holder is written before the old one, whatever is looked at in between."""
    for version in (ONE, TWO):
        shown.register(version.number)
        move(shown, version, "Staging")
    move(shown, ONE, "Production")
    seen: list[list[str]] = []
    shown.registry.before = lambda _: seen.append(natives(shown))
    move(shown, TWO, "Production")
    shown.registry.before = lambda _: None

    assert ["Production", "Production"] in seen
    assert all("Production" in one for one in seen)


@pytest.mark.parametrize("by", ["signal", "scan"])
def test_an_edit_is_put_back_where_it_may_not_ask(shown: World, by: str) -> None:
    """MLflow tells of no such edit, so that the scan must find it."""
    shown.register("1")
    shown.registry.set_native_stage(ONE, "Staging")
    if by == "scan":
        Scanner(shown.context).scan("demo")
    else:
        follow(shown.context, Signal(ONE))

    assert "None" == shown.registry.native_stage(ONE)
    assert ["Staging"] == found(shown)


def test_an_edit_asks_once_and_shows_what_is_granted_meanwhile(asked: World) -> None:
    """A stock client never sees Production at a version that waits for it."""
    asked.register("1")
    set_stage(asked, ONE, "Staging")
    first = asked.registry.native_stage(ONE)
    set_stage(asked, ONE, "Production")
    waiting = asked.registry.native_stage(ONE)
    open_ = query.approvals(asked.context)
    set_stage(asked, ONE, "Production")

    assert ("Staging", "Staging") == (first, waiting)
    assert ["Production"] == [view.approval.binding.target for view in open_]
    assert "Staging" == asked.registry.native_stage(ONE)
    assert ["Production"] == found(asked)


def test_what_is_no_transition_is_put_back(asked: World) -> None:
    """As an edit of the tag `stage` is."""
    asked.register("1")
    set_stage(asked, ONE, "Production")

    assert "None" == asked.registry.native_stage(ONE)
    assert ["Registered", "DriftFound"] == types(asked)


def test_what_is_written_is_no_request(asked: World) -> None:
    """No echo: a promotion by tag and one by the field come to rest with one record each."""
    asked.register("1")
    asked.tag(ONE, "stage_request", "Staging")
    for _ in range(3):
        assert not follow(asked.context, Signal(ONE))
    asked.registry.calls.clear()
    Scanner(asked.context).scan("demo")

    assert "Staging" == asked.registry.native_stage(ONE)
    assert ["Registered", "StageChanged"] == types(asked)
    assert "write_tags" not in asked.registry.calls


def test_a_stale_write_moves_nothing(asked: World) -> None:
    """A version that held Production and was displaced does not ask for it by an old value."""
    for version in (ONE, TWO):
        asked.register(version.number)
        move(asked, version, "Staging", "Production")
    before = len(types(asked))
    set_stage(asked, ONE, "Production")

    assert ["Archived", "Production"] == natives(asked)
    assert ["DriftFound"] == types(asked)[before:]


def test_the_first_time_it_is_written_over_without_a_word(plain: World) -> None:
    """What was there before the file named it asks nothing."""
    plain.register("1")
    plain.tag(ONE, "stage_request", "Staging")
    plain.registry.set_native_stage(ONE, "Production")
    later = configured(plain, mirror_to=SHOWN, requests_from=ASKED)
    Scanner(later.context).scan("demo")

    assert "Staging" == plain.registry.native_stage(ONE)
    assert ["Registered", "StageChanged"] == types(later)


def test_it_is_left_alone_where_nothing_is_shown_there(plain: World) -> None:
    """No call is made for it, and an edit is nobody's business."""
    plain.register("1")

    assert not set_stage(plain, ONE, "Archived")
    assert "Archived" == plain.registry.native_stage(ONE)


def test_a_signal_costs_one_reading_when_nothing_changed(asked: World) -> None:
    """Also where the field is both shown and heard."""
    asked.register("1")
    asked.registry.calls.clear()
    for _ in range(3):
        assert not follow(asked.context, Signal(ONE))

    assert ["read"] * 3 == asked.registry.calls

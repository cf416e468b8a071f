"""Where anchors go is set by the environment, and told on the status."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from stage_functions.application.anchoring import keep_up
from stage_functions.bootstrap import MAX_SINKS, open_application, open_places, read_anchors
from stage_functions.domain.error import ConfigurationError, SinkUnavailableError
from stage_functions.settings import NAMES, Settings, read_settings, unknown
from tests.api_server import api_over
from tests.builders import World, world
from tests.cli.console import Console
from tests.fakes.anchors import MemoryAnchors

ROOT = Path(__file__).parents[1]


@pytest.fixture
def it() -> Iterator[World]:
    """A world that is anchored in a place."""
    made = world()
    yield replace(made, context=replace(made.context, places=(MemoryAnchors(),)))
    made.rows.close()


def test_an_application_anchors_where_the_environment_says(tmp_path: Path) -> None:
    """Several places are separated by blanks; without the variable there are none."""
    environment = {
        "STAGEWARD_CONFIG": str(ROOT / "stageward.yaml"),
        "STAGEWARD_LEDGER": ":memory:",
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
    }
    named = f"{tmp_path / 'one'}  {tmp_path / 'two'}"
    with closing(open_application(read_settings(environment))) as plain:
        places = plain.context.places
    settings = read_settings({**environment, "STAGEWARD_ANCHORS": named})
    with closing(open_application(settings)) as application:
        keep_up(application.context)
    kept = [list(read_anchors(settings, str(tmp_path / one))) for one in ("one", "two")]

    assert () == places
    assert 1 == len(kept[0])
    assert kept[0] == kept[1]
    assert [*kept[0], *kept[1]] == list(read_anchors(settings, "configured"))


@pytest.mark.parametrize(
    ("anchors", "words"),
    [
        (("https://account.blob.core.windows.net",), "STAGEWARD_ANCHORS: "),
        (("/a",) * (MAX_SINKS + 1), "STAGEWARD_ANCHORS names 11 places, of 10 at most"),
    ],
)
def test_places_that_cannot_be_are_refused_at_the_start(
    anchors: tuple[str, ...], words: str
) -> None:
    """By the name of the setting."""
    with pytest.raises(ConfigurationError, match=words):
        open_places(Settings(anchors=anchors))


def test_the_setting_is_known() -> None:
    """A mistyped one is told."""
    assert "ANCHORS" in NAMES
    assert {
        "STAGEWARD_ANCHOR": "; did you mean STAGEWARD_ANCHORS or STAGEWARD_ANCHORS_SECRET?"
    } == unknown({"STAGEWARD_ANCHOR": "x", "STAGEWARD_ANCHORS": "y"})


def test_the_status_says_where_and_when_the_ledger_was_anchored(
    it: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the API, on the command line, and on the page."""
    keep_up(it.context)
    (place,) = it.context.places
    assert isinstance(place, MemoryAnchors)
    with api_over(it) as api:
        api.client("eve")
        found = api.client("eve").get("/api/v1/status").json()["anchors"]
        console = Console(api, monkeypatch)
        place.fault = SinkUnavailableError("away")
        it.clock.sleep(3600)
        keep_up(it.context)
        shown = console.run("eve", "status")
        health = api.client().get("/healthz").json()

    assert ["the place memory-1"] == [one["where"] for one in found["places"]]
    assert (0, "") == (found["places"][0]["behind"], found["places"][0]["error"])
    assert found["at"] == found["places"][0]["at"]
    assert "anchors: 1 anchor not published to the place memory-1: away" in shown.out
    assert "anchored in the place memory-1: 2026-01-01" in shown.out
    assert "1 to come" in shown.out
    assert "unpublished" == health["parts"]["anchors"]


def test_without_a_place_the_status_says_what_that_means(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is no fault."""
    made = world()
    with api_over(made) as api:
        shown = Console(api, monkeypatch).run("eve", "status")
    made.rows.close()

    assert "anchors: not configured, so the histories are hash-linked only" in shown.out


def test_nothing_that_is_shown_promises_more_than_hash_links() -> None:
    """Only an anchor that is kept elsewhere makes tampering evident, so no text says it."""
    texts = [*ROOT.glob("docs/*.md"), ROOT / "README.md"]
    texts += [*ROOT.glob("stage_functions/**/*.html"), *ROOT.glob("stage_functions/**/*.py")]

    assert [] == [one for one in texts if "tamper-" in one.read_text("utf-8").casefold()]

"""Tags whose keys stand for stages, as the concept's demo has them: shown, asked by, put back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from stage_functions.application import query
from stage_functions.application.importing import ImportCommand, import_registry
from stage_functions.application.reconcile import mirrors
from stage_functions.application.registries import RegistryState
from stage_functions.application.resolving import resolve
from stage_functions.application.scan import Scanner
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode
from tests.application.mirror_world import (
    ASKED,
    KEYS,
    SHOWN,
    changed,
    configured,
    keys_of,
    move,
    types,
)
from tests.builders import IRIS, World, actor, world

ONE, TWO = (Version(IRIS, number) for number in "12")


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose tags stand for stages, and ask for them."""
    made = configured(world(), mirror_to=SHOWN, requests_from=ASKED, presence=KEYS)
    yield made
    made.rows.close()


@pytest.fixture
def only_shown() -> Iterator[World]:
    """A world whose tags stand for stages, and ask for nothing."""
    made = configured(world(), mirror_to=SHOWN, presence=KEYS)
    yield made
    made.rows.close()


@pytest.fixture
def only_asked() -> Iterator[World]:
    """A world whose tags ask for stages, and are other people's."""
    made = configured(world(), requests_from=ASKED, presence=KEYS)
    yield made
    made.rows.close()


def edit(it: World, version: Version, tags: Mapping[str, str | None]) -> None:
    """Edit tags as somebody else, and tell Stageward."""
    it.registry.set_tags(version, tags)
    follow(it.context, Signal(version))


def last(it: World) -> Mapping[str, object]:
    """Return the content of iris's last record."""
    return list(query.all_records(it.context, IRIS))[-1].content


def test_a_version_carries_one_key_and_by_which_approval_it_has_it(it: World) -> None:
    """None, Staging and Production, then displaced: never two keys, as the concept's policy asks."""
    first = it.register("1")
    shown = [keys_of(it, first)]
    for stage in ("Staging", "Production"):
        move(it, first, stage)
        shown.append(keys_of(it, first))
    move(it, it.register("2"), "Staging", "Production")
    shown.append(keys_of(it, first))

    assert shown == [
        {"none": "true"},
        {"staging": "true"},
        {"prod": "true", "approval": "prod-approved"},
        {"archived": "true"},
    ]
    assert keys_of(it, TWO) == {"prod": "true", "approval": "prod-approved"}


def test_other_tags_stay_as_they_are(it: World) -> None:
    """Also those that look alike."""
    version = it.register("1", {"Prod": "x", "staging2": "", "approval_note": "y"})
    move(it, version, "Staging")

    tags = it.registry.tags(version)
    assert {"Prod": "x", "staging2": "", "approval_note": "y"}.items() <= tags.items()


def test_a_key_asks_for_its_stage(it: World) -> None:
    """The pipeline of the concept's demo adds `staging`, and the version stands there."""
    version = it.register("1", {"none": "x"})
    edit(it, version, {"staging": "1"})

    assert keys_of(it, version) == {"staging": "1"}
    assert it.registry.tags(version)["stage"] == "Staging"
    assert types(it) == ["Registered", "StageChanged"]


def test_the_value_of_a_key_is_nobodys_business(it: World) -> None:
    """It stays as whoever set it has it, so nobody writes in turns."""
    version = it.register("1", {"none": "since Monday"})
    edit(it, version, {"none": "since Tuesday"})

    assert keys_of(it, version) == {"none": "since Tuesday"}
    assert types(it) == ["Registered"]


def test_a_key_that_must_be_approved_is_taken_away_until_it_is(it: World) -> None:
    """The answer is in the status; the mirror shows what is granted."""
    version = it.register("1")
    move(it, version, "Staging")
    edit(it, version, {"prod": ""})

    assert keys_of(it, version) == {"staging": "true"}
    assert it.registry.tags(version)["stage_status"].startswith("pending approval ")
    assert types(it)[-1] == "ApprovalRequested"


def test_a_key_asks_once(it: World) -> None:
    """Set again, it is put back, whatever became of it; nothing is asked and nothing is closed."""
    version = it.register("1")
    move(it, version, "Staging")
    edit(it, version, {"prod": "1"})
    edit(it, version, {"prod": "2"})

    assert keys_of(it, version) == {"staging": "true"}
    assert types(it)[-2:] == ["ApprovalRequested", "DriftFound"]
    assert [(one["found"], one["granted"]) for one in [last(it)]] == [("prod", "Staging")]
    assert len(query.approvals(it.context)) == 1


def test_a_jump_that_is_not_allowed_is_put_back(it: World) -> None:
    """As an edit of `stage` is; so is a stage that was held before."""
    version = it.register("1")
    edit(it, version, {"prod": "1"})
    jumped = (keys_of(it, version), last(it)["found"])
    move(it, version, "Staging")
    edit(it, version, {"none": "1"})

    assert jumped == ({"none": "true"}, "prod")
    assert keys_of(it, version) == {"staging": "true"}
    assert (types(it)[-1], last(it)["found"]) == ("DriftFound", "none")


def test_of_several_keys_the_furthest_asks(it: World) -> None:
    """Those that came with it are answered with it, so that the same map never asks again."""
    version = it.register("1")
    edit(it, version, {"staging": "1", "archived": "1"})

    assert keys_of(it, version) == {"archived": "1"}
    assert it.context.ledger.versions(IRIS)["1"].was_asked("presence", "Staging")


def test_a_removed_key_is_no_request(it: World) -> None:
    """It is written again, without a record, as a removed `stage` is."""
    version = it.register("1")
    edit(it, version, {"none": None})

    assert keys_of(it, version) == {"none": "true"}
    assert types(it) == ["Registered"]


def test_an_approval_that_somebody_writes_approves_nothing(it: World) -> None:
    """It is put back and recorded; only votes approve."""
    version = it.register("1")
    move(it, version, "Staging")
    edit(it, version, {"approval": "prod-approved"})

    assert keys_of(it, version) == {"staging": "true"}
    assert it.registry.tags(version)["stage"] == "Staging"
    assert (types(it)[-1], last(it)["found"]) == ("DriftFound", "prod-approved")


def test_an_approval_that_somebody_removes_is_written_again(it: World) -> None:
    """Without a record: nothing is claimed."""
    version = it.register("1")
    move(it, version, "Staging", "Production")
    count = len(types(it))
    edit(it, version, {"approval": None})

    assert keys_of(it, version) == {"prod": "true", "approval": "prod-approved"}
    assert len(types(it)) == count


def test_a_stale_map_of_tags_moves_nothing(it: World) -> None:
    """Whichever it is, and although it carries keys that asked once."""
    version = it.register("1")
    maps = [dict(it.registry.tags(version))]
    for key in ("staging", "prod"):
        it.registry.set_tags(version, {key: "1"})
        maps.append(dict(it.registry.tags(version)))
        follow(it.context, Signal(version))
        maps.append(dict(it.registry.tags(version)))
    move(it, version, "Archived")
    kept = ("Archived", {"archived": "true"})
    for old in (*maps, *reversed(maps)):
        it.clock.sleep(3600)
        edit(it, version, {**old, "archived": None})
        sweep(it.context)

        assert (it.registry.tags(version)["stage"], keys_of(it, version)) == kept
    assert query.approvals(it.context) == []


def test_two_tools_that_fight_are_left_alone_for_an_hour(it: World) -> None:
    """Three times it is put back; then once it is said, and an hour later put right."""
    version = it.register("1")
    for _ in range(6):
        edit(it, version, {"prod": "1"})
    fought = keys_of(it, version)
    it.clock.sleep(3700)
    sweep(it.context)

    assert fought == {"none": "true", "prod": "1"}
    assert types(it) == ["Registered", *["DriftFound"] * 4]
    assert keys_of(it, version) == {"none": "true"}


def test_a_request_meanwhile_is_answered_before_it_is_written_over(it: World) -> None:
    """Somebody asks between a decision and its tags: their key is a signal, and is followed."""
    version = it.register("1")
    it.registry.calls.clear()

    def meanwhile(call: str) -> None:
        if it.registry.calls == ["read", "evidence", "read"] and call == "read":
            it.registry.set_tags(version, {"archived": "1"})

    it.registry.before = meanwhile
    move(it, version, "Staging")

    assert types(it) == ["Registered", "StageChanged", "StageChanged"]
    assert it.registry.tags(version)["stage"] == "Archived"
    assert keys_of(it, version) == {"archived": "1"}


def test_a_key_of_a_stage_that_was_held_is_written_over_meanwhile(it: World) -> None:
    """It can ask for nothing."""
    version = it.register("1")
    move(it, version, "Staging")

    def meanwhile(call: str) -> None:
        if call == "write_tags":
            it.registry.set_tags(version, {"none": "1", "approval": "none-approved"})

    it.registry.before = meanwhile
    edit(it, version, {"stage_request": "Nowhere"})

    assert keys_of(it, version) == {"staging": "true"}
    assert types(it) == ["Registered", "StageChanged", "TransitionRefused"]


def test_a_request_of_another_kind_goes_first(it: World) -> None:
    """What names the same is part of it; what names another is put back."""
    version = it.register("1")
    edit(it, version, {"stage_request": "Staging: both", "staging": "1"})
    both = types(it)
    move(it, version, "Production")
    other = it.register("2")
    edit(it, other, {"stage": "Staging", "archived": "1"})

    assert both == ["Registered", "StageChanged"]
    assert it.registry.tags(other)["stage"] == "Staging"
    assert keys_of(it, other) == {"staging": "true"}
    assert types(it)[-2:] == ["DriftFound", "StageChanged"]


def test_a_registered_version_asks_nothing_by_keys_that_it_was_copied_with(it: World) -> None:
    """They say what was true elsewhere."""
    version = it.register("1", {"prod": "true", "approval": "prod-approved"})

    assert keys_of(it, version) == {"none": "true"}
    assert types(it) == ["Registered"]


def test_keys_that_only_mirror_ask_nothing(only_shown: World) -> None:
    """They are put back."""
    version = only_shown.register("1")
    edit(only_shown, version, {"staging": "1"})

    assert keys_of(only_shown, version) == {"none": "true"}
    assert types(only_shown) == ["Registered", "DriftFound"]


def test_keys_that_only_ask_are_never_written(only_asked: World) -> None:
    """A legal one moves the version, another one is refused in words; what they say stays."""
    version = only_asked.register("1", {"none": "x", "approval": "mine"})
    edit(only_asked, version, {"prod": "1"})
    refused = only_asked.registry.tags(version)["stage_status"]
    edit(only_asked, version, {"staging": "2"})
    follow(only_asked.context, Signal(version))

    assert keys_of(only_asked, version) == {
        "none": "x",
        "prod": "1",
        "staging": "2",
        "approval": "mine",
    }
    assert refused.startswith("refused: None → Production is not allowed")
    assert only_asked.registry.tags(version)["stage"] == "Staging"
    assert types(only_asked) == ["Registered", "TransitionRefused", "StageChanged"]


def test_keys_that_only_ask_wait_for_another_request(only_asked: World) -> None:
    """They are still there afterwards, and are answered then."""
    version = only_asked.register("1")
    edit(only_asked, version, {"stage_request": "Staging", "archived": "1"})
    follow(only_asked.context, Signal(version))

    assert types(only_asked) == ["Registered", "StageChanged", "StageChanged"]
    assert only_asked.registry.tags(version)["stage"] == "Archived"


def test_keys_that_are_taken_away_ask_nothing(only_asked: World) -> None:
    """Nor does one that comes back."""
    version = only_asked.register("1", {"none": ""})
    edit(only_asked, version, {"staging": ""})
    edit(only_asked, version, {"none": None, "staging": None})
    edit(only_asked, version, {"none": "", "staging": ""})

    assert types(only_asked) == ["Registered", "StageChanged"]


def test_what_is_there_when_it_is_first_listened_to_asks_nothing() -> None:
    """Whoever turns it on is not met by a crowd of old requests; the tags are put right."""
    made = world()
    version = made.register("1")
    made.registry.set_tags(version, {"staging": "old", "none": "older"})
    it = configured(made, mirror_to=SHOWN, requests_from=ASKED, presence=KEYS)
    first = Scanner(it.context).scan("demo")
    second = Scanner(it.context).scan("demo")

    assert (first.changed, second.nominated) == (1, 0)
    assert keys_of(it, version) == {"none": "older"}
    assert types(it) == ["Registered"]
    made.rows.close()


def test_what_is_right_when_it_is_first_listened_to_is_noted() -> None:
    """So that no scan reads it again."""
    made = world()
    version = made.register("1")
    made.registry.set_tags(version, {"none": "old"})
    it = configured(made, mirror_to=SHOWN, requests_from=ASKED, presence=KEYS)
    Scanner(it.context).scan("demo")

    assert Scanner(it.context).scan("demo").nominated == 0
    made.rows.close()


def test_at_rest_a_scan_nominates_nothing(it: World) -> None:
    """The mirror and what is remembered of it agree."""
    for number, stages in {"1": (), "2": ("Staging",), "3": ("Staging", "Production")}.items():
        move(it, it.register(number), *stages)
    scanned = Scanner(it.context).scan("demo")

    assert (scanned.seen, scanned.nominated) == (3, 0)


def test_a_lost_signal_is_caught_by_the_scan(it: World) -> None:
    """A key asks whether or not anybody tells of it."""
    version = it.register("1")
    it.registry.set_tags(version, {"staging": "1"})
    Scanner(it.context).scan("demo")

    assert it.registry.tags(version)["stage"] == "Staging"


def test_an_import_takes_the_furthest_key_as_the_stage(it: World) -> None:
    """In the order of `requests_from`: the first source that has a value counts."""
    tagged = {"1": {"none": "", "staging": ""}, "2": {"stage": "None", "prod": ""}, "3": {}}
    it.context.states.update("demo", lambda _: RegistryState())
    for number, tags in tagged.items():
        it.registry.register(Version(IRIS, number), it.clock.now(), tags=tags)
    plan = import_registry(it.context, ImportCommand("demo", {}, (), "as is", actor("eve")))
    stood = {number: one.stage for number, one in query.standings(it.context, IRIS, None).items()}

    assert plan.done
    assert stood == {"1": "Staging", "2": "None", "3": "None"}
    assert [keys_of(it, Version(IRIS, number)) for number in "123"] == [
        {"staging": ""},
        {"none": "true"},
        {"none": "true"},
    ]


def test_what_another_ledger_has_written_asks_nothing_once_it_is_resolved(it: World) -> None:
    """It is written over."""
    version = it.register("1")
    edit(it, version, {"stage_governor": "another0/7", "prod": "true", "none": None})
    stopped = keys_of(it, version)
    resolve(it.context, "demo", actor("eve"))

    assert stopped == {"prod": "true"}
    assert keys_of(it, version) == {"none": "true"}
    assert query.approvals(it.context) == []
    assert "TransitionRefused" not in types(it)


def test_what_would_come_of_keys_is_told_where_a_registry_is_only_observed() -> None:
    """And nothing is written."""
    made = world(Mode.OBSERVE)
    it = configured(made, mirror_to=SHOWN, requests_from=ASKED, presence=KEYS)
    version = it.register("1", {"none": ""})
    edit(it, version, {"staging": ""})
    edit(it, version, {"approval": "staging-approved"})
    edit(it, version, {"staging": None})
    told = [
        {key: one.content.get(key) for key in ("from", "to", "outcome")}
        for one in query.all_records(it.context, IRIS)
    ]

    assert told == [
        {"from": None, "to": "None", "outcome": "first seen"},
        {"from": "None", "to": "Staging", "outcome": "granted"},
        {"from": "Staging", "to": "staging-approved", "outcome": "drift"},
        {"from": "Staging", "to": None, "outcome": "nothing"},
    ]
    assert keys_of(it, version) == {"none": "", "approval": "staging-approved"}
    made.rows.close()


def test_another_key_for_a_stage_is_written_once_it_is_configured(it: World) -> None:
    """The ledger keeps stages, never keys."""
    version = it.register("1")
    move(it, version, "Staging")
    again = configured(it, presence={**KEYS, "Staging": "uat"})
    Scanner(again.context).scan("demo")

    assert again.registry.tags(version)["uat"] == "true"
    assert mirrors(
        changed(again.context),
        again.context.ledger.versions(IRIS)["1"],
        again.registry.read(version) or pytest.fail("it is there"),
        again.context.lifecycle(IRIS),
    )
    assert types(again) == ["Registered", "StageChanged"]

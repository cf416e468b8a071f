"""What is edited of a version at a frozen stage is recorded, put back, and blocks it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing as closing_store
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.application.attending import acknowledge
from stage_functions.application.scan import Scanner
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import preview, request_transition
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import (
    DeniedError,
    InvalidInputError,
    NotAllowedNowError,
    StagewardError,
    StaleError,
)
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.transition import Request
from tests.application.frozen_world import (
    TAGS,
    Closing,
    acknowledged,
    freezing,
    frozen_world,
    promote,
    records,
    said,
    state,
    types,
)
from tests.builders import IRIS, World, actor, cast, context_over, lifecycle, unguarded


def others(it: World, version: Version) -> dict[str, str]:
    """Return the tags that are not Stageward's."""
    return {k: v for k, v in it.registry.tags(version).items() if not k.startswith("stage")}


def changes(it: World) -> list[object]:
    """Return what the records of edits name."""
    return [one.content["changes"] for one in records(it, "DriftFound")]


def test_what_a_version_is_then_is_kept_by_digest(closing: Closing) -> None:
    """The record of the grant names the digest, and the ledger has the document."""
    it, _ = frozen_world(closing)
    granted = records(it, "StageChanged")[-1].content
    kept = it.context.ledger.blob(state(it).frozen)

    assert state(it).frozen == granted["frozen"]
    assert kept is not None
    assert b'"description":"a classifier","tags":{"owner":"ada","team":"risk"}' in kept


@pytest.mark.parametrize(
    ("edit", "change"),
    [
        ({"owner": "eve"}, "~ tag owner: ada → eve"),
        ({"owner": None}, "- tag owner: ada"),
        ({"note": "x" * 200}, f"+ tag note: {'x' * 119}…"),
    ],
    ids=["changed", "removed", "added"],
)
def test_an_edited_tag_is_put_back(
    edit: Mapping[str, str | None], change: str, closing: Closing
) -> None:
    """It is recorded with what it was and is; nothing else of the version changes."""
    it, version = frozen_world(closing)
    it.registry.set_tags(version, edit)
    follow(it.context, Signal(version))

    assert [[change]] == changes(it)
    assert others(it, version) == TAGS
    assert state(it).drifted == records(it, "DriftFound")[0].number


def test_an_edited_description_is_put_back(closing: Closing) -> None:
    """So is the description."""
    it, version = frozen_world(closing)
    it.registry.describe(version, "the best")
    follow(it.context, Signal(version))
    shown = it.registry.read(version)

    assert [["~ description: a classifier → the best"]] == changes(it)
    assert shown is not None
    assert shown.description == "a classifier"


def test_who_edited_is_named_where_the_registry_says(closing: Closing) -> None:
    """The record has whoever the registry names as its last writer."""
    it, version = frozen_world(closing)
    it.registry.set_tag(version, "owner", "eve")
    it.registry.wrote(version, "mlflow:bob", it.clock.now())
    follow(it.context, Signal(version))
    found = records(it, "DriftFound")[0].content["actor"]

    assert found == {"id": "person:bob", "attribution": "inferred", "via": "tag"}


def test_a_scan_finds_an_edit_that_no_signal_told_of(closing: Closing) -> None:
    """The scan nominates the version."""
    it, version = frozen_world(closing)
    it.registry.describe(version, "the best")
    scanned = Scanner(it.context).scan("demo")

    assert (scanned.nominated, scanned.changed) == (1, 1)
    assert types(it)[-1] == "DriftFound"


def test_nothing_is_found_where_nobody_edits(closing: Closing) -> None:
    """Own writes and what Stageward leaves out are no edits, however often it is looked."""
    it, version = frozen_world(closing)
    it.registry.set_tags(version, {"stage_request": "None: why not", "mlflow.source": "x"})
    before = len(types(it))
    for _ in range(3):
        follow(it.context, Signal(version))
        Scanner(it.context).scan("demo")

    assert ["TransitionRefused"] == types(it)[before:]
    assert state(it).drifted == 0


def test_nothing_is_granted_until_it_is_acknowledged(closing: Closing) -> None:
    """A transition is refused in words, then granted."""
    it, version = frozen_world(closing)
    it.tag(version, "owner", "eve")
    found = records(it, "DriftFound")[0].number
    refused = promote(it, version, "Archived")
    done = acknowledged(it, version)
    granted = promote(it, version, "Archived")

    assert refused.detail == (
        f"version 1 was edited from outside, see DriftFound in record {found}: acknowledge it "
        "(`stageward acknowledge`), then ask again"
    )
    assert done.detail == f"the edit of record {found} is acknowledged"
    assert records(it, "Acknowledged")[0].content["drift"] == found
    assert granted.stage == "Archived"


def test_an_edit_that_a_request_meets_first_blocks_that_request(closing: Closing) -> None:
    """Whoever asks before any signal came is refused as well; a check says so beforehand."""
    it, version = frozen_world(closing)
    it.registry.set_tag(version, "owner", "eve")
    foreseen = preview(it.context, version, Request("Archived", "", actor("sam")))
    refused = promote(it, version, "Archived")

    assert "edited from outside" in foreseen.detail
    assert "edited from outside" in refused.detail
    assert types(it)[-2:] == ["DriftFound", "TransitionRefused"]
    assert others(it, version) == TAGS


def test_it_can_be_displaced_all_the_same_and_stays_blocked(closing: Closing) -> None:
    """Another version takes its stage; what was displaced needs acknowledging still."""
    it, version = frozen_world(closing)
    it.tag(version, "owner", "eve")
    second = it.register("2", dict(TAGS))
    taken = promote(it, second)

    assert (taken.stage, state(it).stage) == ("Production", "Archived")
    assert state(it).drifted > 0
    assert not state(it).frozen


def test_a_tool_that_goes_on_editing_makes_few_records(closing: Closing) -> None:
    """One record names what it edits, one that it is left alone for an hour; then it goes on."""
    it, version = frozen_world(closing)
    for minute in range(240):
        it.clock.time += timedelta(minutes=1)
        it.tag(version, "scanned", str(minute))
        sweep(it.context)

    assert ["+ tag scanned: 0"] == changes(it)[0]
    assert len(changes(it)) == 2
    assert "four" not in others(it, version)


def test_what_waits_for_the_end_of_a_pause_is_put_back_then(closing: Closing) -> None:
    """An hour later the sweep puts back what the tool left."""
    it, version = frozen_world(closing)
    for count in range(5):
        it.tag(version, "scanned", str(count))
    paused = others(it, version)
    it.clock.time += timedelta(hours=1, minutes=1)
    sweep(it.context)

    assert paused == {**TAGS, "scanned": "4"}
    assert others(it, version) == TAGS


def test_further_parts_are_recorded_too(closing: Closing) -> None:
    """Another tag is another part, also before the first one is acknowledged."""
    it, version = frozen_world(closing)
    it.tag(version, "owner", "eve")
    it.tag(version, "team", "none")

    assert [["~ tag owner: ada → eve"], ["~ tag team: risk → none"]] == changes(it)
    assert state(it).drifted == records(it, "DriftFound")[0].number


def test_after_it_is_acknowledged_the_same_edit_counts_again(closing: Closing) -> None:
    """It is recorded anew, and blocks anew."""
    it, version = frozen_world(closing)
    it.tag(version, "owner", "eve")
    acknowledged(it, version)
    quiet = len(types(it))
    follow(it.context, Signal(version))
    assert quiet == len(types(it))
    it.tag(version, "owner", "eve")

    assert len(changes(it)) == 2
    assert state(it).drifted == records(it, "DriftFound")[1].number


def voted() -> Lifecycle:
    """Return the lifecycle in which risk votes on Production, which is frozen."""
    return freezing(lifecycle())


@pytest.mark.parametrize(
    ("person", "why"),
    [("tom", "only operators or risk or science"), ("bob", "nobody acknowledges their own edit")],
)
def test_who_may_not_acknowledge(person: str, why: str, closing: Closing) -> None:
    """Operators and whoever votes on the way there may, but for whoever is known to have edited."""
    it, version = frozen_world(closing, voted())
    it.registry.set_tag(version, "owner", "eve")
    it.registry.wrote(version, "mlflow:bob", it.clock.now())
    follow(it.context, Signal(version))
    with pytest.raises(DeniedError, match=why):
        acknowledged(it, version, person)

    assert acknowledged(it, version, "ada").kind == "acknowledged"


def test_whoever_edited_after_another_acknowledges_neither(closing: Closing) -> None:
    """One acknowledgement is of all edits before it: none of their authors may make it."""
    it, version = frozen_world(closing, voted())
    for tag, who in (("owner", "mlflow:bob"), ("team", "mlflow:ada")):
        it.clock.sleep(60)
        it.registry.set_tag(version, tag, "eve")
        it.registry.wrote(version, who, it.clock.now())
        follow(it.context, Signal(version))

    for person in ("bob", "ada"):
        with pytest.raises(DeniedError, match="nobody acknowledges their own edit"):
            acknowledged(it, version, person)
    assert acknowledged(it, version, "eve").kind == "acknowledged"


def test_somebody_unproven_acknowledges_nothing(closing: Closing) -> None:
    """Whose name stands there only because a registry says so is not known for certain."""
    it, version = frozen_world(closing)
    it.tag(version, "owner", "eve")
    claimed = Actor("person:eve", Attribution.INFERRED, "tag")
    with pytest.raises(DeniedError, match="sign in"):
        acknowledge(it.context, replace(said(it, version, "eve", "mine"), actor=claimed))


def test_what_cannot_be_acknowledged_is_refused_in_words(closing: Closing) -> None:
    """Without an edit, without a comment, or of a version that has further records by now."""
    it, version = frozen_world(closing)
    with pytest.raises(NotAllowedNowError, match="nothing was edited"):
        acknowledged(it, version)
    it.tag(version, "owner", "eve")
    with pytest.raises(InvalidInputError, match="comment"):
        acknowledge(it.context, said(it, version, "eve", " "))
    with pytest.raises(StaleError, match="you saw 1"):
        acknowledge(it.context, said(it, version, "eve", "mine", record=1))


def test_the_same_operation_acknowledges_once(closing: Closing) -> None:
    """It gets the same answer, however often it is sent."""
    it, version = frozen_world(closing)
    it.tag(version, "owner", "eve")
    command = said(it, version, "eve", "a script of ours")

    assert acknowledge(it.context, command) == acknowledge(it.context, command)
    assert types(it).count("Acknowledged") == 1


def test_an_approval_waits_until_an_edit_is_acknowledged(closing: Closing) -> None:
    """The vote that would grant is refused, and counts once it is acknowledged."""
    it, version = frozen_world(closing, voted())
    asked = promote(it, version, "Archived")
    it.tag(version, "owner", "eve")
    with pytest.raises(NotAllowedNowError, match="acknowledge it"):
        cast(it.context, asked.approval, "bob")
    acknowledged(it, version)

    assert cast(it.context, asked.approval, "bob").stage == "Archived"


def test_an_edit_that_the_last_vote_meets_voids_the_approval(closing: Closing) -> None:
    """Nothing is granted on what nobody was shown."""
    it, version = frozen_world(closing, voted())
    asked = promote(it, version, "Archived")
    it.registry.set_tag(version, "owner", "eve")
    answer = cast(it.context, asked.approval, "bob")

    assert (answer.status, answer.stage) == ("voided", "Production")
    assert "DriftFound" in types(it)
    assert others(it, version) == TAGS


def test_a_content_that_was_edited_in_place_begins_anew_and_is_blocked(closing: Closing) -> None:
    """It is recorded as an edit; the thing that it is now was never granted anything."""
    it, version = frozen_world(closing)
    before = it.registry.read(version)
    assert before is not None
    it.registry.register(version, before.created_at, content="elsewhere", author="mlflow:sam")
    follow(it.context, Signal(version))
    refused = promote(it, version, "Staging")
    acknowledged(it, version)

    assert types(it)[-6:] == [
        "DriftFound",
        "Deleted",
        "Violated",
        "Registered",
        "TransitionRefused",
        "Acknowledged",
    ]
    assert [[f"~ content: {before.content} → elsewhere"]] == changes(it)
    assert (refused.stage, it.registry.tags(version)["stage"]) == ("None", "None")
    assert promote(it, version, "Staging").stage == "Staging"


def test_what_was_deleted_and_registered_anew_is_no_edit(closing: Closing) -> None:
    """Another creation time is another thing, which nothing blocks."""
    it, _ = frozen_world(closing)
    it.clock.time += timedelta(minutes=1)
    it.register("1", {})

    assert types(it)[-3:] == ["Deleted", "Violated", "Registered"]
    assert state(it).drifted == 0


def test_what_stood_there_before_it_was_frozen_is_kept_at_the_next_look(closing: Closing) -> None:
    """And is forgotten where the stage is frozen no more."""
    it, _ = frozen_world(closing, unguarded())
    instance = context_over(it.rows, it.registry, it.clock, Mode.ENFORCE, governed_by=freezing())
    Scanner(instance).scan("demo")
    kept = state(it).frozen
    Scanner(it.context).scan("demo")

    assert kept
    assert not state(it).frozen


def test_what_is_displaced_to_a_frozen_stage_is_kept_as_its_tags_are_written(
    closing: Closing,
) -> None:
    """Nobody has read it for the decision: it is kept as it is read then."""
    plain = unguarded()
    archived = replace(plain.stages["Archived"], frozen=True)
    governed_by = replace(plain, stages={**plain.stages, "Archived": archived})
    it, version = frozen_world(closing, governed_by)
    promote(it, it.register("2"))
    it.tag(version, "owner", "eve")

    assert ["DriftFound"] == types(it)[-1:]
    assert others(it, version) == TAGS


def test_an_edit_between_the_grant_and_its_tags_is_found(closing: Closing) -> None:
    """What was granted is what was read for the decision, and not what is there at the write."""
    it, _ = frozen_world(closing, unguarded())
    promote(it, it.register("2"), "Staging")
    second = Version(IRIS, "2")
    instance = context_over(it.rows, it.registry, it.clock, Mode.ENFORCE, governed_by=freezing())

    def edit(call: str) -> None:
        if call == "write_tag":
            it.registry.before = lambda _: None
            it.registry.set_tag(second, "owner", "eve")

    it.registry.before = edit
    request_transition(instance, it.command(second, "Production"))
    follow(instance, Signal(second))

    assert [["+ tag owner: eve"]] == changes(it)
    assert "owner" not in it.registry.tags(second)


def test_a_crash_before_an_edit_is_put_back_loses_nothing(closing: Closing) -> None:
    """The sweep finishes it, whichever call of the registry was the last."""
    for calls in range(1, 5):
        it, version = frozen_world(closing)
        it.registry.set_tags(version, {"owner": "eve", "further": "1"})
        it.registry.describe(version, "the best")
        it.registry.fail_after(calls)
        with suppress(StagewardError):
            follow(it.context, Signal(version))
        it.registry.away = False
        it.registry.fail_after(-1)
        it.clock.time += timedelta(minutes=11)
        sweep(it.context)
        Scanner(it.context).scan("demo")
        shown = it.registry.read(version)

        assert len(changes(it)) == 1
        assert others(it, version) == TAGS
        assert shown is not None
        assert shown.description == "a classifier"


def test_a_signal_that_finds_nothing_costs_the_same(closing: Closing) -> None:
    """What is frozen is compared by its digest: nothing further is read from the ledger."""
    it, version = frozen_world(closing)
    plain, other = frozen_world(closing, unguarded())

    def cost(of: World, one: Version) -> int:
        of.registry.calls.clear()
        before = of.rows.trips
        follow(of.context, Signal(one))
        return of.rows.trips - before + len(of.registry.calls)

    assert cost(plain, other) == cost(it, version)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("owner", "team", "more", "description", "look", "scan", "later")),
            st.sampled_from(("ada", "eve", "")),
        ),
        max_size=14,
    )
)
@settings(max_examples=40, deadline=None)
def test_whatever_is_edited_in_whatever_order_is_put_back_in_the_end(
    course: list[tuple[str, str]],
) -> None:
    """And is recorded at most once a part, until somebody acknowledges."""
    it, version = frozen_world(lambda made: made)
    with closing_store(it.rows):
        for what, value in course:
            if what == "look":
                follow(it.context, Signal(version))
            elif what == "scan":
                Scanner(it.context).scan("demo")
            elif what == "later":
                it.clock.time += timedelta(minutes=7)
                sweep(it.context)
            elif what == "description":
                it.registry.describe(version, value)
            else:
                it.registry.set_tag(version, what, value)
        it.clock.time += timedelta(hours=2)
        Scanner(it.context).scan("demo")
        sweep(it.context)
        shown = it.registry.read(version)

        assert others(it, version) == TAGS
        assert shown is not None
        assert shown.description == "a classifier"
        assert len(changes(it)) <= 5
        assert bool(changes(it)) is bool(state(it).drifted)

"""What a registry's own server may store: what the ledger says, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.context import Context
from stage_functions.application.vote import VoteCommand, vote
from stage_functions.application.write_turns import AT_ONCE, turn
from stage_functions.application.writes import guarded, rule
from stage_functions.application.written import Guarded, Ruling, What, Write
from stage_functions.domain.approval import Decision, Status
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.configuration import Mirror, Mode, RegistryType, Source, StageEdits
from stage_functions.domain.error import (
    DeniedError,
    InvalidInputError,
    NotFoundError,
    RetryableError,
)
from stage_functions.domain.lifecycle import Lifecycle
from tests.application.mirror_world import changed, configured, move, types
from tests.builders import IRIS, World, actor, cast, lifecycle, unguarded, world

ONE = Version(IRIS, "1")
SERVER = actor("eve")


@pytest.fixture
def it() -> Iterator[World]:
    """A world with version 1 at None."""
    made = world()
    made.register("1")
    yield made
    made.rows.close()


def about(what: What, version: str = "1", **more: object) -> Write:
    """Return what somebody is about to write, whom the server does not know."""
    return Write(IRIS, what, SERVER, "an operation", version, **more)  # type: ignore[arg-type]


def rules(it: World, what: What, version: str = "1", **more: object) -> Ruling:
    """Ask whether it may be stored, as one more operation."""
    write = Write(IRIS, what, SERVER, it.clock.operation_id(), version, **more)  # type: ignore[arg-type]
    return rule(it.context, write)


def kept(it: World, **aliases: str) -> World:
    """Return a world whose registry keeps aliases at holders."""
    return configured(it, aliases=aliases)


def promoted(it: World, *numbers: str) -> None:
    """Let versions hold Production one after another."""
    for number in numbers:
        if number != "1":
            it.register(number)
        move(it, Version(IRIS, number), "Staging", "Production")


def test_a_stage_that_is_granted_at_once_may_be_stored(it: World) -> None:
    """The server's write was the request."""
    ruling = rules(it, What.STAGE, value="Staging", on_behalf_of="mlflow:sam")
    record = list(query.all_records(it.context, IRIS))[-1]

    assert ruling == Ruling(allowed=True, detail=f"{ONE}: None → Staging", stage="Staging")
    assert ("StageChanged", "person:sam") == (str(record.type), record.content["on_behalf_of"])
    assert "Staging" == it.registry.tags(ONE)["stage"]


def test_a_stage_that_waits_is_not_stored_and_the_approval_is_named(it: World) -> None:
    """Asked for again it is the same approval, and once that is given it may be stored."""
    move(it, ONE, "Staging")
    first = rules(it, What.STAGE, value="Production", on_behalf_of="mlflow:sam")
    again = rules(it, What.STAGE, value="Production", on_behalf_of="mlflow:sam")

    assert not first.allowed
    assert first == again
    assert first.detail == f"{ONE}: {it.registry.tags(ONE)['stage_status']}"
    assert f"pending approval {first.approval}, needs 1 of risk, 1 more of " in first.detail

    cast(it.context, first.approval, "ada")
    cast(it.context, first.approval, "bob")

    assert rules(it, What.STAGE, value="Production").allowed


def test_whom_it_is_asked_for_and_who_runs_the_server_do_not_approve_it(it: World) -> None:
    """The server is trusted to say who asks, and with nothing else."""
    move(it, ONE, "Staging")
    approval = rules(it, What.STAGE, value="Production", on_behalf_of="mlflow:bob").approval

    for person in ("bob", "eve"):
        with pytest.raises(DeniedError):
            cast(it.context, approval, person)


def test_a_request_of_nobody_needs_a_sponsor_and_no_vote_of_who_runs_the_server(
    it: World,
) -> None:
    """Whoever holds the server's token could have asked so."""
    move(it, ONE, "Staging")
    ruling = rules(it, What.STAGE, value="Production")
    found = query.approval(it.context, ruling.approval).approval

    assert "a sponsor" in ruling.detail
    assert ("", ("person:eve",)) == (found.requester.id, found.candidates)
    with pytest.raises(DeniedError):
        cast(it.context, ruling.approval, "eve")


def test_who_may_not_ask_may_not_by_the_server_either(it: World) -> None:
    """That who runs it may is no leave for everybody there."""
    plain = lifecycle()
    strict = replace(
        plain,
        transitions=tuple(
            replace(one, requesters=("risk",)) if one.target == "Staging" else one
            for one in plain.transitions
        ),
    )
    made = replace(it, context=_governed_by(it.context, strict))

    sam = rules(made, What.STAGE, value="Staging", on_behalf_of="mlflow:sam")
    nobody = rules(made, What.STAGE, value="Staging")
    bob = rules(made, What.STAGE, value="Staging", on_behalf_of="mlflow:bob")

    assert "refused: only risk may ask for None → Staging; you are not in it" in sam.detail
    assert "ask with `stageward promote`, signed in" in nobody.detail
    assert (False, False, True) == (sam.allowed, nobody.allowed, bob.allowed)


def test_a_refusal_says_why_and_what_is_allowed(it: World) -> None:
    """The words are those of every other way to ask."""
    ruling = rules(it, What.STAGE, value="Production", on_behalf_of="mlflow:sam")

    assert not ruling.allowed
    assert f"{ONE}: refused: None → Production is not allowed; allowed: Staging, Archived" == (
        ruling.detail
    )
    assert "TransitionRefused" == types(it)[-1]


def test_a_stage_that_displaces_says_whom(it: World) -> None:
    """The server has a field of its own to set for them, and asks what it is to say."""
    made = replace(it, context=_governed_by(it.context, unguarded()))
    for number in ("1", "2"):
        if number == "2":
            made.register(number)
        move(made, Version(IRIS, number), "Staging")
    move(made, ONE, "Production")
    kept_back = rules(made, What.STAGE, "2", value="Production", archive_existing_versions=False)
    ruling = rules(made, What.STAGE, "2", value="Production")

    assert "held by 1, which would be displaced" in kept_back.detail
    assert "archive_existing_versions=True lets it displace" in kept_back.detail
    assert (True, ("1",)) == (ruling.allowed, ruling.displaces)
    assert ["Archived", "Production"] == [
        rules(made, What.CONFIRM, number).stage for number in ("1", "2")
    ]


def test_the_same_operation_is_decided_once(it: World) -> None:
    """A server that asks again, since an answer was lost, gets it."""
    write = Write(IRIS, What.STAGE, SERVER, "one", "1", value="Production")
    first, records = rule(it.context, write), types(it)

    assert first == rule(it.context, write)
    assert records == types(it)


def test_a_version_that_was_not_heard_of_is_followed_first(it: World) -> None:
    """The server may ask before any hint has come."""
    it.registry.register(Version(IRIS, "2"), it.clock.now(), author="mlflow:sam")

    assert rules(it, What.STAGE, "2", value="Staging").allowed
    assert ["Registered", "StageChanged"] == types(it)[-2:]


def test_another_thing_of_the_same_number_is_not_taken_for_the_one_that_was_granted(
    it: World,
) -> None:
    """A model that was deleted and made anew has no stage, whatever the ledger knew."""
    move(it, ONE, "Staging")
    it.registry.remove(ONE)
    it.clock.sleep(5)
    made = it.clock.now()
    it.registry.register(ONE, made, author="mlflow:sam")
    created = int(made.timestamp() * 1000)

    ruling = rules(it, What.TAG, key="stage", value="Archived", created=created)

    assert ruling.allowed
    assert ["Deleted", "Violated", "Registered", "StageChanged"] == types(it)[-4:]


@pytest.mark.parametrize("key", ["stage", "stage_status", "stage_governor"])
def test_what_stageward_itself_would_show_may_be_stored(it: World, key: str) -> None:
    """Its own writing back needs no name."""
    shown = it.registry.tags(ONE)[key]

    assert rules(it, What.TAG, key=key, value=shown).allowed
    for other in ("x", "", None, f" {shown}"):
        ruling = rules(it, What.TAG, key=key, value=other)

        assert (False, True) == (ruling.allowed, ruling.governed)
        assert f"{ONE} stands at None: the tag {key} is Stageward's to write" in ruling.detail


def test_a_tag_that_a_database_would_take_for_stagewards_is_no_way_round(it: World) -> None:
    """Some compare without regard to case and to blanks at the end."""
    assert not rules(it, What.TAG, key="Stage ", value="Production").allowed
    assert not rules(it, What.CREATE, "", tags={"STAGE": "Production"}).allowed
    assert rules(it, What.TAG, key="owner", value="sam") == Ruling(allowed=True, governed=False)


def test_an_edit_of_the_stage_is_a_request_where_it_may_be(it: World) -> None:
    """Just updating the state works, and stores nothing that was not granted."""
    granted = rules(it, What.TAG, key="stage", value="Staging", on_behalf_of="mlflow:sam")
    pending = rules(it, What.TAG, key="stage", value="Production", on_behalf_of="mlflow:sam")

    assert (True, False) == (granted.allowed, pending.allowed)
    assert "pending approval" in pending.detail
    assert "Staging" == it.registry.tags(ONE)["stage"]


def test_an_edit_of_the_stage_is_only_refused_where_edits_are_drift(it: World) -> None:
    """The file says so: no request comes of it."""
    made = configured(it, stage_edits=StageEdits.DRIFT)
    records = types(it)

    assert not rules(made, What.TAG, key="stage", value="Staging").allowed
    assert records == types(it)


def test_tags_that_stand_for_stages_are_guarded_where_they_are_stagewards(it: World) -> None:
    """Which one is there says the stage, whatever its value."""
    made = configured(
        it,
        mirror_to=(Mirror.TAG, Mirror.PRESENCE),
        requests_from=(Source.TAG, Source.PRESENCE),
        presence={"Production": "prod"},
    )

    assert rules(made, What.TAG, key="none", value="anything").allowed
    assert not rules(made, What.TAG, key="none", value=None).allowed
    assert not rules(made, What.TAG, key="prod", value="true").allowed
    assert not rules(made, What.TAG, key="approval", value="prod-approved").allowed
    assert rules(made, What.TAG, key="staging", value="true").allowed
    assert not rules(made, What.CREATE, "", tags={"prod": "true"}).allowed
    assert rules(made, What.CREATE, "", tags={"none": "true", "stage": "None"}).allowed
    assert {"none", "staging", "prod", "archived", "approval"} < set(
        guarded(made.context, "demo").tags
    )


def test_an_alias_leads_to_the_holder_of_its_stage_or_nowhere(it: World) -> None:
    """A server may follow a promotion, and lead it."""
    made = kept(it, champion="Production")
    nobody_holds_it = rules(made, What.ALIAS, "", key="champion", value="1")
    promoted(it, "1")
    it.register("2")

    assert not nobody_holds_it.allowed
    assert "Production, and no version holds that" in nobody_holds_it.detail
    assert rules(made, What.ALIAS, "", key="champion", value="1").allowed
    for value in ("2", None):
        ruling = rules(made, What.ALIAS, "", key="champion", value=value)

        assert not ruling.allowed
        assert "kept at the holder of Production, which is version 1" in ruling.detail
    for value in ("1", "2", None):
        assert not rules(made, What.ALIAS, "", key="Champion", value=value).allowed
    assert not rules(made, What.ALIAS, "", key="other", value="2").governed


def test_an_alias_of_a_version_that_waits_says_what_for(it: World) -> None:
    """Whoever sets it finds the approval, as whoever sets the stage does."""
    made = kept(it, champion="")
    move(it, ONE, "Staging")
    asked = rules(it, What.STAGE, value="Production", on_behalf_of="mlflow:sam")
    ruling = rules(made, What.ALIAS, "", key="champion", value="1")

    assert (False, asked.approval) == (ruling.allowed, ruling.approval)
    assert f"; {ONE}: pending approval {asked.approval}, needs" in ruling.detail


def test_so_many_writes_are_decided_on_at_once_and_no_more(it: World) -> None:
    """What Stageward itself writes meanwhile waits for nobody, or none of them would ever end."""
    shown = it.registry.tags(ONE)["stage"]
    with ExitStack() as others:
        for _ in range(AT_ONCE):
            others.enter_context(turn())
        with pytest.raises(RetryableError, match="16 writes are decided on at once; ask again"):
            rules(it, What.STAGE, value="Staging")

        assert rules(it, What.TAG, key="stage", value=shown).allowed
    assert rules(it, What.STAGE, value="Staging").allowed


def test_an_alias_may_go_where_nobody_holds_its_stage(it: World) -> None:
    """Stageward takes it away itself."""
    assert rules(kept(it, champion=""), What.ALIAS, "", key="champion", value=None).allowed


def test_a_new_version_has_no_tag_of_stagewards_but_of_the_first_stage(it: World) -> None:
    """`stage_request` is people's."""
    assert rules(it, What.CREATE, "", tags={"stage": "None", "stage_request": "Staging"}).allowed
    for key in ("stage", "stage_status", "stage_governor"):
        ruling = rules(it, What.CREATE, "", tags={key: "Production"})

        assert f"a new version of {IRIS} begins at None: the tag {key} is" in ruling.detail
        assert not ruling.allowed


def test_a_version_is_deleted_where_its_stage_lets_it(it: World) -> None:
    """The words are those of the check."""
    before = rules(it, What.DELETE)
    move(it, ONE, "Staging")
    at_staging = rules(it, What.DELETE)
    move(it, ONE, "Archived")

    assert before.allowed
    assert not at_staging.allowed
    assert f"{ONE} stands at Staging, where nothing is deleted" in at_staging.detail
    assert rules(it, What.DELETE).allowed


def test_a_model_is_deleted_or_renamed_only_with_versions_that_may_be_deleted(it: World) -> None:
    """By another name they would leave their histories."""
    before = [rules(it, What.DELETE, ""), rules(it, What.RENAME, "", value="rose")]
    move(it, ONE, "Staging")
    after = [rules(it, What.DELETE, ""), rules(it, What.RENAME, "", value="rose")]

    assert [True, True] == [one.allowed for one in before]
    assert [False, False] == [one.allowed for one in after]
    assert f"{IRIS} is not renamed: by another name" in after[1].detail


def test_nothing_comes_under_a_governed_name_that_shows_what_was_not_granted(it: World) -> None:
    """A model that nobody watches may show what it will, as long as it stays so."""
    made = configured(it, watch=("models/iris*",))
    other = Asset("demo", Kind.MODELS, "rose")

    def renamed(value: str, *shows: str) -> Ruling:
        """Ask whether the other model may have another name."""
        operation = it.clock.operation_id()
        write = Write(other, What.RENAME, SERVER, operation, value=value, shows=shows)
        return rule(made.context, write)

    assert not renamed("tulip", "version 1 has the tag stage").governed
    assert renamed("iris2").allowed
    ruling = renamed("iris2", "version 1 has the tag stage")
    assert not ruling.allowed
    assert "versions begin at None, but version 1 has the tag stage" in ruling.detail


@pytest.mark.parametrize("what", list(What))
def test_what_is_not_governed_is_let_through(it: World, what: What) -> None:
    """Not watched, under no lifecycle, or in a registry that is only observed."""
    observed = world(Mode.OBSERVE)
    try:
        contexts = [
            changed(it.context, watch=("models/rose",)),
            changed(it.context, mode=Mode.OBSERVE),
            _governed_by(it.context, replace(lifecycle(), applies_to=("demo/data/*",))),
            observed.context,
        ]
        for context in contexts:
            write = about(what, key="stage", value="Production", tags={"stage": "Production"})

            assert rule(context, write) == Ruling(allowed=True, governed=False)
    finally:
        observed.rows.close()
    assert ["Registered"] == types(it)


def test_a_prompt_is_none_of_the_models_that_are_governed(it: World) -> None:
    """MLflow keeps both in one place; of a model that is known it is not believed."""
    prompt, made = Asset("demo", Kind.MODELS, "greeting"), kept(it, champion="")
    it.registry.register(Version(prompt, "1"), it.clock.now())

    def of_prompt(what: What, **more: object) -> Ruling:
        """Ask as a server does of a prompt."""
        operation = it.clock.operation_id()
        write = Write(prompt, what, SERVER, operation, "1", prompt=True, **more)  # type: ignore[arg-type]
        return rule(made.context, write)

    assert not of_prompt(What.TAG, key="stage", value="x").governed
    assert not of_prompt(What.ALIAS, key="champion", value="1").governed
    assert not of_prompt(What.CREATE, tags={"stage": "draft"}).governed
    assert not rules(it, What.TAG, key="stage", value="Production", prompt=True).allowed


def test_a_registry_that_was_stopped_lets_nothing_through(it: World) -> None:
    """It is governed, and nobody knows what is right until it is resolved."""
    it.context.states.suspect("demo", str(IRIS), "tags name another ledger", at_once=True)

    for what in (What.STAGE, What.TAG, What.ALIAS, What.CREATE, What.DELETE):
        ruling = rules(it, what, key="stage", value="Production")

        assert not ruling.allowed
        assert "stageward resolve demo" in ruling.detail


def test_only_an_mlflow_server_asks(it: World) -> None:
    """At Azure ML nobody can be asked beforehand."""
    azureml = changed(it.context, type=RegistryType.AZUREML)

    assert Guarded(("stage", "stage_status", "stage_governor"), ()) == guarded(it.context, "demo")
    with pytest.raises(InvalidInputError, match="no MLflow server"):
        guarded(azureml, "demo")
    with pytest.raises(InvalidInputError, match="no MLflow server"):
        rule(azureml, about(What.STAGE, value="Staging"))
    with pytest.raises(NotFoundError):
        guarded(it.context, "elsewhere")
    with pytest.raises(InvalidInputError):
        rules(it, What.TAG, "", key="stage", value="x")


STORED = st.one_of(
    st.tuples(st.just(What.STAGE), st.sampled_from(["None", "Staging", "Production", "Archived"])),
    st.tuples(
        st.just(What.TAG), st.sampled_from(["None", "Staging", "Production", "Archived", "x", None])
    ),
)


@given(
    steps=st.lists(st.tuples(st.sampled_from(["1", "2", "3"]), STORED, st.booleans()), max_size=12)
)
def test_a_server_never_shows_a_stage_that_the_ledger_has_not_granted(
    steps: list[tuple[str, tuple[What, str | None], bool]],
) -> None:
    """Whatever is written, in any order: what was stored last is what was granted, and one holds."""
    made = world()
    stored = dict.fromkeys(("1", "2", "3"), "None")
    try:
        for number in stored:
            made.register(number)
        for number, (what, value), votes in steps:
            ruling = rules(made, what, number, key="stage", value=value, on_behalf_of="mlflow:sam")
            if ruling.allowed and what is What.STAGE:
                stored[number] = value or ""
                for one in (*ruling.displaces, number):
                    stored[one] = rules(made, What.CONFIRM, one).stage
            if ruling.approval and votes:
                _approve(made, ruling.approval)
            states = made.context.ledger.versions(IRIS)
            assert all(shown in states[one].held for one, shown in stored.items())
    finally:
        made.rows.close()


def _approve(it: World, approval: str) -> None:
    for person in ("ada", "bob"):
        found = query.approval(it.context, approval).approval
        if found.at(it.clock.now()).status is not Status.OPEN:
            return
        operation = it.clock.operation_id()
        command = VoteCommand(
            approval, Decision.APPROVE, "", found.fingerprint, actor(person), operation
        )
        vote(it.context, command)


def _governed_by(context: Context, governing: Lifecycle) -> Context:
    """Return an instance with another lifecycle, adopted."""
    from stage_functions.application.adoption import adopt

    configuration = replace(context.configuration, lifecycles=(governing,))
    made = replace(context, configuration=configuration)
    adopt(made)
    return made

"""What loosens a protected lifecycle waits for a second person, whichever way it is made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.adoption import adopt, adopted, consent, refresh, waiting_for
from stage_functions.application.answer import AnswerKind
from stage_functions.application.context import Context
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.domain.chain import verify
from stage_functions.domain.error import (
    DeniedError,
    NotAllowedNowError,
    NotFoundError,
    StaleError,
)
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.people import Person
from stage_functions.domain.record import Json, Record
from tests.application.rules_world import (
    APPROVAL,
    law,
    lax,
    process,
    renamed,
    rules_world,
    types,
    unguarded,
    with_member,
)
from tests.builders import DIRECTORY, IRIS, World, actor

ADOPTED, PROPOSED = "LifecycleAdopted", "LifecycleProposed"


@pytest.fixture
def it() -> Iterator[World]:
    """A world that has adopted a protected lifecycle."""
    made = rules_world()
    yield made
    made.rows.close()


def records(it: World, name: str = "default") -> list[Record]:
    """Return the history of a lifecycle, which is whole."""
    found = it.context.ledger.records(keys.lifecycle_partition(name))
    assert verify(it.context.ledger.id, f"lifecycle:{name}", found) is None
    return found


def digest_in_force(context: Context) -> str:
    """Return the digest of what governs iris."""
    found = context.governing(IRIS)
    assert found is not None
    return found.digest


def _texts(found: Json) -> list[str]:
    assert isinstance(found, list)
    return [str(one) for one in found]


def agree(context: Context, name: str = "default", person: str = "bob") -> Record:
    """Consent to what waits, as it is."""
    return consent(context, name, waiting_for(context, name).digest, actor(person), "seen")


def test_the_first_protected_lifecycle_needs_nobody(it: World) -> None:
    """There is nothing yet that could be loosened."""
    assert [ADOPTED] == types(records(it))
    assert law().digest == digest_in_force(it.context)


def test_what_loosens_waits_and_what_was_in_force_decides(it: World) -> None:
    """The process starts, and still two must approve."""
    context = process(it, lax())
    version = it.register("1")
    request_transition(context, it.command(version, "Staging"))
    answer = request_transition(context, it.command(version, "Production"))
    (status,) = adopted(context)

    assert law().digest == digest_in_force(context) == status.digest == status.adopted
    assert AnswerKind.PENDING is answer.kind
    assert ("Staging → Production: approval: quorum: 1 must approve instead of 2",) == waiting_for(
        context, "default"
    ).loosens
    assert status.waiting == waiting_for(context, "default")
    assert [ADOPTED, PROPOSED] == types(records(it))


def test_a_proposal_is_recorded_once(it: World) -> None:
    """However often processes are started with it."""
    for _ in range(3):
        process(it, lax())

    *_, record = records(it)
    assert [ADOPTED, PROPOSED] == types(records(it))
    assert ["1 of risk"] == record.content["needs"]
    assert ["~ transitions[2].approval.quorum: 2 → 1"] == record.content["changes"]


def test_with_consent_it_is_in_force_in_every_process_within_a_sweep(it: World) -> None:
    """The record says who consented, to which proposal, and what it loosens."""
    context = process(it, lax())
    record = agree(context)
    before = digest_in_force(it.context)
    sweep(it.context)

    assert (law().digest, lax().digest) == (before, digest_in_force(it.context))
    assert lax().digest == digest_in_force(context)
    assert ("person:bob", "seen", 2) == (
        record.content["actor"]["id"],  # type: ignore[index, call-overload]  # an object
        record.content["comment"],
        record.content["proposed"],
    )
    assert record.content["loosens"]
    assert [ADOPTED, PROPOSED, ADOPTED] == types(records(it))


def test_what_tightens_takes_effect_at_once(it: World) -> None:
    """Nobody need consent to being asked for more."""
    stricter = law(bind=["team"])
    context = process(it, stricter)

    assert stricter.digest == digest_in_force(context)
    assert [ADOPTED, ADOPTED] == types(records(it))


def test_a_change_that_does_both_waits_as_a_whole(it: World) -> None:
    """Nothing of it is in force meanwhile."""
    context = process(it, lax(bind=["team"]))

    assert law().digest == digest_in_force(context)


def test_the_text_in_force_says_who_guards_it_not_the_new_one(it: World) -> None:
    """Whoever takes the guard out, or names another, must have consent as well."""
    for other in (law(protect_lifecycle=None), law(protect_lifecycle=["science"])):
        context = process(it, other)

        assert law().digest == digest_in_force(context)
        with pytest.raises(DeniedError):
            agree(context, person="sam")


def test_taking_the_change_out_of_the_file_withdraws_it(it: World) -> None:
    """There is nothing to consent to any more."""
    digest = waiting_for(process(it, lax()), "default").digest
    context = process(it, law())

    with pytest.raises(NotAllowedNowError, match="no change of the lifecycle default waits"):
        consent(context, "default", digest, actor("bob"))


def test_consent_is_given_to_what_was_seen(it: World) -> None:
    """A file that was exchanged meanwhile is another proposal."""
    seen = waiting_for(process(it, lax()), "default").digest
    context = process(it, unguarded())

    with pytest.raises(StaleError, match="look at it again"):
        consent(context, "default", seen, actor("bob"))
    assert law().digest == digest_in_force(context)


def test_nobody_else_consents(it: World) -> None:
    """Neither an operator, nor somebody of another group, nor to a lifecycle that is none."""
    context = process(it, lax())

    with pytest.raises(DeniedError, match="only a member of risk may consent to it"):
        agree(context, person="sam")
    with pytest.raises(NotFoundError, match="no lifecycle is called 'none'; there are: default"):
        waiting_for(context, "none")


def elsewhere(name: str = "wide") -> Lifecycle:
    """Return a lifecycle of another name that asks for nothing."""
    return unguarded(name=name, protect_lifecycle=None)


AROUND = {
    "before": (elsewhere(), law()),
    "narrowed": (law(applies_to=["demo/data/*"]), elsewhere()),
    "renamed": (law("other"),),
    "renamed and lax": (elsewhere("default2"),),
    "taken out": (elsewhere(),),
    "guarded by others": (
        unguarded(name="theirs", protect_lifecycle=["science"], applies_to=["demo/*/*"]),
        law(),
    ),
    "a part": (
        replace(elsewhere(), applies_to=("demo/models/ir*",), text={"name": "wide", "a": "part"}),
        law(),
    ),
}


@pytest.mark.parametrize("around", AROUND)
def test_a_protected_lifecycle_is_not_got_round(it: World, around: str) -> None:
    """By one before it, by narrowing it, by taking it out, or by calling it otherwise."""
    context = process(it, *AROUND[around])
    version = it.register("1")
    request_transition(context, it.command(version, "Staging"))
    answer = request_transition(context, it.command(version, "Production"))

    assert law().digest == digest_in_force(context)
    assert AnswerKind.PENDING is answer.kind
    assert waiting_for(context, "default").loosens


@pytest.mark.parametrize("around", AROUND)
def test_with_consent_another_may_govern(it: World, around: str) -> None:
    """The history of the protected one says so, and a further start has nothing to ask."""
    context = process(it, *AROUND[around])
    agree(context)
    again = process(it, *AROUND[around])

    found = context.governing(IRIS)
    assert found is not None
    assert AROUND[around][-1 if around == "narrowed" else 0].digest == digest_in_force(again)
    assert digest_in_force(context) == digest_in_force(again)
    with pytest.raises((NotAllowedNowError, NotFoundError)):
        waiting_for(again, "default")


def test_what_is_new_stays_behind_what_it_would_take_from(it: World) -> None:
    """However often processes are started; what waits is recorded once."""
    file = AROUND["guarded by others"]
    for _ in range(3):
        context = process(it, *file)
        assert ["default", "theirs"] == [one.name for one in context.lifecycles]

    assert [ADOPTED, PROPOSED] == types(records(it))
    assert [ADOPTED] == types(records(it, "theirs"))
    agree(context)
    assert ["theirs", "default"] == [one.name for one in process(it, *file).lifecycles]


def test_one_before_it_that_demands_as_much_needs_nobody(it: World) -> None:
    """It is guarded by the same group; what it governs from then on is recorded."""
    context = process(it, law("other", applies_to=["demo/models/*"]), law())
    found = context.governing(IRIS)

    assert found is not None
    assert "other" == found.name
    *_, record = records(it)
    assert ["+ before it: other demo/models/*"] == record.content["changes"]


def test_one_behind_it_or_elsewhere_needs_nobody() -> None:
    """It governs nothing that the protected one does."""
    narrow = law(applies_to=["demo/models/*"])
    made = rules_world(narrow)
    context = process(made, replace(elsewhere(), applies_to=("demo/data/*",)), narrow)

    assert narrow.digest == digest_in_force(context)
    assert (None, None) == tuple(one.waiting for one in adopted(context))
    made.rows.close()


def test_who_joins_the_guards_may_not_consent_by_that(it: World) -> None:
    """Whoever writes the file could name themselves; somebody who was a member before may."""
    joined = with_member("risk", "sam")
    context = process(it, lax(), directory=joined)

    with pytest.raises(DeniedError, match="whoever became a member of risk"):
        agree(context, person="sam")
    assert (
        "protect_lifecycle: person:sam may consent too" in waiting_for(context, "default").loosens
    )
    agree(context, person="bob")
    assert lax().digest == digest_in_force(context)
    agree(
        process(it, law(bind=[], transitions=unguarded().text["transitions"]), directory=joined),
        person="sam",
    )


def test_who_gets_a_further_id_may_not_consent_by_that(it: World) -> None:
    """Whoever writes the file could give a guard an id of their own."""
    people = {**DIRECTORY.people, "bob": Person("bob", "Bob", ("mlflow:bob", "mlflow:mallory"))}
    context = process(it, lax(), directory=replace(DIRECTORY, people=people))

    with pytest.raises(DeniedError, match="got a further id"):
        agree(context, person="bob")
    agree(context, person="ada")
    assert lax().digest == digest_in_force(context)


def test_who_leaves_the_guards_consents_no_more(it: World) -> None:
    """That takes effect at once, is recorded, and coming back takes consent."""
    fewer = replace(DIRECTORY, groups={**DIRECTORY.groups, "risk": ("ada", "eve")})
    context = process(it, lax(), directory=fewer)
    with pytest.raises(DeniedError, match="only a member of risk"):
        agree(context, person="bob")
    process(it, law(), directory=fewer)
    *_, record = records(it)
    back = process(it, law())

    assert [
        "- in risk: person:bob mlflow:bob",
        "- may consent: person:bob mlflow:bob",
    ] == record.content["changes"]
    assert ("protect_lifecycle: person:bob may consent too",) == waiting_for(
        back, "default"
    ).loosens


def test_who_comes_to_decide_is_recorded(it: World) -> None:
    """Whoever the file lets vote votes at once; the history says since when, and by which ids."""
    process(it, law())
    people = {**DIRECTORY.people, "sam": Person("sam", "Sam", ("mlflow:sam", "mlflow:mallory"))}
    groups = {**DIRECTORY.groups, "science": ("sam", "ada", "bob")}
    more = replace(DIRECTORY, people=people, groups=groups, operators=("eve", "sam"))
    process(it, law(), directory=more)
    process(it, law(), directory=more)
    first, record = records(it)

    assert [] == first.content["changes"]
    assert {
        "+ in science: person:bob mlflow:bob",
        "+ in operators: person:sam mlflow:mallory, mlflow:sam",
        "+ in science: person:sam mlflow:mallory, mlflow:sam",
        "- in science: person:sam mlflow:sam",
    } == set(_texts(record.content["changes"]))


def test_who_joins_where_all_guards_have_left_is_no_guard(it: World) -> None:
    """Two changes of the file, of which neither loosens, would make its writer one."""
    process(it, law(), directory=replace(DIRECTORY, groups={**DIRECTORY.groups, "risk": ()}))
    mine = replace(DIRECTORY, groups={**DIRECTORY.groups, "risk": ("sam",)})
    context = process(it, lax(), directory=mine)

    with pytest.raises(DeniedError, match="whoever became a member of risk"):
        agree(context, person="sam")
    assert (
        "protect_lifecycle: person:sam may consent too" in waiting_for(context, "default").loosens
    )


def at(start: dict[str, Json], *ways: dict[str, Json], **changes: Json) -> Lifecycle:
    """Return the protected lifecycle with stages that nothing is deployed from, and these ways."""
    out: list[Json] = [
        {"from": "None", "to": "Archived"},
        {"from": "Production", "to": "Archived"},
    ]
    return law(stages=start, transitions=[*out, *ways], **changes)


PLAIN: dict[str, Json] = {
    "None": {"initial": True},
    "Staging": {},
    "Production": {"exclusive": True, "displaced_to": "Archived"},
    "Archived": {"terminal": True},
}

STAGED: dict[str, Json] = {"from": "None", "to": "Staging", "requesters": ["science"]}
SENT: dict[str, Json] = {"from": "Staging", "to": "Production", "approval": APPROVAL}


@pytest.mark.parametrize(
    "free",
    [
        [STAGED, {"from": "Staging", "to": "Production"}],
        [{"from": "None", "to": "Staging"}, SENT],
        [STAGED, {**SENT, "approval": {"quorum": 1, "groups": {"risk": 1}}}],
    ],
)
def test_a_way_that_was_taken_out_does_not_come_back_demanding_less(
    free: list[dict[str, Json]],
) -> None:
    """Taking it out loosens nothing, and so it must not be forgotten what it demanded."""
    made = rules_world(at(PLAIN, STAGED, SENT))
    process(made, at(PLAIN))
    context = process(made, at(PLAIN, *free))
    waits = waiting_for(context, "default")
    agree(context)
    again = adopted(process(made, at(PLAIN, *free)))
    made.rows.close()

    assert any("to which none led" in one for one in waits.loosens)
    assert (None,) == tuple(one.waiting for one in again)


def test_a_name_that_was_guarded_is_not_given_to_a_stage_that_is_not(it: World) -> None:
    """What asks for Production by name would take for approved what nobody approved."""
    process(it, renamed())
    text: dict[str, Any] = dict(renamed().text)
    stages: Json = {**text["stages"], "Production": {}}
    ways: Json = [*text["transitions"], {"from": "None", "to": "Production"}]
    context = process(it, renamed(stages=stages, transitions=ways, renamed={}))

    assert any("Production" in one for one in waiting_for(context, "default").loosens)
    back = process(it, law(renamed={"Testing": "Staging", "Live": "Production"}))
    it.clock.sleep(3700)
    assert all(not one.waiting or not one.waiting.loosens for one in adopted(back))


def test_guards_whom_entra_names_may_consent(it: World) -> None:
    """By the app roles that were named when the text was adopted, and not by others."""
    named = replace(DIRECTORY, entra={"risk": ("Risk.Officer",)})
    agree(process(it, law(), directory=named))
    context = process(it, lax(), directory=named)
    officer = replace(
        context,
        configuration=replace(
            context.configuration, directory=named.claiming("oid:1", ["Risk.Officer"])
        ),
    )
    someone = replace(actor("bob"), id="oid:1")
    waits = waiting_for(officer, "default")
    record = consent(officer, "default", waits.digest, someone)

    assert ADOPTED == str(record.type)


def test_a_copy_is_no_way_past_approval() -> None:
    """A lifecycle that copies versions to guarded stages waits for those who guard them."""
    guarded = law(applies_to=["prod/*/*"])
    made = rules_world(guarded)
    ways = [{"from": "None", "to": "Production", "copy_to": "prod"}]
    feeder = law("dev", applies_to=["dev/*/*"], transitions=ways, protect_lifecycle=None)
    context = process(made, feeder, guarded)
    waits = waiting_for(context, "dev")

    assert (guarded.name,) == tuple(one.name for one in context.lifecycles)
    assert (
        "None → Production copies versions to prod, which default lets in only with approval",
    ) == waits.loosens
    assert {"dev": "", "default": guarded.digest} == {
        one.name: one.digest for one in adopted(context)
    }
    process(made, feeder, guarded)
    assert [PROPOSED] == types(records(made, "dev"))
    agree(context, "dev")
    assert ["dev", "default"] == [one.name for one in context.lifecycles]
    made.rows.close()


def test_an_older_file_that_is_started_again_meanwhile_follows(it: World) -> None:
    """An update may be rolling; after a while, or when an operator says so, it is meant."""
    newer = law(forward_only=True)
    process(it, newer)
    straggler = process(it, law())

    assert newer.digest == digest_in_force(straggler)
    assert () == waiting_for(straggler, "default").loosens
    with pytest.raises(DeniedError, match="only operators"):
        agree(straggler, person="bob")
    it.clock.sleep(timedelta(hours=1, minutes=1).total_seconds())
    assert law().digest == digest_in_force(process(it, law()))


def test_an_operator_says_that_an_older_text_is_meant(it: World) -> None:
    """What it loosens waits for its guards all the same."""
    process(it, law(forward_only=True))
    straggler = process(it, law())
    agree(straggler, person="eve")
    assert law().digest == digest_in_force(straggler)
    process(it, law(bind=["team"]))
    it.clock.sleep(4000)
    looser = process(it, law())

    assert law().digest != digest_in_force(looser)
    assert ("bind: approvals are no longer bound to tags that fit team",) == waiting_for(
        looser, "default"
    ).loosens


def test_two_processes_that_consent_at_once_adopt_once(it: World) -> None:
    """Whoever loses the race finds nothing that waits."""
    first, second = process(it, lax()), process(it, lax())
    digest = waiting_for(first, "default").digest
    it.rows.meanwhile = lambda: agree(second, person="ada")

    with pytest.raises(NotAllowedNowError):
        consent(first, "default", digest, actor("bob"))
    assert [ADOPTED, PROPOSED, ADOPTED] == types(records(it))


@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_reply_proposes_once(it: World, *, applied: bool) -> None:
    """Whether the batch was applied or not."""
    it.rows.losses = [applied]
    process(it, lax())

    assert [ADOPTED, PROPOSED] == types(records(it))


def test_what_is_read_of_a_ledger_that_is_away_stays_in_force(it: World) -> None:
    """The next sweep reads it again."""
    process(it, law(bind=["team"]))
    refresh(it.context)
    assert law(bind=["team"]).digest == digest_in_force(it.context)
    adopt(it.context)
    assert law(bind=["team"]).digest == digest_in_force(it.context)


def test_a_draft_has_its_own_lifecycles(it: World) -> None:
    """What is only tried is no text in force."""
    draft = replace(
        it.context,
        configuration=replace(it.context.configuration, lifecycles=(lax(),)),
        draft=True,
    )

    assert lax().digest == digest_in_force(draft)
    refresh(draft)
    assert law().digest == digest_in_force(it.context)

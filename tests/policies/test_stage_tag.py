"""Only the governor writes what shows a stage: each request that is allowed, each that is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.domain.asset import Kind
from stage_functions.wire.policy_definitions import STAGE_TAG, definitions
from tests.policies.requests import ABSENT, OPEN, OTHERS, STAGES, by, policy, tagged, version

KINDS = pytest.mark.parametrize("kind", list(Kind))
WHO = pytest.mark.parametrize("who", list(OTHERS))
PREVENTING = policy(STAGE_TAG)
RESERVING = policy(STAGE_TAG, reservedTags=["staging", "prod", "approval"])


@KINDS
@pytest.mark.parametrize("stage", [*STAGES, "Unregistered", "anything"])
def test_the_governor_writes_every_stage(kind: Kind, stage: str) -> None:
    """Whatever it has granted."""
    assert PREVENTING.evaluate(tagged(stage, kind), request_context=by("the governor")) is None


@KINDS
@WHO
@pytest.mark.parametrize("stage", [*STAGES, "Unregistered", "anything", ""])
def test_others_write_the_first_stage_alone(kind: Kind, who: str, stage: str) -> None:
    """None is where versions are registered; all else has to be granted."""
    found = PREVENTING.evaluate(tagged(stage, kind), request_context=by(who))

    assert (None if stage == OPEN else "deny") == found


@KINDS
@WHO
@pytest.mark.parametrize("tags", [ABSENT, None, {}, {"team": "a"}, {"stage_request": "Production"}])
def test_without_the_tag_anybody_writes(kind: Kind, who: str, tags: object) -> None:
    """Who registers a version, or asks by a tag of a new one, shows no stage."""
    assert PREVENTING.evaluate(version(kind, tags=tags), request_context=by(who)) is None


@KINDS
@pytest.mark.parametrize("key", ["stage", "Stage", "STAGE"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("none", None),
        ("NONE", None),
        ("production", "deny"),
        ("Production ", "deny"),
        (" None", "deny"),
        ("None,Production", "deny"),
        pytest.param(None, "deny", id="null"),
    ],
)
def test_case_does_not_count_and_all_else_does(
    kind: Kind, key: str, value: str | None, expected: str | None
) -> None:
    """A stage that is written in another way is none that is open."""
    found = PREVENTING.evaluate(version(kind, tags={key: value}), request_context=by("a person"))

    assert expected == found


@WHO
def test_a_description_of_a_granted_version_is_not_changed_by_a_whole_write(who: str) -> None:
    """The tag goes along with it, and Azure does not see that it was there before."""
    changed = tagged("Staging")
    changed["properties"]["description"] = "better words"

    assert "deny" == PREVENTING.evaluate(changed, request_context=by(who))


@WHO
def test_leaving_the_tag_out_or_lowering_it_is_not_denied(who: str) -> None:
    """That is what it cannot stop: Stageward writes the tag again."""
    lowered = tagged(OPEN)
    without = tagged("Production")
    del without["properties"]["tags"]["stage"]

    assert PREVENTING.evaluate(lowered, request_context=by(who)) is None
    assert PREVENTING.evaluate(without, request_context=by(who)) is None


@KINDS
@pytest.mark.parametrize("key", ["staging", "prod", "approval", "PROD"])
def test_reserved_tags_are_the_governors(kind: Kind, key: str) -> None:
    """Whatever their value: their keys say the stage."""
    asked = version(kind, tags={key: "false", "none": "true"})

    assert "deny" == RESERVING.evaluate(asked, request_context=by("a person"))
    assert RESERVING.evaluate(asked, request_context=by("the governor")) is None
    assert PREVENTING.evaluate(asked, request_context=by("a person")) is None


def test_with_the_governor_tag_reserved_nobody_else_writes_a_governed_version() -> None:
    """Which makes it unchangeable at its first stage too, while the tag is sent along."""
    closed = policy(STAGE_TAG, reservedTags=["stage_governor"])

    assert "deny" == closed.evaluate(tagged(OPEN), request_context=by("a person"))
    assert closed.evaluate(tagged(OPEN), request_context=by("the governor")) is None
    assert closed.evaluate(version(tags={"a": "b"}), request_context=by("a person")) is None


def test_more_stages_can_be_opened() -> None:
    """Then whoever may write versions changes those at Staging, and says Staging of others."""
    open_ = policy(STAGE_TAG, openStages=["None", "Staging"])

    assert open_.evaluate(tagged("Staging"), request_context=by("a person")) is None
    assert "deny" == open_.evaluate(tagged("Production"), request_context=by("a person"))


def test_more_identities_can_be_approved() -> None:
    """Such as one for emergencies."""
    person = str(OTHERS["a person"]["oid"])
    more = policy(STAGE_TAG, approvedObjectIds=[person.upper()])

    assert more.evaluate(tagged("Production"), request_context=by("a person")) is None
    assert "deny" == more.evaluate(tagged("Production"), request_context=by("the governor"))


@pytest.mark.parametrize(
    "asked",
    [
        version(tags={"stage": "Production"}, workspace="other"),
        {**tagged("Production"), "type": "Microsoft.MachineLearningServices/workspaces/models"},
        {
            **tagged("Production"),
            "type": "Microsoft.MachineLearningServices/registries/models/versions",
        },
        {**version(), "tags": {"stage": "Production"}},
    ],
    ids=["another workspace", "the asset itself", "a registry", "tags of the resource itself"],
)
def test_what_it_is_not_about_is_let_be(asked: dict[str, object]) -> None:
    """A version's tags are among its properties, and only governed workspaces are named."""
    assert PREVENTING.evaluate(asked, request_context=by("a person")) is None


def test_it_can_be_about_some_kinds_and_names() -> None:
    """As the lifecycle says, but for case."""
    some = policy(
        STAGE_TAG,
        names=["fraud-*", "iris"],
        exceptNames=["*-test"],
        resourceTypes=["Microsoft.MachineLearningServices/workspaces/models/versions"],
    )
    person, tags = by("a person"), {"stage": "Production"}
    denied = [
        name
        for name in ("fraud-eu", "Fraud-eu", "fraud-test", "iris", "iris2", "my-fraud-eu")
        if some.evaluate(version(name=name, tags=tags), request_context=person)
    ]

    assert ["fraud-eu", "Fraud-eu", "iris"] == denied
    assert some.evaluate(version(Kind.DATA, tags=tags), request_context=person) is None


def test_it_watches_before_it_prevents() -> None:
    """The effect is a parameter, whose default changes nothing."""
    watching = policy(STAGE_TAG, effect="audit")
    off = policy(STAGE_TAG, effect="disabled")
    properties = definitions()[STAGE_TAG]["properties"]

    assert isinstance(properties, dict)
    assert "audit" == properties["parameters"]["effect"]["defaultValue"]
    assert "audit" == watching.evaluate(tagged("Staging"), request_context=by("a person"))
    assert off.evaluate(tagged("Staging"), request_context=by("a person")) is None


_keys = st.one_of(
    st.sampled_from(["stage", "Stage", "stage_request", "prod", "PROD", "approval", "none"]),
    st.text(max_size=8),
)
_values = st.one_of(st.sampled_from([*STAGES, "none", ""]), st.text(max_size=12))


@given(
    kind=st.sampled_from(list(Kind)),
    who=st.sampled_from(["the governor", *OTHERS]),
    tags=st.dictionaries(_keys, _values, max_size=6),
)
def test_it_denies_what_it_says_whatever_the_tags(
    kind: Kind, who: str, tags: dict[str, str]
) -> None:
    """No text in a tag makes it deny more, or less, or fail."""
    if 1 < sum(key.casefold() == "stage" for key in tags):
        tags.pop("Stage")  # which of two is meant is for Azure to say
    shown = [value for key, value in tags.items() if key.casefold() == "stage"]
    outside = any(value.casefold() != OPEN.casefold() for value in shown)
    reserved = {"staging", "prod", "approval"} & {key.casefold() for key in tags}
    expected = "deny" if who != "the governor" and (outside or reserved) else None

    assert expected == RESERVING.evaluate(version(kind, tags=tags), request_context=by(who))


_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    resource=st.fixed_dictionaries(
        {"type": st.sampled_from(["Microsoft.Storage/storageAccounts", "a/b", ""])},
        optional={
            "id": st.text(alphabet="ab/.[]'", max_size=40),
            "tags": _json,
            "properties": _json,
        },
    )
)
def test_nothing_else_in_the_group_is_touched(resource: dict[str, object]) -> None:
    """An evaluation that fails denies, even where it only watches: so none may fail on others."""
    assert RESERVING.evaluate(resource, request_context=by("a person")) is None

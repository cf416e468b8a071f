"""A draft of the configuration, tried before it governs anything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stage_functions.application.checks import Action
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Version
from stage_functions.domain.error import DeniedError
from stage_functions.domain.people import Actor, Attribution
from stage_functions.web.drafts import MAX_DRAFT_CHARACTERS, under
from tests.api_server import Api
from tests.builders import IRIS, World, world

FIRST = "/api/v1/assets/demo/models/iris/versions/1/checks"
DRAFT = """
version: 1
registries: [{alias: demo, type: mlflow, address: "${NOWHERE}"}]
people: {sam: {name: Sam}, zoe: {name: Zoe}}
groups: {science: [zoe]}
lifecycles:
  - name: draft
    applies_to: ["*/*/*"]
    stages: {None: {initial: true}, Ready: {}, Staging: {}}
    rules:
      measured: {cel: "evidence.metrics.accuracy >= 0.9", says: it is accurate}
      soaked: {cel: "now - in_stage_since >= duration('0s')", says: it has stood there}
    transitions:
      - {from: None, to: Ready, rules: [measured, soaked]}
      - {from: None, to: Staging, rules: [soaked]}
      - {from: Staging, to: Ready, requesters: [science]}
"""


@pytest.fixture
def it() -> Iterator[World]:
    """A world with a version at None."""
    made = world()
    made.register("1")
    yield made
    made.rows.close()


def test_a_draft_is_tried_on_what_is_there_and_nothing_is_kept(it: World, api: Api) -> None:
    """Its rules are asked, and each says what it saw; registries and ledger are the server's."""
    before = it.context.ledger.load(IRIS)
    sam = api.client("sam")

    refused = sam.post(FIRST, json={"action": "transition", "to": "Ready", "configuration": DRAFT})
    granted = sam.post(
        FIRST, json={"action": "transition", "to": "Staging", "configuration": DRAFT}
    )
    present = sam.post(FIRST, json={"action": "transition", "to": "Ready"})

    assert [(one["rule"], one["result"]) for one in refused.json()["verdicts"]] == [
        ("measured", "errored"),
        ("soaked", "passed"),
    ]
    assert "evidence.metrics.accuracy is not recorded" in refused.json()["detail"]
    assert granted.json()["allowed"] is True
    assert set(granted.json()["verdicts"][0]["values"]) == {
        "now - in_stage_since",
        "in_stage_since + duration('0s')",
    }
    assert "'Ready' is no stage of the lifecycle default" in present.json()["detail"]
    assert it.context.ledger.load(IRIS) == before


def test_groups_are_the_drafts_and_the_caller_stays_who_they_are(it: World, api: Api) -> None:
    """Sam is of science now, and would not be under the draft."""
    request_transition(it.context, it.command(it.register("1"), "Staging"))
    body = {"action": "transition", "to": "Ready", "configuration": DRAFT}

    answer = api.client("sam").post(FIRST, json=body).json()

    assert "only science may ask for Staging → Ready; you are not in it" in answer["detail"]


@pytest.mark.parametrize(
    ("draft", "said"),
    [
        ("", "1 fault in draft\ndraft:1:1: the file is empty"),
        (
            DRAFT.replace("accuracy", "accuracy >"),
            "draft:11:23: rule measured: it does not compile",
        ),
        (
            DRAFT.replace(".metrics", ".metric"),
            "draft:11:23: rule measured: evidence has no 'metric'",
        ),
        (DRAFT.replace("None: {initial: true}, ", ""), "one stage must be initial; none is"),
        ("#" * (MAX_DRAFT_CHARACTERS + 1), "at most 200000 are kept"),
        (DRAFT.replace('"*/*/*"', '"other/*/*"'), "'other' matches no registry; there are demo"),
    ],
)
def test_faults_of_a_draft_are_told_with_their_places(api: Api, draft: str, said: str) -> None:
    """422, as the loader says it of a file."""
    body = {"action": "transition", "to": "Ready", "configuration": draft}
    answer = api.client("sam").post(FIRST, json=body)

    assert answer.status_code == 422
    assert said in answer.json()["detail"]


@pytest.mark.parametrize("action", ["deploy", "delete"])
def test_a_draft_is_tried_on_a_transition_alone(api: Api, action: str) -> None:
    """A gate answers by what is in force."""
    body = {"action": action, "endpoint": "a/b", "configuration": DRAFT}
    answer = api.client("sam").post(FIRST, json=body)

    assert (answer.status_code, "on nothing else" in answer.json()["detail"]) == (422, True)


def test_only_people_of_the_configuration_try_drafts(it: World) -> None:
    """Whoever is signed in but nobody here may not let the server work for them."""
    stranger = Actor("upn:stranger@example.org", Attribution.PROVEN, "api")

    with pytest.raises(DeniedError, match="only a known person may try a draft"):
        under(it.context, stranger, Action.TRANSITION, DRAFT)


def test_an_asset_that_the_draft_does_not_govern_is_not_found(api: Api) -> None:
    """And the configuration is where to look."""
    draft = DRAFT.replace('"*/*/*"', '"*/data/*"')
    body = {"action": "transition", "to": "Ready", "configuration": draft}
    answer = api.client("sam").post(FIRST, json=body)

    assert answer.status_code == 404
    assert "no lifecycle governs demo/models/iris" in answer.json()["detail"]


def test_a_draft_says_its_own_demands_and_names_what_is_open_beside_them(
    it: World, api: Api
) -> None:
    """Whose approval is open was asked of the configuration in force, with its groups."""
    request_transition(it.context, it.command(Version(IRIS, "1"), "Staging"))
    asked = request_transition(it.context, it.command(Version(IRIS, "1"), "Production"))
    approval = "approval: {groups: {judges: 1}, quorum: 1}"
    draft = DRAFT.replace("science: [zoe]", "judges: [zoe]").replace("Ready", "Production")
    draft = draft.replace("requesters: [science]", approval)
    body = {"action": "transition", "to": "Production", "configuration": draft}

    answer = api.client("sam").post(FIRST, json=body).json()

    assert (
        "Staging → Production needs approval: 1 of judges; excluded: the requester and the author; "
        f"approval {asked.approval} of it is open now, which the draft does not change"
    ) == answer["detail"]

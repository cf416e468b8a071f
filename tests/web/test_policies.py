"""Definitions of Azure Policy on pages, and in drafts that are tried."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.domain.asset import Version
from tests.api_server import Api, api_over
from tests.brief_world import empty_world, people_of
from tests.builders import IRIS, World
from tests.policies_as_rules import FILE, FILES, OWNER
from tests.web.pages.conftest import looked_at

ONE = Version(IRIS, "1")
CHECKS = "/api/v1/assets/demo/models/iris/versions/1/checks"
TITLE = (
    "Azure Policy 'Models in protected stages name an owner' of policies/owner.json, effect deny"
)


@pytest.fixture
def it() -> Iterator[World]:
    """A world with version 1, which names no owner, and that is governed by no definition."""
    plain = FILE.replace("azure_policy: policies/owner.json", 'cel: "true"')
    made = empty_world(plain.replace("        parameters: {effect: deny}\n", ""))
    made.registry.register(ONE, made.clock.now(), tags={"team": "risk"}, author="mlflow:ada")
    follow(made.context, Signal(ONE))
    yield made
    made.rows.close()


def tried(api: Api, draft: str, definitions: object = None) -> httpx.Response:
    """Try a draft on the transition to Staging."""
    body = {"action": "transition", "to": "Staging", "configuration": draft}
    more = {} if definitions is None else {"definitions": definitions}
    return api.client("ada").post(CHECKS, json={**body, **more})


def test_a_draft_brings_its_definitions(it: World, api: Api) -> None:
    """They are tried on what is there, and nothing is kept."""
    before = it.context.ledger.load(IRIS)
    answer = tried(api, FILE, FILES)

    assert (200, False, "refused") == (
        answer.status_code,
        answer.json()["allowed"],
        answer.json()["outcome"],
    )
    assert "effect = deny" in answer.json()["detail"]
    assert before == it.context.ledger.load(IRIS)


def test_a_definition_may_be_written_in_the_draft(api: Api) -> None:
    """Then there is no file to send."""
    written = FILE.replace("policies/owner.json", json.dumps(OWNER))
    answer = tried(api, written)

    assert (200, False) == (answer.status_code, answer.json()["allowed"])


@pytest.mark.parametrize(
    ("draft", "definitions", "said"),
    [
        (
            FILE,
            None,
            "draft:18:23: rule owned: policies/owner.json: it was not sent with the draft",
        ),
        (
            FILE,
            {"owner.json": "{}"},
            "policies/owner.json: it was not sent with the draft; send its",
        ),
        (FILE, {"policies/owner.json": "{"}, "policies/owner.json: it is not JSON"),
        (
            FILE.replace("policies/owner.json", "/etc/passwd"),
            {"/etc/passwd": "{}"},
            "the folder of",
        ),
        (FILE.replace("policies/owner.json", "stageward.yaml"), None, "it was not sent with"),
        (FILE, {"policies/owner.json": 3}, "definitions"),
        (FILE, ["policies/owner.json"], "definitions"),
    ],
)
def test_no_path_of_a_draft_is_one_of_the_server(
    api: Api, draft: str, definitions: object, said: str
) -> None:
    """What does not come with it is not there, and is told as such."""
    answer = tried(api, draft, definitions)

    assert 422 == answer.status_code
    assert said in answer.json()["detail"]


@pytest.fixture
def governed() -> Iterator[Api]:
    """The API over a world that a definition governs, with an approval that waits."""
    made = empty_world(files=FILES, file=FILE)
    made.registry.register(ONE, made.clock.now(), tags={"owner": "<b>risk"}, author="mlflow:ada")
    follow(made.context, Signal(ONE))
    made.registry.register(Version(IRIS, "2"), made.clock.now(), author="mlflow:ada")
    follow(made.context, Signal(Version(IRIS, "2")))
    for target in ("Staging", "Production"):
        wish = TransitionRequest(
            ONE, target, "because", people_of("ada"), made.clock.operation_id()
        )
        answer = request_transition(made.context, wish)
    assert answer.approval
    with api_over(made) as running:
        yield running
    made.rows.close()


def test_the_page_of_a_lifecycle_names_the_definition_and_shows_it(governed: Api) -> None:
    """Name, file and effect; its text behind them."""
    text = looked_at(governed, "/lifecycles/default", "rosa", 200).text

    assert TITLE in text
    assert '"notContainsKey": "owner"' in text
    assert '"effect": "deny"' in text
    assert "now >= in_stage_since" in text


def test_the_brief_names_the_definition_and_what_it_read(governed: Api) -> None:
    """Approvers need no other page."""
    (one,) = governed.client("rosa").get("/api/v1/approvals").json()["approvals"]
    text = looked_at(governed, f"/approvals/{one['id']}", "rosa", 200).text

    assert f"Rule owned: {TITLE}" in text
    assert "effect = none, it does not match" in text
    assert '{"owner": "<b>risk", "stage": "Production"}' in text
    assert "The rule as it is written" in text
    assert '"notContainsKey": "owner"' in text


def test_the_api_has_the_whole_definition(governed: Api) -> None:
    """As it decides, in place of its path."""
    (one,) = governed.client("rosa").get("/api/v1/lifecycles").json()["lifecycles"]

    assert OWNER == one["text"]["rules"]["owned"]["azure_policy"]
    assert "policies/owner.json" == one["text"]["rules"]["owned"]["file"]


def test_a_page_says_once_what_a_definition_refused(governed: Api) -> None:
    """And the rules that passed below it; on a narrow screen no names of types as long."""
    page = "/assets/demo/models/iris/versions/2"
    hidden = {
        one["name"]: one["value"]
        for one in looked_at(governed, page, "ada", 200).all("input")
        if one["type"] == "hidden"
    }
    wish = {**hidden, "to": "Staging", "reason": "because"}
    with httpx.Client(base_url=governed.address, headers={"Authorization": "Bearer ada"}) as client:
        answer = client.post(f"{page}/requests", data=wish)
    notice = answer.text.partition('role="alert"')[2].partition("</div>")[0]

    assert 409 == answer.status_code
    assert 1 == notice.count("owned failed")
    assert 1 == notice.count("soaked passed")
    assert "Microsoft.MachineLearningServices" not in notice

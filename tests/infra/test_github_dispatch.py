"""The Logic App that starts a workflow of GitHub: run on events that Stageward really publishes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from stage_functions.application.transition import request_transition
from stage_functions.wire.cloudevent import cloud_event
from tests.builders import unguarded, world
from tests.fakes.sink import MemorySink
from tests.infra.workflow import Workflow

FOLDER = Path(__file__).parents[2] / "infra" / "github-dispatch"
TEXT = (FOLDER / "dispatch.json").read_text("utf-8")
DEFINITION: dict[str, Any] = json.loads(TEXT)
BICEP = (FOLDER / "main.bicep").read_text("utf-8")
PARAMETERS = {
    "asset": "demo/models/iris",
    "stage": "Production",
    "repository": "org/iris",
    "gitHubApi": "https://api.github.com",
    "tokenSecret": "https://kv.vault.azure.net/secrets/github",
    "vaultAudience": "https://vault.azure.net",
}
TOKEN = {"Read_token": {"value": "github_pat_1"}}


def events() -> list[dict[str, Any]]:
    """Return all that Stageward publishes while a version goes to Production, and another one after."""
    sink = MemorySink("webhook-1")
    it = world(sinks=(sink,), governed_by=unguarded())
    for number in ("1", "2"):
        version = it.register(number)
        for stage in ("Staging", "Production"):
            request_transition(it.context, it.command(version, stage))
    it.rows.close()
    return [json.loads(json.dumps(cloud_event(record))) for record in sink.taken]


EVENTS = events()


def run(event: dict[str, Any], **parameters: str) -> dict[str, Any]:
    """Run the workflow on an event; return what it did."""
    return Workflow(DEFINITION, {**PARAMETERS, **parameters}, event, TOKEN).outputs


def moves(event: dict[str, Any]) -> bool:
    """Tell whether somebody comes to Production by an event, or leaves it."""
    data = event["data"]
    return event["type"] == "Stageward.StageChanged" and "Production" in (data["from"], data["to"])


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event["id"])
def test_it_starts_the_workflow_where_the_holder_changed_and_nowhere_else(
    event: dict[str, Any],
) -> None:
    """Of all events of two promotions those that come to the stage or leave it."""
    assert moves(event) == ("Dispatch" in run(event))


def test_there_are_events_of_both_sorts() -> None:
    """So the test above says something."""
    assert {True, False} == {moves(event) for event in EVENTS}


def test_github_is_told_no_more_than_that_something_changed() -> None:
    """By the token of the vault, which the identity of the Logic App reads."""
    done = run(next(event for event in EVENTS if moves(event)))

    assert "https://kv.vault.azure.net/secrets/github?api-version=7.4" == done["Read_token"]["uri"]
    assert "ManagedServiceIdentity" == done["Read_token"]["authentication"]["type"]
    assert "https://api.github.com/repos/org/iris/dispatches" == done["Dispatch"]["uri"]
    assert "Bearer github_pat_1" == done["Dispatch"]["headers"]["Authorization"]
    assert {"event_type": "stageward-stage-changed"} == done["Dispatch"]["body"]


def test_another_asset_starts_nothing() -> None:
    """Nor the same name in another registry."""
    event = next(event for event in EVENTS if moves(event))

    assert "Dispatch" not in run(event, asset="shared/models/iris")


def test_the_type_is_the_one_that_the_workflow_waits_for() -> None:
    """A typing error would be silent otherwise."""
    workflow = FOLDER.parents[1] / "examples" / "iris" / ".github" / "workflows" / "deploy.yml"

    assert "types: [stageward-stage-changed]" in workflow.read_text("utf-8")


def test_its_parameters_are_those_that_the_template_gives() -> None:
    """Neither more nor less."""
    given = re.findall(r"^      (\w+): \{$", BICEP, re.MULTILINE)

    assert sorted(DEFINITION["parameters"]) == sorted(given) == sorted(PARAMETERS)


def test_the_token_is_in_no_history_of_runs() -> None:
    """Azure keeps inputs and outputs of each action, but for what is said to be secret."""
    actions = DEFINITION["actions"]["If_what_stands_there_changed"]["actions"]
    secret = {
        name: one["runtimeConfiguration"]["secureData"]["properties"]
        for name, one in actions.items()
    }

    assert {"Read_token": ["outputs"], "Dispatch": ["inputs"]} == secret

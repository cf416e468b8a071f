"""An organisation's definition of Azure Policy governs versions of Azure ML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from stage_functions.azure_policy import evaluate
from stage_functions.domain.arm_form import arm_form
from stage_functions.domain.asset import Version
from tests.azureml import LocalAzureMl
from tests.azureml.sdk import SDK_WARNINGS
from tests.azureml_story.world import FILE, Served, Story, told
from tests.policies_as_rules import IS_MODEL, OWNER, VERSIONS

pytestmark = [pytest.mark.filterwarnings(text) for text in SDK_WARNINGS]
_IRIS = "dev/models/iris:1"
MADE_BY_A_JOB: Mapping[str, Any] = {
    "if": {
        "allOf": [
            IS_MODEL,
            {
                "anyOf": [
                    {"field": f"{VERSIONS}/jobName", "exists": False},
                    {"field": f"{VERSIONS}/isArchived", "equals": True},
                    {"field": f"{VERSIONS}/modelType", "notEquals": "custom_model"},
                    {"field": f"{VERSIONS}/tags", "notContainsKey": "staging"},
                    {"field": "id", "notContains": "-dev/models/iris/"},
                ]
            },
        ]
    },
    "then": {"effect": "deny"},
}
_RULES = """\
    bind: [owner]
    rules:
      owned: {azure_policy: policies/owner.json, parameters: {effect: deny}, says: it names its owner}
      by-job: {azure_policy: policies/by-job.json, says: it was made by a job}
    transitions:
      - {from: None, to: Staging, rules: [owned, by-job]}
"""
_PLAIN = "    transitions:\n      - {from: None, to: Staging, copy_to: test}\n"
_FILES = {
    "policies/owner.json": json.dumps(OWNER),
    "policies/by-job.json": json.dumps(MADE_BY_A_JOB),
}


@pytest.fixture
def governed(local: LocalAzureMl, served: Served) -> Iterator[Story]:
    """Return Stageward, its first transition governed by definitions."""
    text = FILE.read_text("utf-8")
    assert _PLAIN in text
    with told(local, served, "policies", text.replace(_PLAIN, _RULES, 1), _FILES) as story:
        yield story
        assert [] == story.faults()


def test_a_definition_decides_and_the_write_is_what_it_was_asked_of(governed: Story) -> None:
    """Refused without an owner, granted with one; Azure finds the same in what was written."""
    governed.register("iris")
    governed.tag(_IRIS, stage_request="Staging")
    refused = governed.tags(_IRIS)["stage_status"]
    with governed.api("ben") as client:
        asked = client.check(_IRIS, "transition", to="Staging")
    governed.tag(_IRIS, owner="risk", stage_request="Staging: now it is owned")

    assert "owned failed (it names its owner): effect = deny" in refused
    assert {"owned": "failed", "by-job": "passed"} == {
        verdict.rule: verdict.result for verdict in asked.verdicts
    }
    assert ["Staging"] == governed.stages(_IRIS)
    _same_as_written(governed)


def _same_as_written(story: Story) -> None:
    """The form that was asked agrees with the resource, and so does the definition's effect."""
    version = Version.parse(_IRIS)
    configuration, registry = story.context.configuration, story.context.registry("dev")
    lifecycle, snapshot = configuration.lifecycle(version.asset), registry.read(version)
    assert lifecycle is not None
    assert snapshot is not None
    evidence = story.context.evidence(snapshot)
    form = arm_form(configuration.registry("dev"), lifecycle, snapshot, evidence, "Staging")
    written = story.local.version(story.places["dev"], version.asset.kind, "iris", "1")
    assert written is not None
    asked, found = form["properties"], written["properties"]
    assert isinstance(asked, dict)
    assert {"owner": "risk", "staging": "true", "stage": "Staging"} == asked["tags"]
    assert asked["tags"].items() <= found["tags"].items()
    rest = {key: one for key, one in asked.items() if key not in ("tags", "properties")}
    assert {"jobName", "modelType", "isArchived", "isAnonymous", "stage"} == set(rest)
    assert rest == {key: found[key] for key in rest}
    assert [form[key] for key in ("id", "name", "type")] == [
        written[key] for key in ("id", "name", "type")
    ]
    for definition in (OWNER, MADE_BY_A_JOB):
        assert evaluate(definition, written) == evaluate(definition, form)

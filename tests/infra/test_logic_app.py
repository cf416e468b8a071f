"""The worked Logic App: its workflow is run here on an event that Stageward really publishes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from stage_functions.application.transition import request_transition
from stage_functions.wire.cloudevent import cloud_event
from tests.builders import world
from tests.fakes.sink import MemorySink
from tests.infra.workflow import Workflow

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "infra" / "logic-app"
TEXT = (FOLDER / "approval-mail.json").read_text("utf-8")
DEFINITION: dict[str, Any] = json.loads(TEXT)
BICEP = (FOLDER / "main.bicep").read_text("utf-8")
SCHEMA = json.loads(
    (ROOT / "stage_functions" / "events" / "ApprovalRequested.schema.json").read_text("utf-8")
)
FIELDS = sorted(set(re.findall(r"triggerBody\(\)\?\['data'\]\?\['(\w+)'\]", TEXT)))
PARAMETERS = {
    "$connections": {"office365": {"connectionId": "/connections/office365"}},
    "stagewardUrl": "https://stageward.example.org",
    "approvers": "officer1@example.org;officer2@example.org",
    "teamsWorkflowUrl": "",
}


def events(reason: str = "because") -> dict[str, dict[str, Any]]:
    """Return what Stageward publishes when somebody asks for Production, by type."""
    sink = MemorySink("webhook-1")
    it = world(sinks=(sink,))
    version = it.register("1")
    request_transition(it.context, it.command(version, "Staging"))
    command = replace(it.command(version, "Production"), reason=reason)
    request_transition(it.context, command)
    it.rows.close()
    found = [json.loads(json.dumps(cloud_event(record))) for record in sink.taken]
    return {event["type"]: event for event in found}


REQUESTED = events()["Stageward.ApprovalRequested"]


def test_it_is_a_definition_of_the_present_schema() -> None:
    """And no other."""
    assert (
        "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/"
        "workflowdefinition.json#"
    ) == DEFINITION["$schema"]
    assert {"event"} == set(DEFINITION["triggers"])


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_that_it_reads_is_one_of_the_event(field: str) -> None:
    """One that may be left out is read with a word for when it is."""
    assert field in SCHEMA["properties"]
    assert field in SCHEMA["required"] or f"coalesce(triggerBody()?['data']?['{field}']" in TEXT


def test_it_reads_the_body_in_no_other_way() -> None:
    """So that no expression escapes the test above."""
    paths = re.findall(r"triggerBody\(\)(\S{0,11})", TEXT)

    assert FIELDS
    assert {"?['data']?[", "?['type']\","} == set(paths)


def test_its_parameters_are_those_that_the_template_gives() -> None:
    """Neither more nor less; the secret one is secret in both."""
    given = re.findall(r"^      '?([$\w]+)'?: \{$", BICEP, re.MULTILINE)

    assert sorted(DEFINITION["parameters"]) == sorted(given)
    assert set(PARAMETERS) == set(given)
    assert set(re.findall(r"parameters\('([$\w]+)'\)", TEXT)) == set(given)
    assert "loadJsonContent('approval-mail.json')" in BICEP
    assert "SecureString" == DEFINITION["parameters"]["teamsWorkflowUrl"]["type"]
    assert "@secure()\nparam teamsWorkflowUrl" in BICEP


def test_a_mail_is_written_of_an_approval_that_is_requested() -> None:
    """With the plain link to its page."""
    done = Workflow(DEFINITION, PARAMETERS, REQUESTED).outputs
    approval = REQUESTED["data"]["approval"]
    mail = done["Send_mail"]["body"]

    assert "/connections/office365" == done["Send_mail"]["host"]["connection"]["name"]
    assert "officer1@example.org;officer2@example.org" == mail["To"]
    assert f"Approve demo/models/iris:1 → Production? ({approval})" == mail["Subject"]
    assert f'<a href="https://stageward.example.org/approvals/{approval}">' in mail["Body"]
    assert (
        "from Staging to Production waits for 1 of risk, 1 more of risk or science"
        in (mail["Body"])
    )
    assert "Reason: because" in mail["Body"]
    assert "Post_card" not in done


def test_no_reason_can_add_markup_to_it() -> None:
    """What people wrote is text, and the absence of a reason is said."""
    nasty = events('<a href="https://evil.example.org">&lt;click&gt;</a>')
    body = Workflow(DEFINITION, PARAMETERS, nasty["Stageward.ApprovalRequested"]).outputs[
        "Send_mail"
    ]["body"]["Body"]
    silent = events("")["Stageward.ApprovalRequested"]

    assert 'Reason: &lt;a href="https://evil.example.org"&gt;&amp;lt;click&amp;gt;&lt;/a&gt;' in (
        body
    )
    assert (
        "Reason: none was given"
        in (Workflow(DEFINITION, PARAMETERS, silent).outputs["Send_mail"]["body"]["Body"])
    )


def test_a_card_is_posted_where_teams_is_to_be_told() -> None:
    """To the address that is given; what people wrote stands where nothing is markup."""
    url = "https://prod.example.org/workflows/1?sig=secret"
    done = Workflow(DEFINITION, {**PARAMETERS, "teamsWorkflowUrl": url}, REQUESTED).outputs
    card = done["Post_card"]["body"]["attachments"][0]["content"]

    assert url == done["Post_card"]["uri"]
    assert "demo/models/iris:1: Staging → Production" == card["body"][1]["inlines"][0]["text"]
    assert card["actions"][0]["url"].endswith(f"/approvals/{REQUESTED['data']['approval']}")


def test_of_other_events_nothing_is_made() -> None:
    """They are taken, and that is all."""
    done = Workflow(DEFINITION, PARAMETERS, events()["Stageward.StageChanged"]).outputs

    assert {"If_an_approval_is_requested": None} == done

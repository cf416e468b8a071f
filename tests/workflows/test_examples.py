"""The example workflows: what they read is in the schemas, and what they do is seen on events."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from msgspec.structs import replace

from scripts.infra import check
from scripts.workflow_schemas import EXAMPLES, FOLDER, files, trigger_schema
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.wire.asyncapi import schema_text
from stage_functions.wire.cloudevent import cloud_event
from tests.builders import unguarded, world
from tests.fakes.sink import MemorySink
from tests.infra.workflow import Workflow
from tests.wire.test_asyncapi import published as of_all_kinds

Event = dict[str, Any]
LOGIC_APP = FOLDER / "logic-app"
TO_PRODUCTION: dict[str, Any] = json.loads((LOGIC_APP / "to-production.json").read_text("utf-8"))
TELL_TEAMS: dict[str, Any] = json.loads(
    (FOLDER / "power-automate" / "tell-teams.json").read_text("utf-8")
)
FLOW: dict[str, Any] = TELL_TEAMS["properties"]["definition"]
BICEP = (LOGIC_APP / "main.bicep").read_text("utf-8")
GIVEN = {
    "stagewardUrl": "https://stageward.example.org",
    "project": "https://dev.azure.com/contoso/ml",
    "pipelineId": "42",
}
RUN = "https://dev.azure.com/contoso/ml/_build/results?buildId=7"
NONE_YET: dict[str, Any] = {
    "Find_ticket": {"workItems": []},
    "Start_deployment": {"_links": {"web": {"href": RUN}}},
}
DEFINITIONS = pytest.mark.parametrize("definition", [TO_PRODUCTION, FLOW], ids=["ticket", "teams"])
READ = re.compile(r"(coalesce\()?triggerBody\(\)((?:\?\['\w+'\])*)")
HOSTILE = "<i>a & b"
"""A name that is markup, where a registry allows it."""


def published(reason: str = "it is <better> & cheaper", name: str = "iris") -> list[Event]:
    """Return the events of two versions that come to Production, one after the other."""
    sink = MemorySink("webhook-1")
    it = world(sinks=(sink,), governed_by=unguarded())
    asset = Asset("demo", Kind.MODELS, name)
    with closing(it.rows):
        for number in ("1", "2"):
            version = Version(asset, number)
            it.registry.register(version, it.clock.now())
            for stage in ("Staging", "Production"):
                command = replace(it.command(version, stage), reason=reason)
                request_transition(it.context, command)
    return [json.loads(json.dumps(cloud_event(record))) for record in sink.taken]


def changed(events: list[Event], **fields: str) -> Event:
    """Return the change of a stage whose record has these fields, `from_` for `from`."""
    wanted = {name.rstrip("_"): value for name, value in fields.items()}
    (found,) = (
        one
        for one in events
        if one["type"] == "Stageward.StageChanged" and wanted.items() <= one["data"].items()
    )
    return found


SECOND = changed(published(), version="2", to="Production")
DISPLACED = changed(published(), version="1", to="Archived")


def expressions(definition: dict[str, Any]) -> str:
    """Return all that a workflow computes, its trigger left out."""
    return json.dumps(definition["actions"], ensure_ascii=False)


def inputs(actions: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the actions of a workflow by name, however deep they are."""
    found = {}
    for name, action in actions.items():
        found[name] = action
        found |= inputs(action.get("actions", {}))
        found |= inputs(action.get("else", {}).get("actions", {}))
    return found


def test_what_their_triggers_expect_is_generated() -> None:
    """Who changes a record runs `python -m scripts.workflow_schemas`."""
    shipped = {path.relative_to(FOLDER).as_posix() for path in FOLDER.glob("*/*.json")}

    assert set(EXAMPLES) == shipped
    assert [] == [path for path, text in files() if path.read_text("utf-8") != text]


@pytest.mark.parametrize("types", [types for _, types in EXAMPLES.values()])
def test_a_trigger_takes_every_event(types: tuple[str, ...]) -> None:
    """Also if it refuses what is not as it says, since each goes to every receiver."""
    schema = Draft7Validator(trigger_schema(types))
    events = [*of_all_kinds(), *published()]

    assert {"Stageward.Anchored", "Stageward.Registered", "Stageward.StageChanged"} <= {
        one["type"] for one in events
    }
    assert [] == [one for one in events if not schema.is_valid(one)]
    assert not schema.is_valid({**events[0], "data": 1})


@DEFINITIONS
def test_every_field_that_they_read_is_one_of_the_event(definition: dict[str, Any]) -> None:
    """One that may be left out is read with a word for when it is, or beside `why`."""
    schema = json.loads(schema_text("StageChanged"))
    beside_why = {"displaced_by"}
    reads = READ.findall(expressions(definition))
    assert reads
    for guarded, path in reads:
        first, *parts = re.findall(r"'(\w+)'", path)
        if first != "data":
            assert first == "type"
            continue
        field = schema["properties"][parts[0]]
        inner = schema["$defs"][field["$ref"].rpartition("/")[2]] if parts[1:] else {}
        assert set(parts[1:]) <= set(inner.get("properties", {}))
        known = parts[0] in {*schema["required"], *beside_why}
        assert known or guarded, f"{path} may be left out"


def unordered(actions: dict[str, Any], before: frozenset[str] = frozenset()) -> list[str]:
    """Return the actions that read what need not be there yet, however deep they are."""
    found = []
    for name, action in actions.items():
        there, waiting = set(before), [*action["runAfter"]]
        for one in waiting:
            there.add(one)
            waiting += [more for more in actions[one]["runAfter"] if more not in there]
        inner = {key: action.get(key) for key in ("actions", "else")}
        own = {key: value for key, value in action.items() if key not in inner}
        asked = set(re.findall(r"(?:outputs|body)\('(\w+)'\)", json.dumps(own)))
        found += [name] if asked - there else []
        for each in (inner["actions"], (inner["else"] or {}).get("actions")):
            found += unordered(each or {}, frozenset(there))
    return found


@DEFINITIONS
def test_each_action_waits_for_what_it_reads(definition: dict[str, Any]) -> None:
    """Actions without an order run at once, and would read nothing."""
    hasty = json.loads(json.dumps(definition))
    for action in inputs(hasty["actions"]).values():
        action["runAfter"] = {}

    assert [] == unordered(definition["actions"])
    assert [] != unordered(hasty["actions"])


@DEFINITIONS
def test_of_other_events_nothing_is_made(definition: dict[str, Any]) -> None:
    """They are taken, and that is all."""
    others = [*of_all_kinds(), changed(published(), version="1", to="Staging")]
    done = [
        Workflow(definition, GIVEN, one).outputs
        for one in others
        if "Production" not in (one["data"].get("to"), one["data"].get("from"))
        or one["type"] != "Stageward.StageChanged"
    ]

    assert {1} == {len(one) for one in done}


class TestToProduction:
    """The Logic App that makes a ticket and starts a deployment."""

    def test_its_parameters_are_those_that_the_template_gives(self) -> None:
        """Neither more nor less, with the same values where none is given."""
        given = re.findall(r"^      (\w+): \{$", BICEP, re.MULTILINE)
        defaults = dict(re.findall(r"^param (\w+) string = '(.*)'$", BICEP, re.MULTILINE))

        assert sorted(TO_PRODUCTION["parameters"]) == sorted(given)
        assert set(re.findall(r"parameters\('(\w+)'\)", json.dumps(TO_PRODUCTION))) == set(given)
        assert {
            name: one["defaultValue"]
            for name, one in TO_PRODUCTION["parameters"].items()
            if "defaultValue" in one
        } == {name: one for name, one in defaults.items() if name != "name"}

    def test_its_template_is_bicep_whose_names_stand_for_something(self, tmp_path: Path) -> None:
        """By the checker of the project's own templates."""
        shutil.copytree(LOGIC_APP, tmp_path / "infra" / "logic-app")
        templates, faults = check.read(tmp_path)

        assert ["infra/logic-app/main.bicep"] == list(templates)
        assert [] == faults
        assert "loadJsonContent('to-production.json')" in BICEP

    def test_a_ticket_is_made_and_the_deployment_started(self) -> None:
        """For the version that has come to Production."""
        done = Workflow(TO_PRODUCTION, GIVEN, SECOND, NONE_YET).outputs
        fields = {one["path"]: one["value"] for one in done["Create_ticket"]["body"]}
        told = fields["/fields/System.Description"]

        assert (
            "https://dev.azure.com/contoso/ml/_apis/wit/workitems/$Issue?api-version=7.1"
            == done["Create_ticket"]["uri"]
        )
        assert "demo/models/iris:2: Staging → Production" == fields["/fields/System.Title"]
        assert "Asked for by person:sam, allowed; in place of: 1." in told
        assert "Reason: it is &lt;better&gt; &amp; cheaper" in told
        assert '<a href="https://stageward.example.org/assets/demo/models/iris">' in told
        assert f'<a href="{RUN}">the deployment</a>' in told
        assert (
            "https://dev.azure.com/contoso/ml/_apis/pipelines/42/runs?api-version=7.1"
            == done["Start_deployment"]["uri"]
        )
        assert {"asset": "demo/models/iris", "version": "2"} == done["Start_deployment"]["body"][
            "templateParameters"
        ]
        assert {"Succeeded"} == {
            one
            for each in TO_PRODUCTION["actions"]["If_a_version_reached_the_stage"][
                "actions"
            ].values()
            for after in each["runAfter"].values()
            for one in after
        }

    def test_what_was_done_is_said_last_and_one_run_waits_for_another(self) -> None:
        """So a run that failed can be repeated, and two never make two of it."""
        made = inputs(TO_PRODUCTION["actions"])

        assert {"Start_deployment": ["Succeeded"]} == made["Create_ticket"]["runAfter"]
        assert {"concurrency": {"runs": 1}} == (
            TO_PRODUCTION["triggers"]["event"]["runtimeConfiguration"]
        )

    def test_the_same_event_again_makes_nothing_twice(self) -> None:
        """It is looked for by what it was marked with, which is of this record alone."""
        first = Workflow(TO_PRODUCTION, GIVEN, SECOND, NONE_YET).outputs
        mark = first["Create_ticket"]["body"][2]["value"]
        found = {"Find_ticket": {"workItems": [{"id": 7}]}}
        again = Workflow(TO_PRODUCTION, GIVEN, SECOND, found).outputs

        assert f"stageward-{SECOND['data']['hash']}" == mark
        assert f"CONTAINS '{mark}'" in again["Find_ticket"]["body"]["query"]
        assert not {"Create_ticket", "Start_deployment"} & set(again)

    def test_a_type_of_work_item_may_have_a_blank(self) -> None:
        """It stands in an address."""
        given = {**GIVEN, "ticketType": "User Story"}
        done = Workflow(TO_PRODUCTION, given, SECOND, NONE_YET).outputs

        assert "/workitems/$User%20Story?" in done["Create_ticket"]["uri"]

    def test_it_may_be_about_some_assets_and_another_stage(self) -> None:
        """As its parameters say."""
        elsewhere = {**GIVEN, "assets": "prod/models/"}
        archived = {**GIVEN, "stage": "Archived", "assets": "demo/"}

        assert 1 == len(Workflow(TO_PRODUCTION, elsewhere, SECOND).outputs)
        assert "Create_ticket" in Workflow(TO_PRODUCTION, archived, DISPLACED, NONE_YET).outputs

    def test_no_name_and_no_reason_can_add_markup(self) -> None:
        """The link is encoded, too; without a reason that is said."""
        event = changed(published("", HOSTILE), version="2", to="Production")
        body = Workflow(TO_PRODUCTION, GIVEN, event, NONE_YET).outputs["Create_ticket"]["body"]

        assert '/assets/demo/models/%3Ci%3Ea%20%26%20b">' in body[1]["value"]
        assert "Reason: none was given" in body[1]["value"]
        assert "<i>" not in body[1]["value"]

    def test_it_holds_no_secret(self) -> None:
        """It signs in as itself, at Azure DevOps alone."""
        called = [one for one in inputs(TO_PRODUCTION["actions"]).values() if one["type"] == "Http"]

        assert 3 == len(called)
        assert {("ManagedServiceIdentity", "499b84ac-1321-427f-aa17-267ca6975798")} == {
            tuple(one["inputs"]["authentication"].values()) for one in called
        }
        assert {"@{parameters('project')}"} == {
            one["inputs"]["uri"].partition("/")[0] for one in called
        }


class TestTellTeams:
    """The flow of Power Automate that posts to a channel."""

    def test_it_has_the_form_that_dataverse_keeps(self) -> None:
        """The definition, and the connections that it names."""
        named = {
            one["inputs"]["host"]["connectionName"]
            for one in inputs(FLOW["actions"]).values()
            if one["type"] == "OpenApiConnection"
        }

        assert {"properties", "schemaVersion"} == set(TELL_TEAMS)
        assert {"connectionReferences", "definition"} == set(TELL_TEAMS["properties"])
        assert named == set(TELL_TEAMS["properties"]["connectionReferences"])
        assert TO_PRODUCTION["$schema"] == FLOW["$schema"]

    @pytest.mark.parametrize(
        ("event", "words"),
        [
            (SECOND, "iris:2</b> is in Production now (allowed).</p>"),
            (DISPLACED, "iris:1</b> left Production, and is in Archived (displaced by version 2)."),
        ],
        ids=["reached", "left"],
    )
    def test_who_reaches_production_and_who_leaves_it_is_told(
        self, event: Event, words: str
    ) -> None:
        """In words, with the reason where there is one."""
        given: dict[str, Any] = {"$authentication": {}, "$connections": {}}
        done = Workflow(FLOW, given, event).outputs["Post_message_in_a_channel"]["parameters"]

        assert words in done["body/messageBody"]
        assert ("Channel", "Flow bot") == (done["location"], done["poster"])

    def test_no_name_and_no_reason_can_add_markup(self) -> None:
        """What people wrote is text."""
        event = changed(published("<b>x", HOSTILE), version="2", to="Production")
        done = Workflow(FLOW, {}, event).outputs["Post_message_in_a_channel"]["parameters"]

        assert "<p><b>demo/models/&lt;i&gt;a &amp; b:2</b> is" in done["body/messageBody"]
        assert "Reason: &lt;b&gt;x</p>" in done["body/messageBody"]

"""What endpoints of Azure ML serve, and what is deleted, as people do it with the real client."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from stage_functions.adapters.azureml_deployments import traffic
from stage_functions.application.alarms import alarm
from stage_functions.application.following import follow_any
from stage_functions.application.signal import EndpointSignal
from stage_functions.domain.asset import Version
from tests.azureml.sdk import SDK_WARNINGS
from tests.azureml_story.world import Story

pytestmark = [pytest.mark.filterwarnings(text) for text in SDK_WARNINGS]
_HOURS = 3600


def _share(story: Story, client: Any, endpoint: str = "scoring") -> None:  # noqa: ANN401  # MLClient
    """Give `blue` all requests, which takes a call of its own."""
    found = client.online_endpoints.get(endpoint)
    found.traffic = {"blue": 100}
    client.online_endpoints.begin_create_or_update(found).result()
    story.heard()


def test_a_violation_gets_no_requests(story: Story) -> None:
    """What was judged before it had any requests gets none when it is given some; once."""
    version = story.register("iris")
    client = story.deploy("azureml:iris:1")
    judged = story.types(version)
    _share(story, client)
    taken = story.traffic()
    _share(story, client)

    assert ["Registered", "Violated"] == judged == story.types(version)
    assert ({}, {"blue": 100}) == (taken, story.traffic())
    assert "zero_traffic" == story.records(version)[-1].content["then"]
    assert [] == story.owed()


def test_a_violation_gets_no_copies_of_requests(story: Story) -> None:
    """A deployment that shadows another one is taken the copies that it is given."""
    version = story.register("iris")
    client = story.deploy("azureml:iris:1")
    found = client.online_endpoints.get("scoring")
    found.mirror_traffic = {"blue": 10}
    client.online_endpoints.begin_create_or_update(found).result()
    story.heard()

    document = story.places["dev"].endpoints["scoring"].document
    assert {} == traffic(document, "mirrorTraffic")
    assert ["Registered", "Violated"] == story.types(version)


def test_what_was_put_right_keeps_its_requests(story: Story) -> None:
    """A deployment that serves what it may by the time it is given requests is let be."""
    version = story.register("iris")
    story.tag(version, stage_request="Staging")
    story.deploy("azureml:iris:1")
    assert "pending" == story.ask(version, "Production")
    story.approve(version)
    _share(story, story.sdk("ben", "dev"))

    assert {"blue": 100} == story.traffic()
    assert 1 == story.types(version).count("Violated")


def test_a_deployment_is_judged_each_time(story: Story) -> None:
    """What may be served at a test endpoint is; who makes it serve another version is recorded."""
    for number in "12":
        story.register("iris", number)
    story.tag("dev/models/iris:2", stage_request="Staging")
    for number in "2112":
        story.deploy(f"azureml:iris:{number}", endpoint="scoring-test")

    assert 2 == story.types("dev/models/iris:1").count("Violated")
    assert 0 == story.types("dev/models/iris:2").count("Violated")


def test_a_version_of_the_registry_is_served_in_a_workspace(story: Story) -> None:
    """A shared model may be served as before for a while after it was displaced, then no more."""
    story.release("1")
    story.release("2")
    model = f"azureml://registries/{story.places['shared'].name}/models/iris/versions/1"
    story.deploy(model)
    within = story.types("shared/models/iris:1")
    with story.api("ben") as client:
        before = client.check("shared/models/iris:1", "deploy", endpoint="dev/scoring")
        story.sweep(2 * _HOURS + 60)
        after = client.check("shared/models/iris:1", "deploy", endpoint="dev/scoring")
    deployment = story.places["dev"].endpoints["scoring"].deployments["blue"]
    then = story.context.clock.now() + timedelta(hours=2, minutes=2)
    deployment["systemData"]["lastModifiedAt"] = f"{then:%Y-%m-%dT%H:%M:%S}.0000000Z"
    follow_any(story.later(2 * _HOURS + 180), EndpointSignal("dev", "scoring"))

    assert ["Registered", "StageChanged"] == within
    assert (True, False) == (before.allowed, after.allowed)
    (*_, violated) = story.records("shared/models/iris:1")
    assert ("Violated", "Archived") == (violated.type, violated.content["from"])


def test_people_are_told_who_served_it(story: Story) -> None:
    """Told are who did it and who approves; the words say which endpoint takes what."""
    story.tag(story.register("iris"), stage_request="Staging")
    story.deploy("azureml:iris:1", alias="test")
    (*_, record) = story.records("test/models/iris:1")
    configuration = story.context.configuration
    lifecycle = configuration.lifecycle(Version.parse("test/models/iris:1").asset)

    notice = alarm(record, lifecycle, configuration.directory)

    assert "person:ben" == notice.recipients[0]
    assert {"person:olga", "group:model-risk"} <= set(notice.recipients)
    assert "Violated: test/models/iris:1 is served by test/scoring" == notice.message.title
    assert "test/scoring takes Production" in dict(notice.message.facts)["Why"]


def test_a_batch_endpoint_keeps_what_it_serves(story: Story) -> None:
    """A batch endpoint has no shares that could be taken: people are told, and no more is said."""
    version = story.register("iris")
    dev = story.places["dev"]
    model = f"{dev.id}/models/iris/versions/1"
    story.local.batch_endpoint(dev, "nightly", {"blue": model}, default="blue", who="ben")
    follow_any(story.context, EndpointSignal("dev", "nightly"))

    (*_, violated) = story.records(version)
    assert ("Violated", "notify") == (violated.type, violated.content["then"])


def test_a_deployment_is_told_before_its_version(story: Story) -> None:
    """A version that the ledger does not know yet is registered, and then judged."""
    with story.unheard() as events:
        version = story.register("late")
        story.deploy("azureml:late:1")
    story.local.deliver([event for event in events if "onlineEndpoints" in event["subject"]])
    story.heard()

    assert ["Registered", "Violated"] == story.types(version)


def test_a_deployment_is_gone_before_it_is_judged(story: Story) -> None:
    """What is served by nobody any more is no violation, and no fault."""
    version = story.register("iris")
    with story.unheard() as events:
        client = story.deploy("azureml:iris:1")
        client.online_deployments.begin_delete("blue", "scoring").result()
    story.local.deliver(events)
    story.heard()

    assert ["Registered"] == story.types(version)


def test_a_deletion_is_a_violation(story: Story) -> None:
    """Who deletes what may not be deleted is recorded; what is registered anew begins anew."""
    version = story.register("iris")
    story.tag(version, stage_request="Staging")
    story.local.delete_version(story.places["dev"], "models", "iris", "1", who="ben")
    story.heard()
    story.sweep(301)
    gone = story.types(version)
    story.register("iris")

    assert ["Registered", "StageChanged", "Deleted", "Violated"] == gone
    assert ["None"] == story.stages(version)

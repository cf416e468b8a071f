"""The server as a process of its own, and its back door."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import httpx
import pytest

from tests.azureml.remote import RemoteAzureMl, RemoteError, separate
from tests.azureml_tests.arm import MODEL
from tests.receiver import Receiver


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """Return who is sent the events."""
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def remote(receiver: Receiver) -> Iterator[RemoteAzureMl]:
    """Run a server in a process of its own."""
    places = ("--workspace", "rg/dev", "--workspace", "rg/test", "--registry", "rg/shared")
    with separate(*places, "--person", "anna", "--events", receiver.url) as remote:
        yield remote


def test_it_says_where_everything_is(remote: RemoteAzureMl) -> None:
    """One line has the URL, the ids, tokens, and the environment to point programs there."""
    token = remote.started.tokens["anna"]
    trusted = ssl.create_default_context(cafile=remote.started.ca)

    answer = httpx.get(
        f"{remote.started.url}{remote.workspaces['dev']}?api-version=1",
        headers={"Authorization": f"Bearer {token}"},
        verify=trusted,
    )

    assert "dev" == answer.json()["name"]
    assert {"dev", "test"} == set(remote.workspaces)
    assert remote.registries["shared"].endswith("/registries/shared")
    assert remote.started.url == remote.started.environment["STAGEWARD_ARM_ENDPOINT"]


def test_everything_is_done_by_the_back_door(remote: RemoteAzureMl, receiver: Receiver) -> None:
    """What a test does in its own process is done in another's: writes, jobs, events."""
    dev = remote.workspaces["dev"]
    version = {"place": dev, "kind": "models", "name": "churn", "version": "1"}

    remote.call("put_version", **version, properties=MODEL, who="bea")
    name = remote.call("job", place=dev, metrics={"auc": 0.9})
    remote.call(
        "deploy", place=dev, endpoint="e", deployment="d", model_id=f"{dev}/models/churn/versions/1"
    )
    remote.call("drain", seconds=10)

    stored = remote.call("version", **version)
    assert "bea" == stored["systemData"]["createdBy"]
    assert name.startswith("job_")
    events = remote.call("events")
    assert events == receiver.events
    assert events[2:] == remote.call("events", after=2)
    remote.call("deliver", events=events[:1])
    remote.call("drain", seconds=10)
    assert [*events, events[0]] == receiver.events


def test_faults_and_settings_are_set_by_the_back_door(remote: RemoteAzureMl) -> None:
    """Another process lets calls fail, and reads which were made."""
    settings = remote.call("settings", page_size=7, tag_limit=50)
    remote.call("fail", match="GET .*/test", status=418, body="tea")
    url = f"{remote.started.url}{remote.workspaces['test']}?api-version=1"
    headers = {"Authorization": f"Bearer {remote.call('token', name='carl')}"}

    answer = httpx.get(url, headers=headers, verify=False)

    assert {"page_size": 7, "tag_limit": 50, "polls": 0} == settings
    assert (418, "tea") == (answer.status_code, answer.text)
    calls = remote.call("calls_to", match="GET .*/test")
    assert [418] == [call["status"] for call in calls]
    assert calls[0] in remote.call("calls")


def test_the_back_door_says_what_is_wrong(remote: RemoteAzureMl) -> None:
    """What cannot be done is an error with a reason."""
    dev = remote.workspaces["dev"]
    for name, arguments in (
        ("nothing", {}),
        ("job", {"place": "/nowhere"}),
        ("endpoint", {"place": dev, "name": "e", "traffic": {"x": 100}}),
    ):
        with pytest.raises(RemoteError, match="error"):
            remote.call(name, **arguments)


def test_places_are_made_by_the_back_door(remote: RemoteAzureMl) -> None:
    """Another process makes a workspace and is told its id; one that vanished is not found."""
    made = remote.call("workspace", name="late", resource_group="other")

    assert made.endswith(
        "/resourceGroups/other/providers/Microsoft.MachineLearningServices/workspaces/late"
    )
    assert remote.call("vanish", place=made) is None
    with pytest.raises(RemoteError, match="ResourceNotFound"):
        remote.call("job", place=made)

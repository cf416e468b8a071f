"""Copies between workspaces and registries of Azure ML, on a local one."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from stage_functions.adapters.azureml_copy import copied
from stage_functions.domain.asset import Kind, Version
from stage_functions.domain.configuration import RegistryConfiguration, RegistryType
from stage_functions.domain.error import (
    NotFoundError,
    RegistryRefusedError,
    RegistryUnavailableError,
)
from tests.adapters.azureml_local import Connected
from tests.azureml.sdk import SDK_WARNINGS

pytestmark = [pytest.mark.filterwarnings(text) for text in SDK_WARNINGS]
CONTENTS: dict[str, dict[str, Any]] = {
    "models": {
        "modelUri": "azureml://datastores/ds/paths/iris",
        "modelType": "mlflow_model",
        "flavors": {"sklearn": {"data": {"v": "1"}}},
        "jobName": "job_1",
        "stage": "Production",
        "datasets": [{"name": "train", "id": "x"}],
    },
    "data": {"dataUri": "azureml://datastores/ds/paths/d", "dataType": "uri_folder"},
    "environments": {
        "image": "mcr.microsoft.com/sk:1",
        "condaFile": "name: a\n",
        "osType": "Linux",
    },
    "components": {
        "componentSpec": {"name": "train", "version": "1", "type": "command", "command": "train"}
    },
}
TAGS = {
    "team": "a",
    "stage": "UAT",
    "stage_request": "Prod",
    "stage_status": "granted",
    "stage_governor": "l/1",
    "prod": "yes",
}
_FAULTS: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"status": 403, "code": "AuthorizationFailed"}, RegistryRefusedError),
    ({"status": 400, "code": "UserError"}, RegistryRefusedError),
    ({"status": 429, "headers": {"Retry-After": "0"}}, RegistryUnavailableError),
    ({"status": 409, "code": "Conflict"}, RegistryUnavailableError),
    ({"cut": True}, RegistryUnavailableError),
]


def _made(azure: Connected, kind: str, **more: object) -> Version:
    written = {
        **CONTENTS[kind],
        "description": "how it was made",
        "properties": {"p": "q"},
        "tags": TAGS,
        **more,
    }
    azure.local.put_version(azure.dev, kind, "iris", "3", written)
    return Version.parse(f"dev/{kind}/iris:3")


def _copy(azure: Connected, version: Version, target: str) -> None:
    source = azure.registries[version.asset.registry]
    source.copy(azure.read(str(version)), azure.configurations[target])


@pytest.mark.parametrize("polls", [0, 2])
@pytest.mark.parametrize("kind", list(Kind))
def test_copies_to_a_registry(azure: Connected, kind: Kind, polls: int) -> None:
    """A version of each kind is copied to a registry, under its name and number."""
    version = _made(azure, kind)
    azure.local.polls = polls

    _copy(azure, version, "shared")

    copy = azure.read(f"shared/{kind}/iris:3")
    assert "a" == copy.tags["team"]
    assert "how it was made" == copy.description
    assert "stageward" == copy.author


@pytest.mark.parametrize("kind", list(Kind))
def test_copies_to_another_workspace(azure: Connected, kind: Kind) -> None:
    """The copy has the content, and all but the job and what Stageward wrote."""
    version = _made(azure, kind)

    _copy(azure, version, "test")

    stored = azure.local.version(azure.test, kind, "iris", "3")
    assert stored is not None
    written = stored["properties"]
    assert {"team": "a", "prod": "yes"} == written["tags"]
    assert ("how it was made", {"p": "q"}) == (written["description"], written["properties"])
    left = {"jobName", "datasets", "stage"}
    place = f"azureml://{azure.dev.group_id[1:].replace('Groups', 'groups')}/workspaces/dev"
    for key, value in CONTENTS[kind].items():
        if key.endswith("Uri"):
            assert value.replace("azureml:/", place, 1) == written[key]
        elif key not in left:
            assert value == written[key]
    assert left.isdisjoint(written)
    copy = azure.read(f"test/{kind}/iris:3")
    assert (False, None, "stageward") == (copy.archived, copy.job, copy.author)


@pytest.mark.parametrize("uri", ["https://x/m", "azureml://jobs/j/outputs/artifacts/paths/m"])
def test_an_address_that_says_it_all_is_kept(azure: Connected, uri: str) -> None:
    """Only what means a datastore of the own workspace is written in full."""
    written = copied({"modelUri": uri}, azure.dev.id, azure.configurations["test"])

    assert uri == written["modelUri"]


def test_leaves_presence_tags_behind(azure: Connected) -> None:
    """A tag that stands for a stage where the copy goes is Stageward's to write there."""
    version = _made(azure, "models")
    target = replace(azure.configurations["test"], presence={"Prod": "prod"})

    azure.registry.copy(azure.read(str(version)), target)

    assert {"team": "a"} == azure.read("test/models/iris:3").tags


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("target", ["shared", "test"])
def test_copies_once(azure: Connected, target: str, kind: Kind) -> None:
    """What is there already is left alone: nothing is written, and nothing is raised."""
    version = _made(azure, kind)
    _copy(azure, version, target)
    first = azure.read(f"{target}/{kind}/iris:3")
    before = len(azure.local.calls)

    _copy(azure, version, target)

    assert {"GET"} == {call.method for call in azure.since(before)}
    assert first == azure.read(f"{target}/{kind}/iris:3")


@pytest.mark.parametrize("target", ["shared", "test", "dev"])
def test_a_registry_copies_nothing(azure: Connected, target: str) -> None:
    """From a registry there is no way, and the reason is given; unless it is there already."""
    written = {"modelUri": "https://x/m"}
    azure.local.put_version(azure.shared, "models", "iris", "1", written)
    version = Version.parse("shared/models/iris:1")
    if target == "shared":
        _copy(azure, version, target)
        return

    with pytest.raises(RegistryRefusedError, match="copies from workspaces only"):
        _copy(azure, version, target)


def test_copies_to_azure_ml_only(azure: Connected) -> None:
    """An MLflow server takes over nothing; and what is not here is copied from elsewhere."""
    snapshot = azure.read(str(_made(azure, "models")))
    mlflow = RegistryConfiguration("m", RegistryType.MLFLOW, "http://mlflow")

    with pytest.raises(RegistryRefusedError, match="not copied to m"):
        azure.registry.copy(snapshot, mlflow)
    with pytest.raises(NotFoundError):
        azure.registries["test"].copy(snapshot, azure.configurations["shared"])


def test_a_version_may_go_before_it_is_copied(azure: Connected) -> None:
    """What was deleted since it was read is not copied, whichever way."""
    snapshot = azure.read(str(_made(azure, "models")))
    azure.local.delete_version(azure.dev, "models", "iris", "3")

    for target in ("shared", "test"):
        with pytest.raises(RegistryRefusedError):
            azure.registry.copy(snapshot, azure.configurations[target])


@pytest.mark.parametrize(("fault", "error"), _FAULTS, ids=["403", "400", "429", "409", "cut"])
@pytest.mark.parametrize(
    ("kind", "target", "failing"),
    [
        ("models", "shared", "POST .*/import"),
        ("components", "shared", "POST .*/publish"),
        ("models", "test", "PUT .*/models/"),
        ("models", "shared", "GET .*shared-reg/models/"),
    ],
)
def test_says_why_nothing_was_copied(
    azure: Connected,
    kind: str,
    target: str,
    failing: str,
    fault: dict[str, Any],
    error: type[Exception],
) -> None:
    """A fault that may pass is retryable, another is not; nothing was copied."""
    version = _made(azure, kind)
    azure.local.fail(failing, times=50, **fault)

    with pytest.raises(error):
        _copy(azure, version, target)
    azure.local.heal()
    assert azure.registries[target].read(Version.parse(f"{target}/{kind}/iris:3")) is None


def test_a_registry_may_have_vanished(azure: Connected) -> None:
    """Where the other registry is not there any more, that is said."""
    version = _made(azure, "models")
    azure.local.vanish(azure.shared)
    azure.local.vanish(azure.test)

    for target in ("shared", "test"):
        with pytest.raises(RegistryRefusedError, match="not there"):
            _copy(azure, version, target)


def test_a_lost_answer_is_no_lost_copy(azure: Connected) -> None:
    """Whatever is answered, what is there afterwards has been copied."""
    version = _made(azure, "models")
    azure.local.fail("POST .*/import", status=400, code="UserError", applied=True)

    _copy(azure, version, "shared")

    assert "a" == azure.read("shared/models/iris:3").tags["team"]


def test_a_copy_may_not_be_shown_at_once(azure: Connected) -> None:
    """Where the registry does not show the copy yet, it is looked for later, and made once."""
    snapshot = azure.read(str(_made(azure, "models")))
    azure.local.stale(9, "GET .*shared-reg/models")

    with pytest.raises(RegistryUnavailableError, match="does not show the copy of"):
        azure.registry.copy(snapshot, azure.configurations["shared"])
    azure.local.heal()
    before = len(azure.local.calls_to("POST .*/import"))
    azure.registry.copy(snapshot, azure.configurations["shared"])

    assert before == len(azure.local.calls_to("POST .*/import"))
    assert azure.read(str(snapshot.version).replace("dev/", "shared/")).tags


def test_who_else_copies_is_no_harm(azure: Connected) -> None:
    """A copy that somebody else makes between two looks is the copy."""
    version = _made(azure, "models")
    written = {"modelUri": "https://x/m"}
    seen = "GET .*shared-reg/models/iris/versions/3"
    azure.local.put_version(azure.shared, "models", "iris", "3", written)
    azure.local.fail(seen, status=404, code="UserError", message="not yet")

    _copy(azure, version, "shared")

    assert "https://x/m" == azure.read("shared/models/iris:3").content

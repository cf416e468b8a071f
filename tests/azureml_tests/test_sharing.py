"""What only registries have: discovery, and the import of what workspaces share."""

from __future__ import annotations

import pytest

from tests.azureml import LocalAzureMl, Place
from tests.azureml_tests.arm import CONTENTS, PLANE, Arm


def _asked(source: str, number: str = "1") -> dict[str, object]:
    properties = {
        "referenceType": "Id",
        "destinationName": "churn",
        "destinationVersion": number,
        "sourceAssetId": source,
    }
    return {"properties": properties}


@pytest.mark.parametrize("kind", CONTENTS)
def test_each_kind_is_imported(
    local: LocalAzureMl, arm: Arm, dev: Place, shared: Place, kind: str
) -> None:
    """An import copies tags and content of any kind; the copy is the registry's own, of no job."""
    properties = {**CONTENTS[kind], "tags": {"a": "b"}, "jobName": "job_7"}
    local.put_version(dev, kind, "churn", "1", properties)

    answer = arm.post(f"{PLANE}{shared.id}/import", _asked(dev.asset_id(kind, "churn", "1")))

    assert 202 == answer.status_code
    copy = arm.get(f"{PLANE}{shared.id}/{kind}/churn/versions/1").json()
    assert {"a": "b"} == copy["properties"]["tags"]
    assert "jobName" not in copy["properties"]
    assert "azureml://datastores" not in str(copy)


@pytest.mark.parametrize("kind", CONTENTS)
def test_each_kind_is_published(
    local: LocalAzureMl, arm: Arm, dev: Place, shared: Place, kind: str
) -> None:
    """The resource manager publishes a version of any kind into a registry, once, and tells it."""
    local.put_version(dev, kind, "churn", "1", {**CONTENTS[kind], "tags": {"a": "b"}})
    path = f"{dev.id}/{kind}/churn/versions"
    asked = {"registryName": "shared", "destinationName": "best", "destinationVersion": "7"}

    numbers = ("1/publish", "1/publish", "9/publish")
    answers = [arm.post(f"{path}/{number}", asked) for number in numbers]

    assert [202, 409, 404] == [answer.status_code for answer in answers]
    assert 200 == arm.get(answers[0].headers["Location"]).status_code
    copy = local.version(shared, kind, "best", "7")
    assert copy is not None
    assert "anna" == copy["systemData"]["createdBy"]
    assert {"a": "b"} == copy["properties"]["tags"]
    assert "Microsoft.Resources.ResourceActionSuccess" == local.events[-1]["eventType"]
    assert local.events[-1]["data"]["operationName"].endswith(f"{kind}/versions/publish/action")


def test_an_import_is_polled(local: LocalAzureMl, arm: Arm, dev: Place, shared: Place) -> None:
    """The operation says that it is under way as often as it was told to."""
    local.polls = 1
    local.put_version(dev, "models", "churn", "1", CONTENTS["models"])
    source = dev.asset_id("models", "churn", "1")
    answer = arm.post(f"{PLANE}{shared.id}/import", _asked(source))
    operation = answer.headers["Azure-AsyncOperation"]

    states = [arm.get(operation).json()["status"] for _ in range(2)]

    assert ["InProgress", "Succeeded"] == states


def test_wrong_imports_are_refused(
    local: LocalAzureMl, arm: Arm, dev: Place, shared: Place
) -> None:
    """What is not there, no id, or in the registry already, is not imported."""
    local.put_version(dev, "models", "churn", "1", CONTENTS["models"])
    local.put_version(shared, "models", "churn", "1", CONTENTS["models"])
    sources = (
        dev.asset_id("models", "churn", "9"),
        "churn:1",
        dev.asset_id("models", "churn", "1"),
    )

    answers = [arm.post(f"{PLANE}{shared.id}/import", _asked(source)) for source in sources]

    assert [404, 400, 409] == [answer.status_code for answer in answers]


def test_a_registry_is_discovered(arm: Arm, shared: Place) -> None:
    """Discovery names the data plane; a registry that is not there is not found."""
    path = "/registrymanagement/v1.0/registries/{}/discovery"
    found = arm.get(path.format("Shared")).json()

    assert "shared" == found["registryName"]
    assert f"/resourceGroups/{found['resourceGroup']}/" in shared.id
    assert 404 == arm.get(path.format("none")).status_code


def test_registries_are_not_the_resource_managers(arm: Arm, dev: Place, shared: Place) -> None:
    """Assets of a registry are on its data plane alone, those of a workspace are not there."""
    assert 404 == arm.get(f"{shared.id}/models/churn/versions").status_code
    assert 404 == arm.get(f"{PLANE}{dev.id}/models/churn/versions").status_code
    assert 200 == arm.get(shared.id).status_code

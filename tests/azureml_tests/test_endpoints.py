"""Online endpoints and deployments, by the SDK and by raw calls."""

from __future__ import annotations

import pytest

from tests.azureml import LocalAzureMl, Place
from tests.azureml.sdk import SDK_WARNINGS, entities
from tests.azureml_tests.arm import MODEL, Arm

pytestmark = [pytest.mark.filterwarnings(text) for text in SDK_WARNINGS]


@pytest.mark.parametrize("polls", [0, 2])
def test_the_sdk_moves_traffic(local: LocalAzureMl, dev: Place, polls: int) -> None:
    """The SDK creates an endpoint, reads its deployments, and gives and takes traffic."""
    local.polls = polls
    client = local.client("anna", dev)
    wanted = entities().ManagedOnlineEndpoint(name="churn")
    client.online_endpoints.begin_create_or_update(wanted).result()
    model = f"{dev.id}/models/churn/versions/1"
    local.deploy(dev, "churn", "blue", model)

    endpoint = client.online_endpoints.get("churn")
    traffic = []
    for share in (100, 0):
        endpoint.traffic = {"blue": share}
        client.online_endpoints.begin_create_or_update(endpoint).result()
        traffic.append(client.online_endpoints.get("churn").traffic)

    assert [{"blue": 100}, {"blue": 0}] == traffic
    assert ["churn"] == [endpoint.name for endpoint in client.online_endpoints.list()]
    assert [model] == [one.model for one in client.online_deployments.list("churn")]
    assert model == client.online_deployments.get("blue", "churn").model


def test_the_sdk_deploys_and_deletes(local: LocalAzureMl, dev: Place) -> None:
    """The SDK creates a deployment of a registered model, and deletes it and its endpoint."""
    local.put_version(dev, "models", "churn", "1", MODEL)
    local.endpoint(dev, "churn")
    client = local.client("anna", dev)
    wanted = entities().ManagedOnlineDeployment(
        name="blue",
        endpoint_name="churn",
        model="azureml:churn:1",
        instance_type="Standard_DS3_v2",
        instance_count=1,
    )

    client.online_deployments.begin_create_or_update(wanted).result()
    assert ["blue"] == [one.name for one in client.online_deployments.list("churn")]
    client.online_deployments.begin_delete("blue", "churn").result()
    assert [] == list(client.online_deployments.list("churn"))
    client.online_endpoints.begin_delete("churn").result()
    assert [] == list(client.online_endpoints.list())


@pytest.mark.parametrize(
    ("traffic", "status"),
    [
        ({"blue": 100}, 200),
        ({"blue": 40, "green": 60}, 200),
        ({}, 200),
        ({"blue": 0}, 200),
        ({"blue": 50}, 400),
        ({"blue": 60, "green": 60}, 400),
        ({"red": 100}, 400),
    ],
)
def test_traffic_is_all_or_nothing(
    local: LocalAzureMl, arm: Arm, dev: Place, traffic: dict[str, int], status: int
) -> None:
    """Traffic sums up to 0 or 100, and goes to deployments that exist."""
    for deployment in ("blue", "green"):
        local.deploy(dev, "churn", deployment, f"{dev.id}/models/churn/versions/1")

    answer = arm.put(f"{dev.id}/onlineEndpoints/churn", {"traffic": traffic})

    assert status == answer.status_code


def test_live_deployments_are_not_deleted(local: LocalAzureMl, arm: Arm, dev: Place) -> None:
    """A deployment that has traffic cannot be deleted; what is gone can, to no effect."""
    local.deploy(dev, "churn", "blue", f"{dev.id}/models/churn/versions/1", traffic=100)
    path = f"{dev.id}/onlineEndpoints/churn"

    assert 400 == arm.delete(f"{path}/deployments/blue").status_code
    assert 204 == arm.delete(f"{path}/deployments/red").status_code
    assert 202 == arm.delete(path).status_code
    assert 204 == arm.delete(path).status_code


def test_a_deployment_is_told(local: LocalAzureMl, dev: Place) -> None:
    """A deployment raises a write, and ModelDeployed with the model; traffic another write."""
    local.deploy(dev, "churn", "blue", f"{dev.id}/models/churn/versions/7", traffic=100, who="bea")

    deployed = [e for e in local.events if e["eventType"].endswith("ModelDeployed")]
    written = [
        e["subject"].partition("/workspaces/dev/")[2]
        for e in local.events
        if e["eventType"].endswith("ResourceWriteSuccess")
    ]

    assert [("endpoints/churn", "churn:7")] == [
        (event["subject"], event["data"]["ModelIds"]) for event in deployed
    ]
    blue = "onlineEndpoints/churn/deployments/blue"
    assert ["onlineEndpoints/churn", blue, "onlineEndpoints/churn"] == written
    assert {"bea"} == {e["data"]["claims"]["name"] for e in local.events if "claims" in e["data"]}

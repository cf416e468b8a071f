"""What goes wrong on demand, and what the real SDK makes of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest
from azure.core.exceptions import (
    HttpResponseError,
    IncompleteReadError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)

from tests.azureml import Call, LocalAzureMl, Place
from tests.azureml.sdk import SDK_WARNINGS
from tests.azureml_tests.arm import MODEL, PLANE, Arm

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

pytestmark = [pytest.mark.filterwarnings(text) for text in SDK_WARNINGS]
READ = "GET .*/models/churn/versions/1"


@pytest.fixture
def client(local: LocalAzureMl, dev: Place) -> MLClient:
    """Return an SDK client of Anna, and a model to read."""
    local.put_version(dev, "models", "churn", "1", MODEL)
    return local.client("anna", dev)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (403, HttpResponseError),
        (404, ResourceNotFoundError),
        (409, ResourceExistsError),
        (412, HttpResponseError),
        (400, HttpResponseError),
    ],
)
def test_errors_are_the_sdks_own(
    local: LocalAzureMl, client: MLClient, status: int, expected: type[HttpResponseError]
) -> None:
    """The SDK maps a status to its exception, with the code and message of the body."""
    local.fail(READ, status=status, code="Odd", message="as it is")

    with pytest.raises(expected, match="as it is") as caught:
        client.models.get("churn", "1")

    assert caught.value.error is not None
    assert (status, "Odd") == (caught.value.status_code, caught.value.error.code)
    assert "1" == client.models.get("churn", "1").version


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_passing_faults_are_retried(local: LocalAzureMl, client: MLClient, status: int) -> None:
    """The SDK tries again what may pass."""
    local.fail(READ, status=status, times=2)

    assert "1" == client.models.get("churn", "1").version
    assert [status, status, 200] == [call.status for call in local.calls_to(READ)]


def test_lasting_faults_are_raised(local: LocalAzureMl, client: MLClient) -> None:
    """The SDK gives up a fault that lasts."""
    local.fail(READ, status=500, code="InternalServerError", times=99)

    with pytest.raises(HttpResponseError) as caught:
        client.models.get("churn", "1")

    assert 500 == caught.value.status_code
    local.heal()
    assert "1" == client.models.get("churn", "1").version


def test_retry_after_is_obeyed(local: LocalAzureMl, client: MLClient) -> None:
    """The SDK waits as long as a 429 says."""
    local.fail(READ, status=429, code="TooManyRequests", headers={"Retry-After": "1"})
    began = time.monotonic()

    client.models.get("churn", "1")

    assert 1 <= time.monotonic() - began


def test_connections_are_cut(local: LocalAzureMl, client: MLClient) -> None:
    """A connection that is cut is no answer; the call is kept with the status 0."""
    local.fail(READ, cut=True, times=99)

    with pytest.raises((ServiceRequestError, ServiceResponseError)):
        client.models.get("churn", "1")

    assert {0} == {call.status for call in local.calls_to(READ)}


def test_bodies_are_half_written(local: LocalAzureMl, client: MLClient) -> None:
    """A body that breaks off is told from one that is whole, and is tried again."""
    local.fail(READ, cut=True, body=b'{"id": "half of it"}', times=99)

    with pytest.raises((ServiceResponseError, IncompleteReadError)):
        client.models.get("churn", "1")


def test_bodies_are_nonsense(local: LocalAzureMl, arm: Arm, dev: Place) -> None:
    """Any bytes may be answered, with any status and any headers."""
    local.fail("GET", status=200, body=b'{"id": "ha', headers={"X-Odd": "1"})

    answer = arm.get(dev.id)

    assert (200, b'{"id": "ha', "1") == (
        answer.status_code,
        answer.content,
        answer.headers["x-odd"],
    )


def test_answers_are_late(local: LocalAzureMl, arm: Arm, dev: Place) -> None:
    """An answer may come late, while others do not wait."""
    local.fail("GET", status=0, delay_seconds=0.3)
    began = time.monotonic()

    assert 200 == arm.get(dev.id).status_code
    assert 0.3 <= time.monotonic() - began


def test_answers_are_lost(local: LocalAzureMl, arm: Arm, dev: Place) -> None:
    """A write may be carried out although its answer never comes."""
    local.fail("PUT", cut=True, applied=True)

    with pytest.raises(httpx.TransportError):
        arm.put(f"{dev.id}/models/churn/versions/1", MODEL)

    assert local.version(dev, "models", "churn", "1") is not None


def test_writes_are_refused_before_they_happen(local: LocalAzureMl, arm: Arm, dev: Place) -> None:
    """A fault is answered instead of the request, which has no effect."""
    local.fail("PUT", status=409, code="Conflict")

    assert 409 == arm.put(f"{dev.id}/models/churn/versions/1", MODEL).status_code
    assert local.version(dev, "models", "churn", "1") is None


def test_reads_are_stale(local: LocalAzureMl, arm: Arm, dev: Place) -> None:
    """A stale read answers what was there before the last write, be it nothing."""
    path = f"{dev.id}/models/churn/versions/1"
    local.put_version(dev, "models", "churn", "1", MODEL)
    local.stale(match="churn")
    created = arm.get(path).status_code
    local.put_version(dev, "models", "churn", "1", {**MODEL, "tags": {"a": "1"}})
    local.stale(times=2)
    tags = [arm.get(path).json()["properties"]["tags"] for _ in range(3)]
    local.delete_version(dev, "models", "churn", "1")
    local.stale()

    assert 404 == created
    assert [{}, {}, {"a": "1"}] == tags
    assert [200, 404] == [arm.get(path).status_code for _ in range(2)]


def test_somebody_is_forbidden_everything(local: LocalAzureMl, arm: Arm, dev: Place) -> None:
    """An identity without rights gets 403 with its name, and nobody else does."""
    local.put_version(dev, "models", "churn", "1", MODEL)
    path = f"{dev.id}/models/churn/versions/1"
    local.forbid("governor")
    with Arm(local, "governor") as governor:
        refused = governor.get(path)
        local.permit("governor")
        permitted = governor.get(path)

    assert (403, 200) == (refused.status_code, permitted.status_code)
    assert "AuthorizationFailed" == refused.json()["error"]["code"]
    assert local.governor.oid in refused.json()["error"]["message"]
    assert "workspaces/models/versions/read" in refused.json()["error"]["message"]
    assert 200 == arm.get(path).status_code


def test_a_workspace_vanishes(local: LocalAzureMl, arm: Arm, dev: Place, shared: Place) -> None:
    """Of a workspace or a registry that is gone, nothing answers, whichever plane is asked."""
    local.put_version(dev, "models", "churn", "1", MODEL)
    name = local.job(dev)
    for place in (dev, shared):
        local.vanish(place)
    paths = (
        dev.id,
        f"{dev.id}/models/churn/versions/1",
        f"/mlflow/v2.0{dev.id}/api/2.0/mlflow/runs/get?run_id={name}",
        f"{PLANE}{shared.id}/models",
        f"/registrymanagement/v1.0/registries/{shared.name}/discovery",
    )

    answers = [arm.get(path) for path in paths]

    assert {(404, "ResourceNotFound")} == {
        (answer.status_code, answer.json()["error"]["code"]) for answer in answers
    }


def test_calls_are_counted(local: LocalAzureMl, arm: Arm, dev: Place) -> None:
    """Every call is kept with what it was answered."""
    arm.get(f"{dev.id}/models/a%20b/versions", listViewType="All")

    (call,) = local.calls_to("GET .*/a b/versions.*listViewType=All")

    assert Call("GET", f"{dev.id}/models/a b/versions", 200, call.query) == call
    assert [] == local.calls_to("PUT")


def test_requests_need_a_version_of_the_api(local: LocalAzureMl, dev: Place) -> None:
    """The resource manager refuses a request without api-version."""
    answer = httpx.get(
        f"{local.url}{dev.id}",
        headers={"Authorization": f"Bearer {local.credential('anna').get_token('x').token}"},
        verify=False,
    )

    assert (400, "MissingApiVersionParameter") == (
        answer.status_code,
        answer.json()["error"]["code"],
    )

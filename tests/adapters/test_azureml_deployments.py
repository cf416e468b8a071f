"""What endpoints of Azure ML serve, and taking traffic away, on a local one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.adapters.azureml_deployments import traffic, without
from stage_functions.adapters.azureml_sdk import AzureMlSdk
from stage_functions.application.ports.registry import Deployment
from stage_functions.domain.error import RegistryRefusedError, RegistryUnavailableError
from tests.adapters.azureml_local import Connected, connected
from tests.azureml.sdk import SDK_WARNINGS

pytestmark = [pytest.mark.filterwarnings(text) for text in SDK_WARNINGS]


@pytest.fixture
def azure() -> Iterator[Connected]:
    """Run a local Azure ML."""
    with connected() as azure:
        yield azure


def _model(azure: Connected, number: str) -> str:
    azure.local.put_version(
        azure.dev, "models", "iris", number, {"modelUri": f"https://x/{number}"}
    )
    return f"{azure.dev.id}/models/iris/versions/{number}"


def _scoring(azure: Connected, **shares: int) -> None:
    """Make the endpoint `scoring` with a deployment for each share."""
    for number, name in enumerate(shares, start=1):
        azure.local.deploy(azure.dev, "scoring", name, _model(azure, str(number)))
    azure.local.endpoint(azure.dev, "scoring", shares)


def _shares(azure: Connected) -> dict[str, int]:
    return traffic(azure.dev.endpoints["scoring"].document)


def _versions(found: tuple[Deployment, ...]) -> dict[str, tuple[str, int]]:
    return {one.name: (str(one.version), one.traffic_percent) for one in found}


def test_tells_what_an_endpoint_serves(azure: Connected) -> None:
    """Each deployment is shown with its version, its share, and who changed it when."""
    _scoring(azure, blue=70, green=30)

    found = azure.registry.deployments("scoring")

    assert {"blue": ("dev/models/iris:1", 70), "green": ("dev/models/iris:2", 30)} == _versions(
        found
    )
    assert {("scoring", "aml:anna")} == {(one.endpoint, one.changed_by) for one in found}
    assert all(one.changed_at > datetime(2020, 1, 1, tzinfo=UTC) for one in found)


def test_knows_versions_of_every_registry(azure: Connected) -> None:
    """A model of another workspace or of a registry of the configuration is that version."""
    ids = {
        "of-registry": "azureml://registries/shared-reg/models/iris/versions/4",
        "of-test": f"{azure.test.id}/models/iris/versions/5",
        "of-another": "azureml://registries/azureml/models/bert/versions/1",
        "of-a-label": "azureml://registries/shared-reg/models/iris/labels/latest",
        "of-nothing": "",
        "in-small-letters": f"{azure.dev.id}/models/iris/versions/1".lower(),
    }
    for name, id_ in ids.items():
        azure.local.deploy(azure.dev, "scoring", name, id_)

    found = azure.registry.deployments("scoring")

    assert {
        "of-registry": ("shared/models/iris:4", 0),
        "of-test": ("test/models/iris:5", 0),
        "of-another": ("None", 0),
        "of-a-label": ("None", 0),
        "of-nothing": ("None", 0),
        "in-small-letters": ("dev/models/iris:1", 0),
    } == _versions(found)


@pytest.mark.parametrize("model", [None, 7, {"assetId": None}, {"referenceType": "DataPath"}, []])
def test_survives_any_model(azure: Connected, model: object) -> None:
    """A deployment whose model cannot be read serves no version."""
    _scoring(azure, blue=100)
    azure.dev.endpoints["scoring"].deployments["blue"]["properties"]["model"] = model

    assert {"blue": ("None", 100)} == _versions(azure.registry.deployments("scoring"))


def test_leaves_out_what_is_no_deployment(azure: Connected) -> None:
    """What has no name or no time of its own is none."""
    _scoring(azure, blue=100, green=0)
    azure.dev.endpoints["scoring"].deployments["blue"]["systemData"] = None

    assert ["green"] == [one.name for one in azure.registry.deployments("scoring")]


def test_reads_the_endpoint_and_its_deployments(azure: Connected) -> None:
    """Two calls tell all, one more for each further page."""
    _scoring(azure, a=100, b=0, c=0)
    before = len(azure.local.calls)
    azure.registry.deployments("scoring")
    once = len(azure.local.calls)
    azure.local.page_size = 2

    found = azure.registry.deployments("scoring")

    assert {"a", "b", "c"} == {one.name for one in found}
    assert (2, 3) == (once - before, len(azure.since(once)))


def test_tells_what_a_batch_endpoint_serves(azure: Connected) -> None:
    """The deployment that jobs go to by default gets all of them."""
    first, second = _model(azure, "1"), _model(azure, "2")
    azure.local.batch_endpoint(azure.dev, "nightly", {"old": first, "new": second}, default="new")
    azure.local.batch_endpoint(azure.dev, "idle", {"old": first})

    assert {
        "old": ("dev/models/iris:1", 0),
        "new": ("dev/models/iris:2", 100),
    } == _versions(azure.registry.deployments("nightly"))
    assert {"old": ("dev/models/iris:1", 0)} == _versions(azure.registry.deployments("idle"))


@pytest.mark.parametrize("alias", ["dev", "shared"])
def test_there_may_be_no_endpoint(azure: Connected, alias: str) -> None:
    """An endpoint that is not there serves nothing; a registry has none at all."""
    registry = azure.registries[alias]

    assert () == registry.deployments("nowhere")
    registry.take_traffic("nowhere", "blue")
    azure.local.batch_endpoint(azure.dev, "nightly", {"old": _model(azure, "1")}, default="old")
    registry.take_traffic("nightly", "old")


@pytest.mark.parametrize("failing", [r"onlineEndpoints/scoring\?", "/deployments"])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 500}, RegistryUnavailableError),
        ({"status": 403, "code": "AuthorizationFailed"}, RegistryRefusedError),
    ],
)
def test_says_what_cannot_be_read(
    azure: Connected, failing: str, fault: dict[str, Any], error: type[Exception]
) -> None:
    """What cannot be read just now is an error, never an endpoint that serves nothing."""
    _scoring(azure, blue=100)
    azure.local.fail(failing, times=9, **fault)

    with pytest.raises(error):
        azure.registry.deployments("scoring")


@pytest.mark.parametrize("polls", [0, 2])
def test_takes_traffic_away(azure: Connected, polls: int) -> None:
    """Others that get requests get the share of a deployment, in proportion."""
    _scoring(azure, blue=40, green=20, white=40, idle=0)
    azure.local.polls = polls

    azure.registry.take_traffic("scoring", "white")

    assert {"blue": 67, "green": 33} == _shares(azure)


def test_takes_traffic_away_on_kubernetes(azure: Connected) -> None:
    """So it is with an endpoint on a cluster of one's own, which stays there."""
    _scoring(azure, blue=50, green=50)
    compute = f"{azure.dev.id}/computes/cluster"
    azure.dev.endpoints["scoring"].document["properties"]["compute"] = compute

    azure.registry.take_traffic("scoring", "blue")

    assert {"green": 100} == _shares(azure)
    assert compute == azure.dev.endpoints["scoring"].document["properties"]["compute"]


def test_takes_the_traffic_of_the_only_one(azure: Connected) -> None:
    """Where no other deployment gets requests, none is made to: nobody serves them."""
    _scoring(azure, blue=100, idle=0)

    azure.registry.take_traffic("scoring", "blue")

    assert {} == _shares(azure)
    assert {"blue": 0, "idle": 0} == {
        one.name: one.traffic_percent for one in azure.registry.deployments("scoring")
    }


def test_takes_traffic_once(azure: Connected) -> None:
    """What gets no requests is left alone: nothing is written again."""
    _scoring(azure, blue=100, green=0)
    azure.registry.take_traffic("scoring", "blue")
    before = len(azure.local.calls)

    for deployment in ("blue", "green", "unknown"):
        azure.registry.take_traffic("scoring", deployment)

    assert {"GET"} == {call.method for call in azure.since(before)}


def test_takes_copies_of_requests_too(azure: Connected) -> None:
    """A deployment that requests are mirrored to gets no copies any more; others keep theirs."""
    _scoring(azure, blue=100, green=0)
    azure.dev.endpoints["scoring"].document["properties"]["mirrorTraffic"] = {"green": 10}

    azure.registry.take_traffic("scoring", "green")

    assert {"blue": 100} == _shares(azure)
    assert {} == traffic(azure.dev.endpoints["scoring"].document, "mirrorTraffic")


def test_leaves_the_rest_of_an_endpoint(azure: Connected) -> None:
    """Tags, properties, description and the way to sign in stay as they are."""
    _scoring(azure, blue=50, green=50)
    document = azure.dev.endpoints["scoring"].document
    document["tags"] = {"team": "a"}
    document["properties"] |= {
        "description": "scores",
        "authMode": "AADToken",
        "properties": {"p": "q"},
        "publicNetworkAccess": "Disabled",
    }

    azure.registry.take_traffic("scoring", "blue")

    after = azure.dev.endpoints["scoring"].document
    assert {"team": "a"} == after["tags"]
    for key in ("description", "authMode", "properties", "publicNetworkAccess"):
        assert document["properties"][key] == after["properties"][key]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 403, "code": "AuthorizationFailed"}, RegistryRefusedError),
        ({"status": 400, "code": "BadRequest"}, RegistryRefusedError),
        ({"status": 409, "code": "Conflict"}, RegistryUnavailableError),
        ({"status": 429, "headers": {"Retry-After": "0"}}, RegistryUnavailableError),
        ({"status": 503}, RegistryUnavailableError),
        ({"cut": True}, RegistryUnavailableError),
        ({"status": 200, "body": b'{"half'}, RegistryUnavailableError),
    ],
    ids=["403", "400", "409", "429", "503", "cut", "half"],
)
def test_says_why_traffic_cannot_be_taken(
    azure: Connected, fault: dict[str, Any], error: type[Exception]
) -> None:
    """A fault that may pass is retryable, another is not; the endpoint stays as it was."""
    _scoring(azure, blue=50, green=50)
    azure.local.fail("PUT .*onlineEndpoints/scoring", times=20, **fault)

    with pytest.raises(error):
        azure.registry.take_traffic("scoring", "blue")
    assert {"blue": 50, "green": 50} == _shares(azure)


def test_an_endpoint_may_go_meanwhile(azure: Connected) -> None:
    """An endpoint that was deleted between two looks needs nothing."""
    _scoring(azure, blue=100)
    gone = "GET .*onlineEndpoints/scoring.*2022-02-01-preview"
    azure.local.fail(gone, status=404, code="UserError", message="gone", times=9)

    azure.registry.take_traffic("scoring", "blue")

    assert {"blue": 100} == _shares(azure)


def test_does_not_wait_for_ever(azure: Connected) -> None:
    """A change that takes long is begun, and looked at again later."""
    _scoring(azure, blue=50, green=50)
    azure.local.polls = 10_000
    api = azure.registry._api  # noqa: SLF001  # the time that is waited is no setting
    sdk = AzureMlSdk(api, azure.local.credential("governor"), seconds=0.3)

    with pytest.raises(RegistryUnavailableError, match="not done yet"):
        sdk.change_traffic("scoring", lambda shares: without(shares, "blue"))
    azure.local.polls = 0
    azure.registry.take_traffic("scoring", "blue")
    assert {"green": 100} == _shares(azure)


_SHARES = st.dictionaries(st.sampled_from("abcdefg"), st.integers(1, 99), min_size=1)


@given(_SHARES)
def test_all_of_the_traffic_is_given_to_the_others(weights: dict[str, int]) -> None:
    """The shares still come to the whole, nearly in proportion, and the one has none."""
    total = sum(weights.values())
    shares = {name: weight * 100 // total for name, weight in weights.items()}
    first = min(shares)
    shares[first] += 100 - sum(shares.values())
    taken = max(shares)

    found = without(shares, taken)

    others = {name: share for name, share in shares.items() if name != taken and share}
    assert 0 == found[taken]
    assert (100 if others else 0) == sum(found.values())
    for name, share in others.items():
        assert abs(found[name] - share * 100 / sum(others.values())) < 1
    assert set(shares) == set(found)
    assert found == without(found, taken)

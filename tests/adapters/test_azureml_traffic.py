"""Taking traffic away from deployments of Azure ML, on a local one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.adapters.azureml_deployments import traffic, without
from stage_functions.adapters.azureml_sdk import AzureMlSdk
from stage_functions.domain.error import RegistryRefusedError, RegistryUnavailableError
from tests.adapters.azureml_local import Connected
from tests.azureml.sdk import SDK_WARNINGS

pytestmark = [pytest.mark.filterwarnings(text) for text in SDK_WARNINGS]
_SHARES = st.dictionaries(st.sampled_from("abcdefg"), st.integers(1, 99), min_size=1)


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

"""What endpoints of Azure ML serve, on a local one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stage_functions.application.ports.registry import Deployment
from stage_functions.domain.error import RegistryRefusedError, RegistryUnavailableError
from tests.adapters.azureml_local import Connected
from tests.azureml.sdk import SDK_WARNINGS

pytestmark = [pytest.mark.filterwarnings(text) for text in SDK_WARNINGS]


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


class TestEndpoints:
    """Which endpoints there are."""

    def test_lists_online_and_batch_endpoints(self, azure: Connected) -> None:
        """By two calls, and one for each further page; in order, and each once."""
        for name in ("c", "a", "b"):
            azure.local.endpoint(azure.dev, name, {})
        azure.local.batch_endpoint(azure.dev, "nightly", {})
        azure.local.batch_endpoint(azure.dev, "a", {})
        before = len(azure.local.calls)
        found = azure.registry.endpoints()
        once = len(azure.local.calls)
        azure.local.page_size = 2

        assert ("a", "b", "c", "nightly") == found == azure.registry.endpoints()
        assert (2, 3) == (once - before, len(azure.since(once)))

    def test_a_registry_has_none(self, azure: Connected) -> None:
        """Nobody is asked."""
        assert () == azure.registries["shared"].endpoints()
        assert [] == azure.local.calls_to("/registries/")

    def test_a_workspace_that_is_gone_has_not_none(self, azure: Connected) -> None:
        """It is said that it is gone."""
        azure.local.vanish(azure.dev)

        with pytest.raises(RegistryRefusedError, match="workspace dev is not there"):
            azure.registry.endpoints()

    def test_a_fault_is_told(self, azure: Connected) -> None:
        """One that may pass may be asked again."""
        azure.local.fail("batchEndpoints", times=9)

        with pytest.raises(RegistryUnavailableError):
            azure.registry.endpoints()

    @pytest.mark.parametrize("name", ["", ".", "..", None, 7])
    def test_leaves_out_what_is_no_name(self, azure: Connected, name: object) -> None:
        """What has none, or one that would lead elsewhere, is none."""
        azure.local.endpoint(azure.dev, "scoring", {})
        azure.local.endpoint(azure.dev, "odd", {})
        azure.dev.endpoints["odd"].document["name"] = name

        assert ("scoring",) == azure.registry.endpoints()

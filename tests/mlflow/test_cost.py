"""What the calls of a governed client cost, in calls of Stageward and of MLflow."""

from __future__ import annotations

from collections.abc import Callable

import mlflow
import pytest

from tests.mlflow.governed import Governed
from tests.mlflow_server import MlflowServer

GRANTED = "POST /api/v1/registries/demo/granted"
CALLS: dict[str, tuple[Callable[[mlflow.MlflowClient, str], object], int, int]] = {
    "load by stage": (lambda client, name: client.get_latest_versions(name, ["Production"]), 1, 2),
    "the latest of all": (lambda client, name: client.get_latest_versions(name), 1, 2),
    "by alias": (lambda client, name: client.get_model_version_by_alias(name, "champion"), 1, 1),
    "one version": (lambda client, name: client.get_model_version(name, "2"), 1, 1),
    "versions": (lambda client, name: client.search_model_versions(f"name = '{name}'"), 1, 1),
    "all versions": (lambda client, _: client.search_model_versions(max_results=100), 1, 1),
    "models": (lambda client, _: client.search_registered_models(max_results=50), 1, 1),
    "where it is": (lambda client, name: client.get_model_version_download_uri(name, "1"), 1, 3),
    "ask": (lambda client, name: client.transition_model_version_stage(name, "3", "Staging"), 2, 1),
}
"""What is called, how often Stageward is then asked, and how often MLflow is by this client."""


@pytest.mark.parametrize("call", CALLS)
def test_no_call_is_made_for_each_version(
    here: Governed, mlflow_server: MlflowServer, call: str
) -> None:
    """One of Stageward, however many models or versions there are."""
    name = _with_versions(here)
    client = here.client(registry="demo")
    client.get_model_version(name, "1")  # what is found once is found by now
    made, asked, asked_mlflow = CALLS[call]
    before, before_mlflow = len(here.calls), len(mlflow_server.calls())
    made(client, name)
    calls, theirs = here.calls[before:], mlflow_server.calls()[before_mlflow:]

    assert asked == len(calls), calls
    if call != "ask":  # then Stageward reads and writes there too
        assert asked_mlflow == len(theirs), theirs


_MADE: dict[str, str] = {}


def _with_versions(here: Governed) -> str:
    """Return a model with 6 versions, of which the first holds Production; made once."""
    if here.url not in _MADE:
        _MADE[here.url] = here.model(versions=6)
        here.promote(_MADE[here.url], "1")
    return _MADE[here.url]

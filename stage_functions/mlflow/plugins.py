"""What MLflow loads by its entry points. MLflow does so in every process: nothing else is imported.

`MLFLOW_REGISTRY_URI=stageward:<uri of the MLflow server>` answers by granted stage, in a client;
`mlflow server --registry-store-uri stageward-server:<uri of the real store>` refuses, in a server,
what was not granted.
"""

from __future__ import annotations

from typing import Any


def client_store(store_uri: str | None = None, **_: Any) -> Any:  # noqa: ANN401
    """Return the registry store of a client: stages and aliases are those that were granted."""
    from stage_functions.mlflow import store  # noqa: PLC0415

    return store.open_store(store_uri)


def server_store(store_uri: str | None = None, **_: Any) -> Any:  # noqa: ANN401
    """Return the registry store of a server that refuses what was not granted."""
    from stage_functions.mlflow import guard  # noqa: PLC0415

    return guard.open_store(store_uri)

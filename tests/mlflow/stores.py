"""The stores that MLflow has, imported once: importing them warns, which is none of our doing."""

from __future__ import annotations

import warnings
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mlflow.entities.model_registry import ModelVersionTag
    from mlflow.server.handlers import (
        _model_registry_store_registry,
        catch_mlflow_exception,
    )
    from mlflow.store._unity_catalog.registry.utils import get_uc_model_registry_store_class
    from mlflow.store.model_registry.abstract_store import AbstractStore
    from mlflow.store.model_registry.databricks_workspace_model_registry_rest_store import (
        DatabricksWorkspaceModelRegistryRestStore,
    )
    from mlflow.store.model_registry.file_store import FileStore
    from mlflow.store.model_registry.rest_store import RestStore
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
    from mlflow.store.model_registry.sqlalchemy_workspace_store import (
        WorkspaceAwareSqlAlchemyStore,
    )

    from stage_functions.mlflow.guard import Guard, guarded, open_store
    from stage_functions.mlflow.guard_asking import PEOPLE_AT_ONCE, authenticated

__all__ = [
    "PEOPLE_AT_ONCE",
    "PLAIN",
    "STORES",
    "AbstractStore",
    "Guard",
    "SqlAlchemyStore",
    "authenticated",
    "catch_mlflow_exception",
    "guarded",
    "open_store",
    "tag",
]
_unity: Any = get_uc_model_registry_store_class
STORES: tuple[type, ...] = (
    AbstractStore,
    SqlAlchemyStore,
    WorkspaceAwareSqlAlchemyStore,
    FileStore,
    RestStore,
    DatabricksWorkspaceModelRegistryRestStore,
    _unity(),
)
PLAIN: Any = _model_registry_store_registry
"""What a server of MLflow opens its stores by."""


def tag(key: str, value: str) -> ModelVersionTag:
    """Return a tag of a version."""
    made: Any = ModelVersionTag
    found: ModelVersionTag = made(key, value)
    return found

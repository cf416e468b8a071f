"""MLflow's client, governed: stages are those that were granted, a transition is a request.

    from stage_functions.mlflow.client import MlflowClient, PendingError, RefusedError

    client = MlflowClient("http://mlflow.example:5000")
    try:
        client.transition_model_version_stage("iris", 3, "Production", True, reason="AUC 0.94")
    except PendingError as pending:
        print(pending.approval, pending.address)

It is MLflow's own in everything else, and finds Stageward by STAGEWARD_URL and STAGEWARD_TOKEN.
docs/mlflow.md lists where it differs from MLflow's, and why.
"""

from __future__ import annotations

import time

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.tracking._model_registry.client import ModelRegistryClient

from stage_functions.mlflow.asking import Pause, Wait
from stage_functions.mlflow.errors import (
    GovernedError,
    PendingError,
    RefusedError,
    UnavailableError,
)
from stage_functions.mlflow.grants import place_of
from stage_functions.mlflow.store import GovernedStore

__all__ = ["GovernedError", "MlflowClient", "PendingError", "RefusedError", "UnavailableError"]


class _RegistryClient(ModelRegistryClient):
    """MLflow's client of registries, over a store of its own."""

    def __init__(self, store: GovernedStore, registry_uri: str, tracking_uri: str) -> None:
        self._governed = store
        super().__init__(registry_uri, tracking_uri)  # type: ignore[no-untyped-call]  # MLflow's

    @property
    def store(self) -> GovernedStore:
        return self._governed


class MlflowClient(mlflow.MlflowClient):
    """MLflow's client, whose stages are Stageward's. As safe to share as MLflow's own."""

    def __init__(
        self,
        tracking_uri: str | None = None,
        registry_uri: str | None = None,
        workspace_store_uri: str | None = None,
        *,
        url: str = "",
        token: str = "",
        registry: str = "",
        wait: Wait = 0.0,
        pause: Pause = time.sleep,
    ) -> None:
        """Prepare a client; Stageward is not asked yet.

        Args:
            tracking_uri: as MLflow's.
            registry_uri: as MLflow's; `stageward:` before it, and `#<alias>` behind, may be there.
            workspace_store_uri: as MLflow's.
            url: where Stageward answers; STAGEWARD_URL if "".
            token: who is asking; STAGEWARD_TOKEN if "", or else by STAGEWARD_AUDIENCE.
            registry: alias of MLflow's registry at Stageward; found by its address if "".
            wait: for how long, in seconds or as a timedelta, a request waits for its approval
                where the call does not say.
            pause: lets so many seconds pass while it waits.
        """
        super().__init__(tracking_uri, registry_uri, workspace_store_uri)
        place = place_of(self._registry_uri or "", registry, url, token)
        self._registry_uri = place.uri
        self._wait = wait
        store = GovernedStore(place, pause)
        self._registry_client_lazy = _RegistryClient(store, place.uri, self.tracking_uri)

    @property
    def _store(self) -> GovernedStore:
        return self._registry_client_lazy.store

    def close(self) -> None:
        """Close the connections to Stageward; they are made again when they are needed."""
        self._store.close_stageward()

    def transition_model_version_stage(
        self,
        name: str,
        version: str | int,
        stage: str,
        archive_existing_versions: bool = False,  # noqa: FBT001, FBT002  # as MLflow has it
        *,
        reason: str = "",
        on_behalf_of: str | None = None,
        emergency: str | None = None,
        wait: Wait | None = None,
    ) -> ModelVersion:
        """Ask for a transition; return the version, where it was granted.

        Args:
            name: of the model.
            version: its number.
            stage: the stage to reach; letters may be small or capital.
            archive_existing_versions: others leave that stage. Without it, a request for an
                exclusive stage that another version holds is refused.
            reason: why; approvers read it.
            on_behalf_of: id of the person it is asked for, who then cannot vote either.
            emergency: the incident for which it does not wait for approval; needs a reason.
            wait: for how long an approval is waited for; as the client was told if None.

        Raises:
            PendingError: it waits for an approval; the error has its id and its address.
            RefusedError: it was refused; the error has the reason, the stages that may be asked
                for, and the verdicts.
            UnavailableError: Stageward cannot be asked now.
            GovernedError: it cannot be asked for: no such version, nobody is signed in, …
            MlflowException: no such stage.
        """
        return self._store.transition_model_version_stage(
            name,
            version,
            stage,
            archive_existing_versions,
            reason=reason,
            on_behalf_of=on_behalf_of,
            emergency=emergency,
            wait=self._wait if wait is None else wait,
        )

    def get_latest_versions(self, name: str, stages: list[str] | None = None) -> list[ModelVersion]:
        """Return the latest version at each stage, by granted stage.

        Raises:
            UnavailableError, GovernedError: as `GovernedStore.get_latest_versions`.
        """
        return self._store.get_latest_versions(name, stages)

    def get_model_version_stages(self, name: str, version: str) -> list[str]:  # noqa: ARG002  # MLflow's
        """Return the stages that the model's lifecycle has.

        Raises:
            UnavailableError, GovernedError: as their names say.
        """
        return self._store.stages(name)

"""A registry store for MLflow's clients that answers by granted stage and asks for transitions.

`MLFLOW_REGISTRY_URI=stageward:<uri of the MLflow server>` puts it below every client of a process:
`mlflow.pyfunc.load_model("models:/iris/Production")` loads what Stageward has granted. What is not
about stages, kept aliases or Stageward's own tags goes to MLflow's own store as it is.

Stageward is asked first, so nothing is answered by MLflow's own stage where it is away.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from mlflow.entities.model_registry import ModelVersion, ModelVersionTag, RegisteredModel
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    INVALID_PARAMETER_VALUE,
    RESOURCE_CONFLICT,
)
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.model_registry import SEARCH_MODEL_VERSION_MAX_RESULTS_DEFAULT
from mlflow.tracking._model_registry.utils import _get_store

from stage_functions.domain.observation import STAGE, STAGE_GOVERNOR, STAGE_STATUS
from stage_functions.mlflow.asking import Desk, Pause, Wait, Wish
from stage_functions.mlflow.errors import GovernedError, RefusedError
from stage_functions.mlflow.grants import Grants, Place, place_of
from stage_functions.mlflow.reading import Reader
from stage_functions.mlflow.shown import all_stages, canonical, first, holder, show, show_at
from stage_functions.wire import api
from stage_functions.wire.granted_api import GrantedModel

_OWN_TAGS = (STAGE_STATUS, STAGE_GOVERNOR)


def open_store(store_uri: str | None, pause: Pause = time.sleep) -> GovernedStore:
    """Return the store of `stageward:<uri of MLflow's registry>`.

    Raises:
        MlflowException: there is nothing behind `stageward:`.
    """
    return GovernedStore(place_of(store_uri or ""), pause)


class GovernedStore:
    """MLflow's own store, with Stageward before it. As safe to share as that one."""

    def __init__(self, place: Place, pause: Pause = time.sleep) -> None:
        """Prepare; neither MLflow nor Stageward is asked yet.

        Args:
            place: where MLflow and Stageward are.
            pause: lets so many seconds pass, while an approval is waited for.
        """
        self._place = place
        self._pause = pause
        self._grants = Grants(place)

    @property
    def _inner(self) -> Any:  # noqa: ANN401  # MLflow's stores have no common type
        """MLflow's own store; not opened with this one, since MLflow opens one at a time."""
        return _get_store(self._place.uri)  # type: ignore[no-untyped-call]  # MLflow's

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever MLflow's own store has
        if name.startswith("__") or name == "_place":
            raise AttributeError(name)
        return getattr(self._inner, name)

    def __getstate__(self) -> tuple[Place, Pause]:
        return self._place, self._pause

    def __setstate__(self, state: tuple[Place, Pause]) -> None:
        self.__init__(*state)  # type: ignore[misc]  # connections are opened anew

    def close_stageward(self) -> None:
        """Close the connections to Stageward; they are made again when they are needed."""
        self._grants.close()

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
        wait: Wait = 0.0,
    ) -> ModelVersion:
        """Ask for a transition; return the version where it was granted.

        Raises:
            PendingError, RefusedError, UnavailableError, GovernedError: as their names say.
            MlflowException: no such stage, or none whose versions are archived.
        """
        if not stage.strip():
            message = "The stage must not be an empty string."
            raise MlflowException(message)
        model = self._grants.of(name)
        _demand_governed(model)
        wish = Wish(
            f"{model.asset}:{version}",
            canonical(stage, model),
            archive_existing_versions,
            reason,
            on_behalf_of,
            emergency,
            wait,
        )
        answer = self._desk().ask(wish, model)
        return show_at(self._inner.get_model_version(name, str(version)), answer.stage, model)

    def get_latest_versions(
        self, name: str, stages: Sequence[str] | None = None
    ) -> list[ModelVersion]:
        """Return the version with the highest number at each stage that is asked for.

        Raises:
            UnavailableError, GovernedError: as their names say; also where a stage is asked for
                that can be granted to nothing now.
            MlflowException: no such model, or no such stage.
        """
        model = self._grants.of(name)
        wanted = [canonical(stage, model) for stage in stages or ()]
        if any(stage != first(model) for stage in wanted):
            _demand_governed(model)
        at_hand = self._inner.get_latest_versions(name, [])
        return self._reader(name, model).latest(wanted or all_stages(model), at_hand)

    def get_registered_model(self, name: str) -> RegisteredModel:
        """Return a model; its latest versions, and its kept aliases, are by granted stage.

        Raises:
            UnavailableError, GovernedError: as their names say.
        """
        model = self._grants.of(name)
        found: RegisteredModel = self._inner.get_registered_model(name)
        reader = self._reader(name, model)
        found.latest_versions = reader.latest(all_stages(model), found.latest_versions)
        return reader.aliased(found)

    def search_registered_models(self, *args: Any, **kwargs: Any) -> PagedList[RegisteredModel]:  # noqa: ANN401  # MLflow's own
        """Search as MLflow does; show what was granted to the versions that it lists.

        Raises:
            UnavailableError, GovernedError: as their names say.
        """
        found = self._inner.search_registered_models(*args, **kwargs)
        models = self._grants.of_all(one.name for one in found)
        for one in found:
            model = models[one.name]
            one.latest_versions = [show(version, model) for version in one.latest_versions]
            self._reader(one.name, model).aliased(one)
        return PagedList(list(found), found.token)

    def get_model_version(self, name: str, version: str | int) -> ModelVersion:
        """Return a version; it shows its granted stage.

        Raises:
            UnavailableError, GovernedError: as their names say.
        """
        model = self._grants.of(name)
        return show(self._inner.get_model_version(name, version), model)

    def search_model_versions(
        self,
        filter_string: str | None = None,
        max_results: int = SEARCH_MODEL_VERSION_MAX_RESULTS_DEFAULT,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[ModelVersion]:
        """Search, sort and page as MLflow does; what is found shows its granted stage.

        Raises:
            UnavailableError, GovernedError: as their names say.
        """
        found = self._inner.search_model_versions(filter_string, max_results, order_by, page_token)
        models = self._grants.of_all(version.name for version in found)
        return PagedList([show(one, models[one.name]) for one in found], found.token)

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """Return the holder of the stage that a kept alias stands for; others as MLflow has them.

        Raises:
            UnavailableError, GovernedError: as their names say.
            MlflowException: nothing holds that stage, or there is no such alias.
        """
        model = self._grants.of(name)
        stage = model.aliases.get(alias)
        if stage is None:
            return show(self._inner.get_model_version_by_alias(name, alias), model)
        _demand_governed(model)
        held = self._reader(name, model).held(stage)
        if held is None:
            message = (
                f"Registered model alias {alias} not found: it is kept at the holder of {stage}, "
                f"and no version of {model.asset} holds that"
            )
            raise MlflowException(message, INVALID_PARAMETER_VALUE)
        return held

    def set_registered_model_alias(self, name: str, alias: str, version: str | int) -> None:
        """Set an alias; for a kept one that is a request for the stage that it stands for.

        Raises:
            PendingError, RefusedError, UnavailableError, GovernedError: as their names say.
        """
        model = self._grants.of(name)
        stage = model.aliases.get(alias)
        if stage is None:
            self._inner.set_registered_model_alias(name, alias, version)
            return
        _demand_governed(model)
        if holder(stage, model) != str(version):
            wish = Wish(f"{model.asset}:{version}", stage, archive=True)
            self._desk().ask(wish, model)

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Delete an alias, unless Stageward keeps it.

        Raises:
            RefusedError, UnavailableError, GovernedError: as their names say.
        """
        model = self._grants.of(name)
        stage = model.aliases.get(alias)
        if stage is not None:
            why = (
                f"Stageward keeps the alias {alias} of MLflow at the holder of {stage}: "
                f"ask for {stage} instead"
            )
            raise _refused(model.asset, why)
        self._inner.delete_registered_model_alias(name, alias)

    def set_model_version_tag(self, name: str, version: str | int, tag: ModelVersionTag) -> None:
        """Set a tag; `stage` is a request for that stage, and what Stageward says is refused.

        Raises:
            PendingError, RefusedError, UnavailableError, GovernedError: as their names say.
        """
        if tag.key != STAGE and tag.key not in _OWN_TAGS:
            self._inner.set_model_version_tag(name, version, tag)
            return
        model = self._grants.of(name)
        if model.why:  # nothing is granted there, so the tag is as any other
            self._inner.set_model_version_tag(name, version, tag)
            return
        if tag.key in _OWN_TAGS:
            raise _refused(model.asset, _only_stageward(tag.key))
        known = model.versions.get(str(version))
        wanted = canonical(tag.value, model)
        if known is None or known.stage != wanted:
            wish = Wish(f"{model.asset}:{version}", wanted, archive=wanted in model.exclusive)
            self._desk().ask(wish, model)

    def delete_model_version_tag(self, name: str, version: str | int, key: str) -> None:
        """Delete a tag, unless Stageward writes it.

        Raises:
            RefusedError, UnavailableError, GovernedError: as their names say.
        """
        if key == STAGE or key in _OWN_TAGS:
            model = self._grants.of(name)
            if not model.why:
                raise _refused(model.asset, _only_stageward(key))
        self._inner.delete_model_version_tag(name, version, key)

    def stages(self, name: str) -> list[str]:
        """Return the stages that versions of a model may have.

        Raises:
            UnavailableError, GovernedError: as their names say.
        """
        model = self._grants.of(name)
        return all_stages(model)

    def _reader(self, name: str, model: GrantedModel) -> Reader:
        return Reader(self._inner, name, model)

    def _desk(self) -> Desk:
        return Desk(self._grants.client, self._grants.url, self._pause)


def _demand_governed(model: GrantedModel) -> None:
    if model.why:
        message = (
            f"{model.asset} has no granted stage: {model.why}. Until it is governed, ask MLflow's "
            "own client"
        )
        raise GovernedError(message, RESOURCE_CONFLICT)


def _only_stageward(key: str) -> str:
    return f"only Stageward writes the tag {key}; to ask for a stage, ask for a transition"


def _refused(what: str, why: str) -> RefusedError:
    return RefusedError(api.Decision("refused", changed=False, version=what, stage="", detail=why))

"""What MLflow's model versions show of Stageward's grants. Asks nobody.

MLflow's own field says what anybody wrote there, so it is written over in what is shown: a version
that Stageward does not know, that is only observed, or that has the number of another thing which
was deleted, stands at the first stage.
"""

from __future__ import annotations

from mlflow.entities.model_registry import ModelVersion
from mlflow.entities.model_registry.model_version_stages import STAGE_NONE
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

from stage_functions.wire.granted_api import GrantedModel


def first(model: GrantedModel) -> str:
    """Return the stage of whatever was granted nothing."""
    return model.initial or STAGE_NONE


def all_stages(model: GrantedModel) -> list[str]:
    """Return the stages that versions of a model may have."""
    return list(model.stages or (first(model),))


def canonical(stage: str, model: GrantedModel) -> str:
    """Return a stage as the lifecycle writes it; letters may be small or capital, as in MLflow.

    Raises:
        MlflowException: the lifecycle has no such stage.
    """
    stages = all_stages(model)
    found = {name.lower(): name for name in stages}.get(stage.lower(), "")
    if stage in stages or found:
        return stage if stage in stages else found
    message = f"Invalid Model Version stage: {stage}. Value must be one of {', '.join(stages)}."
    raise MlflowException(message, INVALID_PARAMETER_VALUE)


def stage_of(version: ModelVersion, model: GrantedModel) -> str:
    """Return the stage that was granted to a version."""
    granted = model.versions.get(str(version.version))
    if granted is None or granted.stage is None:
        return first(model)
    if granted.created and granted.created != version.creation_timestamp:
        return first(model)  # its number meant another thing when that was granted
    return granted.stage


def show(version: ModelVersion, model: GrantedModel) -> ModelVersion:
    """Make a version show its granted stage, and the kept aliases that follow from it."""
    return show_at(version, stage_of(version, model), model)


def show_at(version: ModelVersion, stage: str, model: GrantedModel) -> ModelVersion:
    """Make a version show a stage, and the kept aliases that follow from it."""
    version.current_stage = stage
    free = [alias for alias in version.aliases if alias not in model.aliases]
    version.aliases = free + [alias for alias, at in model.aliases.items() if at == stage]
    return version


def holder(stage: str, model: GrantedModel) -> str:
    """Return the number of the version that holds an exclusive stage, or ""."""
    held = (number for number, version in model.versions.items() if version.stage == stage)
    return next(held, "")

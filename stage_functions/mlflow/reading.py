"""Which versions hold which stage: read from MLflow's own store, by Stageward's numbers.

No more is asked of MLflow than must be: what is at hand is used, a version that Stageward knows and
MLflow has no more is passed over, and so is one whose number means another thing by now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from msgspec import Struct

from stage_functions.mlflow.shown import first, holder, show, stage_of
from stage_functions.wire.granted_api import GrantedModel

_GONE = ErrorCode.Name(RESOURCE_DOES_NOT_EXIST)


class Reader(Struct, frozen=True):
    """Reads the versions of one model.

    Attributes:
        store: MLflow's own.
        name: of the model, as MLflow has it.
        model: what was granted to its versions.
    """

    store: Any
    name: str
    model: GrantedModel

    def latest(self, stages: Sequence[str], found: Sequence[ModelVersion]) -> list[ModelVersion]:
        """Return the version with the highest number at each stage.

        Args:
            stages: which are asked for.
            found: versions that are at hand; the newest of all among them.
        """
        at_hand = {int(version.version): version for version in found}
        known = {int(number) for number in self.model.versions if number.isdigit()}
        highest = []
        for stage in stages:
            for number in sorted(known | set(at_hand), reverse=True):
                version = at_hand.get(number)
                if version is None and self._supposed(number) == stage:
                    version = self._version(number)
                if version is None:
                    continue
                at_hand[number] = version
                if stage_of(version, self.model) == stage:
                    highest.append(show(version, self.model))
                    break
        return highest

    def held(self, stage: str) -> ModelVersion | None:
        """Return the version that holds an exclusive stage, or None."""
        number = holder(stage, self.model)
        version = self._version(int(number)) if number.isdigit() else None
        if version is None or stage_of(version, self.model) != stage:
            return None
        return show(version, self.model)

    def aliased(self, found: RegisteredModel) -> RegisteredModel:
        """Make a model show its kept aliases at the holders of their stages."""
        for alias, stage in self.model.aliases.items():
            found.aliases.pop(alias, None)
            number = holder(stage, self.model)
            if number:
                found.aliases[alias] = number
        return found

    def _supposed(self, number: int) -> str:
        granted = self.model.versions.get(str(number))
        return (granted.stage if granted is not None else None) or first(self.model)

    def _version(self, number: int) -> ModelVersion | None:
        try:
            version: ModelVersion = self.store.get_model_version(self.name, str(number))
        except MlflowException as exc:
            if exc.error_code != _GONE:
                raise
            return None
        return version

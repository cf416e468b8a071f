"""What `stageward.yaml` says, typed. Reading and checking the file is not done here."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase

from msgspec import Struct, field

from stage_functions.domain.asset import Asset, Kind
from stage_functions.domain.error import NotFoundError
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.people import Directory


class RegistryType(StrEnum):
    """The products that Stageward watches."""

    MLFLOW = "mlflow"
    AZUREML = "azureml"


class Mode(StrEnum):
    """What Stageward does with what it sees."""

    OBSERVE = "observe"
    ENFORCE = "enforce"


class Source(StrEnum):
    """Where a request may arrive besides the API."""

    TAG = "tag"
    MLFLOW_STAGE = "mlflow_stage"
    PRESENCE = "presence"


class Mirror(StrEnum):
    """Where the granted stage is shown.

    `presence` are tags whose keys are stages, `native_stage` is the field that Azure ML has for it,
    `mlflow_stage` the one of MLflow. Aliases are in `RegistryConfiguration.aliases`.
    """

    TAG = "tag"
    PRESENCE = "presence"
    NATIVE_STAGE = "native_stage"
    MLFLOW_STAGE = "mlflow_stage"


class StageEdits(StrEnum):
    """What an edit of the `stage` tag itself means."""

    FORWARD = "forward"
    DRIFT = "drift"


class RegistryConfiguration(Struct, frozen=True):
    """One registry.

    Attributes:
        alias: the first part of its assets' names.
        type: the product behind it.
        address: URL of an MLflow server, or resource id of an Azure ML workspace or registry.
        mode: observe or enforce.
        watch: globs over `kind/name`.
        requests_from: where requests arrive besides the API, first has precedence on import.
        mirror_to: where the granted stage is shown; the tag `stage` always.
        stage_edits: what an edit of the `stage` tag means.
        presence: the key that stands for a stage, where it is not the stage in small letters.
        aliases: of MLflow, that are kept at the holder of an exclusive stage: the stage by alias;
            "" where the lifecycle has but one such stage. Written `alias:champion` or
            `alias:champion=Production` under `mirror_to`.
        copies_only: versions come to be here only as copies that Stageward has made.
    """

    alias: str
    type: RegistryType
    address: str
    mode: Mode = Mode.OBSERVE
    watch: tuple[str, ...] = ("models/*",)
    requests_from: tuple[Source, ...] = (Source.TAG,)
    mirror_to: tuple[Mirror, ...] = (Mirror.TAG,)
    stage_edits: StageEdits = StageEdits.FORWARD
    presence: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    copies_only: bool = False

    def watches(self, asset: Asset) -> bool:
        """Tell whether an asset is Stageward's business."""
        return any(fnmatchcase(f"{asset.kind}/{asset.name}", glob) for glob in self.watch)

    def watches_kind(self, kind: Kind) -> bool:
        """Tell whether some asset of a kind may be, whatever its name will be."""
        return any(fnmatchcase(kind, glob.partition("/")[0]) for glob in self.watch)


class Configuration(Struct, frozen=True):
    """All of the file.

    Attributes:
        registries: by alias, in file order.
        directory: people, groups and operators.
        lifecycles: in file order; the first that matches an asset governs it.
    """

    registries: Mapping[str, RegistryConfiguration]
    directory: Directory
    lifecycles: tuple[Lifecycle, ...]

    def registry(self, alias: str) -> RegistryConfiguration:
        """Return a registry by alias.

        Raises:
            NotFoundError: no such registry; the message names those there are.
        """
        found = self.registries.get(alias)
        if found is None:
            known = ", ".join(self.registries) or "none"
            message = f"no registry has the alias '{alias}'; the file has: {known}"
            raise NotFoundError(message)
        return found

    def lifecycle(self, asset: Asset) -> Lifecycle | None:
        """Return the lifecycle that governs an asset: the first that matches."""
        return next((lifecycle for lifecycle in self.lifecycles if lifecycle.applies(asset)), None)

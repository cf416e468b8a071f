"""The registry store of an MLflow server that stores nothing that Stageward has not granted.

    mlflow server --registry-store-uri stageward-server:sqlite:///mlflow.db

It is the store that MLflow itself would open at the address behind `stageward-server:`, of whatever
kind, made a `Guard`: methods that can change what is governed ask first, all others are the store's
own. What a method calls within itself, once it was let through, is not asked about again.

What must hold: nothing is stored before it was let through; a fault lets nothing through; what
nobody has looked at (a method that a later MLflow brings) is refused.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from mlflow.entities.model_registry import ModelVersion, ModelVersionTag, RegisteredModel
from mlflow.entities.model_registry.model_version_stages import (
    ALL_STAGES,
    STAGE_NONE,
    get_canonical_stage,
)
from mlflow.exceptions import MlflowException
from mlflow.prompt.constants import IS_PROMPT_TAG_KEY
from mlflow.protos.databricks_pb2 import (
    INVALID_PARAMETER_VALUE,
    PERMISSION_DENIED,
    RESOURCE_DOES_NOT_EXIST,
    ErrorCode,
)
from mlflow.server import handlers

from stage_functions.domain.observation import STAGE_REQUEST
from stage_functions.mlflow.guard_asking import Asking, authenticated
from stage_functions.mlflow.methods import unknown
from stage_functions.settings import read_settings
from stage_functions.wire.writes_api import Ruling, WriteBody, Written

SCHEME = "stageward-server"
_COPIED = "models:/"
_PAGE = 1000
_GONE = ErrorCode.Name(RESOURCE_DOES_NOT_EXIST)
_SETTLING = 5
"""How often a version is looked at again whose stage keeps changing while it is stored."""
STAGES = frozenset(one.lower() for one in ALL_STAGES)
"""Those of MLflow; it takes them in any case."""
_let_through: ContextVar[bool] = ContextVar("stageward_let_through", default=False)


def open_store(store_uri: str | None) -> Any:  # noqa: ANN401  # whatever store MLflow has
    """Open the store behind `stageward-server:`, guarded.

    Raises:
        MlflowException: no such store, a setting is wrong, or it has workspaces.
    """
    real = (store_uri or "").removeprefix(f"{SCHEME}:")
    if not real or real == store_uri:
        message = f"write {SCHEME}:<uri of the real store>, such as {SCHEME}:sqlite:///mlflow.db"
        raise MlflowException(message, INVALID_PARAMETER_VALUE)
    asking = Asking(read_settings())
    store = _open(real)
    if getattr(store, "supports_workspaces", False):
        message = f"{SCHEME}: MLflow's workspaces are not governed: models of the same name would "
        message += "be taken for one another"
        raise MlflowException(message, INVALID_PARAMETER_VALUE)
    store.__class__ = guarded(type(store))
    store.stageward = asking
    store.stageward_uri = store_uri
    asking.look()
    return store


def guarded(store: type) -> type:
    """Return a class of stores like another one, guarded."""
    refused = {name: _refusing(name) for name in unknown(store)}
    return type(f"Guarded{store.__name__}", (Guard, store), refused)


def _open(uri: str) -> Any:  # noqa: ANN401  # as above
    """Open a store as a server of MLflow does, and not one that others share."""
    stores: Any = handlers._model_registry_store_registry  # noqa: SLF001  # the server's own table
    builder = stores.get_store_builder(uri)
    if "tracking_uri" in inspect.signature(builder).parameters:
        return builder(store_uri=uri, tracking_uri=None)
    return builder(store_uri=uri)


def _refusing(name: str) -> Callable[..., None]:
    def refuse(*_: object, **__: object) -> None:
        """Refuse what may change what is governed."""
        message = f"Stageward: this release does not know what {name} of MLflow changes"
        raise MlflowException(message, PERMISSION_DENIED)

    return refuse


@contextmanager
def _through() -> Iterator[None]:
    """Ask about nothing that the store calls within itself."""
    token = _let_through.set(True)
    try:
        yield
    finally:
        _let_through.reset(token)


class Guard:
    """What stands before the methods of a store. `super()` is the store's own.

    Names, versions and stages are asked about as the store itself spells them: a database may take
    another spelling for the same.

    Attributes:
        stageward: asks.
        stageward_uri: the address that the store was opened by.
    """

    stageward: Asking
    stageward_uri: str
    get_model_version: Callable[[str, str], ModelVersion]
    get_registered_model: Callable[[str], RegisteredModel]
    search_model_versions: Callable[..., Any]

    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        """Let another process open the same store, guarded too."""
        return open_store, (self.stageward_uri,)

    def transition_model_version_stage(
        self,
        name: str,
        version: str,
        stage: str,
        archive_existing_versions: bool,  # noqa: FBT001  # MLflow's own signature
    ) -> ModelVersion:
        """Store a stage that was granted; versions that it displaces follow.

        What Stageward does not govern is stored as ever. Otherwise others are archived only where
        the stage is exclusive there. Where Stageward shows the stage in MLflow's field it has
        stored it by now, and sees to those others too.
        """
        kept: Any = super()
        ruling = None
        if not _let_through.get():
            found, wanted = self.get_model_version(name, version), _canonical(stage)
            displace = bool(archive_existing_versions)
            ruling = self._ask_about(
                found, "stage", value=wanted, archive_existing_versions=displace
            )
        if ruling is None or not ruling.governed:
            stored: ModelVersion = kept.transition_model_version_stage(
                name, version, stage, archive_existing_versions
            )
            return stored
        now = self.get_model_version(found.name, found.version)
        if found.current_stage != wanted == now.current_stage:
            return now
        with _through():
            kept.transition_model_version_stage(
                found.name, found.version, wanted, archive_existing_versions=False
            )
            for number in (*ruling.displaces, str(found.version)):
                self._settle(found, number)
        return self.get_model_version(found.name, found.version)

    def set_model_version_tag(self, name: str, version: str, tag: ModelVersionTag) -> None:
        """Store a tag, where it is nobody's business or says what was granted."""
        kept: Any = super()
        self._ask_about_tag(name, version, tag.key, tag.value)
        with _through():
            kept.set_model_version_tag(name, version, tag)

    def delete_model_version_tag(self, name: str, version: str, key: str) -> None:
        """Delete a tag, where it is nobody's business or should not be there."""
        kept: Any = super()
        self._ask_about_tag(name, version, key, None)
        with _through():
            kept.delete_model_version_tag(name, version, key)

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        """Store an alias, where it is not kept or leads to the holder."""
        kept: Any = super()
        if not _let_through.get() and self.stageward.guards_alias(alias):
            found = self.get_model_version(name, version)
            self._ask("alias", found.name, key=alias, value=str(found.version))
        with _through():
            kept.set_registered_model_alias(name, alias, version)

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Delete an alias, where it is not kept or leads nowhere."""
        kept: Any = super()
        if not _let_through.get() and self.stageward.guards_alias(alias):
            self._ask("alias", name, key=alias)
        with _through():
            kept.delete_registered_model_alias(name, alias)

    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: Sequence[ModelVersionTag] | None = None,
        *args: Any,  # noqa: ANN401  # MLflow's own, of any release
        **more: Any,  # noqa: ANN401
    ) -> ModelVersion:
        """Store a new version, which has no tags of Stageward's; a copy goes without them."""
        kept: Any = super()
        if not _let_through.get():
            tags = self._first_tags(name, source, tags)
        with _through():
            made: ModelVersion = kept.create_model_version(
                name, source, run_id, tags, *args, **more
            )
        return made

    def delete_model_version(self, name: str, version: str) -> None:
        """Delete a version where its stage lets that be."""
        kept: Any = super()
        if not _let_through.get():
            self._ask_about(self.get_model_version(name, version), "delete")
        with _through():
            kept.delete_model_version(name, version)

    def delete_registered_model(self, name: str) -> None:
        """Delete a model where the stages of all of its versions let that be."""
        kept: Any = super()
        if not _let_through.get():
            self._ask("delete", name)
        with _through():
            kept.delete_registered_model(name)

    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        """Give a model another name, where nothing leaves its history or comes with a claim."""
        kept: Any = super()
        if not _let_through.get():
            shown = tuple(self._shown(self.get_registered_model(name)))
            self._ask("rename", name, value=new_name, shows=shown)
        with _through():
            renamed: RegisteredModel = kept.rename_registered_model(name, new_name)
        return renamed

    def _ask_about_tag(self, name: str, version: str, key: str, value: str | None) -> None:
        if not _let_through.get() and self.stageward.guards_tag(key):
            self._ask_about(self.get_model_version(name, version), "tag", key=key, value=value)

    def _ask_about(self, found: ModelVersion, what: Written, **more: Any) -> Ruling:  # noqa: ANN401
        """Ask about a version as the store has it; raises as `Asking.ask`."""
        created, number = found.creation_timestamp, str(found.version)
        return self._ask(what, found.name, version=number, created=created, **more)

    def _ask(self, what: Written, name: str, **more: Any) -> Ruling:  # noqa: ANN401
        """Ask about a model as the store has it; raises as `Asking.ask`."""
        model = self.get_registered_model(name)
        body = WriteBody(
            what, model.name, on_behalf_of=authenticated(), prompt=_is_prompt(model), **more
        )
        return self.stageward.ask(body)

    def _settle(self, asked: ModelVersion, number: str) -> None:
        """Let a version show where it stands now: another decision may have come in between.

        Whoever is granted a stage stores it, and asks then: whichever of two decisions is the
        later one, one of the two sees it.

        Raises:
            MlflowException: that is not known; what was asked for is as it was before.
        """
        kept: Any = super()
        for _ in range(_SETTLING):
            try:
                found = self.get_model_version(asked.name, number)
            except MlflowException as exc:
                if exc.error_code == _GONE and number != str(asked.version):
                    return  # it was displaced, and deleted before the ledger has heard of it
                raise
            try:
                at = self._ask_about(found, "confirm").stage or STAGE_NONE
            except MlflowException:
                kept.transition_model_version_stage(
                    asked.name, asked.version, asked.current_stage, archive_existing_versions=False
                )
                raise
            shown = _canonical(at) if at.lower() in STAGES else STAGE_NONE
            if found.current_stage == shown:
                return
            kept.transition_model_version_stage(
                asked.name, number, shown, archive_existing_versions=False
            )

    def _first_tags(
        self, name: str, source: str, tags: Sequence[ModelVersionTag] | None
    ) -> Sequence[ModelVersionTag] | None:
        """Return the tags that a new version may have.

        A copy leaves `stage_request` behind too: that wish was for the version it is a copy of.
        Whoever registers a version with a wish of their own is heard.

        Raises:
            MlflowException: one is Stageward's, and no copy came with it.
        """
        given = {one.key: one.value for one in tags or ()}
        guarded = {key for key in given if self.stageward.guards_tag(key)}
        own = guarded | ({STAGE_REQUEST} & given.keys())
        copied = self._tags_of(source) if own else {}
        left = {key for key in own if copied.get(key) == given[key]}
        claimed = {key: given[key] for key in guarded - left}
        if claimed:
            self._ask("create", name, tags=claimed)
        return [one for one in tags or () if one.key not in left]

    def _tags_of(self, source: str) -> Mapping[str, str]:
        """Return the tags of the version that another is a copy of; none where it is no copy."""
        name, _, number = source.removeprefix(_COPIED).rpartition("/")
        if not source.startswith(_COPIED) or not name or not number.isdigit():
            return {}
        found: Mapping[str, str] = self.get_model_version(name, number).tags
        return found

    def _shown(self, model: RegisteredModel) -> Iterator[str]:
        """Say what the versions of a model show that only Stageward may let them show."""
        for alias, number in model.aliases.items():
            if self.stageward.guards_alias(alias):
                yield f"version {number} has the alias {alias}"
        token = None
        while True:
            quoted = model.name.replace("'", "''")
            page = self.search_model_versions(
                filter_string=f"name='{quoted}'", max_results=_PAGE, page_token=token
            )
            for one in page:
                if one.current_stage != STAGE_NONE:
                    yield f"version {one.version} shows the stage {one.current_stage}"
                for key in filter(self.stageward.guards_tag, one.tags):
                    yield f"version {one.version} has the tag {key}"
            token = page.token
            if not token:
                return


def _canonical(stage: str) -> str:
    """Return a stage as MLflow spells it.

    Raises:
        MlflowException: MLflow has no such stage.
    """
    spelt: Callable[[str], str] = get_canonical_stage
    return spelt(stage)


def _is_prompt(model: RegisteredModel) -> bool:
    """Tell whether MLflow keeps a prompt by this name; the tags that it shows do not say so."""
    sent: Any = model
    return any(one.key == IS_PROMPT_TAG_KEY for one in sent.to_proto().tags)

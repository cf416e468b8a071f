"""No method of a store of MLflow's changes what is governed without being looked at."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, g
from mlflow.exceptions import MlflowException

from stage_functions.mlflow.methods import COMPOSED, GUARDED, HARMLESS, READING, unknown
from tests.azurite import free_port
from tests.mlflow.stores import (
    PLAIN,
    STORES,
    AbstractStore,
    Guard,
    SqlAlchemyStore,
    authenticated,
    guarded,
    open_store,
    tag,
)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets what the environment says; Stageward is nowhere."""
    monkeypatch.setenv("STAGEWARD_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("STAGEWARD_MLFLOW_REGISTRY", "demo")

    def change(**named: str) -> None:
        """Set further ones."""
        for name, value in named.items():
            monkeypatch.setenv(f"STAGEWARD_{name}", value)

    return change


@pytest.mark.parametrize("store", STORES)
def test_every_method_of_every_store_was_looked_at(store: type) -> None:
    """A later MLflow brings one: say in `methods` what it changes, and guard it if need be."""
    assert () == unknown(store)


def test_what_was_looked_at_is_there() -> None:
    """A method that MLflow has dropped is dropped here too; none is of two kinds."""
    kinds = [*GUARDED, *COMPOSED, *HARMLESS]

    assert len(kinds) == len(set(kinds))
    assert [] == [name for name in kinds if not hasattr(AbstractStore, name)]
    assert all(name in vars(Guard) for name in GUARDED)


def test_what_is_composed_calls_only_what_is_known() -> None:
    """It stores by the methods of the same store, so the guard is asked."""
    known = GUARDED | COMPOSED | HARMLESS
    for name in COMPOSED:
        called = inspect.getsource(getattr(AbstractStore, name))
        found = {
            part.partition("(")[0]
            for part in called.split("self.")[1:]
            if "(" in part.partition("\n")[0]
        }

        assert found
        assert {one for one in found if not one.startswith((*READING, "_"))} <= known


def test_a_method_that_nobody_has_looked_at_is_refused() -> None:
    """Whatever it does, it does nothing here."""

    class Later(SqlAlchemyStore):
        """A store of a later MLflow."""

        def promote_model_version(self, name: str) -> str:
            """Do something new."""
            return name

        def get_model_version_card(self, name: str) -> str:
            """Read something new."""
            return name

    later = guarded(Later)
    made: Later = object.__new__(later)

    with pytest.raises(MlflowException, match="does not know what promote_model_version") as raised:
        made.promote_model_version("iris")
    assert "PERMISSION_DENIED" == raised.value.error_code
    assert "iris" == made.get_model_version_card("iris")


@pytest.mark.parametrize("kind", ["sqlite", "file"])
@pytest.mark.usefixtures("settings")
def test_any_store_that_mlflow_opens_is_guarded(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever keeps the models, nothing governed is stored while Stageward is away."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = {"sqlite": f"sqlite:///{tmp_path / 'm.db'}", "file": tmp_path.as_uri()}[kind]
    store = open_store(f"stageward-server:{uri}")
    store.create_registered_model("iris")
    store.create_model_version("iris", "s3://a/b")
    attempts: tuple[Callable[[], object], ...] = (
        lambda: store.transition_model_version_stage(
            "iris", "1", "Staging", archive_existing_versions=False
        ),
        lambda: store.set_model_version_tag("iris", "1", tag("stage", "Production")),
        lambda: store.set_prompt_version_tag("iris", "1", "stage", "Production"),
        lambda: store.delete_model_version_tag("iris", "1", "stage"),
        lambda: store.set_registered_model_alias("iris", "champion", "1"),
        lambda: store.set_prompt_alias("iris", "champion", 1),
        lambda: store.delete_registered_model_alias("iris", "champion"),
        lambda: store.create_model_version("iris", "s3://a/b", tags=[tag("stage", "Production")]),
        lambda: store.delete_model_version("iris", "1"),
        lambda: store.delete_prompt_version("iris", "1"),
        lambda: store.delete_registered_model("iris"),
        lambda: store.delete_prompt("iris"),
        lambda: store.rename_registered_model("iris", "rose"),
    )
    for attempt in attempts:
        with pytest.raises(MlflowException, match="nothing was stored, since it cannot be") as r:
            attempt()
        assert "ABORTED" == r.value.error_code
    found = store.get_model_version("iris", "1")

    assert ("None", {}, []) == (found.current_stage, found.tags, found.aliases)


@pytest.mark.usefixtures("settings")
def test_what_a_store_opened_elsewhere_is_guarded_too(tmp_path: Path) -> None:
    """MLflow hands stores to other processes."""
    store = open_store(f"stageward-server:sqlite:///{tmp_path / 'm.db'}")
    other = pickle.loads(pickle.dumps(store))

    assert isinstance(other, Guard)
    assert isinstance(other, SqlAlchemyStore)
    assert other is not store


@pytest.mark.usefixtures("settings")
def test_the_same_store_opened_by_itself_is_as_ever(tmp_path: Path) -> None:
    """Only what was opened by the guarded address asks."""
    uri = f"sqlite:///{tmp_path / 'm.db'}"
    plain = PLAIN.get_store(uri)
    open_store(f"stageward-server:{uri}")

    assert not isinstance(plain, Guard)
    assert not isinstance(PLAIN.get_store(uri), Guard)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"MLFLOW_WHEN_AWAY": "perhaps"}, "STAGEWARD_MLFLOW_WHEN_AWAY: it is refuse or allow"),
        ({"MLFLOW_TIMEOUT_SECONDS": "soon"}, "STAGEWARD_MLFLOW_TIMEOUT_SECONDS: it is a number"),
        ({"MLFLOW_TIMEOUT_SECONDS": "0"}, "STAGEWARD_MLFLOW_TIMEOUT_SECONDS: it is a number"),
        ({"MLFLOW_TIMEOUT_SECONDS": "nan"}, "STAGEWARD_MLFLOW_TIMEOUT_SECONDS: it is a number"),
        ({"URL": "stageward.example.org"}, "is no address of Stageward"),
        ({"TOKEN": "a\u00e9b"}, "no header can carry"),
    ],
)
def test_a_setting_that_is_none_stops_the_server_before_it_starts(
    tmp_path: Path, settings: Callable[..., None], named: dict[str, str], said: str
) -> None:
    """So nobody finds out by the first write."""
    settings(**named)
    with pytest.raises(MlflowException, match=said):
        open_store(f"stageward-server:sqlite:///{tmp_path / 'm.db'}")


@pytest.mark.parametrize("uri", [None, "", "stageward-server:", "sqlite:///m.db"])
@pytest.mark.usefixtures("settings")
def test_an_address_without_a_store_is_none(uri: str | None) -> None:
    """The words show one."""
    with pytest.raises(MlflowException, match=r"such as stageward-server:sqlite:///mlflow\.db"):
        open_store(uri)


def test_who_asks_is_whom_mlflow_has_signed_in_and_nobody_else() -> None:
    """Its application for sign-in says so where requests are answered; a header says nothing."""
    app, spoken = Flask("mlflow"), {"Authorization": "Basic c2FtOng="}

    assert authenticated() is None
    with app.test_request_context(headers=spoken):
        assert authenticated() is None
        g.mlflow_authenticated_user = "bob"
        assert "mlflow:bob" == authenticated()


@pytest.mark.usefixtures("settings")
def test_workspaces_are_not_governed_so_they_are_not_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Models of one name in two of them would be taken for one another."""
    monkeypatch.setenv("MLFLOW_ENABLE_WORKSPACES", "true")
    with pytest.raises(MlflowException, match="workspaces are not governed"):
        open_store(f"stageward-server:sqlite:///{tmp_path / 'm.db'}")

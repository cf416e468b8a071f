"""MLflow's clients and servers, signed in to Stageward as an identity of Azure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from stage_functions.mlflow.errors import GovernedError
from stage_functions.mlflow.grants import Grants, place_of
from stage_functions.mlflow.guard_asking import Asking
from stage_functions.settings import read_settings
from stage_functions.wire.writes_api import WriteBody
from tests.builders import World, world
from tests.signed_in import AUDIENCE, Az, az_in, behind_app_service

MLFLOW = "http://mlflow.example"
BODY = WriteBody("stage", "iris", version="1", value="Production", on_behalf_of="mlflow:kim")


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose registry is governed, with a version."""
    made = world()
    made.register("1")
    yield made
    made.rows.close()


@pytest.fixture
def az(it: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Az]:
    """A machine with `az`, before a Stageward behind App Service."""
    made = az_in(tmp_path)
    own = {"STAGEWARD_AUDIENCE": AUDIENCE, "AZURE_CONFIG_DIR": str(tmp_path)}
    monkeypatch.delenv("STAGEWARD_TOKEN", raising=False)
    for name, value in {**made.environment(), **own}.items():
        monkeypatch.setenv(name, value)
    with behind_app_service(it) as url:
        monkeypatch.setenv("STAGEWARD_URL", url)
        yield made


def test_a_governed_client_signs_in_by_identity(az: Az) -> None:
    """Once for all clients of the process."""
    for _ in range(2):
        grants = Grants(place_of(MLFLOW, "demo"))
        found = grants.of("iris").versions
        grants.close()

    assert ["1"] == list(found)
    assert 1 == len(az.asked)


def test_a_governed_client_without_an_identity_shows_no_stage(az: Az) -> None:
    """The error is one of MLflow's, and says what to run."""
    az.fails()
    with pytest.raises(GovernedError, match="az login") as caught:
        Grants(place_of(MLFLOW, "demo")).of("iris")

    assert "UNAUTHENTICATED" == caught.value.error_code


def test_a_server_asks_by_identity(az: Az) -> None:
    """It is told the answer, and not that nobody is signed in."""
    asking = Asking(read_settings())
    with pytest.raises(MlflowException, match="None → Production"):
        asking.ask(BODY)
    asking.close()

    assert 1 == len(az.asked)


def test_a_server_without_an_identity_stores_nothing(
    az: Az, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor where a setting lets through what is asked while Stageward is away: it is not."""
    monkeypatch.setenv("STAGEWARD_MLFLOW_WHEN_AWAY", "allow")
    az.fails()
    asking = Asking(read_settings())
    with pytest.raises(
        MlflowException, match="not signed in to Stageward: Azure gives no"
    ) as caught:
        asking.ask(BODY)
    asking.close()

    assert "PERMISSION_DENIED" == caught.value.error_code

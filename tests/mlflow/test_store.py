"""`MLFLOW_REGISTRY_URI=stageward:…`: every client of a process answers by granted stage.

Each test is a process of its own, as MLflow reads its environment once.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.mlflow.store import open_store
from tests.mlflow.governed import Governed
from tests.mlflow_trained import NAME, Trained

LOAD = """
import json, sys
import mlflow

found = {}
for uri in sys.argv[1:]:
    try:
        found[uri] = mlflow.pyfunc.load_model(uri).metadata.model_id
    except mlflow.MlflowException as exc:
        found[uri] = f"{type(exc).__name__}: {exc.message}"
print(json.dumps(found))
"""


def run(here: Governed, program: str, *arguments: str, url: str = "") -> object:
    """Run a program in a process whose registry is governed; return what it prints as JSON."""
    environment = {
        "MLFLOW_TRACKING_URI": here.address,
        "MLFLOW_REGISTRY_URI": f"stageward:{here.address}#demo",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "STAGEWARD_URL": url or here.url,
        "STAGEWARD_TOKEN": "ada",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PYTHONWARNINGS": "error::FutureWarning:stage_functions,ignore",
    }
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    read: object = json.loads(done.stdout.splitlines()[-1])
    return read


def _registered_again(here: Governed, name: str, numbers: tuple[int, ...]) -> str:
    """Register trained models by another name: what other tests share is left as it is."""
    here.stock.create_registered_model(name)
    for number in numbers:
        found = here.stock.get_model_version(NAME, str(number))
        source = found.source or ""
        model = source.removeprefix("models:/") if source.startswith("models:/") else None
        made = here.stock.create_model_version(name, source, found.run_id, model_id=model)
        follow(here.context, Signal(Version(Asset("demo", Kind.MODELS, name), str(made.version))))
    return name


@pytest.mark.timeout(300)
def test_a_model_is_loaded_by_its_granted_stage(here: Governed, trained: Trained) -> None:
    """By stage, by a kept alias, as the latest; not by what MLflow says, nor while all is away."""
    name = _registered_again(here, "loaded iris", (1, 2, 3, 4))
    here.promote(name, "1")
    with pytest.warns(FutureWarning):
        here.stock.transition_model_version_stage(name, "4", "Production")
    uris = [f"models:/{name}/{part}" for part in ("production", "Staging", "latest", "1")]
    loaded = run(here, LOAD, *uris, f"models:/{name}@champion")
    away = run(here, LOAD, uris[0], f"models:/{name}@champion", url="http://127.0.0.1:9")

    assert isinstance(loaded, dict)
    assert isinstance(away, dict)
    assert [trained.ids["model"]] * 3 == [
        loaded[uri] for uri in (uris[0], uris[3], f"models:/{name}@champion")
    ]
    assert trained.ids["other"] == loaded[uris[2]]
    assert "No versions of model" in loaded[uris[1]]
    assert all(said.startswith("UnavailableError") for said in away.values())


ASK = """
import json, sys, warnings
import mlflow

name, (stage,) = sys.argv[1], sys.argv[2:]
client = mlflow.MlflowClient()
warnings.simplefilter("ignore", FutureWarning)
try:
    said = client.transition_model_version_stage(name, "1", stage).current_stage
except mlflow.MlflowException as exc:
    said = f"{type(exc).__name__}: {exc.message}"
print(json.dumps([said, client.get_model_version(name, "1").current_stage]))
"""


def test_mlflows_own_client_asks_too(here: Governed) -> None:
    """Its transition is a request there, and raises what is not granted."""
    name = here.model()
    granted = run(here, ASK, name, "Staging")
    pending = run(here, ASK, name, "Production")

    assert ["Staging", "Staging"] == granted
    assert isinstance(pending, list)
    assert pending[0].startswith("PendingError: ")
    assert f"{here.url}/approvals/" in pending[0]
    assert "Staging" == pending[1]


@pytest.mark.parametrize("uri", ["stageward:", "stageward:#demo"])
def test_an_address_without_mlflow_in_it_is_none(uri: str) -> None:
    """It says what to write."""
    with pytest.raises(MlflowException, match="write stageward:http"):
        open_store(uri)

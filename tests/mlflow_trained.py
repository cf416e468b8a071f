"""Real models on the MLflow server of a test run, trained once."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from stage_functions.domain.asset import Asset, Kind, Version
from tests.mlflow_server import MlflowServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
USER = "scientist1"
NAME = "trained iris"


@dataclass(frozen=True, slots=True)
class Trained:
    """What `mlflow_training` made.

    Attributes:
        ids: of its runs and logged models.
    """

    ids: dict[str, str]

    def version(self, number: int, registry: str = "dev") -> Version:
        """Return one of its versions."""
        return Version(Asset(registry, Kind.MODELS, NAME), str(number))


@pytest.fixture(scope="session")
def trained(mlflow_server: MlflowServer) -> Trained:
    """Train and register real models in a process of their own."""
    program = [sys.executable, "-m", "tests.mlflow_training"]
    command = [*program, mlflow_server.address, NAME, USER, COMMIT]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return Trained(json.loads(done.stdout.splitlines()[-1]))

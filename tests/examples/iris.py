"""The example on irises: where it is, and how it is run here."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
IRIS = ROOT / "examples" / "iris"
COMPONENTS = sorted((IRIS / "components").glob("*.yml"))
_NOT_OURS = ("STAGEWARD_", "MLFLOW_", "AZURE")


def program(path: Path) -> ModuleType:
    """Return a program of the example as a module: it is in no package."""
    specification = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def environment(mlflow: str) -> dict[str, str]:
    """Return the variables of a terminal in which the example is run before an MLflow server."""
    own = dict(os.environ)  # noqa: TID251  # what runs needs PATH and its like
    kept = {name: value for name, value in own.items() if not name.startswith(_NOT_OURS)}
    return kept | {
        "COLUMNS": "200",
        "GIT_PYTHON_REFRESH": "quiet",
        "LOGNAME": "scientist1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_TRACKING_URI": mlflow,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{own['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
    }

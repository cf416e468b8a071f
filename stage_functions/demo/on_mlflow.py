"""The story on MLflow: a server of its own, and whoever works with it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet

from stage_functions.demo.narrator import Narrator
from stage_functions.demo.processes import Processes, free_port
from stage_functions.demo.stage import Stage
from stage_functions.demo.training import MODEL, fit, register_in_mlflow

if TYPE_CHECKING:
    from mlflow import MlflowClient


class OnMlflow:
    """MLflow, as data scientists have it before them."""

    product = "MLflow"
    command = "make demo"
    asset = f"demo/models/{MODEL}"

    def __init__(self, url: str, client: MlflowClient) -> None:
        self._url = url
        self._client = client

    @property
    def invitation(self) -> tuple[str, ...]:
        """Where it is."""
        return (
            "            version 5 is nobody's yet: ask for Staging as a scientist",
            f"MLflow      {self._url}",
        )

    def train(self, stage: Stage) -> list[tuple[str, float]]:  # noqa: ARG002  # the protocol's
        """Train classifiers and register each with MLflow."""
        return register_in_mlflow(self._url, *fit())

    def tag(self, version: str, key: str) -> str:
        """Return a tag of a version, as MLflow shows it."""
        return str(self._client.get_model_version(MODEL, version).tags.get(key, ""))

    def set_tag(self, who: str, version: str, key: str, value: str) -> None:  # noqa: ARG002  # MLflow knows nobody
        """Set a tag of a version."""
        self._client.set_model_version_tag(MODEL, version, key, value)

    def tell_more(self, stage: Stage, versions: Sequence[str]) -> None:
        """Tell no more: all that MLflow has is told."""


def can_play() -> bool:
    """Tell whether everything is installed that this takes."""
    return all(find_spec(name) for name in ("mlflow", "sklearn"))


def open_mlflow(
    processes: Processes, folder: Path, narrator: Narrator, environment: dict[str, str]
) -> OnMlflow:
    """Start an MLflow server, and let the environment say where it is."""
    url = f"http://127.0.0.1:{free_port()}"
    environment |= {
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_WEBHOOK_CACHE_TTL": "1",
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": Fernet.generate_key().decode(),
        "MLFLOW_TRACKING_URI": url,
        "GIT_PYTHON_REFRESH": "quiet",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "STAGEWARD_CONFIG": str(Path(__file__).with_name("stageward.yaml")),
    }
    _start(processes, folder, url, environment)
    narrator.show(f"MLflow {url}")
    from mlflow import MlflowClient as Client  # noqa: PLC0415  # 1.3 s to import

    return OnMlflow(url, Client(url))


def _start(processes: Processes, folder: Path, url: str, environment: dict[str, str]) -> None:
    port = url.rpartition(":")[2]
    arguments = ["mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", "1"]
    store = f"sqlite:///{folder / 'mlflow.db'}"
    artifacts = ["--artifacts-destination", str(folder / "artifacts")]
    processes.start("mlflow", [*arguments, "--backend-store-uri", store, *artifacts], environment)
    processes.wait_for("mlflow", f"{url}/health")

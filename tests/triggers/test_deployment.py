"""What goes to Azure: nothing heavy is imported, and nothing is wrong with it that can be told."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.triggers.worker import ROOT, deploy

HEAVY = (
    "apprise",
    "azure.ai.ml",
    "azure.data.tables",
    "azure.eventgrid",
    "azure.identity",
    "fastapi",
    "httpx",
    "mlflow",
    "msal",
    "numpy",
    "opentelemetry",
    "pandas",
    "pydantic",
    "requests",
    "rich",
    "sklearn",
    "sqlite3",
    "stage_functions.cli",
    "stage_functions.web",
    "starlette",
    "typer",
    "uvicorn",
)
KNOWN_WARNINGS = {"check_native_dependency_risk"}
"""That `cryptography` is compiled: Azure builds on its own machines."""


def test_importing_the_app_loads_nothing_heavy_and_opens_nothing(deployed: Path) -> None:
    """It is what every cold start waits for; where it opens a file, it is one of Python's own."""
    code = (
        "import sys; opened = []\n"
        "sys.addaudithook(lambda event, found: opened.append(event)"
        " if event in ('socket.connect', 'sqlite3.connect', 'subprocess.Popen') else None)\n"
        f"import function_app; print([*opened, *(m for m in {HEAVY!r} if m in sys.modules)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=deployed, capture_output=True, text=True, check=True
    )

    assert "[]\n" == done.stdout


def test_only_what_azure_needs_is_deployed(tmp_path: Path) -> None:
    """No tests, no documents, no secrets, nothing of the workshop."""
    deployed = deploy(tmp_path / "app")  # where nothing has run yet
    found = {path.name for path in deployed.iterdir()}

    needed = {"function_app.py", "host.json", "requirements.txt", "stage_functions"}
    assert needed | {"stageward.yaml", "stageward.azure.yaml"} == found
    assert not (deployed / "stage_functions" / "demo").exists()


def test_the_host_is_configured(deployed: Path) -> None:
    """Paths are Stageward's own from the root on, and a scan has the time that it takes."""
    host = json.loads((deployed / "host.json").read_text("utf-8"))

    assert "" == host["extensions"]["http"]["routePrefix"]
    assert "[4.*, 5.0.0)" == host["extensionBundle"]["version"]
    assert "00:10:00" == host["functionTimeout"]


def test_the_doctor_finds_nothing(deployed: Path, tmp_path: Path) -> None:
    """Programming model, requirements, host.json and bundle are as Azure wants them."""
    project = shutil.copytree(deployed, tmp_path / "app")
    shutil.copy(ROOT / ".funcignore", project)
    doctor = str(Path(sys.executable).with_name("azure-functions-doctor"))
    command = [doctor, "doctor", "--profile", "deploy", "--format", "json", "--path", str(project)]
    settings = {"PATH": "/usr/bin:/bin", "APPLICATIONINSIGHTS_CONNECTION_STRING": "set in Azure"}
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)

    results = json.loads(done.stdout)["results"]
    items = [item for section in results for item in section["items"]]
    wrong = {item["rule_id"] for item in items if item["status"] not in {"pass", "skip"}}
    assert (0, KNOWN_WARNINGS) == (done.returncode, wrong)

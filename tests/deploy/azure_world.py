"""A subscription with a workspace, a machine with `az` and `azd`, and the hooks run there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/ml"
ML = "Microsoft.MachineLearningServices"
WORKSPACE = f"{GROUP}/providers/{ML}/workspaces/dev"
REGISTRY = f"{GROUP}/providers/{ML}/registries/shared"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/v"
SUBNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/n/subnets/app"
APP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-trial/providers/Microsoft.Web/sites/func-a"
HOST = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-trial/providers/Microsoft.Storage"
    "/storageAccounts/sthosta"
)
GOVERNOR = "aaaaaaaa-2222-3333-4444-555555555555"
DEPLOYER = "bbbbbbbb-2222-3333-4444-555555555555"
OFFICERS = "cccccccc-2222-3333-4444-555555555555"
CLIENT = "dddddddd-2222-3333-4444-555555555555"
GIVEN = {
    "AZURE_ENV_NAME": "trial",
    "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
    "AZURE_TENANT_ID": "eeeeeeee-2222-3333-4444-555555555555",
    "AZURE_LOCATION": "swedencentral",
    "AZUREML_WORKSPACE_NAME": "dev",
    "AZUREML_RESOURCE_GROUP": "ml",
    "ALERT_MAIL": "platform@example.org",
}
PROVISIONED = {
    **GIVEN,
    "AZURE_RESOURCE_GROUP": "rg-trial",
    "AZURE_FUNCTION_APP_ID": APP,
    "AZURE_HOST_STORAGE_ID": HOST,
    "AZURE_LEDGER_STORAGE_NAME": "stledgera",
    "ENTRA_CLIENT_ID": CLIENT,
    "GOVERNOR_PRINCIPAL_ID": GOVERNOR,
    "STAGEWARD_URL": "https://func-a.azurewebsites.net",
}
"""What azd knows after it has provisioned."""


class Machine:
    """A machine that somebody deploys from, with the project and a Python that has nothing else."""

    def __init__(self, folder: Path) -> None:
        """Put `az` and `azd` on its PATH, over an Azure that is in order."""
        self._state, self._bin = folder / "azure.json", folder / "bin"
        self._bin.mkdir()
        self.project = folder / "checkout"
        self.project.mkdir()
        (self.project / "infra").symlink_to(ROOT / "infra")
        self.configuration = self.project / "stageward.azure.yaml"
        shutil.copy(ROOT / "stageward.azure.yaml", self.configuration)
        fake = Path(__file__).parent / "fake_az.py"
        for command in ("az", "azd"):
            script = self._bin / command
            text = f'#!/bin/sh\nexec "{sys.executable}" "{fake}" "{self._state}" {command} "$@"\n'
            script.write_text(text, encoding="utf-8")
            script.chmod(0o755)
        self.write(
            {
                "calls": [],
                "environment": {},
                "broken": {},
                "once": {},
                "client": CLIENT,
                "app": {"appId": CLIENT, "id": "app-object"},
                "patched": [],
                "read": {},
                "says": "",
                "slow": {},
                "properties": {},
                "principals": [],
                "credentials": [],
                "assigned": [],
                "permissions": [{"actions": ["*"], "notActions": []}],
                "resources": [WORKSPACE, REGISTRY, VAULT, f"{APP}/functions/on_event"],
                "late": [],
                "deployments": [],
                "makes": [],
                "deleted": [],
                "answers": {
                    "version": {"azure-cli": "2.75.0"},
                    "account show": {"id": SUBSCRIPTION},
                    "group list": [{"name": "ml", "location": "swedencentral"}],
                    "bicep build": {"resources": []},
                    "ad signed-in-user show": {"id": DEPLOYER},
                    "network vnet subnet show": {
                        "delegations": [{"serviceName": "Microsoft.App/environments"}],
                        "serviceEndpoints": [{"service": "Microsoft.Storage"}],
                    },
                    "provider show": {"registrationState": "Registered"},
                    "cloud show": {
                        "name": "AzureCloud",
                        "endpoints": {
                            "microsoftGraphResourceId": "https://graph.microsoft.com/",
                            "activeDirectory": "https://login.microsoftonline.com",
                        },
                    },
                    "functionapp list-flexconsumption-locations": [
                        {"name": "swedencentral"},
                        {"name": "northeurope"},
                    ],
                    "storage sku list": [
                        _sku("Standard_LRS"),
                        _sku("Standard_ZRS"),
                    ],
                    "resource list": [{"name": "dev", "resourceGroup": "ml"}],
                    "eventgrid system-topic list": [],
                    "ad sp list": [],
                    "lock list": [],
                },
            }
        )

    def read(self) -> dict[str, Any]:
        """Return what is in Azure now, and what was called."""
        read: dict[str, Any] = json.loads(self._state.read_text(encoding="utf-8"))
        return read

    def write(self, azure: dict[str, Any]) -> None:
        """Say what is in Azure."""
        self._state.write_text(json.dumps(azure), encoding="utf-8")

    def change(self, **parts: Any) -> None:  # noqa: ANN401  # JSON
        """Change parts of what is in Azure."""
        self.write({**self.read(), **parts})

    def answers(self, command: str, answer: object) -> None:
        """Let a command answer something else."""
        azure = self.read()
        azure["answers"][command] = answer
        self.write(azure)

    def breaks(self, command: str, why: str) -> None:
        """Let a command fail."""
        azure = self.read()
        azure["broken"][command] = why
        self.write(azure)

    def installs_stageward(self) -> None:
        """Install it, as `make install` does."""
        (self.project / "stage_functions").symlink_to(ROOT / "stage_functions")
        python = self.project / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
        python.chmod(0o755)

    def writes(self, before: str, after: str) -> None:
        """Change something in the configuration file."""
        text = self.configuration.read_text(encoding="utf-8")
        assert before in text
        self.configuration.write_text(text.replace(before, after), encoding="utf-8")

    def forgets_az(self) -> None:
        """Take `az` off the PATH."""
        (self._bin / "az").unlink()

    def run(
        self,
        hook: str,
        environment: dict[str, str],
        *,
        shell: bool = False,
        folder: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a hook, as azd does: at the top of the project, with its environment."""
        python = Path(sys.base_prefix) / "bin"
        path = f"{self._bin}{os.pathsep}{python}{os.pathsep}/usr/bin{os.pathsep}/bin"
        command = (
            ["/bin/sh", "infra/hooks/run.sh", hook]
            if shell
            else [str(python / "python3"), "-m", "infra.hooks", hook]
        )
        return subprocess.run(
            command,
            cwd=folder or self.project,
            env={"PATH": path, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def called(self, *words: str) -> list[list[str]]:
        """Return the calls that begin with these words."""
        return [call for call in self.read()["calls"] if call[: len(words)] == list(words)]


def _sku(name: str) -> dict[str, object]:
    return {"name": name, "kind": "StorageV2", "locations": ["swedencentral"]}


def faults(machine: Machine, **changes: str) -> list[str]:
    """Return what the hook says of parameters that differ from good ones."""
    done = machine.run("preprovision", {**GIVEN, **changes})
    return [line[2:] for line in done.stderr.splitlines() if line.startswith("- ")]

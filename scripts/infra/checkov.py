"""Has Checkov look over what the templates deploy, without asking anybody on the network.

What it finds is mended, or stands in scripts/checkov/skips.yaml with a reason.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from scripts.infra import arm
from scripts.infra.check import Deployment
from scripts.infra.faults import Fault, Place

SKIPS = "scripts/checkov/skips.yaml"
RULE = "checkov"
_TIMEOUT_SECONDS = 180
Skips = Mapping[str, Mapping[str, str]]


class CheckovError(Exception):
    """Checkov did not run, or said nothing that can be read."""


def check(deployments: list[Deployment], interpreter: Path, root: Path) -> list[Fault]:
    """Return what Checkov finds in the first two cases of every template.

    Args:
        deployments: the templates, evaluated.
        interpreter: of Checkov.
        root: folder of the project.

    Raises:
        CheckovError: it does not run.
    """
    skips: Skips = yaml.safe_load((root / SKIPS).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        made = arm.write(deployments, Path(folder))
        report = run(interpreter, Path(folder))
    return sorted(set(judge(report, made, skips)))


def run(interpreter: Path, folder: Path) -> Mapping[str, object]:
    """Return what Checkov says of the ARM templates in a folder.

    It runs as a module: its own program names its interpreter in a way that no blank in the path of
    this folder survives.

    Raises:
        CheckovError: it does not run, or looked at nothing.
    """
    command = [
        *(str(interpreter), "-m", "checkov.main", "--directory", str(folder), "--framework", "arm"),
        *("--skip-download", "--compact", "--soft-fail", "--output", "json"),
    ]
    try:
        done = subprocess.run(  # noqa: S603  # it is the project's own
            command,
            capture_output=True,
            text=True,
            check=True,
            timeout=_TIMEOUT_SECONDS,
        )
        report = json.loads(done.stdout)
    except FileNotFoundError as exc:
        message = f"{interpreter} is not there; make setup"
        raise CheckovError(message) from exc
    except (subprocess.SubprocessError, ValueError) as exc:
        message = f"Checkov did not run: {exc}; see scripts/setup.sh"
        raise CheckovError(message) from exc
    if not isinstance(report, dict) or not report.get("summary", {}).get("resource_count"):
        message = "Checkov looked at nothing; see scripts/infra/checkov.py"
        raise CheckovError(message)
    return report


def judge(
    report: Mapping[str, object], made: Mapping[str, Deployment], skips: Skips
) -> Iterator[Fault]:
    """Yield what was found and is not to be skipped, and what is to be skipped and was not found.

    Args:
        report: what Checkov says.
        made: what each of its files was made from.
        skips: reasons by check and type of resource.
    """
    results = report["results"]
    assert isinstance(results, dict)  # noqa: S101  # it is in every report
    if results.get("parsing_errors"):
        yield Fault(Place(SKIPS), RULE, "Checkov cannot read our ARM; mend scripts/infra/arm.py")
    used: set[tuple[str, str]] = set()
    for failed in results["failed_checks"]:
        check_id, resource = str(failed["check_id"]), str(failed["resource"])
        kind = next((one for one in skips.get(check_id, {}) if resource.startswith(f"{one}.")), "")
        if kind:
            used.add((check_id, kind))
            continue
        deployment = made[str(failed["file_path"]).removeprefix("/")]
        message = f"{check_id}: {failed['check_name']}; mend it, or say in {SKIPS} why not"
        yield Fault(_place(deployment, resource), RULE, message)
    for check_id, kinds in skips.items():
        for kind, reason in kinds.items():
            if (check_id, kind) not in used:
                message = f"nothing of {kind} fails {check_id} any more; remove it"
                yield Fault(Place(SKIPS), RULE, message)
            if not reason:
                yield Fault(Place(SKIPS), RULE, f"{check_id} is skipped without a reason; give one")


def _place(deployment: Deployment, resource: str) -> Place:
    for one in deployment.resources:
        if f"{one.type}.{one.name}" == resource:
            return one.place
    return Place(deployment.file.path)

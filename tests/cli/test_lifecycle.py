"""The configuration file is checked where it is written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent.parent.parent
ADDRESS = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:5000"}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "stage_functions", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
        env={"PATH": "", "COLUMNS": "200", **environment},
    )


def test_the_default_file_is_sound() -> None:
    """What is shipped can be used as it is."""
    done = run("lifecycle", "validate", **ADDRESS)

    assert (done.returncode, done.stderr) == (0, "")
    assert "default (sha256:" in done.stdout


def test_who_may_vote_and_is_told_nothing_is_noted() -> None:
    """Where there are channels; the file is sound nonetheless."""
    channel = {"STAGEWARD_NOTIFY_OFFICER_1": "https://127.0.0.1:1/a"}
    done = run("lifecycle", "validate", **ADDRESS, **channel)
    wrong = run("lifecycle", "validate", **ADDRESS, STAGEWARD_NOTIFY_NOBODY="https://h/a")

    assert (done.returncode, wrong.returncode) == (0, 0)
    assert "Note: no mail and no message reaches " in done.stdout
    assert "(officer-2)" in done.stdout
    assert "(officer-1)" not in done.stdout
    assert "Note: STAGEWARD_NOTIFY_NOBODY is for nobody" in wrong.stdout


def test_a_missing_address_says_what_to_set() -> None:
    """The message names the variable."""
    done = run("lifecycle", "validate")

    assert done.returncode == 1
    assert "MLFLOW_TRACKING_URI" in done.stderr


def test_a_missing_file_says_what_names_it(tmp_path: Path) -> None:
    """The message names the setting."""
    done = run("lifecycle", "validate", STAGEWARD_CONFIG=str(tmp_path / "none.yaml"))

    assert done.returncode == 1
    assert "STAGEWARD_CONFIG names the file" in done.stderr


def test_a_lifecycle_is_shown_with_what_each_transition_demands() -> None:
    """Everybody can read the rules."""
    done = run("lifecycle", "show", **ADDRESS)

    assert done.returncode == 0
    assert (
        "2 persons must approve, of model-risk or data-science, at least 1 of model-risk"
        in done.stdout
    )


def test_an_unknown_lifecycle_names_those_there_are() -> None:
    """The message helps."""
    done = run("lifecycle", "show", "other", **ADDRESS)

    assert done.returncode == 1
    assert "the file has: default" in done.stderr


def test_the_demonstrations_own_file_is_sound() -> None:
    """What the demonstration ships can be used as it is."""
    file = PROJECT / "stage_functions" / "demo" / "stageward.yaml"

    done = run("lifecycle", "validate", STAGEWARD_CONFIG=str(file), **ADDRESS)

    assert done.returncode == 0

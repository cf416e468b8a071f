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


def test_where_no_channel_is_at_all_that_is_noted() -> None:
    """Of the file as shipped, whose officers may vote and hear of nothing."""
    done = run("lifecycle", "validate", **ADDRESS)

    assert "Note: nobody is told of anything, since this environment has neither" in done.stdout


COPYING = """\
version: 1
registries:
  - {alias: dev, type: azureml, address: "${GROUP}/workspaces/dev", mode: enforce}
  - {alias: shared, type: azureml, address: "${GROUP}/registries/shared"}
lifecycles:
  - name: in-dev
    applies_to: [dev/*/*]
    stages: {None: {initial: true}, Production: {}}
    transitions: [{from: None, to: Production, copy_to: shared}]
  - name: in-shared
    applies_to: [shared/*/*]
    stages: {None: {initial: true}, Production: {}}
    transitions: [{from: None, to: Production}]
"""
GROUP = {
    "GROUP": "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/"
    "Microsoft.MachineLearningServices"
}


def test_any_file_is_checked_and_copies_that_wait_are_noted(tmp_path: Path) -> None:
    """The file need not be the one in use; where a copy waits by the registry's mode, it is sound."""
    file = tmp_path / "draft.yaml"
    file.write_text(COPYING, "utf-8")
    waiting = run("lifecycle", "validate", str(file), **GROUP)
    file.write_text(COPYING.replace('shared"}', 'shared", mode: enforce}'), "utf-8")
    done = run("lifecycle", "validate", str(file), **GROUP)
    file.write_text(COPYING.replace("dev/*/*", "dve/*/*"), "utf-8")
    faulty = run("lifecycle", "validate", str(file), **GROUP)
    missing = run("lifecycle", "validate", str(tmp_path / "none.yaml"))

    assert (0, 0, 1, 1) == tuple(one.returncode for one in (waiting, done, faulty, missing))
    assert (
        "Note: what is copied to shared waits while that is in mode observe: write mode: enforce "
        "there\n"
    ) in waiting.stdout
    assert "Note" not in done.stdout
    assert f"{file}:7:18: 'dve' matches no registry" in faulty.stderr
    assert f"cannot read {tmp_path / 'none.yaml'}: no such file or directory\n" == missing.stderr
    assert "STAGEWARD_CONFIG" not in missing.stderr


def test_an_emergency_that_nobody_can_use_is_noted(tmp_path: Path) -> None:
    """A group of Entra may have members that the file does not know."""
    text = (PROJECT / "stageward.yaml").read_text("utf-8")
    text = text.replace("groups:\n", "groups:\n  on-call: []\n", 1).replace(
        "    forward_only: true",
        "    emergency: {groups: [on-call], not_ratified: revert}\n    forward_only: true",
        1,
    )
    file = tmp_path / "it.yaml"
    file.write_text(text, "utf-8")
    empty = run("lifecycle", "validate", str(file), **ADDRESS)
    file.write_text(text.replace("on-call: []", "on-call: [officer-1]"), "utf-8")
    used = run("lifecycle", "validate", str(file), **ADDRESS)

    said = "nobody can use an emergency of the lifecycle default, since nobody is in on-call"
    assert (0, 0) == (empty.returncode, used.returncode), empty.stderr
    assert f"Note: {said}\n" in empty.stdout
    assert said not in used.stdout


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

"""The configuration file is checked by Stageward itself, where that is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from infra.hooks.configuration import command_line
from tests.deploy.azure_world import (
    GIVEN,
    PROVISIONED,
    REGISTRY,
    ROOT,
    WORKSPACE,
    Machine,
    faults,
)


@pytest.fixture
def installed(machine: Machine) -> Machine:
    """A machine on which Stageward is installed in the project."""
    machine.installs_stageward()
    return machine


def test_a_file_that_is_sound_passes(installed: Machine) -> None:
    """And nothing is said of it; the address of the workspace is known before azd tells it."""
    done = installed.run("preprovision", GIVEN)

    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_before_a_subscription_is_chosen(installed: Machine) -> None:
    """Azd asks for it after the hook: the file is checked all the same."""
    done = installed.run("preprovision", {**GIVEN, "AZURE_SUBSCRIPTION_ID": ""})

    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_a_file_that_is_no_yaml(installed: Machine) -> None:
    """The app would be deployed, and not start."""
    installed.writes("operators: []", "operators: [")

    told = faults(installed, SOFT_DELETE_DAYS="500")

    assert "SOFT_DELETE_DAYS" in told[0]
    assert told[1].startswith("stageward.azure.yaml:")
    assert "this is not YAML" in told[1]
    assert [2, True] == [len(told), all("; " in one for one in told)]
    assert [] == installed.called("az", "ad")


def test_every_fault_of_the_file_is_told(installed: Machine) -> None:
    """With its place, and before the last step as well: the file may be another one by then."""
    installed.writes("evidence.job.status == 'FINISHED'", "evidence.job.status ==")
    installed.writes("to: Archived}\n", "to: Attic}\n")

    told = faults(installed)
    done = installed.run("postdeploy", PROVISIONED)

    assert [True] * 3 == ["stageward.azure.yaml:" in one for one in told]
    assert all(one in done.stderr for one in told)
    assert [] == installed.called("az", "deployment")


def test_a_registry_that_is_not_given_is_told_once(installed: Machine) -> None:
    """By the parameter that would give it."""
    installed.writes("address: ${AZUREML_WORKSPACE_ID}", "address: ${AZUREML_REGISTRY_1}")

    (fault,) = faults(installed, POLICY_EFFECT="disabled")

    assert "AZUREML_REGISTRY_IDS" in fault


def test_policies_of_another_file(installed: Machine) -> None:
    """They would let through what the file forbids; where none are assigned it does not matter."""
    installed.writes(
        "Archived:   {terminal: true, deletable: true,", "Archived:   {terminal: true,"
    )

    (fault,) = faults(installed)

    assert "infra/policy is not what stageward.azure.yaml says (assignments.json)" in fault
    assert fault.endswith(
        f"; AZUREML_WORKSPACE_ID={WORKSPACE} .venv/bin/stageward lifecycle azure-policy "
        "stageward.azure.yaml"
    )
    assert [] == faults(installed, POLICY_EFFECT="disabled")


@pytest.mark.parametrize("group", ["ml", "ml(dev)"])
def test_the_command_that_renders_them_can_be_walked_at_once(
    installed: Machine, tmp_path: Path, group: str
) -> None:
    """Before the first deployment azd knows no address: the command says all that it takes."""
    shared = "  - {alias: shared, type: azureml, address: '${AZUREML_REGISTRY_1}'"
    installed.writes(
        "registries:\n", f"registries:\n{shared}, mode: observe, watch: ['data/*']}}\n"
    )
    installed.writes(
        "Archived:   {terminal: true, deletable: true,", "Archived:   {terminal: true,"
    )
    changes = {"AZUREML_RESOURCE_GROUP": group, "AZUREML_REGISTRY_IDS": REGISTRY}
    (fault,) = (one for one in faults(installed, **changes) if "infra/policy" in one)
    command = fault.partition("; ")[2].replace("/stageward ", "/python -m stage_functions ")

    done = subprocess.run(
        ["/bin/sh", "-c", f"{command} --out {tmp_path / 'rendered'}"],
        cwd=installed.project,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert f"AZUREML_REGISTRY_1={REGISTRY} .venv/bin/" in command
    assert 0 == done.returncode, done.stderr
    assert (tmp_path / "rendered" / "assignments.json").is_file()


@pytest.mark.parametrize(
    ("python", "expected"),
    [
        (".venv/Scripts/python.exe", "$env:A='b(c)'; .venv/Scripts/stageward x"),
        ("C:\\a b\\python.exe", "$env:A='b(c)'; & 'C:\\a b\\python.exe' -m stage_functions x"),
        ("/a b/python3", "A='b(c)' '/a b/python3' -m stage_functions x"),
    ],
)
def test_a_command_is_for_the_python_that_has_stageward(python: str, expected: str) -> None:
    """And for the shell that is there."""
    assert expected == command_line(python, "x", {"A": "b(c)"})


def test_a_file_of_which_no_policy_can_come(installed: Machine) -> None:
    """Azure Policy stands in front of workspaces alone."""
    installed.writes("address: ${AZUREML_WORKSPACE_ID}", "address: ${AZUREML_REGISTRY_1}")

    (fault,) = faults(installed, AZUREML_REGISTRY_IDS=REGISTRY)

    assert "no policy can stand in front of" in fault
    assert fault.endswith("; azd env set POLICY_EFFECT disabled")


@pytest.mark.parametrize("there", [False, True])
def test_where_stageward_is_not_installed(machine: Machine, *, there: bool) -> None:
    """That the file was not checked is said, with how to; a `.venv` without it is none."""
    if there:
        machine.installs_stageward()
        python = machine.project / ".venv" / "bin" / "python"
        bare = Path(sys.base_prefix) / "bin" / "python3"
        python.write_text(f'#!/bin/sh\nexec "{bare}" "$@"\n', encoding="utf-8")
    machine.writes("operators: []", "operators: [")

    done = machine.run("preprovision", GIVEN)

    (line,) = done.stdout.splitlines()
    assert 0 == done.returncode
    assert line.startswith("stageward: stageward.azure.yaml was not checked")
    assert "make install" in line
    assert ".venv/bin/stageward lifecycle validate stageward.azure.yaml" in line


def test_the_hint_is_a_target_of_the_makefile() -> None:
    """Else it would lead nowhere."""
    assert "\ninstall: " in (ROOT / "Makefile").read_text("utf-8")

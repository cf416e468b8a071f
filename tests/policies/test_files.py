"""`stageward lifecycle azure-policy`: files that are written, or compared with what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from stage_functions.wire.policy_definitions import definitions
from tests.cli.console import Done, run
from tests.policies.test_rendering import ADDRESSES

PROJECT = Path(__file__).parents[2]
FILE = """\
version: 1
registries:
  - {alias: dev, type: azureml, address: "${DEV}"}
lifecycles:
  - name: default
    applies_to: ["*/*/*"]
    stages: {None: {initial: true}, Production: {}}
    transitions: [{from: None, to: Production}]
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a configuration file, whose addresses the environment knows."""
    for name, value in ADDRESSES.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "s.yaml"
    path.write_text(FILE, "utf-8")
    return path


def rendered(file: Path, *options: str) -> Done:
    """Render a file into a folder beside it."""
    return run("lifecycle", "azure-policy", str(file), "--out", str(file.parent / "out"), *options)


def test_the_files_are_written_and_what_they_do_is_shown(file: Path) -> None:
    """Definitions, the assignments, and what to know."""
    done = rendered(file)
    names = {path.name for path in (file.parent / "out").iterdir()}

    assert (0, "") == (done.code, done.err)
    assert {f"{name}.json" for name in definitions()} | {"assignments.json"} == names
    assert "5 files are written to " in done.out
    assert "stageward-stage-tag  default    dev         models       every  None" in done.out
    assert "Note: dev is only observed" in done.out


def test_what_is_there_is_compared(file: Path) -> None:
    """Nothing is written, and what differs is named."""
    first = rendered(file, "--check")
    written = (file.parent / "out").exists()
    rendered(file)
    second = rendered(file, "--check")
    sample = file.parent / "out" / "concept-stage-order.json"
    sample.write_text(sample.read_text("utf-8").replace("audit", "deny"), "utf-8")
    file.write_text(FILE.replace("Production", "Live"), "utf-8")
    third = rendered(file, "--check")
    file.write_text(FILE.replace("None", "New"), "utf-8")
    fourth = rendered(file, "--check")

    assert (1, 0, 1, 1) == (first.code, second.code, third.code, fourth.code)
    assert not written
    assert "is what the configuration says" in second.out
    assert "is not what the configuration says: concept-stage-order.json\n" in third.err
    assert "concept-stage-order.json, assignments.json\n" in fourth.err


def test_what_is_left_out_fails_a_pipeline_that_is_strict(file: Path) -> None:
    """Rendered or compared: what can be said is, each loss is named, and the exit code tells."""
    globs = '["dev/models/fraud-*", "dev/models/a?b"]'
    file.write_text(FILE.replace('["*/*/*"]', globs), "utf-8")
    lax, strict, checked = (
        rendered(file, *options) for options in ((), ("--strict",), ("--check", "--strict"))
    )

    assert (0, 1, 1) == (lax.code, strict.code, checked.code)
    assert "stageward-stage-tag  default    dev         models       fraud-*  None" in lax.out
    assert "Left out: dev/models, lifecycle default: 'dev/models/a?b': Azure Policy" in lax.out
    assert lax.out.count("Left out: ") == 1
    assert "is what the configuration says" in checked.out
    assert "Something is left out" in checked.err


def test_what_azure_never_sees_does_not_fail_it(file: Path) -> None:
    """No glob would change that; it is told."""
    shared = '  - {alias: shared, type: azureml, address: "${SHARED}"}\nlifecycles:'
    file.write_text(FILE.replace("lifecycles:", shared), "utf-8")
    done = rendered(file, "--strict")

    assert (0, "") == (done.code, done.err)
    assert "Out of sight: shared: Azure Policy has no words for" in done.out


def test_rendering_again_changes_no_byte(file: Path) -> None:
    """So that a difference is one."""
    rendered(file)
    first = {path.name: path.read_bytes() for path in (file.parent / "out").iterdir()}
    rendered(file)
    second = {path.name: path.read_bytes() for path in (file.parent / "out").iterdir()}

    assert first == second
    assert all(text.endswith((b"}\n", b"]\n")) for text in first.values())


def test_what_is_shipped_is_what_the_shipped_configuration_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Change it, and render anew: stageward lifecycle azure-policy stageward.azure.yaml."""
    monkeypatch.setenv("AZUREML_WORKSPACE_ID", ADDRESSES["DEV"])
    shipped = str(PROJECT / "stageward.azure.yaml")
    out = str(PROJECT / "infra" / "policy")
    done = run("lifecycle", "azure-policy", shipped, "--out", out, "--check")

    assert (0, "") == (done.code, done.err)


def test_a_file_without_a_workspace_renders_nothing(file: Path) -> None:
    """It says what is not seen, and why."""
    file.write_text(FILE.replace("${DEV}", "${SHARED}"), "utf-8")
    done = rendered(file)

    assert 1 == done.code
    assert "no policy can stand in front of what this file governs:\n  dev: Azure" in done.err
    assert not (file.parent / "out").exists()


def test_a_folder_that_cannot_be_written_is_told(file: Path) -> None:
    """A folder is in a file's place."""
    there = file.parent / "out" / "assignments.json"
    there.mkdir(parents=True)
    done = rendered(file)

    assert 1 == done.code
    assert f"cannot write {there}: " in done.err


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_a_file_in_place_of_the_folder_is_told(file: Path, options: tuple[str, ...]) -> None:
    """Nothing is to be rendered anew there."""
    (file.parent / "out").write_text("{}", "utf-8")
    done = rendered(file, *options)

    assert (1, "") == (done.code, done.out)
    assert f"{file.parent / 'out'} is a file; name the folder" in done.err

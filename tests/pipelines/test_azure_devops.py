"""The step of Azure DevOps: its script is really run, against a live Stageward, as an agent would.

Not run: the tasks of Microsoft around it (AzureCLI@2 signs `az` in, which is a stand-in), and
Azure DevOps itself: conditions, locks, variable groups.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.pipelines.actions_runner import ROOT
from tests.pipelines.test_lint import AZURE, run
from tests.pipelines.world import Desk

TEMPLATE: dict[str, Any] = yaml.safe_load((AZURE / "stageward-step.yml").read_text("utf-8"))
PARAMETERS = {one["name"]: one for one in TEMPLATE["parameters"]}
_PARAMETER = re.compile(r"\$\{\{ (?:lower\()?parameters\.(\w+)\)? \}\}")
_SET = re.compile(r"^##vso\[task\.setvariable variable=(\w+);isOutput=true\](.*)$", re.MULTILINE)


def expanded(**given: str) -> Any:  # noqa: ANN401  # YAML
    """Return the step that the template makes, as Azure DevOps does before it runs."""
    values = {name: one.get("default", "") for name, one in PARAMETERS.items()} | given
    return _filled(TEMPLATE["steps"][0], values)


def _filled(part: Any, values: Mapping[str, object]) -> Any:  # noqa: ANN401  # YAML
    """Put values where the template has its parameters."""
    if isinstance(part, dict):
        return {key: _filled(one, values) for key, one in part.items()}
    if isinstance(part, str):
        return _PARAMETER.sub(lambda found: str(values[found[1]]), part)
    return part


def ask(at: Desk, **given: str) -> tuple[int, str, dict[str, str]]:
    """Run the step; return its exit code, what it printed, and its output variables."""
    (at.folder / "signed-in").write_text("pipeline")
    named = {"address": at.live.url, "audience": at.variables["STAGEWARD_AUDIENCE"]}
    step = expanded(name="ask", serviceConnection="stageward", **named, **given)
    done = subprocess.run(
        ["bash", "-c", step["inputs"]["inlineScript"]],
        env={
            "PATH": f"{at.folder / 'bin'}:{os.environ['PATH']}",  # noqa: TID251  # as the agent has it
            "AT": str(at.folder),
            "TF_BUILD": "True",
            "AGENT_TEMPDIRECTORY": str(at.folder),
            **{name: str(value) for name, value in step["env"].items()},
            "STAGEWARD": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr, dict(_SET.findall(done.stdout))


def test_a_stage_is_asked_for_and_the_answer_told(at: Desk) -> None:
    """Granted, pending and refused, as output variables, an issue and a summary."""
    version = str(at.live.people.create(at.folder.name))
    granted = ask(at, command="request", version=version, stage="Staging")
    given = {"command": "request", "version": version, "stage": "Production"}
    pending = ask(at, **given, onBehalfOf="upn:mona@example.org")
    allowed = ask(at, **given, onBehalfOf="upn:mona@example.org", allowPending="true")
    refused = ask(at, command="request", version=version, stage="None")

    assert [0, 3, 0, 4] == [one[0] for one in (granted, pending, allowed, refused)], granted[1]
    assert ("granted", "Staging") == (granted[2]["outcome"], granted[2]["stage"])
    assert f"{at.live.url}/approvals/{pending[2]['approval']}" == pending[2]["address"]
    assert "##vso[task.logissue type=error]" in refused[1]
    assert "##vso[task.setsecret]pipeline" in granted[1]
    assert len(list(at.folder.glob("stageward-*.md"))) == 4


def test_what_the_template_makes_is_as_the_schema_says(tmp_path: Path) -> None:
    """Filled in: the schema knows no name that a parameter gives."""
    file = tmp_path / "azure-pipelines.yml"
    step = expanded(name="ask", serviceConnection="stageward", command="request")
    file.write_text(yaml.safe_dump({"trigger": "none", "steps": [step]}))
    schema = ["--builtin-schema", "vendor.azure-pipelines", "--regex-variant", "nonunicode"]
    done = run("check_jsonschema", *schema, file)

    assert 0 == done.returncode, done.stdout


def test_every_use_of_the_template_gives_what_it_takes() -> None:
    """No parameter that it does not have, all that it needs, and the words of a command."""
    used = list(_uses(yaml.safe_load((AZURE / "azure-pipelines.yml").read_text())))
    used += _uses(yaml.safe_load((AZURE / "azure-pipelines-deploy.yml").read_text()))
    needed = {name for name, one in PARAMETERS.items() if "default" not in one}

    assert 5 == len(used)
    for one in used:
        assert needed <= set(one) <= set(PARAMETERS)
        assert one["command"] in PARAMETERS["command"]["values"]


def test_values_reach_the_script_by_its_environment_alone() -> None:
    """A macro or a parameter in a script would be read as a part of it."""
    for file in AZURE.glob("*.yml"):
        for script in _scripts(yaml.safe_load(file.read_text())):
            assert "${{" not in script
            assert not re.search(r"\$\([A-Z]\w*(\.\w+)?\)", script)


def _walk(part: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401  # YAML
    if isinstance(part, dict):
        yield part
    for inner in (
        part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    ):
        yield from _walk(inner)


def _uses(document: object) -> Iterator[dict[str, Any]]:
    return (one["parameters"] for one in _walk(document) if one.get("template"))


def _scripts(document: object) -> Iterator[str]:
    return (one["inlineScript"] for one in _walk(document) if "inlineScript" in one)

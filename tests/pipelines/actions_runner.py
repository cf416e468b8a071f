"""A small runner of GitHub Actions: enough of it to really run every script of a workflow in tests.

It evaluates `${{ }}` where it names a value, runs each `run` by the shell that GitHub would use,
with the files of GITHUB_OUTPUT and GITHUB_STEP_SUMMARY, and a composite action of this repository
step by step. Actions of others are not run: they are noted, with what they were given.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
ACTION = ROOT / "action"
_OURS = re.compile(r"[\w.-]+/stageward/action@[0-9a-f]{40}")
_EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")
_COMPARED = re.compile(r"([\w.-]+) (==|!=) (?:'([^']*)'|([\w.-]+))")
_SHELLS = {None: ("bash", "-e"), "bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail")}
"""As https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax has them."""


class Ran(NamedTuple):
    """A step that was run.

    Attributes:
        name: of the step.
        code: exit code.
        out: what it printed.
        outputs: what later steps read.
        summary: what it added to the page of the run.
    """

    name: str
    code: int
    out: str
    outputs: Mapping[str, str]
    summary: str


class Skipped(NamedTuple):
    """An action that was not run, since it is somebody else's.

    Attributes:
        uses: which one.
        given: its inputs.
    """

    uses: str
    given: Mapping[str, str]


class Runner:
    """Runs jobs one after another, on this machine.

    Attributes:
        ran: the steps that were run, in order; of a composite action its own.
        skipped: the actions that were not.
        jobs: how each job ended: success, failure or skipped.
    """

    def __init__(self, folder: Path, checkout: Path, contexts: Mapping[str, Any]) -> None:
        self._folder = folder
        self._checkout = checkout
        self._contexts = contexts
        self.ran: list[Ran] = []
        self.skipped: list[Skipped] = []
        self.jobs: dict[str, str] = {}
        self._needs: dict[str, Any] = {}

    def run(self, workflow: Path, again: str = "") -> None:
        """Run all jobs of a workflow, each behind those that it needs; or one of them again."""
        jobs = yaml.safe_load(workflow.read_text("utf-8"))["jobs"]
        needs = self._needs
        for name, job in jobs.items():
            if again not in {"", name}:
                continue
            wanted = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
            assert set(wanted) <= set(self.jobs), "a job stands before one that it needs"
            context = {**self._contexts, "needs": needs, "steps": {}}
            if any(self.jobs[one] != "success" for one in wanted) or not _holds(job, context):
                self.jobs[name] = "skipped"
                continue
            done = self._steps(job["steps"], context, {}, None)
            self.jobs[name] = "success" if done == 0 else "failure"
            outputs = job.get("outputs", {})
            needs[name] = {"outputs": {key: _text(text, context) for key, text in outputs.items()}}

    def use(self, **given: str) -> Ran:
        """Run this repository's action alone; return its last step."""
        self._composite({"name": "alone"}, given, dict(self._contexts))
        return self.ran[-1]

    def _steps(
        self,
        steps: list[dict[str, Any]],
        context: dict[str, Any],
        environment: Mapping[str, str],
        inputs: Mapping[str, str] | None,
    ) -> int:
        """Run steps until one fails; return its exit code."""
        context = {**context, **({"inputs": inputs} if inputs is not None else {})}
        for step in steps:
            if not _holds(step, context):
                continue
            given = {key: _text(str(one), context) for key, one in step.get("with", {}).items()}
            outputs: Mapping[str, str] = {}
            code = 0
            if _OURS.fullmatch(step.get("uses", "")):
                code, outputs = self._composite(step, given, context)
            elif "uses" in step:
                self.skipped.append(Skipped(step["uses"], given))
                if step["uses"].startswith("azure/login@"):
                    (self._folder / "signed-in").write_text(given["client-id"])
            else:
                env = {key: _text(str(one), context) for key, one in step.get("env", {}).items()}
                ran = self._script(step, {**environment, **env})
                code, outputs = ran.code, ran.outputs
            if "id" in step:
                context["steps"][step["id"]] = {"outputs": outputs}
            if code:
                return code
        return 0

    def _composite(
        self, step: Mapping[str, Any], given: Mapping[str, str], context: Mapping[str, Any]
    ) -> tuple[int, Mapping[str, str]]:
        action = yaml.safe_load((ACTION / "action.yml").read_text("utf-8"))
        assert set(given) <= set(action["inputs"]), f"{step.get('name')}: no such input"
        inputs = {key: one.get("default", "") for key, one in action["inputs"].items()}
        inputs |= dict(given)
        inner = {**context, "steps": {}, "inputs": inputs}
        place = {"GITHUB_ACTION_PATH": str(ACTION)}
        code = self._steps(action["runs"]["steps"], inner, place, inputs)
        outputs = {key: _text(one["value"], inner) for key, one in action["outputs"].items()}
        return code, outputs

    def _script(self, step: Mapping[str, Any], environment: Mapping[str, str]) -> Ran:
        number = len(self.ran)
        files = {
            name: self._folder / f"{number}-{name.lower()}"
            for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV")
        }
        for file in files.values():
            file.touch()
        script = self._folder / f"{number}.sh"
        script.write_text(step["run"])
        base = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}  # noqa: TID251  # a runner has these too
        done = subprocess.run(
            [*_SHELLS[step.get("shell")], str(script)],
            cwd=self._checkout,
            env={
                **base,
                "PATH": f"{self._folder / 'bin'}:{os.environ['PATH']}",  # noqa: TID251  # likewise
                "CI": "true",
                "RUNNER_TEMP": str(self._folder),
                "AT": str(self._folder),
                "GITHUB_SHA": self._contexts["github"]["sha"],
                **{name: str(file) for name, file in files.items()},
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
        )
        ran = Ran(
            step.get("name", ""),
            done.returncode,
            done.stdout + done.stderr,
            dict(read_outputs(files["GITHUB_OUTPUT"].read_text())),
            files["GITHUB_STEP_SUMMARY"].read_text(),
        )
        self.ran.append(ran)
        return ran


def read_outputs(text: str) -> Iterator[tuple[str, str]]:
    """Read a file of outputs, as the runner does: `name=value`, or `name<<end` … `end`."""
    lines = iter(text.splitlines())
    for line in lines:
        name, sign, end = line.partition("<<")
        if sign and "=" not in name:
            value: list[str] = []
            for inner in lines:
                if inner == end:
                    yield name, "\n".join(value)
                    break
                value.append(inner)
        else:
            name, sign, rest = line.partition("=")
            assert sign, f"the runner cannot read {line!r}"
            yield name, rest


def _holds(part: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
    """Tell whether the `if` of a job or step holds."""
    if "if" not in part:
        return True
    found = _COMPARED.fullmatch(part["if"])
    assert found, f"this runner does not know `if: {part['if']}`"
    left = _value(found[1], context)
    right = found[3] if found[4] is None else _value(found[4], context)
    return (left == right) == (found[2] == "==")


def _text(text: str, context: Mapping[str, Any]) -> str:
    return _EXPRESSION.sub(lambda found: _value(found[1], context), text)


def _value(path: str, context: Mapping[str, Any]) -> str:
    """Return a value by its path; as on GitHub one that is not there is empty."""
    assert re.fullmatch(r"[\w.-]+", path), f"this runner does not know {path!r}"
    found: Any = context
    for part in path.split("."):
        found = found.get(part, {}) if isinstance(found, Mapping) else {}
    return "" if isinstance(found, Mapping) else str(found)

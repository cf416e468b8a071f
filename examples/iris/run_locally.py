"""Run the pipeline on this machine, from the same files that Azure ML runs it from.

It reads `pipeline.yml` and the components that it names, fills in the commands as Azure ML
documents it, and runs them one after the other. What Azure ML does besides, MLflow does here: each
step is a run, below one of the pipeline, which the step's script finds by `MLFLOW_RUN_ID`.

What is not here: environments (the steps run on the Python that runs this), computes, conditions,
loops, and steps that are no commands.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import mlflow
import yaml

OPTIONAL = re.compile(r"\$\[\[(.*?)\]\]", re.DOTALL)
"""A part of a command that is left out where an input of it has no value: `$[[--x ${{…}}]]`."""
EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")
Names = Mapping[str, Any]


def main() -> None:
    """Run a pipeline as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    pipeline = Path(__file__).with_name("pipeline.yml")
    parser.add_argument("--file", type=Path, default=pipeline, help="the pipeline")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="inputs.c=0.5",
        help="change the file, as `az ml job create --set` does",
    )
    parser.add_argument("--outputs", type=Path, help="an empty folder for what the steps make")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as kept:
        run(given.file.resolve(), given.set, (given.outputs or Path(kept)).resolve())


def run(file: Path, settings: list[str], folder: Path) -> None:
    """Run the steps of a pipeline, each after those that it takes something from.

    Args:
        file: the pipeline.
        settings: what is other than in the file, as `jobs.train.inputs.c=0.5`.
        folder: where the outputs of the steps go to.

    Raises:
        SystemExit: a step failed, or was given what its component does not take.
    """
    pipeline = yaml.safe_load(file.read_text(encoding="utf-8"))
    for setting in settings:
        change(pipeline, *setting.split("=", 1))
    mlflow.set_experiment(pipeline["experiment_name"])
    known = {
        f"parent.inputs.{name}": given_as(value, file.parent)
        for name, value in pipeline.get("inputs", {}).items()
    }
    with mlflow.start_run(run_name=pipeline["display_name"]):
        for name, job in ordered(pipeline["jobs"]):
            component = file.parent / job["component"].removeprefix("file:")
            with mlflow.start_run(run_name=name, nested=True) as step:
                outputs = run_step(component, job, known, folder / name, step.info.run_id)
            known |= {f"parent.jobs.{name}.outputs.{key}": path for key, path in outputs.items()}


def change(pipeline: dict[str, Any], path: str, value: str) -> None:
    """Set what is at a path of the file; maps that are not there yet are made."""
    *way, last = path.split(".")
    for key in way:
        pipeline = pipeline.setdefault(key, {})
    pipeline[last] = value


def given_as(value: object, folder: Path) -> str:
    """Return an input of a pipeline as steps get it: as text, or the path of a file beside it."""
    return str(folder / value["path"] if isinstance(value, dict) else value)


def ordered(jobs: Names) -> Iterator[tuple[str, Names]]:
    """Yield the steps, each after those that it takes something from."""
    left = dict(jobs)
    while left:
        ready = [name for name, job in left.items() if not needed(job) & left.keys()]
        if not ready:
            sys.exit(f"these steps wait for each other: {', '.join(left)}")
        yield from ((name, left.pop(name)) for name in ready)


def needed(job: Names) -> set[str]:
    """Return the steps that a step takes something from."""
    return set(re.findall(r"\$\{\{\s*parent\.jobs\.([\w-]+)\.", str(job.get("inputs", {}))))


def run_step(file: Path, job: Names, known: Names, folder: Path, run_id: str) -> dict[str, str]:
    """Run the command of a component.

    Args:
        file: of the component.
        job: the step of the pipeline.
        known: values of expressions.
        folder: where its outputs go to.
        run_id: the run that it is.

    Returns:
        The paths of its outputs, by name.
    """
    component = yaml.safe_load(file.read_text(encoding="utf-8"))
    inputs = taken(component.get("inputs", {}), job.get("inputs", {}), known)
    folder.mkdir(parents=True)
    outputs = {name: str(folder / name) for name in component.get("outputs", {})}
    values = {f"inputs.{name}": value for name, value in inputs.items()}
    command = filled(component["command"], values | {f"outputs.{k}": v for k, v in outputs.items()})
    print(f"{component['display_name']}: {command}", flush=True)
    words = [sys.executable if word == "python" else word for word in shlex.split(command)]
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": mlflow.get_tracking_uri(),
        "MLFLOW_RUN_ID": run_id,
    }
    code = (file.parent / component["code"]).resolve()
    if subprocess.run(words, cwd=code, env=environment, check=False).returncode:
        sys.exit(f"{component['display_name']} failed")
    return outputs


def taken(declared: Names, given: Names, known: Names) -> Names:
    """Return the inputs of a step: as they were given, else as its component has them by default.

    Raises:
        SystemExit: one is not declared, or one that is demanded is missing.
    """
    inputs = {name: one["default"] for name, one in declared.items() if "default" in one}
    inputs |= {name: filled(str(value), known) for name, value in given.items()}
    missing = {name for name, one in declared.items() if not one.get("optional")} - set(inputs)
    unknown = set(inputs) - set(declared)
    if missing or unknown:
        sys.exit(f"inputs missing: {sorted(missing)}; not declared: {sorted(unknown)}")
    return inputs


def filled(text: str, values: Names) -> str:
    """Return a text with its expressions filled in, as Azure ML does it: text for text.

    Raises:
        SystemExit: one of them names nothing.
    """

    def kept(part: re.Match[str]) -> str:
        return part[1] if all(name in values for name in EXPRESSION.findall(part[1])) else ""

    def value(found: re.Match[str]) -> str:
        return str(values[found[1]]) if found[1] in values else sys.exit(f"no such {found[1]}")

    return EXPRESSION.sub(value, OPTIONAL.sub(kept, text))


if __name__ == "__main__":
    main()

"""What `run_locally.py` makes of a pipeline's files, before it runs anything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.examples.iris import COMPONENTS, IRIS, program

LOCALLY = program(IRIS / "run_locally.py")
PIPELINE = yaml.safe_load((IRIS / "pipeline.yml").read_text("utf-8"))


def _component(name: str) -> Any:  # noqa: ANN401  # YAML
    return yaml.safe_load((IRIS / "components" / f"{name}.yml").read_text("utf-8"))


def test_an_optional_part_is_left_out_without_its_input() -> None:
    """What stands in `$[[ ]]` is there only where its input has a value."""
    command = 'a $[[--seed ${{inputs.seed}}]] --out "${{ outputs.out }}"'

    assert 'a  --out "x y"' == LOCALLY.filled(command, {"outputs.out": "x y"})
    values = {"outputs.out": "x", "inputs.seed": 3}
    assert 'a --seed 3 --out "x"' == LOCALLY.filled(command, values)


def test_an_expression_that_names_nothing_is_said() -> None:
    """A slip in a pipeline is not run."""
    with pytest.raises(SystemExit, match=r"no such parent\.inputs\.nothing"):
        LOCALLY.filled("${{parent.inputs.nothing}}", {})


@given(st.permutations(list(PIPELINE["jobs"].items())))
def test_a_step_waits_for_what_it_takes(jobs: list[tuple[str, Any]]) -> None:
    """In whatever order the file has the steps, they run in that of their outputs."""
    names = [name for name, _ in LOCALLY.ordered(dict(jobs))]

    assert ["train", "evaluate", "register"] == names


def test_steps_that_wait_for_each_other_are_said() -> None:
    """There is no order in a circle."""
    one, other = (
        {"inputs": {"a": f"${{{{parent.jobs.{name}.outputs.b}}}}"}} for name in ("other", "one")
    )

    with pytest.raises(SystemExit, match="one, other"):
        list(LOCALLY.ordered({"one": one, "other": other}))


def test_a_step_has_defaults() -> None:
    """What is not given is as the component has it; what is optional may lack."""
    declared = _component("register")["inputs"]
    inputs = LOCALLY.taken(declared, {"model": "m", "report": "r"}, {})

    assert {"model": "m", "report": "r", "name": "iris"} == inputs


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"model": "m"}, "missing: ['report']; not declared: []"),
        ({"model": "m", "report": "r", "stage": "Production"}, "not declared: ['stage']"),
    ],
)
def test_a_step_is_given_what_its_component_takes(inputs: dict[str, str], said: str) -> None:
    """Neither more nor less: a stage, for one, cannot be given."""
    with pytest.raises(SystemExit, match=re.escape(said)):
        LOCALLY.taken(_component("register")["inputs"], inputs, {})


def test_the_pipeline_is_bound_to_what_there_is() -> None:
    """Every expression of the pipeline names an input of it, or an output that a component has."""
    known = {f"parent.inputs.{name}": "x" for name in PIPELINE["inputs"]}
    for name, job in PIPELINE["jobs"].items():
        outputs = _component(Path(job["component"]).stem)["outputs"]
        known |= {f"parent.jobs.{name}.outputs.{output}": "x" for output in outputs}

    for job in PIPELINE["jobs"].values():
        declared = _component(Path(job["component"]).stem)["inputs"]
        assert set(job["inputs"]) <= set(LOCALLY.taken(declared, job["inputs"], known))


def test_a_file_is_changed_as_told() -> None:
    """`--set` reaches what is there, and makes what is not."""
    document: dict[str, Any] = {"inputs": {"c": 1.0}}
    LOCALLY.change(document, "inputs.c", "0.5")
    LOCALLY.change(document, "jobs.register.inputs.stage_request", "Staging: ready")

    assert "0.5" == document["inputs"]["c"]
    assert "Staging: ready" == document["jobs"]["register"]["inputs"]["stage_request"]


def test_no_component_sets_a_stage() -> None:
    """The pipeline registers; a wish is all that it can say of stages."""
    inputs = [name for file in COMPONENTS for name in _component(file.stem)["inputs"]]

    assert ["stage_request"] == [name for name in inputs if "stage" in name]

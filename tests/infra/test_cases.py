"""Which example values templates are evaluated with, and what none of them comes to."""

from __future__ import annotations

from scripts.infra import examples
from scripts.infra.parser import parse
from tests.infra.project import Project

TEMPLATE = """
@description('x')
param environmentName string

@description('x')
@allowed(['observe', 'enforce'])
param mode string = 'observe'

@description('x')
param lock bool = true

@description('x')
@minValue(1)
@maxValue(9)
param days int = 3
"""


def test_every_param_has_each_of_its_values_once() -> None:
    """Listed ones, both of a bool, the lowest and the highest, and the examples, hostile ones too."""
    cases = list(examples.cases(parse("main.bicep", TEMPLATE)))
    assert {"environmentName": "example"} == cases[0].values
    seen = {(name, value) for case in cases for name, value in case.values.items()}
    assert {("mode", "observe"), ("mode", "enforce")} < seen
    assert {("lock", True), ("lock", False), ("days", 1), ("days", 9)} < seen
    assert {("environmentName", name) for name in examples.HOSTILE["environmentName"]} < seen
    assert len(cases) == len({tuple(sorted(case.values.items(), key=str)) for case in cases})


def test_what_no_example_comes_to_is_a_fault(project: Project) -> None:
    """A branch that is never taken is not checked, so it does not pass."""
    project.plant(
        "infra/modules/identity.bicep",
        "output name string = identity.name",
        "output name string = location == 'moon' ? identity.nothing : identity.name",
    )
    found = project.rules(thorough=True)
    assert any("identity.bicep" in line for line in found["unreached"])


def test_a_param_without_an_example_is_a_fault(project: Project) -> None:
    """It says where to add one."""
    project.plant(
        "infra/main.bicep",
        "@description('Region",
        "@description('x')\nparam other string\n\noutput OTHER string = other\n\n@description('Region",
    )
    (line,) = project.rules()["example"]
    assert "scripts/infra/examples.py" in line


def test_a_file_that_is_no_bicep_leaves_the_rest_unjudged(project: Project) -> None:
    """One mistake is one fault, not a hundred."""
    project.plant("infra/main.bicep", "targetScope = 'subscription'", "targetScope = ")
    found = project.rules()
    assert ["syntax"] == list(found)
    assert 1 == len(found["syntax"])

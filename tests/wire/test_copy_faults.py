"""The configuration file: what it may have wrong about copies between registries."""

from __future__ import annotations

import pytest

from stage_functions.adapters.cel import CelRules
from stage_functions.domain.configuration import Configuration
from stage_functions.domain.error import ConfigurationError
from stage_functions.wire.configuration import load

_GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g"
_HUB = f"{_GROUP}/providers/Microsoft.MachineLearningServices"
FILE = f"""\
version: 1
registries:
  - {{alias: dev, type: azureml, address: "{_HUB}/workspaces/dev", mode: enforce}}
  - {{alias: test, type: azureml, address: "{_HUB}/workspaces/test", mode: enforce}}
  - {{alias: shared, type: azureml, address: "{_HUB}/registries/shared", copies_only: true}}
  - {{alias: old, type: mlflow, address: "http://mlflow:5000"}}
lifecycles:
  - name: in-dev
    applies_to: [dev/*/*]
    stages: {{None: {{initial: true}}, Staging: {{}}}}
    transitions: [{{from: None, to: Staging, copy_to: test}}]
  - name: in-test
    applies_to: [test/*/*]
    stages: {{None: {{initial: true}}, Staging: {{}}, Production: {{}}}}
    transitions: [{{from: None, to: Staging}}, {{from: Staging, to: Production, copy_to: shared}}]
  - name: elsewhere
    applies_to: ["shared/*/*", "old/*/*"]
    stages: {{None: {{initial: true}}, Production: {{}}}}
    transitions: [{{from: None, to: Production}}]
"""

FAULTS = [
    pytest.param(
        "to: Staging, copy_to: test",
        "to: Staging, copy_to: tests",
        "11:54: no registry has the alias 'tests'; there are dev, test, shared, old; "
        "did you mean 'test'?",
        id="no-registry",
    ),
    pytest.param(
        "to: Staging, copy_to: test",
        "to: Staging, copy_to: old",
        "11:54: old is an MLflow server; Stageward copies between Azure ML only",
        id="to-mlflow",
    ),
    pytest.param(
        "applies_to: [dev/*/*]",
        "applies_to: [dev/*/*, old/models/iris-*]",
        "11:54: this lifecycle governs old, an MLflow server; Stageward copies between Azure ML "
        "only",
        id="from-mlflow",
    ),
    pytest.param(
        "to: Staging, copy_to: test",
        "to: Staging, copy_to: dev",
        "11:54: this lifecycle governs dev as well, and there is nothing to copy from it to "
        "itself: leave dev out of applies_to, and give it a lifecycle of its own",
        id="to-itself",
    ),
    pytest.param(
        "applies_to: [dev/*/*]",
        "applies_to: ['*/*/*']",
        "11:54: this lifecycle governs test as well, and there is nothing to copy from it to "
        "itself: leave test out of applies_to, and give it a lifecycle of its own",
        id="governs-the-target",
    ),
    pytest.param(
        "stages: {None: {initial: true}, Production: {}}",
        "stages: {None: {initial: true}, Prod: {}}",
        "15:87: a copy begins at Production, and lifecycle elsewhere, which governs "
        "shared/models/*, has no such stage; its stages are None, Prod",
        id="no-such-stage",
    ),
    pytest.param(
        'applies_to: ["shared/*/*", "old/*/*"]',
        'applies_to: ["shared/data/*", "old/*/*"]',
        "15:87: no lifecycle governs shared/models/*, so that no copy begins: see applies_to",
        id="nothing-governs-it",
    ),
    pytest.param(
        "copies_only: true}",
        "copies_only: true, watch: [data/*]}",
        "15:87: shared does not watch models/*, which would be copied there from test: watch it in "
        "shared, or leave models out of applies_to here",
        id="not-watched",
    ),
    pytest.param(
        'http://mlflow:5000"',
        'http://mlflow:5000", copies_only: true',
        "6:76: old is an MLflow server, and Stageward copies between Azure ML only, so that every "
        "version there would be a violation: leave copies_only out",
        id="only-copies-on-mlflow",
    ),
    pytest.param(
        "transitions: [{from: None, to: Production}]",
        "transitions: [{from: None, to: Production, copy_to: dev}]",
        "19:57: this lifecycle governs old, an MLflow server; Stageward copies between Azure ML "
        "only",
        id="governs-an-mlflow-server-too",
    ),
    pytest.param(
        "to: Production, copy_to: shared",
        "to: Production",
        "5:192: nothing is copied to shared, so that every version there would be a violation: "
        "write copy_to: shared in a transition of another registry, or leave copies_only out",
        id="only-copies-and-none",
    ),
]


def faults(text: str) -> list[str]:
    """Return the faults of a file, each as `line:column: message`; none if it loads."""
    try:
        load_file(text)
    except ConfigurationError as exc:
        return [line.removeprefix("stageward.yaml:") for line in str(exc).split("\n")[1:]]
    return []


def load_file(text: str) -> Configuration:
    """Load a file with the real rule engine."""
    return load(text, path="stageward.yaml", environment={}, check_rule=CelRules().check)


def test_copies_from_workspace_to_workspace_to_registry_are_no_fault() -> None:
    """Every way leads where its copies can begin."""
    loaded = load_file(FILE)

    assert ["test"] == [one.copy_to for one in loaded.lifecycles[0].transitions]
    assert loaded.registries["shared"].copies_only


@pytest.mark.parametrize(("old", "new", "found"), FAULTS)
def test_a_way_that_leads_nowhere_is_found_at_its_place(old: str, new: str, found: str) -> None:
    """With what is wrong and what to do about it."""
    assert old in FILE

    assert found in faults(FILE.replace(old, new, 1))


def test_copies_that_go_in_a_circle_are_found() -> None:
    """Each registry on it would wait for what the others have begun."""
    text = FILE.replace('applies_to: ["shared/*/*", "old/*/*"]', 'applies_to: ["shared/*/*"]')
    text = text.replace("to: Staging, copy_to: test", "to: Production, copy_to: test")
    text = text.replace(
        "stages: {None: {initial: true}, Staging: {}}\n",
        "stages: {None: {initial: true}, Production: {}}\n",
    )
    circle = text.replace(
        "transitions: [{from: None, to: Production}]",
        "transitions: [{from: None, to: Production, copy_to: dev}]",
    )

    assert [] == faults(text)
    assert any(
        "copies would go in a circle: dev → test → shared → dev" in one for one in faults(circle)
    )


def test_a_lifecycle_that_an_earlier_one_shadows_copies_nothing_there() -> None:
    """The first that fits governs: what comes after it does not count for that registry."""
    wide = FILE.replace("applies_to: [test/*/*]", "applies_to: ['[dt]e*/*/*']")

    assert [] == faults(wide)

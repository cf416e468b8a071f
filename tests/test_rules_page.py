"""The recipes of `docs/rules.md`: each is loaded as it stands on the page, and tried."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace

from stage_functions.domain.arm_form import arm_form
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.facts import calendars
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.rule import Facts, Result
from tests.adapters.rule_facts import LIFECYCLE, NOW, known, snapshot
from tests.adapters.rule_samples import AZURE
from tests.wire.configuration_file import DEFAULT, RULES, loaded

PAGE = (Path(__file__).parents[1] / "docs" / "rules.md").read_text("utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
(DEFINITION,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
DEFINITIONS = {"policies/owner.json": DEFINITION}
AROUND = """
version: 1
registries: [{alias: demo, type: mlflow, address: "http://localhost"}]
lifecycles:
  - name: page
    applies_to: ["*/*/*"]
    stages: {None: {initial: true}, Done: {}}
    transitions: [{from: None, to: Done}]
"""
PASSED, FAILED, ERRORED = Result.PASSED, Result.FAILED, Result.ERRORED


def of_block(block: str) -> Lifecycle:
    """Return the lifecycle that a block of the page makes."""
    indented = block.replace("\n", "\n    ").rstrip()
    return loaded(f"{AROUND}    {indented}\n", DEFINITIONS).lifecycles[0]


def measured(name: str, mine: float | None, theirs: float | None = None) -> Facts:
    """Return facts with a metric, of a version and of the holder where there is one."""
    holder = None if theirs is None else Evidence({"metrics": {name: theirs}})
    return known({"metrics": {} if mine is None else {name: mine}}, holder=holder)


def at(text: str) -> Facts:
    """Return facts at a moment."""
    return {**known(), "now": datetime.fromisoformat(text)}


def one(role: str, kind: str, stage: str) -> Mapping[str, str]:
    """Return something that is used."""
    found = {"registry": "demo", "kind": kind, "name": "x", "version": "1", "stage": stage}
    return {"as": role, **found} if role else found


def using(*used: Mapping[str, str]) -> Facts:
    """Return facts of a version that uses others."""
    return {**known(), "uses": list(used)}


def used_by(*users: Mapping[str, str]) -> Facts:
    """Return facts of a version that others use."""
    return {**known(), "used_by": list(users)}


def tagged(**tags: str) -> Facts:
    """Return facts of a model with tags that is to reach Production, as policies see it."""
    shown = replace(snapshot("3"), tags=tags)
    lifecycle = replace(LIFECYCLE, bind=("owner",))
    evidence = Evidence({"model": {"type": "mlflow_model"}})
    return {**known(), "resource": arm_form(AZURE, lifecycle, shown, evidence, "Production")}


def of_type(type_: str) -> Facts:
    """Return facts of a model of a type, as policies see it."""
    found = arm_form(
        AZURE, LIFECYCLE, snapshot("3"), Evidence({"model": {"type": type_}}), "Production"
    )
    return {**known(), "resource": found}


NAN = float("nan")
DATA, LATE = one("data", "data", "Production"), one("data", "data", "Staging")
TRIED: Mapping[str, list[tuple[Facts, Result]]] = {
    "accurate": [
        (measured("accuracy", 0.9), PASSED),
        (measured("accuracy", 1), PASSED),
        (measured("accuracy", 0.89), FAILED),
        (measured("accuracy", NAN), FAILED),
        (measured("accuracy", None), ERRORED),
    ],
    "no-worse": [
        (measured("accuracy", None), PASSED),
        (measured("accuracy", 0.95, 0.95), PASSED),
        (measured("accuracy", 1, 0.95), PASSED),
        (measured("accuracy", 0.94, 0.95), FAILED),
        (measured("accuracy", 0.94, NAN), FAILED),
        (known({"metrics": {"accuracy": 0.9}}, holder=Evidence()), ERRORED),
        (known({"metrics": {"accuracy": "0.9"}}, holder=Evidence()), ERRORED),
    ],
    "no-worse-where-known": [
        (known({"metrics": {"accuracy": 0.9}}, holder=Evidence()), PASSED),
        (measured("accuracy", 0.94, 0.95), FAILED),
    ],
    "error-small-enough": [
        (measured("val-rmse", 0.2), PASSED),
        (measured("val-rmse", 0.3), FAILED),
        (measured("val-rmse", None), ERRORED),
    ],
    "traceable": [
        (known({"data": {"name": "iris"}, "code": {"commit": "a"}}), PASSED),
        (known({"data": {"name": "iris"}}), FAILED),
    ],
    "explained": [(known({"explanations": {"shap": "x"}}), PASSED), (known(), FAILED)],
    "soaked": [(at("2026-11-26T11:00Z"), PASSED), (at("2026-11-26T10:59Z"), FAILED)],
    "no-freeze": [
        (at("2026-12-18T12:00Z"), PASSED),
        (at("2026-12-19T12:00Z"), FAILED),
        (at("2029-12-31T12:00Z"), FAILED),
    ],
    "nothing-pending-at-closing": [
        (at("2026-11-30T12:00-05:00"), PASSED),
        (at("2026-11-30T15:00-05:00"), FAILED),
        (at("2026-11-30T23:00-05:00"), FAILED),
        (at("2026-12-01T06:00-05:00"), PASSED),
    ],
    "after-the-audit": [(at("2027-03-01T12:00Z"), FAILED), (at("2027-03-01T18:00Z"), PASSED)],
    "data-in-production": [
        (using(DATA, one("base_model", "models", "None")), PASSED),
        (using(DATA, LATE), FAILED),
        (using(), FAILED),
    ],
    "ready": [
        (using(LATE, one("base_model", "models", "")), PASSED),
        (using(one("environment", "environments", "")), FAILED),
    ],
    "owned": [(tagged(owner="risk"), PASSED), (tagged(team="risk"), FAILED), (known(), ERRORED)],
    "of-mlflow": [(of_type("mlflow_model"), PASSED), (of_type("custom_model"), FAILED)],
    "unused": [
        (used_by(one("", "models", "Staging")), PASSED),
        (used_by(one("", "models", "Production")), FAILED),
    ],
}


@pytest.mark.parametrize(
    "block", BLOCKS, ids=lambda block: " ".join(yaml.safe_load(block)["rules"])
)
def test_every_recipe_does_what_the_page_says(block: str) -> None:
    """It loads, and passes, fails and errs on what it is made for."""
    lifecycle = of_block(block)

    for rule in lifecycle.rules.values():
        for facts, result in TRIED[rule.name]:
            windows = calendars(lifecycle.calendars.values(), facts.get("now", NOW))
            (answer,) = RULES.evaluate([rule], {**facts, "calendars": windows})

            assert (rule.name, answer.result) == (rule.name, result), answer.sentence
            assert answer.values or "resource" not in facts


def test_the_recipes_of_the_default_file_are_sound() -> None:
    """Whoever takes the number signs away has rules that load."""
    _, _, notes = DEFAULT.partition("# Further rules")
    block = "\n".join(line.removeprefix("    # ") for line in notes.splitlines()[1:])

    assert set(of_block(f"{block}\n").rules) == {"no-freeze", "soaked", "data-ready", "unused"}


def test_no_recipe_is_left_out() -> None:
    """What is tried is what the page has, and every block of it is read."""
    on_page = {name for block in BLOCKS for name in yaml.safe_load(block)["rules"]}

    assert on_page == set(TRIED)
    assert PAGE.count("```yaml") == len(BLOCKS)

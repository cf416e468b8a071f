"""What a rule costs as a definition of Azure Policy, beside the same check written in CEL.

Both are asked through the engine that decisions ask, on the same facts: a verdict with the values
that it shows. They are asked in turn, round by round, so that whatever else the machine does meets
both. Compiling is measured apart: it is done once, when the configuration is loaded.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from msgspec.structs import replace

from benchmarks.rows import Rounds, Row
from benchmarks.world import AZURE, version
from stage_functions.adapters.rules import Rules
from stage_functions.domain.arm_form import TYPE, arm_form
from stage_functions.domain.asset import Kind, Snapshot
from stage_functions.domain.configuration import RegistryConfiguration, RegistryType
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.facts import facts
from stage_functions.domain.lifecycle import Lifecycle, Stage, Transition
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.rule import RESOURCE, AzurePolicy, Facts, Result, Rule
from stage_functions.domain.state import VersionState
from stage_functions.domain.transition import Request
from tests.wire.samples import WORKSPACE

ROUNDS, QUICKLY = 15, 5
_SECONDS = 0.1
"""Of each measurement, at least."""
_MICROSECONDS = 1_000_000
_LIMIT = "≤ 3"
"""Times what CEL takes. Both are asked in turn, so that a busy machine slows both."""
_TYPE = TYPE.format(kind=Kind.MODELS)
_TAGS = f"{_TYPE}/tags"
_KEYS = [f"key-{number}" for number in range(10)]
_NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
_LIFECYCLE = Lifecycle(
    name="default",
    applies_to=("*/*/*",),
    stages={name: Stage(name, initial=name == "None") for name in ("None", "Production")},
    transitions=(Transition("None", "Production"),),
    bind=("*",),
)


@dataclass(frozen=True, slots=True)
class Check:
    """One check in both languages.

    Attributes:
        name: of the row.
        condition: `if` of a definition that denies what the check lets not pass.
        cel: the same as an expression that is true where it passes.
    """

    name: str
    condition: Mapping[str, Any]
    cel: str

    @property
    def definition(self) -> dict[str, Any]:
        """The definition."""
        return {"if": self.condition, "then": {"effect": "deny"}}

    @property
    def rules(self) -> Mapping[str, Rule]:
        """The rule in each language."""
        policy = AzurePolicy(json.dumps(self.definition, sort_keys=True))
        return {"policy": Rule(self.name, policy=policy), "CEL": Rule(self.name, self.cel)}


CHECKS = (
    Check(
        "one equals",
        {"field": f"{_TYPE}/description", "equals": "no description"},
        "version.description != 'no description'",
    ),
    Check(
        "allOf of 10 conditions",
        {
            "not": {
                "allOf": [
                    {"field": "type", "equals": _TYPE},
                    {"field": "name", "notEquals": "0"},
                    *({"field": _TAGS, "containsKey": key} for key in _KEYS[:8]),
                ]
            }
        },
        " && ".join(
            [
                "version.kind == 'models'",
                "version.version != '0'",
                *(f"'{key}' in version.tags" for key in _KEYS[:8]),
            ]
        ),
    ),
    Check(
        "count over 10 values",
        {
            "count": {
                "value": _KEYS,
                "name": "key",
                "where": {"field": _TAGS, "containsKey": "[current('key')]"},
            },
            "less": 10,
        },
        f"{json.dumps(_KEYS)}.filter(key, key in version.tags).size() >= 10",
    ),
    Check(
        "template functions",
        {
            "value": "[startsWith(concat(field('name'), '-', toLower(field('type'))), '0-')]",
            "equals": True,
        },
        "!(version.version + '-' + version.kind).startsWith('0-')",
    ),
)


def measure(rounds: int = ROUNDS) -> list[Row]:
    """Measure every check, asked and compiled."""
    known = _facts()
    asked = [row for check in CHECKS for row in _asked(check, known, rounds)]
    return [*asked, *(row for check in CHECKS for row in _compiled(check, rounds))]


def _asked(check: Check, known: Facts, rounds: int) -> list[Row]:
    engine = Rules()
    for language, rule in check.rules.items():
        (verdict,) = engine.evaluate([rule], known)
        if verdict.result is not Result.PASSED:
            message = f"{check.name} in {language}: {verdict.sentence}"
            raise AssertionError(message)
    took = _in_turn(
        {
            language: partial(engine.evaluate, [rule], known)
            for language, rule in check.rules.items()
        },
        rounds,
    )
    policy, cel = took["policy"], took["CEL"]
    ratio = policy.over(cel)
    return [
        Row(f"rule, {check.name}: Azure Policy", policy.median, "µs", note=policy.spread),
        Row(f"rule, {check.name}: CEL", cel.median, "µs", note=cel.spread),
        Row(f"rule, {check.name}: Azure Policy over CEL", ratio.median, "x", _LIMIT, ratio.spread),
    ]


def _compiled(check: Check, rounds: int) -> list[Row]:
    """Check a rule as loading does, each time one that was not seen before."""
    unseen, engine = itertools.count(), Rules()
    policy, expression = check.rules["policy"].policy, check.cel
    if policy is None:
        message = "a check without a definition"
        raise AssertionError(message)
    took = _in_turn(
        {
            "policy": lambda: engine.check(
                Rule(check.name, policy=replace(policy, file=str(next(unseen))))
            ),
            "CEL": lambda: engine.check(Rule(check.name, f"{expression} // {next(unseen)}")),
        },
        rounds,
    )
    return [
        Row(f"loading, {check.name}: {name}", took[key].median, "µs", note=took[key].spread)
        for key, name in (("policy", "Azure Policy"), ("CEL", "CEL"))
    ]


def _in_turn(acts: Mapping[str, Callable[[], object]], rounds: int) -> Mapping[str, Rounds]:
    """Return the microseconds of each act, by rounds in which they take turns."""
    times = {name: _times(act) for name, act in acts.items()}
    took: dict[str, list[float]] = {name: [] for name in acts}
    for _ in range(rounds):
        for name, act in acts.items():
            took[name].append(_time(act, times[name]) * _MICROSECONDS)
    return {name: Rounds(seconds) for name, seconds in took.items()}


def _times(act: Callable[[], object]) -> int:
    """Return how often an act is to be repeated, so that a clock can tell."""
    act()
    return max(3, int(_SECONDS / max(_time(act, 3), 1e-6)))


def _time(act: Callable[[], object], times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        act()
    return (time.perf_counter() - start) / times


def _facts() -> Facts:
    """Return what a version of a workspace is judged on, ten tags bound."""
    shown = Snapshot(
        version(AZURE, "iris", 3),
        _NOW - timedelta(days=3),
        "azureml://datastores/store/paths/iris/3",
        dict.fromkeys(_KEYS, "value"),
        author="aml:anna",
        description="a classifier",
        properties={"framework": "sklearn"},
    )
    evidence = Evidence({"job": {"id": "run_7"}, "metrics": {"accuracy": 0.97}})
    registry = RegistryConfiguration(AZURE, RegistryType.AZUREML, WORKSPACE)
    asked = facts(
        _LIFECYCLE,
        shown,
        VersionState("3", shown.incarnation, "None", _NOW - timedelta(hours=25)),
        evidence,
        None,
        Request("Production", "better", Actor("person:ada", Attribution.PROVEN, "api")),
        _NOW,
    )
    return {**asked, RESOURCE: arm_form(registry, _LIFECYCLE, shown, evidence, "Production")}

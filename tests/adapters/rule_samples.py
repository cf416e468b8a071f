"""Rules of each language, and the facts that they are asked of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stage_functions.domain.arm_form import arm_form
from stage_functions.domain.configuration import RegistryConfiguration, RegistryType
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.rule import RESOURCE, AzurePolicy, Facts, Rule
from tests.adapters.rule_facts import FAIL, LIFECYCLE, PASS, known, snapshot
from tests.contracts.rules import Samples
from tests.policies_as_rules import IS_MODEL, VERSIONS, rule

TAGS = f"{VERSIONS}/tags"
WORKSPACE = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/ml/providers/"
    "Microsoft.MachineLearningServices/workspaces/dev"
)
AZURE = RegistryConfiguration("demo", RegistryType.AZUREML, WORKSPACE)
MLFLOW = RegistryConfiguration("demo", RegistryType.MLFLOW, "http://m")
KNOWN = Evidence({"job": {"id": "run_7"}, "model": {"type": "mlflow_model"}})


def policy(
    definition: Mapping[str, Any], parameters: Mapping[str, Any] | None = None, name: str = "policy"
) -> Rule:
    """Return a rule that is a definition."""
    written = AzurePolicy(
        json.dumps(definition, sort_keys=True), json.dumps(parameters or {}, sort_keys=True)
    )
    return Rule(name, says="in words", policy=written)


def asked(registry: RegistryConfiguration = AZURE) -> Facts:
    """Return the facts of a request for Production, the resource among them."""
    resource = arm_form(registry, LIFECYCLE, snapshot("3"), KNOWN, "Production")
    return {**known(), RESOURCE: resource}


EXPRESSIONS = Samples(
    passing=tuple(
        Rule(f"pass-{n}", text, "in words") for n, text in enumerate(PASS) if "nowhere" not in text
    ),
    failing=tuple(Rule(f"fail-{n}", text, "in words") for n, text in enumerate(FAIL)),
    erring=(
        Rule("no-f1", "evidence.metrics.f1 > 0.5", "in words"),
        Rule("nobody", "holder.evidence.metrics.accuracy < 1.0"),
        Rule("by-nought", "1 / 0 == 1"),
    ),
    broken=(Rule("syntax", "1 +", "in words"), Rule("number", "1"), Rule("nul", "true // \0")),
)
POLICIES = Samples(
    passing=(
        policy(rule(IS_MODEL, "audit"), name="audited"),
        policy(
            rule({"field": "type", "equals": "Microsoft.Storage/storageAccounts"}), name="other"
        ),
        policy(rule({"field": TAGS, "notContainsKey": "team"}), name="bound"),
        policy(rule({"field": TAGS, "containsKey": "loose"}), name="unbound"),
        policy(rule({"value": "[utcNow()]", "notLike": "2026-11-24T12:00:00*"}), name="moment"),
        policy(rule(IS_MODEL, "disabled"), name="disabled"),
    ),
    failing=(
        policy(rule(IS_MODEL), name="denied"),
        policy(rule({"value": f"[field('{TAGS}').stage]", "equals": "production"}), name="staged"),
        policy(rule({"field": f"{VERSIONS}/modelType", "equals": "mlflow_model"}), name="type"),
        policy(rule({"field": "fullName", "equals": "dev/iris/3"}), name="name"),
        policy(
            {
                "parameters": {"effect": {"type": "String", "defaultValue": "audit"}},
                "policyRule": rule(IS_MODEL, "[parameters('effect')]"),
            },
            {"effect": "Deny"},
            name="given",
        ),
    ),
    erring=(
        policy(rule({"value": "[int(field('fullName'))]", "equals": "x"}), name="no-parts"),
        policy(rule({"value": "[int('three')]", "equals": 3}), name="no-number"),
    ),
    broken=(
        policy(rule({"field": "type", "equal": VERSIONS}), name="operator"),
        policy(rule({"value": "[nosuch()]", "equals": 1}), name="function"),
        policy({}, name="empty"),
    ),
)

"""Definitions of Azure Policy as an organisation has them, and a configuration that names them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from stage_functions.domain.error import InvalidInputError

VERSIONS = "Microsoft.MachineLearningServices/workspaces/models/versions"
IS_MODEL = {"field": "type", "equals": VERSIONS}
OWNER: Mapping[str, Any] = {
    "properties": {
        "displayName": "Models in protected stages name an owner",
        "mode": "All",
        "parameters": {
            "stages": {"type": "Array", "defaultValue": ["Staging", "Production"]},
            "effect": {
                "type": "String",
                "allowedValues": ["audit", "deny", "disabled"],
                "defaultValue": "audit",
            },
        },
        "policyRule": {
            "if": {
                "allOf": [
                    IS_MODEL,
                    {"value": f"[field('{VERSIONS}/tags').stage]", "in": "[parameters('stages')]"},
                    {"field": f"{VERSIONS}/tags", "notContainsKey": "owner"},
                ]
            },
            "then": {"effect": "[parameters('effect')]"},
        },
    }
}
FILES = {"policies/owner.json": json.dumps(OWNER)}
FILE = """\
version: 1
registries:
  - {alias: demo, type: mlflow, address: "http://mlflow.example", mode: enforce}
people:
  ada: {name: Ada Lovelace, ids: ["mlflow:ada"]}
  rosa: {name: Rosa Parks, ids: ["mlflow:rosa"]}
groups: {model-risk: [rosa]}
lifecycles:
  - name: default
    applies_to: ["*/*/*"]
    bind: [owner]
    stages:
      None: {initial: true}
      Staging: {}
      Production: {}
    rules:
      owned:
        azure_policy: policies/owner.json
        parameters: {effect: deny}
        says: it names its owner
      soaked: {cel: "now >= in_stage_since", says: it has stood there}
    transitions:
      - {from: None, to: Staging, rules: [owned, soaked]}
      - {from: Staging, to: Production, rules: [soaked, owned], approval: {quorum: 1, groups: {model-risk: 1}}}
"""


def rule(condition: Mapping[str, Any], effect: str = "deny") -> dict[str, Any]:
    """Return a definition that has its effect where a condition holds."""
    return {"if": condition, "then": {"effect": effect}}


def files(known: Mapping[str, str]) -> Callable[[str], str]:
    """Return what reads files that are in memory."""

    def read(path: str) -> str:
        if path not in known:
            message = "there is no such file"
            raise InvalidInputError(message)
        return known[path]

    return read

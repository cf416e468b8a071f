"""Short ways to ask what one condition says of one resource."""

from __future__ import annotations

from collections.abc import Mapping

from stage_functions.azure_policy import evaluate
from stage_functions.azure_policy.reader import Reader
from stage_functions.azure_policy.run import Run
from stage_functions.azure_policy.template import template
from stage_functions.azure_policy.value import MISSING, json_text

MODEL = "Microsoft.MachineLearningServices/workspaces/models/versions"


def rule(condition: object, effect: object = "deny") -> dict[str, object]:
    """Return a rule that asks one condition."""
    return {"if": condition, "then": {"effect": effect}}


def holds(
    condition: object,
    resource: Mapping[str, object] | None = None,
    *,
    parameters: Mapping[str, object] | None = None,
    context: Mapping[str, object] | None = None,
    request_context: Mapping[str, object] | None = None,
) -> bool:
    """Say whether a condition holds of a resource."""
    found = evaluate(
        rule(condition),
        resource or {},
        parameters=parameters,
        context=context,
        request_context=request_context,
    )
    return found == "deny"


def worked_out(
    expression: str,
    resource: Mapping[str, object] | None = None,
    *,
    parameters: Mapping[str, object] | None = None,
    context: Mapping[str, object] | None = None,
) -> str:
    """Return the value of an expression as JSON, or "missing"."""
    values = {name.casefold(): value for name, value in (parameters or {}).items()}
    parsed = template(f"[{expression}]", "/here", Reader(values, declared=False))
    value = parsed.value(Run(resource or {}, context or {}, {}))
    return "missing" if value is MISSING else json_text(value)

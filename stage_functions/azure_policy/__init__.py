"""Evaluates rules of Azure Policy on one machine, as Azure does, or says what it does not know.

Pure: a definition and a resource in, the effect out. Nothing is guessed: what is not supported is
refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping

from stage_functions.azure_policy.error import InvalidPolicyError, UnsupportedPolicyError

__all__ = ["InvalidPolicyError", "UnsupportedPolicyError", "evaluate"]


def evaluate(
    definition_or_rule: Mapping[str, object],
    resource: Mapping[str, object],
    *,
    parameters: Mapping[str, object] | None = None,
    context: Mapping[str, object] | None = None,
    request_context: Mapping[str, object] | None = None,
) -> str | None:
    """Return the effect of a policy on a resource, or None where its rule does not match."""
    raise NotImplementedError

"""Evaluates rules of Azure Policy on one machine, as Azure does, or says what it does not know.

Pure: a definition and a resource in, the effect out. Nothing is guessed: what is not supported is
refused by name. No clock is read: `utcNow()` is what the context says. What an evaluation may cost
is bounded, whatever the rule and the resource.
"""

from __future__ import annotations

from stage_functions.azure_policy.error import (
    InvalidPolicyError,
    PolicyError,
    PolicyFailedError,
    UnsupportedPolicyError,
)
from stage_functions.azure_policy.lookups import Lookup, lookups
from stage_functions.azure_policy.policy import (
    EFFECTS,
    Decision,
    Policy,
    canonical_effect,
    compile_policy,
    evaluate,
)

__all__ = [
    "EFFECTS",
    "Decision",
    "InvalidPolicyError",
    "Lookup",
    "Policy",
    "PolicyError",
    "PolicyFailedError",
    "UnsupportedPolicyError",
    "canonical_effect",
    "compile_policy",
    "evaluate",
    "lookups",
]

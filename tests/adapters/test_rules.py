"""Each rule is asked in its own language, by one engine."""

from __future__ import annotations

import subprocess
import sys

from stage_functions.adapters.azure_policies import AzurePolicies
from stage_functions.adapters.cel import CelRules
from stage_functions.adapters.rules import Rules
from stage_functions.application.ports.rules import RuleEngine
from stage_functions.domain.rule import Facts
from tests.adapters.rule_samples import EXPRESSIONS, POLICIES, asked
from tests.contracts.rules import RuleEngineContract, Samples

_SCRIPT = """
import sys
from stage_functions.adapters.rules import Rules
from stage_functions.domain.rule import Rule
rules = Rules()
assert rules.check(Rule("rule", "true")) == ""
assert rules.evaluate([Rule("rule", "true")], {})
print(*(name for name in sys.modules if "polic" in name))
"""


class TestExpressions(RuleEngineContract):
    """CEL."""

    def engine(self) -> RuleEngine:
        """Return a new engine."""
        return CelRules()

    def samples(self) -> Samples:
        """Return expressions."""
        return EXPRESSIONS

    def facts(self) -> Facts:
        """Return the facts without the resource, of which CEL knows nothing."""
        return {name: fact for name, fact in asked().items() if name != "resource"}


class TestPolicies(RuleEngineContract):
    """Azure Policy."""

    def engine(self) -> RuleEngine:
        """Return a new engine."""
        return AzurePolicies()

    def samples(self) -> Samples:
        """Return definitions."""
        return POLICIES

    def facts(self) -> Facts:
        """Return the facts with the resource."""
        return asked()


class TestBoth(RuleEngineContract):
    """Both, in one list."""

    def engine(self) -> RuleEngine:
        """Return a new engine."""
        return Rules()

    def samples(self) -> Samples:
        """Return expressions and definitions, in turn where there are as many."""
        one, other = EXPRESSIONS, POLICIES
        return Samples(
            one.passing + other.passing,
            other.failing + one.failing,
            one.erring + other.erring,
            other.broken + one.broken,
        )

    def facts(self) -> Facts:
        """Return the facts with the resource."""
        return asked()


def test_where_no_rule_is_a_policy_nothing_of_policies_is_imported() -> None:
    """An event must not wait for it."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True
    )

    assert not {name for name in done.stdout.split() if name.startswith("stage_functions")}

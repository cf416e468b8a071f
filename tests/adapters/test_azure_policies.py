"""Definitions of Azure Policy as rules: what passes, fails, errs, and what the verdict shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.adapters.azure_policies import AzurePolicies
from stage_functions.domain.configuration import RegistryConfiguration
from stage_functions.domain.rule import RESOURCE, Facts, Result, Rule, Verdict, all_passed
from tests.adapters.rule_samples import AZURE, MLFLOW, TAGS, asked, policy
from tests.policies_as_rules import IS_MODEL, OWNER, VERSIONS, rule

POLICIES = AzurePolicies()


def verdict(definition: Mapping[str, Any], facts: Facts | None = None, **given_: str) -> Verdict:
    """Ask one definition."""
    (answer,) = POLICIES.evaluate([policy(definition, given_)], asked() if facts is None else facts)
    return answer


EFFECTS = {
    "deny": Result.FAILED,
    "Deny": Result.FAILED,
    "audit": Result.PASSED,
    "auditIfNotExists": Result.PASSED,
    "deployIfNotExists": Result.PASSED,
    "modify": Result.PASSED,
    "append": Result.PASSED,
    "manual": Result.PASSED,
    "disabled": Result.PASSED,
}


@pytest.mark.parametrize(("effect", "result"), EFFECTS.items())
def test_only_deny_fails_and_every_effect_is_shown(effect: str, result: Result) -> None:
    """As Azure does it: nothing else stops a write."""
    definition = rule(IS_MODEL, effect)
    if effect.endswith("IfNotExists"):
        definition["then"]["details"] = {"type": "Microsoft.Insights/diagnosticSettings"}
    found = verdict(definition)

    assert result is found.result
    assert effect.lower() == found.values["effect"].lower()
    assert "in words" == found.says


def test_what_does_not_match_passes() -> None:
    """And says so."""
    found = verdict(rule({"field": "name", "equals": "4"}))

    assert Result.PASSED is found.result
    assert {"effect": "none, it does not match", "name": "3"} == found.values


def test_a_verdict_shows_what_the_definition_reads() -> None:
    """By short names, with values; what another type of resource has is not spoken of."""
    storage = {"field": "Microsoft.Storage/storageAccounts/sku.name", "equals": "x"}
    condition = {
        "anyOf": [
            storage,
            {"field": TAGS, "containsKey": "stage"},
            {"field": f"{VERSIONS}/jobName", "exists": True},
            {"field": f"{VERSIONS}/description", "like": "*"},
            {"field": "location", "exists": True},
            {"field": "tags['owner']", "exists": True},
            IS_MODEL,
        ]
    }
    found = verdict(rule(condition))

    assert {
        "effect": "deny",
        "properties.tags": '{"stage": "Production", "team": "risk"}',
        "properties.jobName": "run_7",
        "properties.description": "a classifier",
        "location": "location is not recorded",
        "tags['owner']": "tags['owner'] is not recorded",
        "type": "…/models/versions",
    } == found.values
    assert "effect = deny" in found.sentence


def test_what_cannot_be_evaluated_errs_with_its_place() -> None:
    """Azure denies what it cannot evaluate; here it holds, and says why."""
    found = verdict(
        rule(
            {
                "allOf": [
                    IS_MODEL,
                    {"value": "[int(field('name'))]", "equals": 3},
                    {"value": "[int(field('fullName'))]", "equals": 3},
                ]
            }
        )
    )

    assert Result.ERRORED is found.result
    assert found.error.startswith("/if/allOf/2")
    assert "…/models/versions" == found.values["type"]


@pytest.mark.parametrize("operator", ["equals", "notEquals"])
@pytest.mark.parametrize("effect", ["deny", "audit"])
def test_a_member_that_is_not_there_grants_nothing(operator: str, effect: str) -> None:
    """The condition does not hold, and Azure may deny there: it holds here, and says where."""
    found = verdict(rule({"value": f"[field('{TAGS}').owner]", operator: "risk"}, effect))

    assert Result.ERRORED is found.result
    assert found.error.startswith("/if/value: the member 'owner' is not there")


def test_what_is_denied_fails_though_a_member_is_not_there() -> None:
    """Azure denies one way or the other, and the effect says more."""
    missing = {"value": f"[field('{TAGS}').owner]", "equals": "risk"}

    assert Result.FAILED is verdict(rule({"not": missing})).result


def test_a_field_whose_name_is_worked_out_within_a_value_is_no_rule() -> None:
    """As one that is compared itself: nobody can say beforehand what it reads."""
    name = f"concat('{VERSIONS}/', field('name'))"
    found = POLICIES.check(policy(rule({"value": f"[field({name})]", "equals": "x"})))

    assert "it reads a field whose name is computed" in found


@pytest.mark.parametrize("resource", [None, "text", []])
def test_without_a_resource_nothing_is_granted(resource: object) -> None:
    """Whoever leaves it out has made a mistake."""
    found = verdict(rule(IS_MODEL, "audit"), {**asked(), RESOURCE: resource})

    assert Result.ERRORED is found.result


def test_the_parameters_given_count() -> None:
    """The same definition audits, or denies."""
    audited, denied = verdict(OWNER), verdict(OWNER, effect="deny")

    assert (Result.PASSED, "audit") == (audited.result, audited.values["effect"])
    assert (Result.FAILED, "deny") == (denied.result, denied.values["effect"])


def test_the_moment_is_that_of_the_decision() -> None:
    """As Azure writes it; no clock is read."""
    moment = rule({"value": "[utcNow()]", "equals": "2026-11-24T12:00:00.0000000Z"})
    unknown = {name: fact for name, fact in asked().items() if name != "now"}

    assert Result.FAILED is verdict(moment).result
    assert Result.ERRORED is verdict(moment, unknown).result


@pytest.mark.parametrize("registry", [AZURE, MLFLOW])
def test_a_definition_holds_wherever_a_version_is(registry: RegistryConfiguration) -> None:
    """Definitions are written for versions of workspaces; those of other registries pass as such."""
    found = verdict(
        rule({"allOf": [IS_MODEL, {"field": TAGS, "containsKey": "team"}]}), asked(registry)
    )

    assert Result.FAILED is found.result


def test_definitions_are_kept_compiled_and_not_without_end() -> None:
    """Drafts are checked here, too, and are never seen again."""
    engine = AzurePolicies(keeps=2)
    rules = [policy(rule({"field": "name", "equals": str(number)})) for number in range(5)]

    for _ in range(2):
        results = [engine.evaluate([one], asked())[0].result for one in rules]
        assert [Result.FAILED if n == 3 else Result.PASSED for n in range(5)] == results
        assert len(engine._compiled) <= 2  # noqa: SLF001  # what is kept shows nowhere else


def test_an_expression_is_no_definition() -> None:
    """Another engine's rule errs here, and is at fault."""
    expression = Rule("rule", "true")

    assert Result.ERRORED is POLICIES.evaluate([expression], asked())[0].result
    assert POLICIES.check(expression)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8) | st.sampled_from(
        ["type", "[field('type')]", TAGS, "deny", "[parameters('x')]", "[", "[[x]"]
    ),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["if", "then", "effect", "allOf", "anyOf", "not", "field", "value", "count", "equals",
             "in", "where", "exists", "policyRule", "properties", "parameters", "x"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(definition=st.dictionaries(st.sampled_from(["if", "then", "policyRule"]), JSON, max_size=3))
def test_whatever_is_no_sound_definition_never_passes(definition: Mapping[str, Any]) -> None:
    """It is told when it is loaded, and errs if it is asked nonetheless; nothing is raised."""
    one = policy(definition)

    if POLICIES.check(one):
        compiled_all_the_same = all_passed(POLICIES.evaluate([one], asked()))
        assert not compiled_all_the_same or _sound(one)


def _sound(one: Rule) -> bool:
    """Tell whether a definition is one, and only not fit to be a rule."""
    return not POLICIES.check(one).startswith("/")

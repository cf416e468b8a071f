"""The cases of microsoft/regorus: each comes out as it states, or is refused by name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from stage_functions.azure_policy import InvalidPolicyError, compile_policy, evaluate

CASES = Path(__file__).parent / "cases"
Case = Mapping[str, Any]

AS_STATED, WITHOUT_RULE = 246, 154
"""The second ones come from files that have their rule once, at their top, and it was not taken over
with them. They are about Microsoft's built-in definitions."""


def all_cases() -> Iterator[tuple[str, Case]]:
    """Return each case with the name of its file and its own."""
    for file in sorted(CASES.glob("*.yaml")):
        for case in yaml.safe_load(file.read_text())["cases"]:
            yield f"{file.stem}-{case['note']}", case


EVERY_CASE = list(all_cases())


def asked(case: Case) -> object:
    """Return what a case asks about: its definition, its rule, or nothing."""
    return json.loads(case.get("policy_definition") or case.get("policy_rule") or "{}")


def request_of(case: Case) -> Mapping[str, object]:
    """Return what a case says of the request: `api_version` is short for its API version."""
    if "request_context" in case:
        found: Mapping[str, object] = case["request_context"]
        return found
    return {"apiVersion": case["api_version"]} if "api_version" in case else {}


def outcome(case: Case) -> str | None:
    """Return what comes of a case: the effect, None, or "refused"."""
    try:
        return evaluate(
            asked(case),  # type: ignore[arg-type] # some cases are no definitions at all
            case.get("resource", {}),
            parameters=case.get("parameters"),
            context=case.get("context"),
            request_context=request_of(case),
        )
    except InvalidPolicyError:
        return "refused"


def stated(case: Case) -> str | None:
    """Return what a case states: the effect, None, or "refused"."""
    return "refused" if case.get("want_parse_error") else case.get("want_effect")


def has_rule(case: Case) -> bool:
    """Say whether a case has a rule, even a wrong one."""
    return "policy_rule" in case or "policy_definition" in case


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=name) for name, case in EVERY_CASE if has_rule(case)]
)
def test_a_case_comes_out_as_stated(case: Case) -> None:
    """The effect is the one that is stated, to the letter; what is no rule is refused."""
    assert stated(case) == outcome(case)


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=name) for name, case in EVERY_CASE if not has_rule(case)]
)
def test_a_case_without_a_rule_is_refused_by_name(case: Case) -> None:
    """Nothing is made up where nothing is asked."""
    with pytest.raises(InvalidPolicyError, match=r"^/: there is no rule here"):
        compile_policy(asked(case), parameters=case.get("parameters"))  # type: ignore[arg-type]


def test_no_case_is_left_out() -> None:
    """All 400 are here, and how many of them come out how is said exactly."""
    found = Counter(
        "without rule" if not has_rule(case) else outcome(case) == stated(case)
        for _, case in EVERY_CASE
    )

    assert {True: AS_STATED, "without rule": WITHOUT_RULE} == found
    assert AS_STATED + WITHOUT_RULE == 400

"""What is wrong with a rule as written, found when the configuration is loaded."""

from __future__ import annotations

import pytest

from stage_functions.adapters.cel import CelRules
from stage_functions.adapters.cel_paths import REQUEST, VERSION, paths
from stage_functions.domain.rule import Rule
from tests.adapters.rule_facts import FAIL, HELD, PASS, known

RULES = CelRules()
CHECKED = {
    "evidence.metrics.ok": "may be of any type; make it true or false, as in (evidence.metrics.ok)",
    "evidence.metrics.accuracy": "may be of any type",
    "holder == null ? true : evidence.metrics.ok": "may be of any type",
    "request.reason": "it is a text; a rule is true or false, so compare it",
    "1 + 1": "it is a whole number; a rule is true or false, so compare it",
    "1.0": "it is a number;",
    "now": "it is a moment;",
    "now - in_stage_since": "it is a duration;",
    "evidence.metrics": "it is a map;",
    "[true]": "it is a list;",
    "null": "it is null;",
    "request.reason > 3": "it does not compile: found no matching overload for '_>_'",
    "accuracy > 0.9": "it does not compile: nothing is named 'accuracy' (line 1, character 1)",
    "true\n  && treu": "it does not compile: nothing is named 'treu' (line 2, character 6)",
    "evidence.metrics.accuracy >": "it does not compile: Syntax error: mismatched input '<EOF>'",
    "": "it does not compile: Syntax error",
    "(" * 100 + "true" + ")" * 100: "it does not compile: Expression recursion limit exceeded",
    "'\ud800' == ''": "it holds a character that CEL does not know",
    "evidence.metric.f1 > 0.5": "evidence has no 'metric'; did you mean 'metrics'? it has job",
    "has(evidence.dataset.digest)": "evidence has no 'dataset'; did you mean 'data'?",
    "holder == null || holder.evidence.metric.f1 > 0.5": "holder.evidence has no 'metric'",
    "holder == null || holder['metrics'].f1 > 0.5": "holder has no 'metrics'",
    "version.tag.a == 'b'": "version has no 'tag'; did you mean 'tags'?",
    "request.form == 'None'": "request has no 'form'; did you mean 'from'?",
    "version.zzz == 'b'": "version has no 'zzz'; it has registry, kind",
}


@pytest.mark.parametrize(("expression", "fault"), CHECKED.items())
def test_a_rule_that_could_never_decide_is_found_when_loaded(expression: str, fault: str) -> None:
    """A rule must compile, be of type BOOL, and name what there is."""
    assert fault in RULES.check(Rule("rule", expression))


@pytest.mark.parametrize(
    "expression",
    [
        *[e for e in PASS if "nowhere" not in e],
        *FAIL,
        "(evidence.metrics.ok) == true",
        "version.name == 'evidence.metric' || version.name == \"it's request.form\"",
        r"version.name.matches(r'\d') || version.name == 'it\'s evidence.metric'",
        "true // evidence.metric",
        "evidence.all(section, size(evidence[section]) >= 0)",
        "version.tags.evidence == 'version.zzz'",
        "evidence.metrics.`val-auc` > 0.9",
    ],
)
def test_a_sound_rule_has_no_fault(expression: str) -> None:
    """Rules that name only what there is, in whatever notation, are accepted."""
    assert RULES.check(Rule("rule", expression, shows=("evidence.job.id",))) == ""


def test_what_a_rule_shows_must_compile_but_may_be_of_any_type() -> None:
    """A fault in `shows` names the expression; its type does not matter."""
    fault = RULES.check(Rule("rule", "true", shows=("evidence.job", "evidence.jobs.id", "1 +")))

    assert fault.startswith("shows 'evidence.jobs.id': evidence has no 'jobs'; did you mean 'job'?")
    assert "shows '1 +': it does not compile: Syntax error" in fault
    assert "shows 'evidence.job'" not in fault


def test_what_is_checked_is_what_the_facts_have() -> None:
    """The names that are accepted on loading are those of the facts, no more and no fewer."""
    given_facts = known(holder=HELD)

    assert tuple(given_facts["version"]) == VERSION
    assert tuple(given_facts["request"]) == REQUEST
    assert tuple(given_facts["holder"]) == (*VERSION, "evidence")


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("evidence.metrics['val-auc'] > 1", [("evidence", "metrics", "val-auc")]),
        ("has(evidence.job.id)", [("evidence", "job", "id")]),
        ("version.name.startsWith('x')", [("version", "name")]),
        (
            "evidence.metrics.version == holder.version",
            [("evidence", "metrics", "version"), ("holder", "version")],
        ),
        ("evidence[", [("evidence",)]),
        ("evidence.", [("evidence",)]),
        ("now", [("now",)]),
        ("'evidence.job'", []),
    ],
)
def test_paths_are_read_from_an_expression(expression: str, found: list[tuple[str, ...]]) -> None:
    """Paths begin at a variable, whichever notation they use; texts and functions are none."""
    assert list(paths(expression)) == found

"""The rule engine over Google's CEL: what passes, what fails, and what errs and never passes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.adapters.cel import CelRules
from stage_functions.adapters.cel_text import MAX_SHOWN_CHARACTERS
from stage_functions.domain.evidence import Scalar
from stage_functions.domain.rule import Facts, Result, Rule, Verdict
from tests.adapters.rule_facts import FAIL, HELD, PASS, known

RULES = CelRules()


def verdict(expression: str, given_facts: Facts | None = None, *shows: str) -> Verdict:
    """Evaluate one expression."""
    rule = Rule("rule", expression, "in words", shows)
    (answer,) = RULES.evaluate([rule], known() if given_facts is None else given_facts)
    return answer


ERR = {
    "evidence.metrics.f1 > 0.5": "evidence.metrics.f1 is not recorded",
    "evidence.metrics['val-auc'] > 0.5": "evidence.metrics.val-auc is not recorded",
    "has(evidence.job.id) || evidence.metrics.f1 > 0.5": "evidence.metrics.f1 is not recorded",
    "false ? version.name.x == 1 : evidence.metrics.f1 == 1": "evidence.metrics.f1 is not recorded",
    "evidence.job.id == 'x' && true": "evidence.job.id is not recorded",
    "evidence.metrics[evidence.params.C] == 1": "0.5 is not recorded",
    "holder.evidence.metrics.accuracy < 1.0": "it reads holder, but no version holds Production",
    "has(holder.evidence)": "it reads holder, but no version holds Production",
    "evidence.params.C > 0.1": "a text > a number has no answer; convert one, as in double(…)",
    "!evidence.params.C": "!_ does not fit the values that it was given",
    "evidence.params.C.x == 1": "it looks inside a value that is not a map",
    "1 / 0 == 1": "divide by zero",
    "double(version.name) > 1.0": "cannot convert string to double",
    "evidence.metrics": "neither true nor false",
    "evidence.params.C": "it is 0.5, neither true nor false",
    "evidence.job.id": "evidence.job.id is not recorded",
    "'true'": "it is true, neither true nor false",
    "1": "it is 1, neither true nor false",
    "null": "it is null, neither true nor false",
    "1 +": "it does not compile: Syntax error",
    "accuracy > 0.9": "it does not compile: nothing is named 'accuracy' (line 1, character 1)",
    "true // \0": "it holds a character that CEL does not know",
}


@pytest.mark.parametrize("expression", PASS)
def test_a_rule_that_is_true_passes(expression: str) -> None:
    """A true answer passes, and carries the words of the rule."""
    answer = replace(verdict(expression), values={})

    assert answer == Verdict("rule", Result.PASSED, {}, "in words")


@pytest.mark.parametrize("expression", FAIL)
def test_a_rule_that_is_false_fails(expression: str) -> None:
    """A false answer fails without an error; a comparison with NaN is false."""
    answer = replace(verdict(expression), values={})

    assert answer == Verdict("rule", Result.FAILED, {}, "in words")


@pytest.mark.parametrize(("expression", "error"), ERR.items())
def test_a_rule_that_cannot_be_evaluated_has_errored(expression: str, error: str) -> None:
    """What is no boolean, or cannot be had, errs and says why."""
    answer = verdict(expression)

    assert answer.result is Result.ERRORED
    assert error in answer.error


def test_going_through_too_many_items_errs() -> None:
    """An iteration over the runtime's budget errs instead of holding up the decision."""
    many = {"metrics": {f"m{index}": index for index in range(200)}}
    answer = verdict(
        "evidence.metrics.all(a, evidence.metrics.all(b, a != 'x' || b != 'x'))", known(many)
    )

    assert (answer.result, answer.error) == (Result.ERRORED, "it goes through too many items")


SHOWN = {
    "evidence.metrics.accuracy": "0.97",
    "evidence.metrics.count": "3",
    "evidence.metrics.nan": "nan",
    "evidence.metrics.infinite": "inf",
    "evidence.metrics.ok": "true",
    "evidence.params.C": "0.5",
    "evidence.job": '{"status": "FINISHED"}',
    "evidence.metrics.f1": "f1 is not recorded",
    "evidence.metrics['val-auc']": "val-auc is not recorded",
    "evidence.metrics.accuracy - evidence.metrics.f1": "f1 is not recorded",
    "holder": "no version holds Production",
    "holder.evidence.metrics.accuracy": "no version holds Production",
    "dyn(null)": "null",
    "1 / 0": "divide by zero",
    "version.name": "iris",
    "version.created_at": "2026-11-21T12:00:00.000000Z",
    "now": "2026-11-24T12:00:00.000000Z",
    "now - in_stage_since": "1 day, 1:00:00",
}


@pytest.mark.parametrize(("expression", "text"), SHOWN.items())
def test_a_shown_value_is_text_and_an_absent_one_says_so(expression: str, text: str) -> None:
    """Values go into the verdict by expression, as people read them."""
    assert verdict("true", None, expression).values == {expression: text}


def test_a_holder_that_lacks_a_value_says_what_is_not_recorded() -> None:
    """With a holder there, its missing metric is named like any other."""
    shows = "holder.evidence.metrics.f1"
    answer = verdict(f"{shows} > 0.5", known(holder=HELD), shows)

    assert answer.error == "holder.evidence.metrics.f1 is not recorded"
    assert answer.values == {shows: "f1 is not recorded"}


def test_a_long_value_is_cut() -> None:
    """A description cannot make a verdict too long for its record."""
    answer = verdict("true", known(description="d" * 5000), "version.description")

    assert answer.values["version.description"] == "d" * MAX_SHOWN_CHARACTERS + "…"


def leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Return every path of the facts that ends in a value, with the value."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    else:
        yield path, value


EVERY_PATH = dict(leaves(known(holder=HELD)))


@pytest.mark.parametrize("path", EVERY_PATH, ids=".".join)
def test_rules_can_read_every_path_of_the_facts(path: tuple[str, ...]) -> None:
    """Every fact is there under its name, with its own type."""
    value = EVERY_PATH[path]
    literal = {
        bool: str(value).lower(),
        int: "9223372036854775807",
        float: f"double('{value!r}')",
        str: f"'{value}'",
        datetime: f"timestamp('{value.isoformat()}')" if isinstance(value, datetime) else "",
    }[type(value)]
    sign = "!=" if path[-1] == "nan" else ">" if path[-1] in ("huge", "endless") else "=="
    sign, literal = (">=", "3") if path[-1] == "count" else (sign, literal)

    rule = Rule("rule", f"{'.'.join(path)} {sign} {literal}")

    assert RULES.check(rule) == ""
    assert verdict(rule.cel, known(holder=HELD)).result is Result.PASSED


@pytest.mark.parametrize(
    ("better", "result"),
    [
        (0.96, Result.PASSED),
        (0.95, Result.PASSED),
        (0.94, Result.FAILED),
        (math.nan, Result.FAILED),
    ],
)
def test_no_worse_compares_with_the_version_it_replaces(better: float, result: Result) -> None:
    """The default file's example rule lets through what is at least as accurate."""
    mine, theirs = "evidence.metrics.accuracy", "holder.evidence.metrics.accuracy"
    answer = verdict(
        f"holder == null || {mine} >= {theirs}",
        known({"metrics": {"accuracy": better}}, holder=HELD),
        mine,
        theirs,
    )

    assert answer == Verdict("rule", result, {mine: repr(better), theirs: "0.95"}, "in words")


@pytest.mark.parametrize(
    ("job", "result"),
    [
        ({}, Result.PASSED),
        ({"id": "b0", "status": "FINISHED"}, Result.PASSED),
        ({"id": "b0", "status": "RUNNING"}, Result.FAILED),
        ({"id": "b0"}, Result.ERRORED),
    ],
)
def test_job_finished_waits_for_a_job_that_is_known(
    job: Mapping[str, Scalar], result: Result
) -> None:
    """The default file's rule passes without a job, and with a finished one."""
    expression = "!has(evidence.job.id) || evidence.job.status == 'FINISHED'"

    assert verdict(expression, known({"job": job})).result is result


@pytest.mark.parametrize("text", ["Approved\0no", "Approved\ud800", "\0"])
def test_a_text_that_cel_cannot_hold_equals_nothing_that_a_rule_names(text: str) -> None:
    """A NUL cannot cut a text down to one that a rule accepts, in a value or in a key."""
    in_value = verdict("evidence.params.a == 'Approved'", known({"params": {"a": text}}))
    in_key = verdict("has(evidence.params.Approved)", known({"params": {text: "x"}}))

    assert (in_value.result, in_key.result) == (Result.FAILED, Result.FAILED)


scalars = st.one_of(
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -(10**400)]),
    st.floats(),
    st.text(st.characters(codec=None), max_size=20),
)
names = st.sampled_from(["accuracy", "status", "id", "C"])
operands = st.one_of(
    st.sampled_from(
        [
            "evidence.metrics.accuracy",
            "evidence.job.status",
            "evidence.params",
            "holder.evidence.metrics.accuracy",
            "holder",
            "now - in_stage_since",
            "version.created_at",
            "version.tags.team",
            "true",
            "null",
            "'FINISHED'",
            "0.5",
            "duration('1h')",
            "uses",
            "uses.exists(u, u.kind == 'data')",
            "!used_by.all(u, u.stage == evidence.params.C)",
            "calendars['freeze'].until",
        ]
    ),
    st.integers(-9, 9).map(str),
)
comparisons = st.builds(
    "{} {} {}".format, operands, st.sampled_from(["==", "!=", ">", "<", "in", "&&", "||"]), operands
)
expressions = st.one_of(
    operands, comparisons, comparisons.map("!({})".format), st.text(max_size=30)
)


@settings(deadline=None)
@given(
    expression=expressions,
    evidence=st.dictionaries(
        st.sampled_from(["metrics", "job", "params"]), st.dictionaries(names, scalars)
    ),
)
@example(expression="evidence.metrics.accuracy", evidence={"metrics": {"accuracy": "true"}})
@example(expression="evidence.metrics.accuracy", evidence={})
def test_no_errored_verdict_passes_and_nothing_raises(
    expression: str, evidence: Mapping[str, Mapping[str, Scalar]]
) -> None:
    """Whatever is written and whatever is recorded: passed means true, and errors say why."""
    answer = verdict(expression, known(evidence), expression)

    assert (answer.result is Result.ERRORED) == bool(answer.error)
    assert set(answer.values) == {expression}
    if answer.result is not Result.ERRORED:
        opposite = verdict(f"!({expression}\n)", known(evidence))
        assert {answer.result, opposite.result} == {Result.PASSED, Result.FAILED}


def test_verdicts_are_in_the_order_of_the_rules_and_one_error_spoils_no_other() -> None:
    """Each rule gets its own verdict, in order; no rules, no verdicts."""
    rules = [Rule("a", "1 / 0 == 1"), Rule("b", "true"), Rule("c", "nothing"), Rule("d", "false")]

    answers = RULES.evaluate(rules, known())

    assert [(answer.rule, str(answer.result)) for answer in answers] == [
        ("a", "errored"),
        ("b", "passed"),
        ("c", "errored"),
        ("d", "failed"),
    ]
    assert RULES.evaluate([], known()) == ()


def test_a_fact_of_an_unknown_kind_is_a_fault_of_the_program() -> None:
    """Facts are texts, numbers, moments and maps; anything else is not passed over."""
    with pytest.raises(TypeError, match="no rule can read a object"):
        verdict("holder == null", {**known(), "holder": object()})


def test_an_engine_keeps_no_more_expressions_than_it_may() -> None:
    """Drafts of configurations come and go; an expression that was forgotten is compiled anew."""
    engine = CelRules(keeps=2)
    rules = [Rule(str(number), f"{number} == {number}") for number in range(7)]

    for _ in range(2):
        assert {answer.result for answer in engine.evaluate(rules, known())} == {Result.PASSED}


def test_threads_share_an_engine() -> None:
    """Several threads compile and evaluate at once, each with its own facts."""
    engine = CelRules()

    def passes(index: int) -> bool:
        given_facts = known({"metrics": {"accuracy": index}})
        rule = Rule("rule", f"evidence.metrics.accuracy == {index} && {index % 7} == {index % 7}")
        return engine.evaluate([rule], given_facts)[0].result is Result.PASSED

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(passes, range(400)))

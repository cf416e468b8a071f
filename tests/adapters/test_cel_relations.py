"""Rules over calendars and other assets: what they say, and what they show of what they saw."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stage_functions.adapters.cel import CelRules
from stage_functions.adapters.cel_paths import MAX_READ, reads
from stage_functions.domain.calendar import Calendar
from stage_functions.domain.facts import calendars
from stage_functions.domain.rule import Facts, Result, Rule, Verdict, Withheld
from tests.adapters.rule_facts import HELD, NOW, known

RULES = CelRules()
DATA = {
    "as": "data",
    "registry": "demo",
    "kind": "data",
    "name": "iris",
    "version": "3",
    "stage": "Production",
}
BASE = {**DATA, "as": "base_model", "kind": "models", "name": "base", "stage": ""}
LOOSE = {
    "as": "base_model",
    "registry": "",
    "kind": "",
    "name": "m-1",
    "version": "",
    "stage": "",
}
USER = {key: value for key, value in DATA.items() if key != "as"}
CALENDARS = calendars(
    [
        Calendar("november", "Europe/Berlin", "2026-11-01T00:00", timedelta(days=30)),
        Calendar("year-end", "Europe/Berlin", "2026-12-20T00:00", timedelta(14), "FREQ=YEARLY"),
    ],
    NOW,
)


def seen(**more: object) -> Facts:
    """Return the facts of a request, with further ones."""
    return {**known(), "uses": [], "used_by": [], "calendars": CALENDARS, **more}


def verdict(expression: str, facts: Facts, *shows: str) -> Verdict:
    """Evaluate one expression."""
    (answer,) = RULES.evaluate([Rule("rule", expression, "in words", shows)], facts)
    return answer


ALL_AT = "uses.all(u, u.kind != 'data' || u.stage == 'Production')"
USED_AT = "!used_by.exists(u, u.stage == 'Production')"


@pytest.mark.parametrize(
    ("expression", "facts", "result", "shown"),
    [
        (ALL_AT, seen(uses=[]), Result.PASSED, {"uses": "none"}),
        (ALL_AT, seen(uses=[DATA]), Result.PASSED, {"uses": "data demo/data/iris:3 at Production"}),
        (
            ALL_AT,
            seen(uses=[{**DATA, "stage": "Staging"}, LOOSE]),
            Result.FAILED,
            {"uses": "data demo/data/iris:3 at Staging, base_model 'm-1', which names no version"},
        ),
        (
            "uses.all(u, u.stage == 'Production')",
            seen(uses=[BASE]),
            Result.FAILED,
            {"uses": "base_model demo/models/base:3 at no stage"},
        ),
        ("uses.exists(u, u.as == 'data')", seen(uses=[LOOSE]), Result.FAILED, None),
        ("size(uses) == 0", seen(uses=[LOOSE]), Result.FAILED, None),
        (USED_AT, seen(), Result.PASSED, {"used_by": "none"}),
        (
            USED_AT,
            seen(used_by=[USER]),
            Result.FAILED,
            {"used_by": "demo/data/iris:3 at Production"},
        ),
        (
            "!calendars['year-end'].active",
            seen(),
            Result.PASSED,
            {"calendars['year-end'].status": "off; next 2026-12-20 00:00 Europe/Berlin"},
        ),
        (
            "!calendars.november.active",
            seen(),
            Result.FAILED,
            {
                "calendars.november.status": "on since 2026-11-01 00:00 Europe/Berlin "
                "until 2026-12-01 00:00 Europe/Berlin"
            },
        ),
        ("calendars['november'].until > now", seen(), Result.PASSED, None),
        ("!has(calendars['year-end'].until)", seen(), Result.PASSED, None),
    ],
)
def test_a_rule_reaches_calendars_and_other_assets(
    expression: str, facts: Facts, result: Result, shown: dict[str, str] | None
) -> None:
    """It answers, and says what it saw, without being told what to show."""
    assert RULES.check(Rule("rule", expression), ("november", "year-end")) == ""

    answer = verdict(expression, facts)

    assert (answer.result, answer.error) == (result, "")
    assert shown is None or answer.values == shown


@pytest.mark.parametrize("name", ["uses", "used_by"])
def test_what_cannot_be_told_errs_in_words(name: str) -> None:
    """More than a rule looks at is no answer, and no grant."""
    why = "more than 100 versions use demo/data/iris:3"
    facts = seen(**{name: Withheld(why)})

    answer = verdict(f"!{name}.exists(u, u.stage == 'Production')", facts)

    assert (answer.result, answer.error, answer.values) == (Result.ERRORED, why, {name: why})


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("uses.all(u, u.knd == 'data')", "uses has no 'knd'; did you mean 'kind'?"),
        ("used_by.exists(v, v.as == 'data')", "used_by has no 'as'; it has registry, kind, name"),
        ("uses.filter(u, u.kind == 'x').all(w, w.stag == 'y')", "did you mean 'stage'?"),
        ("uses[0].nam == 'x'", "uses has no 'nam'; did you mean 'name'?"),
        ("use.all(u, true)", "nothing is named 'use'; did you mean 'uses'?"),
        ("hold == null", "nothing is named 'hold'; did you mean 'holder'?"),
        ("!calendars['yearend'].active", "calendars has no 'yearend'; did you mean 'year-end'?"),
        ("!calendars.yearend.active", "it has november, year-end"),
        (
            "!calendars['year-end'].actve",
            "calendars.year-end has no 'actve'; did you mean 'active'?",
        ),
        ("calendars['year-end'].active", "may be of any type"),
        (
            "uses.kind == 'data'",
            "it does not compile: expression of type 'list(map(string, string))'",
        ),
    ],
)
def test_a_name_that_leads_nowhere_is_found_when_loaded(expression: str, fault: str) -> None:
    """In what other versions have, and among the calendars of the lifecycle."""
    assert fault in RULES.check(Rule("rule", expression), ("november", "year-end"))


def test_without_calendars_none_can_be_asked_about() -> None:
    """And it is said where one would be named."""
    fault = RULES.check(Rule("rule", "!calendars['x'].active"))

    assert fault == "calendars has no 'x'; name one under calendars of the lifecycle"


@pytest.mark.parametrize(
    ("expression", "shows"),
    [
        (
            "holder == null || evidence.metrics.auc >= holder.evidence.metrics.auc",
            ("evidence.metrics.auc", "holder.evidence.metrics.auc"),
        ),
        ("holder != null", ("holder.version",)),
        ("holder != null && has(holder.evidence)", ()),
        ("evidence.metrics['val-auc'] > 1.0", ("evidence.metrics['val-auc']",)),
        ("evidence.metrics.`val-auc` > 1.0", ("evidence.metrics['val-auc']",)),
        ('evidence.metrics["it\'s"] > 1.0', ()),
        ("has(evidence.job.id) && evidence.job.id != 'evidence.x'", ("evidence.job.id",)),
        (
            "now - in_stage_since >= duration('72h')",
            ("now - in_stage_since", "in_stage_since + duration('72h')"),
        ),
        ("now-in_stage_since < duration('72h')", ("now - in_stage_since",)),
        ("now.getDayOfWeek('Europe/Berlin') in [0, 6]", ("now",)),
        ("calendars.all(c, true) && true", ()),
        ("evidence.all(s, size(evidence[s]) >= 0)", ()),
        ("uses.map(u, u.stage).all(s, s == 'x')", ("uses",)),
        ("uses.all(u, true", ("uses",)),
        ("uses.filter(u, true", ("uses",)),
        ("uses.exists(3, true)", ("uses",)),
        ("uses.all", ("uses",)),
        ("uses.filter(u, u.kind == 'x').all(w, w.name == 'y')", ("uses",)),
        ("true", ()),
    ],
)
def test_a_rule_shows_what_it_reads(expression: str, shows: tuple[str, ...]) -> None:
    """Each thing once, in its order; of a list all of it, of a calendar its words."""
    assert reads(expression) == shows


def test_a_rule_that_reads_much_shows_the_first_of_it() -> None:
    """A verdict goes into a record."""
    expression = " && ".join(f"evidence.metrics.m{number} > 0" for number in range(30))

    assert len(reads(expression)) == MAX_READ


def test_what_a_rule_says_it_shows_is_all_that_it_shows() -> None:
    """The words of the file go before what is read from the rule."""
    answer = verdict("evidence.metrics.accuracy > 0.9", known(), "evidence.params.C")

    assert answer.values == {"evidence.params.C": "0.5"}


SOAK = "now - in_stage_since >= duration('72h')"


@pytest.mark.parametrize(
    ("rule", "facts", "sentence"),
    [
        (
            "evidence.metrics.f1 >= 0.9",
            known(),
            "rule errored (in words): evidence.metrics.f1 is not recorded",
        ),
        (
            "holder == null || evidence.metrics.f1 >= holder.evidence.metrics.f1",
            known({"metrics": {"f1": 1}}, holder=HELD),
            "rule errored (in words): evidence.metrics.f1 = 1, "
            "holder.evidence.metrics.f1 is not recorded",
        ),
        (
            "holder.evidence.metrics.f1 < 1.0",
            known(),
            "rule errored (in words): holder.evidence.metrics.f1: no version holds Production; "
            "it reads holder, but no version holds Production",
        ),
        (
            "has(evidence.data.name) && has(evidence.job.status)",
            known(),
            "rule failed (in words): evidence.data.name is not recorded, "
            "evidence.job.status = FINISHED",
        ),
        (
            SOAK,
            known(),
            "rule failed (in words): now - in_stage_since = 1 day, 1:00:00, "
            "in_stage_since + duration('72h') = 2026-11-26T11:00:00.000000Z",
        ),
        (
            "evidence.params.C >= 0.4",
            known(),
            "rule errored (in words): evidence.params.C = 0.5; "
            "a text >= a number has no answer; convert one, as in double(…)",
        ),
    ],
)
def test_a_verdict_says_each_thing_once(rule: str, facts: Facts, sentence: str) -> None:
    """What is missing, what was seen, and when to ask again."""
    assert verdict(rule, facts).sentence == sentence

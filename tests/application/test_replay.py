"""Past requests, judged by a draft: what would have been otherwise, and what cannot be known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.adapters.rules import Rules
from stage_functions.application import keys
from stage_functions.application.attending import Attention, acknowledge
from stage_functions.application.context import Context
from stage_functions.application.replay import Case, Replay, replay
from stage_functions.application.rollback import RollbackCommand, request_rollback
from stage_functions.application.transition import request_transition
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.evidence import Evidence
from stage_functions.web.drafts import read
from stage_functions.wire.configuration import load
from tests.builders import IRIS, World, actor, cast, world

FILE = """
version: 1
registries: [{alias: demo, type: mlflow, address: "http://m", mode: enforce}]
people:
  ada: {name: Ada, ids: ["mlflow:ada"]}
  bob: {name: Bob, ids: ["mlflow:bob"]}
  eve: {name: Eve, ids: ["mlflow:eve"]}
  sam: {name: Sam, ids: ["mlflow:sam"]}
groups: {science: [sam, ada], risk: [ada, bob, eve]}
operators: [eve]
lifecycles:
  - name: default
    applies_to: ["*/*/*"]
    bind: ["use.*"]
    stages:
      None: {initial: true}
      Staging: {}
      Production: {exclusive: true, displaced_to: Archived}
      Archived: {terminal: true, hidden: true}
    rules:
      measured: {cel: "evidence.metrics.accuracy >= 0.9", says: it is accurate}
      meant: {cel: "version.tags['use.for'] == 'sales'", says: it is for sales}
      better: {cel: "holder == null || evidence.metrics.accuracy > holder.evidence.metrics.accuracy"}
    transitions:
      - {from: None, to: Staging, rules: [measured]}
      - {from: Staging, to: Archived}
      - from: Staging
        to: Production
        rules: [meant]
        approval: {quorum: 1, groups: {risk: 1}, exclude: [requester], expires: 7d}
"""


def draft(*edits: tuple[str, str]) -> str:
    """Return the file with some texts replaced; each must be there."""
    text = FILE
    for before, after in edits:
        assert before in text
        text = text.replace(before, after)
    return text


def under(context: Context, text: str) -> Context:
    """Return a context under a draft."""
    return read(context, actor("sam"), text)


def governed(text: str) -> World:
    """Return a world under the lifecycle of a file."""
    configuration = load(
        text, path="f", environment={}, check_rule=Rules().check, read_file=lambda _: ""
    )
    return world(governed_by=configuration.lifecycles[0])


@pytest.fixture
def it() -> Iterator[World]:
    """A world that this file governs, in which something happened."""
    made = governed(FILE)
    registered(made, "1", 0.95)
    registered(made, "2", 0.80)
    registered(made, "3", 0.97)
    ask(made, "1", "Staging")
    ask(made, "2", "Staging")
    ask(made, "3", "Staging")
    ask(made, "1", "Nowhere")
    cast(made.context, ask(made, "1", "Production"), "bob")
    made.clock.sleep(3600)
    cast(made.context, ask(made, "3", "Production"), "eve", Decision.REJECT, "no")
    yield made
    made.rows.close()


def registered(it: World, number: str, accuracy: float) -> Version:
    """Register a version that was trained so well."""
    version = Version(IRIS, number)
    it.registry.evidences[version] = Evidence({"metrics": {"accuracy": accuracy}})
    return it.register(number, {"use.for": "sales"})


def ask(it: World, number: str, target: str) -> str:
    """Ask for a stage; return the approval's id, where one opens."""
    command = it.command(Version(IRIS, number), target)
    return request_transition(it.context, command).approval


def replayed(it: World, *edits: tuple[str, str], hours: float = 24) -> Replay:
    """Judge what was asked by a draft."""
    since = it.clock.now() - timedelta(hours=hours)
    return replay(under(it.context, draft(*edits)), since)


def shown(found: Replay) -> list[tuple[str, str, str, str]]:
    """Return of each case which version, what was asked, what came, and what would have come."""
    return [(one.version[-1], one.target, one.came, one.would) for one in found.cases]


def only(found: Replay) -> Case:
    """Return the one case that there is."""
    (case,) = found.cases
    return case


def test_what_is_in_force_decides_as_it_did(it: World) -> None:
    """Nothing is otherwise, nothing unknown; and nothing is committed."""
    before = it.context.ledger.load(IRIS)
    found = replayed(it)

    assert (6, 0, 0, ()) == (found.same, found.differs, found.unknown, found.cases)
    assert before == it.context.ledger.load(IRIS)


def test_a_stricter_rule_refuses_what_was_granted(it: World) -> None:
    """By the evidence of that time, with the value that it saw."""
    found = replayed(it, ("accuracy >= 0.9", "accuracy >= 0.96"))

    assert [("1", "Staging", "granted", "refused")] == shown(found)
    assert "measured failed (it is accurate)" in only(found).why


def test_what_was_known_then_counts_and_not_what_is_known_now(it: World) -> None:
    """Evidence is kept by its digest."""
    it.registry.evidences[Version(IRIS, "1")] = Evidence({"metrics": {"accuracy": 0.1}})

    assert 6 == replayed(it, ("accuracy >= 0.9", "accuracy >= 0.91")).same


def test_a_looser_rule_grants_what_was_refused(it: World) -> None:
    """And a stage that there was none of may be asked for."""
    found = replayed(it, ("accuracy >= 0.9", "accuracy >= 0.5"))

    assert [("2", "Staging", "refused", "granted")] == shown(found)


def test_consent_that_was_not_demanded_is(it: World) -> None:
    """What was granted at once would have waited."""
    found = replayed(
        it,
        (
            "{from: None, to: Staging, rules: [measured]}",
            "{from: None, to: Staging, rules: [measured], approval: {quorum: 1, groups: {risk: 1}}}",
        ),
    )

    assert [("1", "Staging", "granted", "waits"), ("3", "Staging", "granted", "waits")] == shown(
        found
    )
    assert "it takes approval: 1 in all, 1 of risk" == found.cases[0].why


@pytest.mark.parametrize(
    ("edits", "expected", "why"),
    [
        (
            [("quorum: 1, groups: {risk: 1}", "quorum: 2, groups: {risk: 2}")],
            [("1", "Production", "approved", "waits")],
            "it would still have needed 1 of risk",
        ),
        (
            [("groups: {risk: 1}", "groups: {science: 1}")],
            [("1", "Production", "approved", "waits"), ("3", "Production", "rejected", "waits")],
            "person:bob was in none of science at the vote",
        ),
        (
            [("approval: {quorum: 1, groups: {risk: 1}, exclude: [requester], expires: 7d}", "")],
            [
                ("1", "Production", "approved", "granted"),
                ("3", "Production", "rejected", "granted"),
            ],
            "it takes no approval",
        ),
    ],
    ids=["more votes", "another group", "none"],
)
def test_votes_that_were_cast_are_counted_once_more(
    it: World, edits: list[tuple[str, str]], expected: list[tuple[str, ...]], why: str
) -> None:
    """By the groups that voters had at the vote."""
    found = replayed(it, *edits)

    assert expected == shown(found)
    assert why in found.cases[0].why


def test_a_voter_whom_the_draft_excludes_does_not_count(it: World) -> None:
    """Whoever registered the version."""
    version = Version(IRIS, "4")
    it.registry.evidences[version] = Evidence({"metrics": {"accuracy": 0.99}})
    it.registry.register(version, it.clock.now(), tags={"use.for": "sales"}, author="mlflow:ada")
    ask(it, "4", "Staging")
    cast(it.context, ask(it, "4", "Production"), "ada")
    found = replayed(it, ("exclude: [requester]", "exclude: [requester, author]"))

    assert [("4", "Production", "approved", "waits")] == shown(found)
    assert "person:ada would have been excluded: the author of the version" in only(found).why


def test_a_vote_behind_the_deadline_of_the_draft_is_late(it: World) -> None:
    """It would have lapsed by then."""
    registered(it, "5", 0.99)
    ask(it, "5", "Staging")
    approval = ask(it, "5", "Production")
    it.clock.sleep(2 * 24 * 3600)
    cast(it.context, approval, "bob")
    found = replayed(it, ("expires: 7d", "expires: 1d"), hours=72)

    assert ("5", "Production", "approved", "expired") in shown(found)


def test_what_was_asked_before_and_approved_since_is_among_them(it: World) -> None:
    """It took effect since."""
    registered(it, "5", 0.99)
    ask(it, "5", "Staging")
    approval = ask(it, "5", "Production")
    it.clock.sleep(24 * 3600)
    cast(it.context, approval, "bob")
    found = replayed(it, ("quorum: 1", "quorum: 2"), hours=1)

    assert [("5", "Production", "approved", "waits")] == shown(found)


def test_rules_of_time_are_asked_once_more_when_the_quorum_is_reached(it: World) -> None:
    """A freeze that began meanwhile would have voided the approval."""
    registered(it, "5", 0.99)
    ask(it, "5", "Staging")
    approval = ask(it, "5", "Production")
    it.clock.sleep(2 * 24 * 3600)
    cast(it.context, approval, "bob")
    early = "now < timestamp('2026-01-02T00:00:00Z')"
    found = replayed(
        it,
        ("      meant:", f'      early: {{cel: "{early}"}}\n      meant:'),
        ("rules: [meant]", "rules: [meant, early]"),
        hours=72,
    )

    assert [("5", "Production", "approved", "voided")] == shown(found)
    assert "the votes of person:bob would have sufficed, but at 2026-01-03" in only(found).why


def test_a_transition_that_the_draft_has_not_is_refused(it: World) -> None:
    """And who may not ask, by the groups of the draft."""
    gone = replayed(it, ("      - {from: Staging, to: Archived}\n", ""), ("[measured]", "[]"))
    barred = replayed(it, ("rules: [measured]}", "rules: [measured], requesters: [risk]}"))

    assert [("2", "Staging", "refused", "granted")] == shown(gone)
    assert ("1", "Staging", "granted", "refused") in shown(barred)
    assert "only risk may ask" in barred.cases[0].why


def test_bound_tags_are_those_of_the_approval(it: World) -> None:
    """They may have changed since."""
    it.registry.set_tags(Version(IRIS, "1"), {"use.for": "toys"})
    found = replayed(it, ("== 'sales'", "in ['sales', 'toys']"))
    other = replayed(it, ("== 'sales'", "== 'toys'"))

    assert (6, 0, 0) == (found.same, found.differs, found.unknown)
    assert [
        ("1", "Production", "approved", "refused"),
        ("3", "Production", "rejected", "refused"),
    ] == (shown(other))


def test_tags_that_the_version_shows_still_count_where_the_fingerprint_proves_it(
    it: World,
) -> None:
    """Of requests that took no approval nothing else is kept."""
    edits = ("to: Staging, rules: [measured]", "to: Staging, rules: [measured, meant]")
    proven = replayed(it, edits)
    it.registry.set_tags(Version(IRIS, "1"), {"use.for": "toys"})
    changed = replayed(it, edits)

    assert (6, 0, 0) == (proven.same, proven.differs, proven.unknown)
    assert [("1", "Staging", "granted", "unknown")] == shown(changed)
    assert "have changed since, and were not kept" in only(changed).why


@pytest.mark.parametrize(
    ("cel", "why"),
    [
        ("version.tags['other'] == 'x'", "tags under other were not bound then"),
        ("size(used_by) == 0", "who used it then is not kept"),
        ("uses.all(one, one.stage == 'Production')", "stood then what it uses is not kept"),
        ("evidence.params.x > 1.5", "it cannot be asked of what is kept"),
    ],
)
def test_what_cannot_be_known_is_unknown(it: World, cel: str, why: str) -> None:
    """With the reason; neither the same nor otherwise."""
    for version in (Version(IRIS, "1"), Version(IRIS, "3"), Version(IRIS, "5")):
        it.registry.evidences[version] = Evidence(
            {"metrics": {"accuracy": 0.99}, "params": {"x": "high"}}
        )
    it.register("5", {"use.for": "sales"})
    ask(it, "5", "Staging")
    found = replayed(
        it,
        ('"evidence.metrics.accuracy >= 0.9"', json.dumps(cel)),
        ('bind: ["use.*"]', 'bind: ["use.*", other]'),
    )

    assert ("5", "Staging", "granted", "unknown") in shown(found)
    assert any(why in one.why for one in found.cases)


def test_the_holder_is_the_one_of_that_time(it: World) -> None:
    """Version 1 held Production when 3 was asked for, and none did before."""
    found = replayed(it, ("rules: [meant]", "rules: [meant, better]"))
    worse = replayed(
        it,
        ("rules: [meant]", "rules: [meant, better]"),
        ("metrics.accuracy > holder.evidence", "metrics.accuracy > 0.1 + holder.evidence"),
    )
    made = replayed(
        it,
        ("rules: [meant]", "rules: [meant, better]"),
        ("evidence.metrics.accuracy > holder.evidence.metrics.accuracy", "holder.author == 'x'"),
    )

    assert (6, 0, 0) == (found.same, found.differs, found.unknown)
    assert [("3", "Production", "rejected", "refused")] == shown(worse)
    assert [("3", "Production", "rejected", "unknown")] == shown(made)


def test_a_refusal_for_what_else_was_open_is_unknown() -> None:
    """Whether it would have been open under the draft depends on all that was decided before."""
    way = "{from: Staging, to: Archived}"
    text = draft((way, way.replace("}", ", approval: {quorum: 1, groups: {risk: 1}}}")))
    it = governed(text)
    registered(it, "5", 0.99)
    ask(it, "5", "Staging")
    approval = ask(it, "5", "Production")
    ask(it, "5", "Archived")
    found = replay(under(it.context, text), it.clock.now() - timedelta(hours=1))
    it.rows.close()

    assert [("5", "Archived", "refused", "unknown")] == shown(found)
    assert f"approval {approval} for Production is open" in only(found).why


BARRING = (
    ("Staging: {}", "Staging: {frozen: true}\n      Old: {}"),
    ("displaced_to: Archived", "displaced_to: Staging, rollback_within: 30d"),
    (
        "{from: Staging, to: Archived}",
        "{from: Production, to: Old}\n      - {from: Old, to: Archived}",
    ),
    (
        '    bind: ["use.*"]',
        '    bind: ["use.*"]\n    emergency: {groups: [science], ratify_within: 1d, '
        "not_ratified: revert}\n    forward_only: false",
    ),
)


def test_what_barred_a_version_bars_it_under_a_draft_too() -> None:
    """An edit, a mark and an emergency are no rules of the draft: the same file decides the same."""
    text = draft(*BARRING)
    it = governed(text)
    for number in ("1", "2"):
        version = registered(it, number, 0.99)
        ask(it, number, "Staging")
        it.tag(version, "edited", "x")
        ask(it, number, "Production")
        acknowledge(it.context, Attention(version, "ours", actor("eve"), f"ack-{number}"))
        it.clock.sleep(60)
        cast(it.context, ask(it, number, "Production"), "bob")
    it.clock.sleep(60)
    command = RollbackCommand(IRIS, actor("bob"), "back-1", reason="it fails", mark=True)
    request_rollback(it.context, command)
    ask(it, "2", "Production")
    third = registered(it, "3", 0.99)
    ask(it, "3", "Staging")
    urgent = replace(it.command(third, "Production"), emergency="INC-1")
    request_transition(it.context, urgent)
    ask(it, "3", "Old")
    found = replay(under(it.context, text), it.clock.now() - timedelta(hours=1))
    records = it.context.ledger.records(keys.asset_partition(IRIS))
    it.rows.close()

    refused = [str(one.content["why"]) for one in records if one.type == "TransitionRefused"]
    assert ["was edited", "was edited", "was marked", "by an emergency"] == [
        next(words for words in ("was edited", "was marked", "by an emergency") if words in why)
        for why in refused
    ]
    assert ((), len(refused) + 5, 0, 0) == (found.cases, found.same, found.differs, found.unknown)


def test_stages_that_are_renamed_are_followed(it: World) -> None:
    """What was asked for by the old name is asked for by the new one."""
    found = replayed(
        it,
        ("Staging", "Tested"),
        ('    bind: ["use.*"]', '    bind: ["use.*"]\n    renamed: {Staging: Tested}'),
    )

    assert (6, 0, 0) == (found.same, found.differs, found.unknown)


def test_only_what_was_decided_since_and_matches_counts(it: World) -> None:
    """Of the assets that the glob names."""
    since = it.clock.now() - timedelta(minutes=30)
    context = under(it.context, draft())
    early = replay(context, since - timedelta(days=1), glob="demo/data/*")
    late = replay(context, it.clock.now())

    assert 1 == replay(context, since).same
    assert (0, 0) == (early.same, late.same)


def test_it_goes_on_behind_where_it_stopped(it: World) -> None:
    """Asset by asset, where the time is over."""
    other = Version(Asset("demo", Kind.MODELS, "zebra"), "1")
    it.registry.evidences[other] = Evidence({"metrics": {"accuracy": 0.95}})
    it.registry.register(other, it.clock.now(), author="mlflow:sam")
    request_transition(it.context, it.command(other, "Staging"))
    context, since = under(it.context, draft()), it.clock.now() - timedelta(hours=24)
    first = replay(context, since, seconds=0)
    second = replay(context, since, seconds=0, behind=first.behind)
    third = replay(context, since, seconds=60, behind=second.behind)

    assert (6, "demo/models/iris") == (first.same, first.behind)
    assert (1, "demo/models/zebra") == (second.same, second.behind)
    assert (0, "") == (third.same, third.behind)


def test_a_request_that_nobody_is_proven_to_have_made_waits_for_a_sponsor(it: World) -> None:
    """As it did."""
    registered(it, "5", 0.99)
    ask(it, "5", "Staging")
    it.tag(Version(IRIS, "5"), "stage_request", "Production: please")
    found = replayed(it)

    assert (0, 0) == (found.differs, found.unknown)

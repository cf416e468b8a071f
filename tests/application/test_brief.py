"""The brief answers what whoever decides asks, from the ledger first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.application.brief import Brief, brief
from stage_functions.application.brief_facts import named_version, readable
from stage_functions.application.brief_now import bound_changes
from stage_functions.application.keys import asset_partition
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import sponsor_request, withdraw
from stage_functions.domain.approval import Binding, Decision, Status
from stage_functions.domain.asset import Version
from stage_functions.domain.difference import Difference
from stage_functions.domain.error import NotFoundError
from stage_functions.domain.evidence import SECTIONS, Evidence, Scalar
from stage_functions.domain.lifecycle import Assurance
from stage_functions.domain.rule import Result
from stage_functions.web.pages import brief_words
from tests.brief_world import (
    FILE,
    FIRST_METRICS,
    SECOND_METRICS,
    Asked,
    approve,
    ask,
    asked,
    cast,
    context_over_file,
    empty_world,
    evidence,
    people_of,
)
from tests.builders import World, actor, world
from tests.fakes.sink import MemorySink


@pytest.fixture
def closing() -> Iterator[Callable[[World], World]]:
    """Closes each world that it is given when the test is over."""
    with ExitStack() as stack:

        def closed_later(made: World) -> World:
            """Return the same world."""
            stack.callback(made.rows.close)
            return made

        yield closed_later


@pytest.fixture
def it(closing: Callable[[World], World]) -> Asked:
    """An approval that waits, of a version that would displace another."""
    return asked(closing(empty_world()))


def seen(it: Asked, who: str = "rosa", assurance: Assurance = Assurance.SIGNED_IN) -> Brief:
    """Return the brief as somebody sees it."""
    return brief(it.world.context, it.approval, f"person:{who}", assurance)


def facts(found: Brief, section: str) -> dict[str, Difference]:
    """Return the facts of one section of the difference, by name."""
    (compared,) = (one for one in found.compared if one.section == section)
    return {one.name: one for one in compared.facts}


def test_says_what_is_asked_by_whom_and_what_it_waits_for(it: Asked) -> None:
    """The request, whole."""
    found = seen(it)

    assert ("Ada Lovelace", "Ada Lovelace") == (
        found.requester.name,
        found.author and found.author.name,
    )
    assert it.version == found.version
    assert ("1 of model-risk", "1 more of model-risk or data-science") == found.needs
    assert "" == found.vain
    assert found.approval.deadline - found.approval.opened == timedelta(days=7)


def test_says_who_may_vote_and_who_may_not(it: Asked) -> None:
    """By name, with the reason."""
    people = seen(it).people

    assert {"Grace Hopper", "Rosa Parks", "Tim Berners-Lee"} == {one.name for one in people.left}
    assert [("Ada Lovelace", "the author of the version and the requester")] == [
        (one.who.name, one.why) for one in people.barred
    ]


def test_says_what_the_viewer_may(it: Asked) -> None:
    """Each for themselves, and why not in words."""
    rosa, ada = seen(it).position, seen(it, "ada").position

    assert "" == rosa.vote
    assert ("1 more of model-risk or data-science",) == rosa.then
    assert rosa.withdraw == f"only Ada Lovelace may withdraw approval {it.approval}"
    assert "nobody approves their own work: you are the requester" == ada.vote
    assert "" == ada.withdraw
    assert "it is known who asked" == ada.sponsor


def test_says_whose_vote_is_the_last_one_needed(it: Asked) -> None:
    """So that whoever casts it knows what follows."""
    approve(it.world.context, it.approval, "grace", comment="fine")
    found = seen(it)
    (ballot,) = found.people.ballots

    assert () == found.position.then
    assert ("Grace Hopper", "fine", ("data-science",), True) == (
        ballot.voter.name,
        ballot.comment,
        ballot.groups,
        ballot.counts,
    )
    assert "you have voted on it already" == seen(it, "grace").position.vote


def test_a_link_is_for_voting_where_it_is_enough(it: Asked) -> None:
    """Here it is not."""
    position = seen(it, assurance=Assurance.LINK).position

    assert "a link is not enough to vote on this one; sign in" == position.vote
    assert "a personal link is only for voting; sign in" == position.withdraw


def test_a_link_is_enough_where_the_lifecycle_says_so(closing: Callable[[World], World]) -> None:
    """For a vote, and for nothing else."""
    file = FILE.replace("bind:", "links_despite_exclusions: true\n    bind:")
    file = file.replace("expires: 7d", "expires: 7d\n          assurance: link")
    position = seen(asked(closing(empty_world(file))), assurance=Assurance.LINK).position

    assert "" == position.vote
    assert "a personal link is only for voting; sign in" == position.withdraw


def test_nobody_acts_where_the_registry_is_only_observed(it: Asked) -> None:
    """The approval stays open, and says why it waits."""
    observed = context_over_file(
        it.world.rows, it.world.registry, it.world.clock, FILE.replace("enforce", "observe")
    )
    position = brief(observed, it.approval, "person:rosa").position

    assert position.vote.endswith("approvals stay open")
    assert position.vote == position.withdraw


def test_a_renewal_is_compared_with_what_was_approved_before(it: Asked) -> None:
    """For the same version, which stays where it stands."""
    context, number = it.world.context, it.version.number
    approve(context, it.approval, "rosa", "grace")
    loaded = context.ledger.load(it.version.asset, [number])
    given = context.ledger.more(loaded, approval=it.approval).approvals[it.approval]
    renewal = replace(
        given,
        id="renewal1",
        binding=replace(given.binding, source="Production", displaces=()),
        votes=(),
        status=Status.OPEN,
        closed=None,
        why="",
        holder="",
        holder_evidence="",
    )
    step = loaded.step().with_approval(renewal).with_open(("renewal1",))
    step = step.with_version(replace(step.version(number), approval="renewal1"))
    context.ledger.commit(loaded, step, now=context.clock.now(), operation="renewal")
    it.world.registry.evidences[it.version] = evidence(2, **{**SECOND_METRICS, "auc": 0.9})
    found = brief(context, "renewal1", "person:rosa")

    assert found.approval.renews
    assert (it.approval, True) == (found.holder.approved, found.holder.known)
    assert found.compared
    assert {"same"} == {one.change for section in found.compared for one in section.facts}
    assert found.present is not None
    assert ("metrics: auc: 0.943 → 0.9",) == found.present.bound
    assert "Keep churn version 2 approved for Production?" == brief_words.question(found)
    assert "Version 2 stays at Production; its approval is valid anew." in (
        brief_words.on_approve(found)
    )


def test_shows_each_rule_with_its_values_and_expression(it: Asked) -> None:
    """As of opening, and now."""
    found = {one.rule: one for one in seen(it).judgements}
    rule = found["no-worse"]

    assert ["job-finished", "no-worse"] == list(found)
    assert rule.then is not None
    assert rule.now is not None
    assert (Result.PASSED, Result.PASSED, False) == (
        rule.then.result,
        rule.now.result,
        rule.changed,
    )
    assert {"evidence.metrics.auc": "0.943", "holder.evidence.metrics.auc": "0.921"} == dict(
        rule.then.values
    )
    assert "holder == null || evidence.metrics.auc >= holder.evidence.metrics.auc" == rule.cel


def test_compares_with_the_version_that_holds_the_stage(it: Asked) -> None:
    """Section by section, with direction and size."""
    found = seen(it)
    metrics, params = facts(found, "metrics"), facts(found, "params")

    assert ("1", True, True) == (found.holder.number, found.holder.holds_now, found.holder.known)
    assert ("higher", "0.022 (2.39\u00a0%)") == (metrics["auc"].direction, metrics["auc"].by)
    assert ("lower", "0.03 (4.92\u00a0%)") == (
        metrics["recall_at_10"].direction,
        metrics["recall_at_10"].by,
    )
    assert "same" == metrics["rows"].change
    assert "not a number" == metrics["min_group_auc"].new
    assert "added" == params["monotone_constraints"].change
    assert "changed" == facts(found, "data")["demo/data/customers:1 (training): digest"].change
    assert "changed" == facts(found, "environment")["sklearn_version"].change
    assert "changed" == facts(found, "code")["commit"].change
    assert facts(found, "model")["signature_inputs"].new.endswith("payment_method: string")
    assert ("retention", "retention 2") == (
        facts(found, "tags")["use_case"].old,
        facts(found, "tags")["use_case"].new,
    )


def test_says_that_nothing_holds_the_stage_yet(closing: Callable[[World], World]) -> None:
    """There is nothing to compare with."""
    it = asked(closing(empty_world()), holder=False)
    found = seen(it)

    assert ("", False) == (found.holder.number, found.holder.holds_now)
    assert found.holder.exclusive
    assert () == found.compared


def test_shows_every_section_of_the_evidence(it: Asked) -> None:
    """Linked and sourced; what is not recorded is there too."""
    found = {one.section: one for one in seen(it).evidence}
    urls = {(s.section, f.name): f.url for s in found.values() for f in s.facts if f.url}

    assert list(SECTIONS) == list(found)
    assert () == found["explanations"].facts
    assert found["metrics"].source == f"registry demo, job {2:032x}"
    assert f"https://registry.example/jobs/{2:032x}" == urls["job", "id"]
    assert urls["code", "commit"].startswith("https://github.com/example/churn/commit/9b1c7e04")
    assert (
        "https://data.example.org/customers/2026-q3.parquet"
        == (urls["data", "demo/data/customers:1 (training): source"])
    )
    assert "Ada Lovelace" == found["author"].facts[0].text


def test_shows_the_lineage_with_the_stages_of_what_is_governed(it: Asked) -> None:
    """A data set that Stageward governs stands somewhere."""
    found = seen(it).lineage

    assert ["Job", "Data", "Data", "Code", "Author"] == [one.relation for one in found]
    assert Version.parse("demo/data/customers:1") == found[1].version
    assert "None" == found[1].stage
    assert found[2].version is None


def test_an_open_one_that_nobody_touched_has_not_changed(it: Asked) -> None:
    """Stageward's own tags, which it writes meanwhile, are no change."""
    now = seen(it).present

    assert now is not None
    assert ("", (), (), "") == (now.unreadable, now.bound, now.unbound, now.refused)


def test_names_changes_that_void_apart_from_those_that_do_not(it: Asked) -> None:
    """In words, old and new."""
    later = evidence(2, **{**SECOND_METRICS, "auc": 0.95})
    it.world.registry.evidences[it.version] = later
    it.world.registry.set_tags(it.version, {"team": "growth", "use_case": "spam"})
    it.world.registry.describe(it.version, "")
    it.world.registry.evidences[it.holder] = evidence(1, **{**FIRST_METRICS, "auc": 0.93})
    now = seen(it).present

    assert now is not None
    assert {
        "metrics: auc: 0.943 → 0.95",
        "tag use_case: retention 2 → spam",
        "description: Churn model, second release → ",
    } == set(now.bound)
    assert ("tag team: crm → growth", "version 1, metrics: auc: 0.921 → 0.93") == now.unbound


def test_the_numbers_it_compares_stay_those_it_is_bound_to(it: Asked) -> None:
    """Whatever is in the registry now."""
    it.world.registry.evidences[it.version] = evidence(2, auc=0.5)
    metrics = facts(seen(it), "metrics")

    assert ("0.921", "0.943") == (metrics["auc"].old, metrics["auc"].new)


def test_says_that_a_rule_fails_now(it: Asked) -> None:
    """Though nothing bound has changed: the version it is compared with has."""
    it.world.registry.evidences[it.holder] = evidence(1, **{**FIRST_METRICS, "auc": 0.99})
    found = seen(it)

    assert found.present is not None
    assert () == found.present.bound
    assert "no-worse failed" in found.present.refused
    assert found.judgements[1].changed


@pytest.mark.parametrize("fault", ["away", "refusing"])
def test_shows_everything_bound_while_the_registry_cannot_be_read(it: Asked, fault: str) -> None:
    """And says that it could not be compared with now."""
    before = seen(it)
    setattr(it.world.registry, fault, True)
    found = seen(it)

    assert found.present is not None
    assert "the registry" in found.present.unreadable
    assert repr(before.compared) == repr(found.compared)  # NaN is not itself
    assert before.evidence == found.evidence
    assert before.places == found.places
    assert found.judgements[0].then == before.judgements[0].then
    assert found.judgements[0].now is None


def test_says_that_the_version_is_gone_or_another(it: Asked) -> None:
    """Either voids it."""
    it.world.registry.remove(it.version)
    gone = seen(it).present
    it.world.registry.register(it.version, it.world.clock.now() + timedelta(hours=1))
    anew = seen(it).present

    assert gone is not None
    assert anew is not None
    assert (f"{it.version} is no longer in its registry",) == gone.bound
    assert (f"{it.version} was deleted and registered anew",) == anew.bound


def test_a_closed_one_is_shown_as_it_was(it: Asked) -> None:
    """What became of it, why, and no comparison with now."""
    cast(it.world.context, it.approval, "rosa", Decision.REJECT, "drift")
    calls = len(it.world.registry.calls)
    found = seen(it)

    assert (Status.REJECTED, "rejected by person:rosa: drift") == (
        found.approval.status,
        found.approval.why,
    )
    assert found.present is None
    assert "it is rejected" == found.position.vote
    assert () == found.needs
    assert [] == it.world.registry.calls[calls:]
    assert "0.943" == facts(found, "metrics")["auc"].new


def test_one_that_was_granted_says_who_held_the_stage_then(it: Asked) -> None:
    """It no longer does."""
    approve(it.world.context, it.approval, "rosa", "grace")
    found = seen(it)

    assert (Status.APPROVED, "1", False) == (
        found.approval.status,
        found.holder.number,
        found.holder.holds_now,
    )


def test_an_old_one_has_expired_whether_or_not_that_is_recorded(it: Asked) -> None:
    """The clock decides."""
    it.world.clock.sleep(8 * 86400)

    assert Status.EXPIRED is seen(it).approval.status


def test_lists_its_records(it: Asked) -> None:
    """With numbers and hashes that a paper can be held against."""
    approve(it.world.context, it.approval, "rosa", "grace")
    found = seen(it).deeds
    records = {one.number: one for one in it.world.context.ledger.records(_partition(it))}

    assert ["ApprovalRequested", "Voted", "Voted", "ApprovalClosed", "StageChanged"] == [
        one.type for one in found
    ]
    assert all(records[one.number].hash == one.hash for one in found)
    assert ["Ada Lovelace", "Rosa Parks", "Grace Hopper"] == [one.actor.name for one in found[:3]]


def test_finds_its_records_in_a_long_history(it: Asked) -> None:
    """Among many others, before and behind."""
    withdraw(it.world.context, it.approval, people_of("ada"), "w0", "")
    for number in range(60):
        opened = ask(it.world.context, it.version, f"again {number}")
        withdraw(it.world.context, opened, people_of("ada"), f"w{number + 1}", "")
        it.world.clock.sleep(60)
    last = brief(it.world.context, opened, "person:rosa").deeds

    assert ["ApprovalRequested", "ApprovalClosed"] == [one.type for one in seen(it).deeds]
    assert ["ApprovalRequested", "ApprovalClosed"] == [one.type for one in last]
    assert last[0].number > 100


def test_an_id_that_no_approval_has_is_not_found(it: Asked) -> None:
    """With the next step."""
    with pytest.raises(NotFoundError, match="stageward approvals"):
        brief(it.world.context, "zzzzzzzz", "person:rosa")


def test_a_request_that_nobody_is_proven_to_have_made_needs_a_sponsor(
    closing: Callable[[World], World],
) -> None:
    """Until then votes do not count; whoever sponsors cannot vote."""
    made = closing(world())
    version = made.register("1")
    made.tag(version, "stage_request", "Staging")
    made.tag(version, "stage_request", "Production: by tag")
    (opened,) = made.context.ledger.load(version.asset).head.approvals
    before = brief(made.context, opened, "person:bob")
    cast(made.context, opened, "bob", Decision.APPROVE)
    waiting = brief(made.context, opened, "person:ada")
    sponsor_request(made.context, opened, actor("ada"), "s1")
    after = brief(made.context, opened, "person:ada")

    assert before.approval.needs_sponsor
    assert "" == before.position.sponsor
    assert [(False, "it waits for a sponsor")] == [
        (one.counts, one.why_not) for one in waiting.people.ballots
    ]
    assert [(True, "")] == [(one.counts, one.why_not) for one in after.people.ballots]
    assert "you are the sponsor of the request" in after.position.vote


def test_a_lifecycle_without_rules_and_a_stage_that_is_not_exclusive(
    closing: Callable[[World], World],
) -> None:
    """Nothing is judged, nothing is compared, and that is known."""
    made = closing(world())
    version = made.register("1")
    ask_as_sam(made, version)
    opened = made.context.ledger.load(version.asset).head.approvals[0]
    approve(made.context, opened, "bob", "eve")
    archive = ask_as_sam(made, version, "Archived")
    found = brief(made.context, archive, "person:bob")

    assert () == found.judgements
    assert not found.holder.exclusive
    assert not found.law.exclusive("Archived")


def test_says_which_systems_are_told(closing: Callable[[World], World]) -> None:
    """By the sinks' names."""
    it = asked(closing(empty_world(sinks=(MemorySink("siem"), MemorySink("lake")))))

    assert ("siem", "lake") == seen(it).sinks


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("dev/data/iris:3", "dev/data/iris:3"),
        ("models:/iris/3", "demo/models/iris:3"),
        ("models:/m-0123", ""),
        ("models:/iris@champion", ""),
        ("https://e.org/a:3", ""),
        ("", ""),
    ],
)
def test_a_governed_input_is_known_by_its_name(text: str, version: str) -> None:
    """As Stageward writes it, or as MLflow does."""
    found = named_version(text, "demo")

    assert version == (str(found) if found else "")


BINDING = Binding("1/x", "Staging", "Production", ("1",), "sha256:l", "sha256:e", {}, {}, "")


@pytest.mark.parametrize(
    ("now", "line"),
    [
        (
            replace(BINDING, displaces=("3",)),
            "it would displace version 3 now, no longer version 1",
        ),
        (replace(BINDING, displaces=()), "it would displace nothing now, no longer version 1"),
        (
            replace(BINDING, lifecycle="x"),
            "the lifecycle has other stages, transitions or rules now",
        ),
        (replace(BINDING, source="Archived"), "it stands at Archived now, no longer at Staging"),
        (replace(BINDING, properties={"a": "b"}), "property a: b was added"),
        (replace(BINDING, evidence="sha256:f"), "evidence sha256:e → sha256:f"),
        (replace(BINDING, incarnation="2/x"), "incarnation 1/x → 2/x"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_bound_thing_that_differs_is_named(now: Binding, line: str) -> None:
    """Never is a difference of the fingerprint without words."""
    assert line in bound_changes(BINDING, now, Evidence(), Evidence())
    assert () == bound_changes(BINDING, BINDING, Evidence(), Evidence())


@given(
    st.dictionaries(
        st.sampled_from(SECTIONS),
        st.dictionaries(
            st.sampled_from(["name", "datasets", "id", "context", "digest", "x"]),
            st.text()
            | st.floats()
            | st.sampled_from(['[{"name": 1}]', "[1]", '[{"type": "a"}]', "[" * 5000]),
        ),
    )
)
def test_any_evidence_is_readable(sections: dict[str, dict[str, str | float]]) -> None:
    """As it is kept, too: nothing raises, and numbers are numbers again."""
    whole = Evidence(sections)
    document = {name: dict(section) for name, section in whole.variables().items()}
    kept = Evidence.kept({n: {k: _repr(v) for k, v in s.items()} for n, s in document.items()})

    assert set(SECTIONS) == set(readable(whole)) == set(readable(kept))
    for key, value in whole.section("metrics").items():
        if isinstance(value, float):
            again = kept.section("metrics")[key]
            assert again == value or (math.isnan(float(again)) and math.isnan(value))


def _repr(value: Scalar) -> Scalar:
    return repr(value) if isinstance(value, float) else value


def _partition(it: Asked) -> str:
    return asset_partition(it.version.asset)


def ask_as_sam(made: World, version: Version, target: str = "Production") -> str:
    """Ask as sam, by way of Staging; return the approval's id."""
    stages = ("Staging", target) if target == "Production" else (target,)
    answers = [request_transition(made.context, made.command(version, to)) for to in stages]
    return answers[-1].approval

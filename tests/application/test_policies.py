"""Definitions of Azure Policy decide on requests, as any rule does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from stage_functions.application import keys
from stage_functions.application.answer import Answer, AnswerKind
from stage_functions.application.brief import brief
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.domain.asset import Version
from stage_functions.domain.error import ConfigurationError
from stage_functions.domain.record import RecordType
from stage_functions.domain.rule import Result, Verdict
from tests.brief_world import approve, context_over_file, empty_world, people_of
from tests.builders import IRIS, World
from tests.policies_as_rules import FILE, FILES, OWNER, rule
from tests.wire.configuration_file import loaded

Make = Callable[..., World]
ONE = Version(IRIS, "1")
AUDITING = FILE.replace("effect: deny", "effect: audit")


@pytest.fixture
def make() -> Iterator[Make]:
    """Make worlds that are closed in the end."""
    made: list[World] = []

    def worlds(file: str = FILE, **files: str) -> World:
        found = empty_world(file, files={**FILES, **files})
        made.append(found)
        return found

    yield worlds
    for one in made:
        one.rows.close()


def registered(it: World, **tags: str) -> Version:
    """Register version 1 with some tags, and tell Stageward."""
    it.registry.register(ONE, it.clock.now(), tags=tags, author="mlflow:ada")
    follow(it.context, Signal(ONE))
    return ONE


def ask(it: World, target: str = "Staging") -> Answer:
    """Ask as Ada, over the API."""
    operation = it.clock.operation_id()
    return request_transition(
        it.context, TransitionRequest(ONE, target, "because", people_of("ada"), operation)
    )


def of_policy(answer: Answer) -> Verdict:
    """Return the verdict of the definition."""
    (found,) = (verdict for verdict in answer.verdicts if verdict.rule == "owned")
    return found


def test_deny_refuses_and_says_what_it_read(make: Make) -> None:
    """In the answer, in the history and in the tags, with every other verdict."""
    it = make()
    registered(it, team="risk")
    answer = ask(it)
    records = it.context.ledger.records(keys.asset_partition(IRIS))

    assert (AnswerKind.REFUSED, "None") == (answer.kind, answer.stage)
    assert ["owned", "soaked"] == [verdict.rule for verdict in answer.verdicts]
    assert {
        "effect": "deny",
        "type": "…/models/versions",
        "properties.tags": '{"stage": "Staging"}',
    } == of_policy(answer).values
    assert "owned failed (it names its owner): effect = deny" in answer.detail
    assert RecordType.TRANSITION_REFUSED is records[-1].type
    assert "owned failed" in it.registry.tags(ONE)["stage_status"]


def test_what_satisfies_the_definition_is_granted(make: Make) -> None:
    """The tag is one that rules may see."""
    it = make()
    registered(it, owner="risk")
    answer = ask(it)

    assert (AnswerKind.GRANTED, "Staging") == (answer.kind, answer.stage)
    assert "none, it does not match" == of_policy(answer).values["effect"]


def test_a_tag_that_is_not_bound_is_not_governed_by() -> None:
    """An approval would not fall when it changes: the file is refused, before anything is."""
    with pytest.raises(ConfigurationError, match="add it to bind"):
        loaded(FILE.replace("bind: [owner]", "bind: [team]"), FILES)


def test_audit_lets_pass_and_is_shown(make: Make) -> None:
    """As in Azure."""
    it = make(AUDITING)
    registered(it)
    answer = ask(it)

    assert AnswerKind.GRANTED is answer.kind
    assert (Result.PASSED, "audit") == (
        of_policy(answer).result,
        of_policy(answer).values["effect"],
    )


def test_what_cannot_be_evaluated_is_never_granted(make: Make) -> None:
    """Azure would deny; here the request is refused for an error, not for a condition."""
    definition = rule({"value": "[int(field('fullName'))]", "equals": 1}, "audit")
    text = FILE.replace("        parameters: {effect: deny}\n", "")
    it = make(text, **{"policies/owner.json": json.dumps(definition)})
    registered(it, owner="risk")
    answer = ask(it)

    assert AnswerKind.REFUSED is answer.kind
    assert Result.ERRORED is of_policy(answer).result
    assert "/if" in of_policy(answer).error


def test_an_approval_falls_when_what_the_definition_read_changes(make: Make) -> None:
    """It is bound to the tag; the rules run once more when the quorum is reached."""
    it = make()
    registered(it, owner="risk")
    ask(it)
    pending = ask(it, "Production")
    it.registry.set_tags(ONE, {"owner": "somebody else"})
    approve(it.context, pending.approval, "rosa")

    *_, closed = it.context.ledger.records(keys.asset_partition(IRIS))

    assert (RecordType.APPROVAL_CLOSED, "voided") == (closed.type, closed.content["status"])
    assert "owner" in str(closed.content)


def test_approvers_see_the_definition_and_what_it_read(make: Make) -> None:
    """By its name, file and effect, then and now."""
    it = make()
    registered(it, owner="risk")
    ask(it)
    pending = ask(it, "Production")
    found = brief(it.context, pending.approval, "person:rosa")
    (one,) = (judgement for judgement in found.judgements if judgement.rule == "owned")

    assert (
        "Azure Policy 'Models in protected stages name an owner' of policies/owner.json, effect deny"
        == one.written.about
    )
    assert json.loads(one.written.text) == {
        **OWNER["properties"]["policyRule"],
        "parameters": {"effect": "deny"},
    }
    assert one.then is not None
    assert '{"owner": "risk", "stage": "Production"}' == one.then.values["properties.tags"]
    assert one.now == one.then


def changed() -> str:
    """Return the definition with another condition."""
    found = json.loads(json.dumps(OWNER))
    found["properties"]["policyRule"]["if"]["allOf"][2]["notContainsKey"] = "Owner"
    return json.dumps(found)


def test_a_definition_that_changed_is_adopted_and_the_former_is_kept(make: Make) -> None:
    """The history says what changed; an approval still shows the definition that it was asked on."""
    it = make()
    registered(it, owner="risk")
    ask(it)
    pending = ask(it, "Production")
    former = it.context.configuration.lifecycles[0].digest
    files = {"policies/owner.json": changed()}
    later = context_over_file(it.rows, it.registry, it.clock, FILE, files=files)
    *_, adopted = later.ledger.records(keys.lifecycle_partition("default"))
    kept = json.loads(later.ledger.blob(former) or b"")
    found = brief(later, pending.approval, "person:rosa")
    (one,) = (judgement for judgement in found.judgements if judgement.rule == "owned")
    where = "rules.owned.azure_policy.properties.policyRule.if.allOf[2].notContainsKey"

    assert [f"~ {where}: owner → Owner"] == adopted.content["changes"]
    assert OWNER == kept["rules"]["owned"]["azure_policy"]
    assert not found.law.in_force
    assert '"notContainsKey": "owner"' in one.written.text
    assert one.written.about.endswith("of policies/owner.json, effect deny")


def test_a_definition_written_anew_is_told_in_short_lines(make: Make) -> None:
    """However long its texts are; they are kept whole."""
    it = make()
    whole = json.loads(json.dumps(OWNER))
    whole["properties"]["metadata"] = {f"text-{n}": "x" * 900 for n in range(190)}
    files = {"policies/owner.json": json.dumps(whole)}
    context_over_file(it.rows, it.registry, it.clock, FILE, files=files)
    *_, adopted = it.context.ledger.records(keys.lifecycle_partition("default"))

    assert len(adopted.body) < 100_000
    assert isinstance(adopted.content["changes"], list)
    assert 190 == len(adopted.content["changes"])

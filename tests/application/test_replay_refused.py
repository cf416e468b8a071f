"""Every kind of refusal, judged once more by the file that is in force: nothing is otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.attending import Attention, acknowledge
from stage_functions.application.replay import Replay, replay
from stage_functions.application.rollback import RollbackCommand, request_rollback
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Version
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.record import RecordType
from tests.application.test_replay import BARRING, ask, draft, governed, registered, under
from tests.builders import IRIS, World, actor, cast

NO_EMERGENCY = draft(
    (
        "{from: Staging, to: Archived}",
        "{from: Staging, to: Archived, approval: {quorum: 1, groups: {risk: 1}}}",
    ),
    ("        rules: [meant]\n", "        rules: [meant]\n        requesters: [science]\n"),
    ('    bind: ["use.*"]', '    bind: ["use.*"]\n    renamed: {Trial: Staging}'),
)
WHOLE = draft(
    *BARRING,
    ("        rules: [meant]\n", "        rules: [meant]\n        requesters: [science]\n"),
    (
        "from: Old, to: Archived}",
        "from: Old, to: Archived}\n      - {from: Staging, to: Old, approval: "
        "{quorum: 1, groups: {risk: 1}}}",
    ),
    ("forward_only: false", "forward_only: false\n    renamed: {Trial: Staging}"),
)


@pytest.fixture(params=[NO_EMERGENCY, WHOLE], ids=["no emergency", "whole"])
def text(request: pytest.FixtureRequest) -> str:
    """A file: without an emergency, and with all that bars a version."""
    return str(request.param)


@pytest.fixture
def it(text: str) -> Iterator[World]:
    """A world that this file governs."""
    made = governed(text)
    yield made
    made.rows.close()


def judged(it: World, text: str) -> Replay:
    """Judge all that was asked by the same file."""
    return replay(under(it.context, text), it.clock.now() - timedelta(days=1))


def refusals(it: World) -> list[str]:
    """Return why requests were refused, in order."""
    records = it.context.ledger.records(keys.asset_partition(IRIS))
    return [str(one.content["why"]) for one in records if one.type is RecordType.TRANSITION_REFUSED]


def urgent(it: World, number: str, target: str, person: str = "sam") -> None:
    """Ask for a stage in an emergency."""
    command = it.command(Version(IRIS, number), target, person)
    request_transition(it.context, replace(command, emergency="INC-1"))


def refused_by_the_lifecycle(it: World) -> None:
    """Ask for what no stage is, where no way leads, against rules, and as who may not."""
    registered(it, "1", 0.5)
    ask(it, "1", "Staging")
    it.registry.evidences[Version(IRIS, "1")] = Evidence({})
    ask(it, "1", "Staging")
    for target in ("Nowhere", "Produciton", "Production", "Trial"):
        ask(it, "1", target)
    registered(it, "2", 0.99)
    ask(it, "2", "Staging")
    request_transition(it.context, it.command(Version(IRIS, "2"), "Production", "bob"))
    it.tag(Version(IRIS, "2"), "stage", "Production")


def refused_for_what_is_there(it: World, other: str) -> None:
    """Ask while another approval is open, and for a stage that another version holds."""
    approval = ask(it, "2", "Production")
    ask(it, "2", other)
    cast(it.context, approval, "bob")
    registered(it, "3", 0.99)
    ask(it, "3", "Staging")
    command = it.command(Version(IRIS, "3"), "Production")
    request_transition(it.context, replace(command, archive_existing_versions=False))


def test_every_kind_of_refusal_stays_one(it: World, text: str) -> None:
    """Or is unknown, with the reason: what was in the way then is no matter of the file."""
    refused_by_the_lifecycle(it)
    refused_for_what_is_there(it, "Archived" if text == NO_EMERGENCY else "Old")
    urgent(it, "3", "Production")
    found = judged(it, text)

    kinds = [
        "measured failed",
        "measured errored",
        "'Nowhere' is no stage",
        "'Produciton' is no stage",
        "None → Production is not allowed",
        "Trial is called Staging now",
        "only science may ask for Staging → Production",
        "only science may ask for Staging → Production",
        "is open; withdraw it first",
        "Production is exclusive and held by 2",
        *(["knows no emergency"] if text == NO_EMERGENCY else []),
    ]
    assert len(kinds) == len(refusals(it))
    assert [] == [
        (kind, why) for kind, why in zip(kinds, refusals(it), strict=True) if kind not in why
    ]
    assert 0 == found.differs
    assert {"refused"} == {one.came for one in found.cases}
    assert {"unknown"} == {one.would for one in found.cases}
    assert all("for what was in its way then" in one.why for one in found.cases)


def test_what_bars_a_version_and_an_emergency_stays_a_refusal() -> None:
    """Edited, marked, unratified; an emergency that is none, and one while another is open."""
    it = governed(WHOLE)
    for number in ("2", "3"):
        version = registered(it, number, 0.99)
        ask(it, number, "Staging")
        it.tag(version, "edited", "x")
        ask(it, number, "Production")
        urgent(it, number, "Production")
        acknowledge(it.context, Attention(version, "ours", actor("eve"), f"ack-{number}"))
        it.clock.sleep(60)
        cast(it.context, ask(it, number, "Production"), "bob")
    request_rollback(
        it.context, RollbackCommand(IRIS, actor("bob"), "back", reason="it fails", mark=True)
    )
    ask(it, "3", "Production")
    urgent(it, "3", "Production")
    registered(it, "4", 0.99)
    urgent(it, "4", "Staging")
    ask(it, "4", "Staging")
    registered(it, "5", 0.99)
    ask(it, "5", "Staging")
    urgent(it, "4", "Production")
    urgent(it, "5", "Production", "ada")
    ask(it, "4", "Old")
    found = judged(it, WHOLE)
    whys = refusals(it)
    it.rows.close()

    for kind in (
        "was edited from outside",
        "was marked in record",
        "takes no approval, so no emergency",
        "an emergency of it is not ratified yet",
        "by an emergency (record",
    ):
        assert any(kind in why for why in whys), kind
    assert 0 == found.differs
    assert 2 == found.unknown
    assert all("for what was in its way then" in one.why for one in found.cases)


def test_members_by_entra_are_not_known_later() -> None:
    """Who was let ask for a role of Entra is not refused by a file that cannot know of it."""
    text = draft(
        ("rules: [measured]}", "rules: [measured], requesters: [risk]}"),
        ("operators: [eve]", "entra: {risk: [Approver]}\noperators: [eve]"),
    )
    it = governed(text)
    registered(it, "1", 0.95)
    directory = it.context.configuration.directory
    claimed = replace(directory, entra={"risk": ("Approver",)}).claiming("person:sam", ["Approver"])
    there = replace(it.context, configuration=replace(it.context.configuration, directory=claimed))
    request_transition(there, it.command(Version(IRIS, "1"), "Staging"))
    found = judged(it, text)
    it.rows.close()

    (case,) = found.cases
    assert ("granted", "unknown") == (case.came, case.would)
    assert "whether Entra named person:sam a member of risk then is not kept" == case.why

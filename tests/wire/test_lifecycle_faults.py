"""The lifecycles of the configuration file: names that mean nothing, and rules that cannot be."""

from __future__ import annotations

import pytest

from tests.wire.configuration_file import DEFAULT, edited, faults, loaded

MEANING = [
    pytest.param(
        '{deployable_to: ["*/*-test"]}',
        "{rollback_within: 30d}",
        [
            "32:37: Staging is not exclusive, so nothing that was displaced from it could come "
            "back: leave rollback_within out"
        ],
        id="rollback-not-exclusive",
    ),
    pytest.param(
        "    forward_only: true ",
        "    emergency: {groups: [modelrisk], waives: [job-done], escalate_to: datascience}\n"
        "    forward_only: true ",
        [
            "28:26: no group is named modelrisk; did you mean 'model-risk'?",
            "28:47: no rule is named job-done; did you mean 'job-finished'?",
            "28:71: no group is named datascience; did you mean 'data-science'?",
        ],
        id="emergency-unknown",
    ),
    pytest.param(
        "    forward_only: true ",
        "    emergency: {groups: [model-risk]}\n    forward_only: true ",
        [
            "28:5: say who may ratify what was not ratified at first: escalate_to, or write "
            "not_ratified: revert"
        ],
        id="emergency-nobody",
    ),
    pytest.param(
        '["*/*/*"]',
        '["dem/*/*", "*/x?/*"]',
        [
            "27:18: 'dem' matches no registry; there are demo; did you mean 'demo'?",
            "27:29: 'x?' matches no kind; the kinds are models, data, environments, components",
        ],
        id="applies",
    ),
    pytest.param(
        "bind: []",
        "bind: ['team', 'sta*']",
        ["29:20: 'sta*' binds Stageward's own tag stage, which changes as it answers"],
        id="bind-own",
    ),
    pytest.param(
        "      Archived: ",
        "      staging: {}\n      Archived: ",
        [
            "34:7: 'staging' and 'Staging' differ in case only",
            "34:7: no transition leads to staging",
        ],
        id="case",
    ),
    pytest.param(
        '{deployable_to: ["*/*-test"]}',
        "{initial: true}",
        ["30:5: one stage must be initial; None and Staging are"],
        id="two-initials",
    ),
    pytest.param(
        "{initial: true, deletable: true}",
        "{}",
        ["30:5: one stage must be initial; none is"],
        id="no-initial",
    ),
    pytest.param(
        "{initial: true, deletable: true}",
        "{initial: true, exclusive: true, displaced_to: Archived}",
        ["31:7: None is initial, so every new version starts there: it cannot be exclusive"],
        id="exclusive-initial",
    ),
    pytest.param(
        "      Archived: ",
        "      Unregistered: {}\n      Archived: ",
        [
            "34:7: Unregistered is built in and cannot be defined",
            "34:7: no transition leads to Unregistered",
        ],
        id="Unregistered-stage",
    ),
    pytest.param(
        "{from: None, to: Archived}",
        "{from: Unregistered, to: Archived}",
        ["46:16: Unregistered is built in; no transition leads from or to it"],
        id="Unregistered-from",
    ),
    pytest.param(
        "displaced_to: Archived, ",
        "",
        ["33:7: Production is exclusive; say where its holder goes: displaced_to"],
        id="no-displaced_to",
    ),
    pytest.param(
        "displaced_to: Archived, ",
        "displaced_to: Archive, ",
        ["33:51: no stage is named Archive"],
        id="displaced-unknown",
    ),
    pytest.param(
        "displaced_to: Archived, ",
        "displaced_to: Production, ",
        ["33:51: Production is exclusive itself, so it cannot take displaced versions"],
        id="displaced-exclusive",
    ),
    pytest.param(
        '{exclusive: true, displaced_to: Archived, deployable_to: ["*/*"], rollback_within: 30d}',
        "{                 displaced_to: Archived}",
        ["33:51: Production is not exclusive, so nothing is displaced from it"],
        id="displaced-not-exclusive",
    ),
    pytest.param(
        '{exclusive: true, displaced_to: Archived, deployable_to: ["*/*"], rollback_within: 30d}',
        "{exclusive: true, terminal: true, displaced_to: Archived}",
        [
            "33:7: Production is terminal, so its holder cannot leave: it cannot be exclusive",
            "56:15: Production is terminal; nothing leaves it",
        ],
        id="exclusive-terminal",
    ),
    pytest.param(
        "{from: None, to: Archived}",
        "{from: None, to: Archive}",
        ["46:26: no stage is named Archive; the stages are None, Staging, Production, Archived"],
        id="unknown-stage",
    ),
    pytest.param(
        "rules: [job-finished]",
        "rules: [job-done]",
        ["50:17: no rule is named job-done; did you mean 'job-finished'?"],
        id="unknown-rule",
    ),
    pytest.param(
        "      - {from: None, to: Archived}",
        "      - {from: None, to: Archived, requesters: [data-sience]}",
        ["46:49: no group is named data-sience; did you mean 'data-science'?"],
        id="unknown-requesters",
    ),
    pytest.param(
        "groups: {model-risk: 1}, ",
        "groups: {modelrisk: 1}, ",
        ["58:51: no group is named modelrisk; did you mean 'model-risk'?"],
        id="unknown-approvers",
    ),
    pytest.param(
        "quorum: 2 ",
        "quorum: 5 ",
        [
            (
                "52:19: no one can reach this quorum: 5 distinct persons, at least 1 of "
                "model-risk, at least 0 of data-science, of groups with 2 in model-risk, "
                "2 in data-science"
            )
        ],
        id="quorum-unreachable",
    ),
    pytest.param(
        "groups: {model-risk: 1}, ",
        "groups: {model-risk: 3}, ",
        [
            (
                "58:28: no one can reach this quorum: 1 person, at least 3 of "
                "model-risk, of groups with 2 in model-risk"
            )
        ],
        id="minimum-unreachable",
    ),
    pytest.param(
        "      - {from: None, to: Archived}\n",
        "      - {from: None, to: Archived}\n      - {from: None, to: Archived}\n",
        ["47:9: None → Archived is there already"],
        id="same-way-twice",
    ),
    pytest.param(
        "      - {from: None, to: Archived}\n",
        "      - {from: None, to: Archived}\n      - {from: Staging, to: Staging}\n",
        ["47:9: Staging → Staging goes nowhere"],
        id="nowhere",
    ),
    pytest.param(
        "      - {from: None, to: Archived}\n",
        "      - {from: None, to: Archived}\n      - {from: Archived, to: None}\n",
        [
            (
                "44:5: forward_only forbids the cycle None → Staging → Archived → None; "
                "remove a transition, or write forward_only: false"
            ),
            "47:16: Archived is terminal; nothing leaves it",
        ],
        id="out-of-terminal",
    ),
    pytest.param(
        "      - {from: None, to: Archived}\n",
        "      - {from: None, to: Archived}\n      - {from: Staging, to: None}\n",
        [
            (
                "44:5: forward_only forbids the cycle None → Staging → None; remove a "
                "transition, or write forward_only: false"
            )
        ],
        id="cycle",
    ),
    pytest.param(
        "displaced_to: Archived, ",
        "displaced_to: Staging, ",
        [
            (
                "44:5: forward_only forbids the cycle Staging → Production → Staging; "
                "remove a transition, or write forward_only: false"
            )
        ],
        id="displacement-cycle",
    ),
    pytest.param(
        '{deployable_to: ["*/*-test"]}',
        "{retire_within: 2h}",
        [
            (
                "32:35: nothing is displaced from Staging, so nothing retires: say displaced_to, "
                "or leave retire_within out"
            )
        ],
        id="retires-from-nothing",
    ),
    pytest.param(
        "    bind: []",
        "    on_violation: zero_traffic\n    bind: []",
        [
            (
                "29:19: only Azure ML has endpoints to take traffic from, and no registry here is "
                "one: write notify"
            )
        ],
        id="no-traffic",
    ),
    pytest.param(
        "      Archived: ",
        "      Lost: {}\n      Archived: ",
        ["34:7: no transition leads to Lost"],
        id="unreachable",
    ),
    pytest.param(
        "evidence.job.status == 'FINISHED'\"",
        "evidence.job.status = 'FINISHED'\"",
        [
            (
                "37:14: rule job-finished: it does not compile: Syntax error: token "
                "recognition error at: '= ' (line 1, character 46); Syntax error: "
                "extraneous input ''FINISHED'' expecting <EOF> (line 1, character 48)"
            )
        ],
        id="cel-compile",
    ),
    pytest.param(
        "\"!has(evidence.job.id) || evidence.job.status == 'FINISHED'\"",
        "evidence.metrics.ok",
        [
            (
                "37:14: rule job-finished: it may be of any type; make it true or false, "
                "as in (evidence.metrics.ok) == true"
            )
        ],
        id="cel-dyn",
    ),
    pytest.param(
        "shows: [evidence.job.id, evidence.job.status]",
        "shows: [evidence.job.id, evidence.jbo.status]",
        [
            (
                "39:34: rule job-finished shows 'evidence.jbo.status': evidence has no "
                "'jbo'; did you mean 'job'? it has job, code, model, data, environment, "
                "metrics, params, explanations, base_model, features, template, author"
            )
        ],
        id="cel-shows",
    ),
]


def test_what_is_displaced_may_retire_and_traffic_is_taken_where_there_is_some() -> None:
    """The registry of the endpoint need not be that of the version."""
    workspace = (
        "registries:\n  - {alias: prod, type: azureml, address: /subscriptions/"
        "00000000-0000-0000-0000-000000000001/resourceGroups/g/"
        "providers/Microsoft.MachineLearningServices/workspaces/w}"
    )
    text = edited("displaced_to: Archived, ", "displaced_to: Archived, retire_within: 2h, ")
    text = text.replace("    bind: []", "    on_violation: zero_traffic\n    bind: []", 1)

    assert [] == faults(text.replace("registries:", workspace, 1))


@pytest.mark.parametrize(("old", "new", "told"), MEANING)
def test_a_fault_of_a_lifecycle_is_told_with_its_place(old: str, new: str, told: list[str]) -> None:
    """What a lifecycle says that cannot hold is refused where it stands."""
    assert faults(edited(old, new)) == told


def test_the_emergency_of_the_default_file_is_sound() -> None:
    """Whoever takes the number signs away, and names a group that there is, has one that loads."""
    _, _, notes = DEFAULT.partition("    # emergency:\n")
    lines = [line for line in notes.partition("\n\n")[0].splitlines() if line]
    block = "\n".join(line.replace("    # ", "    ", 1) for line in lines)
    named = block.replace("on-call", "model-risk")
    text = DEFAULT.replace(
        "    forward_only: true ", f"    emergency:\n{named}\n    forward_only: true "
    )
    terms = loaded(text).lifecycles[0]

    assert terms.emergency is not None
    assert ("model-risk",) == terms.emergency.groups
    assert terms.stages["Production"].rollback_within is not None

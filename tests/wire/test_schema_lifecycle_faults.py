"""The shape of the lifecycles: every fault of it in words, with its place."""

from __future__ import annotations

import pytest

from tests.wire.configuration_file import edited, faults

SHAPE = [
    pytest.param(
        'Staging:    {deployable_to: ["*/*-test"]}',
        "Staging:",
        ["32:15: Staging has no value; it must be a mapping; {} where it is empty"],
        id="stage-none",
    ),
    pytest.param(
        "      Staging: ",
        "      'A: B': {}\n      Staging: ",
        [
            (
                "32:7: 'A: B' must be words with single spaces between them, without "
                "':', ';', ',' and '/', the first not 'withdraw'"
            )
        ],
        id="stage-name-colon",
    ),
    pytest.param(
        "      Staging: ",
        "      withdraw this: {}\n      Staging: ",
        [
            (
                "32:7: 'withdraw this' must be words with single spaces between them, "
                "without ':', ';', ',' and '/', the first not 'withdraw'"
            )
        ],
        id="stage-name-withdraw",
    ),
    pytest.param(
        "      Staging: ",
        "      " + "S" * 65 + ": {}\n      Staging: ",
        ["32:7: '" + "S" * 65 + "' must be at most 64 characters long"],
        id="stage-name-long",
    ),
    pytest.param(
        '"*/*-test"',
        '"test"',
        ["32:36: deployable_to[0] must be registry/endpoint, not 'test'"],
        id="endpoint",
    ),
    pytest.param(
        "{from: None, to: Archived}",
        "{from: On, to: Archived}",
        ["46:16: from must be a text, not true or false; quote it: 'On'"],
        id="from-On",
    ),
    pytest.param(
        "{from: None, to: Archived}",
        "{from: null, to: Archived}",
        ["46:16: from has no value; it must be a text; quote it: 'null'"],
        id="from-null",
    ),
    pytest.param(
        "forward_only: true",
        "forward_only: maybe",
        ["28:19: forward_only must be true or false, not a text"],
        id="forward_only-text",
    ),
    pytest.param(
        "quorum: 2 ", "quorum: 0 ", ["52:19: quorum must be at least 1, not 0"], id="quorum-0"
    ),
    pytest.param(
        "quorum: 2 ", "quorum: 21 ", ["52:19: quorum must be at most 20, not 21"], id="quorum-many"
    ),
    pytest.param(
        "quorum: 2 ",
        "quorum: true ",
        ["52:19: quorum must be a whole number, not true or false"],
        id="quorum-true",
    ),
    pytest.param(
        "data-science: 0}",
        "data-science: -1}",
        ["53:49: data-science must be at least 0, not -1"],
        id="min-negative",
    ),
    pytest.param(
        "{quorum: 1, groups: {model-risk: 1},",
        "{quorum: 1, groups: {},",
        ["58:31: groups must not be empty"],
        id="no-groups",
    ),
    pytest.param(
        "{quorum: 1, groups", "{groups", ["58:9: approval lacks 'quorum'"], id="no-quorum"
    ),
    pytest.param(
        "[requester, author]",
        "[requester, approver]",
        ["54:32: exclude[1] must be one of requester, author, not 'approver'"],
        id="exclude",
    ),
    pytest.param(
        "expires: 7d",
        "expires: 1 week",
        [
            (
                "55:20: expires must be a number of minutes, hours or days, such as 30m, "
                "12h or 7d, not '1 week'"
            )
        ],
        id="expires",
    ),
    pytest.param(
        "expires: 7d",
        "expires: 0d",
        [
            (
                "55:20: expires must be a number of minutes, hours or days, such as 30m, "
                "12h or 7d, not '0d'"
            )
        ],
        id="expires-0",
    ),
    pytest.param(
        "expires: 7d",
        "expires: 7",
        [
            (
                "55:20: expires must be a number of minutes, hours or days, such as 30m, "
                "12h or 7d, not 7"
            )
        ],
        id="expires-number",
    ),
    pytest.param(
        "expires: 2d}",
        "expires: 2d, remind: 1d, escalate: x, assurance: mail}",
        [
            "58:99: remind must be a list, not a text",
            "58:113: escalate must be a mapping, not a text",
            "58:127: assurance must be one of signed_in, link, not 'mail'",
        ],
        id="remind",
    ),
    pytest.param(
        "    bind: []",
        "    protect_lifecycle: true\n    notify: {}\n    bind: []",
        [
            "29:24: protect_lifecycle must be a list, not true or false",
            "30:5: 'notify' is not available yet",
        ],
        id="others",
    ),
    pytest.param(
        "        cel: \"!has(evidence.job.id) || evidence.job.status == 'FINISHED'\"\n",
        "",
        ["36:7: job-finished lacks 'cel' or 'azure_policy'"],
        id="cel-missing",
    ),
    pytest.param(
        "\"!has(evidence.job.id) || evidence.job.status == 'FINISHED'\"",
        "''",
        ["37:14: cel must not be empty"],
        id="cel-empty",
    ),
    pytest.param(
        "shows: [evidence.job.id, evidence.job.status]",
        "shows: [" + ", ".join(f"'{n}'" for n in range(21)) + "]",
        ["39:9: shows must not have more than 20"],
        id="many-shows",
    ),
]


@pytest.mark.parametrize(("old", "new", "told"), SHAPE)
def test_a_fault_of_the_shape_of_a_lifecycle_is_told_with_its_place(
    old: str, new: str, told: list[str]
) -> None:
    """A key or value that a lifecycle does not have is refused where it stands, in words."""
    assert faults(edited(old, new)) == told

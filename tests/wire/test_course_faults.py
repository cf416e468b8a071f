"""An approval's course in the configuration file, who belongs by Entra, where mail goes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stage_functions.domain.lifecycle import Assurance, Escalation, WhenInvalid
from tests.wire.configuration_file import edited, faults, loaded

DURATION = "must be a number of minutes, hours or days, such as 30m, 12h or 7d, not"
COURSE = [
    pytest.param(
        "remind: [3d, 1h, 2d]",
        [
            "58:100: the approval has lapsed by then: expires is 2d",
            "58:108: the approval has lapsed by then: expires is 2d",
        ],
        id="remind-late",
    ),
    pytest.param("remind: [1 day]", [f"58:100: remind[0] {DURATION} '1 day'"], id="remind-words"),
    pytest.param("remind: [1d, 1d]", ["58:104: remind has '1d' twice"], id="remind-twice"),
    pytest.param(
        f"remind: [{', '.join(f'{hours}h' for hours in range(1, 12))}]",
        ["58:91: remind must not have more than 10"],
        id="remind-many",
    ),
    pytest.param(
        "escalate: {after: 2d, to: model-risk}",
        ["58:109: the approval has lapsed by then: expires is 2d"],
        id="escalate-late",
    ),
    pytest.param(
        "escalate: {after: 1d, to: board}",
        ["58:117: no group is named board"],
        id="escalate-unknown",
    ),
    pytest.param("escalate: {after: 1d}", ["58:91: escalate lacks 'to'"], id="escalate-to-nobody"),
    pytest.param(
        "escalate: {after: soon, to: model-risk, who: x}",
        [
            f"58:109: after {DURATION} 'soon'",
            "58:131: unknown key 'who'; the keys here are after, to",
        ],
        id="escalate-words",
    ),
    pytest.param(
        "escalate: null",
        ["58:101: escalate has no value; it must be a mapping; {} where it is empty"],
        id="escalate-null",
    ),
    pytest.param(
        "assurance: link",
        [
            "58:102: a link may be passed on to the requester, whom it excludes; write "
            "exclude: [], or links_despite_exclusions: true in the lifecycle"
        ],
        id="link-despite-exclusions",
    ),
    pytest.param("valid_for: 0d", [f"58:102: valid_for {DURATION} '0d'"], id="valid-0"),
    pytest.param("valid_for: ever", [f"58:102: valid_for {DURATION} 'ever'"], id="valid-words"),
    pytest.param(
        "when_invalid: block",
        ["58:105: it stays valid for ever: say valid_for"],
        id="invalid-never",
    ),
    pytest.param(
        "when_invalid: stop, valid_for: 1d",
        ["58:105: when_invalid must be one of notify, block, renew, not 'stop'"],
        id="invalid-words",
    ),
]


@pytest.mark.parametrize(("written", "told"), COURSE)
def test_a_fault_of_an_approvals_course_is_told_with_its_place(
    written: str, told: list[str]
) -> None:
    """Where it stands in the file, also where only the whole makes it a fault."""
    assert faults(edited("expires: 2d}", f"expires: 2d, {written}}}")) == told


def test_who_is_excluded_without_a_word_of_it_is_said_to_be_by_default() -> None:
    """Nothing in the file says so."""
    (said,) = faults(edited("exclude: [requester], expires: 2d}", "assurance: link, expires: 2d}"))

    assert said.endswith(
        "a link may be passed on to the requester and the author, whom it excludes (the default of "
        "exclude); write exclude: [], or links_despite_exclusions: true in the lifecycle"
    )


@pytest.mark.parametrize(("expires", "said"), [("90m", "90m"), ("120m", "2h"), ("48h", "2d")])
def test_when_an_approval_lapses_is_said_in_the_units_of_the_file(expires: str, said: str) -> None:
    """The largest that fits."""
    (fault,) = faults(edited("expires: 2d}", f"expires: {expires}, remind: [9d]}}"))

    assert fault.endswith(f"the approval has lapsed by then: expires is {said}")


@pytest.mark.parametrize("name", ["model-rsk", "zzz"])
def test_a_group_to_escalate_to_that_is_none_is_told_with_the_nearest(name: str) -> None:
    """Where there is one that is near."""
    (fault,) = faults(edited("expires: 2d}", f"expires: 2d, escalate: {{after: 1d, to: {name}}}}}"))
    near = "; did you mean 'model-risk'?" if name == "model-rsk" else ""

    assert fault.endswith(f"no group is named {name}{near}")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (
            "entra: {model-rsk: [Risk]}",
            [
                "23:9: no group is named model-rsk; name one under groups, with [] if need be; "
                "did you mean 'model-risk'?"
            ],
        ),
        ("entra: {model-risk: Risk}", ["23:21: model-risk must be a list, not a text"]),
        ("entra: {model-risk: []}", ["23:9: model-risk must not be empty"]),
        (
            "entra: {operators: [Ops], model-risk: ['']}",
            ["23:40: model-risk[0] must not be empty"],
        ),
        ("entra: {model-risk: [a, a]}", ["23:25: model-risk has 'a' twice"]),
        ("entra: []", ["23:1: entra must be a mapping, not a list"]),
    ],
)
def test_a_fault_of_who_belongs_by_entra_is_told_with_its_place(
    written: str, told: list[str]
) -> None:
    """A group that is not there, or roles that are none."""
    assert (
        faults(edited("operators: [operator-1]  ", f"{written}\noperators: [operator-1]  ")) == told
    )


@pytest.mark.parametrize("mail", ["nobody", "7", "''", "a@b@c", "'One <a@example.org>'"])
def test_what_is_no_mail_address_is_told_with_its_place(mail: str) -> None:
    """One bare address, since it is put into a header."""
    (told,) = faults(edited("{name: First officer, ", f"{{mail: {mail}, name: First officer, "))

    assert told.startswith("16:23: mail must be one mail address, such as officer1@example.org, ")


def test_a_flag_that_is_no_flag_is_told_with_its_place() -> None:
    """`links_despite_exclusions` is a decision, so it is written out."""
    told = faults(edited("    bind: []", "    links_despite_exclusions: maybe\n    bind: []"))

    assert told == ["29:31: links_despite_exclusions must be true or false, not a text"]


def test_a_whole_course_is_read_as_it_is_written() -> None:
    """Every option of it, in the order of the file."""
    text = edited(
        "expires: 2d}",
        "expires: 2d, remind: [1d, 30m], escalate: {after: 36h, to: data-science}, "
        "assurance: link, valid_for: 90d, when_invalid: renew}",
    ).replace("    bind: []", "    links_despite_exclusions: true\n    bind: []", 1)
    (lifecycle,) = loaded(text).lifecycles
    policy = lifecycle.transitions[-1].approval

    assert policy is not None
    assert policy.remind == (timedelta(days=1), timedelta(minutes=30))
    assert policy.escalate == Escalation(timedelta(hours=36), "data-science")
    assert policy.assurance is Assurance.LINK
    assert policy.valid_for == timedelta(days=90)
    assert policy.when_invalid is WhenInvalid.RENEW
    assert lifecycle.links_despite_exclusions


def test_a_quorum_of_a_group_whose_members_entra_names_can_be_reached() -> None:
    """How many there are, the file cannot know."""
    text = edited("model-risk: [officer-1, officer-2]", "model-risk: []")
    named = text.replace(
        "operators: [operator-1]  ", "entra: {model-risk: [Risk]}\noperators: [operator-1]  ", 1
    )

    assert "no one can reach this quorum" in faults(text)[0]
    assert faults(named) == []

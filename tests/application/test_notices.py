"""Who is told of a record, and in which words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.application.notices import (
    SHOWN_CHARACTERS,
    SHOWN_NAME_CHARACTERS,
    Notice,
    notice,
    plain,
)
from stage_functions.domain.approval import Approval, Binding, Decision, Status, Vote
from stage_functions.domain.grounds import ITSELF
from stage_functions.domain.lifecycle import ApprovalPolicy, Escalation, Excluded
from stage_functions.domain.people import NOBODY, Actor, Attribution, Directory, Person
from stage_functions.domain.record import Draft, Json, RecordType, empty_tail, seal

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
DIRECTORY = Directory(
    people={
        "ada": Person("ada", "Ada", ("mlflow:ada",)),
        "bob": Person("bob", "Bob", ("mlflow:bob",)),
        "eve": Person("eve", "Eve", ("mlflow:eve",)),
        "sam": Person("sam", "Sam", ("mlflow:sam",)),
    },
    groups={"risk": ("ada", "bob"), "science": ("ada", "sam"), "board": ("eve",)},
)
POLICY = ApprovalPolicy(
    2, {"risk": 1, "science": 0}, (Excluded.REQUESTER, Excluded.AUTHOR), timedelta(days=7)
)
APPROVAL = Approval(
    id="7f3k9m2x",
    version="3",
    binding=Binding("1/x", "Staging", "Production", ("2",), "sha256:a", "sha256:b", {}, {}, ""),
    policy=POLICY,
    reason="AUC 0.94 on the Q3 data",
    requester=Actor("person:sam", Attribution.PROVEN, "api"),
    on_behalf_of="",
    candidates=(),
    author="mlflow:sam",
    opened=NOON,
    deadline=NOON + timedelta(days=7),
    verdicts=(),
    lifecycle="default",
)
RISK, SCIENCE, BOARD = "group:risk", "group:science", "group:board"


def told(
    type_: RecordType,
    approval: Approval,
    fields: Mapping[str, Json] | None = None,
    directory: Directory = DIRECTORY,
    asset: str = "demo/models/iris",
    valid_until: datetime | None = None,
) -> Notice | None:
    """Return what is told of such a record."""
    content = {"approval": approval.id, **(fields or {})}
    draft = Draft(type_, approval.version, "1/x", ITSELF, content)
    tail = empty_tail("00000001", asset)
    (record,) = seal(tail, [draft], commit=1, now=NOON, operation="o")
    return notice(record, approval, directory, valid_until)


def said(found: Notice | None) -> dict[str, str]:
    """Return a message as a table."""
    assert found is not None
    message = found.message
    return {"title": message.title, "text": message.text, **dict(message.facts)}


def closed(status: Status, why: str, *votes: Vote) -> Approval:
    """Return the approval as it was closed."""
    return replace(APPROVAL, status=status, why=why, closed=NOON, votes=votes)


def cast(voter: str, decision: Decision = Decision.APPROVE, comment: str = "") -> Vote:
    """Return somebody's vote."""
    return Vote(f"person:{voter}", decision, comment, NOON, "sha256:c", ("risk",))


class TestAsking:
    """What approvers are told."""

    def test_they_are_told_all_they_need_to_go_and_look(self) -> None:
        """What, by whom, why, what it waits for, until when, and what it displaces."""
        found = told(RecordType.APPROVAL_REQUESTED, APPROVAL)

        assert {
            "title": "Approve demo/models/iris:3 → Production? (7f3k9m2x)",
            "text": "A request for Production waits for your vote. Asked by: Sam.",
            "Version": "demo/models/iris:3",
            "Stage": "Staging → Production",
            "Requested by": "Sam",
            "Reason": "AUC 0.94 on the Q3 data",
            "Waits for": "1 of risk, 1 more of risk or science; "
            "excluded: the requester and the author",
            "Decide before": "2026-01-12 12:00 UTC",
            "Displaces": "version 2",
        } == said(found)

    def test_who_may_still_vote_is_asked_and_the_groups(self) -> None:
        """Neither the requester nor whoever has voted; a person in two groups once."""
        found = told(RecordType.APPROVAL_REQUESTED, replace(APPROVAL, votes=(cast("bob"),)))

        assert found is not None
        assert found.asks
        assert ("person:ada", RISK, SCIENCE) == found.recipients

    def test_a_reminder_says_since_when(self) -> None:
        """And that it lapses."""
        found = told(RecordType.REMINDED, APPROVAL)
        words = said(found)

        assert "Reminder: Approve demo/models/iris:3 → Production? (7f3k9m2x)" == words["title"]
        assert (
            "It waits for you since 2026-01-05 12:00 UTC; without a decision it lapses."
        ) == words["text"]
        assert found is not None
        assert ("person:ada", "person:bob", RISK, SCIENCE) == found.recipients

    def test_an_escalation_asks_the_further_group_too(self) -> None:
        """From then on its members may vote."""
        policy = replace(POLICY, escalate=Escalation(timedelta(days=2), "board"))
        escalated = replace(APPROVAL, policy=policy, escalated=NOON)
        found = told(RecordType.ESCALATED, escalated, {"to": "board"})
        words = said(found)

        assert words["title"].startswith("Escalated: Approve")
        assert (
            "It waits since 2026-01-05 12:00 UTC; from now on board may vote too."
            == (words["text"])
        )
        assert found is not None
        assert ("person:ada", "person:bob", "person:eve", RISK, SCIENCE, BOARD) == found.recipients

    def test_a_renewal_says_that_no_stage_changes(self) -> None:
        """It asks to keep what is."""
        binding = replace(APPROVAL.binding, source="Production", displaces=())
        words = said(told(RecordType.APPROVAL_REQUESTED, replace(APPROVAL, binding=binding)))

        assert "Keep demo/models/iris:3 at Production? (7f3k9m2x)" == words["title"]
        assert "Production" == words["Stage"]
        assert "The approval for Production is no longer valid; it stays there" in words["text"]
        assert "Displaces" not in words

    def test_an_early_renewal_says_until_when_the_approval_is_valid(self) -> None:
        """Its end is still to come."""
        binding = replace(APPROVAL.binding, source="Production", displaces=())
        early = replace(APPROVAL, binding=binding)
        end = NOON + timedelta(days=30)
        words = said(told(RecordType.APPROVAL_REQUESTED, early, valid_until=end))

        assert words["text"] == (
            "The approval for Production is valid until 2026-02-04 12:00 UTC; "
            "it stays there while you decide."
        )

    @pytest.mark.parametrize(
        ("requester", "sponsored", "words"),
        [
            (NOBODY, False, "nobody is known for certain"),
            (
                Actor("mlflow:sam", Attribution.INFERRED, "tag"),
                False,
                "perhaps Sam; nobody is known for certain",
            ),
            (Actor("person:eve", Attribution.PROVEN, "api"), True, "Eve, who sponsors it"),
            (Actor("mlflow:raw-00ff", Attribution.PROVEN, "api"), False, "mlflow:raw-00ff"),
        ],
    )
    def test_it_is_said_how_surely_the_requester_is_known(
        self, requester: Actor, words: str, *, sponsored: bool
    ) -> None:
        """By name where there is one."""
        approval = replace(APPROVAL, requester=requester, sponsored=sponsored)

        assert words == said(told(RecordType.APPROVAL_REQUESTED, approval))["Requested by"]

    def test_a_quorum_that_cannot_be_reached_is_said_at_once(self) -> None:
        """Approvers can add people, or tell the requester."""
        lonely = replace(DIRECTORY, groups={"risk": (), "science": ("sam",)})
        words = said(told(RecordType.APPROVAL_REQUESTED, APPROVAL, directory=lonely))

        assert (
            "it cannot be reached: nobody of risk or science can still vote" in (words["Waits for"])
        )

    @pytest.mark.parametrize(
        "type_", [RecordType.APPROVAL_REQUESTED, RecordType.REMINDED, RecordType.ESCALATED]
    )
    def test_what_is_closed_is_not_asked(self, type_: RecordType) -> None:
        """It is moot."""
        assert told(type_, closed(Status.WITHDRAWN, "typo"), {"to": "board"}) is None


class TestOutcomes:
    """What whoever asked is told."""

    @pytest.mark.parametrize(
        ("status", "why", "shown", "next_"),
        [
            (
                Status.APPROVED,
                "approved by person:ada and person:bob",
                "approved by Ada and Bob",
                "There is nothing to do",
            ),
            (
                Status.REJECTED,
                "rejected by person:bob: AUC fell",
                "rejected by Bob: AUC fell",
                "Answer what stood in the way",
            ),
            (
                Status.WITHDRAWN,
                "withdrawn by person:gone: typo",
                "withdrawn by person:gone: typo",
                "it can be asked again at any time",
            ),
            (
                Status.EXPIRED,
                "no decision before 2026-01-12 12:00 UTC",
                "no decision before 2026-01-12 12:00 UTC",
                "Nobody decided in time. Ask again",
            ),
            (
                Status.VOIDED,
                "changed since it was asked: evidence (by mlflow:eve)",
                "changed since it was asked: evidence (by mlflow:eve)",
                "Votes on it count no longer",
            ),
        ],
    )
    def test_every_outcome_says_why_and_what_to_do(
        self, status: Status, why: str, shown: str, next_: str
    ) -> None:
        """People by their names."""
        found = told(RecordType.APPROVAL_CLOSED, closed(status, why))
        words = said(found)

        assert (
            f"{status.value.capitalize()}: demo/models/iris:3 → Production (7f3k9m2x)"
            == words["title"]
        )
        assert shown == words["Why"]
        assert next_ in words["text"]
        assert found is not None
        assert (("person:sam",), False) == (found.recipients, found.asks)

    def test_what_approvers_said_is_told(self) -> None:
        """And what was displaced."""
        votes = (cast("ada", comment="looks good"), cast("bob"))
        words = said(told(RecordType.APPROVAL_CLOSED, closed(Status.APPROVED, "", *votes)))

        assert "looks good" == words["Said by Ada"]
        assert "Said by Bob" not in words
        assert "version 2" == words["Displaces"]

    def test_whoever_may_have_asked_before_a_sponsor_is_told(self) -> None:
        """As is the sponsor, and for whom it was."""
        sponsored = replace(
            closed(Status.EXPIRED, "late"),
            requester=Actor("person:eve", Attribution.PROVEN, "api"),
            sponsored=True,
            candidates=("mlflow:sam", "mlflow:unknown"),
            on_behalf_of="mlflow:ada",
        )
        found = told(RecordType.APPROVAL_CLOSED, sponsored)

        assert found is not None
        assert ("person:eve", "person:ada", "person:sam") == found.recipients

    def test_voters_are_told_of_nothing_but_a_voided_approval(self) -> None:
        """The other outcomes are theirs."""
        for status in (Status.APPROVED, Status.REJECTED, Status.WITHDRAWN, Status.EXPIRED):
            found = told(RecordType.APPROVAL_CLOSED, closed(status, "", cast("bob")))
            assert found is not None
            assert ("person:sam",) == found.recipients
        found = told(RecordType.APPROVAL_CLOSED, closed(Status.VOIDED, "", cast("bob")))
        assert found is not None
        assert ("person:sam", "person:bob") == found.recipients

    @pytest.mark.parametrize("status", [one for one in Status if one is not Status.OPEN])
    def test_the_author_is_told_too_where_they_are_known(self, status: Status) -> None:
        """Once, where they asked themselves."""
        asked = replace(closed(status, ""), author="mlflow:eve")
        strange = replace(asked, author="mlflow:raw-00ff")
        found = [told(RecordType.APPROVAL_CLOSED, one) for one in (asked, strange)]

        assert [("person:sam", "person:eve"), ("person:sam",)] == [
            one.recipients for one in found if one is not None
        ]

    def test_where_nobody_is_known_nobody_is_told(self) -> None:
        """There is no one to tell."""
        unknown = replace(closed(Status.EXPIRED, ""), requester=NOBODY, author="")
        found = told(RecordType.APPROVAL_CLOSED, unknown)

        assert found is not None
        assert () == found.recipients


class TestValidity:
    """What is told when an approval is no longer valid."""

    @pytest.mark.parametrize(
        ("then", "words"),
        [
            ("notify", "have it approved anew, or move it"),
            ("block", "checks refuse to deploy it"),
            ("renew", "its approvers are asked to renew"),
        ],
    )
    def test_it_says_what_follows(self, then: str, words: str) -> None:
        """To whoever asked, who approved, and who could approve it anew."""
        approved = closed(Status.APPROVED, "approved by person:bob", cast("bob"))
        fields = {
            "stage": "Production",
            "valid_until": "2026-02-01T00:00:00.000000Z",
            "then": then,
        }
        found = told(RecordType.VALIDITY_ENDED, approved, fields)

        assert (
            "No longer valid: demo/models/iris:3 at Production (7f3k9m2x)" == (said(found)["title"])
        )
        assert words in said(found)["text"]
        assert "2026-02-01 00:00 UTC" == said(found)["Valid until"]
        assert found is not None
        assert ("person:sam", "person:bob", "person:ada", RISK, SCIENCE) == found.recipients


class TestTexts:
    """Whatever people wrote."""

    @given(st.text())
    def test_every_text_is_in_one_line_and_short(self, text: str) -> None:
        """Without what cannot be seen; a short plain one as it was."""
        line = plain(text)

        assert len(line) <= SHOWN_CHARACTERS
        assert line == " ".join(line.split())
        assert len(line.splitlines()) <= 1
        assert line.isprintable() or {"\u200c", "\u200d"} & set(line) or not line.isascii()

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("two\r\nlines\n\nand\ttabs", "two lines and tabs"),
            ("a\u202eb\u2066c\u200bd\ufeffe\x00f\x1b[31m", "a b c d e f [31m"),
            ("family \U0001f468\u200d\U0001f469", "family \U0001f468\u200d\U0001f469"),
            ("<b>*x*</b> [a](b)", "<b>*x*</b> [a](b)"),
        ],
    )
    def test_only_breaks_and_the_invisible_are_taken_out(self, text: str, line: str) -> None:
        """Markup is for each channel to show as text."""
        assert line == plain(text)

    def test_long_texts_and_names_are_cut(self) -> None:
        """All of it is behind the link."""
        long = replace(APPROVAL, reason="x " * 1000)
        words = said(told(RecordType.APPROVAL_REQUESTED, long, asset=f"demo/models/{'n' * 1000}"))

        assert SHOWN_CHARACTERS >= len(words["Reason"])
        assert words["Reason"].endswith("…")
        assert len(words["title"]) < SHOWN_NAME_CHARACTERS + 60
        assert words["title"].endswith("…:3 → Production? (7f3k9m2x)")

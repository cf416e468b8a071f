"""What a later release wrote in a row is carried along, and never mistaken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.application.answer import Answer, AnswerKind, decode, encode
from stage_functions.application.catalog import CatalogEntry
from stage_functions.application.codec import (
    FORMAT,
    foreign,
    format_of,
    pack,
    plain,
    unpack,
    unpack_record,
)
from stage_functions.application.copies import Expected
from stage_functions.application.decided import Decided
from stage_functions.application.ledger import Head, Owed
from stage_functions.application.ports.rows import Row, Value
from stage_functions.application.registries import RegistryState
from stage_functions.application.tokens import Token
from stage_functions.application.unregistered_rows import Note
from stage_functions.domain.approval import Approval, Binding, Decision, Span, Status, Vote
from stage_functions.domain.error import LaterReleaseError, LedgerDamagedError
from stage_functions.domain.lifecycle import ApprovalPolicy, Assurance, Escalation, Excluded
from stage_functions.domain.people import Actor, Attribution
from stage_functions.domain.record import RecordType
from stage_functions.domain.rule import Result, Verdict
from stage_functions.domain.state import Mark, Origin, Unratified, VersionState
from stage_functions.domain.stored import Stored, Whole
from stage_functions.domain.violation import Violation

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ACTOR = Actor("person:sam", Attribution.PROVEN, "api")
APPROVAL = Approval(
    "7f3k9m2x",
    "3",
    Binding("i/c", "Staging", "Production", ("2",), "l", "e", {"team": "risk"}, {"+": "x"}, "d"),
    ApprovalPolicy(
        2, {"risk": 1}, (Excluded.AUTHOR,), escalate=Escalation(timedelta(days=1), "science")
    ),
    "because",
    ACTOR,
    "",
    (),
    "person:ada",
    NOW,
    NOW,
    (Verdict("rule", Result.PASSED, {"a": "1"}),),
    "default",
    votes=(Vote("person:bob", Decision.APPROVE, "", NOW, "f", ("risk",), Assurance.LINK),),
    asked=Span(NOW, NOW),
)
VALUES: tuple[Stored, ...] = (
    Head(3, "h", NOW, holders={"Production": ("2",)}, approvals=("7f3k9m2x",), owed=(1,)),
    Owed(1, 0, "reconcile", "3", refused={"mail": "no"}),
    VersionState(
        "3",
        "i/c",
        "Production",
        NOW,
        base={"stage": None, "+": "text"},
        origin=Origin("dev/models/iris:1", "c", "r"),
        violating=(Violation("why", "dev/web"), Violation("and", "dev/app")),
        put_backs=(NOW,),
    ),
    APPROVAL,
    RegistryState(imported=True, suspects=("a",), pass_completed=NOW),
    Expected(Origin("dev/models/iris:1", "c", "r"), "Staging"),
    CatalogEntry("dev/models/iris", "3", "None", NOW, 1, violation=Violation("why")),
    Decided("7", "dev/models/iris", "3", "a", "b", Status.EXPIRED, "", "", ("x",), NOW, NOW),
    Note("dev/models/iris:3", "c", NOW, NOW),
    Token("id", "sam", NOW, expires=NOW),
)
"""One of each kind that rows hold, with all that can be nested in them."""
LATER: dict[str, Any] = {"deep": [{"x": None}], "n": 2**40, "text": "ä\u2028"}


def row(document: object, **more: Value) -> Row:
    """Return a row as any release writes one."""
    body = document if isinstance(document, bytes) else msgspec.json.encode(document)
    return Row("key", "etag", {"format": 1, "body0": body, **more})


def written(value: Stored) -> dict[str, Any]:
    """Return the JSON that is written of a value."""
    values = pack(value)
    body = values["body0"]
    assert isinstance(body, bytes)
    found: dict[str, Any] = json.loads(body)
    return found


def places(value: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the places of all values inside of a value that can have further fields."""
    if isinstance(value, Stored):
        yield at
        for name in value.__struct_fields__:
            yield from places(getattr(value, name), (*at, name))
    elif isinstance(value, tuple):
        for position, one in enumerate(value):
            yield from places(one, (*at, position))


def inside(value: Any, at: tuple[str | int, ...]) -> Any:  # noqa: ANN401  # JSON, or a value
    """Return what is at a place."""
    for step in at:
        value = getattr(value, str(step)) if isinstance(value, Stored) else value[step]
    return value


EVERYWHERE = [(value, at) for value in VALUES for at in places(value)]


@pytest.mark.parametrize("value", VALUES, ids=lambda one: type(one).__name__)
def test_what_this_release_writes_it_reads_without_a_rest(value: Stored) -> None:
    """A tag that is called as the mark of a rest is no rest."""
    values = pack(value)
    again = unpack(Row("key", "etag", values), type(value))

    assert (value, "") == (again, again.doubt)
    assert values == pack(again)
    assert values["format"] == FORMAT


@pytest.mark.parametrize(("value", "at"), EVERYWHERE)
def test_a_further_field_is_written_back_wherever_it_is(
    value: Stored, at: tuple[str | int, ...]
) -> None:
    """Also of a value inside of the value, and beside fields that were changed since."""
    document = written(value)
    inside(document, at)["next"] = LATER

    again = unpack(row(document), type(value))

    assert document == written(again)
    assert again != value


@given(data=st.data())
def test_whatever_a_later_release_adds_is_written_back(data: st.DataObject) -> None:
    """Any fields, at any places at once, and any properties beside them."""
    value = data.draw(st.sampled_from(VALUES))
    json_values = st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    )
    names = st.text(min_size=1, max_size=9).map(lambda name: f"next {name}")
    properties = st.dictionaries(
        st.sampled_from(["next", "more", "body", "bodyX"]),
        st.text() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.binary(),
    )
    document = written(value)
    for at in data.draw(st.lists(st.sampled_from(list(places(value))), max_size=3)):
        inside(document, at).update(data.draw(st.dictionaries(names, json_values, max_size=3)))
    beside = data.draw(properties)

    again = unpack(row(document, **beside), type(value))

    assert document == written(again)
    assert {**beside, "format": 1} == {k: v for k, v in pack(again).items() if k != "body0"}


def test_a_field_stays_beside_what_is_changed() -> None:
    """Values are changed by `replace`, which keeps it; what is removed goes with its own."""
    state = next(one for one in VALUES if isinstance(one, VersionState))
    document = written(state)
    document["next"] = 1
    document["violating"][0]["next"] = "gone"
    document["violating"][1]["next"] = "kept"

    read = unpack(row(document), VersionState)
    after = written(replace(read, stage="Archived", violating=read.violating[1:]))

    assert (1, "Archived") == (after["next"], after["stage"])
    assert ["kept"] == [one["next"] for one in after["violating"]]


@pytest.mark.parametrize(("value", "at"), EVERYWHERE)
def test_a_further_field_is_no_doubt_but_in_what_permits_something(
    value: Stored, at: tuple[str | int, ...]
) -> None:
    """A policy, what an approval is bound to, a vote, a token, an expected copy."""
    document = written(value)
    inside(document, at)["next"] = 1

    doubt = unpack(row(document), type(value)).doubt

    assert isinstance(inside(value, at), Whole) == bool(doubt)
    assert not doubt or "update this instance" in doubt


@pytest.mark.parametrize(
    ("at", "word"),
    [
        (("status",), "on_hold"),
        (("policy", "assurance"), "hardware_key"),
        (("policy", "exclude", 0), "manager"),
        (("policy", "when_invalid"), "archive"),
        (("votes", 0, "decision"), "abstain"),
        (("requester", "attribution"), "vouched"),
        (("verdicts", 0, "result"), "skipped"),
    ],
)
def test_a_word_of_a_later_release_is_kept_and_equals_none(
    at: tuple[str | int, ...], word: str
) -> None:
    """It is shown as it is called; nothing is decided on it."""
    document = written(APPROVAL)
    inside(document, at[:-1])[at[-1]] = word

    read = unpack(row(document), Approval)
    found = inside(read, at)

    assert document == written(read)
    assert (word, word) == (str(found), found.value)
    assert all(found != one for one in type(found))
    assert f"is '{word}'" in read.doubt


def test_a_row_of_a_higher_format_is_read_as_far_as_it_goes_and_keeps_it() -> None:
    """Who knows that format decides on it; who does not says that they are to be updated."""
    head = Head(3, "h")
    later = row(written(head), format=Head.highest + 1)

    read = unpack(later, Head)

    assert ("h", Head.highest + 1) == (read.hash, pack(read)["format"])
    assert (
        f"row key was written by a later release: it has format {Head.highest + 1}, "
        f"this release knows {Head.highest}; update this instance"
    ) == read.doubt
    assert unpack(later, Head, known=Head.highest + 1) == head
    assert pack(head, known=FORMAT + 1)["format"] == FORMAT + 1


@pytest.mark.parametrize(
    ("plain", "bars"),
    [
        (Head(3, "h"), {"renamed": "default/2"}),
        (VersionState("1", "0/a", "Staging", NOW), {"marked": Mark(3, "it fails")}),
        (VersionState("1", "0/a", "Staging", NOW), {"drifted": 3}),
        (
            VersionState("1", "0/a", "Staging", NOW),
            {"unratified": Unratified(3, "person:ada", "INC-1")},
        ),
    ],
)
def test_what_bars_something_has_the_format_that_only_this_release_knows(
    plain: Head | VersionState, bars: dict[str, object]
) -> None:
    """The release before decides nothing on it; once it is over, that one may again."""
    barring = replace(plain, **bars)
    values = pack(barring)

    assert (FORMAT, 2) == (pack(plain)["format"], values["format"])
    assert barring == unpack(Row("key", "1", values), type(plain))
    over = {name: getattr(plain, name) for name in bars}
    assert FORMAT == pack(replace(unpack(Row("key", "1", values), type(plain)), **over))["format"]


def test_a_row_of_a_higher_format_that_cannot_be_read_is_no_damage() -> None:
    """The next release may write it in another way altogether."""
    with pytest.raises(LaterReleaseError, match="update this instance"):
        unpack(row({"head": []}, format=Head.highest + 1), Head)
    with pytest.raises(LedgerDamagedError, match="Head has no number"):
        unpack(row({"head": []}), Head)
    with pytest.raises(LedgerDamagedError, match="row key holds no Head"):
        unpack(row(b"["), Head)


def test_a_record_that_a_later_release_writes_otherwise_is_no_damage() -> None:
    """It can be verified where it can be read."""
    with pytest.raises(LaterReleaseError, match="update this instance"):
        unpack_record(row(b"compressed", format=FORMAT + 1))
    with pytest.raises(LedgerDamagedError, match="key is no record"):
        unpack_record(row(b"compressed"))


def test_a_row_of_the_first_release_counts_as_format_0() -> None:
    """Its properties stay as they are when it gets one."""
    old = Row("key", "etag", {"digest": "d", "next": 7})

    assert format_of(old) == 0
    assert plain({"digest": "e"}, old) == {"format": FORMAT, "digest": "e", "next": 7}
    assert plain({"digest": "e"}) == {"format": FORMAT, "digest": "e"}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"asset": "a"}, ""),
        ({"asset": "a", "next": 1, "format": FORMAT}, ""),
        ({"what": "a"}, "row key is of a later release: it has no asset"),
        ({"asset": "a", "format": FORMAT + 1}, f"it has format {FORMAT + 1}"),
    ],
)
def test_a_row_without_a_value_is_known_by_its_properties(
    values: dict[str, Value], said: str
) -> None:
    """One that lacks what this release needs is a later one's."""
    found = foreign(Row("key", "etag", values), "asset")

    assert said in found
    assert bool(said) == bool(found)


def test_an_answer_of_a_later_release_is_given_again_or_not_at_all() -> None:
    """Further fields are left unread; another kind of answer is not taken for one of ours."""
    answer = Answer(AnswerKind.GRANTED, "v", "s", asked="a", verdicts=APPROVAL.verdicts)
    document = json.loads(encode(answer))
    document["next"] = document["verdicts"][0]["next"] = 1

    assert decode(json.dumps(document).encode(), "a").kind is AnswerKind.GRANTED
    document["kind"] = "postponed"
    with pytest.raises(LaterReleaseError, match="'kind' is 'postponed'; update this instance"):
        decode(json.dumps(document).encode(), "a")


def test_a_type_of_record_of_a_later_release_is_called_as_it_is() -> None:
    """It is in no list of types, and equal to none."""
    found = RecordType("Rehearsed")

    assert ("Rehearsed", "Rehearsed") == (str(found), found.value)
    assert found not in list(RecordType)
    assert "Rehearsed" not in RecordType.__members__
    with pytest.raises(ValueError, match="7 is not a valid RecordType"):
        RecordType(cast("str", 7))

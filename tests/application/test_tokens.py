"""Tokens sign in whom they name, for as long as they last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application import tokens
from stage_functions.application.ports.rows import LEDGER, Rows
from stage_functions.application.tokens import PARTITION, SHOWN, Token, holder, token_id
from stage_functions.domain.error import ConflictError, InvalidInputError, NotFoundError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def rows() -> Iterator[Rows]:
    """A store without tokens."""
    with closing(SQLiteRows(":memory:")) as store:
        yield store


def made(rows: Rows, id_: str, days: int = 0, expires: datetime | None = None) -> Token:
    """Make a token of ada's, so many days from now."""
    token = Token(id_, "ada", NOW + timedelta(days=days), expires, "laptop")
    tokens.create(rows, token)
    return token


def test_a_token_signs_in_its_person_and_no_other_text_does(rows: Rows) -> None:
    """Not even what the ledger keeps of it."""
    token = made(rows, token_id("stw_secret"))

    assert holder(rows, "stw_secret", NOW) == "ada"
    assert holder(rows, "stw_secre", NOW) == holder(rows, "", NOW) == ""
    assert holder(rows, token.id, NOW) == ""


def test_the_secret_is_not_kept(rows: Rows) -> None:
    """Whoever reads the ledger cannot sign in."""
    made(rows, token_id("stw_secret"))

    (row,) = rows.query(LEDGER, PARTITION)
    assert "stw_secret" not in str(row)
    assert token_id("stw_secret") == row.key


def test_a_token_ends_at_the_moment_that_it_says(rows: Rows) -> None:
    """Up to then it is good, from then on it is not."""
    end = NOW + timedelta(days=1)
    made(rows, token_id("stw_secret"), expires=end)

    assert holder(rows, "stw_secret", end - MOMENT) == "ada"
    assert holder(rows, "stw_secret", end) == ""


def test_a_token_is_made_once(rows: Rows) -> None:
    """A second one under the same id could be another person's."""
    made(rows, "a" * 64)

    with pytest.raises(ConflictError):
        made(rows, "a" * 64)


def test_tokens_are_listed_oldest_first_with_all_that_is_known(rows: Rows) -> None:
    """Whatever their ids."""
    last, first = made(rows, "a" * 64, days=2), made(rows, "b" * 64, days=1, expires=NOW)

    assert tokens.tokens(rows) == [first, last]


def test_a_token_is_revoked_by_the_beginning_of_its_id(rows: Rows) -> None:
    """In any case of letters; the others stay."""
    gone, kept = made(rows, token_id("stw_gone")), made(rows, token_id("stw_kept"))

    assert tokens.revoke(rows, gone.id[:SHOWN].upper()) == gone
    assert tokens.tokens(rows) == [kept]
    assert (holder(rows, "stw_gone", NOW), holder(rows, "stw_kept", NOW)) == ("", "ada")


def test_a_beginning_that_names_no_one_token_revokes_none(rows: Rows) -> None:
    """Too short, unknown, or several's."""
    same = "c" * (SHOWN + 1)
    both = [made(rows, same + "1"), made(rows, same + "2", days=1)]

    with pytest.raises(InvalidInputError, match="too short"):
        tokens.revoke(rows, same[: SHOWN - 1])
    with pytest.raises(NotFoundError, match="begins with 'dddddddd'"):
        tokens.revoke(rows, "d" * SHOWN)
    with pytest.raises(InvalidInputError, match="2 tokens"):
        tokens.revoke(rows, same)
    assert tokens.tokens(rows) == both

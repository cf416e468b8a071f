"""Tokens that people sign in with, where no identity provider stands in front.

The ledger keeps the SHA-256 of a token and never the token. A token names a person of the
configuration; whether that person is still there is judged at every use.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from stage_functions.application.codec import pack, unpack
from stage_functions.application.ports.rows import ANY_ETAG, LEDGER, Delete, Insert, Rows
from stage_functions.domain.error import InvalidInputError, NotFoundError
from stage_functions.domain.stored import Whole, demand_understood

PARTITION = "tokens"
PREFIX = "stw_"
SHOWN = 8
"""Characters of the hash that lists show, and that revoking takes at least."""


class Token(Whole, frozen=True):
    """A token, as lists show it.

    Attributes:
        id: SHA-256 of the token, in hexadecimal.
        person: key of whom it signs in.
        created: when it was made.
        expires: when it ends, or None.
        note: what it is for, in the words of who made it.
    """

    id: str
    person: str
    created: datetime
    expires: datetime | None = None
    note: str = ""


def token_id(secret: str) -> str:
    """Return what the ledger keeps of a token."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create(rows: Rows, token: Token) -> None:
    """Remember a new token.

    Raises:
        ConflictError: it exists.
        StoreUnavailableError, UnknownOutcomeError: as the store says.
    """
    rows.commit(LEDGER, PARTITION, [Insert(token.id, pack(token))])


def holder(rows: Rows, secret: str, now: datetime) -> str:
    """Return the key of the person whom a token signs in; "" where it signs in nobody."""
    return holder_of(rows, token_id(secret), now)


def holder_of(rows: Rows, id_: str, now: datetime) -> str:
    """Return the key of the person whom the token of an id signs in; "" where it is nobody.

    Raises:
        LaterReleaseError: a later release has bound it to something that is not known here.
    """
    row = rows.get(LEDGER, PARTITION, id_)
    if row is None:
        return ""
    token = unpack(row, Token)
    demand_understood(token)
    return token.person if token.expires is None or now < token.expires else ""


def tokens(rows: Rows) -> list[Token]:
    """Return all tokens, oldest first."""
    found = [unpack(row, Token) for row in rows.query(LEDGER, PARTITION, limit=10_000)]
    return sorted(found, key=lambda token: token.created)


def revoke(rows: Rows, id_: str) -> Token:
    """Remove a token, named by the beginning of its id.

    Raises:
        InvalidInputError: too short, or several begin so.
        NotFoundError: none begins so.
    """
    if len(id_) < SHOWN:
        message = f"'{id_}' is too short: name a token by at least {SHOWN} characters of its id"
        raise InvalidInputError(message)
    found = [token for token in tokens(rows) if token.id.startswith(id_.lower())]
    if not found:
        message = f"no token has an id that begins with '{id_}'; `stageward token list` shows them"
        raise NotFoundError(message)
    if len(found) > 1:
        message = f"{len(found)} tokens have an id that begins with '{id_}'; give more of it"
        raise InvalidInputError(message)
    rows.commit(LEDGER, PARTITION, [Delete(found[0].id, ANY_ETAG)])
    return found[0]

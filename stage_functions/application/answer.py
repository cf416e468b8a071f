"""The answer to a command, as callers get it and as the ledger keeps it under the operation id."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec import Struct

from stage_functions.application.beyond import read
from stage_functions.domain.error import InvalidInputError, LaterReleaseError
from stage_functions.domain.rule import Verdict


class AnswerKind(StrEnum):
    """How a command ended."""

    GRANTED = "granted"
    UNCHANGED = "unchanged"
    PENDING = "pending"
    REFUSED = "refused"
    VOTED = "voted"
    CLOSED = "closed"
    ACKNOWLEDGED = "acknowledged"
    REVIEWED = "reviewed"


class Answer(Struct, frozen=True):
    """How a command ended.

    Attributes:
        kind: in a word.
        version: `registry/kind/name:version`.
        stage: where the version stands now.
        detail: the same in a sentence.
        approval: id of the approval that waits, was voted on or closed, or "".
        status: of that approval, or "".
        needs: what it still waits for, in words.
        waits_for: the same in a sentence: who may not vote, and if it is in vain, too.
        renews: the approval is of a renewal: no stage changes by it.
        ratifies: the approval ratifies an emergency: no stage changes when it is given.
        allowed: stages that may be asked for, where it was refused.
        verdicts: of the rules, where they were asked.
        displaces: versions that left the stage for this one.
        record: number of the last record that this made, or 0.
        fingerprint: of the approval, or "".
        asked: digest of the command that it answers.
    """

    kind: AnswerKind
    version: str
    stage: str
    detail: str = ""
    approval: str = ""
    status: str = ""
    needs: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    displaces: tuple[str, ...] = ()
    record: int = 0
    fingerprint: str = ""
    asked: str = ""
    waits_for: str = ""
    renews: bool = False
    ratifies: bool = False


def encode(answer: Answer) -> bytes:
    """Return an answer as the ledger keeps it."""
    return msgspec.json.encode(answer)


def decode(data: bytes, asked: str) -> Answer:
    """Return an answer that the ledger kept for an operation.

    Args:
        data: as `encode` made it.
        asked: digest of the command that now bears the operation's id.

    Raises:
        InvalidInputError: the id was used for another command.
        LaterReleaseError: a later release has answered in a way that is not known here.
    """
    answer, doubt = read(data, Answer)
    if doubt:
        message = f"a later release has answered this already, and {doubt}; update this instance"
        raise LaterReleaseError(message)
    if answer.asked != asked:
        message = (
            f"this Idempotency-Key was used for another request, of {answer.version}; "
            "take a new one for every request"
        )
        raise InvalidInputError(message)
    return answer

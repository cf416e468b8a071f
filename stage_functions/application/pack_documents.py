"""The documents of a pack that are no records: approvals, and what records name by digest."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping

from msgspec import Struct

from stage_functions.application.ledger import Ledger
from stage_functions.domain.approval import Approval, Vote
from stage_functions.domain.error import LaterReleaseError, LedgerDamagedError
from stage_functions.domain.lifecycle import ApprovalPolicy
from stage_functions.domain.record import Json, actor_document, canonical, timestamp
from stage_functions.domain.rule import Verdict

LIFECYCLES, EVIDENCE, BESIDE, BINDINGS = "lifecycles", "evidence", "beside", "bindings"
_ALGORITHM = "sha256:"


class Document(Struct, frozen=True):
    """A document by its digest.

    Attributes:
        folder: of the pack: what it is.
        digest: `sha256:<hex>`, as records and approvals name it.
        body: the bytes that were hashed; None where the ledger does not have them.
        why: what is wrong with it, or "".
    """

    folder: str
    digest: str
    body: bytes | None
    why: str = ""

    @property
    def name(self) -> str:
        """Its file's name."""
        return file_of(self.folder, self.digest)


def file_of(folder: str, digest: str) -> str:
    """Return the name of the file that has a document."""
    return f"{folder}/{digest.removeprefix(_ALGORITHM)}.json"


def of_ledger(ledger: Ledger, wanted: Mapping[str, Iterable[str]]) -> list[Document]:
    """Return documents that the ledger keeps by digest, or why it does not have them.

    Args:
        ledger: the ledger.
        wanted: digests by the folder that they belong to.

    Raises:
        StoreUnavailableError: the ledger cannot be read now.
    """
    return [
        _document(ledger, folder, digest)
        for folder, digests in sorted(wanted.items())
        for digest in sorted({*digests} - {""})
    ]


def binding_of(approval: Approval) -> Document:
    """Return what an approval is bound to, in the bytes that its fingerprint is over."""
    return Document(BINDINGS, approval.fingerprint, canonical(approval.binding.document()))


def _document(ledger: Ledger, folder: str, digest: str) -> Document:
    try:
        body = ledger.blob(digest)
    except (zlib.error, LedgerDamagedError, LaterReleaseError) as exc:
        return Document(folder, digest, None, f"the ledger's copy cannot be read: {exc}")
    if body is None:
        return Document(folder, digest, None, "the ledger does not have it")
    known = f"{_ALGORITHM}{hashlib.sha256(body).hexdigest()}"
    altered = "" if known == digest else f"the ledger's copy was altered: its SHA-256 is {known}"
    return Document(folder, digest, body, altered)


def approval_document(asset: str, approval: Approval) -> dict[str, Json]:
    """Return an approval as packs carry it: in the words and forms of records."""
    bound = approval.binding
    told: dict[str, Json] = {
        "id": approval.id,
        "asset": asset,
        "version": approval.version,
        "status": str(approval.status),
        "why": approval.why,
        "opened": timestamp(approval.opened),
        "deadline": timestamp(approval.deadline),
        "requester": actor_document(approval.requester),
        "sponsored": approval.sponsored,
        "candidates": list(approval.candidates),
        "candidates_known_late": list(approval.late),
        "author": approval.author,
        "trainers": list(approval.trainers),
        "reason": approval.reason,
        "fingerprint": approval.fingerprint,
        "binding": bound.document(),
        "lifecycle": {"name": approval.lifecycle, "digest": bound.lifecycle},
        "demands": _policy(approval.policy),
        "verdicts": [_verdict(one) for one in approval.verdicts],
        "votes": [_vote(one) for one in approval.votes],
        "renews": approval.renews,
    }
    moments = {
        "closed": approval.closed,
        "escalated": approval.escalated,
        "valid_until": approval.valid_until,
        "ended": approval.ended,
    }
    texts = {
        "on_behalf_of": approval.on_behalf_of,
        "compared_with": approval.holder,
        "compared_evidence": approval.holder_evidence,
        "beside": approval.beside,
    }
    told |= {key: timestamp(at) for key, at in moments.items() if at is not None}
    told |= {key: text for key, text in texts.items() if text}
    return told | ({"ratifies": approval.ratifies} if approval.ratifies else {})


def readable(document: object) -> bytes:
    """Return a document that nothing hashes as JSON that people read, the same every time."""
    return json.dumps(document, ensure_ascii=False, indent=1).encode(errors="replace") + b"\n"


def whose(approval: Approval) -> set[str]:
    """Return the ids of everybody whom an approval names."""
    named = {approval.requester.id, approval.on_behalf_of, approval.author, *approval.trainers}
    return named | {*approval.candidates, *approval.late, *(one.voter for one in approval.votes)}


def _vote(vote: Vote) -> dict[str, Json]:
    return {
        "voter": vote.voter,
        "decision": str(vote.decision),
        "comment": vote.comment,
        "at": timestamp(vote.at),
        "groups": list(vote.groups),
        "assurance": str(vote.assurance),
        "fingerprint": vote.fingerprint,
    }


def _verdict(verdict: Verdict) -> dict[str, Json]:
    return {
        "rule": verdict.rule,
        "says": verdict.says,
        "result": str(verdict.result),
        "values": dict(verdict.values),
        "error": verdict.error,
    }


def _policy(policy: ApprovalPolicy) -> dict[str, Json]:
    further = policy.escalate
    told: dict[str, Json] = {
        "quorum": policy.quorum,
        "groups": dict(policy.groups),
        "exclude": [str(one) for one in policy.exclude],
        "expires_seconds": int(policy.expires.total_seconds()),
        "remind_seconds": [int(one.total_seconds()) for one in policy.remind],
        "assurance": str(policy.assurance),
    }
    if further is not None:
        told["escalate"] = {"after_seconds": int(further.after.total_seconds()), "to": further.to}
    if policy.valid_for is not None:
        told["valid_for_seconds"] = int(policy.valid_for.total_seconds())
        told["when_invalid"] = str(policy.when_invalid)
    return told

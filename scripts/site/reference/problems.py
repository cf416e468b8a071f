"""What a problem's type says, of the code that answers it: none is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import stage_functions
from scripts.site.reference.markdown import blocks, code, prose, table

_SOURCES = Path(stage_functions.__file__).parent
_SAID = (
    re.compile(r"problem\(\s*(\d{3}), \"([a-z-]+)\""),
    re.compile(r"Error, (\d{3}), \"([a-z-]+)\""),
    re.compile(r"NotAllowedNowError\([^()]*()code=\"([a-z-]+)\""),
    re.compile(r"()code = \"([a-z-]+)\" if idle"),
    re.compile(r"NO_ROLLBACK()\b = \"([a-z-]+)\""),
)
_NOT_NOW = 409
_MEANS: Mapping[str, str] = {
    "already-voted": "you have voted on it; a vote cannot be changed",
    "approval-closed": "it is decided, withdrawn, voided or expired",
    "blocked": "the version was edited from outside at a frozen stage: acknowledge that first",
    "body-too-large": "the body is larger than is taken",
    "configuration": "the configuration or the environment of Stageward is wrong",
    "conflict": "not in the present state; `detail` says why",
    "dead-letters-missing": "the container of dead letters is not there",
    "dead-letters-refused": "Stageward may not read the container of dead letters",
    "denied": "this person may not; `detail` says who may",
    "fault": "a fault of Stageward; its log says which",
    "has-requester": "it needs no sponsor",
    "held": "what is kept of it is held for a case",
    "import-unclear": "something is to be decided first; `unclear` says what",
    "invalid": "a value cannot be taken; `errors` says which",
    "later-release": "a later release wrote what this one does not understand: update it",
    "ledger-unavailable": "the ledger cannot be reached now",
    "lifecycle-nothing-waits": "no change of this lifecycle waits for consent",
    "link-ended": "the personal link is used up or too old",
    "malformed": "the body is not JSON, or cannot be read",
    "method-not-allowed": "there is no such call at this address",
    "no-rollback": "there is nothing that may be brought back; `detail` says why",
    "no-such-address": "there is no such address",
    "not-found": "there is no such registry, asset, version, approval, …",
    "not-signed-in": "nobody is signed in, or the token has ended",
    "nothing-to-acknowledge": "nothing was edited, or it is acknowledged",
    "nothing-to-review": "its stage is not reviewed: it has no `review_every`",
    "other-ledger": "the tags are of another ledger: resolve the registry first",
    "refused": "the transition was refused; `decision` has the verdicts, and what may be asked for",
    "registry-observed": "the registry is not governed: it is observed, not imported, or stopped",
    "registry-refused": "the registry refuses for good: rights, a policy",
    "registry-unavailable": "the registry cannot be reached now",
    "sink-refused": "the receiver of events refuses for good",
    "stale": "it was decided on something that has changed since: look again",
    "too-large": "a value is too large to be kept",
    "try-again": "it was not decided, or it is not known whether it was: send it again",
    "version-stopped": "its tags contradict this ledger, so nothing is written to it: resolve",
}


class UntoldError(Exception):
    """A problem that is answered is told nowhere."""


def answered() -> dict[str, int]:
    """Return the status of each problem that the code answers, by its code."""
    found: dict[str, int] = {}
    for one in sorted(_SOURCES.rglob("*.py")):
        found |= dict(_in(one.read_text(encoding="utf-8")))
    return found


def _in(text: str) -> Iterator[tuple[str, int]]:
    for pattern in _SAID:
        for status, name in pattern.findall(text):
            yield name, int(status or _NOT_NOW)


def section() -> str:
    """Return the part of a page that tells of problems.

    Raises:
        UntoldError: the words for a code are missing, or a code is not answered any more.
    """
    found = answered()
    wrong = sorted(found.keys() ^ _MEANS.keys())
    if wrong:
        msg = (
            f"{', '.join(wrong)}: scripts/site/reference/problems.py has it, or the code, not both"
        )
        raise UntoldError(msg)
    rows = sorted((status, name) for name, status in found.items())
    return blocks(
        "## Problems",
        "Every error is a [Problem](#document-Problem). Its `type` is `urn:stageward:problem:` and "
        "one of these, which stay as they are; `detail` is for people. With 503 `Retry-After` says "
        "when to ask again; take the same Idempotency-Key.",
        table(
            ("answer", "type", "means"),
            [(code(status), code(name), prose(_MEANS[name])) for status, name in rows],
        ),
    ).strip()

"""On what a transition is judged, as records carry it."""

from __future__ import annotations

from msgspec import Struct

from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.people import STAGEWARD, Actor, Attribution
from stage_functions.domain.record import Json
from stage_functions.domain.rule import Verdict

ITSELF = Actor(STAGEWARD, Attribution.PROVEN, "itself")
"""Stageward as the actor of what nobody asked for: expiry, voiding, put-backs."""


class Grounds(Struct, frozen=True):
    """On what a transition is judged, as records carry it.

    Attributes:
        lifecycle: the one in force.
        verdicts: of the rules.
        evidence: digest of the evidence document, or "".
        fingerprint: of the binding, or "".
    """

    lifecycle: Lifecycle
    verdicts: tuple[Verdict, ...] = ()
    evidence: str = ""
    fingerprint: str = ""

    def document(self) -> dict[str, Json]:
        """Return the grounds as records carry them; what is unknown is left out."""
        document: dict[str, Json] = {"lifecycle": lifecycle_document(self.lifecycle)}
        if self.verdicts:
            document["verdicts"] = [_verdict(verdict) for verdict in self.verdicts]
        if self.evidence:
            document["evidence"] = self.evidence
        if self.fingerprint:
            document["fingerprint"] = self.fingerprint
        return document


def lifecycle_document(lifecycle: Lifecycle) -> dict[str, Json]:
    """Return a lifecycle as records refer to it."""
    return {"name": lifecycle.name, "digest": lifecycle.digest}


def _verdict(verdict: Verdict) -> dict[str, Json]:
    document: dict[str, Json] = {
        "rule": verdict.rule,
        "result": str(verdict.result),
        "values": dict(verdict.values),
    }
    return {**document, "error": verdict.error} if verdict.error else document

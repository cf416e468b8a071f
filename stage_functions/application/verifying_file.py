"""Whether the histories in a file are whole, by themselves and by a proof beside them.

A file of records has no head, so a tail that was cut is not found, unless a proof says how far the
history had got: that the end of a history is under an anchor that was kept elsewhere. A backup has
the heads, and a pack says where its histories end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import groupby

from msgspec import Struct

from stage_functions.application.verifying import Verified
from stage_functions.domain.anchor import Anchor, Inclusion
from stage_functions.domain.chain import Broken, Fault, Found, verify_found
from stage_functions.domain.record import Tail, minute


class Lying(Struct, frozen=True):
    """A history as it lies in a file.

    Attributes:
        ledger: the id of its ledger, as the file says.
        name: the asset, `lifecycle:<name>` or `ledger`, as the file says.
        found: what stands there, to be read once, before the next history is asked for.
        head: returns where it should end, once that was read; None where the file says no ends.
        why: what is wrong with the head itself once that was asked for, or "".
    """

    ledger: str
    name: str
    found: Iterable[Found]
    head: Callable[[], Tail | None] | None = None
    why: Callable[[], str] = str


class InFile(Struct, frozen=True):
    """What the verification of a history in a file came to.

    Attributes:
        ledger: the id of its ledger, as its first record says.
        verified: what it came to.
        proven: up to which record it is as it was anchored, in a sentence; "" for none.
        ends: the file says where it should end.
    """

    ledger: str
    verified: Verified
    proven: str = ""
    ends: bool = False


def check_file(
    found: Iterable[Found],
    proof: Inclusion | None = None,
    anchors: Collection[Anchor] | None = None,
) -> Iterator[InFile]:
    """Verify the histories in a file, one after the other.

    Args:
        found: what stands there. A history begins with its record 1.
        proof: that the end of one of them was under an anchor.
        anchors: as they were kept elsewhere; None where they are not at hand, and then a proof only
            proves what whoever made it says.
    """
    return check_lying(lying(found), {proof.end.name: proof} if proof else {}, anchors)


def lying(found: Iterable[Found]) -> Iterator[Lying]:
    """Yield the histories of a file of records: each begins with its record 1."""
    for (ledger, name), stream in groupby(found, key=_Histories()):
        yield Lying(ledger, name, stream)


def check_lying(
    histories: Iterable[Lying],
    proofs: Mapping[str, Inclusion],
    anchors: Collection[Anchor] | None = None,
) -> Iterator[InFile]:
    """Verify histories, one after the other; proofs are by the names of histories."""
    for one in histories:
        watched = _Watched(one.found, proofs.get(one.name))
        fault = verify_found(one.ledger, one.name, watched, head=one.head)
        proven, beside = "", tuple(filter(None, [one.why()]))
        if watched.proof is not None and fault is None:
            proven, wrong, fault = _proven(watched, watched.proof, one.ledger, anchors)
            beside += wrong
        yield InFile(
            one.ledger,
            Verified(one.name, watched.records, watched.number, watched.hash, fault, beside),
            proven,
            ends=one.head is not None,
        )


class _Histories:
    """Tells of each record which history it stands in: a new one begins with record 1 of it."""

    def __init__(self) -> None:
        self._current = ("", "")

    def __call__(self, found: Found) -> tuple[str, str]:
        record = found.record
        if record is not None and (record.number == 1 or self._current == ("", "")):
            content = record.content
            self._current = (str(content.get("ledger", "")), str(content.get("asset", "")))
        return self._current


class _Watched:
    """Passes on what is found, and remembers how far it got, and what a proof speaks of."""

    def __init__(self, found: Iterable[Found], proof: Inclusion | None) -> None:
        self._found = found
        self.proof = proof
        self.records = 0
        self.number = 0
        self.hash = ""
        self.hash_there = ""

    def __iter__(self) -> Iterator[Found]:
        for one in self._found:
            yield one
            record = one.record
            if record is None:  # only when the next one is asked for: it was sound
                continue
            self.records += 1
            self.number, self.hash = record.number, record.hash
            if self.proof is not None and record.number == self.proof.end.number:
                self.hash_there = record.hash


def _proven(
    watched: _Watched, proof: Inclusion, ledger: str, anchors: Collection[Anchor] | None
) -> tuple[str, tuple[str, ...], Fault | None]:
    """Return what a proof says, what is wrong with it, and the bad record that it shows."""
    end, at = proof.end, minute(proof.anchor.at)
    if not proof.holds or proof.anchor.ledger != ledger:
        return "", (f"the proof does not lead to the anchor of {at}",), None
    if anchors is not None and all(one.digest != proof.anchor.digest for one in anchors):
        return "", (f"the anchor of the proof, of {at}, is not among those that were kept",), None
    if watched.number < end.number:
        why = f"record {end.number} was anchored {at}, the records end at {watched.number}"
        return "", (), Fault(watched.number + 1, why, Broken.CUT)
    if watched.hash_there != end.hash:
        why = f"record {end.number}, anchored {at}, is another one: the history was rewritten"
        return "", (), Fault(end.number, why)
    kept = "as anchored" if anchors is not None else "as its proof says (no anchors were given)"
    return f"{kept} {at} up to record {end.number}", (), None

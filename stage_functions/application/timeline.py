"""Records in words: what happened, who did it, why, and under which lifecycle. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from stage_functions.domain.foreseen import foreseen
from stage_functions.domain.lifecycle import OnViolation
from stage_functions.domain.record import Json, Record, RecordType

DIGEST_CHARACTERS = 12
_ALGORITHM = "sha256:"
_ITSELF = "itself"
"""How what Stageward does of itself arrives."""
_CLOSED_BY = re.compile(r"((?:rejected|withdrawn) by \S+): (.+)", re.DOTALL)
"""What a closed approval says: the system's words, then the person's."""


class Said(Struct, frozen=True):
    """A rule's answer, as a record carries it.

    Attributes:
        rule: the rule's name.
        result: passed, failed or errored.
        values: what it saw, by expression.
        error: why it could not be evaluated, or "".
    """

    rule: str
    result: str
    values: Mapping[str, str]
    error: str


class Moment(Struct, frozen=True):
    """A record, as a timeline shows it.

    Attributes:
        number: its place in the history.
        type: of the record.
        at: when.
        version: whose it is; "" for a lifecycle's.
        what: what happened, in a sentence without its end.
        tone: `good`, `bad`, `wait` or "".
        actor: id of who did it; "" where nobody is known.
        attribution: proven, inferred or none.
        via: how it arrived.
        requester: id of who asked, where that is not who did it.
        on_behalf_of: id of the person it was asked for, or "".
        quote: what a person wrote, word for word, or "".
        why: what Stageward says of it, or "".
        approval: id of the approval that it is about, or "".
        lifecycle: name and short digest of the one in force, or "".
        digest: of that one, whole.
        verdicts: of the rules.
        because_of: number of the record that caused it, or 0.
        origin: `registry/kind/name:version` of what it was copied from, or "".
        origin_record: number of the record that granted the stage where the copy began, or 0.
    """

    number: int
    type: str
    at: datetime
    version: str
    what: str
    tone: str
    actor: str
    attribution: str
    via: str
    requester: str
    on_behalf_of: str
    quote: str
    why: str
    approval: str
    lifecycle: str
    digest: str
    verdicts: tuple[Said, ...]
    because_of: int
    origin: str = ""
    origin_record: int = 0


def moment(record: Record) -> Moment:
    """Return a record as a timeline shows it; fields of a later release are left out."""
    content = record.content
    actor, lifecycle = _map(content, "actor"), _map(content, "lifecycle")
    requester = _text(_map(content, "requester"), "id")
    acting, digest = _text(actor, "id"), _text(lifecycle, "digest")
    what, tone = _sentence(record)
    quote, why = _words(record)
    short = digest.removeprefix(_ALGORITHM)[:DIGEST_CHARACTERS]
    return Moment(
        number=record.number,
        type=_text(content, "type"),
        at=record.at,
        version=record.version,
        what=what,
        tone=tone,
        actor=acting,
        attribution=_text(actor, "attribution"),
        via=_text(actor, "via"),
        requester=requester if requester != acting else "",
        on_behalf_of=_text(content, "on_behalf_of"),
        quote=quote,
        why=why,
        approval=_text(content, "approval"),
        lifecycle=f"{_text(lifecycle, 'name')} {short}" if digest else "",
        digest=digest,
        verdicts=tuple(_said(one) for one in _list(content, "verdicts")),
        because_of=_number(content, "because_of"),
        origin=_text(_map(content, "origin"), "version"),
        origin_record=_number(_map(content, "origin"), "number"),
    )


def _sentence(record: Record) -> tuple[str, str]:
    """Return what happened, and its tone; a table has the plain ones."""
    if not record.known:
        return f"{record.type}, which only a later release can tell", ""
    copied_from = _text(_map(record.content, "origin"), "version")
    if copied_from:
        return f"begins at {_text(record.content, 'to')}, as a copy of {copied_from}", "good"
    plain = _PLAIN.get(record.type)
    if plain is not None:
        text, tone = plain
        content = {key: _text(record.content, key) for key in _FILLED}
        return text.format(**{f"{key}_": value for key, value in content.items()}), tone
    return _told(record)


_FILLED = ("from", "to", "outcome", "status", "hold", "incident")
"""Fields that a plain sentence may name."""
_PLAIN: Mapping[RecordType, tuple[str, str]] = {
    RecordType.IMPORTED: ("imported at {to_}, without approval", ""),
    RecordType.TRANSITION_REFUSED: ("refused: {from_} → {to_}", "bad"),
    RecordType.SPONSORED: ("sponsored the request", "wait"),
    RecordType.REMINDED: ("reminded whoever may still vote", "wait"),
    RecordType.ESCALATED: ("{to_} may vote as well from now on", "wait"),
    RecordType.VALIDITY_ENDED: ("the approval is no longer valid", "bad"),
    RecordType.RENEWED: ("the approval was renewed", "good"),
    RecordType.EMERGENCY_USED: ("used an emergency: {incident_}", "bad"),
    RecordType.RATIFIED: ("the emergency was ratified", "good"),
    RecordType.DELETED: ("deleted at {from_}", "bad"),
    RecordType.ACKNOWLEDGED: ("took note of what was edited from outside", "good"),
    RecordType.REVIEW_DUE: ("its review is due, and whoever may review it is told", "wait"),
    RecordType.REVIEW_LAPSED: ("its review was not made in time", "bad"),
    RecordType.REVIEWED: ("reviewed it", "good"),
    RecordType.LIFECYCLE_ADOPTED: ("the lifecycle's text is in force", ""),
    RecordType.HOLD_PLACED: ("held for {hold_}: nothing of it may be removed", "wait"),
    RecordType.HOLD_LIFTED: ("no longer held for {hold_}", ""),
}


def _told(record: Record) -> tuple[str, str]:
    """Return what happened, where it depends on more than the type."""
    content = record.content
    target = _text(content, "to")
    if record.type is RecordType.REGISTERED:
        return f"registered at {target}{_before(content)}", ""
    if record.type is RecordType.VOTED:
        against = _text(content, "decision") == "reject"
        return ("voted to reject", "bad") if against else ("voted to approve", "good")
    if record.type is RecordType.APPROVAL_CLOSED:
        status = _text(content, "status")
        return f"request {status}", "good" if status == "approved" else "bad"
    if record.type is RecordType.APPROVAL_REQUESTED:
        return _wish(content), "wait"
    if record.type is RecordType.OBSERVED:
        return _observed(content)
    if record.type is RecordType.VIOLATED:
        return _violated(content), "bad"
    if record.type is RecordType.STAGE_CHANGED:
        return _changed(content)
    return _drift(content), "bad"


_CHANGED_BY = {
    "rolled_back": ", by a rollback",
    "emergency": ", at once, by an emergency",
    "reverted": ", since the emergency was not ratified",
    "renamed": ", which is what its stage is called now",
}


def _changed(content: Mapping[str, Json]) -> tuple[str, str]:
    """Return how a stage changed, and the tone."""
    source, target = _text(content, "from"), _text(content, "to")
    displaced = _text(content, "displaced_by")
    by = _CHANGED_BY.get(_text(content, "why"), "")
    if displaced:
        out = "rolls_back" in content
        how = "taken out by a rollback to" if out else "displaced by"
        by = f", {how} version {displaced}"
    marked = ", marked: to be reviewed before it may return" if "marked" in content else ""
    quiet = displaced or "reverts" in content
    return f"{source} → {target}{by}{marked}", "" if quiet else "good"


def _wish(content: Mapping[str, Json]) -> str:
    source, target = _text(content, "from"), _text(content, "to")
    if "ratifies" in content:
        return f"asked to ratify {source} → {target}"
    same = source == target
    return f"asked that {target} stays approved" if same else f"asked for {source} → {target}"


def _before(content: Mapping[str, Json]) -> str:
    """Return what a version was before it was registered, where that is known."""
    source, anonymous = _text(content, "from"), _text(content, "anonymous")
    output = _map(content, "output")
    if output:
        return f", from {source}: output {_text(output, 'name')} of job {_text(output, 'job')}"
    if anonymous:
        return f", from {source}: {anonymous}"
    if job := _text(content, "job"):
        return f", from {source}: something of job {job}"
    return f", from {source}" if source else ""


def _observed(content: Mapping[str, Json]) -> tuple[str, str]:
    """Return what was seen: by the by, or of an approval that is open."""
    if _text(content, "approval"):
        return "wrote to it too before it was asked", "wait"
    return f"observed {foreseen(content)[0]}", ""


def _violated(content: Mapping[str, Json]) -> str:
    source, endpoint = _text(content, "from"), _text(content, "endpoint")
    if not endpoint:
        return f"a rule of {source} was broken"
    what = f"deployed to {endpoint} ({_text(content, 'deployment')}) while at {source}"
    taken = _text(content, "then") == OnViolation.ZERO_TRAFFIC
    return f"{what}: that deployment is to get no more requests" if taken else what


def _drift(content: Mapping[str, Json]) -> str:
    unreached = _text(content, "copy_to")
    if unreached:
        return f"not copied to {unreached}"
    changes = [str(one) for one in _list(content, "changes")]
    if changes:
        more = f" and {len(changes) - _SHOWN_CHANGES} more" if changes[_SHOWN_CHANGES:] else ""
        return f"edited from outside: {'; '.join(changes[:_SHOWN_CHANGES])}{more}"
    found, granted = _text(content, "found"), _text(content, "granted")
    if found and granted:
        return f"it showed {found}, where {granted} is granted"
    return "its tags show what nobody was granted"


def _words(record: Record) -> tuple[str, str]:
    """Return what a person wrote, and what Stageward says; they are never one text."""
    content = record.content
    wrote = _text(content, "comment") or _text(content, "reason")
    told = [_text(content, key) for key in ("detail", "why", "grounds")]
    if record.type in _TOLD_WHOLE:
        told = []
    elif record.type is RecordType.OBSERVED and not _text(content, "approval"):
        told = [foreseen(content)[1]]
    elif record.type is RecordType.APPROVAL_CLOSED:
        found = _CLOSED_BY.fullmatch(told[1])
        wrote, told = (found[2], [found[1]]) if found else ("", told)
    else:
        needs = ", ".join(str(one) for one in _list(content, "needs"))
        told.append(f"needs {needs}" if needs else "")
    if _ITSELF in (_text(_map(content, who), "via") for who in ("actor", "requester")):
        wrote, told = "", [wrote, *told]
    return wrote, "; ".join(dict.fromkeys(part for part in told if part))


_SHOWN_CHANGES = 5
"""Of what was edited of a version at a frozen stage, in one sentence."""
_TOLD_WHOLE = (RecordType.REGISTERED, RecordType.IMPORTED, RecordType.STAGE_CHANGED)
"""Their sentence says all that Stageward has to say."""


def _said(verdict: Json) -> Said:
    found = verdict if isinstance(verdict, Mapping) else {}
    values = {str(key): str(value) for key, value in _map(found, "values").items()}
    return Said(_text(found, "rule"), _text(found, "result"), values, _text(found, "error"))


def _text(content: Mapping[str, Json], key: str) -> str:
    value = content.get(key, "")
    return value if isinstance(value, str) else str(value)


def _map(content: Mapping[str, Json], key: str) -> Mapping[str, Json]:
    value = content.get(key)
    return value if isinstance(value, Mapping) else {}


def _list(content: Mapping[str, Json], key: str) -> Sequence[Json]:
    value = content.get(key)
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _number(content: Mapping[str, Json], key: str) -> int:
    value = content.get(key)
    return value if isinstance(value, int) else 0

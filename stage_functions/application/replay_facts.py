"""What a rule may read of a version as it was when a request was decided; nothing is guessed.

- Evidence is kept by its digest, which the record has.
- What an approval is bound to (tags under `bind`, properties, description) is kept with it. Where
  there was none, what the registry shows today counts if the fingerprint proves that it is that.
- A verdict of a rule that is written as it was is the verdict that was recorded.
- Anything else is unknown, and with it the answer of a rule that names it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.application.context import Context
from stage_functions.domain.approval import Approval, Binding
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.error import StagewardError
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.facts import calendars, facts
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.replay_history import Past
from stage_functions.domain.rule import ABSENT, NOBODY_HOLDS, Result, Rule, Verdict
from stage_functions.domain.transition import Request

_BOUND = ("tags", "properties", "description")
_VERSION = re.compile(r"(?<![.\w])version\b(?:\.(\w+))?")
_OF_TIME = ("now", "calendars")
_OF_HOLDER = ("holder.created_at", "holder.author")
_ELSEWHERE = {
    "used_by": "who used it then is not kept",
    "uses": "at which stage stood then what it uses is not kept",
}


class Then(Struct, frozen=True):
    """A version at the moment of a request, and what of it is not known.

    Attributes:
        snapshot: as its registry showed it, as far as is known.
        unknown: what of that is not known, each with the reason.
        evidence: what was known of it, or None.
        holder: the version that held the target stage, with its evidence; None for none.
        held: why that is not known, or "".
    """

    snapshot: Snapshot
    unknown: Mapping[str, str]
    evidence: Evidence | None
    holder: tuple[Snapshot, Evidence] | None = None
    held: str = ""


class Unknown(Struct, frozen=True):
    """A rule whose answer cannot be known.

    Attributes:
        rule: its name.
        why: in words.
    """

    rule: str
    why: str


class Old(Struct, frozen=True):
    """The lifecycle that a request was decided by, as far as it is read here.

    Attributes:
        rules: as written, by name.
        bind: globs over the tags that were bound.
        stages: their names.
        ways: from which stage to which a transition led.
    """

    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    bind: tuple[str, ...] = ()
    stages: frozenset[str] = frozenset()
    ways: frozenset[tuple[str, str]] = frozenset()


def old(context: Context, digest: str) -> Old | None:
    """Return the lifecycle that has a digest; None where its text is not kept."""
    document = context.ledger.blob(digest) if digest else None
    if document is None:
        return None
    text: Mapping[str, Any] = msgspec.json.decode(document)
    ways = frozenset((one["from"], one["to"]) for one in text.get("transitions", ()))
    return Old(
        text.get("rules", {}), tuple(text.get("bind", ())), frozenset(text.get("stages", ())), ways
    )


def then(
    context: Context,
    lifecycle: Lifecycle,
    version: Version,
    past: Past,
    approval: Approval | None,
    before: Old | None,
) -> Then:
    """Return what is known of a version at the moment of a request."""
    created = past.created_at or past.record.at
    bare = Snapshot(version, created, past.state.content, {})
    evidence = kept(context, past.text("evidence"))
    holder, held = _holder(context, lifecycle, version, past, approval)
    snapshot, unknown = _shown(context, bare, past, approval, before)
    bind = before.bind if before is not None else ()
    further = [glob for glob in lifecycle.bind if glob not in bind]
    if further:
        unknown = {"tags": f"tags under {', '.join(further)} were not bound then", **unknown}
    if past.created_at is None:
        unknown = {**unknown, "created_at": "when its registry made it is not recorded"}
    return Then(snapshot, unknown, evidence, holder, held)


def kept(context: Context, digest: str) -> Evidence | None:
    """Return evidence by its digest; None where it is not kept."""
    document = context.ledger.blob(digest) if digest else None
    return Evidence.kept(msgspec.json.decode(document)) if document is not None else None


def answers(
    context: Context,
    lifecycle: Lifecycle,
    rules: tuple[Rule, ...],
    past: Past,
    found: Then,
    before: Old | None,
    request: Request,
) -> tuple[Verdict | Unknown, ...]:
    """Return what each rule of a draft answers to a request of the past."""
    answered: list[Verdict | Unknown] = []
    at = past.record.at
    for rule in rules:
        recorded = _recorded(rule, lifecycle, past, before)
        answered.append(recorded or _asked(context, lifecycle, rule, past, found, request, at))
    return tuple(answered)


def later_answers(
    context: Context,
    lifecycle: Lifecycle,
    rules: tuple[Rule, ...],
    past: Past,
    found: Then,
    request: Request,
    at: datetime,
) -> tuple[Verdict | Unknown, ...]:
    """Return what rules that depend on the time answer when the quorum is reached."""
    timed = [rule for rule in rules if any(name in rule.cel for name in _OF_TIME)]
    return tuple(_asked(context, lifecycle, rule, past, found, request, at) for rule in timed)


def _recorded(rule: Rule, lifecycle: Lifecycle, past: Past, before: Old | None) -> Verdict | None:
    """Return the verdict that was recorded, where the rule is written as it was."""
    given = past.record.content.get("verdicts")
    written = _rules(lifecycle).get(rule.name)
    same = (
        before is not None
        and written is not None
        and _core(written) == _core(before.rules.get(rule.name, {}))
    )
    reads = (rule.cel, *rule.shows)
    moved = before is None or (
        any("tags" in text for text in reads) and tuple(lifecycle.bind) != before.bind
    )
    if not same or moved or any("calendars" in text for text in reads):
        return None
    for one in given if isinstance(given, list) else []:
        if isinstance(one, Mapping) and one.get("rule") == rule.name:
            return msgspec.convert({**one, "says": rule.says}, Verdict)
    return None


def _rules(lifecycle: Lifecycle) -> Mapping[str, Any]:
    found = lifecycle.text.get("rules", {})
    return found if isinstance(found, Mapping) else {}


def _core(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a rule as written what its answer depends on."""
    return {key: value for key, value in written.items() if key not in ("says", "shows")}


def _asked(
    context: Context,
    lifecycle: Lifecycle,
    rule: Rule,
    past: Past,
    found: Then,
    request: Request,
    at: datetime,
) -> Verdict | Unknown:
    why = _withheld(rule, found)
    if why:
        return Unknown(rule.name, why)
    state, evidence = past.state, found.evidence or Evidence()
    more = {"calendars": calendars(lifecycle.calendars.values(), at)}
    known = facts(lifecycle, found.snapshot, state, evidence, found.holder, request, at, more)
    (verdict,) = context.rules.evaluate([replace(rule, shows=())], known)
    certain = ABSENT in verdict.error or NOBODY_HOLDS in verdict.error
    if verdict.result is Result.ERRORED and not certain:
        return Unknown(rule.name, f"it cannot be asked of what is kept: {verdict.error}")
    return verdict


def _withheld(rule: Rule, found: Then) -> str:
    """Say what a rule names that is not known; an empty text if it names nothing of that."""
    if rule.policy is not None:
        return "what Azure would have been asked then is not kept"
    text = rule.cel
    for match in _VERSION.finditer(text):
        read = (match[1],) if match[1] else tuple(found.unknown)
        why = next((found.unknown[one] for one in read if one in found.unknown), "")
        if why:
            return why
    if found.held and "holder" in text:
        return found.held
    if found.holder is not None and any(one in text for one in _OF_HOLDER):
        return "when and by whom the holder was registered is not kept with the request"
    if found.evidence is None and "evidence" in text:
        return "what was known of the version then is not kept"
    return next((why for name, why in _ELSEWHERE.items() if name in text), "")


def _shown(
    context: Context, bare: Snapshot, past: Past, approval: Approval | None, before: Old | None
) -> tuple[Snapshot, Mapping[str, str]]:
    """Return a version as it was shown, and what of it is not known."""
    today = _today(context, bare.version, past)
    nobody = {} if today is not None else {"author": "its registry does not show it any more"}
    known = replace(bare, author=today.author if today is not None else None)
    if approval is not None:
        bound = approval.binding
        shown = replace(
            known,
            tags=bound.tags,
            properties=bound.properties,
            description=bound.description,
        )
        return shown, nobody
    fingerprint = past.text("fingerprint")
    if today is None or before is None or not fingerprint:
        why = "its tags, properties and description then are not kept"
        return known, {**dict.fromkeys(_BOUND, why), **nobody}
    if _binding(today, past, before).fingerprint != fingerprint:
        why = "its tags, properties or description have changed since, and were not kept"
        return known, dict.fromkeys(_BOUND, why)
    return replace(today, tags=_bound(before, today)), {}


def _today(context: Context, version: Version, past: Past) -> Snapshot | None:
    """Return a version as it is shown today, if it is the same thing still."""
    try:
        found = context.registry(version.asset.registry).read(version)
    except StagewardError:  # then nothing is known of it, which is said
        return None
    same = found is not None and found.incarnation == past.text("incarnation")
    return found if same else None


def _binding(today: Snapshot, past: Past, before: Old) -> Binding:
    displaced = past.record.content.get("displaces", [])
    return Binding(
        incarnation=today.incarnation,
        source=past.source,
        target=past.target,
        displaces=tuple(str(one) for one in displaced) if isinstance(displaced, list) else (),
        lifecycle=past.lifecycle,
        evidence=past.text("evidence"),
        tags=_bound(before, today),
        properties=dict(today.properties),
        description=today.description,
    )


def _bound(before: Old, today: Snapshot) -> dict[str, str]:
    return {
        key: value
        for key, value in today.tags.items()
        if any(fnmatchcase(key, glob) for glob in before.bind)
    }


def _holder(
    context: Context,
    lifecycle: Lifecycle,
    version: Version,
    past: Past,
    approval: Approval | None,
) -> tuple[tuple[Snapshot, Evidence] | None, str]:
    """Return who held the target stage, and why that is not known."""
    target = lifecycle.renamed.get(past.target, past.target)
    stage = lifecycle.stages.get(target)
    held = past.others.get(past.target, ()) if stage is not None and stage.exclusive else ()
    if not held:
        return None, ""
    if len(held) > 1 or approval is None or approval.holder != held[0]:
        return None, f"what was known then of {', '.join(held)} at {past.target} is not kept"
    evidence = kept(context, approval.holder_evidence)
    beside = context.ledger.blob(approval.beside) if approval.beside else None
    shown = msgspec.json.decode(beside).get("holder") if beside is not None else None
    if evidence is None or shown is None:
        return None, f"what was known then of {held[0]} at {past.target} is not kept"
    snapshot = Snapshot(
        Version(version.asset, held[0]),
        past.record.at,
        "",
        shown["tags"],
        description=shown["description"],
        properties=shown["properties"],
    )
    return (snapshot, evidence), ""

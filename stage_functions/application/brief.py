"""The brief of an approval: everything that whoever decides asks, from the ledger first.

It shows what the approval is bound to, as it was when it opened; for an open one also what is there
now, where the registry can be read. It decides nothing and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from stage_functions.application import brief_facts, brief_records
from stage_functions.application.brief_copy import Copying, copying
from stage_functions.application.brief_emergency import Used, used
from stage_functions.application.brief_facts import TITLES, Ancestor, Known
from stage_functions.application.brief_law import Judgement, Law, judgements, law
from stage_functions.application.brief_now import Present, present
from stage_functions.application.brief_people import (
    Electorate,
    Position,
    Someone,
    electorate,
    named,
    position,
    someone,
)
from stage_functions.application.brief_records import Deed
from stage_functions.application.brief_standing import Standing, standing
from stage_functions.application.brief_written import Written, written
from stage_functions.application.context import Context
from stage_functions.application.ledger import Loaded
from stage_functions.application.origins import Hop, chain, places_of
from stage_functions.application.vote import find
from stage_functions.domain.approval import Approval, Status
from stage_functions.domain.asset import Version
from stage_functions.domain.authors import authors
from stage_functions.domain.beside import Beside, HolderBeside
from stage_functions.domain.difference import Difference, differences
from stage_functions.domain.evidence import Evidence, Section
from stage_functions.domain.lifecycle import Assurance
from stage_functions.domain.places import Places
from stage_functions.domain.voting import impossible, unmet

_COMPARED = (
    "metrics",
    "params",
    "data",
    "environment",
    "code",
    "model",
    "base_model",
    "features",
    "template",
    "explanations",
)
_EACH_ITS_OWN: Mapping[str, tuple[str, ...]] = {"model": ("source", "model_id")}
"""What differs between any two versions, and so tells nothing."""


class Compared(Struct, frozen=True):
    """One section of the difference.

    Attributes:
        section: its name in rules, or `tags`, `properties`, `description`.
        title: its name on pages.
        facts: each fact of either.
    """

    section: str
    title: str
    facts: tuple[Difference, ...]


class Holder(Struct, frozen=True):
    """What the version is compared with.

    Attributes:
        number: of the version that held the stage when it opened, or "".
        holds_now: that one holds it now.
        since: since when, where it holds it now, or None.
        exclusive: the stage is exclusive, so that there is something to be compared with.
        approved: for a renewal, id of the approval that was given before, or "".
        known: what was known of it is kept.
    """

    number: str
    holds_now: bool = False
    since: datetime | None = None
    exclusive: bool = True
    approved: str = ""
    known: bool = False


class Brief(Struct, frozen=True):
    """Everything that whoever decides asks.

    Attributes:
        approval: as it stands at `now`.
        version: what it is about.
        now: when this was made.
        requester: who asked, or a sponsor.
        behalf: for whom, or None.
        authors: who registered the version and who trained it, each with their part.
        candidates: who may have asked.
        late: those of them of whom it was known only later that they had written.
        needs: what it waits for.
        vain: why that cannot be reached, or "".
        why: why it was closed, or "".
        people: who has a say.
        position: what the viewer may do.
        judgements: of the rules.
        present: how it compares with now; None where that was not looked at.
        holder: what the version is compared with.
        compared: the difference, by section.
        evidence: what it is bound to.
        places: where the registry shows the version and what made it.
        beside: the version's other tags when it opened, or None where they were not kept.
        lineage: what the version came from.
        law: what the lifecycle said.
        sinks: names of the systems that events are published to.
        deeds: the records of it.
        standing: whether it still holds; None unless it was approved.
        written: what is written to the registry when it is given.
        hops: what the version is a copy of, the nearest first.
        copying: what it is copied to when it is approved, or None.
        emergency: what it is to ratify, or None.
    """

    approval: Approval
    version: Version
    now: datetime
    requester: Someone
    behalf: Someone | None
    authors: tuple[tuple[str, Someone], ...]
    candidates: tuple[Someone, ...]
    late: tuple[Someone, ...]
    needs: tuple[str, ...]
    vain: str
    why: str
    people: Electorate
    position: Position
    judgements: tuple[Judgement, ...]
    present: Present | None
    holder: Holder
    compared: tuple[Compared, ...]
    evidence: tuple[Known, ...]
    places: Places
    beside: Beside | None
    lineage: tuple[Ancestor, ...]
    law: Law
    sinks: tuple[str, ...]
    deeds: tuple[Deed, ...]
    standing: Standing | None = None
    written: Written = Written()
    hops: tuple[Hop, ...] = ()
    copying: Copying | None = None
    emergency: Used | None = None


def brief(
    context: Context,
    approval_id: str,
    viewer_id: str,
    assurance: Assurance = Assurance.SIGNED_IN,
) -> Brief:
    """Return the brief of an approval.

    Args:
        context: with the groups that Entra says the viewer is in.
        approval_id: of the approval.
        viewer_id: who looks.
        assurance: how surely it is they.

    Raises:
        NotFoundError: no such approval.
        StoreUnavailableError, ConflictError: the ledger cannot be read now.
    """
    return _brief(context, approval_id, viewer_id, assurance, context.clock.now())


def recorded(context: Context, approval_id: str, moment: datetime) -> Brief:
    """Return the brief as the ledger alone has it: no registry is asked, nobody looks at it.

    Args:
        context: the context.
        approval_id: of the approval.
        moment: as of which it is told; what is due later has not come.

    Raises:
        NotFoundError: no such approval.
        StoreUnavailableError, ConflictError, LedgerDamagedError: the ledger cannot be read.
    """
    return _brief(context, approval_id, "", Assurance.SIGNED_IN, moment, look=False)


def _brief(
    context: Context,
    approval_id: str,
    viewer_id: str,
    assurance: Assurance,
    now: datetime,
    *,
    look: bool = True,
) -> Brief:
    """Return a brief as of a moment; with `look`, an open one is compared with its registry."""
    loaded, kept = context.persistently(lambda: find(context, approval_id))
    approval = kept.at(now)
    version = Version(loaded.asset, approval.version)
    evidence = _evidence(context, approval.binding.evidence) or Evidence()
    beside = _beside(context, approval)
    compares = look and approval.status is Status.OPEN
    seen = present(context, loaded, approval, evidence, beside) if compares else None
    said = law(context, loaded.asset, approval)
    holder, old = _holder(context, loaded, approval, said, beside)
    hops = chain(context, loaded.versions.get(approval.version))
    places = places_of(context, version, evidence, hops)
    directory = context.configuration.directory
    maker = brief_facts.maker_title(approval.author, approval.trainers)
    return Brief(
        approval=approval,
        version=version,
        now=now,
        requester=someone(context, approval.requester.id),
        behalf=someone(context, approval.on_behalf_of) if approval.on_behalf_of else None,
        authors=tuple(
            (str(part), someone(context, id_))
            for part, id_ in authors(approval.author, approval.trainers)
        ),
        candidates=tuple(someone(context, id_) for id_ in approval.candidates),
        late=tuple(someone(context, id_) for id_ in approval.late),
        needs=unmet(approval, directory),
        vain=named(context, impossible(approval, directory)),
        why=named(context, approval.why),
        people=electorate(context, approval),
        position=position(context, approval, loaded.asset, viewer_id, assurance),
        judgements=judgements(said, approval, seen.verdicts if seen else None),
        present=seen,
        holder=holder,
        compared=_compared(approval, evidence, old) if holder.known else (),
        evidence=tuple(brief_facts.known(context, version, evidence, places, hops, maker)),
        places=places,
        beside=beside,
        lineage=tuple(brief_facts.lineage(context, version, evidence, places, hops, maker)),
        law=said,
        sinks=tuple(context.sinks),
        deeds=brief_records.deeds(context, loaded, approval),
        standing=standing(context, loaded, approval, now),
        written=written(context, loaded.asset, approval),
        hops=hops,
        copying=copying(context, version, approval),
        emergency=used(context, loaded, approval),
    )


def _evidence(context: Context, digest: str) -> Evidence | None:
    return context.kept_evidence(digest)


def _beside(context: Context, approval: Approval) -> Beside | None:
    kept = context.ledger.blob(approval.beside) if approval.beside else None
    return msgspec.json.decode(kept, type=Beside) if kept is not None else None


class _Old(Struct, frozen=True):
    """What was known of what the version is compared with; None where it was not kept."""

    evidence: Evidence | None
    beside: HolderBeside | None


def _holder(
    context: Context, loaded: Loaded, approval: Approval, said: Law, beside: Beside | None
) -> tuple[Holder, _Old]:
    """Return what the version is compared with, and what was known of it."""
    if approval.renews:
        return _approved_before(context, loaded, approval)
    number, target = approval.holder, approval.binding.target
    holds_now = number in loaded.head.holders.get(target, ())
    known = _evidence(context, approval.holder_evidence)
    since = None
    if holds_now:
        since = context.ledger.more(loaded, [number]).versions[number].since
    holder = Holder(
        number, holds_now, since, exclusive=said.exclusive(target), known=known is not None
    )
    return holder, _Old(known, beside.holder if beside is not None else None)


def _approved_before(context: Context, loaded: Loaded, approval: Approval) -> tuple[Holder, _Old]:
    """Return a version as it was approved before, for a renewal to be compared with."""
    state = loaded.versions[approval.version]
    before = loaded
    if state.approved_by:
        before = context.ledger.more(loaded, approval=state.approved_by)
    given = before.approvals.get(state.approved_by)
    known = None
    held = None
    if given is not None:
        bound = given.binding
        known = _evidence(context, bound.evidence)
        held = HolderBeside(dict(bound.tags), dict(bound.properties), bound.description)
    holder = Holder(
        approval.version,
        holds_now=True,
        since=given.closed if given is not None else None,
        approved=state.approved_by,
        known=known is not None,
    )
    return holder, _Old(known, held)


def _compared(approval: Approval, evidence: Evidence, old: _Old) -> tuple[Compared, ...]:
    mine = brief_facts.readable(evidence)
    theirs = brief_facts.readable(old.evidence or Evidence())
    found = [
        Compared(name, TITLES[name], differences(_own(name, theirs[name]), _own(name, mine[name])))
        for name in _COMPARED
    ]
    held = old.beside
    if held is not None:
        bound = approval.binding
        rest: tuple[tuple[str, Section, Section], ...] = (
            ("Tags", held.tags, bound.tags),
            ("Properties", held.properties, bound.properties),
            ("Description", _text(held.description), _text(bound.description)),
        )
        found += [Compared(t.lower(), t, differences(was, new)) for t, was, new in rest]
    return tuple(one for one in found if one.facts)


def _own(name: str, section: Section) -> Section:
    return {key: v for key, v in section.items() if key not in _EACH_ITS_OWN.get(name, ())}


def _text(text: str) -> Section:
    return {"description": text} if text else {}

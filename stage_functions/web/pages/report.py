"""The report of an evidence pack: one file that people read, print and keep. It asks nothing else.

It says what the ledger has, and what it has not: what is missing, damaged or unproved comes first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial

from msgspec import Struct

from stage_functions.application import brief_facts
from stage_functions.application.brief import Brief, recorded
from stage_functions.application.brief_facts import Known
from stage_functions.application.context import Context
from stage_functions.application.origins import Hop, chain, places_of
from stage_functions.application.pack import Pack
from stage_functions.application.pack_documents import LIFECYCLES
from stage_functions.application.pack_files import VERIFIER
from stage_functions.application.timeline import moment
from stage_functions.domain.approval import Approval
from stage_functions.domain.demands import demands
from stage_functions.domain.error import LaterReleaseError, LedgerDamagedError, NotFoundError
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.lifecycle import Transition
from stage_functions.domain.record import Record
from stage_functions.web.pages import brief_words
from stage_functions.web.pages.render import for_evidence
from stage_functions.web.pages.report_ways import Used, stamp, stood, used

LONGEST_VALUE = 2000
_TEMPLATE = "report.html"
_DAMAGE = (LedgerDamagedError, LaterReleaseError, NotFoundError, LookupError, ValueError)
"""Where rows beside the version's are damaged: then what they would tell is left out, and said."""


class Text(Struct, frozen=True):
    """A lifecycle's text.

    Attributes:
        digest: of it.
        text: as JSON that people read.
        why: why it is not there, or "".
    """

    digest: str
    text: str
    why: str


class Decided(Struct, frozen=True):
    """An approval in the report.

    Attributes:
        approval: it.
        brief: what is told of it; None where the ledger is too damaged for that.
        demanded: what the lifecycle demanded of the transition, in words.
        why: why it cannot be told, or "".
        used: the emergency that it is about, or None.
    """

    approval: Approval
    brief: Brief | None
    demanded: tuple[str, ...]
    why: str = ""
    used: Used | None = None


def report(context: Context, pack: Pack) -> bytes:
    """Return the report of a pack, as a page that needs no other file.

    Raises:
        StoreUnavailableError, ConflictError: the ledger cannot be read now.
    """
    records = (*pack.first, *pack.last)
    hops = _hops(context, pack)
    named = _Named(pack.names)
    told = [_decided(context, pack, one, named) for one in pack.approvals]
    decided = [one for one in told if one.approval.version == pack.version.number]
    asked = next((one for one in decided if one.approval.id == pack.approval), None)
    text = (
        for_evidence()
        .get_template(_TEMPLATE)
        .render(
            pack=pack,
            asked=asked,
            decided=decided,
            others=[one for one in decided if one is not asked],
            foreign=[one for one in told if one.approval.version != pack.version.number],
            moments=[(moment(one), one.hash) for one in records],
            displaced=[moment(one) for one in pack.others],
            stood=stood(pack, named),
            evidence=_evidence(context, pack, records, hops) if not decided else (),
            hops=hops,
            texts=_texts(pack),
            words=brief_words,
            stamp=stamp,
            named=named,
            clip=clip,
            lacks=partial(_lacks, pack),
            verifier=VERIFIER,
        )
    )
    return text.encode(errors="replace")


def clip(text: object) -> str:
    """Return a text as the report shows it, cut where it is endless, and saying so."""
    whole = str(text)
    if len(whole) <= LONGEST_VALUE:
        return whole
    return f"{whole[:LONGEST_VALUE]}… ({len(whole):,} characters, all of them in the pack)"


class _Named:
    """Names people by what the pack knows of them."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def __call__(self, id_: str) -> str:
        """Return a name with the id; the id alone where no name is known."""
        name = self._names.get(id_, "")
        return f"{name} ({id_})" if name else id_ or "nobody known"


def _decided(context: Context, pack: Pack, approval: Approval, named: _Named) -> Decided:
    bound = approval.binding
    at = pack.head.at
    try:
        found = recorded(context, approval.id, at if at is not None else approval.opened)
    except _DAMAGE as exc:
        return Decided(approval, None, (), str(exc))
    rules = tuple(one.rule for one in approval.verdicts)
    way = Transition(bound.source, bound.target, rules, (), approval.policy)
    return Decided(approval, found, demands(way), used=used(pack, approval, named))


def _lacks(pack: Pack, brief: Brief) -> str:
    """Return the digest of what a comparison needs and the pack does not have as it was, or ""."""
    approval = brief.approval
    needed = (approval.binding.evidence, approval.holder_evidence)
    return next((one for one in needed if one and pack.document(one) is None), "")


def _hops(context: Context, pack: Pack) -> tuple[Hop, ...]:
    try:
        return chain(context, pack.state)
    except _DAMAGE:
        return ()


def _evidence(
    context: Context, pack: Pack, records: tuple[Record, ...], hops: tuple[Hop, ...]
) -> tuple[Known, ...]:
    """Return what was known of a version that nobody was asked to approve, when last judged."""
    for one in reversed(records):
        body = pack.document(str(one.content.get("evidence", "")))
        if body is not None:
            evidence = Evidence.kept(json.loads(body))
            places = places_of(context, pack.version, evidence, hops)
            return tuple(brief_facts.known(context, pack.version, evidence, places, hops))
    return ()


def _texts(pack: Pack) -> tuple[Text, ...]:
    return tuple(
        Text(one.digest, _pretty(one.body) if one.body is not None else "", one.why)
        for one in pack.documents
        if one.folder == LIFECYCLES
    )


def _pretty(body: bytes) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except ValueError:
        return body.decode(errors="replace")

"""Forget a person: their names are deleted, their ids stay in records, no hash changes.

Deleted are the texts that are kept apart from the records: what the person was called, and whom the
masked ids of theirs stood for. From then on they are shown as a forgotten person, and nothing of
that is kept again. What people have written themselves, and what the configuration, registries and
backups have, cannot be reached from here: what is found of it is counted and said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import histories, holds, keys
from stage_functions.application.adoption import own_histories
from stage_functions.application.context import Context
from stage_functions.domain.asset import Asset
from stage_functions.domain.error import InvalidInputError, NotAllowedNowError, NotFoundError
from stage_functions.domain.people import AZUREML, Actor, names_somebody
from stage_functions.domain.record import Draft, Json, Record, RecordType

PAGE = 1000
SEARCH_SECONDS = 20.0
"""How long records are looked through for what people have written of somebody."""
MAX_MENTIONS = 20
"""Of the records that name somebody in a text, how many are told."""
MAX_HELD = 5
"""Of the held assets in whose records somebody appears, how many are told."""
_PROVIDERS = (AZUREML, "mlflow", "upn")
"""By which a registry or sign-in may show somebody by name or address."""
_LEAST_CHARACTERS = 3
"""Of a name that is looked for: a shorter one is in half of all words."""


class ForgetCommand(Struct, frozen=True):
    """Whom an operator wants to be forgotten.

    Attributes:
        person: `person:<key>`, an id of a registry or sign-in, or a masked one.
        reason: why.
        actor: who wants it, proven.
        operation: id of this operation.
        dry_run: only tell.
    """

    person: str
    reason: str
    actor: Actor
    operation: str
    dry_run: bool = False


class Forgotten(Struct, frozen=True):
    """What became of it.

    Attributes:
        person: whose names, as records write it.
        ids: all ids of theirs that are known here, as records write them.
        names: how many texts were deleted, or would be.
        done: they are deleted.
        configured: the configuration has the person still: from there the name goes on to be shown.
        mentions: records in which a text has one of the names: `<history> <number>`, the first few.
        mentioned: how many were found.
        searched: every record was looked through; else only as many as there was time for.
        record: number of the record in the ledger's own history; 0 where there is none.
    """

    person: str
    ids: tuple[str, ...]
    names: int
    done: bool
    configured: bool
    mentions: tuple[str, ...] = ()
    mentioned: int = 0
    searched: bool = True
    record: int = 0


class _Subject(Struct, frozen=True):
    """Who is to be forgotten.

    Attributes:
        id: as records write it.
        known: the ids of theirs of which something is kept.
        ids: these, and those under which registries could show them yet.
        texts: what they are called, and their addresses.
        configured: the configuration has them.
    """

    id: str
    known: tuple[str, ...]
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    configured: bool

    @property
    def closed(self) -> Iterator[str]:
        """The ids whose places are closed. Addresses have none, and would stand in their keys."""
        return (one for one in self.ids if not names_somebody(one))


class _Found(Struct, frozen=True):
    """Records in which people have written a name."""

    first: tuple[str, ...] = ()
    count: int = 0
    all: bool = True


def forget(context: Context, command: ForgetCommand) -> Forgotten:
    """Delete the names of a person, for good.

    It can be repeated, and is to be after an error: what is deleted is not deleted twice.

    Raises:
        InvalidInputError: that is no id of a person, the reason has a name of theirs, or the
            operation id was used for another.
        NotFoundError: nothing is kept here of such a person.
        NotAllowedNowError: they appear in the records of an asset that is held.
        ConflictError, UnknownOutcomeError, StoreUnavailableError: try again.
    """
    given = _given(context, command)
    if given is not None:
        return given
    subject = _subject(context, command.person)
    _demand_nameless(command.reason, subject)
    _demand_unheld(context, subject)
    found = _mentions(context, subject.texts)
    names = context.ledger.names
    told = Forgotten(
        person=subject.id,
        ids=subject.known,
        names=sum(names.count(id_) for id_ in subject.ids),
        done=not command.dry_run,
        configured=subject.configured,
        mentions=found.first,
        mentioned=found.count,
        searched=found.all,
    )
    if command.dry_run:
        return told
    now = context.clock.now()
    for id_ in subject.closed:
        context.persistently(partial(names.forget, id_, now))
    return replace(told, record=_recorded(context, command, told, now))


def _given(context: Context, command: ForgetCommand) -> Forgotten | None:
    """Return what the operation has come to already."""
    for record in _records(context, histories.JOURNAL.partition):
        content = record.content
        if content.get("operation") != command.operation:
            continue
        person = str(content.get("person", ""))
        if record.type is not RecordType.PERSON_FORGOTTEN or person != _id(context, command.person):
            message = "this Idempotency-Key was used for another command"
            raise InvalidInputError(message)
        names, number = int(str(content.get("names", 0))), record.number
        configured = context.configuration.directory.person(person) is not None
        return Forgotten(person, (), names, done=True, configured=configured, record=number)
    return None


def _id(context: Context, wanted: str) -> str:
    """Return an id as records write it.

    Raises:
        InvalidInputError: it is none.
    """
    provider, _, text = wanted.partition(":")
    if not provider or not text.strip():
        message = (
            f"'{wanted}' is no id; write person:<key>, <provider>:<id>, or the masked id that "
            "records have"
        )
        raise InvalidInputError(message)
    directory = context.configuration.directory
    resolved = directory.resolve(wanted)
    if names_somebody(resolved):
        resolved = directory.resolve(context.ledger.mask(resolved))
    return resolved


def _subject(context: Context, wanted: str) -> _Subject:
    """Return whom an id means, and all that is known of them here.

    Raises:
        InvalidInputError: it is no id.
        NotFoundError: nothing is kept of them, and the configuration does not have them.
    """
    names, id_ = context.ledger.names, _id(context, wanted)
    person = context.configuration.directory.person(id_)
    ids = person.ids if person is not None else ()
    texts = [_text(one) for one in (wanted, *ids, names.text(id_)) if names_somebody(one)]
    texts += names.called(id_)
    texts += [person.name, person.mail] if person is not None else []
    folded = {text.casefold() for text in texts if text}
    alike = [masked for masked, text in names.texts() if _text(text).casefold() in folded]
    known = [one for one in dict.fromkeys((id_, *ids, *alike)) if names.known(one)]
    if not known and person is None:
        message = f"no name is kept of {id_}; `person:<key>`, an address or a masked id has one"
        raise NotFoundError(message)
    could_be = [names.mask(f"{one}:{text}") for text in texts if text for one in _PROVIDERS]
    all_ids = tuple(dict.fromkeys((id_, *ids, *alike, *could_be)))
    told = tuple(dict.fromkeys(text for text in texts if text))
    return _Subject(id_, tuple(known), all_ids, told, person is not None)


def _text(id_: str) -> str:
    return id_.partition(":")[2]


def _demand_nameless(reason: str, subject: _Subject) -> None:
    """Refuse a reason that would keep the name for good.

    Raises:
        InvalidInputError: it has a name.
    """
    said = reason.casefold()
    if any(len(text) >= _LEAST_CHARACTERS and text.casefold() in said for text in subject.texts):
        message = "the reason has a name of theirs, and records keep it for good: say it without"
        raise InvalidInputError(message)


def _demand_unheld(context: Context, subject: _Subject) -> None:
    """Refuse to forget somebody who appears in what is to be kept as it is.

    Raises:
        NotAllowedNowError: they do; the message names the assets.
    """
    any_ = "|".join(re.escape(one) for one in subject.ids)
    named = re.compile(rf"(?<![\w.:-])(?:{any_})(?![\w-]|\.\w)".encode())
    held = dict.fromkeys(one.asset for one in holds.listed(context.ledger))
    found = [str(asset) for asset in held if _appears(context, asset, named)]
    if found:
        more = f" and {len(found) - MAX_HELD} more" if len(found) > MAX_HELD else ""
        message = (
            f"{subject.id} appears in the records of {', '.join(found[:MAX_HELD])}{more}, which "
            "is held: lift the hold first, where that is lawful; `stageward hold list` says why"
        )
        raise NotAllowedNowError(message, code="held")


def _appears(context: Context, asset: Asset, named: re.Pattern[bytes]) -> bool:
    seen: set[str] = set()
    for record in _records(context, keys.asset_partition(asset)):
        if named.search(record.body):
            return True
        digest = str(record.content.get("evidence", ""))
        document = context.ledger.blob(digest) if digest and digest not in seen else None
        seen.add(digest)
        if document is not None and named.search(document):
            return True
    return False


def _mentions(context: Context, texts: Iterable[str]) -> _Found:
    """Look for names in what people have written; as long as there is time."""
    long = [re.escape(text) for text in texts if len(text) >= _LEAST_CHARACTERS]
    if not long:
        return _Found()
    named = re.compile(rf"(?<!\w)(?:{'|'.join(long)})(?!\w)", re.IGNORECASE)
    until = context.clock.now() + timedelta(seconds=SEARCH_SECONDS)
    first: list[str] = []
    count = 0
    for history, partition in _histories(context):
        for record in _records(context, partition):
            if named.search(record.body.decode()):
                count += 1
                first += [f"{history} {record.number}"] if count <= MAX_MENTIONS else []
        if context.clock.now() > until:
            return _Found(tuple(first), count, all=False)
    return _Found(tuple(first), count)


def _histories(context: Context) -> Iterator[tuple[str, str]]:
    """Yield every history, with its partition."""
    for history in (histories.JOURNAL, *own_histories(context)):
        yield history.name, history.partition
    for asset in context.ledger.assets():
        yield str(asset), keys.asset_partition(asset)


def _records(context: Context, partition: str) -> Iterator[Record]:
    after = 0
    while records := context.ledger.records(partition, after=after, limit=PAGE):
        yield from records
        after = records[-1].number


def _recorded(context: Context, command: ForgetCommand, told: Forgotten, now: datetime) -> int:
    """Record it; return the record's number. Where nothing was left of them, once is enough."""
    reason: dict[str, Json] = {"reason": command.reason} if command.reason else {}
    fields: dict[str, Json] = {"person": told.person, "names": told.names, **reason}
    draft = Draft(RecordType.PERSON_FORGOTTEN, "", "", command.actor, fields)

    def attempt() -> Record:
        for record in _records(context, histories.JOURNAL.partition):
            again = not told.names and record.content.get("person") == told.person
            if again or record.content.get("operation") == command.operation:
                return record
        return histories.append(
            context.ledger, histories.JOURNAL, draft, now=now, operation=command.operation
        )

    return context.persistently(attempt).number

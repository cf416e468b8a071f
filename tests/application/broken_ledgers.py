"""Ledgers that somebody has tampered with: every way that a history can be broken, one by one.

A case is what is written over the rows of a sound history, and what must be found of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.codec import pack, pack_record
from stage_functions.application.ledger import Head
from stage_functions.application.ports.rows import ANY_ETAG, Change, Delete, Upsert
from stage_functions.domain.chain import Broken
from stage_functions.domain.record import Json, Record, canonical, link

ALTERED = frozenset({Broken.ALTERED})
ELSEWHERE = frozenset({Broken.DROPPED, Broken.REORDERED, Broken.CUT})
EVERY_BYTE = 5
"""Of the bytes of a body one in so many is changed, beginning elsewhere in each record."""


class Case(Struct, frozen=True):
    """A broken history.

    Attributes:
        what: was done to it.
        changes: to the rows of its partition.
        numbers: one of which the first bad record must have.
        broken: what may be said of it.
    """

    what: str
    changes: Sequence[Change]
    numbers: frozenset[int]
    broken: frozenset[Broken]


def cases(records: Sequence[Record], strangers: Sequence[Record], head: Head) -> Iterator[Case]:
    """Yield every way to break a history that its head can tell.

    Args:
        records: the sound history.
        strangers: records of other assets, and of another ledger.
        head: its head.
    """
    for record in records:
        yield from _altered(record)
        yield from _columns(record)
        yield from _dropped(record, len(records))
        for stranger in strangers:
            yield _case("moved here", record, stranger, frozenset({Broken.MOVED}))
        for other in records:
            if other.number != record.number:
                yield _doubled(record, other)
            if other.number > record.number:
                yield _swapped(record, other)
    yield from _ends(records, head)


def relinked(records: Sequence[Record], at: int, head: Head | None) -> list[Change]:
    """Rewrite a record, and link anew what follows; with a head, the head too."""
    made: list[Record] = []
    prev = records[at - 1].prev
    for one in records[at - 1 :]:
        content = {**one.content, "reason": "rewritten"} if one.number == at else one.content
        body = canonical(content)
        made.append(Record(body, prev, link(prev, body), content))
        prev = made[-1].hash
    changes: list[Change] = [_row(one.number, one) for one in made]
    if head is not None:
        changes.append(Upsert(keys.HEAD, pack(replace(head, hash=prev))))
    return changes


def cut(records: Sequence[Record], kept: int, head: Head | None) -> list[Change]:
    """Cut the tail behind a number; with a head, the head is set back too."""
    changes: list[Change] = [
        Delete(keys.record_key(one.number), ANY_ETAG) for one in records[kept:]
    ]
    if head is not None:
        end = records[kept - 1]
        back = replace(head, number=end.number, hash=end.hash, at=end.at)
        changes.append(Upsert(keys.HEAD, pack(back)))
    return changes


def _row(place: int, record: Record) -> Upsert:
    return Upsert(keys.record_key(place), pack_record(record))


def _case(what: str, at: Record, now: Record, broken: frozenset[Broken] = ALTERED) -> Case:
    return Case(f"{what} at {at.number}", [_row(at.number, now)], frozenset({at.number}), broken)


def _hashed(record: Record, body: bytes, prev: str = "") -> Record:
    """Return a record with other bytes and a hash that fits them."""
    prev = prev or record.prev
    return Record(body, prev, link(prev, body), record.content)


def _altered(record: Record) -> Iterator[Case]:
    for where, content in _changed(record.content):
        body = canonical(content)
        if body != record.body:
            yield _case(f"{where} altered", record, replace(record, body=body))
            yield _case(f"{where} altered and hashed", record, _hashed(record, body))
    for what, written in _written_otherwise(record.body):
        yield _case(what, record, replace(record, body=written))
        yield _case(f"{what}, hashed", record, _hashed(record, written))
    for place in range(record.number % EVERY_BYTE, len(record.body), EVERY_BYTE):
        flipped = bytearray(record.body)
        flipped[place] ^= 1
        yield _case(f"byte {place} flipped", record, replace(record, body=bytes(flipped)))


def _changed(value: Mapping[str, Json]) -> Iterator[tuple[str, dict[str, Json]]]:
    """Yield an object with each of its leaves changed, each field left out, and one more."""
    for name, inner in value.items():
        yield f"without {name}", {key: one for key, one in value.items() if key != name}
        for where, changed in _leaves(inner):
            yield f"{name}{where}", {**value, name: changed}
    yield "one more field", {**value, "zz": "more"}


def _leaves(value: Json) -> Iterator[tuple[str, Json]]:
    match value:
        case Mapping():
            for where, changed in _changed(value):
                yield f".{where}", changed
        case bool():
            yield "", not value
        case int():
            yield "", value + 1
        case str():
            yield "", f"{value}x"
            yield " emptied", ""
        case _:
            yield " emptied", []
            for place, inner in enumerate(value):
                for where, leaf in _leaves(inner):
                    yield f"[{place}]{where}", [*value[:place], leaf, *value[place + 1 :]]


def _written_otherwise(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield bytes that a reader takes for the same record."""
    document = msgspec.json.decode(body)
    yield "with blanks", body.replace(b",", b", ", 1)
    yield "a line's end behind", body + b"\n"
    yield "keys in another order", msgspec.json.encode(dict(reversed(document.items())))
    yield "a key twice", b'{"type":"Observed",' + body[1:]
    yield "a number otherwise", body.replace(b'"schema":1', b'"schema":1.0')
    yield "a letter escaped", body.replace(b'"actor"', b'"\\u0061ctor"', 1)


def _columns(record: Record) -> Iterator[Case]:
    """Yield changes to what stands beside the body, and to the key."""
    good = dict(pack_record(record))
    key, at = keys.record_key(record.number), frozenset({record.number})
    for name in ("prev", "hash"):
        text = str(good[name])
        other = f"{'0' if text[0] != '0' else '1'}{text[1:]}"
        for wrong in (other, text.upper(), text[:-1], "", "nonsense", f" {text}"):
            if wrong != text:
                yield Case(f"{name} {wrong[:4]}", [Upsert(key, {**good, name: wrong})], at, ALTERED)
        left = {one: value for one, value in good.items() if one != name}
        yield Case(f"no {name}", [Upsert(key, left)], at, ALTERED)
        another = link(record.prev, name.encode())
    yield _case("another prev, hashed", record, _hashed(record, record.body, another))
    for what, values in {
        "no body": {one: value for one, value in good.items() if one != "body0"},
        "a body that is text": {**good, "body0": record.body.decode()},
        "more behind the body": {**good, "body1": b" "},
        "no format": {one: value for one, value in good.items() if one != "format"},
        "a format that is none": {**good, "format": "1"},
    }.items():
        yield Case(f"{what} {record.number}", [Upsert(key, values)], at, ALTERED)


def _dropped(record: Record, last: int) -> Iterator[Case]:
    at, key = frozenset({record.number}), keys.record_key(record.number)
    kind = Broken.CUT if record.number == last else Broken.DROPPED
    yield Case(f"{key} dropped", [Delete(key, ANY_ETAG)], at, frozenset({kind}))
    behind = Upsert(keys.record_key(last + 5), pack_record(record))
    yield Case(f"{key} put behind", [Delete(key, ANY_ETAG), behind], at, ELSEWHERE)
    for odd in (f"{key}0", f"{keys.RECORD}x", f"{keys.RECORD}{record.number}"):
        more = Upsert(odd, pack_record(record))
        found = frozenset({*range(1, last + 2)})
        kinds = frozenset({Broken.ADDED, *ELSEWHERE})
        yield Case(f"{key} as {odd}", [Delete(key, ANY_ETAG), more], found, kinds)
        yield Case(f"{key} also as {odd}", [more], found, frozenset({Broken.ADDED}))


def _doubled(at: Record, other: Record) -> Case:
    kind = Broken.REPEATED if other.number < at.number else Broken.DROPPED
    return _case(f"{other.number} put", at, other, frozenset({kind}))


def _swapped(one: Record, other: Record) -> Case:
    changes = [_row(one.number, other), _row(other.number, one)]
    found = frozenset({one.number})
    what = f"{one.number} and {other.number} swapped"
    return Case(what, changes, found, frozenset({Broken.REORDERED}))


def _ends(records: Sequence[Record], head: Head) -> Iterator[Case]:
    last = records[-1].number
    for kept in range(last):
        what, found = f"cut behind {kept}", frozenset({kept + 1})
        yield Case(what, cut(records, kept, None), found, frozenset({Broken.CUT}))
    for at in range(1, last + 1):
        changes = relinked(records, at, None)
        yield Case(f"linked anew from {at}", changes, frozenset({last}), ALTERED)
    again = _row(last + 1, records[0])
    added = frozenset({Broken.ADDED})
    yield Case("the first one behind", [again], frozenset({last + 1}), added)
    heads: Mapping[str, tuple[Head, int, Broken]] = {
        "another hash": (replace(head, hash=records[0].prev), last, Broken.ALTERED),
        "a later number": (replace(head, number=last + 1), last + 1, Broken.CUT),
        "an earlier number": (
            replace(head, number=last - 1, hash=records[-1].prev),
            last,
            Broken.ADDED,
        ),
    }
    for what, (changed, number, kind) in heads.items():
        row = Upsert(keys.HEAD, pack(changed))
        yield Case(f"a head with {what}", [row], frozenset({number}), frozenset({kind}))

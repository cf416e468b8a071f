"""Files of records: read piece by piece, and whatever stands in one is told."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from stage_functions.adapters.pack_files import proofs_in
from stage_functions.adapters.record_files import CHUNK_BYTES, found_in, read_proofs
from stage_functions.application.verifying_file import InFile, check_file, check_lying
from stage_functions.bootstrap import histories_in
from stage_functions.domain.anchor import Anchor, End, Inclusion, proof_of, root_of
from stage_functions.domain.chain import Broken
from stage_functions.domain.error import InvalidInputError, LedgerDamagedError
from stage_functions.domain.record import Record
from tests.domain.test_record import ASSET, LEDGER, NOW, history

RECORDS = history(6)


def documents(records: Sequence[Record] = RECORDS) -> list[dict[str, object]]:
    """Return records as `history --json` prints them."""
    return [dict(one.document()) for one in records]


def checked(path: Path, proof: Inclusion | None = None) -> list[InFile]:
    """Return what the histories in a file come to."""
    proofs = {proof.end.name: proof} if proof is not None else {}
    return list(check_lying(histories_in(path), proofs))


def as_list(path: Path, found: list[dict[str, object]]) -> None:
    """Write a list, as `stageward history --json` does."""
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False), encoding="utf-8")


def as_lines(path: Path, found: list[dict[str, object]]) -> None:
    """Write a record a line."""
    path.write_text("".join(f"{json.dumps(one)}\n" for one in found), encoding="utf-8")


def as_pack(path: Path, found: list[dict[str, object]]) -> None:
    """Write a pack with the records in it, each apart from the hashes around it."""
    lines = [
        {
            "prev": one.get("prev"),
            "hash": one.get("hash"),
            "record": {key: value for key, value in one.items() if key not in {"prev", "hash"}},
        }
        for one in found
    ]
    history = {"name": ASSET, "file": "records.jsonl", "records": 6, "hash": RECORDS[-1].hash}
    with zipfile.ZipFile(path, "w") as pack:
        pack.writestr("records.jsonl", "".join(f"{json.dumps(one)}\n" for one in lines))
        pack.writestr("manifest.json", json.dumps({"ledger": LEDGER, "histories": [history]}))


WAYS = {"list.json": as_list, "lines.jsonl": as_lines, "pack.zip": as_pack}


@pytest.fixture(params=WAYS)
def written(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[list[dict[str, object]]], Path]:
    """Writes a file of records in each way that there is."""
    path = tmp_path / str(request.param)

    def write(found: list[dict[str, object]]) -> Path:
        WAYS[request.param](path, found)
        return path

    return write


def test_a_sound_history_is_whole(written: Callable[[list[dict[str, object]]], Path]) -> None:
    """Whatever the form of the file."""
    (found,) = checked(written(documents()))

    assert (LEDGER, ASSET, 6, RECORDS[-1].hash) == (
        found.ledger,
        found.verified.name,
        found.verified.records,
        found.verified.hash,
    )
    assert found.verified.whole


@pytest.mark.parametrize(
    ("change", "number", "broken"),
    [
        (lambda d: [*d[:2], {**d[2], "to": "Production"}, *d[3:]], 3, Broken.ALTERED),
        (lambda d: [*d[:2], {**d[2], "hash": "0" * 64}, *d[3:]], 3, Broken.ALTERED),
        (lambda d: [*d[:2], {**d[2], "prev": "no hash"}, *d[3:]], 3, Broken.ALTERED),
        (lambda d: [*d[:2], {**d[2], "number": "3"}, *d[3:]], 3, Broken.ALTERED),
        (lambda d: [*d[:2], {**d[2], "number": 2**60}, *d[3:]], 3, Broken.ALTERED),
        (lambda d: [*d[:2], {**d[2], "at": "2026-01-01"}, *d[3:]], 3, Broken.ALTERED),
        (lambda d: [*d[:2], {"number": 3}, *d[3:]], 3, Broken.ALTERED),
        (lambda d: [*d[:2], *d[3:]], 3, Broken.DROPPED),
        (lambda d: d[2:], 1, Broken.DROPPED),
        (lambda d: [*d[:2], d[3], d[2], *d[4:]], 3, Broken.REORDERED),
        (lambda d: [*d[:3], d[2], *d[3:]], 4, Broken.REPEATED),
    ],
    ids=[
        "a field",
        "its hash",
        "its link",
        "a number that is text",
        "a number that is too large",
        "a time without an offset",
        "nothing but a number",
        "dropped",
        "begins later",
        "reordered",
        "repeated",
    ],
)
def test_the_first_bad_record_of_a_file_is_found(
    written: Callable[[list[dict[str, object]]], Path],
    change: Callable[[list[dict[str, object]]], list[dict[str, object]]],
    number: int,
    broken: Broken,
) -> None:
    """With what became of it."""
    found = checked(written(change(documents())))[0].verified.fault

    assert found is not None
    assert (number, broken) == (found.number, found.broken)


def test_a_record_of_another_history_is_found_where_it_stands(tmp_path: Path) -> None:
    """It does not pass for a history of its own."""
    stranger = {**documents()[3], "asset": "demo/models/rose"}
    path = tmp_path / "lines.jsonl"
    as_lines(path, [*documents()[:3], stranger, *documents()[4:]])
    (found,) = checked(path)

    assert found.verified.fault is not None
    assert 4 == found.verified.fault.number


def test_several_histories_in_a_file_are_verified_one_by_one(tmp_path: Path) -> None:
    """A new one begins with its first record."""
    path = tmp_path / "lines.jsonl"
    another = [{**one, "ledger": "another0"} for one in documents()]
    as_lines(path, [*documents(), *another])
    found = checked(path)

    assert [(LEDGER, True), ("another0", False)] == [
        (one.ledger, one.verified.whole) for one in found
    ]


@pytest.mark.parametrize(
    "end",
    [
        "nonsense",
        '{"number": 7',
        '{"number": NaN}',
        "7",
        '{"a": 1, "a": 2}',
        "[[[" + '{"a":' * 5000,
    ],
)
def test_what_is_no_record_is_a_fault_at_its_place(tmp_path: Path, end: str) -> None:
    """And never passed over, or taken for the end."""
    path = tmp_path / "lines.jsonl"
    as_lines(path, documents())
    path.write_text(path.read_text(encoding="utf-8") + end, encoding="utf-8")
    fault = checked(path)[0].verified.fault

    assert fault is not None
    assert (7, True) == (fault.number, fault.why.startswith("it cannot be read"))


def test_a_key_that_stands_twice_is_found_though_one_of_the_two_would_fit(
    tmp_path: Path,
) -> None:
    """Two readers could read two records."""
    path = tmp_path / "lines.jsonl"
    as_lines(path, documents())
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('{"schema"', '{"to": "Production", "schema"', 1), "utf-8")
    fault = checked(path)[0].verified.fault

    assert fault is not None
    assert (1, "it cannot be read: an object has a key twice") == (fault.number, fault.why)


def test_bytes_that_are_no_text_are_a_fault(tmp_path: Path) -> None:
    """They are not UTF-8."""
    path = tmp_path / "lines.jsonl"
    as_lines(path, documents())
    path.write_bytes(path.read_bytes() + b"\xff")
    fault = checked(path)[0].verified.fault

    assert fault is not None
    assert 7 == fault.number


def test_a_file_is_read_in_the_same_memory_whatever_its_size(tmp_path: Path) -> None:
    """Piece by piece."""
    path = tmp_path / "list.json"
    records = history(12_000)
    as_list(path, documents(records))
    records = ()
    tracemalloc.start()
    (found,) = checked(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (12_000, True) == (found.verified.records, found.verified.whole)
    assert 6 * CHUNK_BYTES > most
    assert 5 * CHUNK_BYTES < path.stat().st_size


def test_a_file_that_is_not_there_or_is_none_of_these_is_said_so(tmp_path: Path) -> None:
    """That is no verdict on a history, and what can be read is said."""
    (tmp_path / "no.zip").write_text("nothing", encoding="utf-8")
    (tmp_path / "other.json").write_text('{"version": 1}', encoding="utf-8")
    (tmp_path / "other.gz").write_bytes(gzip.compress(b"nothing"))
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as pack:
        pack.writestr("report.html", "")

    for name in ("no.zip", "other.json", "empty.zip", "other.gz"):
        with pytest.raises(InvalidInputError, match=f"{name}.*`stageward backup`"):
            checked(tmp_path / name)
    with pytest.raises(InvalidInputError, match=r"cannot read .*missing"):
        checked(tmp_path / "missing.json")


@pytest.mark.parametrize(
    "change",
    [
        lambda pack: pack.writestr("records.jsonl", "twice"),
        lambda pack: pack.writestr("proof.json", "nothing"),
        lambda pack: pack.writestr("proof.json", "[]"),
    ],
    ids=["a name twice", "a proof that is no JSON", "a proof that is none"],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_pack_that_was_tampered_with_is_damaged(
    tmp_path: Path, change: Callable[[zipfile.ZipFile], object]
) -> None:
    """Which is a verdict."""
    path = tmp_path / "pack.zip"
    as_pack(path, documents())
    with zipfile.ZipFile(path, "a") as pack:
        change(pack)

    with pytest.raises(LedgerDamagedError, match=r"pack\.zip"):
        list(check_lying(histories_in(path), proofs_in(path)))


def test_a_pack_that_was_cut_is_found_by_its_manifest(tmp_path: Path) -> None:
    """It says where each history ends."""
    path = tmp_path / "pack.zip"
    as_pack(path, documents()[:-1])
    (found,) = checked(path)

    assert found.verified.fault is not None
    assert (6, Broken.CUT) == (found.verified.fault.number, found.verified.fault.broken)


# Proofs.


def proof(number: int = 6, hash_: str = RECORDS[-1].hash) -> Inclusion:
    """Return the proof that the history ended so when it was anchored."""
    ends = [End(ASSET, number, hash_), *(End(f"demo/models/m{n}", 1, "b" * 64) for n in range(5))]
    made = proof_of(Anchor(LEDGER, NOW, len(ends), root_of(ends)), ends, ASSET)
    assert made is not None
    return made


def with_proof(
    tmp_path: Path, records: Sequence[Record], given: Inclusion, *, kept: bool = True
) -> InFile:
    """Return what a file and a proof come to, with the anchor at hand."""
    path = tmp_path / "lines.jsonl"
    as_lines(path, documents(records))
    (found,) = check_file(found_in(path), given, [given.anchor] if kept else [])
    return found


def test_a_history_is_proven_up_to_the_record_that_was_anchored(tmp_path: Path) -> None:
    """Without an anchor at hand the proof only says what whoever made it says."""
    found = with_proof(tmp_path, RECORDS, proof(4, RECORDS[3].hash))
    (alone,) = checked(tmp_path / "lines.jsonl", proof())

    assert "as anchored 2026-01-01 00:00 UTC up to record 4" == found.proven
    assert alone.proven.startswith("as its proof says (no anchors were given)")
    assert found.verified.whole
    assert alone.verified.whole


def test_a_tail_that_was_cut_from_a_file_is_found_by_its_proof(tmp_path: Path) -> None:
    """A file alone has no head."""
    fault = with_proof(tmp_path, RECORDS[:4], proof()).verified.fault

    assert fault is not None
    assert (5, Broken.CUT) == (fault.number, fault.broken)


def test_a_history_that_was_rewritten_is_found_by_its_proof(tmp_path: Path) -> None:
    """Its links are sound by themselves."""
    fault = with_proof(tmp_path, RECORDS, proof(6, "c" * 64)).verified.fault

    assert fault is not None
    assert (6, Broken.ALTERED) == (fault.number, fault.broken)


def test_a_proof_that_leads_nowhere_or_to_an_anchor_that_was_not_kept_is_none(
    tmp_path: Path,
) -> None:
    """Whoever makes a history can make an anchor of it as well."""
    forged = Inclusion(proof().anchor, End(ASSET, 6, "d" * 64), 0, proof().path)
    nowhere = with_proof(tmp_path, RECORDS, forged).verified
    unknown = with_proof(tmp_path, RECORDS, proof(), kept=False).verified

    assert ("the proof does not lead to the anchor of 2026-01-01 00:00 UTC",) == nowhere.beside
    assert "is not among those that were kept" in unknown.beside[0]
    assert not nowhere.whole
    assert not unknown.whole


def test_a_proof_is_read_from_a_file_or_a_pack(tmp_path: Path) -> None:
    """As it was written."""
    path, pack = tmp_path / "proof.json", tmp_path / "pack.zip"
    path.write_text(json.dumps(proof().document()), encoding="utf-8")
    as_pack(pack, documents())
    without = proofs_in(pack)
    with zipfile.ZipFile(pack, "a") as more:
        more.writestr("proof.json", json.dumps({ASSET: proof().document()}))

    assert {ASSET: proof()} == read_proofs(path) == proofs_in(pack)
    assert {} == without


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        "[]",
        "{}",
        json.dumps({**proof().document(), "path": ["zz"]}),
        json.dumps({**proof().document(), "index": True}),
        json.dumps({**proof().document(), "anchor": []}),
    ],
)
def test_what_is_no_proof_is_refused(tmp_path: Path, text: str) -> None:
    """With the name of the file."""
    path = tmp_path / "proof.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(InvalidInputError, match=r"proof\.json: "):
        read_proofs(path)
    with pytest.raises(InvalidInputError, match="cannot read"):
        read_proofs(tmp_path / "missing.json")

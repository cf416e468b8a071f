"""The verifier of packs, run as an auditor runs it: whatever was changed in a pack is found."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stage_functions.application import pack_files
from stage_functions.application.context import Context
from stage_functions.domain.anchor import Anchor, End, Inclusion, proof_of, root_of
from stage_functions.domain.record import canonical
from tests.brief_world import Asked, approve, asked, empty_world
from tests.packs import (
    MANIFEST,
    RECORDS,
    Files,
    bodies,
    check,
    edited,
    gathered,
    linked_anew,
    listed_anew,
    pack_of,
    unzipped,
    written,
    zipped,
)


@pytest.fixture(scope="module")
def told() -> Iterator[Asked]:
    """A version that was approved for Production."""
    made = empty_world()
    it = asked(made)
    approve(made.context, it.approval, "rosa", "grace", comment="fine")
    yield it
    made.rows.close()


@pytest.fixture(scope="module")
def files(told: Asked) -> Files:
    """The files of its pack."""
    return unzipped(pack_of(told.world.context, told.approval))


def others(name: str) -> list[End]:
    """Return the ends of some more histories, around that of a name."""
    return [End(f"{name}{n}", n, f"{n:064x}") for n in range(1, 7)]


def proof(
    told: Asked, *, behind: int = 0
) -> tuple[str, Callable[[Context, str], Inclusion | None]]:
    """Return the root of an anchor over all histories, and what proves that one is under it."""
    pack = gathered(told.world.context, told.approval)
    heads = [one.head for one in pack.histories]
    lines = bodies(unzipped(pack_of(told.world.context, told.approval))[RECORDS])
    ends = [End(one.asset, one.number, one.hash) for one in heads]
    if behind:
        files = unzipped(pack_of(told.world.context, told.approval))
        line = files[RECORDS].splitlines()[len(lines) - behind - 1]
        ends[0] = End(heads[0].asset, len(lines) - behind, json.loads(line)["hash"])
    every = [*ends, *others("demo/models/a"), *others("zeta")]
    at = heads[0].at
    assert at is not None
    anchor = Anchor(heads[0].ledger, at, len(every), root_of(every))
    return anchor.root, lambda _, name: proof_of(anchor, every, name)


def test_an_intact_pack_holds_zipped_and_unpacked(files: Files, tmp_path: Path) -> None:
    """And it says plainly what it does not prove."""
    for path in (written(files, tmp_path / "pack"), zipped(files, tmp_path / "pack.zip")):
        checked = check(path)

        assert 0 == checked.code, checked.said
        assert "could have linked all of it anew" in checked.said
        assert "demo/models/churn: 15 records, linked without a gap" in checked.said


def test_it_needs_no_more_than_python_3_9() -> None:
    """Its grammar; the library that it uses is older."""
    source = pack_files.constant()[pack_files.VERIFIER].decode()

    assert ast.parse(source, feature_version=(3, 9))
    assert {
        "argparse",
        "hashlib",
        "json",
        "sys",
        "zipfile",
        "collections",
        "pathlib",
        "typing",
    } == {
        str(name).partition(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
        if name != "__future__"
    }


def test_the_pythons_of_this_machine_run_it(files: Files, tmp_path: Path) -> None:
    """Whichever there are, without anything installed."""
    found = [
        shutil.which(f"python3.{minor}", path="/usr/bin:/usr/local/bin") for minor in range(9, 15)
    ]
    path = zipped(files, tmp_path / "pack.zip")

    assert {0} >= {check(path, python=one).code for one in found if one}


def test_every_file_altered_dropped_or_added_is_found(files: Files, tmp_path: Path) -> None:
    """By the manifest, which is the last to be believed."""
    for count, name in enumerate(sorted(files)):
        body = files[name]
        altered = body.replace(b"e", b"o", 1) if name != MANIFEST else body.replace(b"15", b"14", 1)
        assert altered != body
        for what, forged in (
            ("altered", {**files, name: altered}),
            ("dropped", {one: body for one, body in files.items() if one != name}),
        ):
            checked = check(zipped(forged, tmp_path / f"{what}-{count}.zip"))
            assert 1 == checked.code, (what, name)
            assert "This pack does not hold" in checked.said
    added = check(zipped({**files, "further.txt": b"x"}, tmp_path / "added.zip"))

    assert "further.txt is not in the manifest" in added.said


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_record_altered_dropped_or_moved_is_found_though_all_files_are_listed_anew(
    files: Files, tmp_path: Path, data: st.DataObject
) -> None:
    """Whoever can change the manifest can still not change a record: its hash is in the next."""
    lines = files[RECORDS].splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    how = data.draw(st.sampled_from(["alter", "drop", "twice", "swap", "cut"]))
    if how == "alter":
        place = data.draw(st.integers(0, len(lines[at]) - 2))
        old = lines[at]
        lines[at] = (
            old[:place] + bytes([old[place] ^ data.draw(st.integers(1, 9))]) + old[place + 1 :]
        )
    elif how == "drop":
        del lines[at]
    elif how == "twice":
        lines.insert(at, lines[at])
    elif how == "swap":
        lines[at], lines[at - 1] = lines[at - 1], lines[at]
    else:
        lines = lines[:at]
    forged = listed_anew({**files, RECORDS: b"".join(lines)})
    checked = check(zipped(forged, tmp_path / "pack.zip"))

    assert 1 == checked.code


def put(document: Any, path: str, value: object) -> None:  # noqa: ANN401  # as JSON is
    """Put a value at a place in a document; None takes away what is there."""
    *way, last = (int(one) if one.isdecimal() else one for one in path.split("/"))
    for one in way:
        document = document[one]
    if value is None:
        del document[last]
    else:
        document[last] = value


def forged_approval(files: Files, path: str, value: object) -> Files:
    """Return files whose approval says something else, all listed anew."""
    (name,) = (one for one in files if one.startswith("approvals/"))
    approval = json.loads(files[name])
    put(approval, path, value)
    return listed_anew({**files, name: json.dumps(approval).encode()})


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("votes/0", None, "its votes"),
        ("votes/0/voter", "person:tim", "its votes"),
        ("votes/0/comment", "I was forced to", "its votes"),
        ("votes/0/fingerprint", f"sha256:{'0' * 64}", "its votes"),
        ("votes/1/groups", ["model-risk"], "its votes"),
        ("votes/1/assurance", "link", "its votes"),
        ("votes/1/decision", "reject", "its votes"),
        ("status", "rejected", "its status"),
        ("reason", "because", "its reason"),
        ("deadline", "2026-01-01T00:00:00.000000Z", "its deadline"),
        ("requester/id", "person:rosa", "its requester"),
        ("lifecycle/name", "other", "its lifecycle"),
        ("binding/lifecycle", f"sha256:{'0' * 64}", "its bound lifecycle"),
        ("binding/evidence", f"sha256:{'0' * 64}", "its evidence"),
        ("binding/description", "another", "its fingerprint"),
        ("binding/to", "Staging", "its transition"),
        ("binding/incarnation", "1/2", "its incarnation"),
        ("binding/displaces", [], "its displaced"),
        ("verdicts/1/values", {}, "its verdicts"),
        ("verdicts/1/result", "failed", "its verdicts"),
        ("fingerprint", f"sha256:{'0' * 64}", "its fingerprint"),
        ("id", "00000013", "says that this was asked for"),
        ("version", "1", "its version"),
    ],
)
def test_an_approval_that_says_other_than_its_records_is_found(
    files: Files, tmp_path: Path, path: str, value: object, said: str
) -> None:
    """Though every file is listed anew."""
    checked = check(zipped(forged_approval(files, path, value), tmp_path / "pack.zip"))

    assert 1 == checked.code
    assert said in checked.said


@pytest.mark.parametrize("folder", ["lifecycles/", "evidence/", "beside/", "bindings/"])
def test_a_document_is_what_its_digest_says(files: Files, tmp_path: Path, folder: str) -> None:
    """Its name is its SHA-256; under another name nothing names it."""
    name = next(one for one in sorted(files) if one.startswith(folder) and one.endswith(".json"))
    forged = listed_anew({**files, name: canonical({"forged": True})})
    checked = check(zipped(forged, tmp_path / "pack.zip"))
    left_out = listed_anew({one: body for one, body in files.items() if one != name})
    missed = check(zipped(left_out, tmp_path / "less.zip"))

    assert f"{name} is not the document that is named so" in checked.said
    assert 1 == missed.code
    assert name in missed.said or "fingerprint" in missed.said


def test_a_grant_that_nobody_approved_is_found_in_a_history_that_was_linked_anew(
    files: Files, tmp_path: Path
) -> None:
    """The votes taken out of the records and of the approval alike."""
    kept = [one for one in bodies(files[RECORDS]) if json.loads(one)["type"] != "Voted"]
    renumbered = [edited(one, number=n) for n, one in enumerate(kept, 1)]
    bare = forged_approval(files, "votes", [])
    checked = check(zipped(linked_anew(bare, renumbered), tmp_path / "pack.zip"))

    assert 1 == checked.code
    assert "0 approved, 2 were demanded" in checked.said


def test_a_lifecycle_that_nobody_adopted_is_found(files: Files, tmp_path: Path) -> None:
    """Its text is proved by a record of its own history, and by nothing else."""
    empty = {**files, "lifecycles/default.jsonl": b""}
    manifest = json.loads(empty[MANIFEST])
    manifest["histories"] = manifest["histories"][:1]
    del empty["lifecycles/default.jsonl"]
    forged = listed_anew({**empty, MANIFEST: json.dumps(manifest).encode()})

    assert "its lifecycle was adopted" in check(zipped(forged, tmp_path / "pack.zip")).said


def test_only_an_anchor_finds_a_history_that_was_linked_anew_as_a_whole(
    told: Asked, tmp_path: Path
) -> None:
    """Without one the pack still holds, and says that it is no more than linked."""
    root, prover = proof(told)
    files = unzipped(pack_of(told.world.context, told.approval, prover))
    whole = check(zipped(files, tmp_path / "whole.zip"), "--root", root)
    old = bodies(files[RECORDS])
    later = [edited(old[0], at="2025-12-31T23:59:59.000000Z"), *old[1:]]
    bare = {name: body for name, body in files.items() if name != "proof.json"}
    forged = zipped(linked_anew(bare, later), tmp_path / "forged.zip")
    with_proof = zipped(linked_anew(files, later), tmp_path / "with.zip")

    assert 0 == whole.code, whole.said
    assert "records 1 to 15 are as they were when the anchor of" in whole.said
    assert "linked all of it anew" not in whole.said
    assert 0 == check(forged).code
    assert "nothing proves that demo/models/churn is under" in check(forged, "--root", root).said
    assert "is not the one that was anchored" in check(with_proof).said


@pytest.mark.parametrize("name", [MANIFEST, RECORDS])
def test_a_file_that_is_endless_once_it_is_unpacked_is_not_read_whole(
    files: Files, tmp_path: Path, name: str
) -> None:
    """The verifier runs in 700 MB, of which it needs a part: a gigabyte of zeros fits in a zip."""
    path = tmp_path / "pack.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for one, body in files.items():
            if one != name:
                archive.writestr(one, body)
        with archive.open(name, "w") as endless:
            for _ in range(1024):
                endless.write(b"0" * 1024**2)
    verifier = tmp_path / "verify.py"
    verifier.write_bytes(files["verify.py"])
    narrow = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_AS, (700 << 20,) * 2); "
        f"sys.argv = ['verify.py', {str(path)!r}]; runpy.run_path({str(verifier)!r}, "
        "run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", narrow], capture_output=True, text=True, check=False
    )

    assert 1 == done.returncode
    assert "WRONG" in done.stdout
    assert "MemoryError" not in done.stdout


def test_the_proof_of_another_history_does_not_stand_in(told: Asked, tmp_path: Path) -> None:
    """Whoever forges the asset's history, and leaves out its proof, is found by the anchor."""
    root, prover = proof(told)
    files = unzipped(pack_of(told.world.context, told.approval, prover))
    proofs = json.loads(files["proof.json"])
    less = {name: json.dumps({name: one}).encode() for name, one in proofs.items()}
    of_asset = listed_anew({**files, "proof.json": less["demo/models/churn"]})
    of_lifecycle = listed_anew({**files, "proof.json": less["lifecycle:default"]})
    whole = check(zipped(of_asset, tmp_path / "asset.zip"), "--root", root)
    forged = check(zipped(of_lifecycle, tmp_path / "lifecycle.zip"), "--root", root)

    assert 0 == whole.code
    assert "lifecycle:default: not proved, it is only linked" in whole.said
    assert 1 == forged.code
    assert "nothing proves that demo/models/churn is under" in forged.said


@pytest.mark.parametrize("histories", [[], [1], [0, 0, 1]], ids=str)
def test_the_history_that_it_is_about_is_there_once(
    files: Files, tmp_path: Path, histories: list[int]
) -> None:
    """A pack without it proves nothing, and two of them leave open which one counts."""
    manifest = json.loads(files[MANIFEST])
    manifest["histories"] = [manifest["histories"][one] for one in histories]
    forged = listed_anew({**files, MANIFEST: json.dumps(manifest).encode()})
    checked = check(zipped(forged, tmp_path / "pack.zip"))

    assert 1 == checked.code
    assert "the history of demo/models/churn is not there once" in checked.said


def test_votes_of_the_wrong_group_are_found(files: Files, tmp_path: Path) -> None:
    """Two people are enough, and one of them must be of model-risk."""
    changed = [
        edited(one, groups=["data-science"]) if json.loads(one)["type"] == "Voted" else one
        for one in bodies(files[RECORDS])
    ]
    forged = forged_approval(files, "votes/0/groups", ["data-science"])
    checked = check(zipped(linked_anew(forged, changed), tmp_path / "pack.zip"))

    assert 1 == checked.code
    assert "0 of model-risk, 1 were demanded" in checked.said


def test_an_anchor_covers_what_was_before_it(told: Asked, tmp_path: Path) -> None:
    """Records behind it are linked, and no more; the anchor may come as a file."""
    root, prover = proof(told, behind=3)
    files = unzipped(pack_of(told.world.context, told.approval, prover))
    path = zipped(files, tmp_path / "pack.zip")
    anchor = json.loads(files["proof.json"])["demo/models/churn"]["anchor"]
    older = tmp_path / "anchors.jsonl"
    older.write_text("\n".join(json.dumps(one) for one in ({**anchor, "root": "00"}, anchor)))

    for arguments in (("--root", root.upper()), ("--anchor", str(older))):
        checked = check(path, *arguments)
        assert 0 == checked.code, checked.said
        assert "records 1 to 12 are as they were" in checked.said


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("index", 1, "another root"),
        ("path/0", None, "another root"),
        ("path/0", "00" * 32, "another root"),
        ("path", [], "another root"),
        ("anchor/size", 99, "another root"),
        ("anchor/root", "00" * 32, "not under the anchor"),
        ("anchor/ledger", "elsewhere", "another ledger"),
        ("history/1", 1, "not the one"),
        ("history/0", "demo/models/iris", "not the one"),
    ],
    ids=lambda one: str(one)[:20],
)
def test_a_proof_that_proves_something_else_is_found(
    told: Asked, tmp_path: Path, path: str, value: object, said: str
) -> None:
    """Of another leaf, another tree, another ledger, another record."""
    root, prover = proof(told)
    files = unzipped(pack_of(told.world.context, told.approval, prover))
    proofs = json.loads(files["proof.json"])
    put(proofs["demo/models/churn"], path, value)
    forged = listed_anew({**files, "proof.json": json.dumps(proofs).encode()})
    checked = check(zipped(forged, tmp_path / "pack.zip"), "--root", root)

    assert 1 == checked.code
    assert said in checked.said


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all"])
def test_what_is_no_pack_is_told_in_words(tmp_path: Path, data: bytes) -> None:
    """And not by a traceback."""
    path = tmp_path / "pack.zip"
    path.write_bytes(data)
    checked = check(path)

    assert 1 == checked.code
    assert "the pack cannot be read" in checked.said

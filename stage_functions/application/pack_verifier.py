#!/usr/bin/env python3
"""Check an evidence pack of Stageward. Python 3.9 or later runs this file alone, without a network.

    python verify.py [PACK] [--root HEX | --anchor FILE]

PACK is the zip, or the folder that it was unpacked to; the folder of this file if left out. The
anchor, or its root, is what you got apart from this pack, from whoever keeps the anchors.
It ends with 0 where everything holds, and with 1 where something does not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

Item = dict[str, Any]
FOLDERS = ("lifecycles/", "evidence/", "beside/", "bindings/")
VOTE = ("voter", "decision", "comment", "groups", "assurance", "fingerprint")
PLACED, CLOSED = ("Registered", "Imported", "StageChanged"), "ApprovalClosed"
MOST_FAULTS, MOST_BYTES = 20, 64 << 20  # a pack may be anybody's: its zeros may be many
faults: list[str] = []


def expect(holds: object, fault: str) -> None:
    """Note in words what does not hold."""
    if not holds:
        faults.append(fault)


def sha256(data: bytes) -> str:
    """Return the SHA-256 of bytes as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def canonical(value: Any) -> bytes:
    """Return JSON without fractions as RFC 8785 writes it; so no two readings of it differ."""

    def ordered(one: Any) -> Any:
        if isinstance(one, dict):
            by = sorted(one, key=lambda key: str(key).encode("utf-16-be", "surrogatepass"))
            return {key: ordered(one[key]) for key in by}
        return [ordered(item) for item in one] if isinstance(one, list) else one

    text = json.dumps(ordered(value), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


class Pack:
    """The files of a pack, in a zip or in a folder."""

    def __init__(self, path: Path) -> None:
        self.zip = None if path.is_dir() else zipfile.ZipFile(path)
        self.path = path
        found = [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else []
        inside = [one.relative_to(path).as_posix() for one in found]
        self.names = self.zip.namelist() if self.zip else inside

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading."""
        found = self.zip.open(name) if self.zip else (self.path / name).open("rb")
        return cast("BinaryIO", found)

    def json(self, name: str) -> Any:
        """Return the document of a file."""
        with self.open(name) as file:
            body = file.read(MOST_BYTES)
        return json.loads(body if len(body) < MOST_BYTES else b"")


def check_files(pack: Pack, manifest: Item) -> None:
    """Every file of the manifest is there as it says, and no other; names that are digests hold."""
    listed = ["manifest.json"] + [one["name"] for one in manifest["files"]]
    expect(len(set(pack.names)) == len(pack.names), "two files have the same name")
    added = sorted(set(pack.names) - set(listed))
    faults.extend(f"{name} is not in the manifest: it was added" for name in added)
    for one in manifest["files"]:
        name, size, hashed = one["name"], 0, hashlib.sha256()
        if name not in pack.names:
            faults.append(f"{name} is in the manifest and not in the pack: it was dropped")
            continue
        with pack.open(name) as file:
            for part in iter(lambda: file.read(1 << 20), b""):
                hashed.update(part)
                size += len(part)
        found = (size, hashed.hexdigest())
        expect(found == (one["size"], one["sha256"]), f"{name} is not as the manifest says")
        if name.startswith(FOLDERS) and name.endswith(".json"):
            named = name.rpartition("/")[2][:-5]
            expect(found[1] == named, f"{name} is not the document that is named so: altered")
    missing = manifest["missing"]
    faults.extend(f"{one['file']}: {one['why']} (so the pack itself says)" for one in missing)


def chain(pack: Pack, ledger: str, history: Item, hashes: dict[int, str]) -> Iterator[Item]:
    """Yield the records of a history, from the first; each must follow from the one before."""
    prev = sha256(f"stageward/1\n{ledger}\n{history['name']}".encode())
    number, at, name = 0, "", history["file"]
    with pack.open(name) as file:
        for line in iter(lambda: file.readline(MOST_BYTES), b""):
            number, where = number + 1, f"{name}: record {number + 1}"
            # {"prev":"<64 digits>","hash":"<64 digits>","record":<the very bytes that are hashed>}
            told, body = line[:158], line[158:-2]
            says, own = told[9:73].decode("latin-1"), told[83:147].decode("latin-1")
            form = f'{{"prev":"{says}","hash":"{own}","record":'.encode("latin-1")
            if told != form or line[-2:] != b"}\n" or canonical(json.loads(body)) != body:
                faults.append(f"{where} cannot be read: its bytes are damaged")
                return
            record = cast("Item", json.loads(body))
            expect(says == prev, f"{where} does not link to the record before")
            expect(sha256(bytes.fromhex(says) + body) == own, f"{where} was altered: see its hash")
            expect(record["number"] == number, f"{where} has the number {record['number']}")
            of = f"{record['asset']} of ledger {record['ledger']}"
            expect(of == f"{history['name']} of ledger {ledger}", f"{where} belongs to {of}")
            expect(record["at"] > at, f"{where} is not later than the record before")
            if len(faults) > MOST_FAULTS:
                return
            prev, at = own, record["at"]
            hashes[number] = own
            yield record
    ends = (number, prev) == (history["records"], history["hash"])
    expect(ends, f"{name} ends with record {number}, the history with {history['records']}")


def check_named(pack: Pack, record: Item, adopted: dict[str, int]) -> None:
    """What a record of the version names is in the pack; its lifecycle was adopted."""
    who = f"record {record['number']} ({record['type']})"
    law, origin = record.get("lifecycle", {}).get("digest"), record.get("origin", {})
    for folder, digest in (
        ("lifecycles", law),
        ("evidence", record.get("evidence")),
        ("evidence", origin.get("evidence")),
    ):
        file = f"{folder}/{str(digest)[7:]}.json"
        expect(not digest or file in pack.names, f"{who} names {file}, which is not in the pack")
    expect(not law or law in adopted, f"{who}: no record says that its lifecycle was adopted")
    id_ = record.get("approval")
    file = f"approvals/{id_}.json"
    expect(not id_ or file in pack.names, f"{who} names {file}, which is not in the pack")


def check_approval(pack: Pack, name: str, records: list[Item]) -> None:
    """An approval says what the records say of it, and is bound to what the pack shows."""
    approval = pack.json(name)
    bound, by = approval["binding"], cast("dict[str, list[Item]]", {})
    for one in records:
        if one.get("approval") == approval["id"]:
            by.setdefault(one["type"], []).append(one)
    if name != f"approvals/{approval['id']}.json" or len(by.get("ApprovalRequested", [])) != 1:
        faults.append(f"{name}: no record, or more than one, says that this was asked for")
        return
    (asked,), closed = by["ApprovalRequested"], by.get("ApprovalClosed", [])
    asker = by["Sponsored"][-1]["actor"] if "Sponsored" in by else asked["requester"]
    votes = [[vote[key] for key in VOTE] for vote in approval["votes"]]
    voted = [_vote(one) for one in by.get("Voted", [])]
    for what, said, recorded in (
        ("version", approval["version"], asked["version"]),
        ("requester", approval["requester"].get("id"), asker.get("id")),
        ("reason", approval["reason"], asked.get("reason", "")),
        ("deadline", approval["deadline"], asked["deadline"]),
        ("fingerprint", approval["fingerprint"], asked["fingerprint"]),
        ("lifecycle", approval["lifecycle"], asked["lifecycle"]),
        ("bound lifecycle", bound["lifecycle"], asked["lifecycle"]["digest"]),
        ("evidence", bound["evidence"], asked["evidence"]),
        ("incarnation", bound["incarnation"], asked["incarnation"]),
        ("transition", [bound["from"], bound["to"]], [asked["from"], asked["to"]]),
        ("displaced", bound["displaces"], asked.get("displaces", [])),
        ("verdicts", *(_verdicts(one) for one in (approval, asked))),
        ("votes", votes, voted),
        ("status", approval["status"], closed[-1]["status"] if closed else "open"),
    ):
        expect(said == recorded, f"{name}: its {what}: {said!r}, but by the records {recorded!r}")
    file = f"bindings/{approval['fingerprint'][7:]}.json"
    same = file in pack.names and pack.json(file) == bound
    expect(same, f"{name}: its fingerprint is not that of what it says it is bound to")
    for folder, digest in (
        ("beside", approval.get("beside")),
        ("evidence", approval.get("compared_evidence")),
    ):
        file = f"{folder}/{str(digest)[7:]}.json"
        expect(not digest or file in pack.names, f"{name} names {file}, which is not in the pack")
    for vote in voted:
        same = vote[-1] == approval["fingerprint"]
        expect(same, f"{name}: {vote[0]} voted on something else: another fingerprint")


def _vote(of: Item) -> list[Any]:
    known = of.get("assurance", "signed_in")
    said = [of["actor"]["id"], of["decision"], of.get("comment", ""), of["groups"]]
    return [*said, known, of["fingerprint"]]


def _verdicts(of: Item) -> list[Any]:
    return [[one["rule"], one["result"], one["values"]] for one in of.get("verdicts", [])]


def check_grants(pack: Pack, records: list[Item], about: list[Item]) -> None:
    """What was granted by an approval was approved in the same commit, by enough people."""
    for one in records:
        where, target = f"record {one['number']}", one.get("to", one.get("stage"))
        own = [record for record in about if record.get("approval") == one.get("approval")]
        if one.get("why") == "rolled_back" and "approval" in one:
            given = [r["number"] for r in own if r["type"] == CLOSED and r["status"] == "approved"]
            was = min(given, default=one["number"]) < one["number"]
            expect(was, f"{where}: nobody had approved what it came back by")
        if one["type"] != "Renewed" and one.get("why") != "approved":
            continue
        closed = [r["status"] for r in own if (r["type"], r["commit"]) == (CLOSED, one["commit"])]
        expect(closed == ["approved"], f"{where}: its approval was not given in the same commit")
        votes = [r for r in own if r["type"] == "Voted" and r["decision"] == "approve"]
        people = {vote["actor"]["id"] for vote in votes} - {one["requester"].get("id")}
        file = f"lifecycles/{one['lifecycle']['digest'][7:]}.json"
        text = pack.json(file) if file in pack.names else {}
        ways = [way for way in text.get("transitions", []) if way["to"] == target]
        ways = [way for way in ways if one["type"] == "Renewed" or way["from"] == one["from"]]
        asked = [way.get("approval") or {} for way in ways] or [{}]
        least = min(one.get("quorum", 1) for one in asked)
        expect(len(people) >= least, f"{where}: {len(people)} approved, {least} were demanded")
        escalated = any(record["type"] == "Escalated" for record in own)
        groups = asked[0].get("groups", {}) if len(asked) == 1 and not escalated else {}
        for group, count in groups.items():
            of_it = {vote["actor"]["id"] for vote in votes if group in vote["groups"]} & people
            expect(len(of_it) >= count, f"{where}: {len(of_it)} of {group}, {count} were demanded")


def root_of(proof: Item) -> str:
    """Return the root that a proof of inclusion leads to (RFC 9162, section 2.1.3.2)."""
    leaf = json.dumps(proof["history"], ensure_ascii=False, separators=(",", ":")).encode()
    found, path = hashlib.sha256(b"\0" + leaf).digest(), [bytes.fromhex(p) for p in proof["path"]]
    index, last = proof["index"], proof["anchor"]["size"] - 1
    while last > 0:
        if index ^ 1 <= last:
            other = path.pop(0) if path else b""
            pair = other + found if index & 1 else found + other
            found = hashlib.sha256(b"\1" + pair).digest()
        index, last = index >> 1, last >> 1
    return "" if index or path else found.hex()


def check_proofs(pack: Pack, manifest: Item, hashes: dict[str, dict[int, str]]) -> list[Item]:
    """The end that a proof is of is in the history here, and the proof leads to its anchor."""
    proofs = pack.json("proof.json") if "proof.json" in pack.names else {}
    for name, proof in proofs.items():
        of, number, own = proof["history"]
        same = of == name and hashes.get(name, {}).get(number) == own
        expect(same, f"proof.json: record {number} of {name} is not the one that was anchored")
        expect(root_of(proof) == proof["anchor"]["root"], f"proof.json: of {name}: another root")
        same = proof["anchor"]["ledger"] == manifest["ledger"]
        expect(same, f"proof.json: of {name}: another ledger")
    return list(proofs.values())


def check_anchor(proofs: list[Item], manifest: Item, root: str, file: Path | None) -> list[str]:
    """Compare what the proofs lead to with what the reader was given; return what that proves."""
    given = [root.lower()] if root else []
    if file is not None:
        lines = file.read_text(encoding="utf-8").strip()
        found = lines.splitlines() if lines.count('"root"') > 1 else [lines]
        documents = [json.loads(one) for one in found]
        given += [str(one.get("data", one)["root"]) for one in documents]
    if not given:
        return []
    for one in proofs:
        known = one["anchor"]["root"] in given
        expect(known, f"{one['history'][0]} is not under the anchor that was given")
    proved = {one["history"][0]: one for one in proofs}
    asset = manifest["subject"]["asset"]
    expect(asset in proved, f"nothing proves that {asset} is under the anchor that was given")
    said = "{0[0]}: records 1 to {0[1]} are as they were when the anchor of {1} was made"
    return [said.format(one["history"], one["anchor"]["at"]) for one in proofs] + [
        f"{one['name']}: not proved, it is only linked: no proof of it is in the pack"
        for one in manifest["histories"]
        if one["name"] not in proved
    ]


def check(pack: Pack, root: str, file: Path | None) -> list[str]:
    """Check everything; return in sentences what is proved where nothing is at fault."""
    manifest = pack.json("manifest.json")
    check_files(pack, manifest)
    ledger, subject = manifest["ledger"], manifest["subject"]
    hashes: dict[str, dict[int, str]] = {}
    adopted: dict[str, int] = {}
    mine: list[Item] = []
    about: list[Item] = []  # of any version: what a rollback goes by was asked for another one
    approvals = [one for one in sorted(pack.names) if one.startswith("approvals/")]
    names = [one["name"] for one in manifest["histories"]]
    once = names.count(subject["asset"]) == 1 and len(set(names)) == len(names)
    expect(once, f"the history of {subject['asset']} is not there once")
    for history in manifest["histories"]:
        name = history["name"]
        for record in chain(pack, ledger, history, hashes.setdefault(name, {})):
            if (name, record.get("version")) == (subject["asset"], subject["version"]):
                mine.append(record)
            if f"approvals/{record.get('approval')}.json" in approvals:
                about.append(record)
            if record["type"] == "LifecycleAdopted":
                adopted[record["lifecycle"]["digest"]] = record["number"]
    for record in mine:
        check_named(pack, record, adopted)
    for one in approvals:
        check_approval(pack, one, about)
    check_grants(pack, mine, about)
    stands = ["", *(record["to"] for record in mine if record["type"] in PLACED)][-1]
    same = stands == subject["stage"]
    expect(same, f"the manifest says {subject['stage']!r}, by its records it is at {stands!r}")
    proved = check_anchor(check_proofs(pack, manifest, hashes), manifest, root, file)
    count = len(manifest["files"])
    return [
        f"all {count} files are as the manifest lists them, and no other is there",
        *(
            f"{h['name']}: {h['records']} records, linked without a gap"
            for h in manifest["histories"]
        ),
        f"version {subject['version']} stands at {stands or 'no stage'} by its {len(mine)} records",
        f"{len(approvals)} approvals are as the records say: asked, voted on, closed",
        *proved,
    ]


def main() -> int:
    """Check the pack that the command line names."""
    parser = argparse.ArgumentParser(description="Check an evidence pack of Stageward.")
    parser.add_argument("pack", nargs="?", default=str(Path(__file__).resolve().parent))
    parser.add_argument("--root", default="", help="root of an anchor, 64 hex digits")
    parser.add_argument("--anchor", type=Path, help="file with an anchor, or one a line")
    given = parser.parse_args()
    proved: list[str] = []
    try:
        proved = check(Pack(Path(given.pack)), given.root, given.anchor)
    except Exception as exc:  # noqa: BLE001  # whatever it is: what cannot be read does not hold
        faults.append(f"the pack cannot be read: {type(exc).__name__}: {exc}")
    said = [f"WRONG: {one}" for one in faults] or [f"ok: {one}" for one in proved]
    if faults:
        said.append("This pack does not hold: do not rely on it.")
    elif not (given.root or given.anchor):
        said.append(
            "Not proved: whoever could write to the ledger could have linked all of it anew."
        )
        said.append("It is hash-linked, and no more: ask for an anchor, and give it by --root.")
    said.append("Not proved by any pack: that what was recorded is true, or that all was recorded;")
    said.append("names in people.json; that report.html, a reading of the rest, reads it right.")
    for one in said:
        print(ascii(one)[1:-1])  # nothing in it can steer a terminal
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

"""The files that are the same in every pack of a release: what checks it, what to read first."""

from __future__ import annotations

from importlib.resources import files

VERIFIER, README, REPORT = "verify.py", "README.txt", "report.html"

_README = """\
Evidence pack of Stageward
==========================

Open report.html in any browser, and print it from there. To check the pack, with Python 3.9 or
later, without a network, in the folder that this was unpacked to:

    python -I verify.py

or, without unpacking it, with a verify.py that you got elsewhere:

    python -I verify.py stageward-....zip --root <root of an anchor>

A pack cannot vouch for itself: whoever changes it can change its verify.py too. Take verify.py
from a release of Stageward (stage_functions/application/pack_verifier.py) if you doubt this one;
and ask whoever keeps the anchors of the ledger for one that is no older than the records.

What is in it
-------------

report.html           the pack for people: what was decided, when, by whom, why, on what grounds
records.jsonl         the whole history of the asset, a record a line: {"prev", "hash", "record"}
lifecycles/*.jsonl    the history of each lifecycle that governed it, in the same form
lifecycles/*.json     the lifecycles' texts, named by their SHA-256
evidence/*.json       what was known of versions when they were judged, named by its SHA-256
beside/*.json         what approvers saw besides, named by its SHA-256
bindings/*.json       what approvals are bound to, named by the fingerprint that votes carry
approvals/*.json      requests, votes, demands and verdicts, as the ledger has them
people.json           names of the people whom ids mean; not proved by anything
proof.json            proofs that histories are under an anchor; not there if none was made
manifest.json         name, size and SHA-256 of every file, and what the pack is about
verify.py             checks all of it

How a record is hashed
----------------------

hash = SHA-256(the 32 bytes of prev, then the bytes of "record" exactly as they stand in the line).
The prev of the first one is SHA-256("stageward/1\\n<ledger>\\n<asset>").
A line with "damaged" in it is a record that can no longer be read, in base64.

The files *.json in lifecycles, evidence, beside and bindings are the bytes that were hashed:
an editor that changes white space changes their SHA-256.
"""


def constant() -> dict[str, bytes]:
    """Return these files by name."""
    verifier = files("stage_functions.application").joinpath("pack_verifier.py").read_bytes()
    return {VERIFIER: verifier, README: _README.encode()}

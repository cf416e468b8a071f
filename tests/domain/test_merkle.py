"""Hash trees: those of RFC 9162, by its known vectors and by its definition."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.domain import merkle

ENTRIES = tuple(
    bytes.fromhex(one)
    for one in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
)
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""Over none of these entries, one, two, …, as implementations of Certificate Transparency test."""
LISTS = st.lists(st.binary(max_size=4), max_size=40)


def defined(entries: Sequence[bytes]) -> bytes:
    """Return the root as RFC 9162, 2.1.1 defines it."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    split = largest_power_below(len(entries))
    return hashlib.sha256(b"\x01" + defined(entries[:split]) + defined(entries[split:])).digest()


def path(index: int, entries: Sequence[bytes]) -> list[bytes]:
    """Return the proof as RFC 9162, 2.1.3.1 defines it."""
    if len(entries) == 1:
        return []
    split = largest_power_below(len(entries))
    if index < split:
        return [*path(index, entries[:split]), defined(entries[split:])]
    return [*path(index - split, entries[split:]), defined(entries[:split])]


def largest_power_below(number: int) -> int:
    """Return the largest power of two below a number."""
    return 1 << (number - 1).bit_length() - 1


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_known_entries_have_their_known_root(size: int) -> None:
    """Whoever checks an anchor may use any implementation."""
    assert ROOTS[size] == merkle.root(ENTRIES[:size]).hex()


@given(LISTS)
def test_the_root_is_as_the_standard_defines_it(entries: list[bytes]) -> None:
    """Level by level comes to the same as by halves."""
    assert defined(entries) == merkle.root(entries)


@given(LISTS.filter(bool), st.data())
def test_a_proof_is_as_the_standard_defines_it_and_leads_to_the_root(
    entries: list[bytes], data: st.DataObject
) -> None:
    """For each entry of each tree."""
    index = data.draw(st.integers(0, len(entries) - 1))
    proof = merkle.inclusion(entries, index)

    assert path(index, entries) == list(proof)
    assert merkle.root(entries) == merkle.root_by(entries[index], index, len(entries), proof)


@given(LISTS.filter(lambda found: len(found) > 1), st.data())
def test_a_proof_of_something_else_leads_elsewhere(
    entries: list[bytes], data: st.DataObject
) -> None:
    """Another entry, a step that was changed, left out or added, a place that there is not."""
    index = data.draw(st.integers(0, len(entries) - 1))
    size, proof = len(entries), merkle.inclusion(entries, index)
    entry, root = entries[index], merkle.root(entries)
    step = data.draw(st.integers(0, len(proof) - 1))
    flipped = bytes([proof[step][0] ^ 1]) + proof[step][1:]

    assert root != merkle.root_by(entry + b"x", index, size, proof)
    assert root != merkle.root_by(entry, index, size, (*proof[:step], flipped, *proof[step + 1 :]))
    assert root != merkle.root_by(entry, index, size, (*proof[:step], *proof[step + 1 :]))
    assert merkle.root_by(entry, index, size, (*proof, root)) is None
    assert merkle.root_by(entry, size, size, proof) is None
    assert merkle.root_by(entry, -1, size, proof) is None


def test_no_node_can_be_taken_for_a_leaf() -> None:
    """Two leaves and the entry that would hash as their node have different roots."""
    one, other = (merkle.leaf_hash(entry) for entry in ENTRIES[:2])

    assert merkle.root(ENTRIES[:2]) != merkle.root([one + other])


def test_there_is_no_proof_of_what_is_not_there() -> None:
    """It is not made up."""
    for index in (-1, 2):
        with pytest.raises(IndexError):
            merkle.inclusion(ENTRIES[:2], index)

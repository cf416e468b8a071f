"""Canonical bytes are those of RFC 8785, however they are made."""

from __future__ import annotations

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from stage_functions.domain.record import Json, canonical

TEXTS = st.one_of(
    st.text(),
    st.text(alphabet=st.characters(codec="ascii")),
    st.sampled_from(["", '\b\f\n\r\t"\\/\x7f\x00\x1f', "a:1.5", ",123456789012345678", "\ufb33"]),
)
LEAVES = st.one_of(TEXTS, st.booleans(), st.integers(), st.integers(0, 9))
DOCUMENTS: st.SearchStrategy[Json] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=20,
)


@given(DOCUMENTS)
def test_any_document_has_the_bytes_that_the_reference_gives_it(document: Json) -> None:
    """And what the reference refuses is refused."""
    try:
        expected = rfc8785.dumps(document)
    except rfc8785.CanonicalizationError:
        with pytest.raises(ValueError):  # noqa: PT011  # the reference says what is wrong
            canonical(document)
    else:
        assert canonical(document) == expected


@pytest.mark.parametrize("document", [[2**53], {"a": -(2**53)}, "\ud800"])
def test_what_reads_in_several_ways_has_no_canonical_bytes(document: Json) -> None:
    """Integers from 2^53 on are kept as texts."""
    with pytest.raises(ValueError):  # noqa: PT011  # of several kinds
        canonical(document)

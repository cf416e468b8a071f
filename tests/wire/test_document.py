"""Somebody else's JSON, read without trusting its shape."""

from __future__ import annotations

import pytest

from stage_functions.wire.document import entries, integer, member, parsed, text

DOCUMENT = {"a": {"b": "text", "n": 7, "l": [1]}, "digits": "0042", "yes": True, "half": 0.5}


@pytest.mark.parametrize(
    ("path", "expected"),
    [((), DOCUMENT), (("a", "n"), 7), (("a", "x"), None), (("a", "b", "c"), None), (("x",), None)],
    ids=str,
)
def test_finds_what_stands_at_a_path(path: tuple[str, ...], expected: object) -> None:
    """A path leads to what stands there, or to None, whatever is on the way."""
    assert expected == member(DOCUMENT, *path)


def test_reads_text() -> None:
    """What is no text counts as absent."""
    assert ("text", "", "") == (text(DOCUMENT, "a", "b"), text(DOCUMENT, "yes"), text(None))


def test_reads_lists() -> None:
    """What is no list counts as an empty one."""
    assert ([1], [], []) == (entries(DOCUMENT, "a", "l"), entries(DOCUMENT, "a"), entries(3))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, 7),
        (-1, -1),
        ("0042", 42),
        ("9" * 19, int("9" * 19)),
        ("9" * 20, None),
        ("-1", None),
        ("٣", None),
        ("", None),
        (0.5, None),
        (True, None),
        (None, None),
    ],
    ids=ascii,
)
def test_reads_whole_numbers(value: object, expected: int | None) -> None:
    """A number may come in quotes; what is none, or has no end, counts as absent."""
    assert expected == integer({"n": value}, "n")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe\xfd", "[" * 100_000], ids=["", "{", "x", "["]
)
def test_says_what_is_no_json(body: bytes | str) -> None:
    """Whatever is wrong with a text that is no JSON, it is one error."""
    with pytest.raises(ValueError, match=r"."):
        parsed(body)

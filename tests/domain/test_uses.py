"""What a version uses, as its evidence says."""

from __future__ import annotations

import json

import pytest

from stage_functions.domain.asset import Version
from stage_functions.domain.evidence import Evidence, Scalar
from stage_functions.domain.uses import MAX_RELATED, Use, fields, references, uses

DATA, BASE = "demo/data/iris:3", "demo/models/base:2"


def test_any_section_may_name_what_is_used() -> None:
    """One by `asset`, several by `assets`; each once for each section."""
    evidence = Evidence(
        {
            "base_model": {"asset": BASE},
            "data": {"asset": DATA, "assets": json.dumps([DATA, "demo/data/wine:1"])},
            "job": {"id": "b0"},
        }
    )

    assert uses(evidence) == (
        Use("data", DATA, Version.parse(DATA)),
        Use("data", "demo/data/wine:1", Version.parse("demo/data/wine:1")),
        Use("base_model", BASE, Version.parse(BASE)),
    )
    assert references(evidence) == (DATA, "demo/data/wine:1", BASE)


@pytest.mark.parametrize(
    ("field", "value", "texts"),
    [
        ("asset", "s3://somewhere", ["s3://somewhere"]),
        ("asset", 3, []),
        ("asset", "", []),
        ("assets", "no JSON", ["no JSON"]),
        ("assets", '{"a": 1}', ['{"a": 1}']),
        ("assets", '["", 3, null, "x"]', ["x"]),
        ("assets", "[" * 100_000, ["[" * 100_000]),
        ("assets", True, []),
    ],
)
def test_what_names_nothing_is_kept_as_it_is_written(
    field: str, value: Scalar, texts: list[str]
) -> None:
    """A rule must not take what it does not know for nothing."""
    evidence = Evidence({"environment": {field: value}})

    assert uses(evidence) == tuple(Use("environment", text, None) for text in texts)
    assert references(evidence) == ()


def test_what_is_written_is_read_back() -> None:
    """A section's fields and their reading agree, for one thing and for many."""
    for names in ([], [DATA], [DATA, BASE, "nothing"]):
        found = uses(Evidence({"data": fields(names)}))
        assert [use.text for use in found] == names


def test_no_more_than_a_hundred_are_indexed() -> None:
    """A row stays of a size that a store takes."""
    many = [f"demo/data/d{number}:1" for number in range(MAX_RELATED + 20)]

    assert len(references(Evidence({"data": fields(many)}))) == MAX_RELATED

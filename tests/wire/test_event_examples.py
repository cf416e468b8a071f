"""The examples of the reference are events that the product has written.

    pytest tests/wire/test_event_examples.py --event-examples scripts/site/reference/events.json

makes them anew, one of each type, from the walk that fills every field. Without it nothing is
written; an example that is none by today's schemas, or that has another content than its hash,
fails.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.site.reference.events import EXAMPLES
from stage_functions.domain.record import RecordType, canonical, link
from tests.wire.test_event_schemas import faults, one_of_each, walk

__all__ = ["walk"]
Document = dict[str, Any]


def kept() -> dict[str, Document]:
    """Return the examples by their type."""
    found: dict[str, Document] = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    return found


def test_examples_are_written_where_it_is_asked_for(
    walk: list[Document],
    request: pytest.FixtureRequest,
) -> None:
    """Of each type the one with most fields."""
    found = dict(sorted(one_of_each(walk).items()))
    path = request.config.getoption("--event-examples")
    if path:
        text = json.dumps(found, indent=1, ensure_ascii=False)
        Path(path).write_text(f"{text}\n", encoding="utf-8")

    assert set(RecordType) == set(found)


@pytest.mark.parametrize("type_", RecordType)
def test_an_example_is_as_its_schema_says_and_as_it_was_sealed(type_: RecordType) -> None:
    """So nobody has made it up: its hash is that of what it says."""
    example = kept()[type_]
    body = {key: value for key, value in example.items() if key not in ("prev", "hash")}

    assert [] == faults(example)
    assert example["hash"] == link(example["prev"], canonical(body))


def test_there_are_examples_of_all_types_and_no_others() -> None:
    """A new type gets one."""
    assert sorted(RecordType) == sorted(kept())

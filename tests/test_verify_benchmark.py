"""The benchmark of verification measures sound histories, or it stops and gives no figure."""

from __future__ import annotations

from pathlib import Path

from benchmarks import verify


def test_the_histories_that_are_measured_verify(tmp_path: Path) -> None:
    """Whatever else `verify` comes to compare."""
    found = verify.of_records(tmp_path, 1_000)

    assert [True] * 4 == [bool(row.value) for row in found]

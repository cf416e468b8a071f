"""Evidence is what is there: nothing is invented, and nothing is left out."""

from __future__ import annotations

import pytest

from stage_functions.domain.evidence import SECTIONS, Evidence, Scalar, number


def test_every_section_is_there_even_when_nothing_is_known() -> None:
    """A rule can ask for any section."""
    assert list(Evidence().variables()) == list(SECTIONS)


def test_a_job_that_is_gone_keeps_its_id() -> None:
    """Deleting a failed job does not make a version look as if it never had one."""
    assert Evidence().of_job("b0e1").variables()["job"] == {"id": "b0e1"}


def test_what_is_known_of_a_job_stays() -> None:
    """The registry's own word counts."""
    known = Evidence({"job": {"id": "b0e1", "status": "FAILED"}})

    assert known.of_job("b0e1") == known


def test_numbers_that_canonical_json_cannot_keep_are_kept_as_text() -> None:
    """Fractions and large integers have one way to be written."""
    kept = Evidence({"metrics": {"accuracy": 0.1, "steps": 2**60, "epochs": 3}}).document()

    assert kept["metrics"] == {"accuracy": "0.1", "steps": "1152921504606846976", "epochs": 3}


def test_an_unknown_section_is_refused() -> None:
    """A misspelt section is not silently lost."""
    with pytest.raises(ValueError, match="metric"):
        Evidence({"metric": {}})


def test_what_was_kept_is_read_as_it_was() -> None:
    """Metrics are numbers again; what a later release adds is left out."""
    made = Evidence({"metrics": {"auc": 0.1, "steps": 3}, "params": {"C": "0.5"}})
    document = {**made.document(), "later": {"a": "b"}}

    assert Evidence.kept(document).variables() == made.variables()  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["", "007", "1_0", " 1", "0x1", "1e5x", True, 10**400])
def test_a_text_that_only_looks_like_a_number_is_none(value: Scalar) -> None:
    """Only what Python writes for a number is one, and only one that a fraction can hold."""
    assert number(value) is None

"""What an observed record says, in words."""

from __future__ import annotations

import pytest

from stage_functions.domain.foreseen import ONLY_OBSERVED, foreseen, status


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            {"from": "None", "to": "Staging", "outcome": "granted", "detail": "None → Staging"},
            ("None → Staging: would be granted", ""),
        ),
        (
            {"from": "A", "to": "B", "outcome": "pending", "detail": "A → B waits for approval"},
            ("A → B: would wait for approval", ""),
        ),
        (
            {"from": "A", "to": "B", "outcome": "refused", "detail": "A → B is not allowed"},
            ("A → B: would be refused", "A → B is not allowed"),
        ),
        (
            {"from": "A", "outcome": "refused", "detail": "would be recorded as violated: x"},
            ("A", "would be recorded as violated: x"),
        ),
        (
            {"from": "A", "to": "B", "outcome": "drift", "detail": "stage B would be put back"},
            ("drift", "stage B would be put back"),
        ),
        ({"to": "A", "outcome": "first seen"}, ("first seen at A", "")),
        ({"outcome": "gone", "detail": "it is gone"}, ("gone", "it is gone")),
        ({"outcome": "of a later release"}, ("of a later release", "")),
    ],
)
def test_what_would_have_happened_is_never_told_as_what_has(
    content: dict[str, str], said: tuple[str, str]
) -> None:
    """Nothing is said twice."""
    assert said == foreseen(content)


def test_a_status_without_a_stage_says_that_it_is_only_observed() -> None:
    """What was answered last comes first."""
    assert [ONLY_OBSERVED, "said", ""] == [status("", ""), status("said", ""), status("", "A")]

"""What the ledger remembers of a version, and how long it counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stage_functions.domain.state import OUTDATED_SECONDS, VersionState

WRITTEN = datetime(2026, 1, 2, tzinfo=UTC)
SOON = WRITTEN + timedelta(seconds=1)
LATER = WRITTEN + timedelta(seconds=OUTDATED_SECONDS)
BEFORE = WRITTEN - timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("own", "shown", "now", "expected"),
    [
        (WRITTEN, BEFORE, SOON, True),
        (WRITTEN, WRITTEN, SOON, False),
        (WRITTEN, SOON, SOON, False),
        (WRITTEN, None, SOON, False),
        (None, BEFORE, SOON, False),
        (WRITTEN, BEFORE, LATER, False),
    ],
)
def test_an_answer_from_before_an_own_write_is_old_for_a_while(
    own: datetime | None, shown: datetime | None, now: datetime, *, expected: bool
) -> None:
    """A registry whose clock goes backwards is believed again after a minute."""
    state = VersionState("1", "0/a", "None", WRITTEN, verified_at=own)

    assert expected == state.outdates(shown, now)

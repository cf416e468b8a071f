"""Evidence that one release seals with an address, and the other without, on the same approval."""

from __future__ import annotations

import pytest

from tests.rolling.previous import previous
from tests.rolling.test_previous_release import Pair, check, come_to_rest, pair

__all__ = ["pair", "previous"]

JANE = "jane.doe@example.org"


def asked(both: Pair, release: str) -> str:
    """Let a release ask for Production of a version whose job was Jane's; return the approval."""
    for name in both.trees:
        both.start(name).do("begin")
    both.numbers.append("1")
    both.do(release, "register", number="1", trainer=JANE)
    both.do(release, "signal", number="1")
    both.do(release, "ask", number="1", stage="Staging")
    return str(both.do(release, "ask", number="1", stage="Production"))


@pytest.mark.parametrize("pair", ["sqlite", "azurite"], indirect=True)
@pytest.mark.parametrize(
    ("opens", "decides", "status"),
    [
        ("previous", "present", "approved"),
        ("present", "present", "approved"),
        ("present", "previous", "voided"),
    ],
)
def test_an_approval_counts_where_this_release_decides(
    pair: Pair, opens: str, decides: str, status: str
) -> None:
    """Only where the older one reaches the quorum of a newer one it is voided, and asked anew."""
    approval = asked(pair, opens)
    pair.do(decides, "vote", approval=approval, person="bob")
    found = pair.do(decides, "vote", approval=approval, person="eve")
    if found == "voided":
        anew = pair.do("present", "ask", number="1", stage="Production")
        for person in ("bob", "eve"):
            pair.do("present", "vote", approval=anew, person=person)
    come_to_rest(pair, "present")

    assert status == found
    assert "StageChanged" in check(pair)
    assert {"Production": ["1"]} == pair.running["present"].do("see")["holders"]

"""Evidence packs of the way back: a rollback, an emergency, and what became of it, hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from stage_functions.application import query
from stage_functions.application.rollback import request_rollback
from stage_functions.application.sweep import sweep
from stage_functions.application.vote import withdraw
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.lifecycle import NotRatified
from tests.application.aged import contents
from tests.application.test_emergency import ready, use
from tests.builders import IRIS, World, actor, cast
from tests.packs import (
    RECORDS,
    bodies,
    check,
    edited,
    linked_anew,
    pack_of,
    report_of,
    unzipped,
    written,
    zipped,
)
from tests.way_back_world import RATIFY, back, end, two, urgent

ONE, TWO = Version(IRIS, "1"), Version(IRIS, "2")


@pytest.fixture(autouse=True)
def _ending() -> Iterator[None]:
    yield
    end()


def rolled_back() -> World:
    """Return a world where version 1 is back, and 2 is marked."""
    here = two()
    request_rollback(here.context, back(here, mark=True))
    return here


def holds(here: World, version: Version, folder: Path) -> str:
    """Return the report of a version's pack, which must hold, and of which nothing is written."""
    before = contents(here.rows._rows)  # type: ignore[arg-type]  # noqa: SLF001
    data = pack_of(here.context, version)
    checked = check(zipped(unzipped(data), folder / f"{version.number}.zip"))

    assert before == contents(here.rows._rows)  # type: ignore[arg-type]  # noqa: SLF001
    assert checked.code == 0, checked.said
    return report_of(data)


def test_the_pack_of_a_rollback_holds(tmp_path: Path) -> None:
    """What came back goes by the approval of another version, which is in its pack."""
    here = rolled_back()
    told = holds(here, ONE, tmp_path)
    holds(here, TWO, tmp_path)
    (moved,) = (
        one.content
        for one in query.all_records(here.context, IRIS)
        if one.version == "1" and one.content.get("why") == "rolled_back"
    )

    assert (
        "by a rollback, in place of what had displaced it, under the approval by which that was "
        f"let in: approval {moved['approval']}; it stands by its own again, {moved['restores']}"
    ) in told
    assert "One approval of this version is on record." in told
    assert f"<code>{moved['approval']}</code> of version 2: Staging → Production" in told


def test_a_rollback_by_what_nobody_approved_is_found(tmp_path: Path) -> None:
    """Though the history was linked anew."""
    files = unzipped(pack_of(rolled_back().context, ONE))
    changed = [
        edited(body, status="rejected") if b'"type":"ApprovalClosed"' in body else body
        for body in bodies(files[RECORDS])
    ]
    names = [one for one in files if one.startswith("approvals/")]
    for name in names:
        files[name] = json.dumps({**json.loads(files[name]), "status": "rejected"}).encode()
    found = check(written(linked_anew(files, changed), tmp_path / "pack"))

    assert 1 == found.code
    assert "nobody had approved what it came back by" in found.said


BECAME = {
    "open": "nobody has ratified it yet: without that before 2026-01-02 01:00:00 UTC it counts as",
    "ratified": "ratified on 2026-01-01 01:00:00 UTC by approval ",
    "rejected": "not ratified: rejected by Bob (person:bob), on 2026-01-01 01:00:00 UTC; in the",
    "taken back": "not ratified: taken back by Ada (person:ada), on 2026-01-01 01:00:00 UTC; in the",
    "reverted": "not ratified: nobody ratified it before 2026-01-02 01:00 UTC, on 2026-01-02",
    "escalated": "it stays, is not to be deployed, and a ratification opened again",
}
"""What the report says of an emergency, by what became of it."""


@pytest.mark.parametrize("became", list(BECAME))
def test_the_pack_of_an_emergency_holds(tmp_path: Path, became: str) -> None:
    """Whatever became of it, it is told."""
    then = NotRatified.ESCALATE if became == "escalated" else NotRatified.REVERT
    here = ready(urgent(then))
    answer = use(here)
    if became == "ratified":
        cast(here.context, answer.approval, "bob")
        cast(here.context, answer.approval, "eve")
    elif became == "rejected":
        cast(here.context, answer.approval, "bob", Decision.REJECT, "it could have waited")
    elif became == "taken back":
        withdraw(here.context, answer.approval, actor("ada"), "back-1", "a false alarm")
    elif became != "open":
        here.clock.sleep((RATIFY + timedelta(hours=1)).total_seconds())
        sweep(here.context)
    told, other = holds(here, TWO, tmp_path), holds(here, ONE, tmp_path)
    assert (
        "An emergency: the stage changed before anybody had approved it.</strong> Ada (person:ada) "
        "moved version 2 from Staging to Production at once on 2026-01-01 01:00:00 UTC (record 10)"
        ", for INC-1."
    ) in told
    assert f"What became of it: {BECAME[became]}" in told or became == "escalated"
    assert BECAME[became] in told
    assert "(INC-1, record 10), at once, before anybody had approved it; " in told
    assert "ratified in time" not in told + other
    if became in ("rejected", "taken back", "reverted"):
        why = BECAME[became].removeprefix("not ratified: ").partition(", on")[0]
        assert f"it went back, since the emergency in record 10 was not ratified: {why}" in told
        assert (
            f"it came back, since the emergency of version 2 in record 10 was not ratified: {why}; "
            "it stands by its own again, "
        ) in other

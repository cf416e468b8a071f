"""What this release bars stays barred where an instance of the release before works beside it.

That one knows no marks, no edits at frozen stages, no emergencies, no stages called otherwise and no
protected lifecycles: it must not decide where these count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.adoption import adopt
from stage_functions.application.rollback import request_rollback
from stage_functions.application.scan import found_empty
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.lifecycle import Lifecycle
from tests.application.rules_world import law, process, renamed
from tests.builders import IRIS, World, context_over, lifecycle
from tests.fakes.clock import LaterClock
from tests.fakes.registry import FileRegistry
from tests.rolling.instance import Instance, RefusedError
from tests.rolling.previous import previous
from tests.way_back_world import back, promoted, stages, urgent

__all__ = ["previous"]

LATER = "LaterReleaseError.*update this instance"
Begin = Callable[[Lifecycle], World]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Begin a ledger of this release in the folder that an instance then works in."""
    with ExitStack() as stack:

        def begun(governed_by: Lifecycle) -> World:
            rows = stack.enter_context(closing(SQLiteRows(tmp_path / "ledger.db")))
            registry, clock = FileRegistry(tmp_path / "registry", "demo"), LaterClock(0)
            found = context_over(rows, registry, clock, Mode.ENFORCE, governed_by=governed_by)
            adopt(found)
            found_empty(found, "demo")
            return World(found, registry, clock, rows)  # type: ignore[arg-type]  # a real clock

        yield begun


@pytest.fixture
def older(previous: Path, tmp_path: Path) -> Iterator[Callable[[], Instance]]:
    """Start an instance of the release before, over the same ledger."""
    with ExitStack() as stack:

        def started() -> Instance:
            found = Instance(previous, tmp_path)
            stack.callback(found.kill)
            return found

        yield started


def alike(changed: Lifecycle, **production: object) -> Lifecycle:
    """Return a lifecycle that the release before takes for its own: its digest is the same."""
    stage = replace(changed.stages["Production"], **production)
    return replace(changed, stages={**changed.stages, "Production": stage}, text=lifecycle().text)


def marked(begin: Begin) -> str:
    """Take version 2 out for cause; it could be asked for again."""
    here = begin(alike(urgent(), displaced_to="Staging"))
    for number in ("1", "2"):
        promoted(here, number)
    request_rollback(here.context, back(here, mark=True))
    return "2"


def edited(begin: Begin) -> str:
    """Edit version 1 at its frozen stage."""
    here = begin(alike(lifecycle(), frozen=True))
    version = promoted(here, "1")
    here.registry.set_tag(version, "owner", "somebody else")
    follow(here.context, Signal(version))
    return "1"


def unratified(begin: Begin) -> str:
    """Let version 1 stand by an emergency that nobody has ratified."""
    here = begin(alike(urgent()))
    version = here.register("1")
    request_transition(here.context, here.command(version, "Staging"))
    command = replace(here.command(version, "Production", "ada"), emergency="INC-1")
    assert request_transition(here.context, command).stage == "Production"
    return "1"


@pytest.mark.parametrize("make", [marked, edited, unratified])
def test_nothing_is_granted_there_to_what_is_barred_here(
    begin: Begin, older: Callable[[], Instance], make: Callable[[Begin], str]
) -> None:
    """It says that it is to be updated."""
    number = make(begin)
    there = older()
    there.do("begin")
    target = "Production" if number == "2" else "Archived"
    with pytest.raises(RefusedError, match=LATER):
        there.do("ask", number=number, stage=target)


def test_what_is_protected_is_not_adopted_there_as_a_former_file_has_it(
    begin: Begin, older: Callable[[], Instance]
) -> None:
    """One that runs decides nothing from its next sweep on; none starts any more."""
    there = older()
    there.do("begin")
    begin(law())
    there.do("register", number="1")
    with pytest.raises(RefusedError, match=LATER):
        there.do("sweep")
    with pytest.raises(RefusedError, match=LATER):
        there.do("signal", number="1")
    with pytest.raises(AssertionError, match="needs one that knows format 3; this one knows 2"):
        older().do("begin")


def test_nothing_is_decided_there_where_stages_are_called_otherwise(
    begin: Begin, older: Callable[[], Instance]
) -> None:
    """It knows no holder of the new name, so it would let a second one in."""
    here, there = begin(law(protect_lifecycle=None)), older()
    for number in ("1", "2"):
        there.do("register", number=number)
        there.do("signal", number=number)
        there.do("ask", number=number, stage="Staging")
    now = replace(here, context=process(here, renamed(protect_lifecycle=None)))
    request_transition(now.context, now.command(Version(IRIS, "1"), "Live"))

    assert {"1": "Testing", "2": "Testing"} == stages(now)
    with pytest.raises(RefusedError, match=LATER):
        there.do("ask", number="2", stage="Production")

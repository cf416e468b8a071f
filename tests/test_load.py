"""What a load costs in Azure: the figures that docs/operate.md reckons with are those of the code."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.cost import LOADS, Assumptions, Load, each, reckon, table
from benchmarks.operations import Cost, count, kept

OPERATE = Path(__file__).parents[1] / "docs" / "operate.md"
LIMITS = {
    "reads of the resource manager",
    "writes of the resource manager",
    "instances of the function",
    "a scan within a day",
    "operations of the storage account",
    "the partitions of markers",
    "events into a topic",
}
_LOADS = st.builds(Load, st.floats(1, 1e8), st.floats(1, 1e7))


@pytest.fixture(scope="module")
def counted() -> dict[str, Cost]:
    """Return what each kind of event costs on Azurite and the local Azure ML."""
    return count()


def test_what_is_kept_is_what_the_code_costs_now(counted: dict[str, Cost]) -> None:
    """Each kind of event makes as many requests and calls as the cost model takes for granted."""
    assert {kind: replace(cost, kept=0) for kind, cost in kept().items()} == {
        kind: replace(cost, kept=0) for kind, cost in counted.items()
    }


def test_what_the_ledger_grows_by_is_known(counted: dict[str, Cost]) -> None:
    """The bytes that an event leaves in the ledger are within a tenth of what is kept."""
    for kind, cost in kept().items():
        assert counted[kind].kept == pytest.approx(cost.kept, rel=0.1, abs=200), kind


def test_the_documented_tables_are_those_that_are_reckoned() -> None:
    """docs/operate.md shows what the model prints, so it cannot grow old."""
    found = [reckon(Load(*one), kept(), Assumptions()) for one in LOADS]
    document = OPERATE.read_text("utf-8")
    assert table(found) in document
    assert each(kept()) in document


def test_ten_million_events_a_day_are_too_many_reads_for_one_subscription() -> None:
    """The resource manager gives first: such a load asks for more reads than it refills."""
    first = reckon(Load(10_000_000, 1_000_000), kept(), Assumptions()).uses[0]
    assert first.what == "reads of the resource manager"
    assert first.share > 1


@given(_LOADS)
def test_every_load_has_a_cost_and_a_place_where_it_gives_first(load: Load) -> None:
    """Whatever the load: sums of money are finite, and limits are listed, the most used first."""
    found = reckon(load, kept(), Assumptions())
    assert all(math.isfinite(amount) and amount >= 0 for amount in found.money.values())
    assert {use.what for use in found.uses} == LIMITS
    assert [use.share for use in found.uses] == sorted(
        (use.share for use in found.uses), reverse=True
    )


@given(_LOADS, st.floats(1, 10))
def test_more_events_never_cost_less(load: Load, factor: float) -> None:
    """The same registries with more events take no fewer executions, operations and reads."""
    less = reckon(load, kept(), Assumptions())
    more = reckon(replace(load, events=load.events * factor), kept(), Assumptions())
    assert more.executions >= less.executions
    assert more.reads >= less.reads


def test_the_limits_of_the_app_are_those_of_its_template() -> None:
    """How many instances there may be, and of what size, is as infra/modules/app.bicep says."""
    template = (OPERATE.parents[1] / "infra" / "modules" / "app.bicep").read_text("utf-8")
    given = Assumptions()
    assert f"maximumInstanceCount: {given.instances}\n" in template
    assert f"instanceMemoryMB: {given.memory_gb * 1024:.0f}\n" in template

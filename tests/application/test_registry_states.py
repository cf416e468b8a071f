"""What instances know of a registry, and when."""

from __future__ import annotations

from msgspec.structs import replace

from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.registries import RegistryState, RegistryStates
from stage_functions.domain.configuration import (
    Configuration,
    Mode,
    RegistryConfiguration,
    RegistryType,
)
from stage_functions.domain.people import Directory
from tests.fakes.clock import FakeClock


def test_an_instance_that_is_second_to_change_something_knows_it_at_once() -> None:
    """Two that find a registry empty both govern it, and neither observes it for a while yet."""
    rows, clock = SQLiteRows(":memory:"), FakeClock()
    registry = RegistryConfiguration("dev", RegistryType.MLFLOW, "http://m", Mode.ENFORCE)
    configuration = Configuration({"dev": registry}, Directory(), ())
    first, second = (RegistryStates(rows, clock, configuration) for _ in range(2))

    def imported(state: RegistryState) -> RegistryState:
        return replace(state, imported=True)

    assert second.ungoverned("dev")
    first.update("dev", imported)
    second.update("dev", imported)

    assert not second.ungoverned("dev")
    rows.close()

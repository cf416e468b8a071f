"""What every store of rows must do.

A store passes by a class of its own that supplies the `store` fixture, empty for each test:

    class TestMyRows(RowStoreContract):
        @pytest.fixture
        def store(self) -> Iterator[Rows]:
            with closing(MyRows()) as store:
                yield store
"""

from __future__ import annotations

from tests.contracts.rows_limits import RowLimits
from tests.contracts.rows_races import RowRaces
from tests.contracts.rows_reads import RowReads
from tests.contracts.rows_scan import RowScan
from tests.contracts.rows_writes import RowWrites


class RowStoreContract(RowReads, RowWrites, RowLimits, RowRaces, RowScan):
    """The behaviours that the ledger counts on."""

"""Whatever stands in a record's row, reading it comes to a fault or to damage that is named."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stage_functions.application import keys, query
from stage_functions.application.codec import pack_record
from stage_functions.application.ports.rows import LEDGER, Upsert
from stage_functions.application.transition import request_transition
from stage_functions.domain.error import LedgerDamagedError
from stage_functions.domain.record import Record, link
from tests.builders import IRIS, world

BODIES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [
            b"{}",
            b"[]",
            b"1",
            b'"x"',
            b"null",
            b'{"asset":"demo/models/iris","ledger":"LEDGER"}',
            b'{"asset":"demo/models/iris","ledger":"LEDGER","number":"1"}',
            b'{"asset":"demo/models/iris","ledger":"LEDGER","number":1}',
            b'{"asset":"demo/models/iris","at":"x","ledger":"LEDGER","number":1}',
            b'{"asset":"demo/models/iris","ledger":"LEDGER","number":9007199254740993}',
            b'{"asset":"demo/models/iris","at":"2026-01-01T00:00:00","ledger":"LEDGER","number":1}',
        ]
    ),
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=BODIES, at=st.sampled_from((1, 2)), hashed=st.booleans())
def test_whatever_stands_in_a_records_row_is_a_fault_or_damage(
    body: bytes, at: int, *, hashed: bool
) -> None:
    """And no unforeseen error."""
    it = world()
    request_transition(it.context, it.command(it.register("1"), "Staging"))
    old = list(query.all_records(it.context, IRIS))[at - 1]
    body = body.replace(b"LEDGER", it.context.ledger.id.encode())
    forged = Record(body, old.prev, link(old.prev, body) if hashed else old.hash, {})
    row = Upsert(keys.record_key(at), pack_record(forged))
    it.rows.commit(LEDGER, keys.asset_partition(IRIS), [row])
    with suppress(LedgerDamagedError):
        assert query.check_history(it.context, IRIS) is not None
    it.rows.close()

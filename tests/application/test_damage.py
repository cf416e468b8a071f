"""Whatever stands in a record's row, reading it comes to a fault or to damage that is named."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stage_functions.application import keys, query, upkeep
from stage_functions.application.codec import pack_record
from stage_functions.application.ports.rows import LEDGER, WORK, Upsert, Value
from stage_functions.application.status import status
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.application.troubles import troubles
from stage_functions.domain.error import LedgerDamagedError, RegistryUnavailableError
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


@pytest.mark.parametrize(
    "values",
    [
        {"asset": str(IRIS), "commit": "many", "at": "2026-01-01T00:00:00+00:00"},
        {"asset": str(IRIS), "commit": 9, "at": "yesterday"},
        {"asset": "nothing", "commit": 9, "at": "2026-01-01T00:00:00+00:00"},
    ],
)
def test_a_marker_that_is_none_is_named_and_holds_up_nothing(values: dict[str, Value]) -> None:
    """It lies before all others, and the sweep works them off all the same."""
    it = world()
    shard = keys.outbox_shard(keys.asset_partition(IRIS))
    it.rows.commit(WORK, shard, [Upsert("!", values)])
    it.registry.before = refuse_tags
    version = it.register("1")
    it.registry.before = lambda _: None
    it.clock.sleep(4000)
    swept = sweep(it.context)

    assert "None" == it.registry.tags(version)["stage"]
    assert ["row ! holds no marker"] == [one.partition(":")[0] for one in swept.failed]
    assert "damaged" == upkeep.health(it.context).parts["ledger"]
    assert ["ledger-damaged"] == [one.code for one in troubles(status(it.context))]
    it.rows.close()


def refuse_tags(call: str) -> None:
    """Let the registry be away whenever a tag is written."""
    if call == "write_tag":
        message = "away"
        raise RegistryUnavailableError(message)

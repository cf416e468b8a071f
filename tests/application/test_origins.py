"""The chain of copies: what a version is a copy of, what it was copied to, and whether it is so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from stage_functions.application import keys, query
from stage_functions.application.brief import brief
from stage_functions.application.codec import pack_record, unpack_record
from stage_functions.application.dossier import version_dossier
from stage_functions.application.origins import chain, copied_to, verify_origin
from stage_functions.application.ports.rows import LEDGER, Delete, Upsert
from stage_functions.application.timeline import moment
from stage_functions.domain.asset import Version
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.record import link
from stage_functions.domain.state import Origin
from tests.copy_world import CopyWorld, copy_world, there


@pytest.fixture
def it() -> Iterator[CopyWorld]:
    """Three registries, empty."""
    made = copy_world()
    yield made
    made.rows.close()


@pytest.fixture
def dev(it: CopyWorld) -> Version:
    """A version that was copied twice: to be tested, and to be shared."""
    version = it.register("3")
    it.ask(version, "Staging")
    it.approve(it.ask(there(version, "test"), "Production").approval)
    return version


def origin_of(it: CopyWorld, version: Version) -> Origin:
    """Return what a version is a copy of."""
    found = it.state(version).origin
    assert found is not None
    return found


def test_a_chain_leads_back_hop_by_hop(it: CopyWorld, dev: Version) -> None:
    """Each with the stage that was granted, the record that grants it, and where it stands now."""
    hops = chain(it.context, it.state(there(dev, "shared")))
    number = it.records(dev)[-1].number

    assert [there(dev, "test"), dev] == [hop.version for hop in hops]
    assert ["Production", "Staging"] == [hop.now for hop in hops]
    short = origin_of(it, there(dev, "test")).record[:12]
    assert (
        f"record {number} (hash {short}…) of dev/models/iris grants version 3 Staging, "
        "and its hash is right"
    ) == hops[1].sentence
    assert () == chain(it.context, it.state(dev))


def test_a_version_knows_its_copies_and_theirs(it: CopyWorld, dev: Version) -> None:
    """Also those that are gone."""
    it.registries["shared"].remove(there(dev, "shared"))
    found = copied_to(it.context, dev, it.state(dev))

    assert [(there(dev, "test"), dev), (there(dev, "shared"), there(dev, "test"))] == [
        (one.version, one.source) for one in found
    ]
    assert () == copied_to(it.context, there(dev, "shared"), it.state(there(dev, "shared")))


def test_a_record_that_was_altered_proves_nothing(it: CopyWorld, dev: Version) -> None:
    """Neither does one that is missing; and it is said why."""
    copy = there(dev, "test")
    origin = origin_of(it, copy)
    partition, key = keys.asset_partition(dev.asset), keys.record_key(origin.number)
    row = it.rows.get(LEDGER, partition, key)
    assert row is not None
    record = unpack_record(row)
    body = record.body.replace(b'"reason":"because"', b'"reason":"forgery"')
    altered = replace(record, body=body, hash=link(record.prev, body))

    assert "" == verify_origin(it.context, origin, "Staging")
    for bad in (replace(record, body=body), altered):
        it.rows.commit(LEDGER, partition, [Upsert(key, pack_record(bad))])
        assert "that record has another hash than the one that the copy names" == verify_origin(
            it.context, origin, "Staging"
        )
    it.rows.commit(LEDGER, partition, [Delete(key, "*")])
    fault = f"the history of dev/models/iris has no record {origin.number}"
    assert fault == verify_origin(it.context, origin, "Staging")
    (hop,) = chain(it.context, it.state(copy))
    assert hop.sentence.endswith(f"does not prove it: {fault}")


def test_a_record_that_grants_something_else_proves_nothing(it: CopyWorld, dev: Version) -> None:
    """Another version, another stage, another thing, another type of record."""
    origin = origin_of(it, there(dev, "test"))
    first = it.records(dev)[0]

    assert "that record grants Staging, and the copy began at Production" == verify_origin(
        it.context, origin, "Production"
    )
    other = replace(origin, version="dev/models/iris:4")
    assert "that record grants version 4 nothing" == verify_origin(it.context, other, "Staging")
    registered = replace(origin, number=first.number, record=first.hash)
    assert "that record grants version 3 nothing" == verify_origin(
        it.context, registered, "Staging"
    )
    thing = replace(origin, content="something else")
    assert "that record is about another thing of that number" == verify_origin(
        it.context, thing, "Staging"
    )
    nowhere = replace(origin, number=0)
    assert "the history of dev/models/iris has no record 0" == verify_origin(
        it.context, nowhere, "Staging"
    )


def test_a_chain_ends_where_the_original_is_another_thing_by_now(
    it: CopyWorld, dev: Version
) -> None:
    """What it was is still proven; what stands there now is not taken for it."""
    it.registries["dev"].remove(dev)
    it.registries["dev"].register(dev, it.clock.now(), author="mlflow:eve")
    it.see(dev)
    (hop,) = chain(it.context, it.state(there(dev, "test")))

    assert ("", "") == (hop.fault, hop.now)
    assert () == copied_to(it.context, dev, it.state(dev))


def test_the_timeline_says_of_a_copy_what_it_is(it: CopyWorld, dev: Version) -> None:
    """And of a copy that could not be made, where it is missing."""
    first = moment(it.records(there(dev, "test"))[0])
    it.register("4", alias="test")
    blocked = it.register("4")
    it.ask(blocked, "Staging")
    last = moment(it.records(blocked)[-1])

    assert "begins at Staging, as a copy of dev/models/iris:3" == first.what
    assert ("dev/models/iris:3", "good") == (first.origin, first.tone)
    assert ("not copied to test", "bad") == (last.what, last.tone)
    assert last.why.startswith("test/models/iris:4 is there already and is not this copy")


def test_a_brief_shows_the_chain_and_where_it_leads(it: CopyWorld) -> None:
    """Evidence says that it may be the original's; links lead to where the original was made."""
    dev = it.register("3")
    it.ask(dev, "Staging")
    found = brief(it.context, it.ask(there(dev, "test"), "Production").approval, "person:bob")

    assert found.copying
    assert "shared" == found.copying.version.asset.registry
    assert [dev] == [hop.version for hop in found.hops]
    assert ("Copy of", dev, "Staging") == (
        found.lineage[0].relation,
        found.lineage[0].version,
        found.lineage[0].stage,
    )
    metrics = next(one for one in found.evidence if one.section == "metrics")
    assert "registry test, job j1, or kept when dev/models/iris:3 was granted Staging" == (
        metrics.source
    )
    assert "https://registry.example/jobs/j1" == found.places.job


def test_evidence_of_a_copy_never_changes_with_its_original(it: CopyWorld) -> None:
    """What the original's registry says later changes no fingerprint: the vote counts."""
    dev = it.register("3")
    it.ask(dev, "Staging")
    asked = it.ask(there(dev, "test"), "Production")
    it.registries["dev"].evidences[dev] = Evidence({"metrics": {"accuracy": 0.1}})
    it.registries["dev"].remove(dev)

    assert "granted" == it.approve(asked.approval).kind
    assert "approved" == query.approval(it.context, asked.approval).approval.status


def test_what_a_copys_own_registry_knows_comes_first(it: CopyWorld) -> None:
    """Section by section; but for the author, who is the original's."""
    dev = it.register("3")
    it.registries["dev"].evidences[dev] = Evidence(
        {"metrics": {"accuracy": 0.97}, "author": {"id": "mlflow:sam"}, "params": {"depth": "3"}}
    )
    copy = there(dev, "test")
    it.registries["test"].evidences[copy] = Evidence(
        {"metrics": {"accuracy": 0.99}, "author": {"id": "app:stageward"}}
    )
    it.ask(dev, "Staging")
    found = query.version(it.context, copy).evidence

    assert {"accuracy": 0.99} == found.section("metrics")
    assert {"id": "mlflow:sam"} == found.section("author")
    assert {"depth": "3"} == found.section("params")
    assert found == version_dossier(it.context, copy).evidence


def test_as_of_replays_a_copy_from_the_stage_where_it_began(it: CopyWorld, dev: Version) -> None:
    """It stood nowhere before."""
    copy = there(dev, "shared")
    (record,) = it.records(copy)
    stood = query.standings(it.context, copy.asset, None)["3"]

    assert ("Production", "copied", record.number) == (stood.stage, stood.why, stood.number)

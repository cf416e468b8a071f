"""The concept's "Enforceable Transition Patterns", told as it tells them.

With one registry for all assets: resource propagation and resource evolution. With workspaces and a
registry: from one to the next, with an approval in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from stage_functions.application import query
from stage_functions.application.origins import chain, copied_to
from stage_functions.application.upkeep import outbox
from stage_functions.domain.asset import Version
from stage_functions.domain.lifecycle import ApprovalPolicy, Excluded, Lifecycle, Transition
from stage_functions.domain.record import RecordType
from tests.copy_world import CopyWorld, copy_world, governing, there

CONSENT = ApprovalPolicy(1, {"risk": 1}, (Excluded.REQUESTER, Excluded.AUTHOR), timedelta(days=7))


def one_registry() -> tuple[Lifecycle, ...]:
    """Return None → Staging → Production → Archived in the shared registry, and no way back."""
    ways = (
        Transition("None", "Staging"),
        Transition("Staging", "Production", ("good",), approval=CONSENT),
        Transition("Production", "Archived", approval=CONSENT),
        Transition("Staging", "Archived"),
        Transition("None", "Archived"),
    )
    return (governing("dev"), governing("test"), governing("shared", *ways))


@pytest.fixture
def registry() -> Iterator[CopyWorld]:
    """All assets in one registry (preferred)."""
    made = copy_world(one_registry())
    yield made
    made.rows.close()


def shown(it: CopyWorld, version: Version) -> str:
    """Return the stage that the registry itself shows of a version."""
    return it.registries[version.asset.registry].tags(version)["stage"]


def stages(it: CopyWorld, version: Version) -> list[str]:
    """Return the stages of a version as its history has them, in order."""
    return [
        str(one.content["to"])
        for one in it.records(version)
        if one.version == version.number
        and one.type in (RecordType.REGISTERED, RecordType.STAGE_CHANGED)
    ]


def move(it: CopyWorld, version: Version, stage: str) -> None:
    """Ask for a stage, and let somebody of risk approve where that is demanded."""
    answer = it.ask(version, stage)
    if answer.approval:
        it.approve(answer.approval)


def test_resource_propagation(registry: CopyWorld) -> None:
    """X:v1 None → X:v1 Staging → X:v1 Production → X:v1 Archived: one version, its stage updated."""
    it = registry
    v1 = it.register("1", alias="shared")
    walked = [shown(it, v1)]
    for stage in ("Staging", "Production", "Archived"):
        move(it, v1, stage)
        walked.append(shown(it, v1))

    assert ["None", "Staging", "Production", "Archived"] == walked
    assert walked == stages(it, v1)
    assert query.check_history(it.context, v1.asset) is None
    assert ["1"] == list(query.asset(it.context, v1.asset).versions)


def test_resource_propagation_skips_no_stage_and_goes_back_to_none(registry: CopyWorld) -> None:
    """The order is enforced: what the lifecycle does not name is refused, whoever asks."""
    it = registry
    v1 = it.register("1", alias="shared")

    assert "refused" == it.ask(v1, "Production").kind
    move(it, v1, "Staging")
    assert "refused" == it.ask(v1, "None").kind
    assert ["None", "Staging"] == stages(it, v1)


def test_resource_evolution(registry: CopyWorld) -> None:
    """X:v1 None, X:v2 Staging, X:v3 Production → Archived: versions at different stages at once."""
    it = registry
    v1, v2, v3 = (it.register(number, alias="shared") for number in ("1", "2", "3"))
    move(it, v2, "Staging")
    move(it, v3, "Staging")
    move(it, v3, "Production")

    assert ["None", "Staging", "Production"] == [shown(it, one) for one in (v1, v2, v3)]
    move(it, v3, "Archived")
    assert ["None", "Staging", "Archived"] == [shown(it, one) for one in (v1, v2, v3)]


def test_resource_evolution_archives_what_a_retrained_model_takes_over_from(
    registry: CopyWorld,
) -> None:
    """A model that is in production already is "automatically moved to archive"."""
    it = registry
    v1, v2 = it.register("1", alias="shared"), it.register("2", alias="shared")
    for version in (v1, v2):
        move(it, version, "Staging")
        move(it, version, "Production")

    assert ["Archived", "Production"] == [shown(it, one) for one in (v1, v2)]


def test_using_workspaces_and_a_registry() -> None:
    """Developed in one workspace, tested in another, shared in the registry; approved in between.

    Nobody registers anything by hand but in the first; each copy begins where the one before came.
    """
    it = copy_world(copies_only=("test", "shared"))
    with closing(it.rows):
        dev = it.register("3")
        test, shared = there(dev, "test"), there(dev, "shared")

        move(it, dev, "Staging")
        assert ["Staging", "Staging", ""] == [it.stage(one) for one in (dev, test, shared)]

        asked = it.ask(test, "Production")
        assert ("pending", "") == (asked.kind, it.stage(shared))
        it.approve(asked.approval)
        assert ["Staging", "Production", "Production"] == [
            it.stage(one) for one in (dev, test, shared)
        ]

        hops = chain(it.context, it.state(shared))
        assert [test, dev] == [hop.version for hop in hops]
        assert [("Production", ""), ("Staging", "")] == [(hop.stage, hop.fault) for hop in hops]
        copies = copied_to(it.context, dev, it.state(dev))
        assert [(test, dev), (shared, test)] == [(one.version, one.source) for one in copies]
        assert "person:sam" == it.state(shared).author
        assert [] == outbox(it.context)


def test_evolution_across_workspaces_and_a_registry() -> None:
    """v1 is developed, v2 tested, v3 shared; v4 comes, and v3 leaves Production in both."""
    it = copy_world()
    with closing(it.rows):
        v1, v2, v3, v4 = (it.register(number) for number in ("1", "2", "3", "4"))
        for version in (v2, v3):
            move(it, version, "Staging")
        move(it, there(v3, "test"), "Production")

        assert [
            ("None", "", ""),
            ("Staging", "Staging", ""),
            ("Staging", "Production", "Production"),
        ] == [
            tuple(it.stage(there(one, alias)) for alias in ("dev", "test", "shared"))
            for one in (v1, v2, v3)
        ]
        move(it, v4, "Staging")
        move(it, there(v4, "test"), "Production")
        for alias in ("test", "shared"):
            assert ("Archived", "Production") == (
                it.stage(there(v3, alias)),
                it.stage(there(v4, alias)),
            )

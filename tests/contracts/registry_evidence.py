"""What evidence must be."""

from __future__ import annotations

import math

import pytest

from stage_functions.application.ports.registry import Registry
from stage_functions.domain.asset import Kind, Snapshot, Version
from stage_functions.domain.evidence import SECTIONS
from tests.contracts.registry_world import World, write_tags

_ITSELF = {Kind.DATA: "data", Kind.COMPONENTS: "code"}
"""Sections that tell of a version of a kind itself."""


class RegistryEvidence:
    """Reading what is known of a version."""

    @pytest.mark.parametrize("job", [None, "0" * 32], ids=["no job", "a job that is gone"])
    def test_is_empty_where_nothing_is_known(
        self, registry: Registry, world: World, fresh: str, job: str | None
    ) -> None:
        """Without a job, or with one that is gone, its sections are empty and nothing is raised."""
        evidence = registry.evidence(_read(registry, world.create(fresh, job=job)))

        for section in ("job", "params", "metrics", "code", "data"):
            if section != _ITSELF.get(world.kind):
                assert {} == evidence.section(section)

    def test_reads_the_same_twice(self, registry: Registry, world: World, fresh: str) -> None:
        """Evidence that nobody changed has the same digest, whichever tags were written since."""
        job = world.run(params={"b": "2", "a": "1"}, metrics={"y": 1.5, "x": math.nan})
        made = world.create(fresh, job=job)
        first = registry.evidence(_read(registry, made))
        write_tags(registry, made, {"stage": "None"})
        second = registry.evidence(_read(registry, made))

        assert first.sealed() == second.sealed()
        assert set(SECTIONS) == set(first.document())


class RegistryJobs:
    """Reading what is known of the job that made a version, where a registry has jobs."""

    def test_tells_of_the_job(self, registry: Registry, world: World, fresh: str) -> None:
        """The job that made a version is shown with its state."""
        done = world.run()
        running = world.run(finished=False)
        snapshots = [_read(registry, world.create(fresh, job=job)) for job in (done, running)]

        jobs = [registry.evidence(snapshot).section("job") for snapshot in snapshots]

        assert [(done, "FINISHED"), (running, "RUNNING")] == [
            (job["id"], job["status"]) for job in jobs
        ]

    def test_tells_what_was_recorded(self, registry: Registry, world: World, fresh: str) -> None:
        """Parameters are texts, metrics are numbers; code and author are as the job recorded them."""
        job = world.run(
            params={"C": "1.0", "long": "x" * 3000},
            metrics={"val-auc": 0.94, "zero": 0.0, "whole": 3},
            user="scientist1",
            commit="a" * 40,
        )

        evidence = registry.evidence(_read(registry, world.create(fresh, job=job)))

        assert {"C": "1.0", "long": "x" * 3000} == evidence.section("params")
        assert {"val-auc": 0.94, "zero": 0.0, "whole": 3.0} == evidence.section("metrics")
        assert {float} == {type(value) for value in evidence.section("metrics").values()}
        assert "a" * 40 == evidence.section("code")["commit"]
        assert f"{world.provider}:scientist1" == evidence.section("author")["id"]

    def test_keeps_what_is_no_number(self, registry: Registry, world: World, fresh: str) -> None:
        """A metric that is not a number stays one: no comparison with it holds."""
        job = world.run(metrics={"loss": math.nan})

        evidence = registry.evidence(_read(registry, world.create(fresh, job=job)))

        assert math.isnan(float(evidence.section("metrics")["loss"]))

    def test_changes_with_what_was_recorded(
        self, registry: Registry, world: World, fresh: str
    ) -> None:
        """Other facts have another digest."""
        jobs = [world.run(metrics={"auc": value}) for value in (0.5, 0.6)]

        digests = {
            registry.evidence(_read(registry, world.create(fresh, job=job))).section("metrics")[
                "auc"
            ]
            for job in jobs
        }

        assert {0.5, 0.6} == digests


def _read(registry: Registry, version: Version) -> Snapshot:
    read = registry.read(version)
    assert read is not None
    return read

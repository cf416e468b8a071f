"""What a version uses, as a real MLflow server knows it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from stage_functions.adapters.mlflow import MlflowRegistry
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.uses import uses
from stage_functions.wire.document import text
from tests.mlflow_server import MlflowServer
from tests.mlflow_world import MlflowWorld


@pytest.fixture
def world(mlflow_server: MlflowServer) -> Iterator[MlflowWorld]:
    """Return the hand that others have in the server."""
    with httpx.Client(base_url=mlflow_server.address, timeout=60) as client:
        yield MlflowWorld(client)


@pytest.fixture
def registry(mlflow_server: MlflowServer) -> Iterator[MlflowRegistry]:
    """Return the registry over the server."""
    with closing(MlflowRegistry("dev", mlflow_server.address, timeout_seconds=60)) as registry:
        yield registry


def used(registry: MlflowRegistry, version: Version) -> list[tuple[str, str, bool]]:
    """Return what a version uses: as what, its name, and whether that names a version."""
    snapshot = registry.read(version)
    assert snapshot is not None
    found = uses(registry.evidence(snapshot))
    return [(use.role, use.text, use.version is not None) for use in found]


def logged(world: MlflowWorld) -> str:
    """Log a model as MLflow's library does, and return its id."""
    body = {"experiment_id": "0", "name": "base"}
    return text(world.post("logged-models", body), "model", "info", "model_id")


def took_in(world: MlflowWorld, *models: str) -> str:
    """Make a run that took in logged models."""
    job = world.run(metrics={"auc": 0.9})
    inputs = [{"model_id": model} for model in models]
    world.post("runs/log-inputs", {"run_id": job, "models": inputs})
    return job


def registered(world: MlflowWorld, name: str, model: str, **more: str) -> Version:
    """Register a logged model."""
    world.post("registered-models/create", {"name": name})
    body = {"name": name, "source": f"models:/{model}", "model_id": model}
    if "job" in more:
        body["run_id"] = more["job"]
    made = world.post("model-versions/create", body)
    number = text(made, "model_version", "version")
    return Version(Asset(world.alias, Kind.MODELS, name), number)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("models:/base/3", [("base_model", "dev/models/base:3", True)]),
        (
            "models/base:3, models:/other/1\nprod/data/flowers:4",
            [
                ("data", "prod/data/flowers:4", True),
                ("base_model", "dev/models/base:3", True),
                ("base_model", "dev/models/other:1", True),
            ],
        ),
        ("models:/trained%20iris/3", [("base_model", "dev/models/trained iris:3", True)]),
        ("environments/sklearn:7", [("environment", "dev/environments/sklearn:7", True)]),
        (
            "models:/base@champion s3://flowers",
            [("base_model", "models:/base@champion", False), ("base_model", "s3://flowers", False)],
        ),
        (" , ", []),
    ],
)
def test_a_tag_names_what_a_version_uses(
    registry: MlflowRegistry, world: MlflowWorld, tag: str, expected: list[tuple[str, str, bool]]
) -> None:
    """On the version or on its run; what names no version is kept as it is."""
    job = world.run()
    world.post("runs/set-tag", {"run_id": job, "key": "uses", "value": tag})

    on_version = used(registry, world.create("tagged", tags={"uses": tag}))
    on_run = used(registry, world.create("tagged", job=job))

    assert on_version == on_run == expected


def test_a_tag_costs_no_call(
    registry: MlflowRegistry, world: MlflowWorld, mlflow_server: MlflowServer
) -> None:
    """It was read with the version and with the run."""
    snapshot = registry.read(
        world.create("tagged", tags={"uses": "models:/base/3"}, job=world.run())
    )
    assert snapshot is not None
    before = len(mlflow_server.calls())
    registry.evidence(snapshot)

    assert mlflow_server.calls()[before:] == ["GET runs/get"]


def test_a_model_that_a_run_took_in_is_found_among_the_versions(
    registry: MlflowRegistry, world: MlflowWorld, mlflow_server: MlflowServer
) -> None:
    """By one call; a version's own model, which its run may have evaluated, is not used by it."""
    base, own = logged(world), logged(world)
    first = registered(world, "base of others", base)
    made = registered(world, "tuned on a base", own, job=took_in(world, own, base))
    snapshot = registry.read(made)
    assert snapshot is not None
    before = len(mlflow_server.calls())
    registry.evidence(snapshot)

    calls = mlflow_server.calls()[before:]
    assert calls.count("GET model-versions/search") == 1
    assert used(registry, made) == [("base_model", str(first), True)]


def test_models_that_were_registered_as_nothing_are_shown(
    registry: MlflowRegistry, world: MlflowWorld
) -> None:
    """By their ids: only the first is looked for, and a rule that demands a stage fails on them."""
    models = [logged(world), logged(world)]
    made = world.create("tuned", job=took_in(world, *models))

    found = used(registry, made)

    assert sorted(found) == sorted(("base_model", f"models:/{one}", False) for one in models)

"""The MLflow registry, on a real MLflow server."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from stage_functions.adapters.mlflow import MlflowRegistry
from stage_functions.application.ports.registry import Registry
from stage_functions.domain.asset import Asset, Kind, Snapshot, Version
from stage_functions.domain.error import NotFoundError
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.mirror import Edit
from tests.contracts.registry import RegistryContract
from tests.contracts.registry_aliases import RegistryAliases
from tests.contracts.registry_world import write_tags
from tests.mlflow_server import MlflowServer
from tests.mlflow_trained import COMMIT, USER, Trained
from tests.mlflow_world import MlflowWorld


class _Stranger(httpx.HTTPTransport):
    """Asks under a name that the server does not serve: MLflow answers 403."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["Host"] = "stranger.example"
        return super().handle_request(request)


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


class TestMlflowRegistry(RegistryContract, RegistryAliases):
    """The MLflow registry keeps the contract."""

    @pytest.fixture
    def world(self, mlflow_server: MlflowServer) -> Iterator[MlflowWorld]:
        """Return the hand that others have in the server."""
        with httpx.Client(base_url=mlflow_server.address, timeout=60) as client:
            yield MlflowWorld(client)

    @pytest.fixture
    def registry(self, mlflow_server: MlflowServer) -> Iterator[Registry]:
        """Return the registry over the server, at an address as people write them."""
        address = f"{mlflow_server.address}/"
        with closing(MlflowRegistry("dev", address, timeout_seconds=60)) as registry:
            yield registry

    @pytest.fixture
    def small_pages(self, mlflow_server: MlflowServer) -> Iterator[Registry]:
        """Return the same with small pages."""
        small = MlflowRegistry("dev", mlflow_server.address, timeout_seconds=60, page_versions=3)
        with closing(small) as registry:
            yield registry

    @pytest.fixture
    def unreachable(self) -> Iterator[Registry]:
        """Return a registry at a port where nobody listens."""
        with closing(MlflowRegistry("dev", "http://127.0.0.1:9", timeout_seconds=5)) as registry:
            yield registry

    @pytest.fixture
    def refusing(self, mlflow_server: MlflowServer) -> Iterator[Registry]:
        """Return a registry that the server takes for a stranger's."""
        stranger = MlflowRegistry("dev", mlflow_server.address, transport=_Stranger())
        with closing(stranger) as registry:
            yield registry


def test_shows_the_native_stage(registry: MlflowRegistry, world: MlflowWorld) -> None:
    """MLflow's own stage is read as it is, and a version archived there is still listed."""
    made = world.create("native")
    before = _read(registry, made)
    world.transition(made, "Archived")
    after = _read(registry, made)

    assert ("None", "Archived") == (before.native_stage, after.native_stage)
    assert after in registry.versions("models/nativd").versions
    assert before.incarnation == after.incarnation


def test_names_the_incarnation(registry: MlflowRegistry, world: MlflowWorld) -> None:
    """An incarnation is the time of creation and the source."""
    read = _read(registry, world.create("incarnate", source="s3://bucket/path"))
    milliseconds = round(read.created_at.timestamp() * 1000)

    assert f"{milliseconds}/s3://bucket/path" == read.incarnation
    assert "s3://bucket/path" == read.content


@pytest.mark.parametrize(
    "asset",
    [Asset("dev", kind, "iris") for kind in Kind if kind is not Kind.MODELS]
    + [Asset("prod", Kind.MODELS, "iris")],
    ids=str,
)
def test_has_nothing_but_its_own_models(registry: MlflowRegistry, asset: Asset) -> None:
    """Other kinds and other registries are not found, rather than looked for."""
    with pytest.raises(NotFoundError, match="it has models, not"):
        registry.read(Version(asset, "1"))
    with pytest.raises(NotFoundError):
        write_tags(registry, Version(asset, "1"), {"stage": "None"})


def test_reads_with_one_call(
    registry: MlflowRegistry, world: MlflowWorld, mlflow_server: MlflowServer
) -> None:
    """Reading a version is one HTTP call; a version that cannot be is none."""
    made = world.create("counted")
    before = len(mlflow_server.calls())
    registry.read(made)
    registry.read(Version(made.asset, "01"))

    assert ["GET model-versions/get"] == mlflow_server.calls()[before:]


def test_writes_with_one_call_a_tag(
    registry: MlflowRegistry, world: MlflowWorld, mlflow_server: MlflowServer
) -> None:
    """Writing tags is one HTTP call for each, between two that read."""
    made = world.create("counted")
    before = len(mlflow_server.calls())
    write_tags(registry, made, {"stage_governor": "a/1", "stage": "None"})

    read, write = "GET model-versions/get", "POST model-versions/set-tag"
    assert [read, write, write, read] == mlflow_server.calls()[before:]


def test_writes_the_stage_field_and_aliases_with_one_call_each(
    registry: MlflowRegistry, world: MlflowWorld, mlflow_server: MlflowServer
) -> None:
    """After the tag `stage`, and before the governor, which vouches for them."""
    made = world.create("counted")
    edit = Edit(
        {"stage_governor": "a/1", "stage": "Staging"},
        native_stage="Staging",
        aliases={"champion": True, "next": False},
    )
    before = len(mlflow_server.calls())
    registry.edit(made, lambda _: edit)

    assert [
        "GET model-versions/get",
        "POST model-versions/set-tag",
        "POST model-versions/transition-stage",
        "POST registered-models/alias",
        "DELETE registered-models/alias",
        "POST model-versions/set-tag",
        "GET model-versions/get",
    ] == mlflow_server.calls()[before:]


def test_writes_the_stage_first_and_the_governor_last(mlflow_server: MlflowServer) -> None:
    """The governor, which vouches for the others, is written when they are."""
    written: list[str] = []

    class _Listening(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                written.append(json.loads(request.content)["key"])
            return super().handle_request(request)

    with httpx.Client(base_url=mlflow_server.address, timeout=60) as client:
        made = MlflowWorld(client).create("ordered")
    tags = {"stage_governor": "a/1", "stage_status": "granted", "stage": "None"}
    with closing(MlflowRegistry("dev", mlflow_server.address, transport=_Listening())) as registry:
        write_tags(registry, made, tags)

    assert ["stage", "stage_status", "stage_governor"] == written


def test_lists_many_assets_with_few_calls(
    registry: MlflowRegistry, world: MlflowWorld, mlflow_server: MlflowServer
) -> None:
    """A page is one call for all names, and one for many assets with plain names."""
    for number in range(20):
        world.create(f"zzz-few-{number:02d}")
    before = len(mlflow_server.calls())
    page = registry.versions("models/zzz-few-")

    assert 20 == sum("zzz-few-" in one.version.asset.name for one in page.versions)
    assert ["GET registered-models/search", "GET model-versions/search"] == (
        mlflow_server.calls()[before:]
    )


@pytest.fixture
def evidence(registry: MlflowRegistry, trained: Trained) -> Evidence:
    """Return what is known of the model that was logged inside a run."""
    return registry.evidence(_read(registry, trained.version(1)))


def test_tells_of_a_real_run(evidence: Evidence, trained: Trained) -> None:
    """The run is shown with name, state and times; code and author as it was started by."""
    job = evidence.section("job")

    assert (trained.ids["run"], "train iris", "FINISHED") == (job["id"], job["name"], job["status"])
    assert str(job["started"]) < str(job["finished"])
    assert (COMMIT, "LOCAL") == tuple(
        evidence.section("code")[k] for k in ("commit", "source_type")
    )
    assert {"id": f"mlflow:{USER}"} == evidence.section("author")


def test_tells_of_real_numbers(evidence: Evidence) -> None:
    """Parameters are whole texts; metrics are floats, one that is no number included."""
    metrics = dict(evidence.section("metrics"))

    assert {"C": "0.5", "note": "ü" * 1000} == evidence.section("params")
    assert math.isnan(float(metrics.pop("not-a-number")))
    assert sys.float_info.max == metrics.pop("infinite")
    assert ["accuracy"] == list(metrics)
    assert 0.9 < float(metrics["accuracy"]) < 1


def test_tells_of_real_data(evidence: Evidence) -> None:
    """The training data comes first, whatever was logged before it; all of it is there as JSON."""
    data = evidence.section("data")
    source = json.loads(str(data["source"]))

    assert ("iris", "training", "http") == (data["name"], data["context"], data["source_type"])
    assert {"url": "https://example.org/iris.csv"} == source
    assert data["digest"]
    assert ["iris", "held-out"] == [one["name"] for one in json.loads(str(data["datasets"]))]


@pytest.mark.parametrize("number", [1, 2, 3], ids=["models:/", "runs:/", "artifact place"])
def test_tells_of_a_real_model(registry: MlflowRegistry, trained: Trained, number: int) -> None:
    """Signature, flavors and versions are read from the model file, wherever MLflow keeps it."""
    snapshot = _read(registry, trained.version(number))
    evidence = registry.evidence(snapshot)
    model, environment = evidence.section("model"), evidence.section("environment")

    assert snapshot.content == model["source"]
    assert ["python_function", "sklearn"] == json.loads(str(model["flavors"]))
    assert "sepal length (cm)" == json.loads(str(model["signature_inputs"]))[0]["name"]
    assert 1 == len(json.loads(str(model["signature_outputs"])))
    assert isinstance(model["size_bytes"], int)
    assert {"mlflow_version", "python_version", "sklearn_version"} == set(environment)
    assert trained.ids["run"] == evidence.section("job")["id"]


def test_asks_the_logged_model_where_the_run_is_silent(
    registry: MlflowRegistry, trained: Trained
) -> None:
    """Metrics of another run count where its own has none; a zero, which may be no number, not."""
    evidence = registry.evidence(_read(registry, trained.version(4)))

    assert trained.ids["silent"] == evidence.section("job")["id"]
    assert trained.ids["other"] == evidence.section("model")["model_id"]
    assert {"auc": 0.75} == evidence.section("metrics")
    assert {"C": "0.5"} == evidence.section("params")


@pytest.mark.parametrize(
    ("number", "calls"),
    [
        (1, ["runs/get", "logged-models/{model}/artifacts/files"]),
        (2, ["runs/get", "/get-artifact"]),
        (4, ["runs/get", "logged-models/{other}", "logged-models/{other}/artifacts/files"]),
    ],
)
def test_gathers_evidence_with_few_calls(
    registry: MlflowRegistry,
    trained: Trained,
    mlflow_server: MlflowServer,
    number: int,
    calls: list[str],
) -> None:
    """Evidence is two documents, three where the run is silent."""
    snapshot = _read(registry, trained.version(number))
    before = len(mlflow_server.calls())
    registry.evidence(snapshot)

    expected = [f"GET {call.format_map(trained.ids)}" for call in calls]
    assert expected == mlflow_server.calls()[before:]


def test_does_not_ask_for_files_of_others(
    registry: MlflowRegistry, world: MlflowWorld, mlflow_server: MlflowServer
) -> None:
    """A version from a place that is not MLflow's has its source for a model, and no more calls."""
    snapshot = _read(registry, world.create("elsewhere", job=world.run(metrics={"auc": 1})))
    before = len(mlflow_server.calls())
    evidence = registry.evidence(snapshot)

    assert {"source": "s3://somewhere/else"} == evidence.section("model")
    assert ["GET runs/get"] == mlflow_server.calls()[before:]


def test_shows_a_run_in_the_bin(registry: MlflowRegistry, world: MlflowWorld) -> None:
    """A run that somebody deleted, and MLflow still has, is shown and says so: it proves no less."""
    job = world.run(metrics={"auc": 0.5})
    snapshot = _read(registry, world.create("binned", job=job))
    world.post("runs/delete", {"run_id": job})
    evidence = registry.evidence(snapshot)

    assert (job, True) == (evidence.section("job")["id"], evidence.section("job")["deleted"])
    assert {"auc": 0.5} == evidence.section("metrics")


def test_survives_a_model_file_that_is_gone(
    registry: MlflowRegistry, trained: Trained, world: MlflowWorld
) -> None:
    """A source where no model file is, is a source and no more."""
    place = f"runs:/{trained.ids['run']}/no/such/folder"
    read = _read(registry, world.create("fileless", source=place, job=trained.ids["run"]))

    assert {"source": place} == registry.evidence(read).section("model")


def _read(registry: MlflowRegistry, version: Version) -> Snapshot:
    read = registry.read(version)
    assert read is not None
    return read

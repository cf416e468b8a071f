"""How the MLflow registry reads documents, lists and searches: on a scripted transport."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

import httpx
import pytest

from stage_functions.adapters.mlflow import MlflowRegistry
from stage_functions.adapters.mlflow_http import MAX_ARTIFACT_BYTES
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.error import RegistryRefusedError, RegistryUnavailableError

VERSION = Version.parse("dev/models/iris:1")
SNAPSHOT = Snapshot(VERSION, datetime(2026, 1, 1, tzinfo=UTC), "models:/m-1", {}, job="1")
INVALID = {"error_code": "INVALID_PARAMETER_VALUE", "message": "as it is"}


def _registry(answer: Callable[[httpx.Request], httpx.Response]) -> MlflowRegistry:
    return MlflowRegistry("dev", "http://mlflow", transport=httpx.MockTransport(answer))


def _always(document: object) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(200, json=document)


@pytest.mark.parametrize("failing", ["runs/get", "artifacts/files", "logged-models/m-1"])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_never_judges_on_half_of_the_evidence(failing: str, status: int) -> None:
    """A document that cannot be read just now is an error, whichever it is."""

    def answer(request: httpx.Request) -> httpx.Response:
        fails = request.url.path.endswith(failing)
        return httpx.Response(status if fails else 200, json={})

    with closing(_registry(answer)) as registry, pytest.raises(RegistryUnavailableError):
        registry.evidence(SNAPSHOT)


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"flavors: [",
        b"- a list",
        b"\xff\xfe\x00",
        b"x: 2026-99-99",
        b"[" * 20_000,
        b"flavors: {1: {2: 3}}\nsignature: text\nmodel_size_bytes: -1",
        b"model_size_bytes: 9007199254740992",
        b"a: " + b"x" * MAX_ARTIFACT_BYTES,
    ],
    ids=lambda file: ascii(file[:20]),
)
def test_survives_any_model_file(file: bytes) -> None:
    """A model file is anybody's text: what cannot be read of it is not recorded."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("artifacts/files"):
            return httpx.Response(200, content=file)
        return httpx.Response(200, json={"run": {"data": {"metrics": [{"key": "a", "value": 1}]}}})

    with closing(_registry(answer)) as registry:
        evidence = registry.evidence(SNAPSHOT)

    assert {"a": 1.0} == evidence.section("metrics")
    assert {"source": "models:/m-1", "model_id": "m-1"}.items() <= evidence.section("model").items()
    assert {"source", "model_id", "flavors"} >= set(evidence.section("model"))
    assert evidence.sealed()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5, 0.5),
        (3, 3.0),
        ("-Infinity", float("-inf")),
        ("many", None),
        (True, None),
        (None, None),
        ({}, None),
        (10**400, None),
    ],
    ids=lambda value: str(value)[:12],
)
def test_takes_only_numbers_for_metrics(value: object, expected: float | None) -> None:
    """A metric is a number, or the name of what is none; anything else is not recorded."""
    data = {"metrics": [{"key": "a", "value": value}, {"key": "b", "value": 1}, {}, 7]}

    with closing(_registry(_always({"run": {"data": data}}))) as registry:
        metrics = dict(registry.evidence(SNAPSHOT).section("metrics"))

    assert {"b": 1.0} | ({} if expected is None else {"a": expected}) == metrics


def test_asks_older_servers_for_one_name_at_a_time() -> None:
    """A server that does not search for several names is asked singly, from then on at once."""
    searches: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("registered-models/search"):
            return httpx.Response(200, json={"registered_models": [{"name": n} for n in "ab"]})
        condition = request.url.params["filter"]
        searches.append(condition)
        if " IN " in condition:
            return httpx.Response(400, json=INVALID)
        name = condition.partition("'")[2].rstrip("'")
        found = {"name": name, "version": "1", "creation_timestamp": 1}
        return httpx.Response(200, json={"model_versions": [found]})

    with closing(_registry(answer)) as registry:
        pages = [registry.versions() for _ in range(2)]

    singly = ["name = 'a'", "name = 'b'"]
    assert ["name IN ('a', 'b')", *singly, *singly] == searches
    assert ["a", "b"] == [one.version.asset.name for one in pages[1].versions]


def test_splits_long_searches() -> None:
    """No search is longer than a request line may be, however many and long the names are."""
    names = [f"{number:03d}-{'モ' * 40}" for number in range(60)]
    lines: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        lines.append(len(request.url.raw_path))
        if request.url.path.endswith("registered-models/search"):
            return httpx.Response(200, json={"registered_models": [{"name": n} for n in names]})
        return httpx.Response(200, json={"model_versions": []})

    with closing(_registry(answer)) as registry:
        registry.versions()

    assert 5 < len(lines) < 15
    assert max(lines) < 4000


def test_follows_the_pages_of_a_search() -> None:
    """What MLflow splits into pages is put together, and the links are not kept."""

    def answer(request: httpx.Request) -> httpx.Response:
        token = request.url.params.get("page_token", "")
        what = "registered" if request.url.path.endswith("registered-models/search") else "versions"
        if what == "registered":
            found = [{"name": "b" if token else "a", "latest_versions": [{"version": "2"}]}]
            content: dict[str, object] = {"registered_models": found}
        else:
            number = "2" if token else "1"
            rows = [
                {"name": name, "version": number, "creation_timestamp": 1, "source": ""}
                for name in "abc"
            ]
            content = {"model_versions": rows}
        return httpx.Response(200, json={**content, **({} if token else {"next_page_token": "n"})})

    with closing(_registry(answer)) as registry:
        page = registry.versions()

    assert ["a:1", "a:2", "b:1", "b:2"] == [
        f"{one.version.asset.name}:{one.version.number}" for one in page.versions
    ]
    assert "" == page.cursor


def test_leaves_out_a_moment_that_no_year_holds() -> None:
    """A time that cannot be is not recorded, and hides nothing else of the run."""
    run = {"info": {"run_id": "1", "start_time": 10**18, "end_time": "1000"}}

    with closing(_registry(_always({"run": run}))) as registry:
        job = registry.evidence(SNAPSHOT).section("job")

    assert {"id": "1", "finished": "1970-01-01T00:00:01.000000Z"} == job


@pytest.mark.parametrize("failing", ["runs/get", "artifacts/files", "logged-models/m-1"])
def test_does_not_take_a_refusal_for_an_absence(failing: str) -> None:
    """A document that Stageward may not read is refused, whichever it is, and never empty."""

    def answer(request: httpx.Request) -> httpx.Response:
        fails = request.url.path.endswith(failing)
        said = {"error_code": "PERMISSION_DENIED", "message": "Permission denied"}
        return httpx.Response(403 if fails else 200, json=said)

    with closing(_registry(answer)) as registry, pytest.raises(RegistryRefusedError):
        registry.evidence(SNAPSHOT)


@pytest.mark.parametrize(
    ("status", "document", "error"),
    [
        (403, {"error_code": "PERMISSION_DENIED"}, RegistryRefusedError),
        (400, INVALID, RegistryRefusedError),
        (503, {}, RegistryUnavailableError),
        (200, {"model_versions": [{"name": "a"}]}, RegistryUnavailableError),
    ],
)
def test_lists_all_or_nothing(
    status: int, document: dict[str, object], error: type[Exception]
) -> None:
    """A page that cannot be read whole is an error: what it lacked would look deleted."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("registered-models/search"):
            return httpx.Response(200, json={"registered_models": [{"name": n} for n in "ab"]})
        return httpx.Response(status, json=document)

    with closing(_registry(answer)) as registry, pytest.raises(error):
        registry.versions()


@pytest.mark.parametrize(
    ("model", "rows", "found"),
    [
        (
            "m-2",
            [{"name": "base", "version": "4", "creation_timestamp": 1}, {}],
            "dev/models/base:4",
        ),
        ("m-2", [], "models:/m-2"),
        ("m-2' OR name = 'x", [], "models:/m-2' OR name = 'x"),
    ],
)
def test_a_model_that_a_run_took_in_is_asked_for_by_its_own_id(
    model: str, rows: list[object], found: str
) -> None:
    """What is no id is not put into a search, and a row that is no version is none."""
    run = {
        "data": {"metrics": [{"key": "a", "value": 1}]},
        "inputs": {"model_inputs": [{"model_id": model}]},
    }

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("model-versions/search"):
            assert request.url.params["filter"] == "source_path = 'models:/m-2'"
            return httpx.Response(200, json={"model_versions": rows})
        return httpx.Response(200, json={"run": run})

    with closing(_registry(answer)) as registry:
        evidence = registry.evidence(SNAPSHOT)

    assert evidence.section("base_model") == {"asset": found}

"""The brief of a model that was trained, logged and registered on a real MLflow server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from stage_functions.adapters.mlflow import MlflowRegistry
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.scan import Scanner
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.settings import SignIn
from stage_functions.web.app import create_app
from tests.api_server import serving
from tests.brief_world import FILE, approve, ask, context_over_file
from tests.fakes.clock import FakeClock
from tests.mlflow_server import MlflowServer
from tests.mlflow_trained import COMMIT, Trained
from tests.web.pages.test_brief import words


@pytest.fixture
def page(mlflow_server: MlflowServer, trained: Trained) -> Iterator[httpx.Response]:
    """Bring the first version to Production, ask for the second, and show its brief."""
    rows, clock = SQLiteRows(":memory:"), FakeClock()
    file = FILE.replace("metrics.auc", "metrics.accuracy")
    with (
        closing(rows),
        closing(MlflowRegistry("demo", mlflow_server.address, timeout_seconds=60)) as registry,
    ):
        context = context_over_file(rows, registry, clock, file)
        context.states.update("demo", lambda state: replace(state, imported=True))
        first, second = (trained.version(number, "demo") for number in (1, 2))
        for version in (first, second):
            follow(context, Signal(version))
        approve(context, ask(context, first, "first"), "rosa", "grace")
        opened = ask(context, second, "second")
        app = create_app(context, Scanner(context), sign_in=SignIn.DEV)
        with serving(app) as address:
            headers = {"Authorization": "Bearer rosa"}
            yield httpx.get(f"{address}/approvals/{opened}", headers=headers, timeout=60)


def test_shows_what_a_real_mlflow_knows(
    page: httpx.Response, mlflow_server: MlflowServer, trained: Trained
) -> None:
    """Metrics, parameters, data, code, signature, author, and where to look at them."""
    said, links = words(page), unescape(page.text)

    assert 200 == page.status_code
    for text in (
        "Move trained iris version 2 from Staging to Production?",
        "Compared with the registry just now: nothing that it is bound to has changed.",
        "Version 1 holds Production since",
        "evidence.metrics.accuracy = 0.9",
        "not-a-number",
        "not a number",
        "iris (training): digest",
        "held-out (validation): digest",
        "sepal length (cm): double",
        "python_function, sklearn",
        "sklearn version",
        "Ada Lovelace",
        COMMIT,
        "train iris",
    ):
        assert text in said
    root, run = f"{mlflow_server.address}/#", trained.ids["run"]
    assert f'href="{root}/models/trained%20iris/versions/2"' in links
    assert f'/runs/{run}"' in links
    assert f'href="{root}/experiments/' in links
    assert 'href="https://example.org/iris.csv"' in links


def test_its_links_are_the_routes_of_the_installed_mlflow() -> None:
    """As its own user interface has them in its bundle."""
    import mlflow

    bundle = Path(mlflow.__file__).parent / "server" / "js" / "build" / "static" / "js"
    text = "".join(one.read_text(errors="replace") for one in bundle.glob("*.js"))

    for route in (
        "/models/:modelName/versions/:version",
        "/experiments/:experimentId/runs/:runUuid",
        "/experiments/:experimentId/models/:loggedModelId",
    ):
        assert f'"{route}"' in text

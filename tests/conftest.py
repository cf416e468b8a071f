"""What all tests share; fixtures with servers behind them have modules of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("tests.contracts")
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")  # how fast a machine is decides no test
pytest_plugins = ["tests.azurite", "tests.collector", "tests.mlflow_server", "tests.mlflow_trained"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the pictures and the examples of the documents be made anew."""
    parser.addoption(
        "--screenshots", default="", help="write what tests/browser/test_screenshots.py sees there"
    )
    parser.addoption(
        "--event-examples",
        default="",
        help="write what tests/wire/test_event_examples.py has there",
    )


@pytest.fixture(autouse=True, scope="module")
def _no_terminal() -> Iterator[None]:
    """Let the command line be as wide and as plain as into a pipe, wherever the tests run."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("COLUMNS", "200")
        environment.delenv("FORCE_COLOR", raising=False)
        yield


@pytest.hookimpl
def pytest_sessionfinish() -> None:
    """Stop what the whole run shared."""
    from tests.api_server import stop_serving
    from tests.web.browser import stop_serving as stop_pages

    stop_serving()
    stop_pages()

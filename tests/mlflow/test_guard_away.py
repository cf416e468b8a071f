"""While Stageward does not answer: what is governed is not stored, unless the setting says so."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from mlflow.exceptions import MlflowException

from tests.azurite import free_port
from tests.mlflow.guard_world import SERVER, Calls
from tests.mlflow.stores import PEOPLE_AT_ONCE, catch_mlflow_exception, open_store, tag


@pytest.fixture
def silent() -> Iterator[str]:
    """An address where somebody takes calls and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


Opening = Callable[..., Any]


@pytest.fixture
def store_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opening]:
    """Opens a store that asks at an address, with a version in it; closed when the test is over."""
    with ExitStack() as stack:

        def opened(url: str, **more: str) -> Any:  # noqa: ANN401  # a class made at run time
            """Return it."""
            told = {"URL": url, "TOKEN": SERVER, "MLFLOW_REGISTRY": "demo"}
            for name, value in {**told, "MLFLOW_TIMEOUT_SECONDS": "1", **more}.items():
                monkeypatch.setenv(f"STAGEWARD_{name}", value)
            store = open_store(f"stageward-server:sqlite:///{tmp_path / 'm.db'}")
            stack.callback(store.stageward.close)
            store.create_registered_model("iris")
            store.create_model_version("iris", "s3://a/b")
            return store

        yield opened


def test_nothing_governed_is_stored_where_nobody_answers(store_at: Opening, silent: str) -> None:
    """It ends after the setting's seconds, and says what happened."""
    store = store_at(silent)
    began = time.monotonic()
    with pytest.raises(MlflowException, match="Stageward does not answer at") as raised:
        store.transition_model_version_stage("iris", "1", "Staging", archive_existing_versions=True)

    assert "ABORTED" == raised.value.error_code
    assert 1 <= time.monotonic() - began
    assert "None" == store.get_model_version("iris", "1").current_stage


def test_a_setting_lets_through_what_nobody_can_be_asked_about(
    store_at: Opening,
) -> None:
    """It is stored as by any MLflow, and put back later if nobody granted it."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    store = store_at(nowhere, MLFLOW_WHEN_AWAY="allow")
    store.transition_model_version_stage("iris", "1", "Staging", archive_existing_versions=True)
    store.set_model_version_tag("iris", "1", tag("stage", "Production"))
    found = store.get_model_version("iris", "1")

    assert ("Staging", {"stage": "Production"}) == (found.current_stage, found.tags)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"TOKEN": "nobody"},
            "this MLflow server is not signed in to Stageward: its STAGEWARD_TOKEN is not taken: "
            "the configuration has no person 'nobody'.*; tell whoever runs it",
        ),
        (
            {"TOKEN": ""},
            "this MLflow server is not signed in to Stageward: its STAGEWARD_TOKEN is missing; "
            "tell whoever runs it",
        ),
        ({"MLFLOW_REGISTRY": "elsewhere"}, "no registry has the alias 'elsewhere'"),
    ],
)
def test_whom_stageward_refuses_stores_nothing_whatever_the_setting(
    store_at: Opening,
    calls: Calls,
    more: dict[str, str],
    said: str,
) -> None:
    """A wrong token is not Stageward's being away."""
    store = store_at(calls.address, MLFLOW_WHEN_AWAY="allow", **more)
    with pytest.raises(MlflowException, match=said) as raised:
        store.transition_model_version_stage("iris", "1", "Staging", archive_existing_versions=True)

    assert "PERMISSION_DENIED" == raised.value.error_code
    assert "None" == store.get_model_version("iris", "1").current_stage


@pytest.mark.parametrize(
    ("token", "away", "warned"),
    [
        ("", False, ["its STAGEWARD_TOKEN is missing; tell whoever runs it"]),
        ("nobody", False, ["its STAGEWARD_TOKEN is not taken: the configuration has no person"]),
        (SERVER, False, []),
        ("nobody", True, []),
    ],
)
def test_a_server_that_is_not_signed_in_warns_when_it_starts(
    store_at: Opening,
    calls: Calls,
    caplog: pytest.LogCaptureFixture,
    token: str,
    warned: list[str],
    *,
    away: bool,
) -> None:
    """It starts all the same; where Stageward is away nobody knows yet."""
    url = f"http://127.0.0.1:{free_port()}" if away else calls.address
    store_at(url, TOKEN=token).stageward.look().join()
    found = {one.getMessage() for one in caplog.records if one.name == "stageward.mlflow"}

    assert len(warned) == len(found)
    for words, message in zip(warned, found, strict=True):
        assert message.startswith(
            "nothing that Stageward governs will be stored: this MLflow server is not signed in to "
            f"Stageward: {words}"
        )


def test_who_writes_what_is_nobodys_business_waits_for_no_other(
    store_at: Opening,
) -> None:
    """One asks what is guarded; till that is answered others do not wait for it."""
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        store = store_at(f"http://127.0.0.1:{server.getsockname()[1]}", MLFLOW_TIMEOUT_SECONDS="60")
        first = pool.submit(store.stageward.guards_tag, "owner")
        asked, _ = server.accept()
        with asked:
            asked.recv(1)

            assert store.stageward.guards_tag("owner")
            assert not first.done()
        assert first.result()


def test_who_may_ask_again_soon_is_told_when(store_at: Opening) -> None:
    """Left to itself MLflow's client would wait for minutes, longer each time."""
    store = store_at(f"http://127.0.0.1:{free_port()}")

    answering: Any = catch_mlflow_exception

    def write() -> None:
        """Set a tag that is guarded, as the server does for a request."""
        store.set_model_version_tag("iris", "1", tag("stage", "Staging"))

    server = Flask("server")
    server.add_url_rule("/", view_func=answering(write))
    with ExitStack() as others:
        for _ in range(PEOPLE_AT_ONCE):
            others.enter_context(store.stageward._turn())  # noqa: SLF001  # as one who waits
        busy = server.test_client().get("/")
    away = server.test_client().get("/")

    assert (HTTPStatus.TOO_MANY_REQUESTS, "3") == (busy.status_code, busy.headers["Retry-After"])
    assert (HTTPStatus.CONFLICT, None) == (away.status_code, away.headers.get("Retry-After"))

"""Tags that stand for stages, on a real MLflow server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from msgspec.structs import replace

from stage_functions.adapters.mlflow import MlflowRegistry
from stage_functions.adapters.sqlite import SQLiteRows
from stage_functions.application.reconcile import mirrors
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from tests.application.mirror_world import ASKED, SHOWN, changed
from tests.brief_world import FILE, context_over_file
from tests.fakes.clock import FakeClock
from tests.mlflow_server import MlflowServer
from tests.mlflow_world import MlflowWorld

KEYS = ("none", "staging", "prod", "archived", "approval")


@pytest.fixture
def people(mlflow_server: MlflowServer) -> Iterator[MlflowWorld]:
    """Return the hand that others have in the server."""
    with httpx.Client(base_url=mlflow_server.address, timeout=60) as client:
        yield MlflowWorld(client, "demo")


def test_one_key_follows_the_stage_and_asks_for_the_next(
    mlflow_server: MlflowServer, people: MlflowWorld
) -> None:
    """A key that is set asks; one that may not is removed; at rest nothing is left to do."""
    with (
        closing(SQLiteRows(":memory:")) as rows,
        closing(MlflowRegistry("demo", mlflow_server.address, timeout_seconds=60)) as registry,
    ):
        plain = context_over_file(rows, registry, FakeClock(), FILE)
        context = changed(
            plain, mirror_to=SHOWN, requests_from=ASKED, presence={"Production": "prod"}
        )
        context.states.update("demo", lambda state: replace(state, imported=True))
        version = people.create("presence", tags={"none": "since Monday", "team": "growth"})
        seen = []
        for tags in ({}, {"staging": ""}, {"none": "", "approval": "prod-approved"}):
            for key, value in tags.items():
                people.set_tag(version, key, value)
            follow(context, Signal(version))
            shown = people.tags(version)
            seen.append({key: shown[key] for key in (*KEYS, "stage", "team") if key in shown})
        state = context.ledger.state(version)
        known = registry.read(version)
        governing = context.lifecycle(version.asset)
        assert known is not None
        assert state is not None
        at_rest = mirrors(context, state, known, governing)

    assert seen == [
        {"none": "since Monday", "stage": "None", "team": "growth"},
        {"staging": "", "stage": "Staging", "team": "growth"},
        {"staging": "", "stage": "Staging", "team": "growth"},
    ]
    assert state is not None
    assert state.base["presence"] == "Staging"
    assert at_rest

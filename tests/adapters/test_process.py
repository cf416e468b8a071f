"""What a process knows of itself when it starts; and that real servers say what time it is."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import pytest

from stage_functions.adapters.clock import SystemClock
from stage_functions.adapters.mlflow import MlflowRegistry
from stage_functions.adapters.process import open_process
from stage_functions.adapters.tables import TableRows, table_service
from stage_functions.application.clocks import Clocks
from stage_functions.application.pace import Pace
from stage_functions.application.ports.rows import LEDGER
from stage_functions.application.process import Process
from stage_functions.domain.error import ConfigurationError
from stage_functions.settings import Settings, read_settings
from tests.azurite import connection_string
from tests.mlflow_server import MlflowServer

END = datetime(2027, 3, 1, 8, tzinfo=UTC)
SIGNED = "https://a.blob.core.windows.net/dead?se=2027-03-01T08%3A00%3A00Z&sig=telltale"


def opened(settings: Settings) -> Process:
    """Return what a process with these settings knows of itself."""
    return open_process(settings, "somewhere", SystemClock(), Clocks(), no_credential)


def no_credential() -> NoReturn:
    """Fail: nothing is signed in to at the start."""
    raise AssertionError


def test_a_process_knows_how_often_it_scans() -> None:
    """Unset, the timer decides alone."""
    minutes, seconds = "STAGEWARD_SCAN_MINUTES", "STAGEWARD_SCAN_AGE_SECONDS"

    assert Pace() == opened(read_settings({})).facts.pace
    assert Pace(timedelta(hours=1), timedelta(hours=4)) == (
        opened(read_settings({minutes: "60", seconds: "14400"})).facts.pace
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STAGEWARD_SCAN_MINUTES", "0"),
        ("STAGEWARD_SCAN_MINUTES", "1441"),
        ("STAGEWARD_SCAN_MINUTES", "1h"),
        ("STAGEWARD_SCAN_AGE_SECONDS", "-900"),
        ("STAGEWARD_SCAN_AGE_SECONDS", "\u0663\u0660\u0660"),
    ],
)
def test_a_pace_that_is_none(name: str, value: str) -> None:
    """It is told with what it may be, before anything is scanned."""
    with pytest.raises(ConfigurationError, match=rf"{name}={value}: it is a whole number from"):
        opened(read_settings({name: value}))


def test_a_process_knows_how_it_was_started_and_none_of_its_secrets() -> None:
    """Of a key with a date it keeps the variable's name and that day."""
    environment = {
        "STAGEWARD_AUTH": "entra",
        "STAGEWARD_WEBHOOK_SECRET": "telltale",
        "STAGEWARD_DEAD_LETTERS": SIGNED,
        "STAGEWARD_EVENTGRID_KEY": "telltale",
        "STAGEWARD_WEBHOOKS": f"https://hooks.example.org/a {SIGNED}",
        "STAGEWARD_WEBHOOKS_SECRET": "whsec_telltale",
        "STAGEWARD_NOTIFY_RISK": "https://prod.logic.azure.com/x?sig=telltale",
    }
    process = opened(read_settings(environment))
    facts = process.facts

    assert {"STAGEWARD_DEAD_LETTERS": END, "STAGEWARD_WEBHOOKS": END} == {
        one.name: one.ends for one in facts.endings
    }
    assert ("entra", "somewhere") == (facts.sign_in, facts.ledger)
    assert facts.version
    assert facts.started is not None
    assert process.dead_letters is not None
    assert "telltale" not in repr(facts)


def test_without_a_container_there_are_no_dead_letters() -> None:
    """And nothing is loaded for them."""
    assert opened(Settings()).dead_letters is None


def test_a_container_that_is_none_is_named_by_its_setting() -> None:
    """At the start, not at the first look."""
    with pytest.raises(ConfigurationError, match=r"^STAGEWARD_DEAD_LETTERS: "):
        opened(Settings(dead_letters="nonsense"))


def test_table_storage_and_mlflow_say_what_time_it_is(
    azurite: int, mlflow_server: MlflowServer
) -> None:
    """Beside any answer; on one machine it is the same."""
    clocks, clock = Clocks(), SystemClock()
    rows = TableRows(
        table_service(connection_string(azurite), heard=clocks.listener("ledger", clock))
    )
    rows.create_tables()
    rows.get(LEDGER, "ledger", "id")
    registry = MlflowRegistry("lab", mlflow_server.address, heard=clocks.listener("lab", clock))
    registry.versions()
    rows.close()
    registry.close()

    assert ["lab", "ledger"] == [one.source for one in clocks.skews()]
    assert [False, False] == [one.too_far for one in clocks.skews()]


@pytest.mark.parametrize("form", ["json", "text"])
def test_the_lines_of_a_host_are_cleaned_too(form: str) -> None:
    """It has handlers of its own, and adds time and level itself."""
    code = (
        "import logging; logging.basicConfig(level=logging.INFO);"
        "from stage_functions.adapters.logs import take_over; take_over('FORM');"
        "logging.getLogger('stageward').info('GET /link?sig=telltale');"
        "logging.getLogger('azure').info('every request')"
    ).replace("FORM", form)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    (line,) = done.stderr.splitlines()
    said = json.loads(line)["message"] if form == "json" else line

    assert "GET /link?sig=[hidden]" == said

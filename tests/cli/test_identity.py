"""The command line, signed in as whoever is signed in to Azure."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import World
from tests.cli.console import Done, run
from tests.signed_in import AUDIENCE, Az, az_in, behind_app_service, token_for


@pytest.fixture
def at(it: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Az]:
    """A terminal before a Stageward behind App Service, with somebody signed in by `az`."""
    az = az_in(tmp_path)
    level = logging.getLogger("azure.identity").level
    with behind_app_service(it) as url:
        said = {"STAGEWARD_URL": url, "STAGEWARD_AUDIENCE": AUDIENCE, "STAGEWARD_TOKEN": ""}
        # Identities are shared in a process by these variables: so each test has its own.
        own = {"AZURE_CONFIG_DIR": str(tmp_path)}
        for name, value in {**az.environment(), **said, **own}.items():
            monkeypatch.setenv(name, value)
        yield az
    logging.getLogger("azure.identity").setLevel(level)


def listed() -> Done:
    """List what there is."""
    return run("ls", "demo", "--json")


def test_a_command_needs_no_token_where_somebody_is_signed_in_to_azure(it: World, at: Az) -> None:
    """The variable is not even set."""
    it.register("1")
    done = listed()

    assert (0, "demo/models/iris") == (done.code, done.json[0]["asset"]), done.err
    assert 1 == len(at.asked)


def test_who_is_signed_in_nowhere_is_told_what_to_run(at: Az) -> None:
    """In one line, whatever azure.identity would print besides."""
    at.fails()
    done = listed()

    assert 1 == done.code
    assert [
        f"Azure gives no token for {AUDIENCE} here: Please run 'az login' to set up an account. "
        "Run `az login`, or set STAGEWARD_TOKEN"
    ] == done.err.splitlines()


def test_a_wrong_audience_is_said_as_one(at: Az) -> None:
    """App Service does not say whose token it did not take; this does."""
    at.says(token_for("api://another"), 2**31)
    done = listed()

    assert 1 == done.code
    assert "be for another app" in done.err
    assert "set STAGEWARD_AUDIENCE to api://<client id of this app>" in done.err


def test_who_is_not_signed_in_is_told_of_this_way(at: Az, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the server takes tokens of Entra."""
    monkeypatch.delenv("STAGEWARD_AUDIENCE")
    done = listed()

    assert ["STAGEWARD_TOKEN is not set, so nobody is signed in."] == done.err.splitlines()[:1]
    assert "run `az login`, and set STAGEWARD_AUDIENCE" in done.err
    assert [] == at.asked


def test_a_token_goes_to_no_address_that_was_not_named(
    at: Az, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though Stageward may well run at the default one."""
    monkeypatch.delenv("STAGEWARD_URL")
    done = listed()

    assert (1, True) == (done.code, "STAGEWARD_URL is not" in done.err)
    assert [] == at.asked

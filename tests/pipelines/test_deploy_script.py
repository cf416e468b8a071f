"""The script that deploys: a run that ends half-way leaves nothing that the next one cannot mend.

`az` is a stand-in that refuses what Azure ML refuses: a deployment over one that is there, to take
away one that is served, an endpoint that nobody made, and `az ml` where it is not installed.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.pipelines.world import machine


class Place(NamedTuple):
    """A machine, and the endpoint that it deploys to.

    Attributes:
        folder: of the stand-in.
        checkout: the repository.
    """

    folder: Path
    checkout: Path

    def deploy(self, number: str) -> tuple[int, str]:
        """Do what the workflow does with a version; return the exit code and what was printed."""
        code, said = self._run("beside", number)
        return (code, said) if code else self._run("serve", number)

    def _run(self, word: str, number: str) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", "-e", ".github/scripts/deploy.sh", word],
            cwd=self.checkout,
            env={
                "AT": str(self.folder),
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",  # noqa: TID251  # as a runner has it
                "WORKSPACE": "dev",
                "GROUP": "ml",
                "ENDPOINT": "iris",
                "MODEL": "iris",
                "NUMBER": number,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    @property
    def endpoint(self) -> dict[str, Any]:
        """What is deployed, and what is served."""
        found: dict[str, Any] = json.loads((self.folder / "endpoint.json").read_text())
        return found

    @property
    def served(self) -> tuple[dict[str, int], list[str]]:
        """The shares, and what there is."""
        return self.endpoint["traffic"], list(self.endpoint["deployments"])


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An endpoint that serves version 1."""
    made = Place(tmp_path, machine(tmp_path))
    assert 0 == made.deploy("1")[0]
    return made


@pytest.mark.parametrize(
    "command",
    [
        "online-deployment create",
        "online-endpoint invoke",
        "online-endpoint update",
        "online-deployment list",
        "online-deployment delete",
    ],
)
def test_a_run_that_ends_half_way_is_gone_on_with(place: Place, command: str) -> None:
    """Whichever call fails, something is served meanwhile, and the next run ends as an undisturbed one."""
    fault = place.folder / f"no ml {command}"
    fault.touch()
    code, _ = place.deploy("2")
    shares, _ = place.served
    fault.unlink()

    assert code != 0
    assert [100] == list(shares.values())
    assert 0 == place.deploy("2")[0]
    assert ({"v2": 100}, ["v2"]) == place.served


@pytest.mark.parametrize("state", ["Failed", "Canceled"])
def test_what_came_out_badly_is_made_anew(place: Place, state: str) -> None:
    """Azure ML makes no deployment over one that is there, so that one is taken away first."""
    (place.folder / "deployed-as").write_text(state)
    code, _ = place.deploy("2")
    left = place.served
    (place.folder / "deployed-as").unlink()

    assert code != 0
    assert ({"v1": 100}, ["v1", "v2"]) == left
    assert 0 == place.deploy("2")[0]
    assert ({"v2": 100}, ["v2"]) == place.served


def test_what_azure_ml_still_makes_is_left_alone(place: Place) -> None:
    """A run that was cancelled leaves it behind; the next one says so, and changes nothing."""
    (place.folder / "deployed-as").write_text("Creating")
    place.deploy("2")
    code, said = place.deploy("2")

    assert 1 == code
    assert "v2 is Creating" in said
    assert ({"v1": 100}, ["v1", "v2"]) == place.served


def test_a_version_that_does_not_answer_gets_no_traffic(place: Place) -> None:
    """What was served before is served on."""
    (place.folder / "broken").touch()
    code, _ = place.deploy("2")

    assert code != 0
    assert {"v1": 100} == place.endpoint["traffic"]


def test_what_was_tried_and_never_served_is_taken_away(place: Place) -> None:
    """A version that was displaced before it got traffic leaves nothing that costs money."""
    (place.folder / "broken").touch()
    place.deploy("2")
    (place.folder / "broken").unlink()

    assert 0 == place.deploy("3")[0]
    assert ({"v3": 100}, ["v3"]) == place.served


def test_what_is_served_is_not_deployed_again(place: Place) -> None:
    """A second event for one change, or the next hour, finds nothing to do."""
    before = place.endpoint
    code, _ = place.deploy("1")
    calls = (place.folder / "calls.jsonl").read_text()

    assert 0 == code
    assert before == place.endpoint
    assert 1 == calls.count('"online-deployment", "create"')


def test_an_endpoint_that_is_not_there_is_said(place: Place) -> None:
    """And how it is made; the pipeline makes none."""
    (place.folder / "endpoint.json").unlink()
    code, said = place.deploy("2")

    assert 1 == code
    assert "It is made once: az ml online-endpoint create" in said


def test_a_number_that_is_no_name_is_not_deployed(place: Place) -> None:
    """Nor does it become a part of a command."""
    code, said = place.deploy("2; touch owned")

    assert 1 == code
    assert "cannot be called after version" in said


def test_az_ml_is_installed_once(place: Place) -> None:
    """In the version that is written down: no hosted runner brings it."""
    place.deploy("2")
    calls = (place.folder / "calls.jsonl").read_text()

    assert 1 == calls.count('"extension", "add"')
    assert "2.43.0" == (place.folder / "extension").read_text()

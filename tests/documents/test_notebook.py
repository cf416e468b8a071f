"""The notebook is run as its page says, and tells what it promises."""

from __future__ import annotations

import json
import re
import subprocess
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.documents.newcomer import follow
from tests.documents.reading import ROOT
from tests.documents.tables import Setting
from tests.documents.world import World, beginning
from tests.receiver import Receiver

pytestmark = pytest.mark.timeout(400)  # on a machine that does much else at once
NOTEBOOK = ROOT / "examples" / "stageward.ipynb"
PAGE = "docs/notebook.md"
CALL = ".transition_model_version_stage("
"""How MLflow asks for a stage."""
STORY = (
    r"refused: described failed",
    r"Staging \| granted: None → Staging",
    r"a moment later, stage: None",
    r"Pending: +demo/models/iris:1: pending approval \w{8}, needs 1 of model-risk",
    r"Decide at: +http://127\.0\.0\.1:\d+/approvals/\w{8}",
    r"DeniedError - .*the requester",
    r"granted - approved by person:officer-1\nstage: Production",
    r"in Production, says Stageward: version 2\nversion 1: Archived\nversion 2: Production",
    r"may not be deployed .*\nmay be deployed",
    r"sound 1 Registered",
    r"DriftFound 2",
    r"version 1: Production person:officer-1",
    r"granted - rolled back.*\nversion 1: Production\nversion 2: Archived",
)
"""What its cells print, in this order, among else."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A terminal in a folder of the project; what Jupyter keeps goes there, too."""
    own = {name: str(tmp_path) for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "TMPDIR")}
    return beginning(tmp_path, Setting(), own)


def cells(path: Path) -> list[dict[str, Any]]:
    """Return the cells of a notebook that are code."""
    document = json.loads(path.read_text("utf-8"))
    return [cell for cell in document["cells"] if cell["cell_type"] == "code"]


def printed(path: Path) -> str:
    """Return what a notebook has printed."""
    outputs = [output for cell in cells(path) for output in cell["outputs"]]
    return "".join("".join(one["text"]) for one in outputs if one.get("name") == "stdout")


def is_there(address: str) -> bool:
    """Tell whether something answers."""
    with suppress(httpx.TransportError):
        httpx.get(address)
        return True
    return False


def test_it_tells_the_whole_story_and_leaves_nothing_running(world: World) -> None:
    """By the command of its page."""
    follow(PAGE, 'export PATH="$PWD/.venv/bin:$PATH"', world, Setting())

    said = printed(world.folder / "examples" / "executed.ipynb")
    assert re.search(".*".join(f"(?:{one})" for one in STORY), said, re.DOTALL), said
    addresses = re.findall(r"^(?:MLflow|Stageward) +(http://\S+)$", said, re.MULTILINE)
    assert [False, False] == [is_there(one) for one in addresses]
    assert [] == [*world.folder.glob("stageward-notebook-*")]


def test_what_a_terminal_says_of_other_servers_does_not_count(world: World) -> None:
    """Nothing is told to them, and nothing on this machine is sought by way of a proxy."""
    with Receiver() as other:
        elsewhere = {
            "HTTP_PROXY": other.url,
            "MLFLOW_REGISTRY_URI": other.url,
            "MLFLOW_TRACKING_URI": other.url,
            "STAGEWARD_WEBHOOKS": other.url,
            "http_proxy": other.url,
        }
        there = replace(world, environment={**world.environment, **elsewhere})
        follow(PAGE, 'export PATH="$PWD/.venv/bin:$PATH"', there, Setting())

    assert [] == other.requests


def test_what_it_started_ends_when_a_cell_fails(world: World) -> None:
    """With the kernel, which the failure ends."""
    path = world.folder / "examples" / "stageward.ipynb"
    document = json.loads(path.read_text("utf-8"))
    (starts,) = [
        place
        for place, cell in enumerate(document["cells"])
        if 'processes.start("stageward"' in "".join(cell["source"])
    ]
    fails = 'Path("addresses").write_text(f"{mlflow_url} {url}")\nraise ValueError'
    cell = {**document["cells"][starts], "id": "fails", "source": fails}
    document["cells"][starts + 1 :] = [cell]
    path.write_text(json.dumps(document), "utf-8")

    done = subprocess.run(
        ["jupyter", "execute", str(path)],
        cwd=world.folder,
        env=dict(world.environment),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode, done.stderr
    (found,) = world.folder.rglob("addresses")
    end = time.monotonic() + 60
    while any(is_there(one) for one in found.read_text("utf-8").split()):
        assert time.monotonic() < end
        time.sleep(0.2)


def test_no_output_is_committed() -> None:
    """Nor how often a cell was run, so that a change of it shows what was changed."""
    assert [(None, [])] * len(cells(NOTEBOOK)) == [
        (cell["execution_count"], cell["outputs"]) for cell in cells(NOTEBOOK)
    ]


def test_one_cell_alone_knows_how_to_ask() -> None:
    """It is marked, so that another way to ask can be put there."""
    asking = [cell for cell in cells(NOTEBOOK) if CALL in "".join(cell["source"])]

    assert [["exchangeable"]] == [cell["metadata"].get("tags") for cell in asking]

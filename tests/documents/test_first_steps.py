"""What documents tell a newcomer to start is started as they say, in a folder of its own."""

from __future__ import annotations

from pathlib import Path

from stage_functions.application.tokens import PREFIX
from tests.azurite import free_port
from tests.documents.program import first, write
from tests.documents.reading import ROOT, Document
from tests.documents.tables import Setting
from tests.documents.world import SAID, World, environment_of, lay_out


def beginning(folder: Path, setting: Setting) -> World:
    """Return a terminal in a folder of the project, in which nothing runs yet."""
    lay_out(folder, setting)
    url = f"http://127.0.0.1:{free_port()}"
    return World(folder, {**environment_of(folder), "STAGEWARD_URL": url}, "", free_port())


def follow(name: str, block: str, world: World, setting: Setting) -> str:
    """Run the block of a document that begins with a line; return what it printed."""
    document = Document(name, (ROOT / name).read_text("utf-8"))
    (found,) = [one for one in document.blocks() if first(one) == block]
    return world.run(write(world, document, setting, [found]))


def test_use_it_starts_both_servers_and_prints_tokens_that_sign_in(tmp_path: Path) -> None:
    """As the README tells it; the file as it is shipped only observes."""
    asks = (
        'answers "http://127.0.0.1:$PORT/health"\n'
        f'token=$(grep "^{PREFIX}" {SAID} | tail -n 1)\n'
        'export STAGEWARD_TOKEN="$token"; stageward registries; stageward scan demo\n'
    )
    setting = Setting(enforces=False, after=asks)
    world = beginning(tmp_path, setting)

    said = follow("README.md", "make setup", world, setting)

    assert f"answers: {world.environment['STAGEWARD_URL']}/api/v1/openapi.json" in said
    assert f"answers: http://127.0.0.1:{world.port}/health" in said
    assert "observe" in said


def test_the_trial_on_azure_ml_answers(tmp_path: Path) -> None:
    """With the configuration of the page, before it could read anything of Azure."""
    asks = "STAGEWARD_TOKEN=officer stageward ls dev"
    setting = Setting(copies={"azure-ml.yaml": "yaml"}, after=asks)
    world = beginning(tmp_path, setting)

    said = follow("docs/azure-ml.md", "az login", world, setting)

    assert f"answers: {world.environment['STAGEWARD_URL']}/api/v1/openapi.json" in said

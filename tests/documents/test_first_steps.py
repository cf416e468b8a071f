"""What documents tell a newcomer to start is started as they say, in a folder of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stage_functions.application.tokens import PREFIX
from tests.documents.newcomer import follow
from tests.documents.tables import Setting
from tests.documents.world import SAID, beginning

pytestmark = pytest.mark.timeout(400)  # on a machine that does much else at once


def test_use_it_starts_both_servers_and_prints_tokens_that_sign_in(tmp_path: Path) -> None:
    """As the README tells it; the file as it is shipped only observes, and governs from there on."""
    asks = (
        'answers "http://127.0.0.1:$PORT/health"\n'
        f'token=$(grep "^{PREFIX}" {SAID} | tail -n 1)\n'
        'export STAGEWARD_TOKEN="$token"; stageward scan demo; stageward registries\n'
    )
    setting = Setting(enforces=False, after=asks)
    world = beginning(tmp_path, setting)

    said = follow("README.md", "make install", world, setting)

    assert f"answers: {world.environment['STAGEWARD_URL']}/api/v1/openapi.json" in said
    assert f"answers: http://127.0.0.1:{world.port}/health" in said
    assert re.search(r"^demo +mlflow +enforce +governed", said, re.MULTILINE), said


def test_the_trial_on_azure_ml_answers(tmp_path: Path) -> None:
    """With the configuration of the page, before it could read anything of Azure."""
    asks = "STAGEWARD_TOKEN=officer stageward ls dev"
    setting = Setting(copies={"azure-ml.yaml": "yaml"}, after=asks)
    world = beginning(tmp_path, setting)

    said = follow("docs/azure-ml.md", "az login", world, setting)

    assert f"answers: {world.environment['STAGEWARD_URL']}/api/v1/openapi.json" in said

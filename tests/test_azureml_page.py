"""What `docs/azure-ml.md` shows: a configuration, a role, events to subscribe to, a program."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stage_functions.adapters.cel import CelRules
from stage_functions.demo.sdk import PROGRAM, prepare, words
from stage_functions.domain.asset import Kind, Version
from stage_functions.domain.mirror import Edit
from stage_functions.wire import eventgrid
from stage_functions.wire.configuration import load
from tests.adapters.azureml_local import Connected, connected
from tests.adapters.test_azureml_copy import CONTENTS
from tests.azureml import running
from tests.azureml.sdk import SDK_WARNINGS

pytestmark = [pytest.mark.filterwarnings(text) for text in SDK_WARNINGS]
DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "azure-ml.md").read_text("utf-8")
_SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
_HUB = f"{_SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.MachineLearningServices"
ENVIRONMENT = {
    "DEV_WORKSPACE": f"{_HUB}/workspaces/dev",
    "SHARED_REGISTRY": f"{_HUB}/registries/shared",
}
_PROVIDER = "Microsoft.MachineLearningServices"


def blocks(language: str) -> list[str]:
    """Return the blocks of the page in a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_configuration_on_the_page_loads() -> None:
    """And is whole: nothing is to be added to it."""
    (block,) = blocks("yaml")
    found = load(block, path="page", environment=ENVIRONMENT, check_rule=CelRules().check)

    assert ["dev", "shared"] == list(found.registries)
    assert ["shared"] == [
        way.copy_to for one in found.lifecycles for way in one.transitions if way.copy_to
    ]


def test_every_type_that_is_subscribed_to_is_followed() -> None:
    """No event comes in vain, and each type of the table is subscribed to."""
    commands = "\n".join(blocks("sh"))
    types = set(re.findall(r"Microsoft\.(?:Resources|MachineLearningServices)\.[A-Z]\w+", commands))
    topics = set(re.findall(r"--topic-type (\S+)", commands))
    answers = [
        eventgrid.parse({"type": one, "source": "/", "specversion": "1.0", "id": "1"}, {})
        for one in types - topics
    ]

    assert {one.rpartition(".")[2] for one in types - topics} == {
        "ResourceWriteSuccess",
        "ResourceDeleteSuccess",
        "ModelRegistered",
        "ModelDeployed",
        "RunCompleted",
    }
    assert not [why for one in answers for why in one.ignored if "are not followed" in why]


ML = "Microsoft.MachineLearningServices/workspaces"
PUBLISHES = f"{ML}/components/versions/publish/action"
"""Microsoft's list of actions does not have it, and a role with it is refused as a whole."""
WRITES_STAGE = f"{ML}/assets/stage/write"
"""What the list has for the field `stage`, which is written with the version."""


def test_the_role_on_the_page_has_every_action_that_is_needed() -> None:
    """What Stageward calls in a workspace is what it allows, and nothing else."""
    (block,) = blocks("json")
    assert (DOCS.parent / "infra" / "roles" / "governor.json").read_text("utf-8") == block
    with connected() as azure:
        do_everything(azure)
        calls = [(call.method, call.path) for call in azure.local.calls]

    used = {action for method, path in calls if (action := needed(method, path))}
    role = set(json.loads(block)["Actions"])
    assert (used - {PUBLISHES}) | {WRITES_STAGE} == role


def do_everything(azure: Connected) -> None:
    """Do in a workspace whatever Stageward does there."""
    registry, dev = azure.registry, azure.dev
    outputs = {"model": {"jobOutputType": "mlflow_model"}}
    job = azure.local.job(dev, outputs=outputs)
    for kind in Kind:
        written = {"jobName": job} if kind is Kind.MODELS else {}
        azure.local.put_version(dev, kind, "x", "1", {**CONTENTS[kind], **written})
    model = f"{dev.id}/models/x/versions/1"
    azure.local.deploy(dev, "scoring", "blue", model)
    azure.local.endpoint(dev, "scoring", {"blue": 100})
    azure.local.batch_endpoint(dev, "nightly", {"old": model}, default="old")
    registry.versions()
    for kind in Kind:
        version = Version.parse(f"dev/{kind}/x:1")
        registry.edit(version, lambda _: Edit({"stage": "None"}))
        registry.evidence(azure.read(str(version)))
        registry.copy(azure.read(str(version)), azure.configurations["shared"])
    registry.outputs(job)
    registry.deployments("scoring")
    registry.deployments("nightly")
    registry.take_traffic("scoring", "blue")


def needed(method: str, path: str) -> str:
    """Return the action that a call in a workspace needs; "" where it is somewhere else."""
    if "/mlflow/" in path:
        return f"{_PROVIDER}/workspaces/experiments/runs/read"
    _, _, rest = path.partition(f"/{_PROVIDER}/")
    parts = rest.split("/")
    if parts[0] != "workspaces" or "/mferp/" in path:
        return ""
    verb = {"GET": "read", "PUT": "write"}.get(method, "")
    if method == "POST":
        return f"{_PROVIDER}/{'/'.join(parts[::2])}/action"
    return f"{_PROVIDER}/{'/'.join(parts[::2])}/{verb}"


def test_the_program_on_the_page_is_that_of_the_demonstration() -> None:
    """It is printed there, too."""
    (block,) = blocks("python")

    assert PROGRAM == block


def test_the_program_asks_for_a_stage(tmp_path: Path) -> None:
    """With the environment that is written for it, and nothing else."""
    with running() as local:
        dev = local.workspace("dev")
        local.put_version(
            dev, "models", "iris", "5", {"modelUri": "azureml://x", "tags": {"a": "b"}}
        )
        token = local.credential("scientist-1").get_token(local.url).token
        told = prepare(tmp_path, local.environment(), dev.id, token)
        last = next(line for line in words(told, sys.executable) if "ask.py" in line)
        done = subprocess.run(
            ["sh", "-c", f". {told} && {last}"],
            env={"PATH": os.environ["PATH"]},  # noqa: TID251  # a shell finds its programs by it
            capture_output=True,
            text=True,
            check=False,
        )
        shown = local.version(dev, "models", "iris", "5")

    assert done.returncode == 0, done.stderr
    assert shown is not None
    assert shown["properties"]["tags"] == {
        "a": "b",
        "stage_request": "Production: asked by the SDK",
    }
    assert (tmp_path / "token").stat().st_mode & 0o077 == 0


def test_the_glossary_has_each_word_once() -> None:
    """One word per thing, one line per word."""
    page = (DOCS / "glossary.md").read_text("utf-8")
    found = re.findall(r"^\| ([^|]+) \|", page, re.MULTILINE)

    assert sorted(set(found)) == sorted(found)

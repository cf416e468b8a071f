"""Every block of commands is run, in one shell for each document; so is what reads within lines."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.console import run
from tests.documents.program import here, skip_without_tools, write
from tests.documents.reading import Document, documents
from tests.documents.script import PYTHON
from tests.documents.spans import Command, reading, written
from tests.documents.tables import CODES, Setting, setting_of
from tests.documents.world import Worlds
from tests.mlflow_server import WEBHOOKS, running_mlflow

pytestmark = pytest.mark.timeout(400)  # on a machine that does much else at once
DOCUMENTS = sorted(
    (one for one in documents() if here(one)),
    key=lambda one: not setting_of(one.name).reads,
)
"""Those that share a world first."""


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    """Run an MLflow server in which nobody else works."""
    folder = tmp_path_factory.mktemp("documents")
    with (
        running_mlflow(tmp_path_factory.mktemp("mlflow"), WEBHOOKS) as server,
        closing(Worlds(folder, server)) as made,
    ):
        yield made


@pytest.mark.parametrize("command", reading(), ids=written)
def test_a_command_within_a_line_reads(
    worlds: Worlds, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is run where it changes nothing; those of documents without a block are tried so."""
    setting = Setting(reads=True)
    world = worlds.of(setting).within(tmp_path, setting)
    for name, value in world.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(world.folder)
    for name in ("draft.yaml", "new.yaml"):
        shutil.copy("stageward.yaml", name)
    arguments = [re.sub(r"^(dev|prod|shared)/", "demo/", one) for one in command.words[1:]]
    arguments = [world.substitutes().get(one, one) for one in arguments]

    done = run(*arguments)

    answers = {0, 4} if arguments[0] == "check" else {CODES.get(command.written, 0)}
    assert done.code in answers, f"{command.where}: {done.out}{done.err}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=[one.name for one in DOCUMENTS])
def test_the_commands_of_a_document_do_what_it_says(
    worlds: Worlds, tmp_path: Path, document: Document
) -> None:
    """None ends with a fault, and servers answer."""
    skip_without_tools(document)
    setting = setting_of(document.name)
    world = worlds.of(setting).within(tmp_path, setting)

    world.run(write(world, document, setting))


@pytest.mark.parametrize(
    ("asked", "told"),
    [('3, "Production", True', "/approvals/{approval} "), ('2, "None"', "None is not allowed")],
    ids=["pending", "refused"],
)
def test_each_way_of_mlflows_client_is_as_its_page_has_it(
    worlds: Worlds, tmp_path: Path, asked: str, told: str
) -> None:
    """Of the ways of a block of Python one is taken when it is run; here are the others."""
    (page,) = (one for one in documents() if one.name == "docs/mlflow.md")
    document = Document(page.name, page.text.replace('1, "Staging"', asked))
    (block,) = (one for one in document.blocks() if one.language == PYTHON)
    setting = Setting(reads=True)
    world = worlds.of(setting).within(tmp_path, setting)

    said = world.run(write(world, document, setting, [block]))

    assert told.format(approval=world.approval) in said

"""Every block of commands is run, in one shell for each document."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents.program import here, write
from tests.documents.reading import Document, documents
from tests.documents.tables import SETTINGS, Setting
from tests.documents.world import opened
from tests.mlflow_server import WEBHOOKS, MlflowServer, running_mlflow

DOCUMENTS = [one for one in documents() if here(one)]


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """Run an MLflow server in which nobody else works."""
    with running_mlflow(tmp_path_factory.mktemp("mlflow"), WEBHOOKS) as server:
        yield server


@pytest.mark.parametrize("document", DOCUMENTS, ids=[one.name for one in DOCUMENTS])
def test_the_commands_of_a_document_do_what_it_says(
    tmp_path: Path, mlflow: MlflowServer, document: Document
) -> None:
    """None ends with a fault, and servers answer."""
    setting = SETTINGS.get(document.name, Setting())
    with opened(tmp_path, mlflow, setting) as world:
        world.run(write(world, document, setting))

"""Nothing in a document that is a command is left out, and no exception outlives its reason."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import closing

import pytest
import yaml

from stage_functions.settings import unknown
from tests.api_server import api_over
from tests.builders import world
from tests.documents.program import first
from tests.documents.reading import ROOT, Document, documents
from tests.documents.script import PYTHON, SHELL, runs
from tests.documents.spans import reading
from tests.documents.tables import CODES, ELSEWHERE, EXITS, SETTINGS

DOCUMENTS = documents()
BY_NAME = {one.name: one for one in DOCUMENTS}
SHOWN = {"", "text", "console", "json", "yaml", "bicep", "http", "mermaid", "csv", "cel"}
"""Languages of blocks that show something: output, files, pictures."""
PROGRAMS = {"az", "azd", "curl", "git", "jq", "make", "mlflow", "pip", "python", "stageward"}
ADDRESS = re.compile(
    r"(?:\b(GET|POST|PUT|DELETE|PATCH) )?[^\s`\"(]*(/api/v1/[^\s`\"'),;\]]*[^\s`\"'),;\].])"
)
"""Of the API: with the method before it, where it is named."""
UNDESCRIBED = ("/api/v1/openapi.json", "/api/v1/asyncapi.json", "/api/v1/events/{schema}")
"""Addresses that the description of the API leaves out."""


def _keys(schema: object) -> Iterator[str]:
    """Return the names of all properties in a schema."""
    for key, one in schema.items() if isinstance(schema, dict) else ():
        yield from one if key == "properties" else ()
        yield from _keys(one)
    for one in schema if isinstance(schema, list) else ():
        yield from _keys(one)


KEYS = set(_keys(json.loads((ROOT / "stage_functions/stageward.schema.json").read_text("utf-8"))))
"""Of the configuration, at any level."""
NAMED_BY_PEOPLE = {"calendars", "groups", "people", "presence", "renamed", "rules", "stages"}
"""Keys under which people give names."""
OF_AZURE = {"azure_policy", "parameters"}
"""Keys under which all is Azure Policy's."""
OTHER_YAML = {"docs/azure-policy.md", "docs/pipelines.md"}
"""Documents whose YAML is of other files, which their own tests read."""
each = pytest.mark.parametrize("document", DOCUMENTS, ids=[one.name for one in DOCUMENTS])


@each
def test_a_block_is_run_or_shows_something(document: Document) -> None:
    """What looks like a command says that it is one, so that it is run."""
    for block in document.blocks():
        where = f"{document.name}:{block.line}"
        assert block.language in {SHELL, PYTHON, *SHOWN} or block.language.startswith("{"), where
        if not block.language:
            words = {line.split()[0] for line in block.text.splitlines() if line.split()}
            assert not words & PROGRAMS, f"{where}: commands are blocks of the language sh"


@each
def test_what_a_block_shows_can_be_read(document: Document) -> None:
    """YAML and JSON are."""
    for block in document.blocks():
        if block.language == "yaml":
            assert yaml.safe_load(block.text), f"{document.name}:{block.line}"
        if block.language == "json":
            assert json.loads(block.text), f"{document.name}:{block.line}"


@each
def test_what_is_configured_in_a_block_is_something_that_may_be(document: Document) -> None:
    """Each key is one of the schema's, but where people give names."""
    blocks = [one for one in document.blocks() if one.language == "yaml"]
    for block in blocks if document.name not in OTHER_YAML else ():
        unknown_keys = [*_unknown(yaml.safe_load(block.text))]

        assert [] == unknown_keys, f"{document.name}:{block.line}"


def _unknown(value: object, *, free: bool = False) -> Iterator[str]:
    """Return the keys that the configuration does not have."""
    for one in value if isinstance(value, list) else ():
        yield from _unknown(one)
    for key, one in value.items() if isinstance(value, dict) else ():
        if not free and key not in KEYS | {"…"}:
            yield key
        if key not in OF_AZURE:
            yield from _unknown(one, free=key in NAMED_BY_PEOPLE and not free)


@each
def test_every_variable_of_ours_is_one_that_is_read(document: Document) -> None:
    """By Stageward, or by what is shipped to be copied: workflows, actions, the notebook."""
    named = set(re.findall(r"\bSTAGEWARD_[A-Z_]+[A-Z](?![A-Z_<])", document.text))
    copied = {
        name
        for place in ("action", "examples")
        for path in (ROOT / place).rglob("*")
        if path.suffix in {".yml", ".yaml", ".ipynb", ".py", ".sh"}
        for name in re.findall(r"\bSTAGEWARD_[A-Z_]+", path.read_text("utf-8"))
    }

    assert {} == unknown(dict.fromkeys(named - copied, "1"))


@pytest.fixture(scope="module")
def routes() -> list[tuple[set[str], re.Pattern[str]]]:
    """Return the methods and the path of each address of the API."""
    made = world()
    with closing(made.rows), api_over(made) as api:
        paths = {path: {*one} for path, one in api.document["paths"].items()}
    described = {**{one: {"get"} for one in UNDESCRIBED}, **paths}
    return [
        (methods, re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path))))
        for path, methods in described.items()
    ]


@each
def test_every_address_of_the_api_is_one_that_is_served(
    document: Document, routes: list[tuple[set[str], re.Pattern[str]]]
) -> None:
    """With the method that it names, in a sentence or in a command."""
    for method, path in ADDRESS.findall(document.text):
        found = [methods for methods, known in routes if known.fullmatch(path.partition("?")[0])]

        assert found, f"{document.name}: {path}"
        assert not method or any(method.lower() in one for one in found), f"{method} {path}"


def test_every_document_with_an_entry_is_there() -> None:
    """None was renamed while its entry was not."""
    assert BY_NAME.keys() >= {*SETTINGS, *EXITS, *(name for name, _ in ELSEWHERE)}


@pytest.mark.parametrize(("name", "begins"), ELSEWHERE)
def test_what_runs_elsewhere_is_one_block_and_its_test_is_there(name: str, begins: str) -> None:
    """The list of exceptions has no entry for nothing."""
    found = [one for one in BY_NAME[name].blocks() if runs(one) and first(one) == begins]

    assert 1 == len(found)
    assert (ROOT / ELSEWHERE[name, begins]).is_file()


@pytest.mark.parametrize("name", EXITS)
def test_what_may_end_otherwise_is_still_there(name: str) -> None:
    """Each command with another code than 0 stands in its document."""
    lines = [
        " ".join(shlex.split(line, comments=True))
        for block in BY_NAME[name].blocks()
        if block.language == SHELL
        for line in block.text.splitlines()
        if not line.endswith("\\") and line.count("'") % 2 == 0 and line.count('"') % 2 == 0
    ]

    assert set(EXITS[name]) <= set(lines)


def test_what_may_end_otherwise_within_a_line_is_still_there() -> None:
    """Each stands in some document, and is run."""
    assert set(CODES) <= {one.written for one in reading()}

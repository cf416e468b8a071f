"""The reference: nothing of the code is left out, and words of the code stay words."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from scripts.site.reference import (
    configuration,
    environment,
    events,
    http_api,
    markdown,
    pages,
    problems,
)
from stage_functions.cli.main import app
from stage_functions.settings import NAMES

ROOT = Path(__file__).parents[2]
_TAG = re.compile(r"<[^>]+>")
_READER = MarkdownIt("commonmark").enable("table")


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """Every page, as Markdown."""
    return dict(pages(ROOT))


def shown(text: str) -> str:
    """Return what a reader sees of a text in Markdown."""
    return html.unescape(_TAG.sub("", _READER.render(text))).strip()


def commands(command: object, path: str) -> list[tuple[str, Any]]:
    """Return all commands below one, each with its whole name."""
    below = getattr(command, "commands", {})
    if not below:
        return [(path, command)]
    return [found for name, one in below.items() for found in commands(one, f"{path} {name}")]


def test_every_command_is_told_with_every_option(made: dict[str, str]) -> None:
    """With its help, whole."""
    page = made["reference/command-line"]
    told = dict(commands(typer.main.get_command(app), "stageward"))
    sections = dict(
        re.findall(r"^### (stageward [^\n]+)\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    )

    assert set(told) == set(sections)
    for path, command in told.items():
        for one in command.params:
            names = one.opts if one.param_type_name == "option" else [one.metavar or one.name]
            for name in names:
                said = name if name.startswith("-") else name.upper()
                assert markdown.code(said).replace("|", "\\|") in sections[path], (path, name)


def test_panels_are_headings_and_exit_codes_are_those_of_the_program(made: dict[str, str]) -> None:
    """So who knows the help finds the page alike."""
    page = made["reference/command-line"]

    for heading in ("Exit codes", "See what there is", "Ask and decide", "Prove it", "Operate it"):
        assert f"\n## {heading}\n" in page
    assert "Exits 0 granted, 3 pending, 4 refused or not for you, 5 rejected" in page
    assert "| `3` | it waits for approval |" in page


def test_every_command_says_what_it_ends_with(made: dict[str, str]) -> None:
    """In its help, or by the one line for all that only succeed or fail."""
    sections = made["reference/command-line"].split("\n### ")[1:]

    assert [one.partition("\n")[0] for one in sections if "xits " not in one] == []
    assert "Exits 0 done, 1 on a fault." in sections[0]


def test_every_problem_that_the_code_answers_is_told(made: dict[str, str]) -> None:
    """By its stable word, with the status that it comes with."""
    page = made["reference/http-api"]
    found = problems.answered()

    assert (409, 412, 422) == tuple(found[one] for one in ("already-voted", "stale", "invalid"))
    for name, status in found.items():
        assert f"| `{status}` | `{name}` |" in page


def test_events_and_keys_have_examples(made: dict[str, str]) -> None:
    """As the product has written them, and as the file takes them."""
    example = made["reference/events"].partition("(event-Voted)=")[2].partition("(event-")[0]
    keys = made["reference/configuration"]

    assert '"decision": "approve"' in example
    assert "Example: `mode: enforce` |" in keys
    assert "Example: `escalate: {after: 3d, to: heads}` |" in keys
    assert "Example: `groups: {model-risk: 1, data-science: 0}` |" in keys


def test_every_call_of_the_api_is_told_with_its_answers(made: dict[str, str]) -> None:
    """And every document that it sends or gets."""
    page = made["reference/http-api"]
    document = http_api.description(ROOT)
    for path, operations in document["paths"].items():
        for method, one in operations.items():
            begins = page.index(f"### {method.upper()} `{path}`\n")
            section = page[begins : page.index("\n##", begins + 5)]
            for given_ in one.get("parameters", ()):
                assert f"`{given_['name']}`" in section
            for status in one["responses"]:
                assert f"| `{status}` |" in section
    for name in document["components"]["schemas"]:
        assert f"(document-{name})=\n### {name}\n" in page


def test_every_type_of_event_is_told_with_every_field(made: dict[str, str]) -> None:
    """Its own with the type, those of all once."""
    page = made["reference/events"]
    files = sorted(events.FOLDER.glob("*.schema.json"))
    shared = page[page.index("## In every record") : page.index("(event-")]
    for one in files:
        schema = json.loads(one.read_text(encoding="utf-8"))
        name = schema["title"].removeprefix("Stageward.")
        begins = page.index(f"(event-{name})=")
        section = page[begins : page.find("\n(event-", begins + 1)]
        for field in schema["properties"]:
            assert f"| `{field}` |" in section + shared, (name, field)

    assert len(files) >= 28


def test_every_key_of_the_configuration_is_told(made: dict[str, str]) -> None:
    """With its default, as an editor would show it."""
    page = made["reference/configuration"]
    schema = json.loads(configuration.SCHEMA.read_text(encoding="utf-8"))
    for name, part in (*schema["definitions"].items(), ("", schema)):
        for key, one in part.get("properties", {}).items():
            assert f"| `{key}` |" in page, (name, key)
            if one.get("default"):
                assert markdown.code(json.dumps(one["default"])) in page, (name, key)

    assert '| `mode` | one of `observe`, `enforce` | `"observe"` |' in page


def test_every_variable_is_told(made: dict[str, str]) -> None:
    """By its whole name."""
    page = made["reference/environment"]

    assert [name for name in NAMES if f"`STAGEWARD_{name}`" not in page] == []
    assert "| `STAGEWARD_CONFIG` | `stageward.yaml` | Path of the configuration file. |" in page


def test_a_variable_that_is_read_and_not_told_fails_the_build() -> None:
    """So whoever adds one says what it is for."""
    with pytest.raises(environment.UntoldError) as found:
        environment.demand_told(["CONFIG", "NEVER_HEARD_OF"])

    assert "STAGEWARD_NEVER_HEARD_OF: the docstring of Settings" in str(found.value)


def test_options_show_their_default_and_flags_take_no_value(made: dict[str, str]) -> None:
    """As the program takes them."""
    page = made["reference/command-line"]

    assert '| `--registry` | one of `mlflow`, `azureml` | `"mlflow"` |' in page
    assert "stageward promote VERSION STAGE [--reason REASON]" in page
    assert "[--wait]" in page


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"))))
def test_words_of_the_code_are_shown_as_they_are(text: str) -> None:
    """Whatever is in them is no markup: no link, no HTML, no emphasis, no cell of a table."""
    plain = " ".join(text.replace("`", "'").split())
    row = markdown.table(("a", "b"), [(markdown.prose(plain), "end")])

    assert plain == shown(f"x{markdown.prose(plain)}")[1:].strip()
    assert 1 == _READER.render(row).count("<td>end</td>")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a `code|with` pipe", "a code|with pipe"),
        ("`<b>` and <b>", "<b> and <b>"),
        ("a_b_c *d* [e](f)", "a_b_c *d* [e](f)"),
    ],
)
def test_code_in_a_table_stays_code(text: str, seen: str) -> None:
    """With what stands between its backticks."""
    table = _READER.render(markdown.table(("a",), [(markdown.prose(text),)]))

    cell = re.search(r"<td>(.*?)</td>", table, re.DOTALL)
    assert cell is not None
    assert seen == html.unescape(_TAG.sub("", cell[1]))


def test_code_outside_a_table_has_no_backslash() -> None:
    """Only a table needs one before a bar."""
    assert "either a|b" == shown(markdown.paragraphs("either `a|b`"))

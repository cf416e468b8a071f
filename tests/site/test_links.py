"""Links of documents: where they lead, and what is no link."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.site.links import Link, LinkError, addresses, read

LEADS_NOWHERE = [
    ("gone.md", "there is no docs/gone.md"),
    ("adr/gone/", "there is no docs/adr/gone"),
    ("../../outside.md", "stays in the project"),
    ("/docs/start.md", "begins at its document"),
    ("http://example.org/plain", "not an address"),
    ("https://nohost", "not an address"),
    ("https://user:secret@example.org/", "not an address"),
    ("https://example.org/two words", "not an address"),
    ("https://example.org/end.", "not an address"),
    ("ftp://example.org/file", "not an address"),
    ("//example.org/path", "not an address"),
    ("mailto:nobody", "not an address"),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a few files."""
    for path in ("docs/start.md", "docs/adr/README.md", "infra/role one.json"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("address", "link"),
    [
        ("start.md", Link("docs/start.md")),
        ("start.md#a-place", Link("docs/start.md", "a-place")),
        ("adr", Link("docs/adr")),
        ("adr/", Link("docs/adr")),
        ("../infra/role%20one.json", Link("infra/role one.json")),
    ],
)
def test_a_link_begins_at_its_document(project: Path, address: str, link: Link) -> None:
    """As on GitHub, files and folders alike."""
    assert link == read("docs/index.md", address, project)


@pytest.mark.parametrize(
    "address",
    [
        "#place",
        "https://example.org",
        "https://example.org/a(b)?c=d#e",
        "http://127.0.0.1:8321/",
        "http://localhost:5000",
        "mailto:somebody@example.org",
    ],
)
def test_what_stays_on_the_page_or_leaves_the_project_is_not_looked_for(
    project: Path, address: str
) -> None:
    """Nobody is asked whether an address outside is there."""
    assert read("docs/index.md", address, project) is None


@pytest.mark.parametrize(("address", "why"), LEADS_NOWHERE)
def test_a_link_that_leads_nowhere_says_why(project: Path, address: str, why: str) -> None:
    """With the link as it is written."""
    with pytest.raises(LinkError) as found:
        read("docs/index.md", address, project)

    assert why in str(found.value)
    assert str(found.value).startswith(address)


def test_links_are_read_where_markdown_has_them() -> None:
    """In text, tables, pictures and references, and not in code."""
    text = (
        "[one](a.md) ![two](b.png)\n\n| x |\n|---|\n| [three](c.md#d) |\n\n"
        "`[no](n.md)`\n\n```\n[no](n.md)\n```\n\n[four][ref] <https://example.org>\n\n[ref]: e.md\n"
    )

    assert ["a.md", "b.png", "c.md#d", "e.md", "https://example.org"] == list(addresses(text))

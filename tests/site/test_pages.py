"""Which pages the site has, and what is wrong with a project's documents, planted one by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.site import built, sphinx_site
from scripts.site.build import build
from scripts.site.pages import collect

SOUND = {
    "README.md": "# The project\n\n[start](docs/start.md#second-steps)\n",
    "docs/index.md": "# First\n\n[start](start.md), [decisions](adr), ![board](images/board.svg)\n",
    "docs/start.md": "# Start\n\n## Second steps\n\n[role](../infra/role.json), [infra](../infra)\n",
    "docs/adr/README.md": "# Decisions\n\n[one](0001-one.md)\n",
    "docs/adr/0001-one.md": "# One\n\nx\n",
    "docs/images/board.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>\n',
    "infra/role.json": '{"name": "governor"}\n',
    "infra/blob.bin": "x",
    "examples/iris/README.md": "# Iris\n\n[back](../../docs/start.md)\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in which all is well."""
    root = tmp_path / "project"
    for path, text in SOUND.items():
        put(root, path, text)
    return root


def put(root: Path, path: str, text: str) -> None:
    """Write a file, after what it has already."""
    there = root / path
    there.parent.mkdir(parents=True, exist_ok=True)
    before = there.read_text(encoding="utf-8") if there.exists() else ""
    there.write_text(before + text, encoding="utf-8")


def faults(root: Path, out: Path) -> list[str]:
    """Build without the reference; return all that is said to be wrong."""
    pages = collect(root, {})
    return [*pages.faults, *sphinx_site.write(pages, out), *built.faults(out)]


def test_what_documents_link_to_comes_along(project: Path, tmp_path: Path) -> None:
    """Documents, texts and folders as pages, all else as files; and nothing is wrong."""
    put(project, "docs/start.md", "\n[iris](../examples/iris)\n")
    out = tmp_path / "out"
    assert [] == faults(project, out)

    text = (out / "start.html").read_text(encoding="utf-8")
    for address in (
        "project/infra/role.json.html",
        "project/infra/index.html",
        "project/examples/iris/index.html",
    ):
        assert f'href="{address}"' in text
        assert (out / address).exists()
    listed = (out / "project/infra/index.html").read_text(encoding="utf-8")
    assert "blob.bin" in listed
    assert list(out.rglob("blob.bin"))
    assert "governor" in (out / "project/infra/role.json.html").read_text(encoding="utf-8")
    readme = (out / "project/index.html").read_text(encoding="utf-8")
    assert 'href="../start.html#second-steps"' in readme


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("docs/start.md", "\n[x](gone.md)\n", "docs/start.md: gone.md: there is no docs/gone.md"),
        ("docs/start.md", "\n[x](../infra/no.json)\n", "there is no infra/no.json"),
        ("docs/start.md", "\n![x](images/no.png)\n", "there is no docs/images/no.png"),
        ("docs/start.md", "\n[x](index.md#nowhere)\n", "docs/start.md:7:"),
        ("docs/start.md", "\n[x](#nowhere)\n", "docs/start.md:7:"),
        ("README.md", "\n[x](docs/index.md#nowhere)\n", "README.md:5:"),
        ("docs/start.md", "\n[x](http://example.org)\n", "not an address"),
        ("docs/start.md", '\n<a href="gone.html">x</a>\n', "start.html: gone.html: there is no"),
        ("docs/start.md", '\n<a href="index.html#no">x</a>\n', "no such place on that page"),
        ("docs/start.md", '\n<img src="https://example.org/x.png">\n', "from another host"),
        ("docs/stray.md", "# Stray\n", "docs/stray.md: is on no list"),
        ("docs/images/old.png", "x", "docs/images/old.png: no page shows it"),
        ("docs/start.md", "\n```{toctree}\nnowhere\n```\n", "docs/start.md:"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    project: Path, tmp_path: Path, path: str, text: str, said: str
) -> None:
    """Each by itself, so that none hides another."""
    put(project, path, text)

    found = faults(project, tmp_path / "out")
    assert any(said in one for one in found), found


def test_a_folder_with_something_else_is_left_alone(project: Path, tmp_path: Path) -> None:
    """Nobody's files are deleted for a wrong argument."""
    put(tmp_path, "home/letter.txt", "dear")

    found = build(project, tmp_path / "home")
    assert ["is no site" in one for one in found] == [True]
    assert "dear" == (tmp_path / "home/letter.txt").read_text(encoding="utf-8")

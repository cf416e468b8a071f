"""What `docs/evidence-pack.md` says is in a pack is in it, and leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

from stage_functions.application.pack import FIRST, LAST
from tests.brief_world import approve, asked, empty_world
from tests.packs import pack_of, unzipped

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "evidence-pack.md").read_text("utf-8")
ONLY_WITH_AN_ANCHOR = "proof.json"


def test_the_table_of_files_is_that_of_a_pack() -> None:
    """Each row has a file, and each file a row; so has the text that is in the pack itself."""
    world = empty_world()
    it = asked(world)
    approve(world.context, it.approval, "rosa", "grace")
    files = unzipped(pack_of(world.context, it.approval))
    world.rows.close()
    table = PAGE.partition("## What is in it")[2].partition("\n\nA line")[0]
    named = [
        name
        for row in table.splitlines()
        for name in re.findall(r"`([^`]+)`", row.split("|")[1] if "|" in row else "")
    ]
    patterns = [
        re.escape(one)
        .replace("<sha256>", "[0-9a-f]{64}")
        .replace("<id>", "[0-9a-z]{8}")
        .replace("<name>", r"[\w.=-]+")
        for one in named
    ]

    assert [
        one for one in files if not any(re.fullmatch(pattern, one) for pattern in patterns)
    ] == []
    assert [ONLY_WITH_AN_ANCHOR] == [
        name
        for name, pattern in zip(named, patterns, strict=True)
        if not any(re.fullmatch(pattern, one) for one in files)
    ]
    for folder in {name.partition("/")[0] for name in files} - {"README.txt"}:
        assert folder in files["README.txt"].decode()


def test_its_numbers_and_links_are_right() -> None:
    """Of records in the report; of pages beside it."""
    pages = [DOCS / "evidence-pack.md", DOCS / "compliance.md"]
    links = {
        link for page in pages for link in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8"))
    }

    assert f"the first {FIRST} and the last {LAST} records" in PAGE
    assert [] == [link for link in links if not (DOCS / link).exists()]

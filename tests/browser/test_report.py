"""The report of an evidence pack, opened as a file: alone, readable, on paper, and nobody's tool."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from stage_functions.domain.approval import Decision
from tests.brief_world import Asked, approve, asked, empty_world
from tests.browser.conftest import Looking
from tests.browser.story import Story
from tests.builders import cast
from tests.packs import pack_of, report_of, unzipped

HOSTILE = "<script>document.title = 'owned'</script><img src=x onerror=alert(1)> \u202eevil"
_PAGES = re.compile(rb"/Type\s*/Page\b")


def opened(browser: Browser, report: str, folder: Path, width: int) -> tuple[Page, list[str]]:
    """Open a report as whoever unpacked it does; return the page and all that it asked for."""
    path = folder / "report.html"
    path.write_text(report, encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900})
    calls: list[str] = []
    page.on("request", lambda request: calls.append(request.url))
    page.goto(path.as_uri())
    return page, calls


def told_by(it: Asked) -> str:
    """Return the report of what somebody rejected."""
    cast(it.world.context, it.approval, "rosa", Decision.REJECT, HOSTILE)
    return report_of(pack_of(it.world.context, it.approval))


@pytest.mark.parametrize("width", [360, 1280])
def test_a_report_asks_for_nothing_else_and_obeys_nobody(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    """What people wrote is text in it, which reads in the direction that it is written in."""
    world = empty_world()
    page, calls = opened(browser, told_by(asked(world, reason=HOSTILE)), tmp_path, width)

    assert 1 == len(calls)
    assert "Evidence pack: churn version 2, approval" in page.title()
    expect(page.locator("blockquote").first).to_contain_text("<script>document.title")
    expect(page.locator("blockquote").first).to_contain_text("‹U+202E›evil")
    assert page.locator("script, img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [] == [one["id"] for one in Axe().run(page).response["violations"]]
    page.close()
    world.rows.close()


def test_a_report_prints_on_a4_with_what_counts_on_its_first_page(
    browser: Browser, tmp_path: Path
) -> None:
    """A handful of pages, not a handful of tables cut in two."""
    world = empty_world()
    it = asked(world)
    approve(world.context, it.approval, "rosa", "grace", comment="fine")
    page, _ = opened(browser, report_of(pack_of(world.context, it.approval)), tmp_path, 1280)
    printed = page.pdf(prefer_css_page_size=True)

    assert 5 <= len(_PAGES.findall(printed)) <= 12
    assert b"/MediaBox [0 0 594.95996 841.91998]" in printed
    page.close()
    world.rows.close()


def test_a_pack_is_downloaded_from_the_page_of_an_approval(
    told: Story, looking: Looking, tmp_path: Path
) -> None:
    """By a link, under its name."""
    page = looking(told)
    page.goto(f"/approvals/{told.pending}")
    with page.expect_download() as coming:
        page.get_by_role("link", name="Evidence pack").click()
    path = tmp_path / coming.value.suggested_filename
    coming.value.save_as(path)

    assert f"stageward-approval-{told.pending}-demo-iris-4.zip" == path.name
    assert "verify.py" in unzipped(path.read_bytes())

"""Evidence packs over HTTP: whole, named, for whoever has signed in, and changing nothing."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.settings import SignIn
from tests.api_server import Api
from tests.builders import World, cast, world
from tests.packs import check, report_of, unzipped, zipped
from tests.web.browser import Browser, site_over
from tests.web.linked import Case, asked, linked

PATH = "/api/v1/assets/demo/models/iris/versions/1/export"


@pytest.fixture
def approval(it: World) -> str:
    """A version that was approved for Production."""
    version = it.register("1")
    request_transition(it.context, it.command(version, "Staging"))
    asked = request_transition(it.context, it.command(version, "Production")).approval
    for person in ("bob", "eve"):
        cast(it.context, asked, person, comment="fine")
    return asked


@pytest.mark.usefixtures("approval")
def test_the_pack_of_a_version_is_a_whole_zip_with_a_name(api: Api, tmp_path: Path) -> None:
    """And holds, as whoever gets it finds out by themselves."""
    answer = api.client("bob").get(PATH)
    checked = check(zipped(unzipped(answer.content), tmp_path / "pack.zip"))

    assert 200 == answer.status_code
    assert "application/zip" == answer.headers["Content-Type"]
    expected = 'attachment; filename="stageward-demo-iris-1.zip"'
    assert expected == answer.headers["Content-Disposition"]
    assert "no-store" == answer.headers["Cache-Control"]
    assert 0 == checked.code, checked.said


def test_the_pack_of_an_approval_is_told_from_it(api: Api, approval: str) -> None:
    """In whichever case its id is written."""
    answer = api.client("bob").get(f"/api/v1/approvals/{approval.upper()}/export")
    expected = f'filename="stageward-approval-{approval}-demo-iris-1.zip"'

    assert expected in answer.headers["Content-Disposition"]
    assert "Moved iris version 1 from Staging to Production" in report_of(answer.content)


def test_what_is_not_there_is_a_problem_as_described(api: Api) -> None:
    """Not a zip without anything in it."""
    client = api.client("bob")

    assert 404 == client.get(PATH).status_code
    assert 404 == client.get("/api/v1/approvals/zzzzzzzz/export").status_code
    assert 404 == client.get(PATH.replace("demo", "nowhere")).status_code


def test_an_export_changes_nothing(it: World, api: Api, approval: str) -> None:
    """Nothing is written, however often."""
    written: list[str] = []
    it.rows.meanwhile = lambda: written.append("something")
    client = api.client("bob")
    for path in (PATH, f"/api/v1/approvals/{approval}/export", PATH):
        assert 200 == client.get(path).status_code

    assert [] == written


def test_pages_lead_to_packs(it: World, approval: str) -> None:
    """From the version and from the approval, for whoever has signed in there."""
    with site_over(it, SignIn.DEV) as site, Browser(site) as browser:
        browser.sign_in(person="bob")
        for page in (f"/approvals/{approval}", "/assets/demo/models/iris/versions/1"):
            assert f'href="{page}/export"' in browser.get(page).text
            answer = browser.get(f"{page}/export")
            assert "application/zip" == answer.headers["Content-Type"]
            assert "report.html" in unzipped(answer.content)


def test_who_has_a_personal_link_only_is_not_given_the_history() -> None:
    """It is for voting, and its page has no link to a pack."""
    it = world(governed_by=linked())
    with closing(it.rows), site_over(it, SignIn.TOKENS) as site, Browser(site) as browser:
        case = Case(it, site, asked(it, "1"))
        browser.get(case.link())
        page = f"/approvals/{case.approval.id}"
        shown, refused = browser.get(page), browser.get(f"{page}/export")

        assert 200 == shown.status_code
        assert "/export" not in shown.text
        assert 403 == refused.status_code
        assert "sign in to export" in refused.text


def test_a_name_that_no_file_may_have_is_made_plain(it: World, api: Api) -> None:
    """Nothing of it can end the header, or lead elsewhere."""
    name = 'a"b ü'
    version = Version(Asset("demo", Kind.MODELS, name), "1")
    it.registry.register(version, it.clock.now())
    follow(it.context, Signal(version))
    answer = api.client("bob").get("/api/v1/assets/demo/models/a%22b%20%C3%BC/versions/1/export")

    expected = 'attachment; filename="stageward-demo-a_22b_20_C3_BC-1.zip"'
    assert expected == answer.headers["Content-Disposition"]
    assert (
        str(version.asset)
        == json.loads(unzipped(answer.content)["manifest.json"])["subject"]["asset"]
    )

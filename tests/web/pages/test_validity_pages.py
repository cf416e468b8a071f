"""What pages say of an approval with an end: that it can be renewed, and that it has ended."""

from __future__ import annotations

import httpx

from stage_functions.domain.asset import Version
from tests.api_server import api_over
from tests.browser.story import DAY, Story, evidence
from tests.builders import IRIS
from tests.web.pages.conftest import looked_at

ASSET = "/assets/demo/models/iris"


def test_a_renewal_is_asked_for_where_an_approval_has_an_end(story: Story) -> None:
    """The form offers the stage that it has; once an approval is open it does not."""
    third = f"{ASSET}/versions/3"
    with api_over(story.it) as api:
        page = looked_at(api, third, "sam", 200)
        hidden = {one["name"]: one["value"] for one in page.all("input") if one["type"] == "hidden"}
        headers = {"Authorization": "Bearer sam"}
        form = {**hidden, "to": "Production", "reason": "still the best"}
        sent = httpx.post(f"{api.address}{third}/requests", data=form, headers=headers)
        brief = httpx.get(f"{api.address}{sent.headers['Location']}", headers=headers)
        after = looked_at(api, third, "sam", 200)

    assert "Production (renewal) , which demands: rule job-finished must pass" in page.text
    assert "Ask for a renewal, or another stage" in page.text
    assert {"value": "Production"} in page.all("option")
    assert "Keep iris version 3 approved for Production?" in brief.text
    assert "(renewal)" not in after.text


def test_what_stands_by_an_approval_that_has_ended_is_marked(story: Story) -> None:
    """On the board, and for who held what once another takes over."""
    story.it.clock.sleep(DAY * 200)
    with api_over(story.it) as api:
        board = looked_at(api, "/?name=iris", "bob", 200)
        asset = looked_at(api, ASSET, "bob", 200)
        story.it.registry.evidences[Version(IRIS, "5")] = evidence(0.99)
        story.promote(Version(IRIS, "5"), "the new one")
        after = looked_at(api, ASSET, "bob", 200)
        calm = looked_at(api, "/?name=iris", "bob", 200)

    assert "approval ended version 3 , on 2026-" in board.text
    assert "approval ended 2026-" in asset.text
    assert "before it was displaced by 5" in after.text
    assert "approval ended" not in calm.text

"""The page of a lifecycle whose change waits, in a browser: narrow and wide, light and dark."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.application.rules_world import law, process, rules_world, unguarded
from tests.browser.conftest import Looking
from tests.browser.story import Story
from tests.browser.test_accessible import violations
from tests.browser.test_pages import SCROLLS
from tests.builders import World


@pytest.fixture
def waits(story: Story) -> Iterator[Story]:
    """A story in which a change of a protected lifecycle waits."""
    made = rules_world()
    text = unguarded(bind=["team"], emergency={"groups": ["science"]})
    before = story.it
    story.it = World(process(made, text), made.registry, made.clock, made.rows)
    yield story
    story.it = before
    made.rows.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_it_fits_its_window_and_axe_finds_nothing(
    waits: Story, looking: Looking, width: int, scheme: str
) -> None:
    """With the form of whoever may consent."""
    page = looking(waits, "bob", width=width, scheme=scheme)
    found = violations(page, "/lifecycles/default")

    assert [] == found
    assert not page.evaluate(SCROLLS)
    assert page.get_by_role("button", name="Consent: put it in force").is_visible()


def test_what_is_decided_on_is_read_first(waits: Story, looking: Looking) -> None:
    """What it loosens comes before the button, and the text in force behind it."""
    page = looking(waits, "bob", width=1280)
    page.goto("/lifecycles/default")
    text = page.locator("main").inner_text()

    places = [
        text.index(one)
        for one in (
            "What it loosens",
            "Staging → Production: approval: nobody need approve any more",
            "Consent: put it in force",
            "Adopted for the first time",
        )
    ]
    assert sorted(places) == places
    assert law().digest[:15] in page.content()

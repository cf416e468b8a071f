"""The page for operators in a browser: narrow and wide, light and dark, well and unwell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime

import pytest
from msgspec.structs import replace

from stage_functions.application import tokens
from stage_functions.application.process import Facts, Process
from stage_functions.application.tokens import Token
from stage_functions.application.transition import request_transition
from tests.browser.conftest import Looking
from tests.browser.story import Story
from tests.browser.test_accessible import violations
from tests.browser.test_pages import SCROLLS
from tests.builders import IRIS, World
from tests.fakes.dead_letters import MemoryDeadLetters

SAID = (
    "Azure ML workspace dev answered 403 AuthorizationFailed: the client does not have "
    "authorization to perform action Microsoft.MachineLearningServices/workspaces/models/read; "
    "give the identity that Stageward runs as a role that allows it"
)


@pytest.fixture
def unwell(story: Story) -> Story:
    """A story in which much is to be looked after."""
    it: World = story.it
    letters, now = MemoryDeadLetters(), it.clock.time
    facts = Facts("1.2.3", "Table Storage, stagewardledger.table.core.windows.net", "entra")
    process = Process(replace(facts, started=now), dead_letters=letters)
    it = replace(it, context=replace(it.context, process=process))
    letters.put("a", b"[]", now - timedelta(days=1))
    there = {"Date": format_datetime(now - timedelta(minutes=5), usegmt=True)}
    process.clocks.listener("ledger", it.clock)(there)
    ends = now + timedelta(days=3)
    tokens.create(it.rows, Token(tokens.token_id("secret"), "bob", now, ends))
    it.registry.before = refuse(it)
    request_transition(it.context, it.command(story.register(IRIS, "6"), "Archived"))
    it.registry.before = lambda _: None
    it.registry.refusing = False
    it.context.states.update("demo", lambda one: replace(one, unreadable=SAID))
    story.it = it
    return story


def refuse(it: World) -> Callable[[str], None]:
    """Return what makes a registry refuse its tags, and nothing else."""

    def before(call: str) -> None:
        it.registry.refusing = call == "write_tags"

    return before


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_it_fits_its_window_and_axe_finds_nothing(
    unwell: Story, looking: Looking, width: int, scheme: str
) -> None:
    """With long words of others in it."""
    page = looking(unwell, "eve", width=width, scheme=scheme)
    found = violations(page, "/status")

    assert [] == found
    assert 0 == page.evaluate(SCROLLS)
    assert page.get_by_role("heading", level=1, name="Status").is_visible()
    assert page.get_by_text(SAID).count() == 1


def test_where_all_is_well_it_says_so_first(story: Story, looking: Looking) -> None:
    """And is reached from the board by clicking."""
    story.it.context.states.update(
        "demo", lambda one: replace(one, pass_completed=story.it.clock.time)
    )
    page = looking(story, "eve", width=390)
    page.goto("/")
    page.get_by_role("link", name="Status").click()

    assert page.url.endswith("/status")
    assert [] == violations(page, "/status")
    assert page.get_by_text("All is well.").is_visible()

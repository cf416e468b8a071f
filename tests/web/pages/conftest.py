"""How tests look at pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.api_server import Api, api_over
from tests.browser.story import Story
from tests.web.pages.parsed import Parsed, check

Get = Callable[..., Parsed]


def looked_at(api: Api, path: str, person: str, status: int) -> Parsed:
    """Return a page, checked for what every page owes."""
    headers = {"Authorization": f"Bearer {person}"}
    answer = httpx.get(f"{api.address}{path}", headers=headers, timeout=30)
    assert (answer.status_code, answer.headers["Content-Type"]) == (
        status,
        "text/html; charset=utf-8",
    ), answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    found = Parsed(answer.text)
    check(found)
    return found


@pytest.fixture
def get(api: Api) -> Get:
    """Look at a page of the test's own world, as somebody."""

    def look(path: str, person: str = "bob", status: int = 200) -> Parsed:
        return looked_at(api, path, person, status)

    return look


@pytest.fixture(scope="module")
def told() -> Iterator[Story]:
    """A story that no test changes."""
    made = Story()
    yield made
    made.it.rows.close()


@pytest.fixture
def story() -> Iterator[Story]:
    """A story of the test's own."""
    made = Story()
    yield made
    made.it.rows.close()


@pytest.fixture
def get_told(told: Story) -> Iterator[Get]:
    """Look at a page of the story, as somebody."""
    with api_over(told.it) as api:

        def look(path: str, person: str = "bob", status: int = 200) -> Parsed:
            return looked_at(api, path, person, status)

        yield look

"""The pictures of the documents: they are of these pages, and these pages show what they say.

    pytest tests/browser/test_screenshots.py --screenshots docs/images

makes them anew. Without it nothing is written; a picture that is not there, of another size, or of
a page that said something else than it says now, fails: each carries the digest of those words.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Looking
from tests.browser.story import Story

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WIDTH = 1200
MOST_BYTES = 150_000
AGAIN = "the page has changed: make the pictures anew, as the head of this file says"
_END = b"IEND"


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture.

    Attributes:
        name: of its file, without `.png`.
        address: of the page; `{pending}` is an approval that is open.
        shows: what its caption promises, each seen in the picture itself.
        person: who looks.
        height: of the picture, in pixels.
    """

    name: str
    address: str
    shows: tuple[str, ...]
    person: str = "bob"
    height: int = 900


SHOTS = (
    Shot(
        "board", "/?name=iris", ("None", "Staging", "Production", "waits", "version 4:"), height=540
    ),
    Shot(
        "asset",
        "/assets/demo/models/iris",
        ("5 versions, the newest first", "Who held what, and when", "Production: version 3"),
        height=880,
    ),
    Shot(
        "brief",
        "/approvals/{pending}",
        ("Asked by", "retrained on Q3, drift fixed", "Waits for", "Approve", "Reject"),
        height=820,
    ),
    Shot(
        "lifecycle",
        "/lifecycles/default",
        ("Staging", "Production", "Archived", "2 rules + 2 approvals", "What holds there"),
        height=680,
    ),
    Shot(
        "status",
        "/status",
        (
            "1 thing to look after",
            "See in the log whether the timer runs",
            "Registries",
            "Owed work",
        ),
        person="eve",
        height=860,
    ),
)


@pytest.mark.parametrize("shot", SHOTS, ids=[one.name for one in SHOTS])
def test_a_picture_is_of_a_page_that_shows_what_is_said_of_it(
    told: Story, looking: Looking, shot: Shot, request: pytest.FixtureRequest
) -> None:
    """Above the lower edge, in light colours, as wide as a window on a desk."""
    page = looking(told, shot.person, width=WIDTH)
    page.set_viewport_size({"width": WIDTH, "height": shot.height})
    page.goto(shot.address.format(pending=told.pending))
    folder = request.config.getoption("--screenshots")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        picture = page.screenshot()
        (Path(folder) / f"{shot.name}.png").write_bytes(_labelled(picture, _words(page)))

    assert _words(page) in (IMAGES / f"{shot.name}.png").read_bytes(), AGAIN
    for text in shot.shows:
        assert _seen(page, text, shot.height), text


def _seen(page: Page, text: str, height: int) -> bool:
    """Tell whether a text stands within the picture, whole."""
    found = page.locator("main").get_by_text(text)
    boxes = [one.bounding_box() for one in found.all() if one.is_visible()]
    return any(box and box["y"] >= 0 and box["y"] + box["height"] <= height for box in boxes)


def _words(page: Page) -> bytes:
    """Return the digest of what a page says, whatever its fonts and its width make of that."""
    said = " ".join((page.locator("main").text_content() or "").split())
    return f"Words\0{hashlib.sha256(said.encode()).hexdigest()}".encode()


def _labelled(picture: bytes, text: bytes) -> bytes:
    """Return a PNG with a text before its end."""
    body = b"tEXt" + text
    chunk = struct.pack(">I", len(text)) + body + struct.pack(">I", zlib.crc32(body))
    ends = picture.rindex(_END) - 4
    return picture[:ends] + chunk + picture[ends:]


@pytest.mark.parametrize("shot", SHOTS, ids=[one.name for one in SHOTS])
def test_a_picture_is_kept_and_small(shot: Shot) -> None:
    """A PNG of the size that it was made in, below 150 kB."""
    picture = IMAGES / f"{shot.name}.png"
    data = picture.read_bytes()

    assert b"\x89PNG\r\n\x1a\n" == data[:8]
    assert (WIDTH, shot.height) == struct.unpack(">II", data[16:24])
    assert MOST_BYTES > len(data)

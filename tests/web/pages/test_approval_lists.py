"""The lists of approvals, and the lifecycles."""

from __future__ import annotations

from datetime import timedelta

import httpx
from msgspec.structs import replace

from stage_functions.application import decided, keys
from stage_functions.application.codec import pack
from stage_functions.application.ports.rows import CATALOG, Upsert
from stage_functions.domain.demands import demands
from stage_functions.domain.lifecycle import ApprovalPolicy, Assurance, OnViolation, Stage
from stage_functions.domain.terms import follows, properties
from tests.api_server import api_over
from tests.browser.story import Story
from tests.builders import lifecycle
from tests.web.pages.conftest import Get, looked_at


def test_what_waits_for_somebody_is_said_with_what_it_waits_for(told: Story, get_told: Get) -> None:
    """In words, with the deadline and who asked."""
    page = get_told("/approvals", "bob")

    assert page.links["iris, version 4: Staging → Production"] == f"/approvals/{told.pending}"
    assert "retrained on Q3, drift fixed" in page.text
    assert "1 of risk, 1 more of risk or science; excluded: the requester" in page.text
    assert "Lapses in 3 days" in page.text
    assert "Asked by Sam (person:sam)" in page.text
    assert "may vote" in page.text
    (current,) = [one for one in page.all("a") if "show=waiting" in one["href"]]
    assert current["aria-current"] == "page"


def test_it_does_not_wait_for_the_one_who_asked(get_told: Get) -> None:
    """It is among what they asked for, with the reason why they may not vote."""
    waiting = get_told("/approvals", "sam")
    mine = get_told("/approvals?show=mine", "sam")

    assert "Nothing waits for you. 1 approval is open" in waiting.text
    assert "nobody approves their own work" in mine.text
    assert "iris, version 3" in mine.links


def test_whoever_has_voted_finds_it_among_theirs(story: Story) -> None:
    """And it no longer waits for them."""
    story.decide(story.pending, "bob")
    with api_over(story.it) as api:
        waiting = looked_at(api, "/approvals", "bob", 200)
        mine = looked_at(api, "/approvals?show=mine", "bob", 200)
        opened = looked_at(api, "/approvals?show=open", "bob", 200)

    assert "Nothing waits for you" in waiting.text
    assert "You have voted" in mine.text
    assert "You have voted" in opened.text


def test_decided_ones_come_newest_first_with_their_outcome(get_told: Get) -> None:
    """And who decided, by name."""
    page = get_told("/approvals?show=decided")

    assert page.text.index("churn-classifier") < page.text.index("rejected by Bob (person:bob)")
    assert "approved by Bob (person:bob) and Eve (person:eve)" in page.text
    assert "iris, version 1" in page.links


def test_each_empty_list_says_what_to_do(get: Get) -> None:
    """Nobody stands before a blank page."""
    assert "No approval is open" in get("/approvals").text
    assert "To ask for a stage" in get("/approvals?show=open").text
    assert "You have asked for nothing" in get("/approvals?show=mine").text
    assert "Nothing was decided yet" in get("/approvals?show=decided").text
    assert "No approval is open" in get("/approvals?show=nonsense").text


def test_many_decided_ones_are_paged(story: Story) -> None:
    """A page is read, not all of them; somebody's own are found on later pages too."""
    rows = story.it.context.ledger.rows
    one = decided.page(rows).found[0]
    for start in range(0, 600, 100):
        changes = []
        for n in range(start, start + 100):
            at, id_ = story.it.clock.now(), f"x{n}"
            copy = replace(one, id=id_, closed=at, requester="person:ada", voters=())
            changes.append(Upsert(keys.decided_key(at, id_), pack(copy)))
        rows.commit(CATALOG, keys.DECIDED_PARTITION, changes)
    with api_over(story.it) as api:
        page = looked_at(api, "/approvals?show=decided", "bob", 200)
        older = looked_at(api, page.links["Older"], "bob", 200)
        mine = looked_at(api, "/approvals?show=mine", "bob", 200)
        further = looked_at(api, mine.links["Older"], "bob", 200)

    assert len(page.all("tr")) == len(older.all("tr")) == 51
    assert "Newest" in older.links
    assert "None of yours among these; there are older ones" in mine.text
    assert "iris, version 3" in further.links


def test_a_lifecycle_is_a_picture_and_the_same_in_words(told: Story, get_told: Get) -> None:
    """Stages, transitions, rules as written, who votes, and what follows of itself."""
    page = get_told("/lifecycles/default")

    assert len(page.all("rect")) == 4
    assert len(page.all("path")) == 6
    assert [one["class"] for one in page.all("path")].count("arrow dashed") == 1
    assert "2 rules + 2 approvals" in page.text
    assert "2 persons must approve, of risk or science, at least 1 of risk" in page.text
    assert "no vote of the requester or the author" in page.text
    assert "lapses after 7 days without a decision" in page.text
    assert "reminded after 2 days and 5 days" in page.text
    assert "after 3 days science may vote as well" in page.text
    assert "valid for 180 days, then: notify" in page.text
    assert "evidence.metrics.accuracy >= 0.9" in page.text
    assert "whoever holds it moves to Archived when another takes it" in page.text
    assert (
        "What is deployed or deleted though its stage does not allow it: it is recorded and "
        "published." in page.text
    )
    assert "Governs */*/*" in page.text
    assert told.it.context.configuration.lifecycles[0].digest[7:19] in page.text


def test_what_a_lifecycle_asks_besides_is_said_too() -> None:
    """Who may ask, votes by link, and nothing where nothing is asked."""
    plain = lifecycle()
    asked = replace(plain.transitions[0], requesters=("science",))
    policy = ApprovalPolicy(1, {"risk": 1}, (), assurance=Assurance.LINK)
    consent = replace(plain.transitions[3], approval=policy)

    assert demands(asked) == ("must be asked for by a member of science",)
    assert demands(plain.transitions[1]) == ()
    assert demands(consent) == (
        "1 person must approve, of risk",
        "lapses after 7 days without a decision",
        "votes by signing in or by personal link",
    )


def test_what_follows_a_violation_and_how_long_a_stage_retires_is_said() -> None:
    """Each consequence does what those before it do."""
    said = [follows(one) for one in OnViolation]
    retiring = Stage("Production", displaced_to="Archived", retire_within=timedelta(hours=2))

    assert said[0] in said[1]
    assert said[1].removeprefix("it is recorded and published, and ") in said[2]
    assert properties(retiring)[-1] == (
        "who is displaced from it may be served as before for 2 hours"
    )


def test_all_lifecycles_are_listed(get_told: Get) -> None:
    """Each with a page of its own."""
    assert get_told("/lifecycles").links["default"] == "/lifecycles/default"


def test_static_files_are_kept_and_named_by_their_content(get_told: Get, told: Story) -> None:
    """Style sheet and icon come from here."""
    page = get_told("/")
    with api_over(told.it) as api:
        for one in page.all("link"):
            answer = httpx.get(f"{api.address}{one['href']}")
            assert answer.status_code == 200
            assert "immutable" in answer.headers["Cache-Control"]
            assert one["href"].startswith("/static/")

"""The brief as a page: one look, one decision, and nothing changed by looking."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from html import unescape
from urllib.parse import quote

import httpx
import pytest
from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application.keys import asset_partition
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.domain.approval import Approval, Decision, Status
from tests.api_server import api_over
from tests.brief_world import (
    FILE,
    Asked,
    approve,
    ask,
    asked,
    context_over_file,
    empty_world,
    evidence,
)
from tests.browser.story import Story
from tests.builders import World, cast, world
from tests.fakes.sink import MemorySink

MARKUP = "<script>alert(1)</script>\"'&<b>"
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
_TAGS = re.compile(r"<[^>]+>")


class Site(Struct, frozen=True):
    """The pages over a world, and who looks at them.

    Attributes:
        address: of the server.
        world: behind it.
        clients: closed when the test is over.
    """

    address: str
    world: World
    clients: ExitStack

    def by(self, who: str) -> httpx.Client:
        """Return somebody's browser; it follows no redirect."""
        headers = {"Authorization": f"Bearer {who}"} if who else {}
        made = httpx.Client(base_url=self.address, headers=headers, timeout=30)
        return self.clients.enter_context(made)

    def approval(self, id_: str) -> Approval:
        """Return an approval as the ledger has it."""
        asset = self.world.context.ledger.asset_of(id_)
        assert asset is not None
        loaded = self.world.context.ledger.load(asset)
        return self.world.context.ledger.more(loaded, approval=id_).approvals[id_]


Open = Callable[[World], Site]


@pytest.fixture
def open_site() -> Iterator[Open]:
    """Serves the pages over a world until the test is over."""
    with ExitStack() as stack:

        def opened(made: World) -> Site:
            """Return the site over it."""
            stack.callback(made.rows.close)
            address = stack.enter_context(api_over(made)).address
            return Site(address, made, stack)

        yield opened


@pytest.fixture
def it() -> Asked:
    """An approval that waits, of a version that would displace another."""
    return asked(empty_world(sinks=(MemorySink("siem"),)))


@pytest.fixture
def site(open_site: Open, it: Asked) -> Site:
    """The pages over that."""
    return open_site(it.world)


def words(page: httpx.Response) -> str:
    """Return the text of a page, as it is read."""
    return re.sub(r"\s+", " ", unescape(_TAGS.sub(" ", page.text)))


def form_of(page: httpx.Response, **more: str) -> dict[str, str]:
    """Return what the page's form for voting carries, with what somebody adds."""
    whole = page.text
    form = whole[whole.index("/votes") :] if "/votes" in whole else whole
    hidden = {
        name: unescape(value) for name, value in _HIDDEN.findall(form.partition("</form>")[0])
    }
    return {**hidden, **more}


def send(site: Site, it: Asked, who: str, **more: str) -> httpx.Response:
    """Look at the brief as somebody and send its form."""
    browser, path = site.by(who), f"/approvals/{it.approval}"
    return browser.post(f"{path}/votes", data=form_of(browser.get(path), **more))


def by_hand(site: Site, it: Asked, who: str, form: str, **given: str) -> httpx.Response:
    """Send a form that the page does not show, with the token of one that it does."""
    browser, path = site.by(who), f"/approvals/{it.approval}"
    token = dict(_HIDDEN.findall(browser.get(path).text)).get("form_token", "")
    return browser.post(f"{path}/{form}", data={"form_token": token, **given})


def test_what_is_the_same_in_both_is_said_once(told: Story) -> None:
    """In the line that unfolds it."""
    with api_over(told.it) as api:
        said = words(api.client("bob").get(f"/approvals/{told.pending}"))

    assert "3 the same in both, none different" in said
    assert "The same in both." not in said


def test_answers_every_question_on_one_page(site: Site, it: Asked) -> None:
    """What, who, why, until when, the rules, the difference, the evidence, the consequences."""
    page = site.by("rosa").get(f"/approvals/{it.approval}")
    said = words(page)

    assert page.status_code == 200
    for text in (
        "Move churn version 2 from Staging to Production?",
        "Ada Lovelace (signed in, over the API)",
        "AUC 0.943 on the Q3 data",
        "(7 days left)",
        "1 of model-risk; 1 more of model-risk or data-science",
        "at least as good an AUC as the version it replaces",
        "holder.evidence.metrics.auc = 0.921",
        "holder == null || evidence.metrics.auc >= holder.evidence.metrics.auc",
        "Version 1 holds Production since",
        "▲ higher by 0.022 (2.39 %)",
        "Explanations not recorded",
        "tenure: double",
        "governed here as demo/data/customers:1",
        "Ada Lovelace (the author of the version and the requester)",
        "In the same step version 1 leaves Production for Archived.",
        "the tags stage, stage_status, stage_governor of versions 2 and 1 are written to say so",
        "published as events to 1 sink: siem.",
        "ApprovalRequested",
        site.approval(it.approval).fingerprint,
    ):
        assert text in said
    assert "https://github.com/example/churn/commit/9b1c7e04" in page.text
    assert (
        'aria-label="auc: Version 1 (Production) 0.921, Version 2 (asked for) 0.943"' in page.text
    )


def test_is_readable_without_a_script_or_anything_of_another_host(site: Site, it: Asked) -> None:
    """No script, no inline style, one heading of the first level, one main part."""
    page = site.by("rosa").get(f"/approvals/{it.approval}")

    assert "<script" not in page.text
    assert " style=" not in page.text
    assert "<h1>" in page.text
    assert 1 == page.text.count("<h1")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "no-store" == page.headers["Cache-Control"]
    ids = re.findall(r' id="([^"]+)"', page.text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page.text)) <= set(ids)


def test_looking_changes_nothing(site: Site, it: Asked) -> None:
    """However often, by whatever scanner."""
    before = site.world.context.ledger.load(it.version.asset).head
    pages = [site.by("rosa").get(f"/approvals/{it.approval}") for _ in range(5)]
    site.by("rosa").head(f"/approvals/{it.approval}")

    assert {200} == {page.status_code for page in pages}
    assert before == site.world.context.ledger.load(it.version.asset).head


def test_two_people_approve_by_clicking(site: Site, it: Asked) -> None:
    """After each vote the page says what they did; after the second the version has moved."""
    first = send(site, it, "grace", decision="approve", comment="  checked\r\nthe notebook ")
    after_first = site.by("grace").get(first.headers["Location"])
    second = send(site, it, "rosa", decision="approve")
    after = words(site.by("rosa").get(second.headers["Location"]))

    assert (303, f"/approvals/{it.approval}") == (first.status_code, first.headers["Location"])
    assert "You approved at" in words(after_first)
    assert "/votes" not in after_first.text
    assert "Moved churn version 2 from Staging to Production" in after
    assert "Approved by Grace Hopper and Rosa Parks." in after
    assert "checked\nthe notebook" == site.approval(it.approval).votes[0].comment
    assert "Production" == it.world.registry.tags(it.version)["stage"]
    assert "Archived" == it.world.registry.tags(it.holder)["stage"]


def test_a_form_that_is_sent_twice_is_one_vote(site: Site, it: Asked) -> None:
    """A double click, a reload: the same answer, whatever became of the approval meanwhile."""
    browser, path = site.by("rosa"), f"/approvals/{it.approval}"
    form = form_of(browser.get(path), decision="reject", comment="drift")
    answers = [browser.post(f"{path}/votes", data=form) for _ in range(3)]

    assert [303] * 3 == [one.status_code for one in answers]
    assert 1 == len(site.approval(it.approval).votes)


def test_a_form_that_is_sent_at_once_from_two_windows_is_one_vote(site: Site, it: Asked) -> None:
    """Each window has an operation of its own: one vote counts, the other is told so."""
    path = f"/approvals/{it.approval}"
    browsers = [site.by("rosa") for _ in range(2)]
    forms = [form_of(one.get(path), decision="approve") for one in browsers]
    with ThreadPoolExecutor(2) as threads:
        answers = list(
            threads.map(
                lambda pair: pair[0].post(f"{path}/votes", data=pair[1]),
                zip(browsers, forms, strict=True),
            )
        )

    assert [303, 409] == sorted(one.status_code for one in answers)
    assert 1 == len(site.approval(it.approval).votes)


def test_the_same_form_with_another_decision_is_told_that_the_vote_is_cast(
    site: Site, it: Asked
) -> None:
    """Going back in the browser does not undo a vote."""
    browser, path = site.by("rosa"), f"/approvals/{it.approval}"
    form = form_of(browser.get(path), decision="approve")
    browser.post(f"{path}/votes", data=form)
    other = browser.post(f"{path}/votes", data={**form, "decision": "reject", "comment": "no"})

    assert 409 == other.status_code
    assert f"you have voted on approval {it.approval} already" in words(other)
    assert Status.OPEN is site.approval(it.approval).status


def test_a_reject_needs_a_comment(site: Site, it: Asked) -> None:
    """422 in words; with one, the request is closed."""
    bare = send(site, it, "rosa", decision="reject", comment="  \r\n ")
    said = send(site, it, "rosa", decision="reject", comment="drift in tenure")
    page = words(site.by("ada").get(f"/approvals/{it.approval}"))

    assert 422 == bare.status_code
    assert "a reject needs a comment" in words(bare)
    assert 'role="alert"' in bare.text
    assert 303 == said.status_code
    assert "Rejected by Rosa Parks: drift in tenure." in page


def test_a_vote_on_another_brief_is_refused_and_the_comment_kept(site: Site, it: Asked) -> None:
    """412; the page that comes back is the one to decide on."""
    stale = send(site, it, "rosa", decision="approve", comment="fine by me", fingerprint="sha256:0")

    assert 412 == stale.status_code
    assert "look at it again and vote anew" in words(stale)
    assert ">\nfine by me</textarea>" in stale.text
    assert site.approval(it.approval).fingerprint == form_of(stale)["fingerprint"]
    assert () == site.approval(it.approval).votes


def test_what_would_void_it_is_said_before_anybody_votes(site: Site, it: Asked) -> None:
    """And the vote that reaches the quorum voids it, in the same words."""
    it.world.registry.evidences[it.version] = evidence(2, auc=0.99)
    warned = words(site.by("rosa").get(f"/approvals/{it.approval}"))
    approve(it.world.context, it.approval, "grace")
    voted = send(site, it, "rosa", decision="approve")
    after = words(site.by("rosa").get(f"/approvals/{it.approval}"))

    assert "A vote that reaches the quorum will void it" in warned
    assert "metrics: auc: 0.943 → 0.99" in warned
    assert 303 == voted.status_code
    assert Status.VOIDED is site.approval(it.approval).status
    assert "Voided: changed since it was asked" in after


def test_whoever_is_excluded_sees_why_and_no_button(site: Site, it: Asked) -> None:
    """And a form made by hand is 403."""
    page = site.by("ada").get(f"/approvals/{it.approval}")
    given = {"decision": "approve", "fingerprint": site.approval(it.approval).fingerprint}
    sent = by_hand(site, it, "ada", "votes", **given)

    assert "You cannot vote: nobody approves their own work: you are the requester." in words(page)
    assert "/votes" not in page.text
    assert 403 == sent.status_code
    assert "nobody approves their own work" in words(sent)
    assert () == site.approval(it.approval).votes


def test_the_comment_of_a_vote_that_is_refused_is_not_lost(site: Site, it: Asked) -> None:
    """Where there is no form to put it in, it is shown."""
    given = {"decision": "approve", "comment": "my long thoughts", "fingerprint": "x"}
    sent = by_hand(site, it, "ada", "votes", **given)

    assert "What you wrote was not sent: my long thoughts" in words(sent)


def test_a_closed_one_says_what_became_of_it(site: Site, it: Asked) -> None:
    """An old form finds it closed, 409."""
    browser, path = site.by("rosa"), f"/approvals/{it.approval}"
    form = form_of(browser.get(path), decision="approve")
    cast(it.world.context, it.approval, "tim", Decision.REJECT, "not now")
    late = browser.post(f"{path}/votes", data=form)

    assert 409 == late.status_code
    assert f"approval {it.approval} is rejected" in words(late)
    assert "✗ rejected Tim Berners-Lee of model-risk" in words(late)
    assert "Approve</button>" not in late.text


def test_a_deadline_that_has_passed_is_said(site: Site, it: Asked) -> None:
    """Before anything has recorded it."""
    it.world.clock.sleep(8 * 86400)
    page = words(site.by("rosa").get(f"/approvals/{it.approval}"))

    assert "Expired without a decision: no decision before 2026-01-08 00:00 UTC." in page


def test_the_requester_withdraws_on_the_page(site: Site, it: Asked) -> None:
    """With a reason; others see no such button and are refused."""
    path = f"/approvals/{it.approval}"
    others = by_hand(site, it, "rosa", "withdrawal", reason="mine now")
    browser = site.by("ada")
    token = dict(_HIDDEN.findall(browser.get(path).text)).get("form_token", "")
    form = {"reason": "found a bug", "operation": "o1", "form_token": token}
    own, again = (browser.post(f"{path}/withdrawal", data=form) for _ in range(2))

    assert "/withdrawal" not in site.by("rosa").get(path).text
    assert 403 == others.status_code
    assert [303, 303] == [own.status_code, again.status_code]
    assert "withdrawn by person:ada: found a bug" == site.approval(it.approval).why


def test_somebody_sponsors_a_request_by_tag_on_the_page(open_site: Open) -> None:
    """Then the votes count, and the sponsor has no button."""
    made = world()
    version = made.register("1")
    made.tag(version, "stage_request", "Staging")
    made.tag(version, "stage_request", "Production: by tag")
    site = open_site(made)
    (opened,) = made.context.ledger.load(version.asset).head.approvals
    path = f"/approvals/{opened}"
    before = site.by("ada").get(path)
    token = dict(_HIDDEN.findall(before.text)).get("form_token", "")
    form = {"operation": "s1", "form_token": token}
    sponsored = site.by("ada").post(f"{path}/sponsor", data=form)
    after = site.by("ada").get(path)

    assert "votes count once somebody sponsors the request" in words(before)
    assert "Sponsor this request" in before.text
    assert 303 == sponsored.status_code
    assert "Sponsor this request" not in after.text
    assert "you are the sponsor of the request" in words(after)
    assert "Ada (signed in, as the sponsor of a request" in words(after)


def test_who_is_known_only_later_to_have_written_is_named(open_site: Open) -> None:
    """And of whom it is certain that they alone asked, nothing is guessed."""
    made = world()
    version = made.register("1")
    made.tag(version, "stage_request", "Staging")
    asked_at = made.clock.now()
    made.registry.set_tags(version, {"stage_request": "Production: by tag"})
    made.registry.wrote(version, "mlflow:bob", made.clock.now())
    bob = Signal(version, actor="mlflow:bob", at=made.clock.now(), authenticated=True)
    follow(made.context, bob)
    site = open_site(made)
    (opened,) = made.context.ledger.load(version.asset).head.approvals
    before = words(site.by("ada").get(f"/approvals/{opened}"))
    follow(made.context, replace(bob, actor="mlflow:ada", at=asked_at))
    after = words(site.by("ada").get(f"/approvals/{opened}"))

    assert "It may have been" not in before
    assert "It may have been Bob or Ada." in after
    assert "Ada wrote to it too before it was asked" in after
    assert "you are one who wrote to it too before it was asked" in after


def test_all_that_people_and_pipelines_write_is_escaped(open_site: Open) -> None:
    """Reason, comment, tags, description, names and values of evidence."""
    made = empty_world(FILE.replace("use_case", "use_*"))
    it = asked(made, reason=MARKUP)
    site = open_site(made)
    made.registry.set_tags(it.version, {f"x{MARKUP}": MARKUP, f"use_{MARKUP}": MARKUP})
    made.registry.describe(it.version, MARKUP)
    found = evidence(2, **{f"auc{MARKUP}": 1.0, "auc": 1.0})
    sections = {
        name: {**found.section(name), f"{name}{MARKUP}": MARKUP}
        for name in found.sections
        if name != "metrics"
    }
    made.registry.evidences[it.version] = type(found)({**found.sections, **sections})
    cast(made.context, it.approval, "grace", Decision.APPROVE, MARKUP)
    pages = [site.by("rosa").get(f"/approvals/{it.approval}")]
    pages.append(send(site, it, "rosa", decision=MARKUP, comment=MARKUP, fingerprint=MARKUP))
    by_hand(site, it, "ada", "withdrawal", reason=MARKUP)
    made.registry.evidences[it.version] = type(found)({**found.sections, **sections})
    again = ask(made.context, it.version, MARKUP)
    pages.append(site.by("rosa").get(f"/approvals/{it.approval}"))
    pages.append(site.by("rosa").get(f"/approvals/{again}"))

    for page in pages:
        assert "<script" not in page.text
        assert "<b>" not in page.text
        assert "&lt;script&gt;alert(1)" in page.text


@pytest.mark.parametrize("letter", ["x", "ü", "\n"])
def test_a_comment_of_any_length_is_answered(site: Site, it: Asked, letter: str) -> None:
    """Two thousand characters are kept; of more the length is said, and all of it is still there."""
    long = send(site, it, "rosa", decision="approve", comment=f"a{letter * 99_998}b")
    whole = send(site, it, "rosa", decision="approve", comment=f"a{letter * 1998}b")

    assert 422 == long.status_code
    assert "your comment has 100,000 characters and the history keeps 2,000" in words(long)
    assert f"a{letter * 99_998}b" in unescape(long.text)
    assert 303 == whole.status_code
    assert 2000 == len(site.approval(it.approval).votes[0].comment)


def test_while_the_registry_is_away_the_brief_is_there(site: Site, it: Asked) -> None:
    """It says that it could not be compared; a deciding vote is 503 and loses no comment."""
    approve(it.world.context, it.approval, "grace")
    it.world.registry.away = True
    page = site.by("rosa").get(f"/approvals/{it.approval}")
    sent = send(site, it, "rosa", decision="approve", comment="fine")

    assert 200 == page.status_code
    assert "It could not be compared with now." in words(page)
    assert "Now: not known, since the registry" in words(page)
    assert "▲ higher by 0.022" in words(page)
    assert (503, "5") == (sent.status_code, sent.headers["Retry-After"])
    assert ">\nfine</textarea>" in sent.text
    assert 1 == len(site.approval(it.approval).votes)


@pytest.mark.parametrize("who", ["", "mallory"])
def test_nobody_sees_or_decides_without_signing_in(site: Site, it: Asked, who: str) -> None:
    """401, as a page that shows nothing of it."""
    page = site.by(who).get(f"/approvals/{it.approval}", follow_redirects=True)
    sent = site.by(who).post(f"/approvals/{it.approval}/votes", data={"decision": "approve"})

    assert "churn" not in page.text
    assert sent.status_code in (303, 401, 403)
    assert () == site.approval(it.approval).votes


@pytest.mark.parametrize("id_", ["zzzzzzzz", "x" * 1000, "<script>alert(1)", "%00"])
def test_an_id_that_no_approval_has_is_a_page_that_says_so(site: Site, id_: str) -> None:
    """404, whatever is written there."""
    page = site.by("rosa").get(f"/approvals/{quote(id_, safe='')}")

    assert 404 == page.status_code
    assert "<script" not in page.text


def test_an_id_may_be_typed_in_capitals(site: Site, it: Asked) -> None:
    """As people read it out."""
    assert 200 == site.by("rosa").get(f"/approvals/{it.approval.upper()}").status_code


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"decision": ""},
        {"decision": "perhaps"},
        {"decision": "approve", "operation": "\x00\n" * 300},
        {
            "decision": "approve",
            "fingerprint": "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
        },
    ],
    ids=["nothing", "empty", "another", "odd operation", "odd fingerprint"],
)
def test_a_form_made_by_hand_is_answered_in_words(
    site: Site, it: Asked, form: Mapping[str, str]
) -> None:
    """Never a fault of ours, never a vote."""
    sent = by_hand(site, it, "rosa", "votes", **form)

    assert sent.status_code in (412, 422)
    assert 'role="alert"' in sent.text
    assert () == site.approval(it.approval).votes


def test_a_renewed_lifecycle_shows_the_rule_that_it_was_judged_by(open_site: Open) -> None:
    """Its text is in the ledger, whatever the file says today."""
    made = empty_world()
    it = asked(made)
    changed = FILE.replace("auc >= holder", "auc > holder")
    context = context_over_file(made.rows, made.registry, made.clock, changed)
    site = open_site(World(context, made.registry, made.clock, made.rows))
    page = site.by("rosa").get(f"/approvals/{it.approval}")

    assert "evidence.metrics.auc >= holder.evidence.metrics.auc" in unescape(page.text)
    assert "of which another text is in force now" in words(page)
    assert "the lifecycle has other stages, transitions or rules now" in words(page)


def test_the_decide_card_agrees_that_it_will_be_voided(site: Site, it: Asked) -> None:
    """It neither promises that the version moves nor takes the button away."""
    approve(it.world.context, it.approval, "grace")
    before = words(site.by("rosa").get(f"/approvals/{it.approval}"))
    it.world.registry.evidences[it.version] = evidence(2, auc=0.99)
    page = site.by("rosa").get(f"/approvals/{it.approval}")

    assert "approving moves version 2 to Production at once" in before
    assert "approving voids it and moves nothing" in words(page)
    assert "Whoever asked can withdraw it and ask anew" in words(page)
    assert "moves version 2 to Production at once" not in words(page)
    assert "Approve</button>" in page.text


def test_a_voided_one_says_under_outcome_what_changed(site: Site, it: Asked) -> None:
    """And the difference says as of when it is."""
    approve(it.world.context, it.approval, "grace")
    it.world.registry.evidences[it.version] = evidence(2, auc=0.99)
    approve(it.world.context, it.approval, "rosa")
    said = words(site.by("rosa").get(f"/approvals/{it.approval}"))

    outcome = said[said.index("Outcome Voided: changed since it was asked") :]
    assert "metrics: auc: 0.943 → 0.99" in outcome.partition("Rules")[0]
    assert "It shows what was known when it was asked" in said
    assert "What would have happened" in said
    assert "Voided: churn version 2 from Staging to Production" in said


def test_an_approved_one_says_what_it_did_and_whether_it_holds(site: Site, it: Asked) -> None:
    """Until another version takes the stage."""
    approve(it.world.context, it.approval, "rosa", "grace")
    page = site.by("rosa").get(f"/approvals/{it.approval}")
    held = words(page)
    records = it.world.context.ledger.records(asset_partition(it.version.asset))
    given = next(
        one.content["approval"]
        for one in records
        if (one.type, one.version) == ("StageChanged", "1") and "approval" in one.content
    )
    before = words(site.by("rosa").get(f"/approvals/{given}"))

    assert "<title>Moved churn version 2 from Staging to Production · Stageward" in page.text
    assert "Version 2 still stands at Production by this approval, which has no end." in held
    assert "What was foreseen" in held
    assert "Version 1 was displaced by version 2 on" in before

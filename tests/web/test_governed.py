"""Consent to a change of a lifecycle: over the API, by the command line, on its page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stage_functions.application.adoption import waiting_for
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.settings import SignIn
from tests.api_server import Api, api_over
from tests.application.rules_world import law, lax, process, rules_world, unguarded
from tests.builders import World
from tests.web.browser import Browser, site_over
from tests.wire.configuration_file import DEFAULT

PATH = "/api/v1/lifecycles/default/adoption"
PAGE = "/lifecycles/default"


@pytest.fixture
def it() -> Iterator[World]:
    """A world where a change of a protected lifecycle waits."""
    made = rules_world()
    yield World(process(made, lax()), made.registry, made.clock, made.rows)
    made.rows.close()


@pytest.fixture
def api(it: World) -> Iterator[Api]:
    """The API over that world."""
    with api_over(it) as running:
        yield running


def in_force(api: Api) -> str:
    """Return the digest of what is in force."""
    (found,) = api.client("sam").get("/api/v1/lifecycles").json()["lifecycles"]
    return str(found["digest"])


def test_what_waits_is_shown_with_every_difference(api: Api) -> None:
    """Anybody known may look; nothing changes by it."""
    found = api.client("sam").get(PATH).json()

    assert law().digest == found["digest"] == in_force(api) == found["waiting"]["before"]
    assert lax().digest == found["waiting"]["digest"] == found["waiting"]["text"]
    assert ["1 of risk"] == found["waiting"]["needs"]
    assert ["~ transitions[2].approval.quorum: 2 → 1"] == found["waiting"]["changes"]
    assert 404 == api.client("sam").get(PATH.replace("default", "none")).status_code


def test_a_member_of_the_guards_consents_once(api: Api) -> None:
    """Who sends it again gets the same answer; then nothing waits."""
    body = {"digest": lax().digest, "comment": "seen"}
    bob = api.client("bob")
    first = bob.post(PATH, json=body, headers={"Idempotency-Key": "one"})
    again = bob.post(PATH, json=body, headers={"Idempotency-Key": "one"})
    other = bob.post(PATH, json=body)

    assert 200 == first.status_code
    assert first.json() == again.json()
    assert ("person:bob", 3, lax().digest) == tuple(
        first.json()[key] for key in ("actor", "record", "digest")
    )
    assert 409 == other.status_code
    assert other.json()["type"].endswith("lifecycle-nothing-waits")
    assert lax().digest == in_force(api)


@pytest.mark.parametrize(
    ("who", "digest", "status"),
    [("sam", lax().digest, 403), ("bob", law().digest, 412), ("nobody", lax().digest, 401)],
)
def test_others_and_other_things_are_refused(api: Api, who: str, digest: str, status: int) -> None:
    """And what was in force stays so."""
    answer = api.client(who).post(PATH, json={"digest": digest})

    assert status == answer.status_code
    assert law().digest == in_force(api)


def test_the_history_tells_what_was_proposed_and_who_consented(api: Api) -> None:
    """With every difference."""
    api.client("bob").post(PATH, json={"digest": lax().digest})
    found = api.client("sam").get("/api/v1/lifecycles/default/history").json()["records"]

    assert ["LifecycleAdopted", "LifecycleProposed", "LifecycleAdopted"] == [
        one["type"] for one in found
    ]
    assert (2, "person:bob") == (found[2]["proposed"], found[2]["actor"]["id"])


def test_operators_are_told_that_it_waits(api: Api) -> None:
    """On the status, with the command."""
    found = api.client("eve").get("/api/v1/status").json()
    (trouble,) = [one for one in found["troubles"] if one["code"] == "lifecycle-waits"]

    assert "lifecycle default" == trouble["part"]
    assert (
        "a change waits for the consent of risk: `stageward lifecycle adopt default`"
        == trouble["what"]
    )
    assert lax().digest == found["lifecycles"][0]["waiting"]


def test_the_page_lets_a_guard_consent_and_nobody_else(it: World) -> None:
    """What it loosens is there to read before; a form of another is refused."""
    with site_over(it, SignIn.DEV) as site, Browser(site) as sam, Browser(site) as bob:
        sam.sign_in(person="sam")
        bob.sign_in(person="bob")
        shown, form = sam.get(PAGE).text, bob.form(PAGE)
        assert "A change waits for 1 of risk" in shown
        assert "quorum: 1 must approve instead of 2" in shown
        assert "You cannot consent" in shown
        assert "<form" not in shown.partition("<main")[2].partition("</main>")[0]
        sent = {**form, "digest": lax().digest, "comment": "fine by me", "operation": "a"}
        assert 403 == sam.post(f"{PAGE}/adoption", sent).status_code
        stale = bob.post(f"{PAGE}/adoption", {**sent, "digest": "sha256:0"})
        assert (412, True) == (stale.status_code, "fine by me" in stale.text)
        assert 303 == bob.post(f"{PAGE}/adoption", sent).status_code
        after = bob.get(PAGE).text

    assert "Adopted with the consent of Bob" in after
    assert "A change waits" not in after
    assert "fine by me" in after


def test_the_list_says_what_waits(it: World) -> None:
    """And leads there."""
    with site_over(it, SignIn.DEV) as site, Browser(site) as sam:
        sam.sign_in(person="sam")
        shown = sam.get("/lifecycles").text

    assert "a change waits for 1 of risk" in shown


def file_of(*changes: tuple[str, str]) -> str:
    """Return the default file for this world's people, with texts replaced."""
    text = DEFAULT.replace("${MLFLOW_TRACKING_URI}", "http://m")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


@pytest.fixture
def busy(it: World) -> str:
    """An approval that is open, of a version at Staging."""
    version = it.register("1")
    request_transition(it.context, it.command(version, "Staging"))
    approval = request_transition(it.context, it.command(version, "Production")).approval
    sweep(it.context)
    return approval


def test_a_file_is_held_against_the_ledger(busy: str, api: Api) -> None:
    """What it would strand, void, loosen; nothing is changed."""
    text = file_of(("      Staging: ", "      Testing: "), ("Staging", "Testing"))
    body = {"configuration": text}
    found = api.client("sam").post("/api/v1/lifecycles/validation", json=body).json()

    assert (False, 0) == (found["sound"], found["more"])
    assert [("demo/models/iris", ["1"], "Staging")] == [
        (one["asset"], one["versions"], one["stage"]) for one in found["stranded"]
    ]
    assert [busy] == [one["id"] for one in found["voided"]]
    (course,) = found["lifecycles"]
    assert ("wait", ["1 of risk"]) == (course["outcome"], course["change"]["needs"])
    assert (
        "protect_lifecycle: nobody need consent to what loosens it any more"
        in (course["change"]["loosens"])
    )
    assert law().digest == in_force(api)


def test_stages_that_are_called_otherwise_strand_nobody(busy: str, api: Api) -> None:
    """It is said how many versions follow."""
    text = file_of(
        ("Staging", "Testing"),
        ("    forward_only: true", "    renamed: {Staging: Testing}\n    forward_only: true"),
    )
    body = {"configuration": text}
    found = api.client("sam").post("/api/v1/lifecycles/validation", json=body).json()

    assert busy
    assert (True, []) == (found["sound"], found["stranded"])
    assert [
        {"lifecycle": "default", "before": "Staging", "after": "Testing", "versions": 1}
    ] == found["renamed"]


def test_a_file_with_faults_is_told_of_them(api: Api) -> None:
    """With the line."""
    body = {"configuration": file_of(("quorum: 2 ", "quorum: 0 "))}
    answer = api.client("sam").post("/api/v1/lifecycles/validation", json=body)

    assert 422 == answer.status_code
    assert "draft:" in answer.json()["detail"]


def test_versions_that_nothing_would_govern_are_stranded(busy: str, api: Api) -> None:
    """They would be held to nothing."""
    body = {"configuration": file_of(('["*/*/*"]', '["demo/data/*"]'))}
    found = api.client("sam").post("/api/v1/lifecycles/validation", json=body).json()

    assert busy
    assert "no lifecycle governs demo/models/iris any more" in found["stranded"][0]["why"]


def test_nothing_of_a_draft_stays(it: World, api: Api, tmp_path: Path) -> None:
    """Neither in the ledger nor in this process."""
    (tmp_path / "draft.yaml").write_text(file_of(), "utf-8")
    before = it.context.ledger.records("lifecycle:default")
    api.client("sam").post("/api/v1/lifecycles/validation", json={"configuration": file_of()})

    assert before == it.context.ledger.records("lifecycle:default")
    assert unguarded().digest != waiting_for(it.context, "default").digest == lax().digest


def test_health_names_the_lifecycle_that_waits(api: Api) -> None:
    """It is ready all the same, and tells nothing of what waits."""
    found = api.client().get("/healthz").json()

    assert "waiting" == found["parts"]["lifecycle default"]
    assert found["ready"]

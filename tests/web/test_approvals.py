"""Approvals over the API: who may, who may not, and what they were shown."""

from __future__ import annotations

from typing import Any

import pytest

from stage_functions.domain.asset import Version
from stage_functions.domain.lifecycle import WhenInvalid
from tests.api_server import Api, api_over
from tests.builders import World, timed, world

FIRST = "/api/v1/assets/demo/models/iris/versions/1"
APPROVALS = "/api/v1/approvals"


@pytest.fixture
def pending(it: World, api: Api) -> dict[str, Any]:
    """An open approval, asked for by sam."""
    it.register("1")
    sam = api.client("sam")
    sam.post(f"{FIRST}/transitions", json={"to": "Staging"})
    sam.post(f"{FIRST}/transitions", json={"to": "Production", "reason": "AUC 0.94"})
    (found,) = sam.get(APPROVALS).json()["approvals"]
    return dict(found)


def vote(api: Api, who: str, pending: dict[str, Any], **fields: str) -> tuple[int, dict[str, Any]]:
    """Vote; return status and body."""
    body = {"decision": "approve", "fingerprint": pending["fingerprint"], **fields}
    answer = api.client(who).post(f"{APPROVALS}/{pending['id']}/votes", json=body)
    return answer.status_code, answer.json()


def test_an_approval_says_in_words_what_it_waits_for_and_who_may_not_vote(
    pending: dict[str, Any],
) -> None:
    """Everything that an approver needs."""
    assert pending["version"] == "demo/models/iris:1"
    assert (pending["from_stage"], pending["to_stage"]) == ("Staging", "Production")
    assert pending["reason"] == "AUC 0.94"
    assert pending["requester"] == "person:sam"
    assert pending["needs"] == ["1 of risk", "1 more of risk or science"]
    assert "person:sam" in pending["excluded"]


def test_two_people_approve_and_it_is_granted(it: World, api: Api, pending: dict[str, Any]) -> None:
    """The second vote carries it out, and the list of open ones is empty."""
    first = vote(api, "bob", pending, comment="evidence is complete")
    second = vote(api, "eve", pending)

    assert (first[0], first[1]["outcome"]) == (200, "voted")
    assert (second[0], second[1]["outcome"]) == (200, "granted")
    assert it.registry.tags(Version.parse("demo/models/iris:1"))["stage"] == "Production"
    assert api.client("bob").get(APPROVALS).json() == {"approvals": []}
    (closed,) = api.client("bob").get(APPROVALS, params={"status": "approved"}).json()["approvals"]
    assert [one["comment"] for one in closed["votes"]] == ["evidence is complete", ""]


def test_nobody_approves_their_own_work(api: Api, pending: dict[str, Any]) -> None:
    """403, in those words."""
    status, body = vote(api, "sam", pending)

    assert status == 403
    assert "nobody approves their own work" in body["detail"]


def test_a_vote_on_another_brief_is_stale(api: Api, pending: dict[str, Any]) -> None:
    """412, and the vote does not count."""
    status, body = vote(api, "bob", pending, fingerprint="sha256:0")

    assert status == 412
    assert "look at it again" in body["detail"]


def test_a_second_vote_of_one_person_is_refused(api: Api, pending: dict[str, Any]) -> None:
    """409 with a word for programs."""
    vote(api, "bob", pending)
    status, body = vote(api, "bob", pending)

    assert (status, body["type"]) == (409, "urn:stageward:problem:already-voted")


def test_a_vote_sent_again_under_its_key_gets_the_same_answer(
    api: Api, pending: dict[str, Any]
) -> None:
    """So a lost answer is safe to ask for again."""
    body = {"decision": "approve", "fingerprint": pending["fingerprint"]}
    path, key = f"{APPROVALS}/{pending['id']}/votes", {"Idempotency-Key": "k1"}
    bob = api.client("bob")

    one = bob.post(path, json=body, headers=key)
    two = bob.post(path, json=body, headers=key)
    other = bob.post(
        path, json={**body, "decision": "reject", "comment": "on second thoughts"}, headers=key
    )

    assert one.json() == two.json()
    assert other.status_code == 422


def test_any_reject_closes(api: Api, pending: dict[str, Any]) -> None:
    """And later votes find it closed."""
    rejected = vote(api, "bob", pending, decision="reject", comment="drift on the holdout")
    late = vote(api, "eve", pending)

    assert rejected[1]["status"] == "rejected"
    assert (late[0], late[1]["type"]) == (409, "urn:stageward:problem:approval-closed")


def test_only_the_requester_withdraws(api: Api, pending: dict[str, Any]) -> None:
    """403 to others; a body is not needed."""
    path = f"{APPROVALS}/{pending['id']}/withdrawal"

    other = api.client("bob").post(path)
    own = api.client("sam").post(path, json={"reason": "found a bug"})

    assert other.status_code == 403
    assert own.json()["status"] == "withdrawn"


def test_a_request_by_tag_needs_a_sponsor_who_then_cannot_vote(it: World, api: Api) -> None:
    """Votes wait for one."""
    version = it.register("1")
    api.client("sam").post(f"{FIRST}/transitions", json={"to": "Staging"})
    it.tag(version, "stage_request", "Production: by tag")
    (found,) = api.client("bob").get(APPROVALS).json()["approvals"]
    vote(api, "bob", found)

    sponsored = api.client("ada").post(f"{APPROVALS}/{found['id']}/sponsor")
    own = vote(api, "ada", found)
    last = vote(api, "eve", found)

    assert found["proven"] is False
    assert sponsored.json()["outcome"] == "voted"
    assert own[0] == 403
    assert last[1]["outcome"] == "granted"


def test_an_id_that_no_approval_has_is_said_so(api: Api) -> None:
    """404 with the next step."""
    answer = api.client("bob").get(f"{APPROVALS}/zzzzzzzz")

    assert answer.status_code == 404
    assert "`stageward approvals` lists them" in answer.json()["detail"]


def test_an_approval_says_who_may_still_vote_and_how_votes_were_cast(
    api: Api, pending: dict[str, Any]
) -> None:
    """In one sentence, and in fields for programs."""
    vote(api, "bob", pending)
    found = api.client("eve").get(f"{APPROVALS}/{pending['id']}").json()

    assert pending["waits_for"] == (
        "1 of risk, 1 more of risk or science; excluded: the requester and the author"
    )
    assert pending["voters"] == ["person:ada", "person:bob", "person:eve"]
    assert found["voters"] == ["person:ada", "person:eve"]
    assert found["votes"][0]["groups"] == ["risk"]
    assert found["votes"][0]["assurance"] == found["assurance"] == "signed_in"
    assert (found["renews"], found["impossible"], found["escalated"]) == (False, None, None)
    assert (found["holder"], found["valid_until"]) == (None, None)


def test_a_reject_needs_a_comment(api: Api, pending: dict[str, Any]) -> None:
    """422, in words, and the approval stays open."""
    status, body = vote(api, "bob", pending, decision="reject")

    assert (status, body["type"]) == (422, "urn:stageward:problem:invalid")
    assert body["detail"] == "a reject needs a comment: say why, for whoever asked"
    assert api.client("bob").get(APPROVALS).json()["approvals"][0]["id"] == pending["id"]


def test_what_was_approved_for_a_time_says_until_when_and_is_refused_behind_it() -> None:
    """By the version, the lists, as-of and the check of a deployment; asking again renews."""
    it = world(governed_by=timed(WhenInvalid.BLOCK))
    it.register("1")
    with api_over(it) as api:
        sam = api.client("sam")
        sam.post(f"{FIRST}/transitions", json={"to": "Staging"})
        sam.post(f"{FIRST}/transitions", json={"to": "Production"})
        (found,) = sam.get(APPROVALS).json()["approvals"]
        for who in ("bob", "eve"):
            vote(api, who, found)
        version = sam.get(FIRST).json()
        (listed,) = sam.get("/api/v1/assets").json()["versions"]
        stood = sam.get("/api/v1/assets/demo/models/iris/as-of").json()["versions"]["1"]
        it.clock.sleep(31 * 86_400)
        deploy = {"action": "deploy", "endpoint": "demo/scoring"}
        blocked = sam.post(f"{FIRST}/checks", json=deploy).json()
        asked = api.client("ada").post(f"{FIRST}/transitions", json={"to": "Production"})
        (renewal,) = sam.get(APPROVALS).json()["approvals"]
        for who in ("bob", "eve"):
            last = vote(api, who, renewal)[1]
        allowed = sam.post(f"{FIRST}/checks", json=deploy).json()
    it.rows.close()

    assert version["approved_by"] == listed["approved_by"] == stood["approval"] == found["id"]
    assert version["valid_until"] == listed["valid_until"] == stood["valid_until"]
    assert version["valid_until"].startswith("2026-01-31")
    assert blocked["allowed"] is False
    assert f"approval {found['id']} ran out on 2026-01-31" in blocked["detail"]
    assert (asked.status_code, asked.json()["renews"]) == (202, True)
    assert (renewal["from_stage"], renewal["to_stage"]) == ("Production", "Production")
    assert (last["outcome"], last["changed"], last["renews"]) == ("granted", False, True)
    assert allowed["allowed"] is True

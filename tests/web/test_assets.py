"""What is asked and answered about assets and their versions."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest

from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.configuration import Mode
from tests.api_server import Api, api_over
from tests.builders import World, world

IRIS = "/api/v1/assets/demo/models/iris"
FIRST = f"{IRIS}/versions/1"


def test_a_transition_that_demands_no_approval_is_granted_at_once(it: World, api: Api) -> None:
    """200, the new stage, and the number of the record that says so."""
    it.register("1")

    answer = api.client("sam").post(f"{FIRST}/transitions", json={"to": "Staging", "reason": "r"})

    assert answer.status_code == 200
    assert answer.json()["outcome"] == "granted"
    assert answer.json()["changed"] is True
    assert answer.json()["stage"] == "Staging"
    assert answer.json()["record"] == 2
    assert it.registry.tags(Version.parse("demo/models/iris:1"))["stage"] == "Staging"


def test_asking_for_the_stage_it_has_changes_nothing(it: World, api: Api) -> None:
    """Idempotent without any key."""
    it.register("1")
    sam = api.client("sam")
    sam.post(f"{FIRST}/transitions", json={"to": "Staging"})

    again = sam.post(f"{FIRST}/transitions", json={"to": "Staging"})

    assert (again.status_code, again.json()["changed"]) == (200, False)
    assert it.context.ledger.load(Asset.parse("demo/models/iris")).head.number == 2


def test_a_transition_that_demands_approval_waits_and_repeating_it_opens_no_second(
    it: World, api: Api
) -> None:
    """202 with the approval's id, the same one when repeated."""
    it.register("1")
    sam = api.client("sam")
    sam.post(f"{FIRST}/transitions", json={"to": "Staging"})

    one = sam.post(f"{FIRST}/transitions", json={"to": "Production", "reason": "good"})
    two = sam.post(f"{FIRST}/transitions", json={"to": "Production", "reason": "good"})

    assert (one.status_code, two.status_code) == (202, 202)
    assert one.json()["approval"] == two.json()["approval"]
    assert one.json()["needs"] == ["1 of risk", "1 more of risk or science"]


def test_an_illegal_transition_is_refused_with_the_stages_that_may_be_asked_for(
    it: World, api: Api
) -> None:
    """409, a problem that carries the whole refusal."""
    it.register("1")

    answer = api.client("sam").post(f"{FIRST}/transitions", json={"to": "Production"})

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:stageward:problem:refused"
    assert answer.json()["decision"]["allowed"] == ["Staging", "Archived"]
    assert answer.json()["detail"] == (
        "None → Production is not allowed; allowed: Staging, Archived"
    )


def test_a_caller_who_expects_another_stage_is_told_so(it: World, api: Api) -> None:
    """412, and nothing moves."""
    it.register("1")
    body = {"to": "Staging", "expected_stage": "Archived"}

    answer = api.client("sam").post(f"{FIRST}/transitions", json=body)

    assert answer.status_code == 412
    assert answer.json()["detail"] == "demo/models/iris:1 stands at None, not at Archived"


def test_the_holder_of_an_exclusive_stage_is_kept_where_the_caller_says_so(
    it: World, api: Api
) -> None:
    """`archive_existing_versions: false`, as MLflow has it, refuses instead of displacing."""
    for number in ("1", "2"):
        it.register(number)
        produce(api, f"{IRIS}/versions/{number}", keep=number == "2")

    assert api.client("sam").get(IRIS).json()["holders"] == {"Production": ["1"]}


def produce(api: Api, path: str, *, keep: bool) -> None:
    """Ask for Production, and have it approved unless refused."""
    sam = api.client("sam")
    sam.post(f"{path}/transitions", json={"to": "Staging"})
    body = {"to": "Production", "archive_existing_versions": not keep}
    asked = sam.post(f"{path}/transitions", json=body)
    if keep:
        assert asked.status_code == 409
        assert "held by 1" in asked.json()["detail"]
        return
    vote = {"decision": "approve", "fingerprint": asked.json()["fingerprint"]}
    for voter in ("bob", "eve"):
        api.client(voter).post(f"/api/v1/approvals/{asked.json()['approval']}/votes", json=vote)


def test_the_same_idempotency_key_gets_the_same_answer(it: World, api: Api) -> None:
    """A retry after a lost answer decides nothing anew."""
    it.register("1")
    sam = api.client("sam")
    key = {"Idempotency-Key": "release-42"}

    one = sam.post(f"{FIRST}/transitions", json={"to": "Production"}, headers=key)
    two = sam.post(f"{FIRST}/transitions", json={"to": "Production"}, headers=key)

    assert one.json() == two.json()
    assert it.context.ledger.load(Asset.parse("demo/models/iris")).head.number == 2


def test_an_idempotency_key_is_not_taken_for_another_request(it: World, api: Api) -> None:
    """A pipeline that reuses its key would else read the answer to something else."""
    it.register("1")
    sam = api.client("sam")
    key = {"Idempotency-Key": "release-42"}
    sam.post(f"{FIRST}/transitions", json={"to": "Staging"}, headers=key)

    other = sam.post(f"{FIRST}/transitions", json={"to": "Archived"}, headers=key)

    assert other.status_code == 422
    assert "take a new one for every request" in other.json()["detail"]
    assert it.registry.tags(Version.parse("demo/models/iris:1"))["stage"] == "Staging"


def test_in_observe_a_transition_is_answered_with_what_would_have_happened() -> None:
    """409 `registry-observed`, and nothing is written."""
    it = world(Mode.OBSERVE)
    with api_over(it) as api:
        it.register("1")

        answer = api.client("sam").post(f"{FIRST}/transitions", json={"to": "Staging"})

        assert answer.status_code == 409
        assert answer.json()["type"] == "urn:stageward:problem:registry-observed"
        assert "would be granted" in answer.json()["detail"]
        assert it.registry.tags(Version.parse("demo/models/iris:1")) == {}
    it.rows.close()


def test_a_version_is_shown_with_its_evidence_every_section_present(it: World, api: Api) -> None:
    """What was not recorded is an empty section, never a missing one."""
    it.register("1", {"team": "risk"})

    answer = api.client("sam").get(FIRST).json()

    assert answer["stage"] == "None"
    assert answer["allowed"] == ["Staging", "Archived"]
    assert answer["author"] == "person:sam"
    assert answer["tags"]["team"] == "risk"
    assert answer["evidence"]["metrics"] == {}
    assert answer["evidence"]["base_model"] == {}


def test_the_history_is_read_in_pages_and_every_record_has_its_links(it: World, api: Api) -> None:
    """`after` leads through it."""
    it.register("1")
    sam = api.client("sam")
    sam.post(f"{FIRST}/transitions", json={"to": "Staging", "reason": "ready"})

    one = sam.get(f"{IRIS}/history", params={"limit": 1}).json()
    two = sam.get(f"{IRIS}/history", params={"after": one["after"]}).json()

    (registered,), (changed,) = one["records"], two["records"]
    assert (registered["type"], changed["type"]) == ("Registered", "StageChanged")
    assert changed["prev"] == registered["hash"]
    assert changed["actor"] == {"id": "person:sam", "attribution": "proven", "via": "api"}
    assert two["after"] is None


def test_as_of_tells_who_held_what_and_who_approved_it(it: World, api: Api) -> None:
    """By the records alone."""
    it.register("1")
    before = it.clock.time + timedelta(milliseconds=1)
    it.clock.time += timedelta(hours=1)
    produce(api, FIRST, keep=False)
    sam = api.client("sam")

    then = sam.get(f"{IRIS}/as-of", params={"time": before.isoformat()}).json()
    now = sam.get(f"{IRIS}/as-of").json()

    assert then["versions"]["1"]["stage"] == "None"
    assert now["versions"]["1"]["stage"] == "Production"
    assert now["versions"]["1"]["approved_by"] == ["person:bob", "person:eve"]
    assert now["versions"]["1"]["why"] == "approved"


def test_lists_are_filtered_and_go_on_behind_a_cursor(it: World, api: Api) -> None:
    """By stage, and page by page."""
    for number in ("1", "2", "3"):
        it.register(number)
    sam = api.client("sam")
    sam.post(f"{IRIS}/versions/2/transitions", json={"to": "Staging"})

    staging = sam.get("/api/v1/assets", params={"stage": "Staging"}).json()
    one = sam.get("/api/v1/assets", params={"limit": 2}).json()
    two = sam.get("/api/v1/assets", params={"limit": 2, "cursor": one["cursor"]}).json()

    assert [row["version"] for row in staging["versions"]] == ["2"]
    assert [row["version"] for row in one["versions"] + two["versions"]] == ["1", "2", "3"]
    assert two["cursor"] is None


def test_hidden_stages_are_left_out_of_lists_unless_asked_for(it: World, api: Api) -> None:
    """Archived versions are many, and seldom what somebody looks for."""
    for number in ("1", "2"):
        it.register(number)
    sam = api.client("sam")
    sam.post(f"{IRIS}/versions/1/transitions", json={"to": "Archived"})

    def listed(**params: str) -> list[str]:
        rows = sam.get("/api/v1/assets", params=params).json()["versions"]
        return [row["version"] for row in rows]

    assert listed() == ["2"]
    assert listed(hidden="true") == ["1", "2"]
    assert listed(stage="Archived") == ["1"]


@pytest.mark.parametrize(
    ("body", "allowed", "said"),
    [
        ({"action": "transition", "to": "Staging"}, True, "None → Staging"),
        ({"action": "transition", "to": "Production"}, False, "not allowed"),
        ({"action": "deploy", "endpoint": "demo/scoring"}, False, "not deployable to demo/scoring"),
        ({"action": "delete"}, True, "a version at None may be deleted"),
    ],
)
def test_a_check_tells_what_would_happen_and_changes_nothing(
    it: World, api: Api, body: dict[str, str], *, allowed: bool, said: str
) -> None:
    """The same decision path, not committed."""
    it.register("1")
    before = it.context.ledger.load(Asset.parse("demo/models/iris")).etag

    answer = api.client("sam").post(f"{FIRST}/checks", json=body).json()

    assert answer["allowed"] is allowed
    assert said in answer["detail"]
    assert it.context.ledger.load(Asset.parse("demo/models/iris")).etag == before


def test_a_deployment_to_a_place_that_there_is_not_is_no_question(it: World, api: Api) -> None:
    """A gate that is asked with a slip answers with a fault, and never lets pass."""
    it.register("1")
    body = {"action": "deploy", "endpoint": "dmo/scoring"}
    answer = api.client("sam").post(f"{FIRST}/checks", json=body)

    assert 422 == answer.status_code
    assert (
        "'dmo/scoring' is of no registry; there are demo; did you mean 'demo'?"
        in (answer.json()["detail"])
    )


def test_a_version_that_was_registered_anew_is_not_the_one_that_was_granted(
    it: World, api: Api
) -> None:
    """A gate must not let the new thing pass on the old one's stage."""
    version = it.register("1")
    api.client("sam").post(f"{FIRST}/transitions", json={"to": "Archived"})
    it.registry.remove(version)
    it.clock.time += timedelta(hours=1)
    it.registry.register(version, it.clock.now())

    answer = api.client("sam").post(f"{FIRST}/checks", json={"action": "delete"}).json()

    assert answer["allowed"] is False
    assert "registered anew" in answer["detail"]


@pytest.mark.parametrize(
    "name",
    [
        "two words",
        "50% off",
        'it\'s "quoted"',
        "Ирис 鳶尾",
        "a%2Fb",
        "Iris",
        "x" * 255,
        "a?b#c&d=e+f",
    ],
)
def test_any_name_that_a_registry_allows_is_percent_encoded_once(
    it: World, api: Api, name: str
) -> None:
    """And case counts: Iris is not iris."""
    it.register("1")
    version = Version(Asset("demo", Kind.MODELS, name), "1")
    it.registry.register(version, it.clock.now())
    follow(it.context, Signal(version))
    path = f"/api/v1/assets/demo/models/{quote(name, safe='')}"

    granted = api.client("sam").post(f"{path}/versions/1/transitions", json={"to": "Staging"})
    shown = api.client("sam").get(path)

    assert granted.json()["version"] == f"demo/models/{name}:1"
    assert shown.json()["asset"] == f"demo/models/{name}"
    assert it.registry.tags(version)["stage"] == "Staging"
    assert it.registry.tags(Version.parse("demo/models/iris:1"))["stage"] == "None"

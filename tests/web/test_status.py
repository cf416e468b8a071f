"""What anybody may know of how Stageward fares, and what operators may."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from msgspec.structs import replace

from stage_functions.application.process import Ending, Facts, Process
from stage_functions.application.shared import Shared
from stage_functions.application.upkeep import Health
from stage_functions.domain.error import NotAllowedNowError, RetryableError
from stage_functions.web.service import Service
from tests.api_server import SECRET, Api, api_over
from tests.builders import World, world
from tests.fakes.dead_letters import MemoryDeadLetters
from tests.wire.samples import MODEL_REGISTERED, WORKSPACE

TELLTALES = (
    "AzureML workspace prod-telltale answered 403 AuthorizationFailed: the client "
    "'11111111-2222-3333-4444-555555555555' with object id '66666666-7777-8888-9999-000000000000' "
    "does not have authorization over scope '/subscriptions/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee/'"
)
OPERATORS_ONLY = [
    ("GET", "/api/v1/status"),
    ("GET", "/api/v1/dead-letters"),
    ("POST", "/api/v1/dead-letters/replay"),
]


@pytest.fixture
def letters() -> MemoryDeadLetters:
    """Where dead letters are kept."""
    return MemoryDeadLetters()


@pytest.fixture
def it(letters: MemoryDeadLetters) -> Iterator[World]:
    """A world over a workspace, with dead letters, that knows how it was started."""
    made = world(workspace=WORKSPACE)
    facts = Facts("1.2.3", "SQLite, ledger.db", "dev", started=made.clock.time)
    process = Process(facts, dead_letters=letters)
    yield replace(made, context=replace(made.context, process=process))
    made.rows.close()


@pytest.mark.parametrize(("method", "path"), OPERATORS_ONLY)
def test_only_operators_may_know_more(api: Api, method: str, path: str) -> None:
    """It repeats what registries and stores have said; members of the team see the registries."""
    denied = api.client("sam").request(method, path)
    nobody = api.client().request(method, path)

    assert (403, 401) == (denied.status_code, nobody.status_code)
    assert "operators are eve" in denied.json()["detail"]


def test_health_says_in_a_word_what_status_says_in_full(it: World, api: Api) -> None:
    """Whoever asks for health is anybody: no id, no address, no word of what Azure answered."""
    state = it.context.states
    state.update("demo", lambda one: replace(one, unreadable=TELLTALES, pass_completed=None))
    open_to_all = api.client().get("/healthz")
    (found,) = api.client("eve").get("/api/v1/status").json()["troubles"]

    assert (200, {"ledger": "", "outbox": "", "registry demo": "unreadable"}) == (
        open_to_all.status_code,
        open_to_all.json()["parts"],
    )
    assert not any(word in open_to_all.text for word in TELLTALES.split() if len(word) > 8)
    assert TELLTALES in found["what"]
    assert "`stageward scan demo`" in found["do"]


def test_health_is_told_without_words_too(it: World, api: Api) -> None:
    """By the status alone; other methods are refused as ever."""
    before = api.client().head("/healthz")
    it.rows.close()
    after = httpx.head(f"{api.address}/healthz", timeout=30)

    assert (200, b"") == (before.status_code, before.content)
    assert (503, b"") == (after.status_code, after.content)
    assert 405 == api.client().post("/healthz").status_code


def test_the_status_says_what_runs_where_on_what(it: World, api: Api) -> None:
    """And that nothing is wrong, where nothing is."""
    it.register("1")
    found = api.client("eve").get("/api/v1/status").json()

    assert (True, []) == (found["fine"], found["troubles"])
    assert ("1.2.3", it.context.ledger.id, "SQLite, ledger.db", "dev") == (
        found["version"],
        found["ledger"],
        found["place"],
        found["sign_in"],
    )
    assert [(True, "")] == [(one["governed"], one["state"]) for one in found["registries"]]
    assert (0, 0, None, False) == (
        found["outbox"]["waiting"],
        found["outbox"]["parked"],
        found["outbox"]["oldest_age"],
        found["outbox"]["more"],
    )
    (lifecycle,) = found["lifecycles"]
    assert lifecycle["digest"] == lifecycle["adopted"]
    assert {"configured": True, "count": 0, "more": False, "oldest": None, "fault": ""} == found[
        "dead_letters"
    ]


def test_a_key_is_shown_by_the_name_of_its_variable(it: World, api: Api) -> None:
    """With the day that it ends on."""
    ends = it.clock.time + timedelta(days=2)
    it.context.process.facts = Facts(endings=(Ending("STAGEWARD_TABLES", ends),))
    found = api.client("eve").get("/api/v1/status").json()

    assert ["STAGEWARD_TABLES"] == [one["name"] for one in found["keys"]]
    assert ["key-ends-soon"] == [one["code"] for one in found["troubles"]]


def test_a_delivery_with_a_wrong_signature_is_counted_and_one_without_is_not() -> None:
    """The secret is another than MLflow's; whoever signs nothing is not MLflow."""
    made = world()
    with api_over(made) as api:
        body = b"{}"
        wrong = {
            "X-MLflow-Delivery-Id": "d1",
            "X-MLflow-Timestamp": str(int(made.clock.time.timestamp())),
            "X-MLflow-Signature": "v1,c2lnbmVkIHdpdGggYW5vdGhlciBzZWNyZXQ=",
        }
        signed_wrongly = api.client().post("/webhooks/mlflow", content=body, headers=wrong)
        unsigned = api.client().post("/webhooks/mlflow", content=body)
        (found,) = api.client("eve").get("/api/v1/status").json()["troubles"]

    assert (403, 403) == (signed_wrongly.status_code, unsigned.status_code)
    assert "webhook-refused" == found["code"]
    assert found["what"].startswith("refused by its signature: 1 delivery since")
    assert SECRET not in json.dumps(found)
    made.rows.close()


def test_dead_letters_are_listed_followed_and_gone(
    it: World, api: Api, letters: MemoryDeadLetters
) -> None:
    """What cannot be read stays, with the reason."""
    event = {**MODEL_REGISTERED, "deadLetterReason": "MaxDeliveryAttemptsExceeded"}
    letters.put("a", json.dumps([event]).encode(), it.clock.time)
    letters.put("torn", b"{", it.clock.time)
    eve = api.client("eve")
    listed = eve.get("/api/v1/dead-letters").json()
    first = eve.get("/api/v1/dead-letters?limit=1").json()
    done = eve.post("/api/v1/dead-letters/replay").json()

    assert (2, 2, 1) == (listed["count"], len(listed["letters"]), len(first["letters"]))
    (told,) = listed["letters"][1]["events"]
    assert "MaxDeliveryAttemptsExceeded" == told["reason"]
    assert (1, ["torn"], None) == (
        done["deleted"],
        [one["name"] for one in done["kept"]],
        done["cursor"],
    )
    assert ["torn"] == letters.names


def test_what_stands_in_the_way_of_dead_letters_is_told(
    it: World, api: Api, letters: MemoryDeadLetters
) -> None:
    """404 where none are kept, 409 where they let nobody in, 503 where they cannot be reached."""
    eve = api.client("eve")
    letters.fault = NotAllowedNowError("403; give it the role", code="dead-letters-refused")
    refused = eve.get("/api/v1/dead-letters")
    letters.fault = RetryableError("away")
    away = eve.post("/api/v1/dead-letters/replay")
    it.context.process.dead_letters = None
    none = eve.get("/api/v1/dead-letters")

    assert (409, 503, 404) == (refused.status_code, away.status_code, none.status_code)
    assert refused.json()["type"].endswith(":dead-letters-refused")
    assert "set STAGEWARD_DEAD_LETTERS" in none.json()["detail"]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=many"])
def test_no_more_can_be_asked_for_than_is_answered(api: Api, query: str) -> None:
    """422 with where it is wrong."""
    assert 422 == api.client("eve").get(f"/api/v1/dead-letters?{query}").status_code


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ({"x-ms-client-request-id": "req-12345678"}, "req-12345678"),
        ({"x-request-id": "req-12345678"}, "req-12345678"),
        (
            {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
            "4bf92f3577b34da6a3ce929d0e0e4736",
        ),
    ],
)
def test_an_answer_carries_the_id_of_its_request(
    api: Api, sent: dict[str, str], answered: str
) -> None:
    """Lines of the log have it too."""
    assert answered == api.client().get("/healthz", headers=sent).headers["x-request-id"]


@pytest.mark.parametrize("sent", ["", "a b", "short", "x" * 65, "a@example.org"])
def test_an_id_that_is_none_is_replaced(api: Api, sent: str) -> None:
    """It would stand in the log."""
    answer = api.client().get("/healthz", headers={"x-request-id": sent} if sent else {})

    assert sent != answer.headers["x-request-id"]
    assert 16 == len(answer.headers["x-request-id"])


def test_however_many_ask_for_health_one_look_is_taken_at_a_time() -> None:
    """Each gets one that began after they asked."""
    running, most, looks = 0, 0, 0
    lock, go = threading.Lock(), threading.Event()

    def look() -> int:
        nonlocal running, most, looks
        with lock:
            running, looks = running + 1, looks + 1
            most, number = max(most, running), looks
        go.wait(10)
        with lock:
            running -= 1
        return number

    shared, got = Shared(look), list[int]()
    first = threading.Thread(target=lambda: got.append(shared()))
    first.start()
    while looks == 0:
        pass
    later = [threading.Thread(target=lambda: got.append(shared())) for _ in range(20)]
    for one in later:
        one.start()
    go.set()
    for one in (first, *later):
        one.join(10)

    assert 1 == most
    assert 21 == len(got)
    assert looks <= 21
    assert 1 == got.count(1)


def test_a_look_that_fails_fails_for_those_who_waited_for_it_and_not_for_the_next() -> None:
    """Health comes back by itself."""
    answers: list[str | Exception] = [ValueError("away"), "well"]

    def look() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    shared = Shared(look)
    with pytest.raises(ValueError, match="away"):
        shared()
    assert "well" == shared()


def test_whoever_gives_up_waiting_for_a_look_takes_it_from_nobody_else() -> None:
    """It is made to its end."""
    go = threading.Event()
    shared = Shared(lambda: go.wait(10))
    impatient, patient = shared.ask(), shared.ask()
    cancelled = impatient.cancel()
    go.set()

    assert not cancelled
    assert patient.result(10)


def test_however_many_wait_for_health_everybody_else_is_served(it: World) -> None:
    """The ledger hangs, and somebody asks a hundred times: that takes no thread from the rest."""
    go = threading.Event()

    def look() -> Health:
        go.wait(60)
        return Health(ready=True, parts={"ledger": ""})

    arrived = threading.Semaphore(0)

    class Seen(Shared[Health]):
        """Tells of each who asks."""

        def ask(self) -> Future[Health]:
            """Ask."""
            arrived.release()
            return super().ask()

    def slow(made: Service) -> Service:
        return replace(made, health=Seen(look), health_seconds=30)

    with api_over(it, edit=slow) as api, ThreadPoolExecutor(100) as many:
        asked = [many.submit(api.client().get, "/healthz") for _ in range(100)]
        waiting = [arrived.acquire(timeout=20) for _ in range(100)]
        served = api.client("eve").get("/api/v1/registries")
        still = sum(not one.done() for one in asked)
        go.set()

    assert all(waiting)
    assert (200, 100) == (served.status_code, still)
    assert {200} == {one.result().status_code for one in asked}


def test_a_ledger_that_does_not_answer_is_told_before_a_probe_gives_up(it: World) -> None:
    """Silence would be taken for death; and the next one who asks may be answered."""
    go = threading.Event()

    def look() -> Health:
        go.wait(60)
        return Health(ready=True, parts={"ledger": ""})

    def hasty(made: Service) -> Service:
        return replace(made, health=Shared(look), health_seconds=0.05)

    with api_over(it, edit=hasty) as api:
        silent = api.client().get("/healthz")
        go.set()
        answers = [api.client().get("/healthz") for _ in range(3)]

    assert (503, {"ledger": "unavailable"}) == (silent.status_code, silent.json()["parts"])
    assert 200 == answers[-1].status_code


def test_health_asks_nobody_to_sign_in(api: Api) -> None:
    """A probe of the platform has no token."""
    assert 200 == httpx.get(f"{api.address}/healthz", timeout=30).status_code

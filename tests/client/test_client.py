"""The client: refusals are values, faults are errors, lost answers are asked for again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import pytest

from stage_functions.client import Client, UnreachableError
from stage_functions.client.connection import ATTEMPTS
from stage_functions.domain.asset import Version
from stage_functions.domain.error import (
    DeniedError,
    InvalidInputError,
    NotAllowedNowError,
    NotFoundError,
    NotSignedInError,
    RegistryUnavailableError,
    RetryableError,
    StagewardError,
    StaleError,
)
from tests.api_server import Api, api_over
from tests.builders import IRIS, World, world

FIRST = "demo/models/iris:1"


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose registry is governed."""
    made = world()
    yield made
    made.rows.close()


@pytest.fixture
def api(it: World) -> Iterator[Api]:
    """The API over that world."""
    with api_over(it) as running:
        yield running


class Losing(httpx.BaseTransport):
    """A network that loses the first answers, after the server has given them."""

    def __init__(self, losses: int) -> None:
        self._network = httpx.HTTPTransport()
        self._losses = losses

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        answer = self._network.handle_request(request)
        if self._losses:
            self._losses -= 1
            answer.read()
            answer.close()
            message = "the answer was lost"
            raise httpx.ReadError(message)
        return answer

    def close(self) -> None:
        """Close the network."""
        self._network.close()


def test_a_model_goes_its_way_by_the_client_alone(it: World, api: Api) -> None:
    """Every call, as other programs use it."""
    it.register("1")
    with Client(api.address, "sam") as sam, Client(api.address, "bob") as bob:
        refused = sam.transition(FIRST, "Production")
        granted = sam.transition(FIRST, "Staging", reason="ready")
        pending = sam.transition(FIRST, "Production", reason="AUC 0.94")
        brief = bob.approval(pending.approval or "")
        voted = bob.vote(brief.id, "approve", fingerprint=brief.fingerprint)
        withdrawn = sam.withdraw(brief.id, reason="a bug")

        assert (refused.outcome, refused.allowed) == ("refused", ("Staging", "Archived"))
        assert (granted.outcome, granted.changed) == ("granted", True)
        assert voted.needs == ("1 more of risk or science",)
        assert withdrawn.status == "withdrawn"
        assert [one.status for one in sam.approvals("all")] == ["withdrawn"]
        assert sam.asset("demo/models/iris").versions[0].stage == "Staging"
        assert sam.version(FIRST).allowed == ("Archived", "Production")
        assert sam.check(FIRST, "deploy", endpoint="demo/x").allowed is False
        assert [one.version for one in sam.versions(stage="Staging")] == ["1"]
        assert [one["type"] for one in sam.history("demo/models/iris", after=3)] == [
            "ApprovalRequested",
            "Voted",
            "ApprovalClosed",
        ]
        before = it.clock.time - timedelta(days=1)
        assert sam.as_of("demo/models/iris", before).versions == {}
        assert sam.lifecycles()[0].name == "default"


def test_operators_have_their_calls(it: World, api: Api) -> None:
    """Scan, import, resolve, rebuild."""
    it.registry.register(Version(IRIS, "1"), it.clock.now())
    with Client(api.address, "eve") as eve:
        assert eve.scan("demo").changed == 1
        assert eve.import_registry("demo").done is True
        assert eve.resolve("demo").resumed == 0
        assert eve.rebuild_catalog().versions == 1
        assert eve.outbox() == ()
        assert eve.registries()[0].alias == "demo"


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda sam: sam.version("demo/models/iris:9"), NotFoundError),
        (lambda sam: sam.version("iris"), InvalidInputError),
        (lambda sam: sam.transition(FIRST, "Staging", reason="x" * 3000), InvalidInputError),
        (lambda sam: sam.transition(FIRST, "Staging", expected_stage="Archived"), StaleError),
        (lambda sam: sam.scan("demo"), DeniedError),
        (lambda sam: sam.approval(""), InvalidInputError),
        (lambda sam: sam.approvals("lost"), InvalidInputError),
    ],
    ids=["unknown", "no version", "too long", "stale", "operators only", "no id", "no status"],
)
def test_what_cannot_be_done_is_an_error_of_its_kind(
    it: World, api: Api, call: Callable[[Client], object], error: type[StagewardError]
) -> None:
    """The same tree as on the server, with the same words."""
    it.register("1")
    with Client(api.address, "sam") as sam, pytest.raises(error):
        call(sam)


def test_a_closed_approval_says_which_conflict_it_is(it: World, api: Api) -> None:
    """By a word for programs."""
    it.register("1")
    with Client(api.address, "sam") as sam:
        sam.transition(FIRST, "Staging")
        id_ = sam.transition(FIRST, "Production").approval or ""
        sam.withdraw(id_)

        with pytest.raises(NotAllowedNowError) as caught:
            sam.withdraw(id_)

    assert caught.value.code == "approval-closed"


def test_nobody_who_is_not_signed_in_reads_anything(api: Api) -> None:
    """An error of its own, so that programs can ask for a token."""
    with Client(api.address) as nobody, pytest.raises(NotSignedInError):
        nobody.registries()


@pytest.mark.parametrize("losses", range(ATTEMPTS))
def test_a_request_whose_answer_was_lost_is_decided_once(it: World, api: Api, losses: int) -> None:
    """It is sent again under the same key."""
    it.register("1")
    pauses: list[float] = []
    with Client(api.address, "sam", transport=Losing(losses), sleep=pauses.append) as sam:
        decision = sam.transition(FIRST, "Staging")

    assert decision.stage == "Staging"
    assert len(pauses) == losses
    assert it.context.ledger.load(IRIS).head.number == 2


def test_a_server_that_asks_for_patience_gets_it_and_then_an_error(it: World, api: Api) -> None:
    """As long as Retry-After says, some times over."""
    it.register("1")
    it.registry.away = True
    pauses: list[float] = []
    with (
        Client(api.address, "sam", sleep=pauses.append) as sam,
        pytest.raises(RegistryUnavailableError) as caught,
    ):
        sam.transition(FIRST, "Staging")

    assert pauses == [5.0] * (ATTEMPTS - 1)
    assert caught.value.retry_after_seconds == 5


def html(_: httpx.Request) -> httpx.Response:
    """Answer as some other server would."""
    return httpx.Response(200, text="<html>")


def test_another_server_at_the_address_is_not_mistaken_for_stageward() -> None:
    """Whatever it answers."""
    with (
        Client("http://other", "sam", transport=httpx.MockTransport(html)) as sam,
        pytest.raises(UnreachableError, match="what answers there is not Stageward"),
    ):
        sam.registries()


@pytest.mark.parametrize("url", ["foo", "", "127.0.0.1:8321", "ftp://h"])
def test_what_is_no_address_is_said_so_at_once(url: str) -> None:
    """In words of ours, with how one is written."""
    with pytest.raises(InvalidInputError, match="STAGEWARD_URL is http://host:port"):
        Client(url, "sam")


def test_where_nobody_listens_is_said_without_a_number_of_the_system() -> None:
    """With what starts it."""

    def refuse(_: httpx.Request) -> httpx.Response:
        message = "[Errno 111] Connection refused"
        raise httpx.ConnectError(message)

    away = Client("http://h", transport=httpx.MockTransport(refuse), sleep=lambda _: None)
    with away, pytest.raises(UnreachableError, match="at http://h: Connection refused; start it"):
        away.registries()


@pytest.mark.parametrize("token", ["secret\r", "\nsecret", "sec\0ret", "sec\nret", "sécret", " "])
def test_a_token_that_no_header_can_carry_is_said_so_and_not_shown(token: str) -> None:
    """Before anything is sent, and by no error of whatever would have sent it."""
    with pytest.raises(InvalidInputError, match="STAGEWARD_TOKEN") as caught:
        Client("http://127.0.0.1:1", token)

    assert "cret" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_who_waits_is_told_why_and_for_how_long() -> None:
    """Before each wait; a program that gave nothing to tell waits in silence."""
    problem = {"type": "urn:stageward:problem:try-again", "title": "", "status": 503}
    told: list[tuple[str, float]] = []

    def answer(_request: httpx.Request) -> httpx.Response:
        kind = {"Content-Type": "application/problem+json", "Retry-After": "5"}
        return httpx.Response(503, json={**problem, "detail": "it is away"}, headers=kind)

    for waiting in (lambda why, seconds: told.append((why, seconds)), None):
        client = Client(
            "http://away",
            transport=httpx.MockTransport(answer),
            sleep=lambda _: None,
            waiting=waiting,
        )
        with client, pytest.raises(RetryableError, match="it is away"):
            client.scan("demo")

    assert [("it is away", 5)] * 3 == told

"""Every way to a server that asks: REST by hand, the page's own calls, many at once, signed in."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from stage_functions.application import query, upkeep
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode
from tests.builders import unguarded
from tests.mlflow.guard_world import Calls, Guarded, asking_mlflow, governing
from tests.mlflow_server import MlflowServer

FRESH_SECONDS = 60
ADMIN = ("admin", "a long password")
BOB = ("bob", "another long password")
AT_ONCE = 44


@pytest.fixture
def it(asking: MlflowServer, calls: Calls) -> Iterator[Guarded]:
    """Stageward over a server, with the default lifecycle's shape."""
    with governing(asking, calls, aliases={"champion": "Production"}) as made:
        yield made


def patient(
    client: httpx.Client, path: str, body: Mapping[str, object], api: str = "api"
) -> httpx.Response:
    """Send what MLflow's own client would send again where it is told to."""
    while True:
        answer = client.post(f"/{api}/2.0/mlflow/{path}", json=body)
        if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
            return answer
        time.sleep(0.5)


def moving(it: Guarded, number: str, stage: str) -> dict[str, object]:
    """Return the body of a transition."""
    return {
        "name": it.name,
        "version": number,
        "stage": stage,
        "archive_existing_versions": True,
    }


@pytest.mark.parametrize("api", ["api", "ajax-api"])
def test_rest_by_hand_is_refused_as_any_client(it: Guarded, api: str) -> None:
    """The page of MLflow calls `ajax-api`; the answer is MLflow's own form of a refusal."""
    it.create()
    named = {"name": it.name, "version": "1"}
    root = f"/{api}/2.0/mlflow"
    granted = it.people.client.post(
        f"{root}/model-versions/transition-stage", json=moving(it, "1", "Staging")
    )
    answers = [
        it.people.client.post(
            f"{root}/model-versions/transition-stage", json=moving(it, "1", "Production")
        ),
        it.people.client.post(
            f"{root}/model-versions/set-tag", json={**named, "key": "stage", "value": "x"}
        ),
        it.people.client.request(
            "DELETE", f"{root}/model-versions/delete-tag", json={**named, "key": "stage"}
        ),
        it.people.client.post(
            f"{root}/registered-models/alias", json={**named, "alias": "champion"}
        ),
        it.people.client.request("DELETE", f"{root}/model-versions/delete", json=named),
        it.people.client.request("DELETE", f"{root}/registered-models/delete", json=named),
        it.people.client.post(
            f"{root}/registered-models/rename", json={"name": it.name, "new_name": f"{it.name}x"}
        ),
    ]

    assert HTTPStatus.OK == granted.status_code
    assert "Staging" == granted.json()["model_version"]["current_stage"]
    for answer in answers:
        assert HTTPStatus.FORBIDDEN == answer.status_code
        assert "PERMISSION_DENIED" == answer.json()["error_code"]
        assert answer.json()["message"].startswith("Stageward: demo/models/iris-") or (
            answer.json()["message"].startswith("Stageward: alias champion of demo/models/iris-")
        )


def test_what_a_request_says_of_itself_is_no_sign_in(it: Guarded) -> None:
    """Without MLflow's own sign-in nobody is proven to have asked, whatever they send."""
    it.create()
    for stage in ("Staging", "Production"):
        it.people.client.post(
            "/api/2.0/mlflow/model-versions/transition-stage",
            json=moving(it, "1", stage),
            auth=("sam", "x"),
        )
    found = query.approval(it.context, it.waiting()).approval

    assert ("", "", ("person:eve",)) == (
        found.requester.id,
        found.on_behalf_of,
        found.candidates,
    )


def test_what_is_nobodys_business_costs_no_call(it: Guarded) -> None:
    """What is guarded is read once a minute at the most, and then only the rest is asked about."""
    it.create()
    began = time.monotonic()
    it.stock.set_model_version_tag(it.name, "1", "first", "is read what is guarded")
    before = len(it.calls.seen)
    for count in range(20):
        it.stock.set_model_version_tag(it.name, "1", f"tag{count}", "x")
        it.stock.delete_model_version_tag(it.name, "1", f"tag{count}")
    it.create({"owner": "ada"})
    it.stock.set_registered_model_alias(it.name, "challenger", "2")
    it.stock.delete_registered_model_alias(it.name, "challenger")
    it.stock.update_model_version(it.name, "1", "a description")
    it.stock.set_registered_model_tag(it.name, "stage", "of the model, not of a version")
    it.stock.set_model_version_tag(it.name, "1", "stage_request", "Staging: please")
    made = it.calls.seen[before:]

    assert not [one for one in made if one.startswith("POST")]
    assert len(made) <= 1 + (time.monotonic() - began) // FRESH_SECONDS


def test_an_observed_registry_is_as_it_was(asking: MlflowServer, calls: Calls) -> None:
    """Nothing is refused there, and nothing is asked for."""
    with governing(asking, calls, mode=Mode.OBSERVE) as it:
        version = it.create({"stage": "Production"})
        answer = it.people.client.post(
            "/api/2.0/mlflow/model-versions/transition-stage", json=moving(it, "1", "Production")
        )

        assert "Production" == answer.json()["model_version"]["current_stage"]
        assert "Production" == it.people.tags(version)["stage"]
        assert [] == it.types()


def _all_at_once(it: Guarded) -> None:
    """Let more people ask at once than a worker of MLflow has threads; each is answered."""
    versions = [it.people.create(f"{it.name}-{count}") for count in range(AT_ONCE)]

    def move(version: Version) -> httpx.Response:
        """Move a version."""
        body = {"name": version.asset.name, "version": "1", "stage": "Staging"}
        return patient(it.people.client, "model-versions/transition-stage", body)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(move, versions))

    assert {HTTPStatus.OK} == {one.status_code for one in answers}
    for version in versions:
        state = it.context.ledger.state(version)
        found = it.stock.get_model_version(version.asset.name, "1")

        assert "Staging" == found.current_stage
        assert state is not None
        assert "Staging" == state.stage
    # Tags that a busy server took too long for are owed still; none was given up.
    assert [] == [one for one in upkeep.outbox(it.context) if one.owed.parked]


@pytest.mark.timeout(300)
def test_no_deadlock_with_one_worker(it: Guarded) -> None:
    """Stageward reads and writes at MLflow while MLflow waits for it: room is left for that."""
    _all_at_once(it)


@pytest.mark.timeout(300)
def test_no_deadlock_with_several_workers(tmp_path: Path, calls: Calls) -> None:
    """Each worker asks for itself, and any of them may be read."""
    with (
        asking_mlflow(tmp_path, calls.address, ("--workers", "2")) as server,
        governing(server, calls) as it,
    ):
        _all_at_once(it)


def test_at_most_one_holds_an_exclusive_stage_however_many_ask(
    asking: MlflowServer, calls: Calls
) -> None:
    """In the ledger, and once all is quiet in MLflow's own field and tags too."""
    with governing(asking, calls, unguarded()) as it:
        for number in range(1, 7):
            it.create()
            patient(
                it.people.client,
                "model-versions/transition-stage",
                moving(it, str(number), "Staging"),
            )
        with ThreadPoolExecutor(6) as pool:
            answers = list(
                pool.map(
                    lambda number: patient(
                        it.people.client,
                        "model-versions/transition-stage",
                        moving(it, str(number), "Production"),
                    ),
                    range(1, 7),
                )
            )
        (holder,) = it.context.ledger.load(it.asset).head.holders["Production"]
        it.settle()
        versions = it.stock.search_model_versions(f"name='{it.name}'")

        assert HTTPStatus.OK in {one.status_code for one in answers}
        assert [holder] == [one.version for one in versions if one.tags["stage"] == "Production"]
        assert [holder] == [one.version for one in versions if one.current_stage == "Production"]


def test_whom_mlflow_has_signed_in_is_whom_it_is_asked_for(tmp_path: Path, calls: Calls) -> None:
    """So they do not approve it themselves; whom MLflow does not let write is not asked about."""
    pytest.importorskip("flask_wtf", reason="mlflow[auth] brings it, and basic-auth needs it")
    auth = tmp_path / "auth.ini"
    auth.write_text(
        "[mlflow]\n"
        "default_permission = EDIT\n"
        f"database_uri = sqlite:///{tmp_path / 'auth.db'}\n"
        f"admin_username = {ADMIN[0]}\n"
        f"admin_password = {ADMIN[1]}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    settings = {"MLFLOW_AUTH_CONFIG_PATH": str(auth), "MLFLOW_FLASK_SERVER_SECRET_KEY": "secret"}
    options = ("--app-name", "basic-auth")
    with (
        asking_mlflow(tmp_path, calls.address, options, settings) as server,
        governing(server, calls, sign_in=ADMIN) as it,
    ):
        it.create()
        it.people.post("users/create", {"username": BOB[0], "password": BOB[1]})
        asked = [
            it.people.client.post(
                "/api/2.0/mlflow/model-versions/transition-stage",
                json=moving(it, "1", stage),
                auth=BOB,
            )
            for stage in ("Staging", "Production")
        ]
        nobody = it.people.client.post(
            "/api/2.0/mlflow/model-versions/transition-stage",
            json=moving(it, "1", "Archived"),
            auth=("bob", "wrong"),
        )
        found = query.approval(it.context, it.waiting()).approval

        assert [HTTPStatus.OK, HTTPStatus.FORBIDDEN] == [one.status_code for one in asked]
        assert HTTPStatus.UNAUTHORIZED == nobody.status_code
        assert ("person:eve", "person:bob") == (found.requester.id, found.on_behalf_of)
        assert "a sponsor" not in asked[1].json()["message"]

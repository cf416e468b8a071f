"""The governed client: a transition is a request, and stages are those that were granted."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import mlflow
import pytest
from mlflow.exceptions import MlflowException

from stage_functions.domain.approval import Decision
from stage_functions.mlflow.client import (
    GovernedError,
    MlflowClient,
    PendingError,
    RefusedError,
    UnavailableError,
)
from tests.builders import cast
from tests.mlflow.governed import Governed, governed
from tests.mlflow_server import MlflowServer

AWAY = "http://127.0.0.1:9"
"""Nothing listens there."""


def test_a_version_goes_its_way_by_mlflows_own_calls(here: Governed) -> None:
    """Granted at once, pending with the approval's address, then granted; the former one leaves."""
    name = here.model(versions=2)
    client = here.client()
    staged = client.transition_model_version_stage(name, 1, "staging")
    with pytest.raises(PendingError) as waits:
        client.transition_model_version_stage(name, "1", "Production", reason="AUC 0.94")
    asked = here.context.ledger.state(here.version(name, "1"))
    here.approve(waits.value.approval)
    (held,) = client.get_latest_versions(name, ["production"])
    here.promote(name, "2")

    assert ("1", "Staging") == (str(staged.version), staged.current_stage)
    assert f"{here.url}/approvals/{waits.value.approval}" == waits.value.address
    assert waits.value.address in str(waits.value)
    assert ("1 of risk",) == waits.value.needs
    assert "needs 1 of risk" in str(waits.value)
    assert asked is not None
    assert waits.value.approval == asked.approval
    assert "1" == str(held.version)
    assert ["Archived", "Production"] == [
        client.get_model_version(name, number).current_stage for number in ("1", "2")
    ]


def test_a_refusal_says_why_and_what_may_be_asked_for(here: Governed) -> None:
    """The reason, the stages that are allowed, as fields and in the message."""
    name = here.model()
    with pytest.raises(RefusedError) as no:
        here.client().transition_model_version_stage(name, 1, "Production")

    assert ("Staging", "Archived") == no.value.allowed
    assert no.value.reason in str(no.value)
    assert "PERMISSION_DENIED" == no.value.error_code


def test_to_take_a_stage_that_is_held_one_must_say_so(here: Governed) -> None:
    """MLflow's default leaves others where they are: at an exclusive stage that is refused."""
    name = here.model(versions=2)
    here.promote(name, "1")
    client = here.client()
    client.transition_model_version_stage(name, 2, "Staging")
    with pytest.raises(
        RefusedError, match="to take its place, ask with archive_existing_versions=True"
    ):
        client.transition_model_version_stage(name, 2, "Production")
    with pytest.raises(PendingError) as waits:
        client.transition_model_version_stage(name, 2, "Production", archive_existing_versions=True)

    assert ("1",) == waits.value.decision.displaces


def test_to_say_so_is_advised_only_where_that_helps(here: Governed) -> None:
    """No transition leads from None to Production, whoever holds that."""
    name = here.model(versions=2)
    here.promote(name, "1")
    with pytest.raises(RefusedError, match="None → Production is not allowed") as no:
        here.client().transition_model_version_stage(name, 2, "Production")

    assert "archive_existing_versions" not in str(no.value)


def test_others_are_archived_only_where_each_of_them_may_leave(here: Governed) -> None:
    """Else nothing is changed, and it is said whose archiving stands in the way."""
    name = here.model("held", versions=2)
    client = here.client()
    client.transition_model_version_stage(name, 1, "Staging")
    with pytest.raises(RefusedError, match=f"{name}:1 would not be archived at once") as no:
        client.transition_model_version_stage(name, 2, "Staging", archive_existing_versions=True)
    stages = [client.get_model_version(name, number).current_stage for number in ("1", "2")]
    state = here.context.ledger.state(here.version(name, "1"))

    assert "archive_existing_versions=False" in no.value.reason
    assert ["Staging", "None"] == stages
    assert state is not None
    assert not state.approval


@pytest.mark.parametrize("wait", [60, timedelta(minutes=1)], ids=["seconds", "timedelta"])
@pytest.mark.parametrize("decision", list(Decision))
def test_a_request_can_wait_for_its_approval(
    here: Governed, wait: float | timedelta, decision: Decision
) -> None:
    """While it waits somebody votes; then it is granted, or refused with what they say."""
    name = here.model()
    here.client().transition_model_version_stage(name, 1, "Staging")

    def vote(_: float) -> None:
        state = here.context.ledger.state(here.version(name, "1"))
        assert state is not None
        cast(here.context, state.approval, "rosa", decision, "seen")

    client = here.client(pause=vote, wait=wait)
    if decision is Decision.APPROVE:
        moved = client.transition_model_version_stage(name, 1, "Production")
        assert "Production" == moved.current_stage
        return
    with pytest.raises(RefusedError, match="seen") as no:
        client.transition_model_version_stage(name, 1, "Production")
    assert "rejected" in no.value.reason
    assert "Staging" == client.get_model_version(name, "1").current_stage


def test_waiting_ends_when_it_was_to_end(here: Governed) -> None:
    """Then the request still waits, and the error says for what."""
    name, pauses = here.model(), list[float]()
    client = here.client(pause=pauses.append)
    client.transition_model_version_stage(name, 1, "Staging")
    with pytest.raises(PendingError):
        client.transition_model_version_stage(name, 1, "Production", wait=0.05)

    assert pauses
    assert max(pauses) <= 0.05


def test_aliases_that_are_kept_follow_the_holder(here: Governed) -> None:
    """Whatever MLflow's own alias says; others are MLflow's."""
    name = here.model(versions=2)
    client = here.client()
    here.stock.set_registered_model_alias(name, "champion", "2")
    client.set_registered_model_alias(name, "shadow", "2")
    with pytest.raises(MlflowException, match="champion not found"):
        client.get_model_version_by_alias(name, "champion")
    here.promote(name, "1")
    found = client.get_registered_model(name)

    assert "1" == str(client.get_model_version_by_alias(name, "champion").version)
    assert "2" == str(client.get_model_version_by_alias(name, "shadow").version)
    assert {"champion": "1", "shadow": "2"} == {
        key: str(number) for key, number in found.aliases.items()
    }
    assert [["champion"], ["shadow"]] == [
        client.get_model_version(name, number).aliases for number in ("1", "2")
    ]
    assert "1" == str(client.copy_model_version(f"models:/{name}@champion", f"{name}-2").version)


def test_to_set_an_alias_that_is_kept_is_to_ask_for_its_stage(here: Governed) -> None:
    """It waits for approval as any request; it cannot be deleted; where it is it may be set."""
    name = here.model()
    client = here.client()
    with pytest.raises(RefusedError):
        client.set_registered_model_alias(name, "champion", "1")
    client.transition_model_version_stage(name, 1, "Staging")
    with pytest.raises(PendingError) as waits:
        client.set_registered_model_alias(name, "champion", "1")
    here.approve(waits.value.approval)
    client.set_registered_model_alias(name, "champion", "1")
    with pytest.raises(RefusedError, match="keeps the alias champion"):
        client.delete_registered_model_alias(name, "champion")
    client.set_registered_model_alias(name, "shadow", "1")
    client.delete_registered_model_alias(name, "shadow")

    assert "1" == str(client.get_model_version_by_alias(name, "champion").version)


def test_to_set_the_tag_of_the_stage_is_to_ask_for_it(here: Governed) -> None:
    """By whoever is signed in; what Stageward says of it nobody else writes."""
    name = here.model()
    client = here.client()
    client.set_model_version_tag(name, "1", "stage", "Staging")
    client.set_model_version_tag(name, "1", "team", "growth")
    with pytest.raises(PendingError):
        client.set_model_version_tag(name, "1", "stage", "Production")
    for key in ("stage_status", "stage_governor"):
        with pytest.raises(RefusedError, match="only Stageward writes"):
            client.set_model_version_tag(name, "1", key, "x")
    with pytest.raises(RefusedError, match="only Stageward writes"):
        client.delete_model_version_tag(name, "1", "stage")
    client.delete_model_version_tag(name, "1", "team")

    assert "Staging" == client.get_model_version(name, "1").current_stage
    assert "growth" not in client.get_model_version(name, "1").tags.values()


def test_mlflows_own_stage_is_never_shown(here: Governed) -> None:
    """Whatever others have written there: nothing of it was granted."""
    name = here.model()
    unseen = here.register(name, told=False)
    with pytest.warns(FutureWarning):
        here.stock.transition_model_version_stage(name, "1", "Production")
    with pytest.warns(FutureWarning):
        here.stock.transition_model_version_stage(name, unseen, "Production")
    client = here.client()
    found = client.search_model_versions(f"name = '{name}'")
    (model,) = client.search_registered_models(f"name = '{name}'")

    assert [] == client.get_latest_versions(name, ["Production"])
    assert ["None", "None"] == [one.current_stage for one in found]
    assert {"None"} == {one.current_stage for one in model.latest_versions}
    assert ["2"] == [str(one.version) for one in client.get_latest_versions(name)]
    assert ["2"] == [str(one.version) for one in client.get_registered_model(name).latest_versions]


def test_a_model_that_is_registered_anew_holds_nothing(here: Governed) -> None:
    """Its numbers begin again: what stood at Production was another thing."""
    name = here.model()
    here.promote(name, "1")
    here.stock.delete_registered_model(name)
    here.stock.create_registered_model(name)
    here.register(name, told=False)
    client = here.client()

    assert [] == client.get_latest_versions(name, ["Production"])
    assert "None" == client.get_model_version(name, "1").current_stage
    with pytest.raises(MlflowException, match="champion not found"):
        client.get_model_version_by_alias(name, "champion")


READS: dict[str, Callable[[mlflow.MlflowClient, str], object]] = {
    "latest": lambda client, name: client.get_latest_versions(name, ["Production"]),
    "version": lambda client, name: client.get_model_version(name, "1"),
    "search": lambda client, name: client.search_model_versions(f"name = '{name}'"),
    "model": lambda client, name: client.get_registered_model(name),
    "models": lambda client, name: client.search_registered_models(f"name = '{name}'"),
    "alias": lambda client, name: client.get_model_version_by_alias(name, "shadow"),
    "kept alias": lambda client, name: client.get_model_version_by_alias(name, "champion"),
    "stages": lambda client, name: client.get_model_version_stages(name, "1"),
    "ask": lambda client, name: client.transition_model_version_stage(name, "1", "Staging"),
    "set alias": lambda client, name: client.set_registered_model_alias(name, "shadow", "1"),
    "tag": lambda client, name: client.set_model_version_tag(name, "1", "stage", "Staging"),
}


@pytest.mark.parametrize("call", READS)
def test_nothing_is_shown_or_granted_while_stageward_is_away(here: Governed, call: str) -> None:
    """An error that existing code catches, and never MLflow's own stage in its place."""
    name = _held_by_mlflow_alone(here)
    with MlflowAway(here.address) as client, pytest.raises(UnavailableError) as away:
        READS[call](client, name)

    assert isinstance(away.value, MlflowException)
    assert "TEMPORARILY_UNAVAILABLE" == away.value.error_code
    assert AWAY in str(away.value)


class MlflowAway:
    """A client whose Stageward does not answer."""

    def __init__(self, address: str) -> None:
        self._client = MlflowClient(address, url=AWAY, token="ada", registry="demo")

    def __enter__(self) -> MlflowClient:
        return self._client

    def __exit__(self, *_: object) -> None:
        self._client.close()


_HELD: dict[str, str] = {}


def _held_by_mlflow_alone(here: Governed) -> str:
    """Return a model that MLflow says is at Production, with an alias; made once."""
    if here.address not in _HELD:
        name = here.model()
        here.stock.set_registered_model_alias(name, "shadow", "1")
        with pytest.warns(FutureWarning):
            here.stock.transition_model_version_stage(name, "1", "Production")
        _HELD[here.address] = name
    return _HELD[here.address]


def test_what_stageward_does_not_govern_has_no_stage_but_can_be_read(here: Governed) -> None:
    """By number and as the latest; whoever names a stage is told why there is none."""
    name = here.model("seen")
    client = here.client()
    here.stock.set_registered_model_alias(name, "champion", "1")
    client.set_model_version_tag(name, "1", "stage", "mine")

    assert "None" == client.get_model_version(name, "1").current_stage
    assert ["1"] == [str(one.version) for one in client.get_latest_versions(name)]
    assert "1" == str(client.get_model_version_by_alias(name, "champion").version)
    assert "mine" == client.get_model_version(name, "1").tags["stage"]
    with pytest.raises(MlflowException, match="Invalid Model Version stage"):
        client.get_latest_versions(name, ["Production"])
    with pytest.raises(GovernedError, match="no lifecycle governs"):
        client.transition_model_version_stage(name, "1", "Staging")


def test_a_registry_that_is_only_observed_grants_nothing(mlflow_server: MlflowServer) -> None:
    """Whoever asks for a stage there is told so, and so is whoever asks for a transition."""
    with governed(mlflow_server.address, "observe") as here:
        name = here.model()
        client = here.client()
        with pytest.raises(GovernedError, match="mode observe"):
            client.get_latest_versions(name, ["Production"])
        with pytest.raises(GovernedError, match="mode observe"):
            client.transition_model_version_stage(name, 1, "Staging")

        assert ["None"] == [one.current_stage for one in client.get_latest_versions(name)]


def test_a_fault_of_the_caller_has_mlflows_word_for_it(here: Governed) -> None:
    """Nobody is signed in; no such registry; an address that is none."""
    name = here.model()
    wrong = {
        "UNAUTHENTICATED": here.client("nobody"),
        "RESOURCE_DOES_NOT_EXIST": here.client(registry="elsewhere"),
        "INVALID_PARAMETER_VALUE": MlflowClient(here.address, url="ftp://nowhere"),
    }
    found = {}
    for expected, client in wrong.items():
        with pytest.raises(GovernedError) as fault:
            client.get_model_version(name, "1")
        found[expected] = fault.value.error_code

    assert {code: code for code in wrong} == found


def test_a_client_without_a_token_is_told_what_to_set(
    here: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the words of the command line: headers are the client's to send."""
    monkeypatch.delenv("STAGEWARD_TOKEN", raising=False)
    name = here.model()
    with pytest.raises(GovernedError) as fault:
        here.client("").get_model_version(name, "1")

    assert "UNAUTHENTICATED" == fault.value.error_code
    assert str(fault.value).endswith(
        "STAGEWARD_TOKEN is not set, so nobody is signed in.\n"
        "Set STAGEWARD_TOKEN to the key of a person in `people` of the configuration."
    )


def test_the_registry_is_found_by_its_address(here: Governed) -> None:
    """However the address is written; one that Stageward has not is not guessed."""
    name = here.model()
    other = here.address.replace("127.0.0.1", "LOCALHOST") + "/"
    found = MlflowClient(other, url=here.url, token="ada")
    lost = MlflowClient("http://127.0.0.1:9", url=here.url, token="ada")

    assert "1" == str(found.get_model_version(name, "1").version)
    with pytest.raises(MlflowException, match=r"it has: demo \(http"):
        lost.get_latest_versions(name)
    for client in (found, lost):
        client.close()


def test_a_client_and_its_errors_can_be_sent_to_another_process(here: Governed) -> None:
    """By pickle, as MLflow's own: to Spark, Ray, joblib."""
    name = here.model()
    client = pickle.loads(pickle.dumps(here.client()))  # our own
    errors: list[RefusedError | PendingError] = []
    for stage in ("Production", "Staging", "Production"):
        try:
            client.transition_model_version_stage(name, 1, stage)
        except (RefusedError, PendingError) as exc:
            errors.append(exc)
    client.close()

    assert [RefusedError, PendingError] == [type(one) for one in errors]
    for one in errors:
        same = pickle.loads(pickle.dumps(one))  # our own
        assert (type(one), str(one), one.decision) == (type(same), str(same), same.decision)


def test_a_client_is_shared_by_threads(here: Governed) -> None:
    """All ask at once, and each gets its own answer."""
    name = here.model("free", 8)
    client, ready = here.client(), threading.Barrier(8)

    def move(number: int) -> str:
        ready.wait()
        moved = client.transition_model_version_stage(name, number, "Staging")
        return f"{moved.version} {moved.current_stage}"

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(move, range(1, 9)))

    assert [f"{number} Staging" for number in range(1, 9)] == found

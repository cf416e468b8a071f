"""MLflow's own tests of stages, told again, against MLflow's client and against the governed one.

What MLflow's suite says of `transition_model_version_stage` and `get_latest_versions` (its tests of
the SQL store and of the registry client) is written here as stories, each played by both clients on
one server. Where a lifecycle allows what MLflow allows, both end alike. `DIFFERENT` is played on
the lifecycle that ships: those are the rows of the table in docs/mlflow.md.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TypeVar

import mlflow
import pytest
from mlflow.exceptions import MlflowException
from msgspec import Struct

from stage_functions.mlflow.client import PendingError, RefusedError
from tests.mlflow.governed import Governed

T = TypeVar("T")


class Move(Struct, frozen=True):
    """One call of `transition_model_version_stage`."""

    version: int
    stage: str
    archive: bool = False


class Story(Struct, frozen=True):
    """Calls, what each raises (a part of its message, or ""), and where versions stand then."""

    says: str
    moves: tuple[tuple[Move, str], ...]
    stages: tuple[str, ...]


_NOT_ACTIVE = "is not an Active stage"
ALIKE = (
    Story("a version is moved", ((Move(1, "Production"), ""),), ("Production",)),
    Story("it may be moved back", ((Move(1, "Staging"), ""), (Move(1, "None"), "")), ("None",)),
    Story(
        "stages are written in any letters",
        tuple((Move(1, one), "") for one in ("STAGING", "production", "StAgInG")),
        ("Staging",),
    ),
    Story(
        "no other stage is known",
        (
            (
                Move(1, "unknown"),
                "Invalid Model Version stage: unknown. "
                "Value must be one of None, Staging, Production, Archived.",
            ),
        ),
        ("None",),
    ),
    Story("a stage has a name", ((Move(1, " "), "must not be an empty string"),), ("None",)),
    Story("to move it where it stands is no fault", ((Move(1, "None"), ""),), ("None",)),
    Story(
        "without archiving, others stay",
        (
            (Move(1, "Archived"), ""),
            (Move(1, "None"), ""),
            (Move(1, "Staging"), ""),
            (Move(2, "Production"), ""),
            (Move(3, "Staging"), ""),
            (Move(3, "Production"), ""),
        ),
        ("Staging", "Production", "Production"),
    ),
    Story(
        "with archiving, others at that stage are archived",
        (
            (Move(1, "Staging"), ""),
            (Move(2, "Production"), ""),
            (Move(3, "Staging", archive=True), ""),
            (Move(3, "production", archive=True), ""),
        ),
        ("Archived", "Archived", "Production"),
    ),
    Story(
        "nothing is archived for a stage that is not active",
        (
            (Move(1, "Archived", archive=True), _NOT_ACTIVE),
            (Move(1, "None", archive=True), _NOT_ACTIVE),
        ),
        ("None",),
    ),
    Story(
        "a version that is not there cannot be moved",
        ((Move(7, "Staging"), "RESOURCE_DOES_NOT_EXIST"),),
        ("None",),
    ),
)


@pytest.mark.parametrize("story", ALIKE, ids=lambda story: story.says)
@pytest.mark.parametrize("whose", ["mlflow", "governed"])
def test_where_a_lifecycle_allows_it_both_clients_do_alike(
    here: Governed, story: Story, whose: str
) -> None:
    """The same calls, the same faults, the same stages.

    MLflow answers some refusals with 500, of which its client over HTTP says no more.
    """
    client = here.stock if whose == "mlflow" else here.client()
    name = here.model("free", len(story.stages))
    raised = [played(client, name, move) for move, _ in story.moves]

    for said, (_, expected) in zip(raised, story.moves, strict=True):
        assert bool(expected) == bool(said), said
        assert expected in said or (whose == "mlflow" and said.startswith("INTERNAL_ERROR"))
    assert story.stages == tuple(
        client.get_model_version(name, str(number)).current_stage
        for number in range(1, len(story.stages) + 1)
    )


ASKED: Sequence[tuple[list[str] | None, set[tuple[str, str]]]] = (
    (None, {("None", "6"), ("Staging", "5"), ("Production", "4"), ("Archived", "3")}),
    ([], {("None", "6"), ("Staging", "5"), ("Production", "4"), ("Archived", "3")}),
    (["None"], {("None", "6")}),
    (["none"], {("None", "6")}),
    (["Staging"], {("Staging", "5")}),
    (["prodUCtion"], {("Production", "4")}),
    (["None", "Production"], {("None", "6"), ("Production", "4")}),
)


@pytest.mark.parametrize("whose", ["mlflow", "governed"])
def test_the_latest_of_each_stage_is_the_highest_number(here: Governed, whose: str) -> None:
    """Of all stages, or of those that are named, in any letters; after a deletion the next."""
    client = here.stock if whose == "mlflow" else here.client()
    name = here.model("free", 6)
    moves = ((1, "Production"), (2, "Staging"), (3, "Archived"), (4, "Production"), (5, "Staging"))
    for number, stage in moves:
        played(client, name, Move(number, stage))
    found = [latest(client, name, asked) for asked, _ in ASKED]
    client.delete_model_version(name, "4")

    assert [expected for _, expected in ASKED] == found
    assert {("Production", "1")} == latest(client, name, ["Production"])
    with pytest.raises(MlflowException, match="Invalid Model Version stage: other"):
        latest(client, name, ["Production", "other"])
    with pytest.raises(MlflowException) as missing:
        latest(client, f"{name}-not", None)
    assert "RESOURCE_DOES_NOT_EXIST" == missing.value.error_code


@pytest.mark.parametrize("whose", ["mlflow", "governed"])
def test_a_search_shows_stages_sorts_and_pages(here: Governed, whose: str) -> None:
    """MLflow filters, sorts and pages; each version that is found shows its stage."""
    client = here.stock if whose == "mlflow" else here.client()
    name, other = here.model("free", 5), here.model("free", 1)
    played(client, name, Move(2, "production"))
    played(client, other, Move(1, "Staging"))
    query = f"name = '{name}'"
    pages: list[list[tuple[str, str]]] = []
    token = None
    while token or not pages:
        page = client.search_model_versions(
            query, max_results=2, order_by=["version_number ASC"], page_token=token
        )
        pages.append([(str(one.version), str(one.current_stage)) for one in page])
        token = page.token
    both = client.search_model_versions(f"name IN ('{name}', '{other}')")

    assert [
        [("1", "None"), ("2", "Production")],
        [("3", "None"), ("4", "None")],
        [("5", "None")],
    ] == pages
    assert {(name, "Production"), (name, "None"), (other, "Staging")} == {
        (one.name, one.current_stage) for one in both
    }
    with pytest.raises(MlflowException, match="Invalid value"):
        client.search_model_versions(query, max_results=10**9)


@pytest.mark.parametrize("whose", ["mlflow", "governed"])
def test_a_transition_changes_nothing_else_of_a_version(here: Governed, whose: str) -> None:
    """Where it can be downloaded, its description, and the stage after both were looked at."""
    client = here.stock if whose == "mlflow" else here.client()
    name = here.model("free")
    before = client.get_model_version_download_uri(name, "1")
    played(client, name, Move(1, "Production"))
    client.update_model_version(name, "1", "online")
    found = client.get_model_version(name, "1")

    assert before == client.get_model_version_download_uri(name, "1")
    assert ("online", "Production") == (found.description, found.current_stage)


DIFFERENT: tuple[tuple[str, Sequence[Move], type[Exception], str], ...] = (
    ("what the lifecycle does not allow", [Move(2, "Production")], RefusedError, "not allowed"),
    (
        "what takes approval",
        [Move(2, "Staging"), Move(2, "Production", archive=True)],
        PendingError,
        "1 of",
    ),  # a field
    (
        "a stage that one alone holds",
        [Move(2, "Staging"), Move(2, "Production")],
        RefusedError,
        "1",
    ),
    ("what is terminal", [Move(2, "Archived"), Move(2, "Staging")], RefusedError, "Archived"),
    ("back to the first stage", [Move(2, "Staging"), Move(2, "None")], RefusedError, "None"),
)


@pytest.mark.parametrize(
    ("moves", "error", "said"), [row[1:] for row in DIFFERENT], ids=[row[0] for row in DIFFERENT]
)
def test_where_a_lifecycle_says_otherwise_it_is_asked(
    here: Governed, moves: Sequence[Move], error: type[Exception], said: str
) -> None:
    """The last call raises and changes nothing, though MLflow alone would have done it."""
    name = here.model(versions=2)
    here.promote(name, "1")
    client = here.client()
    *first, last = moves
    for move in first:
        assert "" == played(client, name, move)
    before = client.get_model_version(name, "2").current_stage
    with pytest.raises(error, match=said):
        client.transition_model_version_stage(name, last.version, last.stage, last.archive)

    assert before == client.get_model_version(name, "2").current_stage
    assert {("Production", "1")} == latest(client, name, ["Production"])


def played(client: mlflow.MlflowClient, name: str, move: Move) -> str:
    """Make a call; return what it raises: its code and its message."""
    try:
        moved = _quietly(
            lambda: client.transition_model_version_stage(
                name, str(move.version), move.stage, archive_existing_versions=move.archive
            )
        )
    except MlflowException as exc:
        return f"{exc.error_code}: {exc.message}"
    assert move.stage.lower() == moved.current_stage.lower()
    return ""


def latest(
    client: mlflow.MlflowClient, name: str, stages: list[str] | None
) -> set[tuple[str, str]]:
    """Return stage and number of the latest versions."""
    found = _quietly(lambda: client.get_latest_versions(name, stages))
    return {(one.current_stage, str(one.version)) for one in found}


def _quietly(call: Callable[[], T]) -> T:
    """Make a call of MLflow's own client, which warns that stages are deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return call()

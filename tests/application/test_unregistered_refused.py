"""Nothing can be asked of what nobody has registered, and every answer says how to register it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.answer import AnswerKind
from stage_functions.application.checks import Action, Question, check
from stage_functions.application.transition import preview, request_transition
from stage_functions.application.unregistered_rows import Note
from stage_functions.application.unregistered_words import how_to_register
from stage_functions.application.vote import VoteCommand, vote
from stage_functions.domain.approval import Decision, Status
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.configuration import RegistryConfiguration, RegistryType
from stage_functions.domain.error import NotFoundError
from stage_functions.domain.lifecycle import UNREGISTERED
from stage_functions.domain.transition import Request
from tests.application.unregistered_world import (
    NAMELESS,
    OUTPUT,
    anonymous,
    ends,
    leave,
    register,
    told,
)
from tests.builders import World, actor, world

MADE = datetime(2026, 11, 23, tzinfo=UTC)
HOW = {
    OUTPUT: "az ml model create --name <name> --path azureml://jobs/job_1/outputs/model"
    " --type mlflow_model",
    NAMELESS: "az ml model create --name <name> --path azureml://c --type <its type>",
}


@pytest.fixture
def it() -> Iterator[World]:
    """A world with an output and a version that nobody has registered."""
    made = world()
    leave(made)
    ends(made)
    told(made, anonymous(made))
    yield made
    made.rows.close()


def words(version: Version) -> str:
    """Return what is answered, whatever was asked."""
    return f"{version} is Unregistered: register it first, such as by `{HOW[version]}`"


@pytest.mark.parametrize("version", [OUTPUT, NAMELESS], ids=["output", "anonymous"])
def test_every_transition_is_refused(it: World, version: Version) -> None:
    """Asked for or only tried, to whatever stage; nothing comes of it."""
    request = Request("Staging", "", actor("sam"))
    asked = request_transition(it.context, it.command(version, "Staging"))
    tried = preview(it.context, version, request)

    assert asked == tried
    assert (asked.kind, asked.stage) == (AnswerKind.REFUSED, UNREGISTERED)
    assert asked.detail == words(version)
    assert it.context.ledger.load(version.asset).etag == ""


@pytest.mark.parametrize("version", [OUTPUT, NAMELESS], ids=["output", "anonymous"])
@pytest.mark.parametrize("action", [Action.TRANSITION, Action.DEPLOY])
def test_a_check_of_its_use_says_no(it: World, version: Version, action: Action) -> None:
    """A pipeline neither promotes nor deploys it, and is told what to do."""
    request = Request("Staging", "", actor("sam"))
    found = check(it.context, Question(version, action, request, "demo/scoring"))

    assert (found.allowed, found.outcome) == (False, AnswerKind.REFUSED)
    assert (found.stage, found.detail) == (UNREGISTERED, words(version))


@pytest.mark.parametrize("version", [OUTPUT, NAMELESS], ids=["output", "anonymous"])
def test_it_may_be_deleted(it: World, version: Version) -> None:
    """There is no other way to get rid of it, but to register it."""
    found = check(it.context, Question(version, Action.DELETE, Request("", "", actor("sam"))))

    assert (found.allowed, found.stage) == (True, UNREGISTERED)


def test_what_no_lifecycle_would_govern_is_refused_in_the_same_words(it: World) -> None:
    """The name under which it is noted is not that which it will be registered under."""
    alias = replace(it.context.configuration.registry("demo"), watch=("models/iris",))
    configuration = replace(it.context.configuration, registries={"demo": alias})
    context = replace(it.context, configuration=configuration)
    answer = request_transition(context, it.command(OUTPUT, "Staging"))

    assert answer.detail == words(OUTPUT)
    with pytest.raises(NotFoundError, match="no lifecycle governs"):
        request_transition(context, it.command(Version(OUTPUT.asset, "2"), "Staging"))


def test_what_is_not_noted_does_not_exist(it: World) -> None:
    """As before."""
    other = Version(OUTPUT.asset, "2")

    with pytest.raises(NotFoundError, match="has no demo/models/azureml_job_1_output_model:2"):
        request_transition(it.context, it.command(other, "Staging"))


def test_what_is_registered_is_refused_no_longer(it: World) -> None:
    """The version is; the output is not there any more."""
    version = told(it, register(it))
    answer = request_transition(it.context, it.command(version, "Staging"))

    assert answer.kind is AnswerKind.GRANTED
    with pytest.raises(NotFoundError):
        request_transition(it.context, it.command(OUTPUT, "Staging"))


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        (Kind.DATA, "az ml data create --name <name> --path azureml://x --type <its type>"),
        (Kind.ENVIRONMENTS, "az ml environment create --name <name> --file <its YAML file>"),
        (Kind.COMPONENTS, "az ml component create --name <name> --file <its YAML file>"),
    ],
)
def test_each_kind_is_registered_by_its_own_command(it: World, kind: Kind, how: str) -> None:
    """What Azure ML calls it."""
    version = anonymous(it, Version(Asset("demo", kind, "anonymous"), "1"), "azureml://x")
    watching = replace(it.context.configuration.registry("demo"), watch=("*",))
    configuration = replace(it.context.configuration, registries={"demo": watching})
    context = replace(it.context, configuration=configuration)

    assert how in request_transition(context, it.command(version, "Staging")).detail


@pytest.mark.parametrize(
    ("address", "place"),
    [
        (
            "/subscriptions/s/resourceGroups/Team A/providers/Microsoft.MachineLearningServices"
            "/workspaces/dev/",
            "--workspace-name dev --resource-group 'Team A'",
        ),
        (
            "subscriptions/s/resourcegroups/g/providers/microsoft.machinelearningservices"
            "/registries/shared",
            "--registry-name shared",
        ),
        ("/subscriptions/s", ""),
    ],
)
def test_the_command_names_the_workspace_or_registry(address: str, place: str) -> None:
    """Where it is registered does not hang on what `az` takes by default."""
    registry = RegistryConfiguration("demo", RegistryType.AZUREML, address)
    note = Note("demo/models/x:1", "azureml://a b", MADE, MADE, type="custom_model")

    expected = "az ml model create --name <name> --path 'azureml://a b' --type custom_model"
    assert f"{expected} {place}".rstrip() == how_to_register(note, registry)


def test_an_approval_of_a_version_that_lost_its_name_is_voided(it: World) -> None:
    """At the vote that would have granted it: there is nothing left to move."""
    version = told(it, register(it))
    request_transition(it.context, it.command(version, "Staging"))
    request_transition(it.context, it.command(version, "Production"))
    it.registry.call_anonymous(version)
    (view,) = query.approvals(it.context)
    for person in ("bob", "eve"):
        print_ = view.approval.fingerprint
        ballot = VoteCommand(
            view.approval.id, Decision.APPROVE, "", print_, actor(person), f"vote-{person}"
        )
        vote(it.context, ballot)
    closed = query.approval(it.context, view.approval.id).approval

    assert (closed.status, closed.why) == (Status.VOIDED, f"{version} is no longer registered")
    assert request_transition(it.context, it.command(version, "Archived")).stage == UNREGISTERED

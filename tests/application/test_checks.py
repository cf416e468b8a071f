"""What a pipeline or an admission policy asks before it acts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.answer import AnswerKind
from stage_functions.application.checks import Action, Finding, Question, check
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import (
    InvalidInputError,
    NotFoundError,
    RegistryUnavailableError,
)
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.transition import Request
from tests.builders import IRIS, World, actor, lifecycle, world

ONE = Version(IRIS, "1")


def deploying() -> Lifecycle:
    """Return the default lifecycle's shape, with endpoints."""
    default = lifecycle()
    globs = {"Staging": ("demo/test",), "Production": ("*/scoring",)}
    stages = {
        name: replace(stage, deployable_to=globs.get(name, ()))
        for name, stage in default.stages.items()
    }
    return replace(default, stages=stages)


@pytest.fixture
def it() -> Iterator[World]:
    """A world with version 1 at Staging."""
    made = world(governed_by=deploying())
    request_transition(made.context, made.command(made.register("1"), "Staging"))
    yield made
    made.rows.close()


def asked(it: World, action: Action, target: str = "", endpoint: str = "") -> Finding:
    """Ask about version 1; nothing may come of it."""
    before = it.context.ledger.load(IRIS)
    question = Question(ONE, action, Request(target, "", actor("sam")), endpoint)
    found = check(it.context, question)
    assert it.context.ledger.load(IRIS) == before
    return found


@pytest.mark.parametrize(
    ("target", "outcome", "allowed"),
    [
        ("Archived", AnswerKind.GRANTED, True),
        ("Staging", AnswerKind.UNCHANGED, True),
        ("Production", AnswerKind.PENDING, False),
        ("None", AnswerKind.REFUSED, False),
    ],
)
def test_a_transition_is_allowed_if_it_would_take_place_now(
    it: World, target: str, outcome: AnswerKind, *, allowed: bool
) -> None:
    """What still waits for approval would not."""
    found = asked(it, Action.TRANSITION, target)

    assert (found.allowed, found.outcome, found.stage) == (allowed, outcome, "Staging")


def test_a_refused_transition_says_what_may_be_asked_for(it: World) -> None:
    """The next step is in the answer."""
    assert asked(it, Action.TRANSITION, "None").allowed_stages == ("Archived", "Production")
    assert query.approvals(it.context) == []


@pytest.mark.parametrize(
    ("endpoint", "allowed", "detail"),
    [
        ("demo/test", True, "a version at Staging may be deployed to demo/test"),
        (
            "demo/scoring",
            False,
            f"{ONE} stands at Staging, not deployable to demo/scoring; demo/scoring takes Production",
        ),
        ("demo/any", False, f"{ONE} stands at Staging, not deployable to demo/any"),
    ],
)
def test_a_version_is_deployed_only_where_its_stage_may_be(
    it: World, endpoint: str, detail: str, *, allowed: bool
) -> None:
    """And the stage that would do is named."""
    found = asked(it, Action.DEPLOY, endpoint=endpoint)

    assert (found.allowed, found.detail) == (allowed, detail)


def test_what_only_lacks_approval_says_of_whom(it: World) -> None:
    """No rule failed: so it is not said in the words of one."""
    before = asked(it, Action.TRANSITION, "Production")
    waits = "1 of risk, 1 more of risk or science; excluded: the requester and the author"
    opened = request_transition(it.context, it.command(ONE, "Production"))
    after = asked(it, Action.TRANSITION, "Production")

    assert before.outcome is AnswerKind.PENDING
    assert before.detail == f"Staging → Production needs approval: {waits}"
    assert after.detail == (
        f"Staging → Production needs approval, and {opened.approval} of it is open: "
        f"it needs {waits}"
    )


def test_a_deployment_to_nowhere_is_no_question(it: World) -> None:
    """An endpoint left out must not pass as any."""
    with pytest.raises(InvalidInputError, match="'endpoint' is missing"):
        asked(it, Action.DEPLOY)


@pytest.mark.parametrize(
    ("endpoint", "told"),
    [
        ("scoring", "'scoring' names no endpoint; write registry/endpoint, such as demo/scoring"),
        ("demo/", "'demo/' names no endpoint; write registry/endpoint, such as demo/scoring"),
        ("demo/a/b", "'demo/a/b' names no endpoint; write registry/endpoint, such as demo/scoring"),
        (
            "DEMO/scoring",
            "'DEMO/scoring' is of no registry; there are demo; did you mean 'demo'?",
        ),
        (
            "cluster/scoring",
            "'cluster/scoring' is of no registry; there are demo; name the registry that the "
            "endpoint is in or, outside Azure ML, whose models it serves, such as demo/scoring",
        ),
    ],
)
def test_a_gate_does_not_pass_for_a_place_that_there_is_not(
    it: World, endpoint: str, told: str
) -> None:
    """Production may be deployed to any scoring, but a slip in a pipeline is none."""
    with pytest.raises(InvalidInputError) as caught:
        asked(it, Action.DEPLOY, endpoint=endpoint)

    assert told == str(caught.value)


def test_a_version_is_deleted_only_where_its_stage_may_be(it: World) -> None:
    """And the stages that would do are named."""
    kept = asked(it, Action.DELETE)
    request_transition(it.context, it.command(ONE, "Archived"))
    let_go = asked(it, Action.DELETE)

    assert (
        kept.detail
        == f"{ONE} stands at Staging, where nothing is deleted; deletable are None and Archived"
    )
    assert (kept.allowed, let_go.allowed) == (False, True)
    assert let_go.detail == "a version at Archived may be deleted"


def test_a_tag_opens_no_gate(it: World) -> None:
    """The answer is the ledger's, whatever the version shows."""
    it.registry.set_tags(ONE, {"stage": "Production"})

    assert not asked(it, Action.DEPLOY, endpoint="demo/scoring").allowed


@pytest.mark.parametrize("action", [Action.DEPLOY, Action.DELETE])
def test_what_was_granted_no_stage_passes_no_gate(it: World, action: Action) -> None:
    """A version that no signal has told of yet."""
    two = Version(IRIS, "2")
    it.registry.register(two, it.clock.now(), tags={"stage": "Production"})
    question = Question(two, action, Request("", "", actor("sam")), "demo/scoring")
    found = check(it.context, question)

    assert (found.allowed, found.stage) == (False, "")
    assert found.detail == f"the ledger has granted {two} no stage yet"


def test_in_a_registry_that_is_only_observed_no_gate_opens() -> None:
    """And the reason is the registry's mode."""
    observed = world(Mode.OBSERVE, governed_by=deploying())
    observed.register("1", {"stage": "Production"})
    found = asked(observed, Action.DEPLOY, endpoint="demo/scoring")
    observed.rows.close()

    assert (found.allowed, found.detail) == (False, "registry demo is in mode observe")


@pytest.mark.parametrize("action", list(Action))
def test_what_is_gone_or_cannot_be_read_gets_no_answer(it: World, action: Action) -> None:
    """A gate that hears no answer stays shut."""
    it.registry.away = True
    with pytest.raises(RegistryUnavailableError):
        asked(it, action, "Archived", "demo/test")
    it.registry.away = False
    it.registry.remove(ONE)
    with pytest.raises(NotFoundError):
        asked(it, action, "Archived", "demo/test")


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("target", ["Production", "None", "Staging"])
def test_where_it_is_only_observed_no_transition_is_allowed(target: str, *, known: bool) -> None:
    """Whatever a tag says, nothing was granted; what would become of it is told."""
    observed = world(Mode.OBSERVE, governed_by=deploying())
    observed.registry.register(ONE, observed.clock.now(), tags={"stage": "Production"})
    if known:
        follow(observed.context, Signal(ONE))
    found = asked(observed, Action.TRANSITION, target)
    observed.rows.close()

    assert (found.allowed, found.outcome) == (False, AnswerKind.REFUSED)
    assert "registry demo is in mode observe; the request would be " in found.detail
    assert "  " not in found.detail


def test_what_nobody_has_registered_is_not_deployed(it: World) -> None:
    """Whatever its tags say; and it is said what to do."""
    it.registry.call_anonymous(ONE)
    found = asked(it, Action.DEPLOY, endpoint="demo/test")

    assert (False, "Unregistered") == (found.allowed, found.stage)
    assert found.detail.startswith(f"{ONE} is Unregistered: register it first")


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_asset_has_a_gate(it: World, kind: Kind) -> None:
    """The lifecycle asks for none in particular."""
    configuration = it.context.configuration
    everything = replace(configuration.registry("demo"), watch=("*/*",))
    configuration = replace(configuration, registries={"demo": everything})
    context = replace(it.context, configuration=configuration)
    version = Version(Asset("demo", kind, "thing"), "1")
    it.registry.register(version, it.clock.now())
    follow(context, Signal(version))
    request = Request("", "", actor("sam"))
    before = check(context, Question(version, Action.DEPLOY, request, "demo/test"))
    request_transition(context, it.command(version, "Staging"))
    after = check(context, Question(version, Action.DEPLOY, request, "demo/test"))

    assert (False, True) == (before.allowed, after.allowed)
    assert not check(context, Question(version, Action.DELETE, request)).allowed

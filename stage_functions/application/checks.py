"""What would happen, and why: asked by pipelines and admission policies before they act.

A gate asks here and never reads a tag: the answer comes from the ledger, after the registry has
confirmed that the version is still the thing that was granted its stage.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application.answer import AnswerKind
from stage_functions.application.context import Context
from stage_functions.application.ledger import Loaded
from stage_functions.application.transition import load_and_read, preview
from stage_functions.application.unregistered_rows import Note
from stage_functions.application.unregistered_words import refusal_words
from stage_functions.domain import blocked
from stage_functions.domain.asset import Version
from stage_functions.domain.emergency import undeployable
from stage_functions.domain.endpoint import endpoint_fault
from stage_functions.domain.error import InvalidInputError
from stage_functions.domain.lifecycle import UNREGISTERED, Lifecycle, Stage
from stage_functions.domain.record import minute
from stage_functions.domain.rule import Verdict
from stage_functions.domain.state import VersionState
from stage_functions.domain.transition import Request
from stage_functions.domain.voting import waits_for


class Action(StrEnum):
    """What somebody is about to do with a version."""

    TRANSITION = "transition"
    DEPLOY = "deploy"
    DELETE = "delete"


class Question(Struct, frozen=True):
    """What is asked.

    Attributes:
        version: which version.
        action: what is to be done with it.
        request: the transition, where that is the action.
        endpoint: `registry/endpoint` that it is to be deployed to, where that is the action.
    """

    version: Version
    action: Action
    request: Request
    endpoint: str = ""


class Finding(Struct, frozen=True):
    """What would happen.

    Attributes:
        allowed: it would take place now.
        outcome: granted, unchanged, pending or refused.
        stage: where the version stands; "" where no stage was granted.
        detail: why, in a sentence.
        allowed_stages: stages that may be asked for, where a transition would be refused.
        verdicts: of the rules, where they were asked.
    """

    allowed: bool
    outcome: AnswerKind
    stage: str
    detail: str
    allowed_stages: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()


def check(context: Context, question: Question) -> Finding:
    """Tell what would happen; nothing is committed.

    Raises:
        NotFoundError: no such registry or version, or nothing governs it.
        InvalidInputError: a deployment without an endpoint, or to one of no registry of the file.
        RegistryUnavailableError: the registry cannot be read: never an answer.
    """
    if question.action is Action.TRANSITION:
        answer = preview(context, question.version, question.request)
        why = context.states.ungoverned(question.version.asset.registry)
        if why:
            return _refused("", f"{why}; the request would be {answer.kind}: {answer.detail}")
        return Finding(
            answer.kind in (AnswerKind.GRANTED, AnswerKind.UNCHANGED),
            answer.kind,
            answer.stage,
            answer.detail,
            answer.allowed,
            answer.verdicts,
        )
    if question.action is Action.DEPLOY and not question.endpoint:
        message = "'endpoint' is missing: a deployment is checked for registry/endpoint"
        raise InvalidInputError(message)
    if question.action is Action.DEPLOY:
        fault = endpoint_fault(question.endpoint, context.configuration.registries)
        if fault:
            raise InvalidInputError(fault)
    why = _stale(context, question.version.asset.registry)
    return _refused("", why) if why else _standing(context, question)


def _stale(context: Context, alias: str) -> str:
    """Say why no answer can be given after a restore: what was decided since is not known here."""
    known = context.states.get(alias)
    if known.restored is None:
        return ""
    return f"registry {alias} is stopped: {known.stopped}; see `stageward resolve {alias}`"


def _standing(context: Context, question: Question) -> Finding:
    version = question.version
    read = load_and_read(context, version)
    if isinstance(read, Note):
        if question.action is Action.DELETE:  # there is no other way to get rid of it
            return _granted(UNREGISTERED, f"{version} is {UNREGISTERED} and may be deleted")
        registry = context.configuration.registry(version.asset.registry)
        return _refused(UNREGISTERED, refusal_words(read, registry))
    lifecycle, loaded, snapshot = read
    state = loaded.versions.get(version.number)
    if state is None or not state.governed:
        why = context.states.ungoverned(version.asset.registry)
        return _refused("", why or f"the ledger has granted {version} no stage yet")
    if state.incarnation != snapshot.incarnation:
        return _refused("", f"{version} was registered anew since it was granted {state.stage}")
    if question.action is Action.DELETE:
        return _delete(version, lifecycle, lifecycle.stages[state.stage])
    unreviewed = blocked.unreviewed(lifecycle, state, context.clock.now())
    if unreviewed:
        ask = f"have it reviewed: `stageward review {version}`"
        return _refused(state.stage, f"{version} stands at {state.stage}, but {unreviewed}; {ask}")
    why = undeployable(str(version), state)
    if why:
        return _refused(state.stage, why)
    found = _deploy(context, version, lifecycle, state, question.endpoint)
    return _valid(context, loaded, version, state, found) if found.allowed else found


def _valid(
    context: Context, loaded: Loaded, version: Version, state: VersionState, found: Finding
) -> Finding:
    """Refuse what stands by an approval that has run out, where that is to block; else say it."""
    now = context.clock.now()
    if state.valid_until is None or now < state.valid_until:
        return found
    ended = minute(state.valid_until)
    waiting = loaded.approvals.get(state.approval)
    opened = ""
    if waiting is not None and waiting.renews and not waiting.lapsed(now):
        waits = waits_for(waiting.at(now), context.configuration.directory)
        opened = f"; approval {waiting.id} of its renewal needs {waits}"
    if not state.blocked_when_invalid:
        said = f"{found.detail}; the approval of it ran out on {ended} and is to be renewed"
        return replace(found, detail=f"{said}{opened}")
    said = f"{version} stands at {state.stage}, but approval {state.approved_by} ran out on {ended}"
    ask = f"; ask for its renewal: `stageward promote {version} {state.stage}`"
    return _refused(state.stage, f"{said}{opened or ask}")


def _delete(version: Version, lifecycle: Lifecycle, stage: Stage) -> Finding:
    if stage.deletable:
        return _granted(stage.name, f"a version at {stage.name} may be deleted")
    others = [one.name for one in lifecycle.stages.values() if one.deletable]
    where = f"; deletable are {' and '.join(others)}" if others else ""
    return _refused(
        stage.name, f"{version} stands at {stage.name}, where nothing is deleted{where}"
    )


def _deploy(
    context: Context, version: Version, lifecycle: Lifecycle, state: VersionState, endpoint: str
) -> Finding:
    takers, stage = lifecycle.takers(endpoint), state.stage
    if stage in takers:
        return _granted(stage, f"a version at {stage} may be deployed to {endpoint}")
    until = state.retires_at
    if until is not None and context.clock.now() < until and state.retires_from in takers:
        return _granted(
            stage,
            f"{version} stands at {stage}, but was displaced from {state.retires_from}: until "
            f"{minute(until)} it may still be deployed to {endpoint}",
        )
    where = f"; {endpoint} takes {' and '.join(takers)}" if takers else ""
    return _refused(stage, f"{version} stands at {stage}, not deployable to {endpoint}{where}")


def _granted(stage: str, detail: str) -> Finding:
    return Finding(allowed=True, outcome=AnswerKind.GRANTED, stage=stage, detail=detail)


def _refused(stage: str, detail: str) -> Finding:
    return Finding(allowed=False, outcome=AnswerKind.REFUSED, stage=stage, detail=detail)

"""A request over the API, and the question what one would come to.

Load → read the registry → decide → commit → work off. The same operation id gets the same answer,
however often and after whatever fault it is asked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.application import measures
from stage_functions.application.answer import Answer, decode, encode
from stage_functions.application.answering import answered, foreseen, unregistered
from stage_functions.application.arrival import arrive, contradiction
from stage_functions.application.context import Context
from stage_functions.application.correlation import about
from stage_functions.application.freezing import seal
from stage_functions.application.judging import Asked, Judged, ask, judge
from stage_functions.application.ledger import Loaded
from stage_functions.application.observing import would_be
from stage_functions.application.signals import settle
from stage_functions.application.unregistered import find
from stage_functions.application.unregistered_rows import Note
from stage_functions.domain import effect
from stage_functions.domain.approval import Approval
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.error import (
    ConflictError,
    InvalidInputError,
    NotAllowedNowError,
    NotFoundError,
    StaleError,
)
from stage_functions.domain.grounds import Grounds
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.people import PERSON, Actor
from stage_functions.domain.record import digest, minute
from stage_functions.domain.state import Step
from stage_functions.domain.transition import Refused, Request, displaced_by, grounds
from stage_functions.domain.voting import unmet, waits_for


class TransitionRequest(Struct, frozen=True):
    """What a caller asks for.

    Attributes:
        version: which version.
        target: the stage.
        reason: why, in the caller's words.
        actor: who asks, proven; or nobody, where a registry's server does not know who.
        operation: id of this operation; the same id gets the same answer.
        expected_stage: refuse as stale unless it stands there now; "" for wherever.
        archive_existing_versions: False refuses to displace the holder of an exclusive stage.
        on_behalf_of: id of the person it is asked for, or "".
        emergency: the incident for which it is not to wait for approval, or "".
        candidates: ids of whoever may have asked, where nobody is proven to have.
    """

    version: Version
    target: str
    reason: str
    actor: Actor
    operation: str
    expected_stage: str = ""
    archive_existing_versions: bool = True
    on_behalf_of: str = ""
    emergency: str = ""
    candidates: tuple[str, ...] = ()

    @property
    def asked(self) -> str:
        """Digest of everything but the operation id."""
        return digest(
            {
                "version": str(self.version),
                "to": self.target,
                "reason": self.reason,
                "actor": self.actor.id,
                "expected_stage": self.expected_stage,
                "archive_existing_versions": self.archive_existing_versions,
                "on_behalf_of": self.on_behalf_of,
                **({"emergency": self.emergency} if self.emergency else {}),
                **({"candidates": list(self.candidates)} if self.candidates else {}),
            }
        )

    def request(self) -> Request:
        """Return it as the domain knows it."""
        return Request(
            self.target, self.reason, self.actor, self.on_behalf_of, candidates=self.candidates
        )


def request_transition(context: Context, command: TransitionRequest) -> Answer:
    """Decide on a request and carry it out as far as possible now.

    Raises:
        NotFoundError: no such registry or version, or nothing governs it.
        NotAllowedNowError: its registry is only observed, or writes to the version are stopped.
        StaleError: it does not stand where the caller expected.
        RegistryUnavailableError: the registry cannot be read; nothing was decided.
        InvalidInputError: `on_behalf_of` is no id, or the operation id was used for another
            command.
        ConflictError, UnknownOutcomeError: the ledger kept moving or was lost; ask again.
    """
    command = replace(command, on_behalf_of=_principal(context, command.on_behalf_of))
    version, told = command.version, measures.about(command.version)
    ids = about(asset=str(version.asset), version=version.number, operation=command.operation)
    with ids, context.telemetry.span(measures.TRANSITION, attributes=told) as span:
        answer = context.persistently(lambda: _attempt(context, command))
        span.set(measures.OUTCOME, str(answer.kind))
        return answer


def preview(context: Context, version: Version, request: Request) -> Answer:
    """Tell what a request would come to: the same decision path, not committed.

    Raises:
        NotFoundError, RegistryUnavailableError: as `request_transition`.
    """
    read = load_and_read(context, version)
    if isinstance(read, Note):
        return unregistered(context, read)
    lifecycle, loaded, snapshot = read
    now = context.clock.now()
    if context.states.ungoverned(version.asset.registry):
        judged = would_be(context, loaded, snapshot, lifecycle, request, now)
        return foreseen(context, judged, loaded.step(), snapshot, request, now)
    step = arrive(context, loaded.step(), snapshot, lifecycle, now).step
    judged = judge(context, lifecycle, step, snapshot, request, now)
    return foreseen(context, judged, step, snapshot, request, now)


def load_and_read(context: Context, version: Version) -> tuple[Lifecycle, Loaded, Snapshot] | Note:
    """Load a version's asset, then read the version from its registry.

    Returns:
        It with the lifecycle that governs it; or what is noted of it, where nobody has registered
        it: then nothing can be asked of it.

    Raises:
        NotFoundError: the registry has no such version, or nothing governs it.
    """
    try:
        lifecycle = context.lifecycle(version.asset)
    except NotFoundError:
        noted = find(context, version, None)  # its name is not what will be governed
        if noted is None:
            raise
        return noted
    loaded = context.ledger.load(version.asset, [version.number])
    snapshot = context.registry(version.asset.registry).read(version)
    noted = find(context, version, snapshot)
    if noted is not None:
        return noted
    if snapshot is None:
        message = f"registry {version.asset.registry} has no {version}"
        raise NotFoundError(message)
    return lifecycle, loaded, snapshot


def _principal(context: Context, on_behalf_of: str) -> str:
    """Return for whom it is asked, as records write it.

    Raises:
        InvalidInputError: it names nobody.
    """
    if not on_behalf_of:
        return ""
    provider, _, text = on_behalf_of.partition(":")
    people = context.configuration.directory.people
    if not provider or not text or (provider == PERSON and text not in people):
        message = (
            f"on_behalf_of: '{on_behalf_of}' names nobody; write person:<key> with a key of "
            f"{', '.join(people)}, or <provider>:<id>"
        )
        raise InvalidInputError(message)
    return context.identify(on_behalf_of)


def _attempt(context: Context, command: TransitionRequest) -> Answer:
    version, number = command.version, command.version.number
    now = context.clock.now()
    read = load_and_read(context, version)
    if isinstance(read, Note):
        return unregistered(context, read)
    lifecycle, loaded, snapshot = read
    _demand_governed(context, command, loaded, snapshot, lifecycle, now)
    arrived = arrive(context, loaded.step(), snapshot, lifecycle, now)
    stage = arrived.step.version(number).stage
    if command.expected_stage and command.expected_stage != stage:
        message = f"{version} stands at {stage}, not at {command.expected_stage}"
        raise StaleError(message)
    asked = _keep_holder(command, loaded, arrived.step, lifecycle)
    if asked is None:
        asked = _asked(context, command, loaded, arrived.step, snapshot, lifecycle, now)
    step, kept = seal(context, asked.step, snapshot, lifecycle)
    asked = replace(asked, step=step)
    answer = answered(context, version, asked.judged, asked.step, asked.approval, now)
    if command.emergency and asked.approval is not None:
        answer = _at_once(context, answer, asked.approval, command.emergency)
    blobs = {**arrived.blobs, **asked.judged.blobs, **kept}
    return _commit(context, command, asked, answer, blobs, now)


def _asked(
    context: Context,
    command: TransitionRequest,
    loaded: Loaded,
    step: Step,
    snapshot: Snapshot,
    lifecycle: Lifecycle,
    now: datetime,
) -> Asked:
    """Decide on a request: as always, or at once in an emergency."""
    request = command.request()
    if not command.emergency:
        return ask(context, loaded, step, snapshot, lifecycle, request, now)
    from stage_functions.application.emergency import ask_at_once  # noqa: PLC0415  # rarely needed

    return ask_at_once(context, loaded, step, snapshot, lifecycle, request, command.emergency, now)


def _at_once(context: Context, answer: Answer, approval: Approval, incident: str) -> Answer:
    """Return the answer to an emergency: what was granted, and what ratifies it."""
    directory = context.configuration.directory
    waits = waits_for(approval, directory)
    return replace(
        answer,
        detail=f"{answer.detail}, at once, for {incident}; to be ratified before "
        f"{minute(approval.deadline)}: approval {approval.id} needs {waits}",
        approval=approval.id,
        status=str(approval.status),
        needs=unmet(approval, directory),
        fingerprint=approval.fingerprint,
        waits_for=waits,
    )


def _commit(
    context: Context,
    command: TransitionRequest,
    asked: Asked,
    answer: Answer,
    blobs: Mapping[str, bytes],
    now: datetime,
) -> Answer:
    if asked.step == asked.loaded.step():
        return _given(context, command) or answer
    record = asked.loaded.number(len(asked.step.drafts))
    answer = replace(answer, record=record, asked=command.asked)
    try:
        committed = context.ledger.commit(
            asked.loaded,
            asked.step,
            now=now,
            operation=command.operation,
            answer=encode(answer),
            blobs=blobs,
        )
    except ConflictError:
        given = _given(context, command)
        if given is None:
            raise
        return given
    settle(context, committed)
    return answer


def _given(context: Context, command: TransitionRequest) -> Answer | None:
    answer = context.ledger.answer(command.version.asset, command.operation)
    return decode(answer, command.asked) if answer else None


def _demand_governed(
    context: Context,
    command: TransitionRequest,
    loaded: Loaded,
    snapshot: Snapshot,
    lifecycle: Lifecycle,
    now: datetime,
) -> None:
    """Refuse to act where Stageward only observes, or where the tags contradict the ledger.

    Raises:
        NotAllowedNowError: with what would have happened, where that can be said.
        ConflictError: the tags are of a commit made since; load and read again.
    """
    why = context.states.ungoverned(command.version.asset.registry)
    if why:
        judged = would_be(context, loaded, snapshot, lifecycle, command.request(), now)
        said = grounds(judged.outcome)
        message = f"{why}; the request would be {said['outcome']}: {said['detail']}"
        raise NotAllowedNowError(message, code="registry-observed")
    known = loaded.versions.get(command.version.number)
    why = known.stopped if known is not None else ""
    why = why or contradiction(context, loaded, snapshot)
    if why and context.ledger.load(command.version.asset).etag != loaded.etag:
        message = f"{command.version} was written to while it was read"
        raise ConflictError(message)
    if why:
        alias = command.version.asset.registry
        message = f"nothing is written to {command.version}: {why}; see `stageward resolve {alias}`"
        raise NotAllowedNowError(message, code="version-stopped")


def _keep_holder(
    command: TransitionRequest, loaded: Loaded, step: Step, lifecycle: Lifecycle
) -> Asked | None:
    """Refuse to take an exclusive stage that is held, where the caller will not displace."""
    number = command.version.number
    state = step.version(number)
    if (
        command.archive_existing_versions
        or lifecycle.transition(state.stage, command.target) is None
    ):
        return None
    holders = displaced_by(lifecycle, step.state, number, command.target)
    if not holders:
        return None
    why = (
        f"{command.target} is exclusive and held by {', '.join(holders)}, which would be displaced"
    )
    refused = Refused(why, lifecycle.allowed(state.stage), asked=command.target)
    bare = Grounds(lifecycle)
    step = effect.refuse(step, number, command.request(), refused, command.actor, bare)
    return Asked(loaded, step, Judged(refused, bare))

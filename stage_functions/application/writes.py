"""What somebody is about to write at a registry's own server, judged before it is stored there.

A server that asks here (an MLflow server with Stageward's store) stores nothing that was not
granted: prevention, where the registry allows it, and not repair. What is let through is what the
ledger says now, so that Stageward's own writing back needs no identity:

- a stage, a tag of the conversation, or a kept alias is let through where it is just what
  Stageward itself would show of that version;
- another stage, or an edit of the tag `stage` that asks as it may, becomes a request: what is
  granted at once is let through, what waits or is refused is not stored;
- a version at a stage that is not deletable is not deleted, alone or with its model, nor taken out
  of its history by another name.

What is not governed is let through untouched. Who runs the server is proven; whom it has
authenticated is whom a request is made for. Where it knows nobody, nobody is proven to have asked:
whoever runs the server could have, so they cannot vote, and somebody must sponsor it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from msgspec import Struct

from stage_functions.application.answer import Answer, AnswerKind
from stage_functions.application.checks import Action, Question, check
from stage_functions.application.context import Context
from stage_functions.application.ledger import Loaded
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.application.written import Guarded, Ruling, What, Write
from stage_functions.domain import presence
from stage_functions.domain.aliases import kept
from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.configuration import (
    Mode,
    RegistryConfiguration,
    RegistryType,
    Source,
    StageEdits,
)
from stage_functions.domain.error import InvalidInputError, RetryableError
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.mirror import MIRRORED, Edit, mirror, own_tags
from stage_functions.domain.observation import STAGE, STAGE_REQUEST
from stage_functions.domain.people import UNKNOWN, Actor, Attribution
from stage_functions.domain.state import VersionState
from stage_functions.domain.transition import Request, barred, displaced_by

_ASK = f"ask with the tag {STAGE_REQUEST}, or by transition_model_version_stage"


_DISPLACE = "archive_existing_versions=True lets it displace"


AT_ONCE = 16
"""Writes that are decided on at once: fewer than a process has threads (40). While they are, what
Stageward writes at the server is asked about too, and must find a thread."""
_turns = BoundedSemaphore(AT_ONCE)


class _Standing(Struct, frozen=True):
    """A governed version, where it stands, and what it is to show."""

    version: Version
    registry: RegistryConfiguration
    lifecycle: Lifecycle
    loaded: Loaded
    state: VersionState
    shown: Edit

    @property
    def stage(self) -> str:
        """What the registry's own field is to say of it."""
        native = self.shown.native_stage
        return self.state.stage if native is None else native


_UNGOVERNED = Ruling(allowed=True, governed=False)


def guarded(context: Context, alias: str) -> Guarded:
    """Return what of a registry is asked about.

    Raises:
        NotFoundError: no such registry.
        InvalidInputError: no MLflow server is behind it.
    """
    registry = _server(context, alias)
    keys = dict.fromkeys(MIRRORED)
    for lifecycle in presence.governing(alias, context.lifecycles):
        keys |= dict.fromkeys(own_tags(registry, lifecycle))
    return Guarded(tuple(keys), tuple(registry.aliases))


def rule(context: Context, write: Write) -> Ruling:
    """Tell whether a write may be stored; what becomes a request is decided and carried out.

    Raises:
        NotFoundError: no such registry.
        InvalidInputError: no MLflow server is behind it, or no version is named where one must be.
        NotAllowedNowError: nothing is decided on the version now.
        RegistryUnavailableError: the version cannot be read.
        ConflictError, UnknownOutcomeError: the ledger kept moving or was lost; ask again.
        RetryableError: too many are decided on now; ask again.
    """
    registry = _server(context, write.asset.registry)
    if write.what is What.RENAME:
        return _rename(context, write)
    lifecycle = _governing(context, write.asset)
    if lifecycle is None:
        return _UNGOVERNED
    if write.prompt and not context.ledger.load(write.asset).head.number:
        return _UNGOVERNED
    why = context.states.get(registry.alias).stopped and context.states.ungoverned(registry.alias)
    if why:
        return _refused(f"nothing is written to {write.asset}: {why}")
    match write.what:
        case What.ALIAS:
            return _alias(context, write, registry, lifecycle)
        case What.CREATE:
            return _create(write, registry, lifecycle)
        case What.DELETE if not write.version:
            return _demand_deletable(context, write.asset, lifecycle)
        case _:
            return _of_version(context, write, registry, lifecycle)


def _of_version(
    context: Context, write: Write, registry: RegistryConfiguration, lifecycle: Lifecycle
) -> Ruling:
    standing = _standing(context, write, registry, lifecycle)
    if standing is None:
        return _UNGOVERNED
    if write.what is What.CONFIRM:
        return _as_it_is(standing)
    if write.what is What.STAGE:
        return _stage(context, write, standing)
    if write.what is What.TAG:
        return _tag(context, write, standing)
    asked = Question(write.named, Action.DELETE, Request("", "", write.actor))
    found = check(context, asked)
    return Ruling(allowed=found.allowed, detail=found.detail)


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(blocking=False):
        message = f"{AT_ONCE} writes are decided on at once; ask again"
        raise RetryableError(message)
    try:
        yield
    finally:
        _turns.release()


def _server(context: Context, alias: str) -> RegistryConfiguration:
    registry = context.configuration.registry(alias)
    if registry.type is not RegistryType.MLFLOW:
        message = f"registry {alias} is no MLflow server: nobody asks before they write there"
        raise InvalidInputError(message)
    return registry


def _governing(context: Context, asset: Asset) -> Lifecycle | None:
    """Return the lifecycle under which writes to an asset are judged, or None.

    A registry that was stopped is governed still: nothing is let through until it is resolved.
    """
    registry = context.configuration.registry(asset.registry)
    if registry.mode is Mode.OBSERVE or not registry.watches(asset):
        return None
    known = context.states.get(asset.registry)
    return context.governing(asset) if known.imported or known.stopped else None


def _standing(
    context: Context, write: Write, registry: RegistryConfiguration, lifecycle: Lifecycle
) -> _Standing | None:
    """Return where a version stands; what the ledger has not heard of is followed up first.

    Returns:
        None for what is not there, so not governed.
    """
    version = write.named
    loaded = context.ledger.load(version.asset, [version.number])
    if not _is_known(loaded, write):
        snapshot = context.registry(registry.alias).read(version)
        if snapshot is None:
            return None
        with _turn():
            follow(context, Signal(version))
        loaded = context.ledger.load(version.asset, [version.number])
    state = loaded.versions.get(version.number)
    if state is None or not state.governed:
        return None
    now = context.clock.now()
    shown = mirror(context.ledger.id, state, version.asset.kind, lifecycle, registry, now)
    return _Standing(version, registry, lifecycle, loaded, state, shown)


def _is_known(loaded: Loaded, write: Write) -> bool:
    """Tell whether the ledger knows this very version, and not another of the same number."""
    state = loaded.versions.get(write.version)
    if state is None or not state.governed:
        return False
    return write.created is None or state.incarnation.partition("/")[0] == str(write.created)


def _stage(context: Context, write: Write, standing: _Standing) -> Ruling:
    wanted = write.value or ""
    if wanted in (standing.state.stage, standing.stage):
        return _as_it_is(standing)
    return _ask(context, write, standing, wanted)


def _as_it_is(standing: _Standing) -> Ruling:
    said = f"{standing.version} stands at {standing.state.stage}"
    return Ruling(allowed=True, detail=said, stage=standing.stage)


def _tag(context: Context, write: Write, standing: _Standing) -> Ruling:
    key, shown = write.key, standing.shown
    own = own_tags(standing.registry, standing.lifecycle)
    if not _named_alike(key, own):
        return _UNGOVERNED
    free = key == shown.kept and write.value is not None  # that it is there says it, not its value
    if key in shown.tags and (free or shown.tags[key] == write.value):
        return _as_it_is(standing)
    wanted = _wanted(write, standing)
    if wanted:
        return _ask(context, write, standing, wanted)
    at = standing.state.stage
    return _refused(
        f"{standing.version} stands at {at}: the tag {key} is Stageward's to write; {_ASK}"
    )


def _wanted(write: Write, standing: _Standing) -> str:
    """Return the stage that an edit of a tag may ask for, or ""."""
    registry, lifecycle, at = standing.registry, standing.lifecycle, standing.state.stage
    if write.value is None:
        return ""
    if write.key == STAGE:
        may = registry.stage_edits is StageEdits.FORWARD and Source.TAG in registry.requests_from
        stage = write.value
    else:
        may = presence.asked(registry)
        keys = presence.keys(registry, lifecycle)
        stage = next((one for one, key in keys.items() if key == write.key), "")
    return stage if may and lifecycle.transition(at, stage) is not None else ""


def _ask(context: Context, write: Write, standing: _Standing, stage: str) -> Ruling:
    """Make a request of a write."""
    version = standing.version
    why = _barred(context, write, standing, stage)
    if why:
        return _refused(f"{version}: refused: {why}")
    proven = bool(write.on_behalf_of)
    command = TransitionRequest(
        version=version,
        target=stage,
        reason="",
        actor=write.actor if proven else UNKNOWN,
        operation=write.operation,
        archive_existing_versions=write.archive_existing_versions,
        on_behalf_of=write.on_behalf_of,
        candidates=() if proven else (write.actor.id,),
    )
    with _turn():
        answer = request_transition(context, command)
    if answer.kind in (AnswerKind.GRANTED, AnswerKind.UNCHANGED):
        return Ruling(
            allowed=True,
            detail=f"{version}: {answer.detail}",
            stage=stage,
            displaces=answer.displaces,
        )
    return Ruling(
        allowed=False,
        detail=f"{version}: {_words(context, write, standing, answer)}",
        approval=answer.approval,
    )


def _words(context: Context, write: Write, standing: _Standing, answer: Answer) -> str:
    """Say why nothing is stored, as `stage_status` does."""
    if answer.kind is AnswerKind.PENDING:
        state = context.ledger.state(standing.version)
        return state.status if state is not None and state.status else answer.detail
    said = f"refused: {answer.detail}"
    return said if not _keeps_holder(write, standing) else f"{said}; {_DISPLACE}"


def _keeps_holder(write: Write, standing: _Standing) -> bool:
    """Tell whether it was refused only because it may not displace."""
    lifecycle, target = standing.lifecycle, write.value or ""
    if write.archive_existing_versions:
        return False
    if lifecycle.transition(standing.state.stage, target) is None:
        return False
    state = standing.loaded.step().state
    return bool(displaced_by(lifecycle, state, standing.version.number, target))


def _barred(context: Context, write: Write, standing: _Standing, stage: str) -> str:
    """Say why whom the server has authenticated may not ask; "" if they may, or none is known.

    Who runs the server would be asked for by the request: that they may is no leave for others.
    """
    transition = standing.lifecycle.transition(standing.state.stage, stage)
    if transition is None or not write.on_behalf_of:
        return ""
    asking = Actor(context.identify(write.on_behalf_of), Attribution.PROVEN, write.actor.via)
    return barred(transition, asking, context.configuration.directory)


def _alias(
    context: Context, write: Write, registry: RegistryConfiguration, lifecycle: Lifecycle
) -> Ruling:
    aliases = kept(registry, lifecycle)
    alike = _named_alike(write.key, aliases)
    if not alike:
        return _UNGOVERNED
    stage = aliases[alike]
    loaded = context.ledger.load(write.asset)
    holders = loaded.head.holders.get(stage, ())
    fits = write.value in holders if write.value is not None else not holders
    if fits:
        return Ruling(allowed=True, detail=f"alias {write.key} of {write.asset} is at {stage}")
    holder = f"version {' and '.join(holders)}" if holders else "no version"
    return _refused(
        f"alias {write.key} of {write.asset} is kept at the holder of {stage}, which is {holder}; "
        f"ask for {stage} by transition_model_version_stage"
    )


def _create(write: Write, registry: RegistryConfiguration, lifecycle: Lifecycle) -> Ruling:
    """Let a new version have no tag of Stageward's but those of the first stage."""
    own, first = own_tags(registry, lifecycle), lifecycle.initial
    fitting = {STAGE: first}
    if presence.mirrored(registry):
        key = presence.key(registry, first)
        fitting |= {key: write.tags.get(key, "")}
    for key, value in write.tags.items():
        if _named_alike(key, own) and fitting.get(key) != value:
            return _refused(
                f"a new version of {write.asset} begins at {first}: the tag {key} is Stageward's "
                f"to write; leave it out, and then {_ASK}"
            )
    return Ruling(allowed=True, detail=f"a new version of {write.asset} begins at {first}")


def _demand_deletable(context: Context, asset: Asset, lifecycle: Lifecycle) -> Ruling:
    """Refuse to take a whole asset away while a version stands where nothing is deleted."""
    held = [
        (number, state.stage)
        for number, state in context.ledger.versions(asset).items()
        if state.governed and not lifecycle.stages[state.stage].deletable
    ]
    if not held:
        return Ruling(allowed=True, detail=f"all versions of {asset} may be deleted")
    number, stage = held[0]
    others = [one.name for one in lifecycle.stages.values() if one.deletable]
    where = f"; deletable are {' and '.join(others)}" if others else ""
    more = f", and {len(held) - 1} more do so" if len(held) > 1 else ""
    return _refused(f"{asset}:{number} stands at {stage}, where nothing is deleted{where}{more}")


def _rename(context: Context, write: Write) -> Ruling:
    """Judge another name: versions leave their histories, and come as new ones to another."""
    lifecycle = _governing(context, write.asset)
    if lifecycle is not None:
        ruling = _demand_deletable(context, write.asset, lifecycle)
        if not ruling.allowed:
            why = "by another name its versions would leave their history"
            return _refused(f"{write.asset} is not renamed: {why}; {ruling.detail}")
    other = Asset.parse(f"{write.asset.registry}/{write.asset.kind}/{write.value or ''}")
    governing = _governing(context, other)
    if governing is not None and write.shows:
        first = governing.initial
        return _refused(
            f"{write.asset} is not renamed: by the name {other.name} its versions begin at "
            f"{first}, but {write.shows[0]}"
        )
    return _UNGOVERNED if lifecycle is None and governing is None else Ruling(allowed=True)


def _named_alike(name: str, names: Iterable[str]) -> str:
    """Return which of some names a registry's database may take another for, or "".

    Some compare without regard to case, and to blanks at the end.
    """
    folded = name.strip().casefold()
    return next((one for one in names if one.casefold() == folded), "")


def _refused(detail: str) -> Ruling:
    return Ruling(allowed=False, detail=detail)

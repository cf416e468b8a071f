"""The stages, the transitions between them, and what each transition demands.

What must hold of a lifecycle is in `lifecycle_check`; that it holds is checked on loading.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase, translate
from functools import cached_property

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.domain.asset import Asset
from stage_functions.domain.calendar import Calendar
from stage_functions.domain.record import Json, digest
from stage_functions.domain.rule import Rule
from stage_functions.domain.stored import Whole

UNREGISTERED = "Unregistered"
_NOTHING = "(?!)"
"""An expression that matches no text."""


class Excluded(StrEnum):
    """Who may not vote, by their part in the request."""

    REQUESTER = "requester"
    AUTHOR = "author"


EXCLUDED_BY_DEFAULT = (Excluded.REQUESTER, Excluded.AUTHOR)


class Assurance(StrEnum):
    """How surely a voter is known: by signing in, or by having a personal link."""

    SIGNED_IN = "signed_in"
    LINK = "link"


class WhenInvalid(StrEnum):
    """What follows when an approval is no longer valid."""

    NOTIFY = "notify"
    BLOCK = "block"
    RENEW = "renew"


class OnViolation(StrEnum):
    """What follows when something was done to a version that its stage does not allow.

    Each does what those before it do: it is recorded and published; people are told; what was
    deployed gets no more requests.
    """

    RECORD = "record"
    NOTIFY = "notify"
    ZERO_TRAFFIC = "zero_traffic"

    @property
    def unserved(self) -> OnViolation:
        """What follows of it where nothing is served that requests could be taken from."""
        return OnViolation.NOTIFY if self is OnViolation.ZERO_TRAFFIC else self


class WhenUnreviewed(StrEnum):
    """What follows when a version was not reviewed in time. No stage ever changes by it."""

    NOTIFY = "notify"
    BLOCK = "block"


class NotRatified(StrEnum):
    """What follows when what was done in an emergency is not ratified."""

    REVERT = "revert"
    ESCALATE = "escalate"


class Review(Struct, frozen=True):
    """How versions at a stage are reviewed again and again.

    Attributes:
        every: how long after it was granted, or reviewed, the next review is due.
        groups: who may review; empty for whoever may vote on the way to the stage.
        within: how long after it is due a review lapses.
        remind: how long after it is due whoever may review is reminded.
        when_unreviewed: what follows when it has lapsed.
    """

    every: timedelta
    groups: tuple[str, ...] = ()
    within: timedelta = timedelta(days=14)
    remind: tuple[timedelta, ...] = ()
    when_unreviewed: WhenUnreviewed = WhenUnreviewed.NOTIFY


class Emergency(Struct, frozen=True):
    """Who may make a transition at once, and what follows.

    Attributes:
        groups: who may.
        ratify_within: how long after it was used it can be ratified, by whoever may approve the
            transition otherwise.
        not_ratified: what follows when nobody did.
        escalate_to: the group that is told then, and may ratify as well; "" for none.
        waives: names of the rules that need not pass then; every other one must.
    """

    groups: tuple[str, ...]
    ratify_within: timedelta = timedelta(days=1)
    not_ratified: NotRatified = NotRatified.ESCALATE
    escalate_to: str = ""
    waives: tuple[str, ...] = ()


class Escalation(Whole, frozen=True):
    """Who may vote as well when an approval has waited for long.

    Attributes:
        after: how long after it opened.
        to: the group; each of its members counts as a member of whichever group is asked.
    """

    after: timedelta
    to: str


class Stage(Struct, frozen=True):
    """Where a version may stand.

    Attributes:
        name: as tags and pages write it.
        initial: where a registered version begins.
        terminal: nothing leaves it.
        exclusive: at most one version of an asset holds it.
        displaced_to: where the holder of an exclusive stage moves when another takes it.
        deletable: a version here may be deleted.
        deployable_to: globs over `registry/endpoint`.
        hidden: left out of lists by default, and archived in registries that know that.
        retire_within: how long a version that was displaced from here may still be served.
        rollback_within: how long after a version was displaced from here it may be brought back
            by a rollback; None where it may not.
        frozen: what is edited of a version here from outside is put back, and blocks it.
        review: how versions here are reviewed, or None.
    """

    name: str
    initial: bool = False
    terminal: bool = False
    exclusive: bool = False
    displaced_to: str = ""
    deletable: bool = False
    deployable_to: tuple[str, ...] = ()
    hidden: bool = False
    retire_within: timedelta | None = None
    rollback_within: timedelta | None = None
    frozen: bool = False
    review: Review | None = None


class ApprovalPolicy(Whole, frozen=True):
    """Whose consent a transition demands.

    Attributes:
        quorum: distinct persons in all.
        groups: who may vote, and how many at least of each group.
        exclude: who may not vote, by their part in the request.
        expires: how long it stays open; then it lapses and never approves.
        remind: how long after it opened whoever may still vote is reminded.
        escalate: who may vote as well after a while, or None.
        assurance: the least that is demanded of a vote.
        valid_for: how long an approval that was given stays valid, or None for ever.
        when_invalid: what follows then.
    """

    quorum: int
    groups: Mapping[str, int]
    exclude: tuple[Excluded, ...] = EXCLUDED_BY_DEFAULT
    expires: timedelta = timedelta(days=7)
    remind: tuple[timedelta, ...] = ()
    escalate: Escalation | None = None
    assurance: Assurance = Assurance.SIGNED_IN
    valid_for: timedelta | None = None
    when_invalid: WhenInvalid = WhenInvalid.NOTIFY


class Transition(Struct, frozen=True):
    """A way from one stage to another.

    Attributes:
        source: the stage it leaves.
        target: the stage it reaches.
        rules: names of the rules that must pass.
        requesters: groups that may ask; empty for anyone.
        approval: whose consent it demands, or None.
        copy_to: alias of the registry that a version is copied to when it is granted, or "".
    """

    source: str
    target: str
    rules: tuple[str, ...] = ()
    requesters: tuple[str, ...] = ()
    approval: ApprovalPolicy | None = None
    copy_to: str = ""


class Lifecycle(Struct, frozen=True, dict=True):  # `dict`: what is computed is kept
    """The stages and transitions that govern some assets.

    Attributes:
        name: unique in the file.
        applies_to: globs over `registry/kind/name`.
        stages: by name, in file order.
        transitions: in file order.
        rules: by name.
        forward_only: transitions form no cycle.
        bind: globs over the tags that rules may read and approvals are bound to.
        calendars: by name, windows of time that rules may ask about.
        links_despite_exclusions: votes by personal link are taken even where somebody is excluded.
        on_violation: what follows when something was done that a stage does not allow.
        emergency: who may make a transition at once, or None.
        protect_lifecycle: groups of which a second person must consent to what loosens approval or
            exclusion; empty where nobody need.
        renamed: by the stage's name before, what it is called now.
        retain_for: how long records are to be kept, or None where that is not said.
        text: as written in the file, without defaults; what the digest is over.
    """

    name: str
    applies_to: tuple[str, ...]
    stages: Mapping[str, Stage]
    transitions: tuple[Transition, ...]
    rules: Mapping[str, Rule] = field(default_factory=dict)
    forward_only: bool = True
    bind: tuple[str, ...] = ()
    links_despite_exclusions: bool = False
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    on_violation: OnViolation = OnViolation.RECORD
    emergency: Emergency | None = None
    protect_lifecycle: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    retain_for: timedelta | None = None
    text: Mapping[str, Json] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """`sha256:<hex>` over the lifecycle as written, canonical JSON."""
        return digest(self.text)

    @property
    def initial(self) -> str:
        """The stage where a registered version begins."""
        return next(stage.name for stage in self.stages.values() if stage.initial)

    @property
    def freezes(self) -> bool:
        """Some stage is frozen: whatever is edited of its versions counts."""
        return any(stage.frozen for stage in self.stages.values())

    def applies(self, asset: Asset) -> bool:
        """Tell whether this lifecycle governs an asset."""
        return self._applies(str(asset)) is not None

    @cached_property
    def _applies(self) -> Callable[[str], re.Match[str] | None]:
        """All globs as one expression: asked several times for each event."""
        return re.compile("|".join(map(translate, self.applies_to)) or _NOTHING).match

    def transition(self, source: str, target: str) -> Transition | None:
        """Return the way from one stage to another, or None."""
        for transition in self.transitions:
            if (transition.source, transition.target) == (source, target):
                return transition
        return None

    def renewal(self, stage: str, held: Sequence[str]) -> Transition | None:
        """Return what renewing the approval of a stage demands: what reaching it demands now.

        Args:
            stage: where a version stands.
            held: the stages that it has held, in order. Where several ways lead to the stage, the
                one from the stage that it came to last counts.

        Returns:
            None where reaching the stage takes no approval.
        """
        ways = [one for one in self.transitions if one.target == stage]
        if not ways:
            return None
        place = {name: position for position, name in enumerate(held)}
        way = max(ways, key=lambda one: place.get(one.source, -1))
        return replace(way, source=stage) if way.approval is not None else None

    def allowed(self, source: str) -> tuple[str, ...]:
        """Return the stages that transitions from this one reach, in file order."""
        return tuple(t.target for t in self.transitions if t.source == source)

    def deployable(self, stage: str, endpoint: str) -> bool:
        """Tell whether a version at a stage may be deployed to `registry/endpoint`."""
        found = self.stages.get(stage)
        return found is not None and any(fnmatchcase(endpoint, g) for g in found.deployable_to)

    def takers(self, endpoint: str) -> tuple[str, ...]:
        """Return the stages from which `registry/endpoint` may be served, in file order."""
        return tuple(name for name in self.stages if self.deployable(name, endpoint))

    def exclusive(self) -> tuple[str, ...]:
        """Return the names of the exclusive stages."""
        return tuple(stage.name for stage in self.stages.values() if stage.exclusive)

    def bound(self, tags: Mapping[str, str]) -> dict[str, str]:
        """Return the tags that rules may read and approvals are bound to."""
        return {k: v for k, v in tags.items() if any(fnmatchcase(k, g) for g in self.bind)}


def course(source: str, target: str) -> str:
    """Say in words what is asked for: a transition, or that an approval is renewed."""
    return f"the renewal of {target}" if source == target else f"{source} → {target}"


def shortfall(policy: ApprovalPolicy, voters: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return how many persons each group still lacks, one person counting for one group only.

    Args:
        policy: with the minimum per group.
        voters: the groups of each person.
    """
    seats = [group for group, minimum in policy.groups.items() for _ in range(minimum)]
    taken: dict[str, int] = {}
    missing: dict[str, int] = {}
    for seat, group in enumerate(seats):
        if not _seat(seat, seats, voters, taken, set()):
            missing[group] = missing.get(group, 0) + 1
    return missing


def _seat(
    seat: int,
    seats: Sequence[str],
    voters: Mapping[str, Sequence[str]],
    taken: dict[str, int],
    tried: set[str],
) -> bool:
    """Find a person for a seat, moving others to other seats where need be (augmenting path)."""
    for person, groups in voters.items():
        if seats[seat] not in groups or person in tried:
            continue
        tried.add(person)
        if person not in taken or _seat(taken[person], seats, voters, taken, tried):
            taken[person] = seat
            return True
    return False

"""What people do in a workspace, round by round, so that the result hangs on no order in a round.

In a round a version is edited once at most; of an asset one version at most asks for Production or
leaves it, and whoever holds it is left alone then, also if it was deleted. Everything else may
happen in any order.

The plan knows what is to come of it: a few lines of its own, that share nothing with Stageward.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from msgspec import Struct

KINDS = ("models", "data", "environments", "components")
PEOPLE = ("anna", "ben", "cleo", "dan")
NONE, STAGING, PRODUCTION, ARCHIVED = "None", "Staging", "Production", "Archived"
ALLOWED = {
    (NONE, STAGING),
    (NONE, ARCHIVED),
    (STAGING, PRODUCTION),
    (STAGING, ARCHIVED),
    (PRODUCTION, ARCHIVED),
    (ARCHIVED, STAGING),
}
_MAX_DISTURBED = 2
"""How often a version's tags are disturbed: Stageward puts them back three times in ten minutes."""

Key = tuple[str, str, str]
"""Kind, name and number of a version."""
Tags = dict[str, str | None]
"""Tags that are set; None removes one."""
_DISTURBING: list[Tags] = [
    {"stage": "Moon"},
    {"stage": None},
    {"stage_status": "fine"},
    {"stage_governor": None},
]


class Edit(Struct, frozen=True):
    """Something that somebody does.

    Attributes:
        what: `register`, `edit`, `track`, `delete`, `delete_asset`, `deploy` or `run`.
        who: does it.
        kind: of the asset.
        name: of the asset; of an endpoint or a job where it is about one.
        number: of the version.
        tags: that are set; None removes one.
        content: of what is registered.
        description: that is set.
    """

    what: str
    who: str
    kind: str = ""
    name: str = ""
    number: str = ""
    tags: Tags = {}
    content: str = ""
    description: str = ""


@dataclass(slots=True)
class Planned:
    """A version as the plan has it.

    Attributes:
        stage: where it is to stand.
        held: where it has ever stood.
        disturbed: how often its tags were.
        gone: it was deleted.
        again: how often its number was given anew.
    """

    stage: str
    held: set[str] = field(default_factory=set)
    disturbed: int = 0
    gone: bool = False
    again: int = 0

    def move(self, stage: str) -> None:
        """Let it stand elsewhere."""
        self.stage = stage
        self.held.add(stage)


@dataclass(slots=True)
class Plan:
    """Rounds of edits, and what is to come of them.

    Attributes:
        rounds: the edits, in an order that is as good as any.
        requesters: who asked, by the reason they gave.
        versions: all there ever were.
        violated: how often each version was deployed where it must not be.
    """

    rounds: list[list[Edit]] = field(default_factory=list)
    requesters: dict[str, str] = field(default_factory=dict)
    violated: dict[Key, int] = field(default_factory=dict)
    versions: dict[Key, Planned] = field(default_factory=dict)

    @property
    def stages(self) -> dict[Key, str]:
        """Where each version that is still there is to stand in the end."""
        return {key: one.stage for key, one in self.versions.items() if not one.gone}

    @property
    def told(self) -> set[str]:
        """The reasons of requests that were made by editing what is there, as an event tells."""
        edits = (edit for edits in self.rounds for edit in edits if edit.what == "edit")
        asked = (edit.tags.get("stage_request") or "" for edit in edits)
        return {value.partition(": ")[2] for value in asked} - {""}


def plan(seed: int, *, rounds: int, assets: int) -> Plan:
    """Return a plan: so many rounds, over so many assets of each kind."""
    made = Plan()
    planner = _Planner(made, random.Random(seed))  # the same each time
    names = [(kind, f"asset-{number}") for kind in KINDS for number in range(assets)]
    for number in range(rounds):
        made.rounds.append(
            [edit for kind, name in names for edit in planner.of_asset(number, kind, name)]
        )
        made.rounds[-1] += planner.of_workspace(number)
    made.rounds.append(list(planner.farewell(names[-1])))
    return made


class _Planner:
    """Makes up what happens to an asset in a round."""

    def __init__(self, made: Plan, dice: random.Random) -> None:
        self._plan = made
        self._dice = dice
        self._asked = 0

    def of_asset(self, number: int, kind: str, name: str) -> Iterator[Edit]:
        """Yield what is done to an asset and its versions."""
        mine = {key: one for key, one in self._plan.versions.items() if key[:2] == (kind, name)}
        free = [key for key, one in mine.items() if not one.gone]
        gone = [key for key, one in mine.items() if one.gone and one.stage != PRODUCTION]
        self._dice.shuffle(free)
        if number < 2 or self._dice.random() < 0.3:  # something to begin with
            yield self._register((kind, name, str(len(mine) + 1)))
        if gone and self._dice.random() < 0.3:  # likely as not
            yield self._register_again(self._dice.choice(gone))
        yield from self._production(mine, free)
        for key in free:
            if self._dice.random() < 0.8:  # likely as not
                yield self._ordinary(key, mine[key])

    def of_workspace(self, number: int) -> Iterator[Edit]:
        """Yield what is done besides assets: jobs run."""
        for count in range(3):
            yield Edit("run", self._dice.choice(PEOPLE), name=f"job-{number}-{count}")

    def farewell(self, asset: tuple[str, str]) -> Iterator[Edit]:
        """Yield what is done last: an asset is deleted as a whole."""
        yield Edit("delete_asset", PEOPLE[0], *asset)
        for key, one in self._plan.versions.items():
            one.gone = one.gone or key[:2] == asset

    def _register(self, key: Key) -> Edit:
        version = self._plan.versions[key] = Planned(NONE, {NONE})
        who, asks = self._dice.choice(PEOPLE), self._dice.random() < 0.5
        tags: Tags = self._request(who, STAGING) if asks else {"team": "risk"}
        if asks:
            version.move(STAGING)
        return Edit("register", who, *key, tags, content=f"{key[1]}-{key[2]}")

    def _register_again(self, key: Key) -> Edit:
        version = self._plan.versions[key]
        again = version.again + 1
        self._plan.versions[key] = Planned(NONE, {NONE}, again=again)
        who = self._dice.choice(PEOPLE)
        return Edit("register", who, *key, {"team": "new"}, f"{key[1]}-{key[2]}-{again}")

    def _production(self, mine: dict[Key, Planned], free: list[Key]) -> Iterator[Edit]:
        """Yield what is done about Production, and take whomever it concerns off the list."""
        holder = next((key for key in mine if mine[key].stage == PRODUCTION), None)
        ready = [key for key in free if mine[key].stage == STAGING]
        if ready and self._dice.random() < 0.7:  # likely as not
            key = ready[0]
            yield self._wish(key, mine[key], PRODUCTION)
            if holder is not None:
                mine[holder].move(ARCHIVED)
        elif holder in free and self._dice.random() < 0.3:  # likely as not
            yield self._wish(holder, mine[holder], ARCHIVED)
        elif holder in free and self._dice.random() < 0.2:  # likely as not
            yield self._delete(holder, mine[holder])
        else:
            return
        for concerned in (holder, *ready[:1]):
            if concerned in free:
                free.remove(concerned)

    def _ordinary(self, key: Key, version: Planned) -> Edit:
        """Return something that concerns no other version."""
        acts: list[Callable[[Key, Planned], Edit]] = [
            self._step,
            self._step,
            self._step,
            self._refused,
            self._note,
            self._describe,
        ]
        if key[0] == "models":
            acts += [self._deploy] * 3
        if version.disturbed < _MAX_DISTURBED:
            acts.append(self._disturb)
        if version.stage != PRODUCTION:
            acts.append(self._delete)
        return self._dice.choice(acts)(key, version)

    def _step(self, key: Key, version: Planned) -> Edit:
        ways = [b for a, b in sorted(ALLOWED) if a == version.stage and PRODUCTION not in (a, b)]
        return (
            self._wish(key, version, self._dice.choice(ways)) if ways else self._note(key, version)
        )

    def _wish(self, key: Key, version: Planned, target: str) -> Edit:
        """Ask by `stage_request`, at times where no event tells of it, or by editing `stage`."""
        who, how = self._dice.choice(PEOPLE), self._dice.random()
        by_edit = target not in version.held and how < 0.3  # likely as not
        tags: Tags = {"stage": target} if by_edit else self._request(who, target)
        version.move(target)
        unseen = key[0] == "models" and how > 0.6  # likely as not
        return Edit("track" if unseen else "edit", who, *key, tags)

    def _refused(self, key: Key, version: Planned) -> Edit:
        ways = [s for s in (NONE, "Moon", PRODUCTION) if s != version.stage]
        ways = [s for s in ways if (version.stage, s) not in ALLOWED]
        who = self._dice.choice(PEOPLE)
        return Edit("edit", who, *key, self._request(who, self._dice.choice(ways)))

    def _request(self, who: str, target: str) -> Tags:
        self._asked += 1
        reason = f"wish {self._asked}"
        self._plan.requesters[reason] = who
        return {"stage_request": f"{target}: {reason}"}

    def _note(self, key: Key, _: Planned) -> Edit:
        value = f"{self._dice.randrange(1000)}"
        return Edit("edit", self._dice.choice(PEOPLE), *key, {"note": value})

    def _describe(self, key: Key, _: Planned) -> Edit:
        said = f"as of {self._dice.randrange(1000)}"
        return Edit("edit", self._dice.choice(PEOPLE), *key, description=said)

    def _disturb(self, key: Key, version: Planned) -> Edit:
        version.disturbed += 1
        tags = self._dice.choice(_DISTURBING)
        return Edit("edit", self._dice.choice(PEOPLE), *key, tags)

    def _deploy(self, key: Key, version: Planned) -> Edit:
        if version.stage != PRODUCTION:
            self._plan.violated[key] = self._plan.violated.get(key, 0) + 1
        return Edit("deploy", self._dice.choice(PEOPLE), *key)

    def _delete(self, key: Key, version: Planned) -> Edit:
        version.gone = True
        return Edit("delete", self._dice.choice(PEOPLE), *key)

"""A registry in memory, behind the same port as the real ones, that breaks on demand.

It behaves as MLflow does: tags are written one by one, numbers come again only after their asset
was deleted. `FileRegistry` is the same on a file, for processes that are killed.
"""

from __future__ import annotations

import fcntl
import pickle
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from msgspec.structs import replace

from stage_functions.application.ports.registry import Decide, Deployment, Output, Page
from stage_functions.domain.asset import Asset, Kind, Snapshot, Version
from stage_functions.domain.configuration import RegistryConfiguration
from stage_functions.domain.error import RegistryRefusedError, RegistryUnavailableError
from stage_functions.domain.evidence import Evidence, Section
from stage_functions.domain.observation import STAGE, STAGE_GOVERNOR
from stage_functions.domain.people import STAGEWARD
from stage_functions.domain.places import Places

_FIRST_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
_ORDER = {STAGE: 0, STAGE_GOVERNOR: 2}

Assets = dict[Asset, dict[str, Snapshot]]


@dataclass(slots=True)
class _State:
    """What the registry holds.

    Attributes:
        assets: versions by number, by asset.
        last: the highest number given, by asset; an asset that was deleted has none.
        runs: what is known of each job, by its id.
        made: how many versions were ever made.
        stages: each version whose `stage` changed, with what it shows since, in order.
        aliases: by asset, the number of the version that has an alias.
        aliased: each alias that was set or deleted, with the version that has it since, in order.
    """

    assets: Assets = field(default_factory=dict)
    last: dict[Asset, int] = field(default_factory=dict)
    runs: dict[str, dict[str, Section]] = field(default_factory=dict)
    made: int = 0
    stages: list[tuple[Version, str]] = field(default_factory=list)
    aliases: dict[Asset, dict[str, str]] = field(default_factory=dict)
    aliased: list[tuple[str, str]] = field(default_factory=list)

    def __getstate__(self) -> tuple[None, dict[str, object]]:
        """Leave aliases out where there are none: the release before, on a file, knows none."""
        held: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        return None, {name: one for name, one in held.items() if one or name not in _OF_ALIASES}

    def __setstate__(self, kept: tuple[None, dict[str, object]]) -> None:
        """Take what another process has left, perhaps of the release before."""
        new = _State()
        for name in self.__slots__:
            setattr(self, name, kept[1].get(name, getattr(new, name)))


_OF_ALIASES = ("aliases", "aliased")


def _nothing(_: str) -> None:
    """Do nothing."""


class _Alone:
    """Holds the state for one thread, as often as it asks."""

    def __init__(self, state: _State) -> None:
        self._state = state
        self._lock = threading.RLock()

    def __enter__(self) -> _State:
        self._lock.acquire()
        return self._state

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class MemoryRegistry:
    """A registry in memory. Safe to share between threads.

    Attributes:
        calls: names of the calls made through the port, in order.
        away: it cannot be reached.
        refusing: it lets Stageward do nothing.
        delay_seconds: how long each call takes.
        before: called with the name of each call before it does anything, and as `write_tag`
            before each tag is written; what it raises, the caller gets.
        after: the same, when it was done: what it raises loses the reply, not the write.
        evidences: what to answer for a version, before what its job says.
        own: ids by which events name Stageward itself.
        deployed: what endpoints serve.
        closed: endpoints that Stageward may not read.
        left: models that jobs have left behind.
        kind: of what `create` makes.
        provider: of its users' ids.
        beside: registries that versions can be copied to, by alias.
    """

    def __init__(self, alias: str = "dev", *, page_versions: int = 1000) -> None:
        self.alias = alias
        self.kind = Kind.MODELS
        self.provider = "mlflow"
        self.calls: list[str] = []
        self.away = False
        self._left = -1
        self.refusing = False
        self.delay_seconds = 0.0
        self.before: Callable[[str], None] = _nothing
        self.after: Callable[[str], None] = _nothing
        self.evidences: dict[Version, Evidence] = {}
        self.own: frozenset[str] = frozenset()
        self.deployed: list[Deployment] = []
        self.closed: set[str] = set()
        self.left: list[Output] = []
        self.beside: dict[str, MemoryRegistry] = {}
        self._page_versions = page_versions
        self._state = _State()
        self._held: Assets | None = None
        self._alone = _Alone(self._state)

    # The port.

    def fail_after(self, calls: int) -> None:
        """Go away after so many further calls."""
        self._left = calls

    def read(self, version: Version) -> Snapshot | None:
        """Return the version as it is now, or as it was when `hold` was called."""
        self._begin("read")
        with self._open() as state:
            found = self._shown(state).get(version.asset, {}).get(version.number)
            found = found and _aliased(state, found)
        self.after("read")
        return found

    def evidence(self, snapshot: Snapshot) -> Evidence:
        """Return what is known of a version."""
        self._begin("evidence")
        with self._open() as state:
            own = self.evidences.get(snapshot.version)
            found = own if own is not None else Evidence(state.runs.get(snapshot.job or "", {}))
        self.after("evidence")
        return found

    def links(self, version: Version, evidence: Evidence) -> Places:
        """Return pages of a registry that has some, though this one has none."""
        job = quote(str(evidence.section("job").get("id", "")), safe="")
        name = quote(version.asset.name, safe="")
        page = f"https://registry.example/{version.asset.kind}/{name}/{quote(version.number)}"
        return Places(page, f"https://registry.example/jobs/{job}" if job else "")

    def edit(self, version: Version, decide: Decide) -> Snapshot | None:
        """Read, change what is decided, and read again.

        Tags are set one by one, `stage` first and `stage_governor` last; then the rest.
        """
        found = self.read(version)
        edit = None if found is None else decide(found)
        if edit is None:
            return found
        self._begin("write_tags")
        for key in sorted(edit.tags, key=lambda key: _ORDER.get(key, 1)):
            self.before("write_tag")
            self._edit(version, {key: edit.tags[key]})
            self.after("write_tag")
        if edit.native_stage is not None:
            self.set_native_stage(version, edit.native_stage)
        for alias, has in edit.aliases.items():
            self.before("write_alias")
            self.set_alias(version.asset, alias, version.number if has else "")
            self.after("write_alias")
        if edit.description is not None:
            self.describe(version, edit.description)
        if edit.archived is not None:
            self.archive(version, archived=edit.archived)
        self.after("write_tags")
        return self.read(version)

    def identities(self) -> frozenset[str]:
        """Return an id by which events may name Stageward."""
        return self.own

    def endpoints(self) -> tuple[str, ...]:
        """Return the names of the endpoints, also of those that nobody may read."""
        self._begin("endpoints")
        return tuple(sorted({one.endpoint for one in self.deployed} | self.closed))

    def deployments(self, endpoint: str) -> tuple[Deployment, ...]:
        """Return what an endpoint serves."""
        self._begin("deployments")
        if endpoint in self.closed:
            message = f"the registry does not let Stageward read the endpoint {endpoint}"
            raise RegistryRefusedError(message)
        return tuple(one for one in self.deployed if one.endpoint == endpoint)

    def take_traffic(self, endpoint: str, deployment: str) -> None:
        """Send no more requests to a deployment."""
        self._begin("take_traffic")
        self.deployed = [
            replace(one, traffic_percent=0)
            if (one.endpoint, one.name) == (endpoint, deployment)
            else one
            for one in self.deployed
        ]

    def outputs(self, job: str) -> tuple[Output, ...]:
        """Return the models that a job has left behind."""
        self._begin("outputs")
        return tuple(one for one in self.left if one.job == job)

    def copy(self, snapshot: Snapshot, target: RegistryConfiguration) -> None:
        """Copy a version to one of the registries beside this one."""
        self._begin("copy")
        other = self.beside.get(target.alias)
        if other is None:
            message = f"{self.alias} copies nothing to {target.alias}"
            raise RegistryRefusedError(message)
        version = Version(
            replace(snapshot.version.asset, registry=target.alias), snapshot.version.number
        )
        if other.read(version) is None:
            other.register(version, snapshot.created_at, author=STAGEWARD, tags=snapshot.tags)
        self.after("copy")

    def versions(self, after: str = "") -> Page:
        """Return whole assets behind a cursor, about as many versions as a page holds."""
        self._begin("versions")
        with self._open() as state:
            page = self._page(self._shown(state), after)
            listed = tuple(_aliased(state, one) for one in page.versions)
        self.after("versions")
        return Page(listed, page.cursor)

    def close(self) -> None:
        """Hold nothing open."""

    # What people and pipelines do.

    def archive(self, version: Version, *, archived: bool = True) -> None:
        """Hide a version in the registry, or show it again."""
        self._replace(version, lambda snapshot: replace(snapshot, archived=archived))

    def create(
        self,
        name: str,
        *,
        tags: Mapping[str, str] | None = None,
        description: str = "",
        job: str | None = None,
        kind: Kind = Kind.MODELS,
        author: str | None = None,
    ) -> Version:
        """Register the next version of an asset."""
        with self._open(write=True) as state:
            asset = Asset(self.alias, kind, name)
            version = Version(asset, str(state.last.get(asset, 0) + 1))
            made_at = _FIRST_MOMENT + timedelta(seconds=state.made)
            self.register(
                version, made_at, tags=tags, description=description, job=job, author=author
            )
            return version

    def register(
        self,
        version: Version,
        created_at: datetime,
        *,
        tags: Mapping[str, str] | None = None,
        author: str | None = None,
        description: str = "",
        job: str | None = None,
        content: str = "",
        anonymous: bool = False,
    ) -> None:
        """Make a version, or make it anew; as nobody's, or of a content that was there before."""
        with self._open(write=True) as state:
            state.made += 1
            if version.number.isdecimal():
                highest = max(int(version.number), state.last.get(version.asset, 0))
                state.last[version.asset] = highest
            content = content or f"models:/m-{created_at.timestamp():.6f}"
            snapshot = Snapshot(version, created_at, content, dict(tags or {}), author)
            snapshot = replace(snapshot, description=description, job=job, native_stage="None")
            snapshot = replace(snapshot, anonymous=anonymous)
            state.assets.setdefault(version.asset, {})[version.number] = snapshot
            state.stages.append((version, snapshot.tags.get(STAGE, "")))

    def deploy(self, version: Version, endpoint: str, deployment: str) -> bool:
        """Have an endpoint serve a version from now on."""
        made = Deployment(endpoint, deployment, version, _FIRST_MOMENT, None, 0)
        self.deployed = [*self.deployed, made]
        return True

    def run(
        self,
        *,
        params: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        user: str = "",
        commit: str = "",
        finished: bool = True,
    ) -> str:
        """Make a job and return its id."""
        with self._open(write=True) as state:
            job = f"{len(state.runs) + 1:032x}"
            state.runs[job] = {
                "job": {"id": job, "status": "FINISHED" if finished else "RUNNING"},
                "params": dict(params or {}),
                "metrics": {key: float(value) for key, value in (metrics or {}).items()},
                "code": {"commit": commit} if commit else {},
                "author": {"id": f"mlflow:{user}"} if user else {},
            }
            return job

    def set_tag(self, version: Version, key: str, value: str) -> None:
        """Set a tag as somebody else."""
        self._edit(version, {key: value})

    def set_tags(self, version: Version, tags: Mapping[str, str | None]) -> None:
        """Edit tags as somebody else; None removes one."""
        self._edit(version, tags)

    def delete_tag(self, version: Version, key: str) -> None:
        """Delete a tag as somebody else."""
        self._edit(version, {key: None})

    def describe(self, version: Version, description: str) -> None:
        """Edit the description as somebody else."""
        self._replace(version, lambda snapshot: replace(snapshot, description=description))

    def wrote(self, version: Version, who: str, at: datetime | None = None) -> None:
        """Show somebody as whoever wrote it last, and when, as registries do that know."""
        self._replace(version, lambda snapshot: replace(snapshot, modified_by=who, modified_at=at))

    def call_anonymous(self, version: Version, *, anonymous: bool = True) -> None:
        """Take a version's name from it, or give it one."""
        self._replace(version, lambda snapshot: replace(snapshot, anonymous=anonymous))

    def set_native_stage(self, version: Version, stage: str) -> None:
        """Set the registry's own stage field as somebody else, by a client that knows no tags."""
        self._replace(version, lambda snapshot: replace(snapshot, native_stage=stage))

    def set_alias(self, asset: Asset, alias: str, number: str = "") -> None:
        """Set an alias at a version, wherever it is; delete it where none is named."""
        with self._open(write=True) as state:
            known = state.aliases.setdefault(asset, {})
            if not number:
                known.pop(alias, None)
            else:
                _one(state, Version(asset, number))
                known[alias] = number
            state.aliased.append((alias, number))

    def aliases(self, asset: Asset) -> dict[str, str]:
        """Return the number of the version that has an alias, by alias."""
        with self._open() as state:
            return dict(state.aliases.get(asset, {}))

    def aliases_shown(self) -> list[tuple[str, str]]:
        """Return each alias that was set or deleted, with the version that has it since."""
        with self._open() as state:
            return list(state.aliased)

    def transition(self, version: Version, stage: str) -> None:
        """Set the registry's own stage field as somebody else."""
        self.set_native_stage(version, stage)

    def native_stage(self, version: Version) -> str:
        """Return the registry's own stage field of a version."""
        with self._open() as state:
            return _one(state, version).native_stage or ""

    def tags(self, version: Version) -> dict[str, str]:
        """Return the tags of a version."""
        with self._open() as state:
            return dict(_one(state, version).tags)

    def stages_shown(self) -> list[dict[Version, str]]:
        """Return which stages all versions showed, after each change of one, in order."""
        with self._open() as state:
            changes = tuple(state.stages)
        stages: dict[Version, str] = {}
        return [stages := {**stages, version: stage} for version, stage in changes]

    def remove(self, version: Version) -> None:
        """Delete a version as somebody else, if it is there."""
        with self._open(write=True) as state:
            if state.assets.get(version.asset, {}).pop(version.number, None) is not None:
                state.stages.append((version, ""))
                known = state.aliases.get(version.asset, {})
                left = {alias: one for alias, one in known.items() if one != version.number}
                state.aliases[version.asset] = left

    def delete_version(self, version: Version) -> None:
        """Delete a version as somebody else; its number never comes again."""
        self.remove(version)

    def delete_asset(self, name: str, kind: Kind = Kind.MODELS) -> None:
        """Delete an asset with all of its versions; their numbers may come again."""
        with self._open(write=True) as state:
            asset = Asset(self.alias, kind, name)
            for number in state.assets.pop(asset, {}):
                state.stages.append((Version(asset, number), ""))
            state.last.pop(asset, None)
            state.aliases.pop(asset, None)

    def hold(self) -> None:
        """Show from now on what is there now, whatever is written behind it."""
        with self._open() as state:
            self._held = {asset: dict(held) for asset, held in state.assets.items()}

    def release(self) -> None:
        """Show again what is there."""
        self._held = None

    # How it holds and breaks.

    def _page(self, shown: Assets, after: str) -> Page:
        kind, _, name = after.partition("/")
        ahead = [a for a in sorted(shown) if (a.kind, a.name) > (kind, name) and shown[a]]
        listed: list[Snapshot] = []
        for asset in ahead:
            if listed and len(listed) + len(shown[asset]) > self._page_versions:
                last = listed[-1].version.asset
                return Page(tuple(listed), f"{last.kind}/{last.name}")
            listed += shown[asset].values()
        return Page(tuple(listed), "")

    def _shown(self, state: _State) -> Assets:
        return state.assets if self._held is None else self._held

    def _edit(self, version: Version, tags: Mapping[str, str | None]) -> None:
        def edited(snapshot: Snapshot) -> Snapshot:
            merged = {**snapshot.tags, **tags}
            kept = {key: value for key, value in merged.items() if value is not None}
            return replace(snapshot, tags=kept)

        self._replace(version, edited)

    def _replace(self, version: Version, change: Callable[[Snapshot], Snapshot]) -> None:
        with self._open(write=True) as state:
            before = _one(state, version)
            after = change(before)
            state.assets[version.asset][version.number] = after
            if after.tags.get(STAGE) != before.tags.get(STAGE):
                state.stages.append((version, after.tags.get(STAGE, "")))

    def _begin(self, name: str) -> None:
        """Note a call; go on only if it may reach the registry."""
        self.calls.append(name)
        if self._left == 0:
            self.away = True
        self._left -= 1
        self.before(name)
        if self.delay_seconds:
            time.sleep(self.delay_seconds)
        if self.away:
            message = "the registry is away"
            raise RegistryUnavailableError(message)
        if self.refusing:
            message = "the registry lets Stageward do nothing"
            raise RegistryRefusedError(message)

    def _open(self, *, write: bool = False) -> AbstractContextManager[_State]:
        """Hold the state alone; where it is kept elsewhere, `write` puts it back."""
        return self._alone


class _Pickler(pickle.Pickler):
    """Writes snapshots so that the release before, which knows no aliases, can read them."""

    def reducer_override(self, obj: object) -> Any:  # noqa: ANN401  # as pickle has it
        """Return by what a snapshot is made again; anything else is written as always."""
        if not isinstance(obj, Snapshot):
            return NotImplemented
        values = [getattr(obj, name) for name in obj.__struct_fields__ if name != "aliases"]
        return Snapshot, tuple(values)


class FileRegistry(MemoryRegistry):
    """The same on a file: it outlives the process, and several may share it.

    A process that is killed leaves the file as it was before its last write or after it.
    """

    def __init__(self, path: Path, alias: str = "dev", *, page_versions: int = 1000) -> None:
        super().__init__(alias, page_versions=page_versions)
        self._path = path
        self._depth = 0
        self._lock = threading.RLock()

    @contextmanager
    def _open(self, *, write: bool = False) -> Iterator[_State]:
        with self._lock:
            if self._depth:
                yield self._state
                return
            with self._path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if self._path.exists():
                    self._state = pickle.loads(self._path.read_bytes())
                self._depth += 1
                try:
                    yield self._state
                finally:
                    self._depth -= 1
                if write:
                    new = self._path.with_suffix(".new")
                    with new.open("wb") as file:
                        _Pickler(file).dump(self._state)
                    new.replace(self._path)


def _aliased(state: _State, snapshot: Snapshot) -> Snapshot:
    known = state.aliases.get(snapshot.version.asset)
    if not known:
        return snapshot
    own = (alias for alias, one in known.items() if one == snapshot.version.number)
    return replace(snapshot, aliases=tuple(sorted(own)))


def _one(state: _State, version: Version) -> Snapshot:
    found = state.assets.get(version.asset, {}).get(version.number)
    if found is None:
        message = f"the registry has no {version}"
        raise RegistryRefusedError(message)
    return found

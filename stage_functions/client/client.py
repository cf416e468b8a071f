"""A typed client of the HTTP API, for Python programs and for the command line.

    with Client("http://127.0.0.1:8321", token) as stageward:
        decision = stageward.transition("dev/models/iris:3", "Production", reason="AUC 0.94")

A refusal is a value; an error is an exception of `stage_functions.domain.error`. A request whose
answer was lost is sent again under the same Idempotency-Key, so that it is decided once.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import IO, Any, Literal, Self, TypeVar
from urllib.parse import quote

import httpx

from stage_functions.client.connection import ATTEMPTS, Connection, Waiting, problem_of
from stage_functions.client.identity import Bearer
from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.error import InvalidInputError
from stage_functions.wire import (
    api,
    granted_api,
    lifecycles_api,
    replay_api,
    retention_api,
    rollback_api,
    standing_api,
    status_api,
    writes_api,
)
from stage_functions.wire.as_of_api import AsOf, Estate, EstatePage

PAGE = 1000
_LEDGER = "ledger"

T = TypeVar("T")


class Client:
    """Calls Stageward. Safe to share between threads."""

    def __init__(
        self,
        url: str,
        token: Bearer = "",
        *,
        agent: str = "stageward-python",
        timeout_seconds: float = 60,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        waiting: Waiting | None = None,
        attempts: int = ATTEMPTS,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            url: where Stageward answers, such as `http://127.0.0.1:8321`.
            token: who is asking; with STAGEWARD_AUTH=dev a person's key. An `Identity` gives
                tokens of Entra, which go only to an https address, or to this machine.
            agent: names the program in the server's log.
            timeout_seconds: for connecting, and for each part of an answer.
            transport: what carries the requests; the network if None.
            sleep: waits between attempts.
            waiting: is told before each such wait why, and for how many seconds.
            attempts: how often a request is sent at the most, until it is answered.

        Raises:
            InvalidInputError: the URL or the token cannot be sent, or not to there.
        """
        self._connection = Connection(
            url,
            token,
            agent=agent,
            timeout_seconds=timeout_seconds,
            transport=transport,
            sleep=sleep,
            waiting=waiting,
            attempts=attempts,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        type_: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def versions(  # noqa: PLR0913  # a list has that many sides
        self,
        *,
        registry: str = "",
        kind: str = "",
        stage: str = "",
        waiting: bool = False,
        gone: bool = False,
        hidden: bool = False,
        unregistered: bool = False,
        violating: bool = False,
        review_due: bool = False,
    ) -> Iterator[api.CatalogVersion]:
        """Yield versions of the catalog, those that fit.

        Args:
            registry: only this one.
            kind: only this one.
            stage: only versions that stand there.
            waiting: only versions with an open approval.
            gone: deleted ones too.
            hidden: those at stages that their lifecycle hides too.
            unregistered: what nobody has registered too; so does the stage Unregistered.
            violating: only versions with a violation that stands, as far as is known.
            review_due: only versions whose review is due, or has lapsed.

        Raises:
            NotFoundError: no such registry.
        """
        given = {"registry": registry, "kind": kind, "stage": stage}
        params = {name: value for name, value in given.items() if value}
        flags = {
            "waiting": waiting,
            "gone": gone,
            "hidden": hidden,
            "unregistered": unregistered,
            "violating": violating,
            "review_due": review_due,
        }
        params |= {name: "true" for name, flag in flags.items() if flag}
        cursor: str | None = ""
        while cursor is not None:
            more = {"cursor": cursor} if cursor else {}
            query = {**params, **more, "limit": str(PAGE)}
            page = self._get("assets", api.CatalogPage, query)
            yield from page.versions
            cursor = page.cursor

    def asset(self, asset: str) -> api.Asset:
        """Return an asset, named `registry/kind/name`, with its versions.

        Raises:
            InvalidInputError: it names no asset.
            NotFoundError: the ledger does not know it.
        """
        return self._get(_asset(asset), api.Asset)

    def version(self, version: str) -> api.Version:
        """Return a version, named `registry/kind/name:version`, with its evidence.

        Raises:
            InvalidInputError: it names no version.
            NotFoundError: neither ledger nor registry knows it.
        """
        return self._get(_version(version), api.Version)

    def transition(
        self,
        version: str,
        to: str,
        *,
        reason: str = "",
        expected_stage: str | None = None,
        archive_existing_versions: bool = True,
        on_behalf_of: str | None = None,
        emergency: str | None = None,
        key: str = "",
    ) -> api.Decision:
        """Ask for a transition; granted, unchanged, pending and refused are all answers.

        For the stage where it stands by an approval that has an end, it asks to renew that.

        Args:
            version: `registry/kind/name:version`.
            to: the stage to reach.
            reason: why; approvers read it.
            expected_stage: raise unless the version stands there now.
            archive_existing_versions: False refuses to displace the holder of an exclusive stage.
            on_behalf_of: id of the person it is asked for.
            emergency: the incident for which it does not wait for approval; needs a reason.
            key: the Idempotency-Key; a new one if "".

        Raises:
            StaleError: it does not stand at `expected_stage`.
            NotAllowedNowError: its registry is only observed, or writes to it are stopped.
            NotFoundError, NotSignedInError, InvalidInputError, RetryableError: as their names say.
        """
        body = api.TransitionBody(
            to, reason, expected_stage, archive_existing_versions, on_behalf_of, emergency
        )
        answer = self._connection.send(
            "POST", f"{_version(version)}/transitions", body, key or _key()
        )
        problem = problem_of(answer)
        if problem is not None and problem.decision is not None:
            return problem.decision
        return self._connection.read(answer, api.Decision)

    def review(
        self, version: str, *, comment: str = "", record: int | None = None, key: str = ""
    ) -> standing_api.Attended:
        """Say that a version was reviewed; the time to the next review begins anew.

        Args:
            version: `registry/kind/name:version`.
            comment: what was looked at, and found.
            record: raise if the version has further records than this one.
            key: the Idempotency-Key; a new one if "".

        Raises:
            DeniedError: it is not for this person to do.
            NotAllowedNowError: it is not to be reviewed, or its registry is only observed.
            StaleError: it has further records by now.
            NotFoundError, NotSignedInError, InvalidInputError, RetryableError: as their names say.
        """
        body = standing_api.AttentionBody(comment, record)
        answer = self._connection.send("POST", f"{_version(version)}/review", body, key or _key())
        return self._connection.read(answer, standing_api.Attended)

    def acknowledge(
        self, version: str, *, comment: str, record: int | None = None, key: str = ""
    ) -> standing_api.Attended:
        """Take note of what was edited of a frozen version, so that it may move again.

        Args:
            version: `registry/kind/name:version`.
            comment: who edited it, and what became of that.
            record: raise if the version has further records than this one.
            key: the Idempotency-Key; a new one if "".

        Raises:
            DeniedError: it is not for this person to do.
            NotAllowedNowError: nothing was edited, or its registry is only observed.
            StaleError, NotFoundError, NotSignedInError, InvalidInputError, RetryableError: as
                `review`.
        """
        body = standing_api.AttentionBody(comment, record)
        path = f"{_version(version)}/acknowledgement"
        answer = self._connection.send("POST", path, body, key or _key())
        return self._connection.read(answer, standing_api.Attended)

    def rollback_foreseen(self, asset: str, *, stage: str = "") -> rollback_api.Rollback:
        """Ask what a rollback would do now; nothing is changed.

        Args:
            asset: `registry/kind/name`.
            stage: the exclusive stage; "" where one alone has `rollback_within`.

        Raises:
            NotFoundError, NotSignedInError, InvalidInputError, RetryableError: as their names say.
        """
        query = {"stage": stage} if stage else None
        return self._get(f"{_asset(asset)}/rollback", rollback_api.Rollback, query)

    def rollback(
        self,
        asset: str,
        *,
        reason: str = "",
        stage: str | None = None,
        mark: bool = False,
        expected_holder: str | None = None,
        key: str = "",
    ) -> api.Decision:
        """Bring back, at once, what the holder of an exclusive stage displaced.

        Args:
            asset: `registry/kind/name`.
            reason: why.
            stage: the exclusive stage; None where one alone has `rollback_within`.
            mark: what is taken out must be reviewed before it may return.
            expected_holder: raise unless this version holds the stage now.
            key: the Idempotency-Key; a new one if "".

        Raises:
            StaleError: another version holds it.
            NotAllowedNowError: it cannot be made; the message says why, and what to do.
            DeniedError: this person may not.
            NotFoundError, NotSignedInError, InvalidInputError, RetryableError: as their names say.
        """
        body = rollback_api.RollbackBody(reason, stage, mark, expected_holder)
        return self._post(f"{_asset(asset)}/rollback", api.Decision, body, key)

    def check(
        self,
        version: str,
        action: Literal["transition", "deploy", "delete"],
        *,
        to: str | None = None,
        endpoint: str | None = None,
        reason: str = "",
        configuration: str | None = None,
        definitions: Mapping[str, str] | None = None,
    ) -> api.Check:
        """Ask what would happen; nothing is changed.

        Args:
            version: `registry/kind/name:version`.
            action: what is to be done with it.
            to: the stage, for a transition.
            endpoint: `registry/endpoint`, for a deployment.
            reason: what a rule may read as the request's reason.
            configuration: text of a draft to try a transition under.
            definitions: texts of the definitions of Azure Policy that it names, by their paths.

        Raises:
            DeniedError: only a person of the configuration may try a draft.
            NotFoundError, NotSignedInError, InvalidInputError, RetryableError: as their names say.
        """
        body = api.CheckBody(action, to, endpoint, reason, configuration, definitions)
        return self._post(f"{_version(version)}/checks", api.Check, body)

    def replay(
        self,
        configuration: str,
        since: datetime,
        *,
        assets: str = "*",
        definitions: Mapping[str, str] | None = None,
    ) -> replay_api.DraftReplay:
        """Ask which requests since a moment (aware) a draft would have decided otherwise.

        Args:
            configuration: text of the draft.
            since: what was decided from then on.
            assets: glob over `registry/kind/name`.
            definitions: texts of the definitions of Azure Policy that it names, by their paths.

        Raises:
            DeniedError: only a person of the configuration may try a draft.
            NotSignedInError, InvalidInputError, RetryableError: as their names say.
        """
        same = differs = unknown = 0
        cases: tuple[replay_api.ReplayCase, ...] = ()
        behind: str | None = ""
        while behind is not None:
            body = replay_api.DraftReplayBody(
                configuration, since.isoformat(), assets, behind, definitions
            )
            page = self._post("replays", replay_api.DraftReplay, body)
            same, differs = same + page.same, differs + page.differs
            unknown, cases, behind = unknown + page.unknown, (*cases, *page.cases), page.behind
        return replay_api.DraftReplay(same, differs, unknown, cases, None)

    def history(self, asset: str, *, after: int = 0) -> Iterator[Mapping[str, Any]]:
        """Yield the records of an asset behind a number, in order, each with its links.

        Args:
            asset: `registry/kind/name`; or `ledger` for the ledger's own.
            after: the number.

        Raises:
            NotFoundError: the ledger does not know the asset.
        """
        at: int | None = after
        while at is not None:
            query = {"after": str(at), "limit": str(PAGE)}
            of = _LEDGER if asset == _LEDGER else _asset(asset)
            page = self._get(f"{of}/history", api.History, query)
            yield from page.records
            at = page.after

    def as_of(self, asset: str, moment: datetime | None = None) -> AsOf:
        """Return where the versions of an asset stood at a moment (aware), or stand now.

        Raises:
            NotFoundError: the ledger does not know the asset.
        """
        query = {"time": moment.isoformat()} if moment else {}
        return self._get(f"{_asset(asset)}/as-of", AsOf, query)

    def estate(
        self,
        moment: datetime | None = None,
        *,
        registry: str = "",
        kind: str = "",
        stage: str = "",
        hidden: bool = False,
    ) -> Estate:
        """Return where the versions of all assets stood at a moment (aware), or stand now.

        Args:
            moment: when; now if None.
            registry: only this one.
            kind: only this one.
            stage: only versions that stood there.
            hidden: those at hidden stages too.

        Raises:
            NotFoundError: no such registry.
            InvalidInputError, NotSignedInError, RetryableError: as their names say.
        """
        query = {"registry": registry, "kind": kind, "stage": stage, "limit": str(PAGE)}
        query = {name: value for name, value in query.items() if value}
        query |= {"hidden": "true"} if hidden else {}
        page = self._get(
            "assets", EstatePage, {**query, "as_of": moment.isoformat() if moment else "now"}
        )
        moment, stood = page.time, [*page.stood]
        while page.cursor is not None:
            more = {**query, "as_of": moment.isoformat(), "cursor": page.cursor}
            page = self._get("assets", EstatePage, more)
            stood += page.stood
        return Estate(moment, tuple(stood))

    def approvals(self, status: str = "open") -> tuple[api.Approval, ...]:
        """Return approvals of a status, or `all`, the next deadline first."""
        return self._get("approvals", api.Approvals, {"status": status}).approvals

    def approval(self, approval: str) -> api.Approval:
        """Return an approval.

        Raises:
            NotFoundError: no such approval.
        """
        return self._get(f"approvals/{_part(approval)}", api.Approval)

    def vote(
        self,
        approval: str,
        decision: Literal["approve", "reject"],
        *,
        fingerprint: str,
        comment: str = "",
        key: str = "",
    ) -> api.Decision:
        """Approve or reject what the voter saw.

        Raises:
            DeniedError: this person's vote would not count; the message says why.
            StaleError: the approval is not what the voter saw.
            NotAllowedNowError: it is closed, or this person has voted.
            InvalidInputError: a reject without a comment.
        """
        body = api.VoteBody(decision, fingerprint, comment)
        return self._post(f"approvals/{_part(approval)}/votes", api.Decision, body, key)

    def sponsor(self, approval: str, *, key: str = "") -> api.Decision:
        """Stand for a request that nobody is proven to have made.

        Raises:
            DeniedError, NotAllowedNowError: this person may not, or it has a requester.
        """
        return self._post(f"approvals/{_part(approval)}/sponsor", api.Decision, None, key)

    def withdraw(self, approval: str, *, reason: str = "", key: str = "") -> api.Decision:
        """Take a request back.

        Raises:
            DeniedError, NotAllowedNowError: it is not this person's, or it is closed.
        """
        body = api.WithdrawalBody(reason)
        return self._post(f"approvals/{_part(approval)}/withdrawal", api.Decision, body, key)

    def export(self, subject: str, into: IO[bytes]) -> str:
        """Write an evidence pack, a zip, to a file; return the name that the server gives it.

        Args:
            subject: `registry/kind/name:version`, or an approval's id.
            into: an empty file that can be cut.

        Raises:
            NotFoundError: the ledger knows no such version or approval.
        """
        path = _version(subject) if "/" in subject else f"approvals/{_part(subject)}"
        return self._connection.download(f"{path}/export", into)

    def registries(self) -> tuple[api.Registry, ...]:
        """Return all registries with their state."""
        return self._get("registries", api.Registries).registries

    def granted(self, registry: str, names: Sequence[str]) -> tuple[granted_api.GrantedModel, ...]:
        """Return where the versions of some models stand, in the order of the names.

        Args:
            registry: its alias.
            names: of models; a hundred go into one call.

        Raises:
            NotFoundError: no such registry.
            InvalidInputError: a name that no model has.
        """
        found: list[granted_api.GrantedModel] = []
        for start in range(0, len(names), granted_api.MOST_NAMES):
            body = granted_api.GrantedBody(tuple(names[start : start + granted_api.MOST_NAMES]))
            path = f"registries/{_part(registry)}/granted"
            found += self._post(path, granted_api.GrantedModels, body).models
        return tuple(found)

    def import_registry(
        self,
        registry: str,
        *,
        mapping: Mapping[str, str] | None = None,
        keep: tuple[str, ...] = (),
        reason: str = "",
        dry_run: bool = False,
    ) -> api.Import:
        """Take a registry's present stages as granted; not done while anything is unclear.

        Raises:
            DeniedError: only operators may.
            NotAllowedNowError: its tags name another ledger.
        """
        body = api.ImportBody(dict(mapping or {}), list(keep), reason, dry_run)
        answer = self._connection.send("POST", f"registries/{_part(registry)}/import", body)
        problem = problem_of(answer)
        if problem is not None and problem.unclear is not None:
            return problem.unclear
        return self._connection.read(answer, api.Import)

    def guarded(self, registry: str) -> writes_api.Guarded:
        """Return what of an MLflow server is asked about before it is stored there.

        Raises:
            NotFoundError, InvalidInputError: no such registry, or no MLflow server.
        """
        return self._get(f"registries/{_part(registry)}/writes", writes_api.Guarded)

    def write(
        self, registry: str, body: writes_api.WriteBody, *, key: str = ""
    ) -> writes_api.Ruling:
        """Ask whether a write may be stored at an MLflow server; for such a server to call.

        Args:
            registry: its alias.
            body: what is about to be written.
            key: the Idempotency-Key; a new one if "".

        Raises:
            NotFoundError, InvalidInputError: no such registry, or no MLflow server.
            NotAllowedNowError: nothing is decided on the version now.
            RetryableError: it cannot be decided now.
        """
        return self._post(f"registries/{_part(registry)}/writes", writes_api.Ruling, body, key)

    def scan(self, registry: str) -> api.Scan:
        """Compare a registry with the ledger now.

        Raises:
            DeniedError: only operators may.
        """
        return self._post(f"registries/{_part(registry)}/scan", api.Scan)

    def resolve(self, registry: str, *, dry_run: bool = False) -> api.Resolution:
        """Decide that this ledger is right: write over the tags that made Stageward stop.

        Raises:
            DeniedError: only operators may.
        """
        path = f"registries/{_part(registry)}/resolve"
        return self._post(path, api.Resolution, api.ResolveBody(dry_run))

    def lifecycles(self) -> tuple[api.Lifecycle, ...]:
        """Return all lifecycles as written."""
        return self._get("lifecycles", api.Lifecycles).lifecycles

    def lifecycle_law(self, name: str) -> lifecycles_api.LifecycleLaw:
        """Return which text of a lifecycle is in force, and what change of it waits.

        Raises:
            NotFoundError: no such lifecycle.
        """
        return self._get(f"lifecycles/{_part(name)}/adoption", lifecycles_api.LifecycleLaw)

    def adopt_lifecycle(self, name: str, digest: str, comment: str = "") -> lifecycles_api.Adoption:
        """Consent to the change of a lifecycle that waits.

        Raises:
            NotFoundError: no such lifecycle.
            NotAllowedNowError: no change of it waits.
            StaleError: another one waits than you name.
            DeniedError: you may not consent to it.
        """
        body = lifecycles_api.AdoptionBody(digest, comment)
        path = f"lifecycles/{_part(name)}/adoption"
        return self._post(path, lifecycles_api.Adoption, body)

    def lifecycle_history(self, name: str, after: int = 0) -> tuple[Mapping[str, Any], ...]:
        """Return a lifecycle's own records behind a number, in order, at most 1,000.

        Raises:
            NotFoundError: no such lifecycle.
        """
        path = f"lifecycles/{_part(name)}/history"
        found = self._get(path, lifecycles_api.LifecycleHistory, {"after": str(after)})
        return found.records

    def validate_lifecycles(
        self, configuration: str, definitions: Mapping[str, str] | None = None
    ) -> lifecycles_api.Validation:
        """Return what a file would strand, void, loosen and rename; nothing is changed.

        Raises:
            InvalidInputError: the file has faults, each told with line and column.
            DeniedError: only a person of the configuration may try a draft.
        """
        body = lifecycles_api.ValidationBody(configuration, definitions or {})
        return self._post("lifecycles/validation", lifecycles_api.Validation, body)

    def outbox(self) -> tuple[api.Owed, ...]:
        """Return owed work, parked work first."""
        return self._get("outbox", api.Outbox).owed

    def retry(self, owed: str) -> api.Owed:
        """Try owed work again now.

        Raises:
            DeniedError: only operators may.
            NotFoundError: nothing is owed under that id.
        """
        return self._post(f"outbox/{_part(owed)}/retry", api.Owed)

    def status(self) -> status_api.Status:
        """Return how Stageward fares, what is wrong, and what to do about it.

        Raises:
            DeniedError: only operators may know.
        """
        return self._get("status", status_api.Status)

    def dead_letters(self, limit: int = 20) -> status_api.DeadLetters:
        """Return events that could not be delivered, newest first.

        Raises:
            DeniedError: only operators may.
            NotFoundError: no container for them is configured.
            NotAllowedNowError: the container lets nobody in, or is not there.
        """
        return self._get("dead-letters", status_api.DeadLetters, {"limit": str(limit)})

    def replay_dead_letters(self) -> Iterator[status_api.Replay]:
        """Follow all dead letters as hints, some at a time, and yield what became of each lot.

        Raises:
            DeniedError, NotFoundError, NotAllowedNowError: as `dead_letters`.
        """
        again = True
        while again:
            deleted, more, cursor = 0, False, ""
            while True:
                lot = self._replayed(cursor)
                yield lot
                deleted, more, cursor = deleted + lot.deleted, more or lot.more, lot.cursor or ""
                if not cursor:
                    break
            again = more and deleted > 0  # what could not be listed before, now can

    def _replayed(self, cursor: str) -> status_api.Replay:
        query = f"?after={quote(cursor, safe='')}" if cursor else ""
        return self._post(f"dead-letters/replay{query}", status_api.Replay)

    def rebuild_catalog(self) -> api.Rebuilt:
        """Write the catalog again from the ledger.

        Raises:
            DeniedError: only operators may.
        """
        return self._post("catalog/rebuild", api.Rebuilt)

    def holds(self, asset: str = "") -> tuple[retention_api.Hold, ...]:
        """Return every hold, or those on one asset.

        Raises:
            NotFoundError: the ledger does not know the asset.
        """
        path = f"{_asset(asset)}/holds" if asset else "holds"
        return self._get(path, retention_api.Holds).holds

    def place_hold(
        self, asset: str, case: str, *, reason: str = "", key: str = ""
    ) -> retention_api.Hold:
        """Hold an asset for a case.

        Raises:
            DeniedError: only operators may.
            NotFoundError: the ledger does not know the asset.
        """
        body = retention_api.HoldBody(case, reason)
        return self._post(f"{_asset(asset)}/holds", retention_api.Hold, body, key)

    def lift_hold(
        self, asset: str, case: str, *, reason: str = "", key: str = ""
    ) -> retention_api.Hold:
        """Lift the hold of a case.

        Raises:
            DeniedError: only operators may.
            NotFoundError: the asset has no such hold.
        """
        body = retention_api.HoldBody(case, reason)
        return self._post(f"{_asset(asset)}/holds/lift", retention_api.Hold, body, key)

    def retention(self) -> tuple[retention_api.Kept, ...]:
        """Return what is kept of assets that are gone, and until when.

        Raises:
            DeniedError: only operators may know.
        """
        return self._get("retention", retention_api.Retention).assets

    def forget(
        self, person: str, *, reason: str = "", dry_run: bool = False, key: str = ""
    ) -> retention_api.Forgotten:
        """Delete the names of a person, for good; their ids stay in records.

        Raises:
            DeniedError: only operators may.
            NotFoundError: no name is kept of them.
            NotAllowedNowError: they appear in the records of an asset that is held.
        """
        body = retention_api.ForgetBody(person, reason, dry_run)
        return self._post("people/forget", retention_api.Forgotten, body, key)

    def _get(self, path: str, type_: type[T], query: Mapping[str, str] | None = None) -> T:
        return self._connection.read(self._connection.send("GET", path, query=query), type_)

    def _post(self, path: str, type_: type[T], body: object = None, key: str = "") -> T:
        return self._connection.read(
            self._connection.send("POST", path, body, key or _key()), type_
        )


def _asset(text: str) -> str:
    asset = Asset.parse(text)
    return f"assets/{asset.registry}/{asset.kind}/{_part(asset.name)}"


def _version(text: str) -> str:
    version = Version.parse(text)
    return f"{_asset(str(version.asset))}/versions/{_part(version.number)}"


def _part(text: str) -> str:
    if not text:
        message = "an id is missing"
        raise InvalidInputError(message)
    return quote(text, safe="")


def _key() -> str:
    return secrets.token_urlsafe(18)

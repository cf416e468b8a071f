"""Evidence packs: whatever became of a version, its pack tells it, and holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.context import Context
from stage_functions.application.importing import ImportCommand, import_registry
from stage_functions.application.pack import FIRST, LAST
from stage_functions.application.ports.rows import BLOBS, LEDGER, Delete, Upsert
from stage_functions.application.registries import RegistryState
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.sweep import sweep
from stage_functions.application.transition import request_transition
from stage_functions.application.vote import withdraw
from stage_functions.domain.anchor import Inclusion
from stage_functions.domain.approval import Decision
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import NotFoundError, RegistryUnavailableError
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.state import MISSING_TWICE_SECONDS
from tests.application.clock_world import clocked
from tests.brief_world import FILE, Asked, approve, asked, context_over_file, empty_world
from tests.builders import IRIS, World, actor, cast, world
from tests.copy_world import copy_world, there
from tests.packs import check, gathered, manifest_of, pack_of, report_of, unzipped, zipped

ONE = Version(IRIS, "1")


@pytest.fixture
def it() -> Iterator[Asked]:
    """A version in Production, and a better one that asks, with rules and evidence."""
    made = empty_world()
    yield asked(made)
    made.rows.close()


@pytest.fixture
def plain() -> Iterator[World]:
    """A world without rules and evidence."""
    made = world()
    yield made
    made.rows.close()


def holds(data: bytes, folder: Path) -> str:
    """Return what the verifier says of a pack, which must hold."""
    checked = check(zipped(unzipped(data), folder / "pack.zip"))

    assert checked.code == 0, checked.said
    return checked.said


def test_what_was_approved_is_told_with_people_grounds_and_what_it_displaced(
    it: Asked, tmp_path: Path
) -> None:
    """Who decided and why, each rule with its values, what it was compared with."""
    approve(it.world.context, it.approval, "rosa", comment="recall is lower, and that is fine")
    approve(it.world.context, it.approval, "grace")
    data = pack_of(it.world.context, it.approval)
    said, report = holds(data, tmp_path), report_of(data)

    assert "version 2 stands at Production by its 7 records" in said
    for told in (
        "Moved churn version 2 from Staging to Production",
        "Approved by Rosa Parks and Grace Hopper.",
        "Rosa Parks (person:rosa)",
        "recall is lower, and that is fine",
        "at least as good an AUC as the version it replaces",
        "Version 1: Production → Archived, displaced by version 2",
        "2 persons must approve, of model-risk or data-science, at least 1 of model-risk",
        "It is hash-linked, and no more.",
    ):
        assert told in report


def test_the_pack_has_every_document_that_its_records_name(it: Asked) -> None:
    """The evidence of the holder that it was compared with, and what was shown beside, too."""
    approve(it.world.context, it.approval, "rosa", "grace")
    files = unzipped(pack_of(it.world.context, it.approval))
    approval = json.loads(files[f"approvals/{it.approval}.json"])
    digests = {
        "lifecycles": [approval["lifecycle"]["digest"]],
        "evidence": [approval["binding"]["evidence"], approval["compared_evidence"]],
        "beside": [approval["beside"]],
        "bindings": [approval["fingerprint"]],
    }

    expected = {f"{where}/{one[7:]}.json" for where, ones in digests.items() for one in ones}
    assert expected == {n for n in files if n.startswith(tuple(digests)) and n.endswith(".json")}
    assert "lifecycles/default.jsonl" in files
    assert json.loads(files["people.json"])["person:rosa"] == "Rosa Parks"


def open_one(it: Asked) -> None:
    """Leave it open."""


def rejected(it: Asked) -> None:
    """Reject it."""
    cast(it.world.context, it.approval, "rosa", Decision.REJECT, "not without the fairness review")


def withdrawn(it: Asked) -> None:
    """Take it back."""
    context = it.world.context
    withdraw(context, it.approval, actor("ada"), context.clock.operation_id(), "a better one comes")


def expired(it: Asked) -> None:
    """Let it lapse."""
    it.world.clock.sleep(timedelta(days=8).total_seconds())
    sweep(it.world.context)


def voided(it: Asked) -> None:
    """Change what it is bound to, and reach the quorum."""
    it.world.registry.evidences[it.version] = Evidence({"metrics": {"auc": 0.95}})
    approve(it.world.context, it.approval, "rosa", "grace")


@pytest.mark.parametrize(
    ("ends", "status", "told"),
    [
        (open_one, "open", "Nobody has decided yet."),
        (rejected, "rejected", "not without the fairness review"),
        (withdrawn, "withdrawn", "a better one comes"),
        (expired, "expired", "no decision before"),
        (voided, "voided", "voided"),
    ],
)
def test_whatever_became_of_an_approval_its_pack_says_so_and_holds(
    it: Asked, tmp_path: Path, ends: Callable[[Asked], None], status: str, told: str
) -> None:
    """Open ones too: the registry is not asked what it has now."""
    ends(it)
    data = pack_of(it.world.context, it.approval)
    holds(data, tmp_path)
    approval = json.loads(unzipped(data)[f"approvals/{it.approval}.json"])

    assert status == approval["status"]
    assert told in report_of(data)
    assert "at Staging by its" in check(tmp_path / "pack.zip").said


def test_a_registry_that_is_away_hinders_nothing(it: Asked, tmp_path: Path) -> None:
    """A pack is of the ledger alone: no call is made."""

    def refuse(call: str) -> None:
        message = f"{call} was called"
        raise RegistryUnavailableError(message)

    it.world.registry.before = refuse

    assert "stands at Staging" in holds(pack_of(it.world.context, it.approval), tmp_path)


def test_a_renewal_is_compared_with_what_was_approved_before(tmp_path: Path) -> None:
    """Both approvals are in the pack."""
    it = clocked()
    first = it.granted()
    it.at(31)
    second = it.ask("sam").approval
    cast(it.context, second, "bob")
    cast(it.context, second, "eve")
    data = pack_of(it.context, second)
    holds(data, tmp_path)

    assert [first, second] == manifest_of(data)["subject"]["approvals"]
    assert "Renewed the approval of iris version 1 for Production" in report_of(data)
    assert "the approval is no longer valid" in report_of(data).lower()
    it.world.rows.close()


def test_a_version_that_nobody_was_asked_to_approve_says_so(plain: World, tmp_path: Path) -> None:
    """It stands where the lifecycle let it."""
    request_transition(plain.context, plain.command(plain.register("1"), "Staging"))
    data = pack_of(plain.context, ONE)
    holds(data, tmp_path)

    assert "Nobody was asked to approve it" in report_of(data)
    assert "at once: the lifecycle demands no approval for it" in report_of(data)
    assert "not recorded" in report_of(data)


def test_an_imported_version_was_approved_by_nobody(plain: World, tmp_path: Path) -> None:
    """Its pack says that its registry's stage was taken as granted."""
    plain.context.states.update("demo", lambda _: RegistryState())
    plain.registry.register(ONE, plain.clock.now(), tags={"stage": "Production"})
    command = ImportCommand("demo", {}, (), "as it was", actor("eve"), dry_run=False)
    import_registry(plain.context, command)
    data = pack_of(plain.context, ONE)
    holds(data, tmp_path)

    assert "what its registry showed was taken as granted, nobody approved it" in report_of(data)
    assert "as it was" in report_of(data)


def test_a_copy_names_its_original_and_where_its_pack_is_to_be_had(tmp_path: Path) -> None:
    """With the record that granted the stage where it began."""
    it = copy_world()
    version = it.register()
    it.ask(version, "Staging")
    copy = there(version, "test")
    data = pack_of(it.context, copy)
    holds(data, tmp_path)

    assert "as a copy of a version that was granted it in another registry" in report_of(data)
    assert f"stageward export {version}" in report_of(data)
    assert "and its hash is right" in report_of(data)
    it.rows.close()


def test_a_deleted_version_keeps_its_pack(plain: World, tmp_path: Path) -> None:
    """The registry has it no more; the ledger has."""
    plain.register("1")
    plain.registry.remove(ONE)
    follow(plain.context, Signal(ONE, deleted=True))
    plain.clock.sleep(MISSING_TWICE_SECONDS + 1)
    sweep(plain.context)
    data = pack_of(plain.context, ONE)
    holds(data, tmp_path)

    assert manifest_of(data)["subject"]["gone"] is True
    assert "Deleted at None" in report_of(data)


def test_what_is_only_observed_has_a_pack_without_a_stage(tmp_path: Path) -> None:
    """No stage was ever granted to it."""
    it = world(Mode.OBSERVE)
    it.register("1", {"stage_request": "Production"})
    data = pack_of(it.context, ONE)
    holds(data, tmp_path)

    assert "No stage was ever granted to it." in report_of(data)
    it.rows.close()


def test_what_the_ledger_does_not_know_has_no_pack(plain: World) -> None:
    """Neither versions nor approvals."""
    with pytest.raises(NotFoundError, match="the ledger knows no demo/models/iris:9"):
        gathered(plain.context, Version(IRIS, "9"))
    with pytest.raises(NotFoundError, match="no approval has the id"):
        gathered(plain.context, "zzzzzzzz")


def test_a_document_that_is_gone_is_told_and_fails_the_check(it: Asked, tmp_path: Path) -> None:
    """In the report, in the manifest and by the verifier."""
    approve(it.world.context, it.approval, "rosa", "grace")
    context = it.world.context
    digest = gathered(context, it.approval).approvals[0].binding.evidence
    rows = it.world.rows
    for row in rows.query(BLOBS, keys.encode(digest)):
        rows.commit(BLOBS, keys.encode(digest), [Delete(row.key, row.etag)])
    data = pack_of(context, it.approval)
    checked = check(zipped(unzipped(data), tmp_path / "pack.zip"))

    assert 1 == checked.code
    assert f"evidence/{digest[7:]}.json: the ledger does not have it" in checked.said
    assert "This pack does not hold" in report_of(data)
    assert "The ledger does not have the document" in report_of(data)
    assert "Job: not recorded" not in report_of(data)
    assert "removed" not in report_of(data)
    assert f"evidence/{digest[7:]}.json" == manifest_of(data)["missing"][0]["file"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"\xff\n", "it cannot even be read"),
        (None, "its hash is not that of its bytes"),
    ],
)
def test_a_damaged_history_is_exported_and_told(
    it: Asked, tmp_path: Path, body: bytes | None, why: str
) -> None:
    """What is left of it is evidence too."""
    context, partition = it.world.context, keys.asset_partition(it.version.asset)
    row = it.world.rows.get(LEDGER, partition, keys.record_key(4))
    assert row is not None
    old = row.values["body0"]
    assert isinstance(old, bytes)
    other = old.replace(b'"commit":', b'"commit":1') if body is None else body
    it.world.rows.commit(LEDGER, partition, [Upsert(row.key, {**row.values, "body0": other})])
    data = pack_of(context, it.approval)
    checked = check(zipped(unzipped(data), tmp_path / "pack.zip"))

    assert 1 == checked.code
    assert "record 4" in checked.said
    assert why in report_of(data)
    assert f"record 4: {why}" == manifest_of(data)["histories"][0]["fault"]


def test_the_same_ledger_gives_the_same_bytes(it: Asked) -> None:
    """Whenever, by whichever instance."""
    data = pack_of(it.world.context, it.version)
    it.world.clock.sleep(86_400)
    other = context_over_file(it.world.rows, it.world.registry, it.world.clock, FILE)

    assert data == pack_of(it.world.context, it.version)
    assert data == pack_of(other, it.version)


def test_who_votes_while_it_is_packed_is_in_it_whole(it: Asked, tmp_path: Path) -> None:
    """It starts over where the version has got further records."""
    votes = ["rosa"]

    def prover(context: Context, name: str) -> Inclusion | None:
        if votes and name == str(it.version.asset):
            cast(context, it.approval, votes.pop())
        return None

    data = pack_of(it.world.context, it.approval, prover)
    holds(data, tmp_path)
    approval = json.loads(unzipped(data)[f"approvals/{it.approval}.json"])

    assert ["person:rosa"] == [one["voter"] for one in approval["votes"]]


HOSTILE = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("<>&\"'`{}%\x00\u202e\u2066\u200b\r\n"),
    ),
    max_size=60,
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(reason=HOSTILE, comment=HOSTILE, tag=HOSTILE)
def test_whatever_people_write_the_pack_is_the_same_twice_and_shows_it_as_text(
    reason: str, comment: str, tag: str
) -> None:
    """No markup of theirs is markup, and nothing that cannot be seen is left unseen."""
    it = world()
    with closing(it.rows):
        version = it.register("1", {"note": tag})
        request_transition(it.context, it.command(version, "Staging"))
        wish = replace(it.command(version, "Production"), reason=reason)
        approval = request_transition(it.context, wish).approval
        cast(it.context, approval, "bob", comment=comment)
        data = pack_of(it.context, approval)
        again = pack_of(it.context, approval)
    report, page = report_of(data), Parts()
    page.feed(report)

    assert data == again
    assert not {"\x00", "\u202e", "\u2066", "\u200b"} & {*report}
    assert {*TAGS} >= page.tags
    assert {"lang", "charset", "name", "content", "http-equiv", "class", "scope", "colspan"} | {
        "role",
        "href",
        "rel",
    } >= page.attributes


TAGS = [
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "header",
    "p",
    "h1",
    "dl",
    "dt",
    "dd",
    "code",
    "span",
    "main",
    "section",
    "h2",
    "h3",
    "h4",
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "blockquote",
    "div",
    "ul",
    "li",
    "strong",
    "br",
    "pre",
    "footer",
    "a",
]


class Parts(HTMLParser):
    """Takes note of the elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of an element."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_an_approval_whose_row_is_gone_is_told(it: Asked, tmp_path: Path) -> None:
    """Its records are there, and say that it was."""
    approve(it.world.context, it.approval, "rosa", "grace")
    partition = keys.asset_partition(it.version.asset)
    row = it.world.rows.get(LEDGER, partition, keys.approval_key(it.approval))
    assert row is not None
    it.world.rows.commit(LEDGER, partition, [Delete(row.key, row.etag)])
    data = pack_of(it.world.context, it.version)
    checked = check(zipped(unzipped(data), tmp_path / "pack.zip"))

    assert 1 == checked.code
    assert f"approvals/{it.approval}.json: the ledger does not have it" in checked.said
    assert f"approvals/{it.approval}.json" in report_of(data)
    assert "as it was approved" in report_of(data)


def test_a_history_that_was_cut_is_told(it: Asked, tmp_path: Path) -> None:
    """Its head says how many records there were."""
    partition = keys.asset_partition(it.version.asset)
    row = it.world.rows.get(LEDGER, partition, keys.record_key(10))
    assert row is not None
    it.world.rows.commit(LEDGER, partition, [Delete(row.key, row.etag)])
    data = pack_of(it.world.context, it.version)
    checked = check(zipped(unzipped(data), tmp_path / "pack.zip"))

    assert 1 == checked.code
    assert "records.jsonl ends with record 9, the history with 10" in checked.said
    assert "the head is at record 10, the records end at 9" in report_of(data)


def test_the_packs_of_two_versions_share_their_history_and_nothing_else(it: Asked) -> None:
    """The one that was displaced tells by whom, the other whom it displaced."""
    approve(it.world.context, it.approval, "rosa", "grace")
    first, second = (pack_of(it.world.context, one) for one in (it.holder, it.version))

    assert unzipped(first)["records.jsonl"] == unzipped(second)["records.jsonl"]
    assert "since another version took its exclusive stage: version 2" in report_of(first)
    assert "Version 1: Production → Archived, displaced by version 2" in report_of(second)


def test_a_version_with_many_records_has_all_of_them_and_a_report_that_can_be_read(
    plain: World, tmp_path: Path
) -> None:
    """The first and the last are told, and how many are left out."""
    version = plain.register("1")
    for _ in range(FIRST + LAST + 20):
        request_transition(plain.context, plain.command(version, "Nowhere"))
    pack = gathered(plain.context, version)
    data = pack_of(plain.context, version)
    holds(data, tmp_path)

    assert (FIRST + LAST + 21, 21) == (pack.count, pack.left_out)
    assert "21 of them, between record 100 and 122, are left out here" in report_of(data)
    assert pack.count == unzipped(data)["records.jsonl"].count(b"\n")

"""Evidence as it is hashed names nobody; what the release before sealed with names still counts."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from msgspec.structs import replace

from stage_functions.application import keys, query
from stage_functions.application.brief import brief
from stage_functions.application.codec import pack, pack_blob
from stage_functions.application.dossier import version_dossier
from stage_functions.application.ports.rows import BLOBS, LEDGER, Upsert
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.transition import request_transition
from stage_functions.domain.approval import Approval
from stage_functions.domain.asset import Version
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.record import canonical, digest_of
from stage_functions.domain.rule import Rule
from tests.builders import IRIS, World, actor, cast, lifecycle, world

JANE = "mlflow:Jane.Doe@example.org"
FIRST = Version(IRIS, "1")


def shown() -> Lifecycle:
    """Return the lifecycle with a rule that shows whose the version is."""
    rule = Rule("whose", "true", "", ("version.author", "evidence.author.id"))
    plain = lifecycle()
    return replace(
        plain,
        rules={"whose": rule},
        transitions=tuple(replace(one, rules=("whose",)) for one in plain.transitions),
    )


@pytest.fixture
def it() -> Iterator[World]:
    """A world where Jane, whom nobody has mapped, has trained a version."""
    made = world(governed_by=shown())
    metrics = {"accuracy": 0.97, "rows": 12}
    made.registry.evidences[FIRST] = Evidence({"author": {"id": JANE}, "metrics": metrics})
    made.registry.register(FIRST, made.clock.now(), author=JANE)
    follow(made.context, Signal(FIRST))
    request_transition(made.context, made.command(FIRST, "Staging"))
    yield made
    made.rows.close()


def pending(it: World) -> str:
    """Ask for Production; return the approval's id."""
    asked = request_transition(it.context, it.command(FIRST, "Production"))
    return asked.approval


def sealed_before(it: World, approval: str) -> None:
    """Make of an approval what the release before would have opened."""
    found = query.approval(it.context, approval).approval
    kept = it.context.ledger.blob(found.binding.evidence)
    assert kept is not None
    clear = canonical({**msgspec.json.decode(kept), "author": {"id": JANE}})
    it.rows.commit(BLOBS, keys.encode(digest_of(clear)), pack_blob(clear))
    older = replace(found, binding=replace(found.binding, evidence=digest_of(clear)))
    write(it, older)


def write(it: World, approval: Approval) -> None:
    """Replace an approval's row."""
    row = Upsert(keys.approval_key(approval.id), pack(approval))
    it.rows.commit(LEDGER, keys.asset_partition(IRIS), [row])


def test_evidence_has_the_masked_id_of_its_author(it: World) -> None:
    """In the document, in what rules see of it and of the version, and in what verdicts show."""
    approval = query.approval(it.context, pending(it)).approval
    masked = it.context.ledger.mask(JANE)
    document = it.context.ledger.blob(approval.binding.evidence)
    (verdict,) = approval.verdicts

    assert document is not None
    assert {"id": masked} == msgspec.json.decode(document)["author"]
    assert {"version.author": masked, "evidence.author.id": masked} == dict(verdict.values)
    assert it.context.ledger.name(masked) == JANE


def test_a_mapped_author_stays_the_id_that_the_registry_has(it: World) -> None:
    """So whoever is put into the file meanwhile changes nothing of what an approval is bound to."""
    second = it.register("2")
    it.registry.evidences[second] = Evidence({"author": {"id": "mlflow:ada"}})
    request_transition(it.context, it.command(second, "Staging"))

    seen = query.version(it.context, second).evidence

    assert {"id": "mlflow:ada"} == seen.section("author")


def test_an_approval_of_the_release_before_is_granted(it: World) -> None:
    """Though it is bound to evidence with the address in it: that is the same evidence."""
    approval = pending(it)
    sealed_before(it, approval)
    now = brief(it.context, approval, actor("bob").id).present
    cast(it.context, approval, "bob")
    answer = cast(it.context, approval, "eve")

    assert now is not None
    assert () == now.bound
    assert ("granted", "Production") == (answer.kind, answer.stage)


def test_it_is_voided_where_the_evidence_is_another(it: World) -> None:
    """The mask makes nothing else alike."""
    approval = pending(it)
    sealed_before(it, approval)
    it.registry.evidences[FIRST] = Evidence({"author": {"id": JANE}, "metrics": {"accuracy": 0.1}})
    now = brief(it.context, approval, actor("bob").id).present
    cast(it.context, approval, "bob")
    answer = cast(it.context, approval, "eve")

    assert "voided" == answer.status
    assert now is not None
    assert any("accuracy" in line for line in now.bound)
    assert not any("author" in line for line in now.bound)


def test_what_was_kept_with_names_is_shown_masked(it: World) -> None:
    """Where the registry has lost the version, its page shows the evidence that was kept."""
    approval = pending(it)
    sealed_before(it, approval)
    it.registry.remove(FIRST)

    found = version_dossier(it.context, FIRST).evidence

    assert it.context.ledger.mask(JANE) == found.section("author")["id"]

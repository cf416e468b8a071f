"""The brief of an open approval says what has changed since, and what that means."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.brief import brief
from stage_functions.application.changes import bound_changes, in_brief
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.domain.approval import Binding, Status
from stage_functions.domain.asset import Version
from stage_functions.domain.evidence import Evidence
from tests.brief_world import (
    FILE,
    FIRST_METRICS,
    SECOND_METRICS,
    Asked,
    approve,
    ask,
    context_over_file,
    evidence,
    facts,
    seen,
)


def test_an_open_one_that_nobody_touched_has_not_changed(it: Asked) -> None:
    """Stageward's own tags, which it writes meanwhile, are no change."""
    now = seen(it).present

    assert now is not None
    assert ("", (), (), "") == (now.unreadable, now.bound, now.unbound, now.refused)


def test_names_changes_that_void_apart_from_those_that_do_not(it: Asked) -> None:
    """In words, old and new."""
    later = evidence(2, **{**SECOND_METRICS, "auc": 0.95})
    it.world.registry.evidences[it.version] = later
    it.world.registry.set_tags(it.version, {"team": "growth", "use_case": "spam"})
    it.world.registry.describe(it.version, "")
    it.world.registry.evidences[it.holder] = evidence(1, **{**FIRST_METRICS, "auc": 0.93})
    now = seen(it).present

    assert now is not None
    assert {
        "metrics: auc: 0.943 → 0.95",
        "tag use_case: retention 2 → spam",
        "description: Churn model, second release → ",
    } == set(now.bound)
    assert ("tag team: crm → growth", "version 1, metrics: auc: 0.921 → 0.93") == now.unbound


def test_the_numbers_it_compares_stay_those_it_is_bound_to(it: Asked) -> None:
    """Whatever is in the registry now."""
    it.world.registry.evidences[it.version] = evidence(2, auc=0.5)
    metrics = facts(seen(it), "metrics")

    assert ("0.921", "0.943") == (metrics["auc"].old, metrics["auc"].new)


def test_says_that_a_rule_fails_now(it: Asked) -> None:
    """Though nothing bound has changed: the version it is compared with has."""
    it.world.registry.evidences[it.holder] = evidence(1, **{**FIRST_METRICS, "auc": 0.99})
    found = seen(it)

    assert found.present is not None
    assert () == found.present.bound
    assert "no-worse failed" in found.present.refused
    assert found.judgements[1].changed


@pytest.mark.parametrize("fault", ["away", "refusing"])
def test_shows_everything_bound_while_the_registry_cannot_be_read(it: Asked, fault: str) -> None:
    """And says that it could not be compared with now."""
    before = seen(it)
    setattr(it.world.registry, fault, True)
    found = seen(it)

    assert found.present is not None
    assert "the registry" in found.present.unreadable
    assert repr(before.compared) == repr(found.compared)  # NaN is not itself
    assert before.evidence == found.evidence
    assert before.places == found.places
    assert found.judgements[0].then == before.judgements[0].then
    assert found.judgements[0].now is None


def test_says_that_the_version_is_gone_or_another(it: Asked) -> None:
    """Either voids it."""
    it.world.registry.remove(it.version)
    gone = seen(it).present
    it.world.registry.register(it.version, it.world.clock.now() + timedelta(hours=1))
    anew = seen(it).present

    assert gone is not None
    assert anew is not None
    assert (f"{it.version} is no longer in its registry",) == gone.bound
    assert (f"{it.version} was deleted and registered anew",) == anew.bound


BINDING = Binding("1/x", "Staging", "Production", ("1",), "sha256:l", "sha256:e", {}, {}, "")


@pytest.mark.parametrize(
    ("now", "line"),
    [
        (
            replace(BINDING, displaces=("3",)),
            "it would displace version 3 now, no longer version 1",
        ),
        (replace(BINDING, displaces=()), "it would displace nothing now, no longer version 1"),
        (
            replace(BINDING, lifecycle="x"),
            "the lifecycle has other stages, transitions or rules now",
        ),
        (replace(BINDING, source="Archived"), "it stands at Archived now, no longer at Staging"),
        (replace(BINDING, properties={"a": "b"}), "property a: b was added"),
        (replace(BINDING, evidence="sha256:f"), "evidence sha256:e → sha256:f"),
        (replace(BINDING, incarnation="2/x"), "incarnation 1/x → 2/x"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_bound_thing_that_differs_is_named(now: Binding, line: str) -> None:
    """Never is a difference of the fingerprint without words."""
    assert line in bound_changes(BINDING, now, Evidence(), Evidence())
    assert () == bound_changes(BINDING, BINDING, Evidence(), Evidence())


def test_says_who_wrote_last_where_the_registry_knows(it: Asked) -> None:
    """A hint, and said as one."""
    it.world.registry.wrote(it.version, "mlflow:grace")
    it.world.registry.describe(it.version, "better")
    now = seen(it).present

    assert now is not None
    assert "the registry says that Grace Hopper wrote it last" == now.bound[-1]


def test_what_stageward_granted_meanwhile_is_laid_to_no_writer(it: Asked) -> None:
    """Another version took the stage: no registry can say who did that."""
    it.world.registry.wrote(it.version, "mlflow:grace")
    third = Version(it.version.asset, "3")
    it.world.registry.evidences[third] = evidence(3, **FIRST_METRICS)
    it.world.registry.register(third, it.world.clock.now(), tags={}, author="mlflow:ada")
    follow(it.world.context, Signal(third))
    approve(it.world.context, ask(it.world.context, third, "third"), "rosa", "grace")
    now = seen(it).present
    approve(it.world.context, it.approval, "rosa", "grace")
    line = "it would displace version 3 now, no longer version 1"

    assert now is not None
    assert (line,) == now.bound
    closed = query.approval(it.world.context, it.approval).approval
    assert (Status.VOIDED, f"changed since it was asked: {line}") == (closed.status, closed.why)


def test_says_that_what_it_is_compared_with_is_gone(it: Asked) -> None:
    """Which does not void it by itself."""
    it.world.registry.remove(it.holder)
    now = seen(it).present

    assert now is not None
    assert ("version 1, which it is compared with, is no longer there",) == now.unbound


def test_says_that_nothing_governs_the_asset_any_more(it: Asked) -> None:
    """The vote would be told the same."""
    file = FILE.replace('watch: ["*/*"]', 'watch: ["data/*"]')
    context = context_over_file(it.world.rows, it.world.registry, it.world.clock, file)
    now = brief(context, it.approval, "person:rosa").present

    assert now is not None
    assert now.bound[0].startswith("no lifecycle governs demo/models/churn")


def test_an_approval_of_an_earlier_release_has_less_to_be_compared_with(it: Asked) -> None:
    """What was shown beside was not kept then: only what is bound is compared."""
    loaded = it.world.context.ledger.load(it.version.asset, [it.version.number])
    kept = loaded.approvals[it.approval]
    step = loaded.step().with_approval(replace(kept, beside="", holder_evidence=""))
    now = it.world.clock.now()
    it.world.context.ledger.commit(loaded, step, now=now, operation="earlier")
    it.world.registry.set_tags(it.version, {"team": "growth"})
    found = seen(it)

    assert found.present is not None
    assert ((), ()) == (found.present.bound, found.present.unbound)
    assert found.beside is None
    assert () == found.compared


def test_many_changes_are_told_in_brief() -> None:
    """A record and a tag say the first ones, each cut, and how many more there are."""
    lines = tuple(f"tag {n}: {'x' * 500} was added" for n in range(9))

    told = in_brief(lines)

    assert told.startswith("tag 0: xxx")
    assert told.endswith("…; and 4 more")
    assert len(told) < 1000

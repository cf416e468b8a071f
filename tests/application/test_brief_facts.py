"""The facts of a brief: compared, linked, sourced, and never left out."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.application.brief import brief
from stage_functions.application.brief_facts import named_version, readable
from stage_functions.domain.approval import Status
from stage_functions.domain.asset import Version
from stage_functions.domain.evidence import SECTIONS, Evidence, Scalar
from stage_functions.web.pages import brief_words
from tests.brief_world import (
    SECOND_METRICS,
    Asked,
    approve,
    asked,
    empty_world,
    evidence,
    facts,
    seen,
)
from tests.builders import World


def test_a_renewal_is_compared_with_what_was_approved_before(it: Asked) -> None:
    """For the same version, which stays where it stands."""
    context, number = it.world.context, it.version.number
    approve(context, it.approval, "rosa", "grace")
    loaded = context.ledger.load(it.version.asset, [number])
    given = context.ledger.more(loaded, approval=it.approval).approvals[it.approval]
    renewal = replace(
        given,
        id="renewal1",
        binding=replace(given.binding, source="Production", displaces=()),
        votes=(),
        status=Status.OPEN,
        closed=None,
        why="",
        holder="",
        holder_evidence="",
    )
    step = loaded.step().with_approval(renewal).with_open(("renewal1",))
    step = step.with_version(replace(step.version(number), approval="renewal1"))
    context.ledger.commit(loaded, step, now=context.clock.now(), operation="renewal")
    it.world.registry.evidences[it.version] = evidence(2, **{**SECOND_METRICS, "auc": 0.9})
    found = brief(context, "renewal1", "person:rosa")

    assert found.approval.renews
    assert (it.approval, True) == (found.holder.approved, found.holder.known)
    assert found.compared
    assert {"same"} == {one.change for section in found.compared for one in section.facts}
    assert found.present is not None
    assert ("metrics: auc: 0.943 → 0.9",) == found.present.bound
    assert "Keep churn version 2 approved for Production?" == brief_words.question(found)
    assert "Version 2 stays at Production; its approval is valid anew." in (
        brief_words.on_approve(found)
    )


def test_compares_with_the_version_that_holds_the_stage(it: Asked) -> None:
    """Section by section, with direction and size."""
    found = seen(it)
    metrics, params = facts(found, "metrics"), facts(found, "params")

    assert ("1", True, True) == (found.holder.number, found.holder.holds_now, found.holder.known)
    assert ("higher", "0.022 (2.39\u00a0%)") == (metrics["auc"].direction, metrics["auc"].by)
    assert ("lower", "0.03 (4.92\u00a0%)") == (
        metrics["recall_at_10"].direction,
        metrics["recall_at_10"].by,
    )
    assert "same" == metrics["rows"].change
    assert "not a number" == metrics["min_group_auc"].new
    assert "added" == params["monotone_constraints"].change
    assert "changed" == facts(found, "data")["demo/data/customers:1 (training): digest"].change
    assert "changed" == facts(found, "environment")["sklearn_version"].change
    assert "changed" == facts(found, "code")["commit"].change
    assert facts(found, "model")["signature_inputs"].new.endswith("payment_method: string")
    assert ("retention", "retention 2") == (
        facts(found, "tags")["use_case"].old,
        facts(found, "tags")["use_case"].new,
    )


def test_says_that_nothing_holds_the_stage_yet(closing: Callable[[World], World]) -> None:
    """There is nothing to compare with."""
    it = asked(closing(empty_world()), holder=False)
    found = seen(it)

    assert ("", False) == (found.holder.number, found.holder.holds_now)
    assert found.holder.exclusive
    assert () == found.compared


def test_shows_every_section_of_the_evidence(it: Asked) -> None:
    """Linked and sourced; what is not recorded is there too."""
    found = {one.section: one for one in seen(it).evidence}
    urls = {(s.section, f.name): f.url for s in found.values() for f in s.facts if f.url}

    assert list(SECTIONS) == list(found)
    assert () == found["explanations"].facts
    assert found["metrics"].source == f"registry demo, job {2:032x}"
    assert f"https://registry.example/jobs/{2:032x}" == urls["job", "id"]
    assert urls["code", "commit"].startswith("https://github.com/example/churn/commit/9b1c7e04")
    assert (
        "https://data.example.org/customers/2026-q3.parquet"
        == (urls["data", "demo/data/customers:1 (training): source"])
    )
    assert "Ada Lovelace" == found["author"].facts[0].text


def test_shows_the_lineage_with_the_stages_of_what_is_governed(it: Asked) -> None:
    """A data set that Stageward governs stands somewhere."""
    found = seen(it).lineage

    assert ["Job", "Data", "Data", "Code", "Author"] == [one.relation for one in found]
    assert Version.parse("demo/data/customers:1") == found[1].version
    assert "None" == found[1].stage
    assert found[2].version is None


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("dev/data/iris:3", "dev/data/iris:3"),
        ("models:/iris/3", "demo/models/iris:3"),
        ("models:/m-0123", ""),
        ("models:/iris@champion", ""),
        ("https://e.org/a:3", ""),
        ("", ""),
    ],
)
def test_a_governed_input_is_known_by_its_name(text: str, version: str) -> None:
    """As Stageward writes it, or as MLflow does."""
    found = named_version(text, "demo")

    assert version == (str(found) if found else "")


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault
@given(
    st.dictionaries(
        st.sampled_from(SECTIONS),
        st.dictionaries(
            st.sampled_from(["name", "datasets", "id", "context", "digest", "x"]),
            st.text()
            | st.floats()
            | st.sampled_from(['[{"name": 1}]', "[1]", '[{"type": "a"}]', "[" * 5000]),
            max_size=3,
        ),
        max_size=4,
    )
)
def test_any_evidence_is_readable(sections: dict[str, dict[str, str | float]]) -> None:
    """As it is kept, too: nothing raises, and numbers are numbers again."""
    whole = Evidence(sections)
    document = {name: dict(section) for name, section in whole.variables().items()}
    kept = Evidence.kept({n: {k: _repr(v) for k, v in s.items()} for n, s in document.items()})

    assert set(SECTIONS) == set(readable(whole)) == set(readable(kept))
    for key, value in whole.section("metrics").items():
        if isinstance(value, float):
            again = kept.section("metrics")[key]
            assert again == value or (math.isnan(float(again)) and math.isnan(value))


def _repr(value: Scalar) -> Scalar:
    return repr(value) if isinstance(value, float) else value

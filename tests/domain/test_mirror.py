"""What a version is to show, and what of it differs from what it shows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stage_functions.domain.asset import Asset, Kind, Snapshot, Version
from stage_functions.domain.configuration import Mirror, RegistryConfiguration, RegistryType
from stage_functions.domain.lifecycle import Stage
from stage_functions.domain.mirror import MAX_STATUS_CHARACTERS, Edit, mirror, own_tags, shown
from stage_functions.domain.state import ARCHIVED, VersionState
from tests.builders import STAGES, lifecycle

NOW = datetime(2026, 1, 1, tzinfo=UTC)
VERSION = Version(Asset("demo", Kind.MODELS, "iris"), "1")
MLFLOW = RegistryConfiguration(
    "demo",
    RegistryType.MLFLOW,
    "http://m",
    mirror_to=(Mirror.TAG, Mirror.PRESENCE),
    presence={"Production": "prod"},
)
AZURE = replace(MLFLOW, type=RegistryType.AZUREML, mirror_to=(Mirror.TAG, Mirror.NATIVE_STAGE))
KEYS = ("none", "staging", "prod", "archived")
stages = st.sampled_from(STAGES)
tags = st.dictionaries(
    st.sampled_from((*KEYS, "approval", "stage", "stage_status", "stage_governor", "mine", "Prod")),
    st.sampled_from(("", "true", "false", "None", "prod-approved", "led/3")),
)


def standing(stage: str, **changes: object) -> VersionState:
    """Return a version that stands at a stage."""
    state = VersionState("1", "x", stage, NOW, number=3, status="granted")
    return replace(state, **changes)


def of(
    state: VersionState,
    registry: RegistryConfiguration = MLFLOW,
    kind: Kind = Kind.MODELS,
) -> Edit:
    """Return what a version is to show."""
    return mirror("led", state, kind, lifecycle(), registry, NOW)


def written(shown_tags: dict[str, str], edit: Edit) -> dict[str, str]:
    """Return tags as they are after an edit."""
    merged = {**shown_tags, **edit.tags}
    return {key: value for key, value in merged.items() if value is not None}


@given(stage=stages, before=tags, approved=st.sampled_from(("", "7f3k9m2x")))
def test_whatever_was_there_one_key_is_left_and_nothing_else_is_touched(
    stage: str, before: dict[str, str], approved: str
) -> None:
    """Written once, nothing differs any more, whatever value the key had."""
    edit = of(standing(stage, approved_by=approved))
    changes = edit.differing(Snapshot(VERSION, NOW, "", before))
    after = written(before, changes)
    own = own_tags(MLFLOW, lifecycle())

    assert [MLFLOW.presence.get(stage, stage.lower())] == [key for key in KEYS if key in after]
    assert ("approval" in after) == bool(approved)
    assert {k: v for k, v in before.items() if k not in own} == {
        k: v for k, v in after.items() if k not in own
    }
    assert edit.differing(Snapshot(VERSION, NOW, "", after)).nothing


def test_others_go_before_the_key_comes_and_the_governor_is_last() -> None:
    """Where tags are written one by one, never two keys are there."""
    keys = list(of(standing("Staging")).tags)

    assert ["stage", "stage_status", "none", "prod", "archived", "staging"] == keys[:6]
    assert ["approval", "stage_governor"] == keys[6:]


@pytest.mark.parametrize(
    ("stage", "field"),
    [("Staging", "Staging"), ("Archived", ""), ("ARCHIVED", ""), ("Arçhived", "Arçhived")],
)
def test_the_stage_field_never_reads_archived(stage: str, field: str) -> None:
    """However it is written."""
    assert of(standing(stage), AZURE).native_stage == field


def test_the_stage_field_says_nothing_of_what_is_hidden() -> None:
    """Azure ML may tell from the field whether a version is archived."""
    stages = {**lifecycle().stages, "Attic": Stage("Attic", hidden=True)}
    attic = replace(lifecycle(), stages=stages)
    edit = mirror("led", standing("Attic"), Kind.MODELS, attic, AZURE, NOW)

    assert (edit.native_stage, edit.archived) == ("", True)


def test_only_models_of_azure_ml_have_a_stage_field_to_write() -> None:
    """Elsewhere it is left alone."""
    found = [of(standing("Staging"), AZURE, kind).native_stage for kind in Kind]
    mlflow = replace(AZURE, type=RegistryType.MLFLOW)

    assert found == ["Staging", None, None, None]
    assert of(standing("Staging"), mlflow).native_stage is None


def test_the_field_of_what_somebody_else_archived_differs_in_nothing() -> None:
    """To write it could show the version again."""
    archived = Snapshot(VERSION, NOW, "", {}, native_stage=None, archived=True)
    ours = standing("Staging", base={ARCHIVED: "true"})

    assert of(standing("Staging"), AZURE).differing(archived).native_stage is None
    assert of(ours, AZURE).differing(archived).native_stage == "Staging"
    assert of(ours, AZURE).differing(archived).archived is False


def test_a_long_status_is_cut() -> None:
    """Azure Resource Manager takes 256 characters."""
    status = of(standing("None", status="x" * 1000)).tags["stage_status"]

    assert status == "x" * (MAX_STATUS_CHARACTERS - 1) + "…"


def test_what_was_verified_is_remembered() -> None:
    """Each source as it is written."""
    state = standing("Production", approved_by="7f3k9m2x", writers=("mlflow:sam",))
    seen = shown(state, of(state), NOW)
    plain = shown(state, of(state, replace(MLFLOW, mirror_to=(Mirror.TAG,))), NOW)

    assert seen.base == {
        "stage": "Production",
        "presence": "Production",
        "approval": "prod-approved",
    }
    assert plain.base == {"stage": "Production"}
    assert (seen.writers, seen.verified_at) == ((), NOW)

"""The stage field that models of Azure ML have themselves."""

from __future__ import annotations

import pytest

from stage_functions.domain.asset import Kind
from stage_functions.wire.policy_definitions import STAGE_FIELD
from tests.policies.requests import ABSENT, OTHERS, STAGES, by, policy, version

PREVENTING = policy(STAGE_FIELD)


def _with(stage: object, kind: Kind = Kind.MODELS) -> dict[str, object]:
    return version(kind) if stage is ABSENT else version(kind, stage=stage)


@pytest.mark.parametrize("who", list(OTHERS))
@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        *((stage, None if stage == "None" else "deny") for stage in STAGES),
        ("none", None),
        ("Development", "deny"),
        ("", None),
        pytest.param(None, None, id="null"),
        (ABSENT, None),
    ],
)
def test_others_leave_it_as_registered(who: str, stage: object, expected: str | None) -> None:
    """Empty, absent, or the first stage."""
    assert expected == PREVENTING.evaluate(_with(stage), request_context=by(who))


@pytest.mark.parametrize("stage", [*STAGES, "", ABSENT])
def test_the_governor_writes_it(stage: object) -> None:
    """It shows there what it has granted."""
    assert PREVENTING.evaluate(_with(stage), request_context=by("the governor")) is None


@pytest.mark.parametrize("kind", [Kind.DATA, Kind.ENVIRONMENTS, Kind.COMPONENTS])
def test_it_is_about_models_alone(kind: Kind) -> None:
    """Stageward shows the stage there of nothing else."""
    assert PREVENTING.evaluate(_with("Production", kind), request_context=by("a person")) is None

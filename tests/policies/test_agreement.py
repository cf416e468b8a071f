"""What the policies of a configuration deny is what its lifecycles say, version by version."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stage_functions.azure_policy import Policy, compile_policy
from stage_functions.domain.asset import Asset, Kind
from stage_functions.domain.configuration import (
    Configuration,
    RegistryConfiguration,
    RegistryType,
)
from stage_functions.domain.lifecycle import Lifecycle, Stage
from stage_functions.domain.people import Directory
from stage_functions.wire.policy_assignments import plan
from stage_functions.wire.policy_definitions import DELETION, DENY, EFFECTS, STAGE_TAG, definitions
from tests.policies.requests import GOVERNOR, OTHERS, by, version

_GROUP = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces"
_ALIASES = ("dev", "test")
_STAGES = ("new", "tried", "live", "gone")
_GLOBS = (
    "*/*/*",
    "dev/*/*",
    "test/models/*",
    "*/models/a*",
    "dev/data/*b",
    "dev/models/ab",
    "*/*/b*",
)
_WATCHES = ("*/*", "models/*", "data/*", "models/a*", "models/ab")


@st.composite
def lifecycles(draw: st.DrawFn, name: str) -> Lifecycle:
    """Draw a lifecycle; which stage is the first and which are deletable differs."""
    initial = draw(st.sampled_from(_STAGES))
    deletable = draw(st.sets(st.sampled_from(_STAGES)))
    stages = {
        stage: Stage(stage, initial=stage == initial, deletable=stage in deletable)
        for stage in _STAGES
    }
    globs = draw(st.lists(st.sampled_from(_GLOBS), min_size=1, max_size=2))
    return Lifecycle(name, tuple(globs), stages, ())


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    """Draw two workspaces and up to three lifecycles."""
    registries = {
        alias: RegistryConfiguration(
            alias,
            RegistryType.AZUREML,
            f"{_GROUP}/{alias}",
            watch=tuple(draw(st.lists(st.sampled_from(_WATCHES), min_size=1, max_size=2))),
        )
        for alias in _ALIASES
    }
    found = tuple(draw(lifecycles(str(number))) for number in range(draw(st.integers(1, 3))))
    return Configuration(registries, Directory(), found)


def assigned(configuration: Configuration, definition: str) -> list[Policy]:
    """Return the policies of a definition, as a deployment assigns them: workspaces by alias."""
    return [
        compile_policy(
            definitions()[definition],
            parameters={
                **one.parameters,
                "effect": EFFECTS[definition][DENY],
                "approvedObjectIds": [GOVERNOR],
                "workspaces": list(one.registries),
            },
        )
        for one in plan(configuration).assignments
        if one.definition == definition
    ]


@settings(max_examples=60)
@given(
    configuration=configurations(),
    alias=st.sampled_from([*_ALIASES, "other"]),
    kind=st.sampled_from(list(Kind)),
    names=st.lists(st.text(alphabet="ab", min_size=1, max_size=3), min_size=3, max_size=3),
    who=st.sampled_from(["the governor", *OTHERS]),
)
def test_each_write_and_each_deletion_is_denied_where_its_lifecycle_says_so(
    configuration: Configuration, alias: str, kind: Kind, names: list[str], who: str
) -> None:
    """Every stage of every version, in whichever workspace, watched or not."""
    if plan(configuration).left_out:
        return  # what cannot be said is named; `test_names` is about that
    writes = assigned(configuration, STAGE_TAG)
    deletions = assigned(configuration, DELETION)
    registry = configuration.registries.get(alias)
    for name in names:
        asset = Asset(alias, kind, name)
        watched = registry is not None and registry.watches(asset)
        lifecycle = configuration.lifecycle(asset) if watched else None
        governed = lifecycle if who != "the governor" else None
        for stage in _STAGES:
            asked = version(kind, name, tags={"stage": stage}, workspace=alias)
            denied = [bool(one.evaluate(asked, request_context=by(who))) for one in writes]
            kept = [bool(one.evaluate(asked, request_context=by(who))) for one in deletions]
            is_other = governed is not None and stage != governed.initial
            is_kept = governed is not None and not governed.stages[stage].deletable
            assert (int(is_other), int(is_kept)) == (sum(denied), sum(kept))

"""A local Azure ML with policies before it, and Stageward as it is served behind them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from stage_functions.azure_policy import Policy, compile_policy
from stage_functions.wire.policy_assignments import plan
from stage_functions.wire.policy_definitions import DENY, EFFECTS, definitions
from tests.azureml import LocalAzureMl
from tests.azureml_story.conftest import local, served
from tests.azureml_story.world import Served, Story, told

__all__ = ["local", "served"]
_COUNT = itertools.count(1)


@pytest.fixture
def story(local: LocalAzureMl, served: Served) -> Iterator[Story]:
    """Return Stageward as it is served, with its own policies before it, preventing."""
    with told(local, served, f"governed{next(_COUNT)}") as story:
        local.world.policies[:] = assigned(story)
        yield story
        local.world.policies.clear()
        local.heal()
        assert [] == story.faults()


def assigned(story: Story) -> list[Policy]:
    """Return the policies of its configuration, as a deployment assigns them."""
    found = plan(story.context.configuration)
    written = definitions()
    return [
        compile_policy(
            written[one.definition],
            parameters={
                **one.parameters,
                "effect": EFFECTS[one.definition][DENY],
                "approvedObjectIds": [story.local.governor.oid],
                "workspaces": [story.places[alias].name for alias in one.registries],
            },
        )
        for one in found.assignments
    ]

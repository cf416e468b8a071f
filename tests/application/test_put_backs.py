"""Whoever keeps changing what Stageward shows is left alone for an hour; requests are not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.domain.lifecycle import Lifecycle, Transition
from stage_functions.domain.rule import Rule
from tests.application.mirror_world import ASKED, KEYS, SHOWN, configured, types
from tests.builders import World, lifecycle, world


def refusing() -> Lifecycle:
    """Return the lifecycle with a rule that nothing passes on the way to Staging."""
    plain = lifecycle()
    return replace(
        plain,
        rules={"never": Rule("never", "false")},
        transitions=(Transition("None", "Staging", ("never",)), *plain.transitions[1:]),
        text={"name": "default", "shape": "refusing"},
    )


@pytest.mark.parametrize(
    ("wrong", "asks"),
    [
        ({"stage": "Production"}, {"stage": "Staging"}),
        ({"prod": "1"}, {"staging": "1"}),
    ],
    ids=["stage", "presence"],
)
def test_a_request_is_answered_once_also_while_nothing_is_put_back(
    wrong: dict[str, str], asks: dict[str, str], closing: Callable[[World], World]
) -> None:
    """What is refused then does not ask again with every signal."""
    made = closing(world(governed_by=refusing()))
    it = configured(made, mirror_to=SHOWN, requests_from=ASKED, presence=KEYS)
    version = it.register("1")
    for _ in range(5):
        it.registry.set_tags(version, wrong)
        follow(it.context, Signal(version))
    it.registry.set_tags(version, asks)
    for _ in range(3):
        follow(it.context, Signal(version))

    assert types(it) == ["Registered", *["DriftFound"] * 4, "TransitionRefused"]

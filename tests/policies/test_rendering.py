"""What a configuration makes of the policies: assignments, notes, and what is left out."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from stage_functions.adapters.cel import CelRules
from stage_functions.domain.configuration import Configuration
from stage_functions.wire.configuration import load
from stage_functions.wire.policy_assignments import (
    MAX_ASSIGNMENT_NAME,
    Assignment,
    document,
    plan,
)
from stage_functions.wire.policy_definitions import (
    DELETION,
    MAX_DISPLAY_NAME,
    STAGE_FIELD,
    STAGE_TAG,
    definitions,
)

GROUP = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/ml/providers/"
    "Microsoft.MachineLearningServices"
)
ADDRESSES = {
    "DEV": f"{GROUP}/workspaces/dev",
    "TEST": f"{GROUP}/workspaces/test",
    "SHARED": f"{GROUP}/registries/shared",
    "MLFLOW": "http://127.0.0.1:5000",
}
DEV = "{alias: dev, type: azureml, address: '${DEV}', mode: enforce, stage_edits: drift"
STAGES = "stages: {None: {initial: true, deletable: true}, Production: {}}"
WAYS = "transitions: [{from: None, to: Production}]"


def lifecycle(name: str, *globs: str, stages: str = STAGES, ways: str = WAYS) -> str:
    """Return a lifecycle as a line of YAML."""
    return f"  - {{name: {name}, applies_to: {json.dumps(globs)}, {stages}, {ways}}}\n"


def configuration(registries: list[str], *lifecycles: str) -> Configuration:
    """Return a configuration that loads."""
    lines = "".join(f"  - {one}\n" for one in registries)
    text = f"version: 1\nregistries:\n{lines}lifecycles:\n{''.join(lifecycles)}"
    return load(text, path="s.yaml", environment=ADDRESSES, check_rule=CelRules().check)


def said(found: list[Assignment], definition: str) -> list[tuple[Any, ...]]:
    """Return what the assignments of a definition are about."""
    return [
        (
            one.lifecycle,
            one.registries,
            [named.split("/")[2] for named in one.parameters["resourceTypes"]],
            one.parameters["names"],
            one.parameters["exceptNames"],
        )
        for one in found
        if one.definition == definition
    ]


def test_one_lifecycle_over_all_that_is_watched_is_one_assignment_of_each() -> None:
    """The first stage is open, the deletable ones are deletable, the rest is the governor's."""
    found = plan(
        configuration([f"{DEV}, watch: ['models/*', 'data/*']}}"], lifecycle("default", "*/*/*"))
    )
    tag, deletion = found.assignments

    assert (STAGE_TAG, DELETION) == (tag.definition, deletion.definition)
    assert ["None"] == tag.parameters["openStages"]
    assert [] == tag.parameters["reservedTags"]
    assert ["None"] == deletion.parameters["deletableStages"]
    everything: list[tuple[Any, ...]] = [("default", ("dev",), ["models", "data"], ["*"], [])]
    assert everything == said(list(found.assignments), STAGE_TAG)
    assert everything == said(list(found.assignments), DELETION)
    assert ((), ()) == (found.notes, found.left_out)


def test_each_lifecycle_has_its_own_names() -> None:
    """A later one leaves out what an earlier one governs; other stages are other parameters."""
    strict = (
        "stages: {New: {initial: true}, Live: {}}",
        "transitions: [{from: New, to: Live}]",
    )
    found = plan(
        configuration(
            [f"{DEV}}}"],
            lifecycle("risky", "dev/models/fraud-*", stages=strict[0], ways=strict[1]),
            lifecycle("all", "dev/*/*"),
        )
    )

    assert [
        ("risky", ("dev",), ["models"], ["fraud-*"], []),
        ("all", ("dev",), ["models"], ["*"], ["fraud-*"]),
    ] == said(list(found.assignments), STAGE_TAG)
    opened = [one.parameters.get("openStages") for one in found.assignments]
    assert [["New"], ["None"], None, None] == opened
    assert (
        "case does not count in the names of a policy: for Iris it is iris, too",
    ) == found.notes


def test_workspaces_that_are_governed_alike_share_an_assignment() -> None:
    """Others have one of their own; what the kinds are counts, too."""
    registries = [
        f"{DEV}}}",
        DEV.replace("dev", "test").replace("DEV", "TEST") + "}",
        DEV.replace("dev", "more").replace("DEV}", "DEV}2") + ", watch: ['components/*']}",
    ]
    found = plan(configuration(registries, lifecycle("default", "*/*/*")))

    assert [
        ("default", ("dev", "test"), ["models"], ["*"], []),
        ("default", ("more",), ["components"], ["*"], []),
    ] == said(list(found.assignments), STAGE_TAG)


@pytest.mark.parametrize(
    ("options", "reserved", "fields"),
    [
        ("", [], 0),
        (", mirror_to: [tag, presence], presence: {Production: prod}", ["prod", "approval"], 0),
        (
            ", mirror_to: [tag, presence], requests_from: [tag, presence], presence: {Production: prod}",
            ["approval"],
            0,
        ),
        (", requests_from: [tag, presence], presence: {Production: prod}", [], 0),
        (", mirror_to: [tag, native_stage]", [], 1),
    ],
)
def test_what_else_shows_a_stage_is_guarded_where_it_asks_nothing(
    options: str, reserved: list[str], fields: int
) -> None:
    """Keys that stand for stages, but that of the first; the field, where it is a mirror."""
    dev = f"{DEV}{options}}}"
    found = plan(configuration([dev], lifecycle("default", "*/*/*")))

    assert reserved == found.assignments[0].parameters["reservedTags"]
    assert fields == len(said(list(found.assignments), STAGE_FIELD))


def test_where_every_stage_is_deletable_nothing_stands_before_deletion() -> None:
    """There is nothing to deny."""
    stages = "stages: {None: {initial: true, deletable: true}, Gone: {deletable: true}}"
    ways = "transitions: [{from: None, to: Gone}]"
    found = plan(
        configuration([f"{DEV}}}"], lifecycle("default", "*/*/*", stages=stages, ways=ways))
    )

    assert [STAGE_TAG] == [one.definition for one in found.assignments]


def test_what_azure_policy_does_not_see_is_named() -> None:
    """Registries and MLflow servers; globs that it has no words for, and what is behind them."""
    registries = [
        f"{DEV}, watch: ['*/*']}}",
        "{alias: shared, type: azureml, address: '${SHARED}'}",
        "{alias: mlf, type: mlflow, address: '${MLFLOW}'}",
    ]
    found = plan(
        configuration(
            registries, lifecycle("odd", "dev/models/[ab]*"), lifecycle("default", "*/*/*")
        )
    )

    assert [("default", ("dev",), ["data", "environments", "components"], ["*"], [])] == said(
        list(found.assignments), STAGE_TAG
    )
    assert (
        "dev/models, lifecycle odd: 'dev/models/[ab]*': Azure Policy takes one * for a name, and "
        "neither ? nor [ ]",
        "dev/models, lifecycle default: '*': 'dev/models/[ab]*' further up may match it",
    ) == found.left_out
    assert (
        "shared: Azure Policy has no words for the versions of a registry; give the right to write "
        "there to the governor alone",
        "mlf: Azure Policy does not see an MLflow server",
    ) == found.unseen


def test_what_to_know_before_preventing_is_noted() -> None:
    """An observed workspace, edits that ask, and keys that ask."""
    dev = "{alias: dev, type: azureml, address: '${DEV}', requests_from: [tag, presence]}"
    observed, edits, keys = plan(configuration([dev], lifecycle("default", "*/*/*"))).notes

    assert observed.startswith("dev is only observed")
    assert "stage_edits: forward" in edits
    assert "requests_from: presence" in keys


def test_names_of_assignments_are_fit_and_each_there_once() -> None:
    """Whatever the lifecycles are called, and however long."""
    long = "a" * 63
    names = [f"{long}b", f"{long}c", "a.b", "a-b", "A-b"]
    lifecycles = [
        lifecycle(json.dumps(name), f"dev/models/m{number}") for number, name in enumerate(names)
    ]
    written: Any = document(plan(configuration([f"{DEV}}}"], *lifecycles)))
    found = [one["name"] for one in written]

    assert len(found) == len({name.casefold() for name in found}) == 2 * len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in found)
    assert max(map(len, found)) <= MAX_ASSIGNMENT_NAME
    assert max(len(one["displayName"]) for one in written) <= MAX_DISPLAY_NAME


def test_an_assignment_lacks_only_what_the_deployment_adds() -> None:
    """Effect, workspaces and who is approved; and it says nothing that the definition does not."""
    dev = f"{DEV}, watch: ['*/*'], mirror_to: [tag, native_stage]}}"
    written: Any = document(plan(configuration([dev], lifecycle("default", "*/*/*"))))
    rendered: Any = definitions()

    assert {STAGE_TAG, STAGE_FIELD, DELETION} == {one["definition"] for one in written}
    for one in written:
        known = rendered[one["definition"]]["properties"]["parameters"]
        needed = {key for key, parameter in known.items() if "defaultValue" not in parameter}
        assert needed - set(one["parameters"]) == {"approvedObjectIds", "workspaces"}
        assert set(one["parameters"]) <= set(known)
        assert set(one["effects"].values()) == set(known["effect"]["allowedValues"])


def test_an_assignment_is_one_for_the_sdk_of_azure() -> None:
    """As the templates put it together."""
    from azure.mgmt.resource.policy import models

    written: Any = document(plan(configuration([f"{DEV}}}"], lifecycle("default", "*/*/*"))))
    for one in written:
        read = models.PolicyAssignment(
            {
                "properties": {
                    "displayName": one["displayName"],
                    "enforcementMode": "Default",
                    "parameters": one["parameters"],
                    "nonComplianceMessages": [{"message": one["nonComplianceMessage"]}],
                }
            }
        )
        assert read.properties is not None
        assert models.EnforcementMode.DEFAULT == read.properties.enforcement_mode
        assert set(one["parameters"]) == set(read.properties.parameters or {})

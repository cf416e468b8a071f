"""A version as a resource of Azure that has reached a stage."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from stage_functions.domain.arm_form import arm_form, readable
from stage_functions.domain.asset import Kind, Snapshot, Version
from stage_functions.domain.configuration import Mirror, RegistryConfiguration, RegistryType
from stage_functions.domain.evidence import Evidence
from tests.builders import lifecycle

_GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/ml/providers"
WORKSPACE = f"{_GROUP}/Microsoft.MachineLearningServices/workspaces/dev"
AZURE = RegistryConfiguration("dev", RegistryType.AZUREML, WORKSPACE)
MLFLOW = RegistryConfiguration("lab", RegistryType.MLFLOW, "https://user:secret@mlflow.example")
BOUND = replace(lifecycle(), bind=("owner", "prod"))
IRIS = Snapshot(
    Version.parse("dev/models/iris:3"),
    datetime(2026, 11, 24, tzinfo=UTC),
    "azureml://content",
    {"owner": "risk", "loose": "x", "stage": "None", "stage_status": "…", "prod": "yes"},
    author="aml:anna",
    description="petals",
    properties={"framework": "sklearn"},
    native_stage="Staging",
    archived=True,
)
KNOWN = Evidence(
    {"job": {"id": "run_7"}, "model": {"type": "mlflow_model", "source": "azureml://x"}}
)


def test_it_has_what_rules_may_see_and_the_stage_that_it_is_to_have() -> None:
    """No unbound tag, no address of the content, no author, and not what a person has archived."""
    assert {
        "id": f"{WORKSPACE}/models/iris/versions/3",
        "name": "3",
        "fullName": "dev/iris/3",
        "type": "Microsoft.MachineLearningServices/workspaces/models/versions",
        "properties": {
            "description": "petals",
            "isAnonymous": False,
            "isArchived": False,
            "jobName": "run_7",
            "modelType": "mlflow_model",
            "properties": {"framework": "sklearn"},
            "tags": {"owner": "risk", "prod": "yes", "stage": "Staging"},
        },
    } == arm_form(AZURE, BOUND, IRIS, KNOWN, "Staging")


def test_what_the_write_adds_follows_from_the_configuration() -> None:
    """The key that stands for the stage, and no other; the field; hidden where the stage hides."""
    mirrors = (Mirror.TAG, Mirror.PRESENCE, Mirror.NATIVE_STAGE)
    showing = replace(AZURE, mirror_to=mirrors, presence={"Production": "prod"})
    staging = arm_form(showing, BOUND, IRIS, KNOWN, "Staging")["properties"]
    archived = arm_form(showing, BOUND, IRIS, KNOWN, "Archived")["properties"]

    assert isinstance(staging, dict)
    assert isinstance(archived, dict)
    assert {"owner": "risk", "staging": "true", "stage": "Staging"} == staging["tags"]
    assert ("Staging", False) == (staging["stage"], staging["isArchived"])
    assert ("archived", True) == (
        next(key for key in archived["tags"] if key not in ("owner", "stage")),
        archived["isArchived"],
    )
    assert "stage" not in archived


def test_of_an_mlflow_server_the_id_says_where_it_is_without_its_address() -> None:
    """It is no resource of Azure; the type is the one that definitions are written for."""
    found = arm_form(MLFLOW, BOUND, IRIS, Evidence(), "Archived")

    assert "/mlflow/lab/models/iris/versions/3" == found["id"]
    assert "lab/iris/3" == found["fullName"]
    assert "Microsoft.MachineLearningServices/workspaces/models/versions" == found["type"]
    assert "secret" not in str(found)
    assert "modelType" not in str(found)


@pytest.mark.parametrize("kind", list(Kind))
def test_nothing_is_there_that_is_not_said_to_be_readable(kind: Kind) -> None:
    """But for the field `stage`, which has no alias in Azure."""
    shown = replace(IRIS, version=Version.parse(f"dev/{kind}/iris:3"))
    showing = replace(AZURE, mirror_to=(Mirror.NATIVE_STAGE,))
    properties = arm_form(showing, BOUND, shown, KNOWN, "Staging")["properties"]

    assert isinstance(properties, dict)
    assert set(readable(kind)) == set(properties) - {"stage"}

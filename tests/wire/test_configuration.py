"""The configuration file: what the default says, and what its options mean."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import yaml

from stage_functions.domain.configuration import (
    Configuration,
    Mode,
    RegistryConfiguration,
    RegistryType,
    Source,
    StageEdits,
)
from stage_functions.domain.error import LaterReleaseError
from stage_functions.domain.lifecycle import (
    ApprovalPolicy,
    Excluded,
    Lifecycle,
    Stage,
    Transition,
)
from stage_functions.domain.people import Directory, Person
from stage_functions.domain.rule import Rule
from stage_functions.wire.configuration import lifecycle_of, load
from tests.wire.configuration_file import DEFAULT, edited, loaded

NO_WORSE = """      # no-worse:
      #   cel: "holder == null || evidence.metrics.accuracy >= holder.evidence.metrics.accuracy"
      #   says: at least as accurate as the version it replaces
      #   shows: [evidence.metrics.accuracy, holder.evidence.metrics.accuracy]
"""
JOB_FINISHED = Rule(
    "job-finished",
    "!has(evidence.job.id) || evidence.job.status == 'FINISHED'",
    "the job that made it has finished",
    ("evidence.job.id", "evidence.job.status"),
)


def expected() -> Configuration:
    """Return what the default file means."""
    people = [
        Person("scientist-1", "First scientist", ("mlflow:scientist1",)),
        Person("officer-1", "First officer", ("mlflow:officer1", "upn:officer1@example.org")),
        Person("officer-2", "Second officer", ("mlflow:officer2", "github:officer2")),
        Person("operator-1", "Platform engineer", ("mlflow:operator1",)),
    ]
    stages = [
        Stage("None", initial=True, deletable=True),
        Stage("Staging", deployable_to=("*/*-test",)),
        Stage(
            "Production",
            exclusive=True,
            displaced_to="Archived",
            deployable_to=("*/*",),
            rollback_within=timedelta(days=30),
        ),
        Stage("Archived", terminal=True, deletable=True, hidden=True),
    ]
    to_production = ApprovalPolicy(
        quorum=2,
        groups={"model-risk": 1, "data-science": 0},
        exclude=(Excluded.REQUESTER, Excluded.AUTHOR),
        expires=timedelta(days=7),
    )
    to_archive = ApprovalPolicy(
        quorum=1,
        groups={"model-risk": 1},
        exclude=(Excluded.REQUESTER,),
        expires=timedelta(days=2),
    )
    return Configuration(
        registries={
            "demo": RegistryConfiguration(
                alias="demo",
                type=RegistryType.MLFLOW,
                address="http://localhost:5000",
                mode=Mode.OBSERVE,
                watch=("models/*",),
                requests_from=(Source.TAG,),
                stage_edits=StageEdits.FORWARD,
            )
        },
        directory=Directory(
            people={person.key: person for person in people},
            groups={
                "data-science": ("scientist-1", "operator-1"),
                "model-risk": ("officer-1", "officer-2"),
            },
            operators=("operator-1",),
        ),
        lifecycles=(
            Lifecycle(
                name="default",
                applies_to=("*/*/*",),
                stages={stage.name: stage for stage in stages},
                transitions=(
                    Transition("None", "Staging"),
                    Transition("None", "Archived"),
                    Transition("Staging", "Archived"),
                    Transition("Staging", "Production", ("job-finished",), approval=to_production),
                    Transition("Production", "Archived", approval=to_archive),
                ),
                rules={"job-finished": JOB_FINISHED},
                forward_only=True,
                bind=(),
                text=yaml.safe_load(DEFAULT)["lifecycles"][0],
            ),
        ),
    )


def test_the_default_file_says_what_it_says() -> None:
    """The file that ships loads to exactly these registries, people and lifecycles."""
    assert loaded(DEFAULT) == expected()


def test_stages_keep_the_order_of_the_file() -> None:
    """People read stages in the order in which they are written."""
    assert list(loaded(DEFAULT).lifecycles[0].stages) == list(expected().lifecycles[0].stages)


def test_the_example_rule_of_the_default_file_can_be_switched_on() -> None:
    """With its comment signs taken away, `no-worse` loads."""
    text = edited(NO_WORSE, NO_WORSE.replace("# ", ""))

    assert list(loaded(text).lifecycles[0].rules) == ["job-finished", "no-worse"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: Second officer", "name: Another"),
        ("operators: [operator-1]", "operators: []"),
        ("expires: 7d                  # m, h, d; lapses, never approves", "expires: '7d'"),
        ("mode: observe", "mode: enforce"),
        ("{initial: true, deletable: true}", "{deletable: yes, initial: on}"),
    ],
)
def test_a_digest_is_over_the_lifecycle_alone(old: str, new: str) -> None:
    """People, registries, notation and the order of keys leave the digest as it is."""
    assert loaded(edited(old, new)).lifecycles[0].digest == loaded(DEFAULT).lifecycles[0].digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    bind: []    ", "    # bind"),
        ("quorum: 2 ", "quorum: 3 "),
        ("says: the job that made it has finished", "says: its job has finished"),
        ("groups: {model-risk: 1}, ", "groups: {data-science: 1}, "),
    ],
)
def test_a_digest_is_over_the_lifecycle_as_written(old: str, new: str) -> None:
    """Whatever is written in a lifecycle counts, a default written out among it."""
    assert loaded(edited(old, new)).lifecycles[0].digest != loaded(DEFAULT).lifecycles[0].digest


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("30m", timedelta(minutes=30)),
        ("12h", timedelta(hours=12)),
        ("366d", timedelta(days=366)),
    ],
)
def test_an_approval_expires_after_minutes_hours_or_days(text: str, time: timedelta) -> None:
    """`expires` is a number and a unit."""
    approval = (
        loaded(edited("expires: 7d", f"expires: {text}")).lifecycles[0].transitions[3].approval
    )

    assert approval is not None
    assert approval.expires == time


@pytest.mark.parametrize(
    "address",
    [
        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/ml"
        "/providers/Microsoft.MachineLearningServices/workspaces/dev",
        (
            "/SUBSCRIPTIONS/ABCDEF00-0000-0000-0000-000000000000/RESOURCEGROUPS/ML"
            "/providers/microsoft.machinelearningservices/REGISTRIES/r"
        ),
    ],
)
def test_an_azureml_registry_is_the_resource_id_of_a_workspace_or_registry(address: str) -> None:
    """Azure ML is accepted now, in whatever case Azure writes its ids."""
    text = edited("type: mlflow ", "type: azureml ").replace("${MLFLOW_TRACKING_URI} ", address)
    registry = loaded(text).registry("demo")

    assert (registry.type, registry.address) == (RegistryType.AZUREML, address)


def test_an_address_may_be_put_together_from_the_environment() -> None:
    """Several variables and fixed text make one address; a slash at its end is dropped."""
    text = edited("${MLFLOW_TRACKING_URI} ", "https://${HOST}:${PORT}/mlflow/ ")
    registry = load(
        text,
        path="stageward.yaml",
        environment={"HOST": "mlflow.example.org", "PORT": "443"},
        check_rule=lambda *_: "",
    ).registry("demo")

    assert registry.address == "https://mlflow.example.org:443/mlflow"


def test_an_alias_may_stand_for_a_part_that_is_written_twice() -> None:
    """Anchors work: both transitions demand the same approval."""
    text = edited(
        "        approval:\n          quorum: 2", "        approval: &both\n          quorum: 2"
    )
    text = text.replace(text[text.index("{quorum: 1") :], "*both\n")
    transitions = loaded(text).lifecycles[0].transitions

    assert transitions[4].approval == transitions[3].approval


def test_a_text_that_the_ledger_keeps_reads_as_it_was() -> None:
    """With its digest, and the definitions that came from files."""
    definition = {"mode": "All", "policyRule": {"if": {"field": "tags['team']", "exists": True}}}
    (found,) = loaded(DEFAULT).lifecycles
    rules: dict[str, Any] = dict(found.text["rules"])  # type: ignore[arg-type]  # a mapping
    rules["team"] = {"azure_policy": definition, "file": "team.json"}
    text: dict[str, Any] = {**found.text, "rules": rules}
    kept = lifecycle_of(text)

    assert found == lifecycle_of(found.text)
    assert found.digest == lifecycle_of(found.text).digest
    assert kept.rules["team"].policy is not None
    assert "team.json" == kept.rules["team"].policy.file


def test_a_text_of_a_later_release_is_not_read() -> None:
    """What is not known of it may be a demand."""
    (found,) = loaded(DEFAULT).lifecycles

    with pytest.raises(LaterReleaseError, match="the lifecycle default is of a later release"):
        lifecycle_of({**found.text, "witnesses": 2})

"""What Stageward has at the workspace comes after the code, and goes before the app."""

from __future__ import annotations

import pytest

from infra.hooks.governance import arguments, removals, resource_type
from infra.hooks.parameters import Parameters
from tests.deploy.azure_world import (
    APP,
    GOVERNOR,
    GROUP,
    PROVISIONED,
    REGISTRY,
    ROOT,
    WORKSPACE,
    Machine,
)

TOPIC = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/t"
ROLES = "providers/Microsoft.Authorization"
MADE = [
    TOPIC,
    f"{TOPIC}/eventSubscriptions/stageward-trial",
    f"{GROUP}/{ROLES}/roleDefinitions/r",
    f"{WORKSPACE}/{ROLES}/roleAssignments/a",
    f"{GROUP}/providers/Microsoft.Resources/deployments/d",
]


def test_the_template_is_deployed_with_what_azd_knows(machine: Machine) -> None:
    """Its parameters come from azd's environment."""
    done = machine.run("postdeploy", PROVISIONED)

    (call,) = machine.called("az", "deployment", "sub", "create")
    assert (0, "") == (done.returncode, done.stderr)
    assert "stageward-governance-trial" in call
    assert f"functionAppId={APP}" in call
    assert "mode=observe" in call
    assert "https://func-a.azurewebsites.net" in done.stdout


def test_it_waits_for_the_function(machine: Machine) -> None:
    """A subscription to a function that is not there yet would be refused."""
    machine.change(resources=[], late=[f"{APP}/functions/on_event"])

    done = machine.run("postdeploy", PROVISIONED)

    assert 0 == done.returncode
    assert 2 == len(machine.called("az", "resource", "show"))


def test_a_deployment_that_fails_can_be_repeated(machine: Machine) -> None:
    """What Azure says is shown, and the command that goes on."""
    machine.breaks("deployment sub create", "(InvalidTemplate) at line 1")

    done = machine.run("postdeploy", PROVISIONED)

    assert 1 == done.returncode
    assert "(InvalidTemplate) at line 1" in done.stderr
    assert "azd hooks run postdeploy" in done.stderr


@pytest.mark.parametrize(("mode", "taken"), [("observe", 1), ("enforce", 0)])
def test_who_only_observes_again_may_not_write_any_more(
    machine: Machine, mode: str, taken: int
) -> None:
    """The right to write to a registry is taken back."""
    given = {**PROVISIONED, "GOVERNANCE_MODE": mode, "AZUREML_REGISTRY_IDS": REGISTRY}
    machine.run("postdeploy", given)

    calls = machine.called("az", "role", "assignment", "delete")
    assert taken == len(calls)
    assert all(GOVERNOR in call and REGISTRY in call for call in calls)


def test_parameters_are_those_of_the_template() -> None:
    """Each parameter of the template is given, and no other."""
    text = (ROOT / "infra" / "governance.bicep").read_text(encoding="utf-8")
    declared = {line.split()[1] for line in text.splitlines() if line.startswith("param ")}

    assert declared == set(arguments(Parameters(PROVISIONED)))


def test_a_locked_ledger_stays(machine: Machine) -> None:
    """`azd down` stops before anything is gone, with the lock to remove."""
    machine.answers("lock list", [{"id": "/locks/stageward-ledger"}])

    done = machine.run("predown", PROVISIONED)

    assert 1 == done.returncode
    assert "az lock delete --ids /locks/stageward-ledger" in done.stderr
    assert [] == machine.read()["deleted"]


def test_what_is_at_the_workspace_goes_first(machine: Machine) -> None:
    """Subscriptions before topics, assignments before definitions; nothing that was not made."""
    resources = [{"id": one} for one in MADE]
    machine.answers("deployment sub show", {"properties": {"outputResources": resources}})
    machine.change(deployed=True)

    done = machine.run("predown", PROVISIONED)

    gone = [url.partition("?")[0] for url in machine.read()["deleted"]]
    assert (0, "") == (done.returncode, done.stderr)
    assert [MADE[1], MADE[3], MADE[2], MADE[0]] == gone


def test_nothing_was_deployed(machine: Machine) -> None:
    """An environment that has come no further goes all the same."""
    done = machine.run("predown", PROVISIONED)

    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_the_workspace_itself_is_never_taken_away() -> None:
    """Even if it were listed: only types that the template makes are deleted."""
    listed = [{"id": one} for one in (WORKSPACE, GROUP, REGISTRY, *MADE)]

    gone = {resource for resource, _ in removals({"properties": {"outputResources": listed}})}

    assert {WORKSPACE, GROUP, REGISTRY, MADE[4]}.isdisjoint(gone)


@pytest.mark.parametrize(
    ("resource", "type_"),
    [
        (WORKSPACE, "microsoft.machinelearningservices/workspaces"),
        (MADE[1], "microsoft.eventgrid/systemtopics/eventsubscriptions"),
        (MADE[3], "microsoft.authorization/roleassignments"),
    ],
)
def test_the_type_of_an_id(resource: str, type_: str) -> None:
    """Of an extension it is that of the extension."""
    assert type_ == resource_type(resource)

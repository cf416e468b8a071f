"""What Stageward has at the workspace comes after the code, and goes before the app."""

from __future__ import annotations

import pytest

from infra.hooks.governance import arguments, removals, resource_type
from infra.hooks.parameters import Parameters
from tests.deploy.azure_world import (
    APP,
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
    assert call[call.index("--name") + 1].startswith("stageward.trial.")
    assert f"functionAppId={APP}" in call
    assert "mode=observe" in call
    assert "https://func-a.azurewebsites.net" in done.stdout


def test_it_waits_for_the_function(machine: Machine) -> None:
    """A subscription to a function that is not there yet would be refused."""
    machine.change(resources=[], late=[f"{APP}/functions/on_event"])

    done = machine.run("postdeploy", PROVISIONED)

    assert 0 == done.returncode
    assert 2 == len(machine.called("az", "resource", "show"))


def test_it_waits_for_the_right_to_write_dead_letters(machine: Machine) -> None:
    """Event Grid tries the container when a subscription is made, and the right to is young."""
    machine.change(once={"deployment sub create": "(BadRequest) Unable to set DeadLetter: denied"})

    done = machine.run("postdeploy", PROVISIONED)

    assert (0, "") == (done.returncode, done.stderr)
    assert 2 == len(machine.called("az", "deployment", "sub", "create"))


def test_a_deployment_that_fails_can_be_repeated(machine: Machine) -> None:
    """What Azure says is shown, and the command that goes on."""
    machine.breaks("deployment sub create", "(InvalidTemplate) at line 1")

    done = machine.run("postdeploy", PROVISIONED)

    assert 1 == done.returncode
    assert "(InvalidTemplate) at line 1" in done.stderr
    assert "azd hooks run postdeploy" in done.stderr


def deployed(machine: Machine, *resources: str) -> None:
    """Deploy a template that makes some resources."""
    machine.change(makes=resources)
    done = machine.run("postdeploy", PROVISIONED)
    assert (0, "") == (done.returncode, done.stderr)


def gone(machine: Machine) -> list[str]:
    """Return what was deleted, in order."""
    return [url.partition("?")[0] for url in machine.read()["deleted"]]


def test_what_is_no_longer_wanted_goes(machine: Machine) -> None:
    """A right ends with the parameter that gave it; what stays is not touched."""
    deployed(machine, *MADE)

    deployed(machine, *MADE[:3])

    assert [MADE[3]] == gone(machine)


def test_what_is_wanted_still_stays(machine: Machine) -> None:
    """A deployment that is repeated takes nothing away, however Azure spells the ids."""
    deployed(machine, *MADE)

    deployed(machine, *(one.upper() for one in MADE))

    assert [] == gone(machine)


def test_another_environment_is_left_alone(machine: Machine) -> None:
    """Environments whose names begin alike do not take each other's things."""
    other = {"name": "stageward.trial-2.1", "properties": {"outputResources": [{"id": MADE[3]}]}}
    machine.change(deployments=[other])

    deployed(machine, *MADE[:2])

    assert [] == gone(machine)


def test_what_is_gone_already_is_no_fault(machine: Machine) -> None:
    """Somebody may have deleted it by hand, or Azure with its scope."""
    deployed(machine, *MADE)
    machine.breaks("rest delete", "(RoleAssignmentNotFound) no such assignment")

    deployed(machine)

    assert [] == gone(machine)


def test_what_cannot_be_taken_away_is_said(machine: Machine) -> None:
    """The rest waits, and the command that goes on is named."""
    deployed(machine, *MADE)
    machine.breaks("rest delete", "(ScopeLocked) the scope is locked")

    done = machine.run("predown", PROVISIONED)

    assert 1 == done.returncode
    assert "(ScopeLocked)" in done.stderr
    assert "azd hooks run predown" in done.stderr


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
    deployed(machine, *MADE)

    done = machine.run("predown", PROVISIONED)

    assert (0, "") == (done.returncode, done.stderr)
    assert [MADE[1], MADE[3], MADE[2], MADE[0]] == gone(machine)


def test_nothing_was_deployed(machine: Machine) -> None:
    """An environment that has come no further goes all the same."""
    done = machine.run("predown", PROVISIONED)

    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_the_workspace_itself_is_never_taken_away() -> None:
    """Even if it were listed: only types that the template makes are deleted."""
    listed = [WORKSPACE, GROUP, REGISTRY, *MADE]

    found = {resource for resource, _ in removals(listed)}

    assert {WORKSPACE, GROUP, REGISTRY, MADE[4]}.isdisjoint(found)


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

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
    VAULT,
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
    assert "stageward: dev is observed: https://func-a.azurewebsites.net\n" in done.stdout


def test_what_is_enforced_is_said_to_be_governed(machine: Machine) -> None:
    """Who has set it sees that it counts."""
    machine.writes("mode: observe", "mode: enforce")

    done = machine.run("postdeploy", {**PROVISIONED, "GOVERNANCE_MODE": "enforce"})

    assert "stageward: dev is governed: " in done.stdout


def test_it_waits_for_the_function(machine: Machine) -> None:
    """A subscription to a function that is not there yet would be refused."""
    machine.change(resources=[], late=[f"{APP}/functions/on_event"])

    done = machine.run("postdeploy", PROVISIONED)

    assert 0 == done.returncode
    assert 2 == len(machine.called("az", "resource", "show"))


def test_it_does_not_wait_for_somebody_to_sign_in(machine: Machine) -> None:
    """Only what is not there yet may come by itself."""
    machine.breaks("resource show", "Please run 'az login' to setup account.")

    done = machine.run("postdeploy", PROVISIONED)

    assert 1 == done.returncode
    assert "Please run 'az login'" in done.stderr
    assert 1 == len(machine.called("az", "resource", "show"))


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


NESTED = f"{GROUP}/providers/Microsoft.Resources/deployments/stageward-rights"
FAILED = {
    "id": "/deployments/stageward.trial.1",
    "name": "stageward.trial.1",
    "properties": {"provisioningState": "Failed", "outputResources": None},
}


def operation(made: str, *, how: str = "Create", state: str = "Succeeded") -> dict[str, object]:
    """An operation of a deployment."""
    return {
        "properties": {
            "provisioningOperation": how,
            "provisioningState": state,
            "targetResource": {"id": made},
        }
    }


def test_what_a_failed_deployment_had_made_goes_too(machine: Machine) -> None:
    """Azure lists nothing of it as made: its operations tell, and those of deployments in it."""
    version = "?api-version=2024-03-01"
    half = {"id": NESTED, "properties": {"provisioningState": "Failed"}}
    machine.change(
        deployments=[FAILED],
        read={
            f"/deployments/stageward.trial.1/operations{version}": {
                "value": [operation(NESTED, state="Failed"), operation("", how="EvaluateDeploymentOutput")]
            },
            f"{NESTED}{version}": half,
            f"{NESTED}/operations{version}": {
                "value": [operation(MADE[2]), operation(MADE[3], state="Failed")]
            },
        },
    )  # fmt: skip

    done = machine.run("predown", PROVISIONED)

    assert (0, "") == (done.returncode, done.stderr)
    assert [MADE[2]] == gone(machine)


def test_a_topic_that_others_subscribe_to_is_kept(machine: Machine) -> None:
    """A source can have one topic: another environment may have been told to share ours."""
    deployed(machine, *MADE)
    theirs = {"value": [{"id": MADE[1].upper()}, {"id": f"{TOPIC}/eventSubscriptions/theirs"}]}
    machine.change(read={f"{TOPIC}/eventSubscriptions?api-version=2025-02-15": theirs})

    done = machine.run("predown", PROVISIONED)

    assert TOPIC not in gone(machine)
    assert MADE[1] in gone(machine)
    assert f"kept: {TOPIC}, as it has the subscriptions theirs" in done.stdout


def test_a_topic_that_is_named_is_never_taken_away(machine: Machine) -> None:
    """Whoever names the topic that an earlier deployment has made keeps it."""
    deployed(machine, *MADE)

    machine.change(makes=MADE[1:4])
    machine.run("postdeploy", {**PROVISIONED, "GROUP_TOPIC": "T"})

    assert [] == gone(machine)


def test_what_azd_has_not_provisioned_is_not_waited_for(machine: Machine) -> None:
    """Before `azd provision` there is nothing to give rights to."""
    lacking = {
        name: value for name, value in PROVISIONED.items() if name != "AZURE_FUNCTION_APP_ID"
    }

    done = machine.run("postdeploy", lacking)

    assert 1 == done.returncode
    assert "AZURE_FUNCTION_APP_ID" in done.stderr
    assert "azd provision" in done.stderr
    assert [] == machine.called("az")


def test_contradictions_are_said_before_the_last_step_too(machine: Machine) -> None:
    """It is run alone after a parameter has changed: azd hooks run postdeploy."""
    done = machine.run("postdeploy", {**PROVISIONED, "POLICY_EFFECT": "deny"})

    assert 1 == done.returncode
    assert "POLICY_EFFECT is deny while GOVERNANCE_MODE is observe" in done.stderr
    assert [] == machine.called("az")


def test_the_ledger_is_gone_already(machine: Machine) -> None:
    """Who runs `azd down` again after it broke off is not held up by the lock of what is gone."""
    machine.breaks("lock list", "(ResourceGroupNotFound) Resource group 'rg-trial' not found.")

    done = machine.run("predown", PROVISIONED)

    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_nothing_was_ever_provisioned(machine: Machine) -> None:
    """An environment without a subscription has nothing anywhere."""
    done = machine.run("predown", {"AZURE_ENV_NAME": "trial"})

    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)
    assert [] == machine.called("az")


SECRETS = {**PROVISIONED, "KEY_VAULT_ID": VAULT, "SECRET_SETTINGS": "STAGEWARD_MAIL"}
REFRESH = f"{APP}/config/configreferences/appsettings/refresh?api-version=2022-03-01"


def test_the_app_is_told_to_read_its_secrets(machine: Machine) -> None:
    """It has the right only now, and would try again within a day."""
    machine.change(read={REFRESH: {"value": [secret("Resolved")]}})

    done = machine.run("postdeploy", SECRETS)

    assert (0, "") == (done.returncode, done.stderr)
    assert "cannot read" not in done.stdout
    assert REFRESH in [
        call[call.index("--url") + 1] for call in machine.called("az", "rest", "--method", "post")
    ]


def test_a_secret_that_the_vault_does_not_have(machine: Machine) -> None:
    """It is named, with what goes on when it is there."""
    machine.change(read={REFRESH: {"value": [secret("Resolved"), secret("SecretNotFound")]}})

    done = machine.run("postdeploy", SECRETS)

    assert "the secret STAGEWARD-MAIL (SecretNotFound)" in done.stdout
    assert "azd hooks run postdeploy" in done.stdout


def secret(status: str) -> dict[str, object]:
    """What Azure says of a reference to a secret."""
    return {"properties": {"secretName": "STAGEWARD-MAIL", "status": status}}

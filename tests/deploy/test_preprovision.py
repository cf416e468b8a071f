"""What is missing or contradictory is said before anything is made, with the command that mends it."""

from __future__ import annotations

from typing import Any

import pytest

from infra.hooks.found import ledger_ways
from infra.hooks.parameters import registry_faults
from tests.deploy.azure_world import (
    GIVEN,
    GROUP,
    REGISTRY,
    SUBNET,
    SUBSCRIPTION,
    VAULT,
    WORKSPACE,
    Machine,
    faults,
)


def test_good_parameters_pass(machine: Machine) -> None:
    """What is in order passes, and an app registration is made and remembered."""
    done = machine.run("preprovision", GIVEN, shell=True)

    assert (0, "") == (done.returncode, done.stderr)
    assert 1 == len(done.stdout.splitlines())  # the file was not checked: see the tests of that
    assert {"ENTRA_CLIENT_ID": machine.read()["client"]} == machine.read()["environment"]


@pytest.mark.parametrize(
    ("name", "value", "says", "mends"),
    [
        ("AZURE_ENV_NAME", "a" * 41, "at most 40", "azd env new"),
        ("AZURE_ENV_NAME", "trial.one", "letters, digits", "azd env new"),
        ("AZUREML_WORKSPACE_NAME", "", "is not set", "azd env set AZUREML_WORKSPACE_NAME"),
        ("AZUREML_WORKSPACE_NAME", " ", "is not set", "azd env set AZUREML_WORKSPACE_NAME"),
        ("AZUREML_WORKSPACE_NAME", WORKSPACE, "the name of", "azd env set AZUREML_WORKSPACE_NAME"),
        ("AZUREML_RESOURCE_GROUP", "", "is not set", "azd env set AZUREML_RESOURCE_GROUP"),
        ("AZUREML_RESOURCE_GROUP", "ml.", "no '.' at the end", "azd env set AZUREML_RESOURCE_"),
        ("AZUREML_REGISTRY_IDS", "shared", "no resource id", "azd env set AZUREML_REGISTRY_IDS"),
        ("AZUREML_REGISTRY_IDS", f"{REGISTRY},", "''", "azd env set AZUREML_REGISTRY_IDS"),
        ("AZUREML_REGISTRY_IDS", f"{REGISTRY},{REGISTRY}", "twice", f"azd env set AZUREML_REGISTRY_IDS {REGISTRY}"),
        ("GOVERNANCE_MODE", "enforced", "observe, enforce", "azd env set GOVERNANCE_MODE enforce"),
        ("GOVERNANCE_MODE", "on", "observe, enforce", "azd env set GOVERNANCE_MODE observe"),
        ("POLICY_EFFECT", "Deny", "audit, deny, disabled", "azd env set POLICY_EFFECT deny"),
        ("LEDGER_SKU", "standard_gzrs", "Standard_ZRS", "azd env set LEDGER_SKU Standard_GZRS"),
        ("LOCK_LEDGER", "False", "true, false", "azd env set LOCK_LEDGER false"),
        ("SIGN_IN", "none", "entra, tokens", "azd env set SIGN_IN entra"),
        ("ENTRA_CLIENT_ID", "stageward", "a GUID", "azd env set ENTRA_CLIENT_ID"),
        ("OFFICERS_ID", "Model Risk", "a GUID", "azd env set OFFICERS_ID"),
        ("ALERT_MAIL", "platform", "one mail address", "azd env set ALERT_MAIL"),
        ("ALERT_MAIL", "a@example.org,b@example.org", "one mail", "azd env set ALERT_MAIL"),
        ("ALERT_MAIL", '"a@example.org"', "one mail", "azd env set ALERT_MAIL"),
        ("SUBNET_ID", f'{SUBNET}"', "of a subnet", "azd env set SUBNET_ID"),
        ("AZUREML_REGISTRY_IDS", f"{REGISTRY}\\", "no resource id", "azd env set AZUREML_REGISTRY"),
        ("WORKSPACE_TOPIC", f"{GROUP}/x", "system topic", "azd env set WORKSPACE_TOPIC"),
        ("SUBNET_ID", "default", "of a subnet", "azd env set SUBNET_ID"),
        ("LEDGER_SKU", "Premium_LRS", "Standard_ZRS", "azd env set LEDGER_SKU Standard_ZRS"),
        ("LOCK_LEDGER", "yes", "true, false", "azd env set LOCK_LEDGER true"),
        ("ALWAYS_READY", "-1", "from 0 to 20", "azd env set ALWAYS_READY 0"),
        ("SOFT_DELETE_DAYS", "500", "from 1 to 365", "azd env set SOFT_DELETE_DAYS 14"),
        ("SOFT_DELETE_DAYS", "\u0663", "from 1 to 365", "azd env set SOFT_DELETE_DAYS 14"),
        ("SCAN_MINUTES", "4", "from 5 to 1440", "azd env set SCAN_MINUTES 5"),
        ("SCAN_AGE_SECONDS", "1h", "from 300 to 604800", "azd env set SCAN_AGE_SECONDS 3600"),
        ("GROUP_TOPIC", "t", "system topic", 'azd env set GROUP_TOPIC <value>, or "" for none'),
        ("LOG_RETENTION_DAYS", "100", "30, 60", "azd env set LOG_RETENTION_DAYS 90"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_one_parameter(
    machine: Machine, name: str, value: str, says: str, mends: str
) -> None:
    """A parameter that is missing or malformed is named, with what it must be and how to mend it."""
    (fault,) = faults(machine, **{name: value})

    assert name in fault
    assert says in fault
    assert mends in fault.partition("; ")[2]
    assert [] == machine.called("az", "ad")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"POLICY_EFFECT": "deny"}, "POLICY_EFFECT is deny while GOVERNANCE_MODE is observe"),
        ({"SIGN_IN": "tokens"}, "has nobody under people"),
        ({"SCAN_MINUTES": "60"}, "azd env set SCAN_AGE_SECONDS 10800"),
        ({"OPERATORS_ID": SUBSCRIPTION, "OFFICERS_ID": SUBSCRIPTION}, "are one group"),
        ({"SECRET_SETTINGS": "STAGEWARD_MAIL"}, "no vault has them"),
        (
            {"KEY_VAULT_ID": VAULT},
            "nothing is read from it",
        ),
        ({"GOVERNANCE_MODE": "enforce"}, "while stageward.azure.yaml only observes"),
    ],
)
def test_contradictions(machine: Machine, changes: dict[str, str], says: str) -> None:
    """Parameters that contradict each other, or the deployed file, are told together."""
    (fault,) = faults(machine, **changes)

    assert says in fault
    assert "azd env set" in fault


def test_tokens_beside_a_registration(machine: Machine) -> None:
    """One of the two is not meant."""
    machine.writes("people: {}", "people: {ada: {}}")

    (fault,) = faults(machine, SIGN_IN="tokens", ENTRA_CLIENT_ID=SUBSCRIPTION)

    assert "SIGN_IN is tokens, yet ENTRA_CLIENT_ID is set" in fault


def test_secrets_are_settings_that_can_be_secret(machine: Machine) -> None:
    """A setting that the templates set themselves cannot be taken from a vault."""
    (fault,) = faults(machine, KEY_VAULT_ID=VAULT, SECRET_SETTINGS="STAGEWARD_URL")

    assert "STAGEWARD_URL" in fault


@pytest.mark.parametrize("place", ["", "_2", "_10"])
def test_a_secret_of_a_webhook_may_come_from_the_vault(machine: Machine, place: str) -> None:
    """Of the first address, or of one behind it; there are ten at the most."""
    named = f"STAGEWARD_WEBHOOKS,STAGEWARD_WEBHOOKS_SECRET{place}"

    assert [] == faults(machine, KEY_VAULT_ID=VAULT, SECRET_SETTINGS=named)
    assert 1 == len(faults(machine, KEY_VAULT_ID=VAULT, SECRET_SETTINGS=f"{named}0"))


def test_registries_of_which_one_is_named_twice() -> None:
    """The others stay, in their order: case does not make another one."""
    other = REGISTRY.replace("/ml/", "/ml(dev)/")

    (fault,) = registry_faults([other, REGISTRY, other.lower(), REGISTRY])

    assert fault.endswith(f"; azd env set AZUREML_REGISTRY_IDS '{other},{REGISTRY}'")


def test_a_secret_that_is_named_twice(machine: Machine) -> None:
    """The template makes a setting of each name: it is told which to leave."""
    twice = "STAGEWARD_MAIL,STAGEWARD_MAIL"

    (fault,) = faults(machine, KEY_VAULT_ID=VAULT, SECRET_SETTINGS=twice)

    assert "twice" in fault
    assert fault.endswith("azd env set SECRET_SETTINGS STAGEWARD_MAIL")


def test_all_faults_are_said_at_once(machine: Machine) -> None:
    """Nobody has to mend one to be told of the next: what Azure says comes along."""
    told = faults(
        machine,
        AZUREML_WORKSPACE_NAME="",
        POLICY_EFFECT="deny",
        ALERT_MAIL="x",
        AZURE_LOCATION="atlantis",
    )

    assert 4 == len(told)
    assert [] == [one for one in told if "; " not in one]


def test_the_group_of_the_workspace_is_not_made_for_stageward(machine: Machine) -> None:
    """A workspace in the group that azd makes, and would take away, is refused."""
    told = faults(machine, AZUREML_RESOURCE_GROUP="RG-Trial")

    assert "azd down" in told[0]


def test_a_workspace_that_is_not_there(machine: Machine) -> None:
    """The workspaces that are there are named."""
    (fault,) = faults(machine, AZUREML_WORKSPACE_NAME="prod")

    assert "no workspace prod" in fault
    assert "dev in ml" in fault


def test_a_registry_that_is_not_there(machine: Machine) -> None:
    """A registry is asked for as well."""
    both = "  - {alias: one, address: '${AZUREML_REGISTRY_1}'}\n"
    both += "  - {alias: two, address: '${AZUREML_REGISTRY_2}'}\n"
    machine.writes("registries:\n", f"registries:\n{both}")

    (fault,) = faults(machine, AZUREML_REGISTRY_IDS=f"{REGISTRY},{REGISTRY}2")

    assert f"no registry {REGISTRY}2" in fault


def test_a_region_without_flex_consumption(machine: Machine) -> None:
    """The regions that have it are named."""
    (fault,) = faults(machine, AZURE_LOCATION="westindia")

    assert "northeurope, swedencentral" in fault


def test_a_region_that_keeps_nothing_in_zones(machine: Machine) -> None:
    """A way to keep the ledger that the region does not have is told, with one that it has."""
    (fault,) = faults(machine, LEDGER_SKU="Standard_GZRS")

    assert fault.endswith("; azd env set LEDGER_SKU Standard_ZRS (three zones)")


@pytest.mark.parametrize(
    ("wanted", "kept", "expected"),
    [
        ("GZRS", "LRS ZRS GRS", "ZRS GRS"),
        ("GZRS", "LRS GRS", "GRS"),
        ("GZRS", "LRS", "LRS"),
        ("GRS", "LRS ZRS GZRS", "GZRS"),
        ("GRS", "LRS ZRS", "ZRS"),
        ("ZRS", "LRS GRS", "GRS LRS"),
        ("ZRS", "LRS GRS GZRS", "GZRS"),
        ("LRS", "ZRS GRS", "GRS ZRS"),
        ("ZRS", "RAGRS", ""),
    ],
)
def test_what_comes_nearest_to_a_way_to_keep_the_ledger(
    wanted: str, kept: str, expected: str
) -> None:
    """Zones before regions where zones were asked for; both ways where each lacks something."""
    assert [f"Standard_{one}" for one in expected.split()] == ledger_ways(
        f"Standard_{wanted}", [f"Standard_{one}" for one in kept.split()]
    )


def test_a_region_that_can_keep_no_ledger(machine: Machine) -> None:
    """Then it is the region that is chosen anew."""
    sku = {"name": "Standard_RAGRS", "kind": "StorageV2", "locations": ["swedencentral"]}
    machine.answers("storage sku list", [sku])

    (fault,) = faults(machine)

    assert fault.endswith("; azd env set AZURE_LOCATION <another region>")


def test_a_subscription_by_its_name(machine: Machine) -> None:
    """`azd env new --subscription` keeps what it is given: neither file nor workspace is blamed."""
    machine.installs_stageward()

    (fault,) = faults(machine, AZURE_SUBSCRIPTION_ID="my sub")

    assert "AZURE_SUBSCRIPTION_ID is 'my sub', which is not the id of a subscription" in fault
    assert fault.endswith(
        "; azd env set AZURE_SUBSCRIPTION_ID <id> (az account list --output table)"
    )


def topic(source: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
    """A system topic, as az lists it."""
    identity = {"principalId": SUBSCRIPTION}
    return {"name": "old", "resourceGroup": "ml", "source": source, "identity": identity} | more


def test_a_system_topic_that_is_there_is_reused(machine: Machine) -> None:
    """A source can have one system topic: who has one already is told to name it, and then may."""
    machine.answers("eventgrid system-topic list", [topic(WORKSPACE.upper()), topic(GROUP)])

    told = faults(machine)

    assert ["azd env set WORKSPACE_TOPIC old", "azd env set GROUP_TOPIC old"] == [
        one.partition("; ")[2] for one in told
    ]
    assert [] == faults(machine, WORKSPACE_TOPIC="old", GROUP_TOPIC="old")


def test_our_own_system_topic_is_no_fault(machine: Machine) -> None:
    """What an earlier deployment of this environment has made is found and kept."""
    machine.answers(
        "eventgrid system-topic list", [topic(GROUP, tags={"stageward-environment": "trial"})]
    )

    assert [] == faults(machine)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"identity": None}, "az eventgrid system-topic update --name old"),
        ({"resourceGroup": "elsewhere"}, "in the resource group elsewhere"),
    ],
)
def test_a_system_topic_that_cannot_be_used(
    machine: Machine, more: dict[str, Any], says: str
) -> None:
    """Dead letters are written by the identity of the topic, so it must have one, and be near."""
    machine.answers("eventgrid system-topic list", [topic(GROUP, **more)])

    (fault,) = faults(machine, GROUP_TOPIC="old")

    assert says in fault


def test_a_topic_that_is_named_and_not_there(machine: Machine) -> None:
    """A name without a topic is told before the deployment fails on it."""
    (fault,) = faults(machine, GROUP_TOPIC="old")

    assert 'azd env set GROUP_TOPIC ""' in fault


def test_who_may_not_deploy_is_told_what_they_lack(machine: Machine) -> None:
    """A Contributor can make everything but rights: that is said before, not half-way through."""
    contributor = {"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]}
    machine.change(permissions=[contributor])

    told = faults(machine)

    assert 2 == len(told)
    assert "Microsoft.Authorization/roleAssignments/write" in told[1]
    assert "policyDefinitions/write" in told[0]


def test_who_may_assign_roles_and_nothing_else_is_told_of_the_rest(machine: Machine) -> None:
    """Contributor with Role Based Access Control Administrator may set no lock and define no role."""
    contributor = {"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]}
    assigner = {
        "actions": ["Microsoft.Authorization/roleAssignments/write", "*/read"],
        "notActions": [],
    }
    machine.change(permissions=[contributor, assigner])

    at_subscription, at_group = faults(machine, POLICY_EFFECT="disabled")

    assert "you may not do Microsoft.Authorization/locks/write at" in at_subscription
    assert "you may not do Microsoft.Authorization/roleDefinitions/write at" in at_group
    assert "User Access Administrator" in at_group


def test_rights_at_what_is_elsewhere(machine: Machine) -> None:
    """A role is given at each registry and vault too, and the app joins the subnet."""
    machine.change(permissions=[{"actions": ["*/read"], "notActions": []}])

    told = faults(
        machine,
        AZUREML_REGISTRY_IDS=REGISTRY,
        KEY_VAULT_ID=VAULT,
        SECRET_SETTINGS="STAGEWARD_MAIL",
        SUBNET_ID=SUBNET,
    )

    assert [True] * 3 == [
        any(f" at {place};" in one for one in told) for place in (REGISTRY, VAULT, SUBNET)
    ]
    assert "subnets/join/action" in " ".join(told)


def test_several_roles_add_up(machine: Machine) -> None:
    """What one role takes out another may put in."""
    contributor = {"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]}
    administrator = {"actions": ["Microsoft.Authorization/*"], "notActions": []}
    machine.change(permissions=[contributor, administrator])

    assert [] == faults(machine)


def test_without_az(machine: Machine) -> None:
    """The last step needs az, so it must be there for the first."""
    machine.forgets_az()

    (fault,) = faults(machine)

    assert "az login" in fault


def test_nobody_is_signed_in_to_az(machine: Machine) -> None:
    """What az says is passed on."""
    machine.breaks("account show", "Please run 'az login' to setup account.")

    (fault,) = faults(machine)

    assert "az is not signed in: Please run" in fault


def test_what_cannot_be_read_is_not_held_against_anybody(machine: Machine) -> None:
    """A command that fails for another reason is no fault of the parameters."""
    for command in ("functionapp list-flexconsumption-locations", "storage sku list", "rest"):
        machine.breaks(command, "(TooManyRequests) wait")
    machine.breaks("resource show", "(AuthorizationFailed) no")

    assert [] == faults(machine)


def test_who_may_not_register_an_app_is_told_both_ways_out(machine: Machine) -> None:
    """Without the right to register one, somebody else does, or people sign in by tokens."""
    machine.breaks("ad app create", "Insufficient privileges to complete the operation.")

    done = machine.run("preprovision", GIVEN)

    assert 1 == done.returncode
    assert "azd env set ENTRA_CLIENT_ID" in done.stderr
    assert "azd env set SIGN_IN tokens" in done.stderr


def test_tokens_need_no_registration(machine: Machine) -> None:
    """Where people sign in by tokens of Stageward, Entra is left alone."""
    machine.writes("people: {}", "people: {ada: {}}")

    done = machine.run("preprovision", {**GIVEN, "SIGN_IN": "tokens"})

    assert 0 == done.returncode
    assert [] == machine.called("az", "ad")


def test_without_an_address_for_alerts(machine: Machine) -> None:
    """While it only observes this is no fault, and yet said."""
    done = machine.run("preprovision", {**GIVEN, "ALERT_MAIL": ""})

    assert 0 == done.returncode
    assert "azd env set ALERT_MAIL" in done.stdout


@pytest.mark.parametrize("arguments", ["", "preprovisions"])
def test_a_hook_that_there_is_not(machine: Machine, arguments: str) -> None:
    """The hooks are named."""
    done = machine.run(arguments, GIVEN)

    assert 1 == done.returncode
    assert "preprovision, postprovision, postdeploy, predown" in done.stderr

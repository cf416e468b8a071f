"""An `az` that is no help, and what is there already that the deployment would lean on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.deploy.azure_world import GIVEN, ROOT, SUBNET, SUBSCRIPTION, VAULT, Machine, faults


def test_an_az_that_is_too_old(machine: Machine) -> None:
    """It is told at once, not by the first option that it does not know."""
    machine.answers("version", {"azure-cli": "2.20.0"})

    (fault,) = faults(machine)

    assert "az is 2.20.0" in fault
    assert "az upgrade" in fault


def test_an_az_that_knows_another_subscription(machine: Machine) -> None:
    """The two may be signed in to different tenants or clouds: then only azd would get on."""
    machine.breaks("group list", f"The subscription of '{SUBSCRIPTION}' doesn't exist in cloud")

    (fault,) = faults(machine)

    assert "doesn't exist in cloud" in fault
    assert "az login" in fault
    assert "az cloud set" in fault


def test_an_az_that_talks_before_it_answers(machine: Machine) -> None:
    """Some print what they do about Bicep to standard output, before the JSON."""
    machine.change(
        says="Bicep CLI is already installed at 'bicep'. Skipping.\n[notice] {no JSON}\n"
    )

    assert [] == faults(machine)


def test_an_az_that_says_nothing_that_can_be_read(machine: Machine) -> None:
    """It is shown, and by which command."""
    machine.change(says="Unable to decode\n{")

    done = machine.run("preprovision", GIVEN)

    assert 1 == done.returncode
    assert "Traceback" not in done.stderr
    assert "az account show answers no JSON: Unable to decode" in done.stderr


def test_an_az_that_answers_otherwise_than_expected(machine: Machine) -> None:
    """A release that names things otherwise gets a sentence, and no traceback."""
    machine.answers("group list", [{"id": "x"}])

    done = machine.run("preprovision", GIVEN)

    assert 1 == done.returncode
    assert "Traceback" not in done.stderr
    assert "az upgrade" in done.stderr


def test_a_template_that_az_cannot_build(machine: Machine) -> None:
    """It fetches Bicep: where it may not, that is said before anything is made."""
    machine.breaks("bicep build", "Error while attempting to download Bicep CLI")

    (fault,) = faults(machine)

    assert "infra/governance.bicep" in fault
    assert "az bicep upgrade" in fault


@pytest.mark.parametrize(
    ("group", "says"),
    [
        ({"name": "RG-trial", "location": "swedencentral"}, "azd env new"),
        (
            {"name": "rg-trial", "location": "westeurope", "tags": {"azd-env-name": "trial"}},
            "azd env set AZURE_LOCATION westeurope",
        ),
    ],
)
def test_a_resource_group_of_that_name(machine: Machine, group: dict[str, Any], says: str) -> None:
    """What azd takes over it deletes with `azd down`; and a group cannot move."""
    machine.answers("group list", [group])

    (fault,) = faults(machine)

    assert says in fault


def test_the_resource_group_of_this_environment(machine: Machine) -> None:
    """The second deployment finds what the first has made."""
    ours = {"name": "rg-trial", "location": "swedencentral", "tags": {"azd-env-name": "trial"}}
    machine.answers("group list", [ours])

    assert [] == faults(machine, AZURE_LOCATION="Sweden Central")


def test_a_vault_that_is_not_there(machine: Machine) -> None:
    """The app would start without its secrets."""
    (fault,) = faults(machine, KEY_VAULT_ID=f"{VAULT}2", SECRET_SETTINGS="STAGEWARD_MAIL")

    assert f"no vault {VAULT}2" in fault


def test_a_vault_that_goes_by_access_policies(machine: Machine) -> None:
    """A role has no effect there."""
    machine.change(properties={VAULT: {"enableRbacAuthorization": False}})

    (fault,) = faults(machine, KEY_VAULT_ID=VAULT, SECRET_SETTINGS="STAGEWARD_MAIL")

    assert "az keyvault update --name v --enable-rbac-authorization true" in fault


@pytest.mark.parametrize(
    ("subnet", "says"),
    [
        ({"serviceEndpoints": [{"service": "Microsoft.Storage"}]}, "--delegations Microsoft.App/"),
        ({"delegations": [{"serviceName": "Microsoft.App/environments"}]}, "--service-endpoints"),
    ],
)
def test_a_subnet_that_is_not_prepared(machine: Machine, subnet: dict[str, Any], says: str) -> None:
    """What it lacks is told with the command that gives it."""
    machine.answers("network vnet subnet show", subnet)

    (fault,) = faults(machine, SUBNET_ID=SUBNET)

    assert says in fault


def test_a_subnet_that_is_not_there(machine: Machine) -> None:
    """It is asked for like all that is there already."""
    machine.breaks("network vnet subnet show", "(ResourceNotFound) The Resource was not found.")

    (fault,) = faults(machine, SUBNET_ID=SUBNET)

    assert f"no subnet {SUBNET}" in fault


def test_what_flex_consumption_does_not_take_of_a_subnet(machine: Machine) -> None:
    """A '_' in its name, and a subscription that has never used Microsoft.App."""
    machine.answers("provider show", {"registrationState": "NotRegistered"})

    told = faults(machine, SUBNET_ID=f"{SUBNET}_1")

    assert ["has a '_'" in told[0], "az provider register" in told[1]] == [True, True]


def test_a_group_that_entra_does_not_have(machine: Machine) -> None:
    """A mistyped id, or that of a person, is told before a role is given to nobody."""
    machine.breaks("ad group show", "Resource 'x' does not exist or one of its queried")

    (fault,) = faults(machine, OFFICERS_ID=SUBSCRIPTION)

    assert "Entra has no such group" in fault


def test_the_configuration_cannot_be_read(machine: Machine, tmp_path: Path) -> None:
    """Without the file that is deployed, or with one in another encoding, nothing is made."""
    (tmp_path / "infra").symlink_to(ROOT / "infra")
    for content in (None, "mode: enforce # \u00e4".encode("latin-1")):
        if content is not None:
            (tmp_path / "stageward.azure.yaml").write_bytes(content)

        done = machine.run("preprovision", GIVEN, folder=tmp_path)

        assert 1 == done.returncode
        assert "stageward.azure.yaml, which is deployed, cannot be read" in done.stderr
        assert [] == machine.called("az", "ad")


def test_a_project_in_a_folder_with_blanks(machine: Machine, tmp_path: Path) -> None:
    """Wrapper, package and files are found from wherever it is called."""
    project = tmp_path / "my project (1)"
    project.mkdir()
    for name in ("infra", "stageward.azure.yaml"):
        (project / name).symlink_to(ROOT / name)

    done = machine.run("preprovision", GIVEN, shell=True, folder=project)

    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)

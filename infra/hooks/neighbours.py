"""What is Azure's already and the deployment leans on: a vault, a subnet, groups of people."""

from __future__ import annotations

from collections.abc import Iterator

from infra.hooks.asking import asked, is_missing, missing
from infra.hooks.parameters import Parameters, set_

_DELEGATED = "Microsoft.App/environments"
_ENDPOINTS = ("Microsoft.Storage", "Microsoft.Storage.Global")


def vault(given: Parameters) -> Iterator[str]:
    """Say why secrets of the Key Vault could not be read."""
    vault_id = given["KEY_VAULT_ID"]
    if not vault_id or not given.sound("KEY_VAULT_ID"):
        return
    if missing(vault_id):
        yield f"no vault {vault_id} is found; {set_('KEY_VAULT_ID', '<resource id>')}"
        return
    properties = (asked("resource", "show", "--ids", vault_id) or {}).get("properties") or {}
    if properties.get("enableRbacAuthorization") is False:
        name = vault_id.rpartition("/")[2]
        yield (
            f"the vault {name} goes by access policies, and the app gets a role; "
            f"az keyvault update --name {name} --enable-rbac-authorization true, when those who "
            "use it have roles"
        )


def subnet(given: Parameters) -> Iterator[str]:
    """Say why the app could not be in the subnet."""
    subnet_id = given["SUBNET_ID"]
    if not subnet_id or not given.sound("SUBNET_ID"):
        return
    show = ("network", "vnet", "subnet", "show", "--ids", subnet_id)
    if is_missing(*show):
        yield f"no subnet {subnet_id} is found; {set_('SUBNET_ID', '<resource id>')}"
        return
    update = f"az network vnet subnet update --ids {subnet_id}"
    found = asked(*show)
    if found is not None:
        delegations = [one.get("serviceName") for one in found.get("delegations") or ()]
        if _DELEGATED not in delegations:
            more = f"{update} --delegations {_DELEGATED}"
            yield f"the subnet is not delegated to {_DELEGATED}; {more}"
        services = [one.get("service") for one in found.get("serviceEndpoints") or ()]
        if not any(one in services for one in _ENDPOINTS):
            yield (
                f"the subnet has no service endpoint {_ENDPOINTS[0]}, by which the storage "
                f"accounts admit it; {update} --service-endpoints {_ENDPOINTS[0]}"
            )
    if "_" in subnet_id.rpartition("/")[2]:
        yield (
            "the name of the subnet has a '_', which Flex Consumption does not take; "
            f"{set_('SUBNET_ID', '<another subnet>')}"
        )
    subscription = ("--subscription", given["AZURE_SUBSCRIPTION_ID"])
    state = (asked("provider", "show", "--namespace", "Microsoft.App", *subscription) or {}).get(
        "registrationState"
    )
    if state not in (None, "Registered"):
        yield (
            f"the resource provider Microsoft.App is {state}, and runs what is in a subnet; "
            "az provider register --namespace Microsoft.App --wait"
        )


def people(given: Parameters) -> Iterator[str]:
    """Say which groups Entra does not have: a person's id would do as little."""
    for name in ("OPERATORS_ID", "OFFICERS_ID"):
        group = given[name]
        if group and given.sound(name) and is_missing("ad", "group", "show", "--group", group):
            yield (
                f"{name} is {group}, and Entra has no such group; "
                f"{set_(name, '<object id of a group>')} (az ad group list --output table)"
            )

"""What parameters say against each other, and against the configuration file that is deployed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from infra.hooks.parameters import Parameters, set_

CONFIGURATION = "stageward.azure.yaml"
_MODE = re.compile(r"\bmode[\"']?\s*:\s*[\"']?(observe|enforce)\b")
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def together(given: Parameters) -> Iterator[str]:
    """Say which parameters contradict each other."""
    mode, effect = given["GOVERNANCE_MODE"], given["POLICY_EFFECT"]
    if effect == "deny" and mode == "observe":
        yield (
            "POLICY_EFFECT is deny while GOVERNANCE_MODE is observe: people could not set a "
            "protected stage, "
            f"and Stageward would not either; {set_('POLICY_EFFECT', 'audit')}, or "
            f"{set_('GOVERNANCE_MODE', 'enforce')}"
        )
    if mode == "enforce" and not given["ALERT_MAIL"]:
        yield (
            "GOVERNANCE_MODE is enforce and nobody is told when Stageward stands still; "
            f"{set_('ALERT_MAIL', '<address>')}"
        )
    if given["SIGN_IN"] == "tokens" and given["ENTRA_CLIENT_ID"]:
        yield (
            "SIGN_IN is tokens, yet ENTRA_CLIENT_ID is set; "
            f"{set_('SIGN_IN', 'entra')}, or {set_('ENTRA_CLIENT_ID', chr(34) * 2)}"
        )
    if (
        given["OPERATORS_ID"]
        and given["OPERATORS_ID"].casefold() == given["OFFICERS_ID"].casefold()
    ):
        yield (
            "OPERATORS_ID and OFFICERS_ID are one group: whoever runs Stageward would decide in "
            "it; "
            f"{set_('OFFICERS_ID', '<another group>')}"
        )
    if given["SECRET_SETTINGS"] and not given["KEY_VAULT_ID"]:
        yield (
            "SECRET_SETTINGS is set and no vault has them; "
            f"{set_('KEY_VAULT_ID', '<resource id of a Key Vault>')}"
        )
    if given["KEY_VAULT_ID"] and not given["SECRET_SETTINGS"]:
        yield (
            "KEY_VAULT_ID is set and nothing is read from it; "
            f"{set_('SECRET_SETTINGS', 'STAGEWARD_MAIL')}, or {set_('KEY_VAULT_ID', chr(34) * 2)}"
        )
    if (
        given["AZURE_ENV_NAME"]
        and given["AZUREML_RESOURCE_GROUP"].casefold() == f"rg-{given['AZURE_ENV_NAME']}".casefold()
    ):
        yield (
            f"the resource group of the workspace, {given['AZUREML_RESOURCE_GROUP']}, is the "
            "one that azd would make "
            "for Stageward and take away with `azd down`; azd env new <another name>"
        )


def with_configuration(given: Parameters, text: str) -> Iterator[str]:
    """Say where the parameters and the configuration file contradict each other.

    Args:
        given: the parameters.
        text: the file, as it is deployed. Comments are left out line by line: a `#` inside quotes
            would cut a line short, which can only hide something from this check.
    """
    lines = [re.sub(r"(^|\s)#.*", "", line) for line in text.splitlines()]
    modes = {found for line in lines for found in _MODE.findall(line)} or {"observe"}
    mode = given["GOVERNANCE_MODE"]
    if mode == "observe" and "enforce" in modes:
        yield (
            f"{CONFIGURATION} has a registry with mode: enforce while GOVERNANCE_MODE is "
            "observe: the app could only "
            f"read there; {set_('GOVERNANCE_MODE', 'enforce')}, or write mode: observe"
        )
    if mode == "enforce" and "enforce" not in modes:
        yield (
            f"GOVERNANCE_MODE is enforce while {CONFIGURATION} only observes: the app would get "
            "rights that it does not "
            f"use; write mode: enforce in the file, or {set_('GOVERNANCE_MODE', 'observe')}"
        )
    known = {"AZUREML_WORKSPACE_ID"} | {
        f"AZUREML_REGISTRY_{position}"
        for position, _ in enumerate(given.several("AZUREML_REGISTRY_IDS"), start=1)
    }
    used = dict.fromkeys(name for line in lines for name in _VARIABLE.findall(line))
    for name in used:
        if name not in known:
            yield (
                f"{CONFIGURATION} names ${{{name}}}, and the app gets "
                f"{', '.join(sorted(known))} only; "
                f"{set_('AZUREML_REGISTRY_IDS', '<resource ids, separated by commas>')}, or "
                "write the address itself"
            )

"""What parameters say against each other, and against the configuration file that is deployed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from infra.hooks.parameters import Parameters, registry_faults, set_

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
    minutes, age = given["SCAN_MINUTES"], given["SCAN_AGE_SECONDS"]
    sound = given.sound("SCAN_MINUTES") and given.sound("SCAN_AGE_SECONDS")
    if sound and int(age) < 2 * 60 * int(minutes):
        yield (
            f"a scan is late after SCAN_AGE_SECONDS, {age}, and begins {minutes} minutes "
            "(SCAN_MINUTES) after the last one: the alert would ring between two; "
            f"{set_('SCAN_AGE_SECONDS', str(max(3600, 3 * 60 * int(minutes))))}"
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
        text: the file, as it is deployed.
    """
    lines = without_comments(text)
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
    if given["SIGN_IN"] == "tokens" and _nobody(lines):
        yield (
            f"SIGN_IN is tokens while {CONFIGURATION} has nobody under people: a token is of a "
            "person, so nobody could sign in; write people into the file, and who of them is in "
            f"operators, or {set_('SIGN_IN', 'entra')}"
        )
    ids = given.several("AZUREML_REGISTRY_IDS")
    registries = {f"AZUREML_REGISTRY_{position}": one for position, one in enumerate(ids, start=1)}
    known = {"AZUREML_WORKSPACE_ID", *registries}
    used = dict.fromkeys(name for line in lines for name in _VARIABLE.findall(line))
    written = "\n".join(lines).casefold()
    unused = [name for name in registries if name not in used]
    for name in unused if not any(registry_faults(ids)) else ():
        if registries[name].casefold() not in written:
            yield (
                f"AZUREML_REGISTRY_IDS has {registries[name]}, and {CONFIGURATION} names no "
                f"registry with address: ${{{name}}}: the app would get rights there that it does "
                "not use; write it into the file, or "
                f"{set_('AZUREML_REGISTRY_IDS', '<the others>')}"
            )
    for name in used:
        if name not in known:
            yield (
                f"{CONFIGURATION} names ${{{name}}}, and the app gets "
                f"{', '.join(sorted(known))} only; "
                f"{set_('AZUREML_REGISTRY_IDS', '<resource ids, separated by commas>')}, or "
                "write the address itself"
            )


def without_comments(text: str) -> list[str]:
    """Return the lines of a file without what is behind a `#`.

    One inside quotes cuts a line short too, which can only hide something from a check.
    """
    return [re.sub(r"(^|\s)#.*", "", line) for line in text.splitlines()]


def _nobody(lines: Sequence[str]) -> bool:
    """Tell whether nobody stands under `people`; where it is written otherwise, somebody does."""
    at = next((at for at, line in enumerate(lines) if re.match(r"people\s*:", line)), None)
    if at is None:
        return not any("people" in line for line in lines)
    behind = lines[at].partition(":")[2].strip()
    if behind:
        return re.fullmatch(r"\{\s*\}|null|~", behind) is not None
    below = next((line for line in lines[at + 1 :] if line.strip()), "")
    return not below[:1].isspace()

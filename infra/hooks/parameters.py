"""The parameters of a deployment, from azd's environment, and what can be wrong with each."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterator, Mapping

GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PART = r"[^/\s\"'\\$%&<>|^]"
"""A character of a name: none that azd, which writes values into JSON, or a shell would read."""
_GROUP = rf"/subscriptions/[0-9a-fA-F-]{{36}}/resource[gG]roups/{_PART}{{1,90}}/providers"
_NAMES = {
    "AZURE_ENV_NAME": (
        r"[A-Za-z0-9]([A-Za-z0-9_-]{0,38}[A-Za-z0-9])?",
        "letters, digits, '-' and '_', at most 40, as it becomes part of names",
        "azd env new <another name>",
    ),
    "AZURE_SUBSCRIPTION_ID": (
        GUID.pattern,
        "the id of a subscription, a GUID (azd keeps a name as it is given)",
        "azd env set AZURE_SUBSCRIPTION_ID <id> (az account list --output table)",
    ),
    "AZUREML_WORKSPACE_NAME": (
        r"[A-Za-z0-9][A-Za-z0-9_-]{2,32}",
        "the name of an Azure ML workspace: 3 to 33 letters, digits, '-' and '_'",
        "",
    ),
    "AZUREML_RESOURCE_GROUP": (
        r"[\w().-]{0,89}[\w()-]",
        "the name of a resource group: at most 90 letters, digits and '._-()', no '.' at the end",
        "",
    ),
    "ENTRA_CLIENT_ID": (GUID.pattern, "the client id of an app registration, a GUID", ""),
    "OPERATORS_ID": (GUID.pattern, "the object id of a group of Entra, a GUID", ""),
    "OFFICERS_ID": (GUID.pattern, "the object id of a group of Entra, a GUID", ""),
    "ALERT_MAIL": (
        r"[\w.!#*+/=?{}~'-]+@[\w-]+(\.[\w-]+)+",
        "one mail address",
        "",
    ),
    "WORKSPACE_TOPIC": (r"[A-Za-z0-9-]{3,128}", "the name of a system topic of Event Grid", ""),
    "GROUP_TOPIC": (r"[A-Za-z0-9-]{3,128}", "the name of a system topic of Event Grid", ""),
    "KEY_VAULT_ID": (
        rf"{_GROUP}/Microsoft\.KeyVault/vaults/{_PART}+",
        "the resource id of a Key Vault: az keyvault show --name <vault> --query id",
        "",
    ),
    "SUBNET_ID": (
        rf"{_GROUP}/Microsoft\.Network/virtualNetworks/{_PART}+/subnets/{_PART}+",
        "the resource id of a subnet: az network vnet subnet show … --query id",
        "",
    ),
}
"""What each must look like, what that is in words, and how it is mended if not by `azd env set`."""
CHOICES = {
    "AZURE_PRINCIPAL_TYPE": ("User", "Group", "ServicePrincipal"),
    "GOVERNANCE_MODE": ("observe", "enforce"),
    "POLICY_EFFECT": ("audit", "deny", "disabled"),
    "SIGN_IN": ("entra", "tokens"),
    "LEDGER_SKU": ("Standard_ZRS", "Standard_LRS", "Standard_GRS", "Standard_GZRS"),
    "LOCK_LEDGER": ("true", "false"),
    "LEDGER_LOGS": ("true", "false"),
    "LOG_RETENTION_DAYS": ("90", "30", "60", "120", "180", "270", "365", "550", "730"),
}
"""Those with a few values; the first is what counts where nothing is set."""
_NEAR = 0.8
"""So much of a value and of a choice is the same where the one stands for the other."""
NUMBERS = {
    "ALWAYS_READY": (0, 0, 20),
    "SOFT_DELETE_DAYS": (14, 1, 365),
    "SCAN_MINUTES": (5, 5, 1440),
    "SCAN_AGE_SECONDS": (3600, 300, 604_800),
}
"""Numbers: what counts where nothing is set, the least, the most."""
_REQUIRED = ("AZUREML_WORKSPACE_NAME", "AZUREML_RESOURCE_GROUP")
REGISTRY = re.compile(
    rf"{_GROUP}/Microsoft\.MachineLearningServices/registries/{_PART}+", re.IGNORECASE
)
_SETTING = re.compile(
    r"STAGEWARD_(MAIL|NOTIFY_[A-Z0-9_]+|WEBHOOKS(_SECRET(_([2-9]|10))?)?|WEBHOOK_SECRET"
    r"|REGISTRY_[A-Z0-9_]+)"
)


class Parameters:
    """The parameters, with what counts where nothing is set."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Read them from an environment; a blank value counts as none."""
        self._environment = environment

    def __getitem__(self, name: str) -> str:
        """Return a value; where none is set what the template takes then, or ""."""
        return self._environment.get(name, "").strip() or default(name)

    def several(self, name: str) -> list[str]:
        """Return the values of one that has several, separated by commas."""
        return [part.strip() for part in self[name].split(",")] if self[name] else []

    def sound(self, name: str) -> bool:
        """Tell whether a value is of the form that it must have: only then Azure is asked."""
        if name in CHOICES:
            return self[name] in CHOICES[name]
        if name in NUMBERS:
            _, least, most = NUMBERS[name]
            return (
                bool(re.fullmatch(r"[0-9]{1,9}", self[name])) and least <= int(self[name]) <= most
            )
        return re.fullmatch(_NAMES[name][0], self[name]) is not None

    @property
    def workspace_id(self) -> str:
        """The resource id of the workspace, or "" where a part of it is missing or malformed."""
        group, name = self["AZUREML_RESOURCE_GROUP"], self["AZUREML_WORKSPACE_NAME"]
        if not all(self.sound(one) for one in ("AZURE_SUBSCRIPTION_ID", *_REQUIRED)):
            return ""
        return (
            f"/subscriptions/{self['AZURE_SUBSCRIPTION_ID']}/resourceGroups/{group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{name}"
        )


def default(name: str) -> str:
    """Return what the template takes where a parameter is not set; "" for nothing."""
    if name in NUMBERS:
        return str(NUMBERS[name][0])
    return CHOICES.get(name, ("",))[0]


def set_(name: str, value: str) -> str:
    """Return the command that mends a parameter."""
    return f"azd env set {name} {value}"


def alone(given: Parameters) -> Iterator[str]:
    """Say what is wrong with each parameter, whatever the others are."""
    for name in _REQUIRED:
        if not given[name]:
            yield (
                f"{name} is not set; {set_(name, '<name>')} (az resource list --resource-type "
                "Microsoft.MachineLearningServices/workspaces --output table)"
            )
    for name, (pattern, words, mends) in _NAMES.items():
        if given[name] and not re.fullmatch(pattern, given[name]):
            yield f"{name} is '{given[name]}', which is not {words}; {mends or _mend(name)}"
    for name, choices in CHOICES.items():
        if not given.sound(name):
            yield (
                f"{name} is '{given[name]}', which is none of {', '.join(choices)}; "
                f"{set_(name, _nearest(name, given[name]))}"
            )
    for name, (_, least, most) in NUMBERS.items():
        if not given.sound(name):
            yield (
                f"{name} is '{given[name]}', which is no number from {least} to {most}; "
                f"{set_(name, default(name))}"
            )
    yield from registry_faults(given.several("AZUREML_REGISTRY_IDS"))
    yield from _secrets(given.several("SECRET_SETTINGS"))


def _nearest(name: str, value: str) -> str:
    """Return the choice that was meant: never another one where only case or a letter differs."""
    near = difflib.get_close_matches(
        value.casefold(), [one.casefold() for one in CHOICES[name]], n=1, cutoff=_NEAR
    )
    return next((one for one in CHOICES[name] if one.casefold() in near), default(name))


def _mend(name: str) -> str:
    """Return how a malformed value is mended; what may be left out can be taken back."""
    none = "" if name in _REQUIRED else ', or "" for none'
    return f"{set_(name, '<value>')}{none}"


def _secrets(settings: list[str]) -> Iterator[str]:
    for setting in settings:
        if not _SETTING.fullmatch(setting):
            yield (
                f"SECRET_SETTINGS names '{setting}', which is no setting that can be a secret; "
                f"{set_('SECRET_SETTINGS', 'STAGEWARD_MAIL,STAGEWARD_NOTIFY_MODEL_RISK')}"
            )
    if len(set(settings)) < len(settings):
        yield (
            "SECRET_SETTINGS names a setting twice; "
            f"{set_('SECRET_SETTINGS', ','.join(dict.fromkeys(settings)))}"
        )


def registry_faults(ids: list[str]) -> Iterator[str]:
    """Say what is wrong with a list of registries by itself."""
    mend = set_("AZUREML_REGISTRY_IDS", '"$(az ml registry show … --query id --output tsv)"')
    for one in ids:
        if not REGISTRY.fullmatch(one):
            yield (
                f"AZUREML_REGISTRY_IDS has '{one}', which is no resource id of an Azure ML "
                f"registry; {mend}"
            )
    once = {one.casefold(): one for one in reversed(ids)}
    if len(once) < len(ids):
        rest = shlex.quote(",".join(reversed(once.values())))
        yield f"AZUREML_REGISTRY_IDS names a registry twice; {set_('AZUREML_REGISTRY_IDS', rest)}"

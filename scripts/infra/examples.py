"""Example values of the templates' params: what every case of them is evaluated with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scripts.infra import world
from scripts.infra.kinds import decorated
from scripts.infra.syntax import Declaration, File

_SUBSCRIPTION = f"/subscriptions/{world.SUBSCRIPTION}"
_ML = f"{_SUBSCRIPTION}/resourceGroups/rg-ml/providers/Microsoft.MachineLearningServices"
_HOST = f"{_SUBSCRIPTION}/resourceGroups/{world.GROUP}/providers"
_GUID = "00000000-0000-0000-0000-{:012x}"

EXAMPLES: Mapping[str, object] = {
    "alertGroupId": f"{_HOST}/Microsoft.Insights/actionGroups/stageward-operators",
    "alertMail": "on-call@example.org",
    "approvers": "ada@example.org;grace@example.org",
    "asset": "workspace/models/iris",
    "entraClientId": _GUID.format(1),
    "environmentName": "example",
    "functionAppId": f"{_HOST}/Microsoft.Web/sites/func-example",
    "governorId": _GUID.format(2),
    "groupTopic": "changes-of-ml",
    "hostStorageId": f"{_HOST}/Microsoft.Storage/storageAccounts/sthostexample",
    "keyVaultId": f"{_SUBSCRIPTION}/resourceGroups/rg-ml/providers/Microsoft.KeyVault/vaults/kv-ml",
    "location": world.LOCATION,
    "officersId": _GUID.format(3),
    "principalId": world.DEPLOYER,
    "registryIds": f"{_ML}/registries/models,{_ML}/registries/shared",
    "repository": "example/iris",
    "secretSettings": "STAGEWARD_WEBHOOK_SECRET,STAGEWARD_MAIL,STAGEWARD_WEBHOOKS_SECRET_2",
    "stagewardUrl": "https://stageward.example.org",
    "subnetId": f"{_HOST}/Microsoft.Network/virtualNetworks/vnet/subnets/functions",
    "teamsWorkflowUrl": "https://example.org/workflow?sig=secret",
    "tokenSecretUri": "https://kv-ml.vault.azure.net/secrets/github",
    "workspaceName": "mlw-example",
    "workspaceResourceGroup": "rg-ml",
    "workspaceTopic": "events-of-ml",
}
"""By the name of the param. One that may be left out is evaluated both ways."""

HOSTILE: Mapping[str, tuple[str, ...]] = {
    "environmentName": ("a", "A-b_c1", "x" * 40),
    "workspaceResourceGroup": ("(a)_b.c-d", "x" * 90),
}
"""Further values: the shortest, the longest, and all characters that the hooks let through."""


@dataclass(frozen=True, slots=True)
class Case:
    """Values to evaluate a template with.

    Attributes:
        name: what is special about them.
        values: by param.
    """

    name: str
    values: Mapping[str, object]


def cases(file: File) -> Iterator[Case]:
    """Yield as many cases as it takes for every param to have each of its values once.

    The first has only what must be given, the second everything.
    """
    params = {one.name: one for one in file.declarations if one.kind == "param"}
    least = {name: EXAMPLES[name] for name, one in params.items() if _needed(one)}
    most = {**least, **{name: EXAMPLES[name] for name in params if name in EXAMPLES}}
    made = [Case("the least", least), Case("everything", most)]
    for name, one in params.items():
        for value in _values(one):
            made.append(Case(f"{name}={value!r}, the least", {**least, name: value}))
            made.append(Case(f"{name}={value!r}, everything", {**most, name: value}))
    for position, case in enumerate(made):
        if all(case.values != before.values for before in made[:position]):
            yield case


def missing(file: File) -> Iterator[Declaration]:
    """Yield the params for which there ought to be an example."""
    for one in file.declarations:
        if one.kind == "param" and one.name not in EXAMPLES and (_needed(one) or _empty(one)):
            yield one


def _needed(one: Declaration) -> bool:
    return one.value is None and not decorated(one, "allowed")


def _empty(one: Declaration) -> bool:
    return getattr(one.value, "value", None) == "" and not decorated(one, "allowed")


def _values(one: Declaration) -> Iterator[object]:
    allowed = decorated(one, "allowed")
    if isinstance(allowed, list):
        yield from allowed
    elif one.type is not None and one.type.name == "bool":
        yield from (False, True)
    elif one.type is not None and one.type.literals:
        yield from one.type.literals
    else:
        for limit in ("minValue", "maxValue"):
            if (value := decorated(one, limit)) is not None:
                yield value
        yield from HOSTILE.get(one.name, ())
        if one.name in EXAMPLES:
            yield EXAMPLES[one.name]

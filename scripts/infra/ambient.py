"""The functions that read more than their arguments: where they are, who deploys, files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import yaml

from scripts.infra import functions, world
from scripts.infra.faults import Place
from scripts.infra.syntax import Call, Literal
from scripts.infra.values import Items, Record, Scope, Scoped
from scripts.infra.world import EvaluationError, World

_MANY = 20
ARITY: Mapping[str, tuple[int, int]] = {
    "deployer": (0, 0),
    "deployment": (0, 0),
    "environment": (0, 0),
    "extensionResourceId": (3, _MANY),
    "loadJsonContent": (1, 1),
    "loadTextContent": (1, 1),
    "loadYamlContent": (1, 1),
    "newGuid": (0, 0),
    "resourceGroup": (0, 2),
    "resourceId": (2, _MANY),
    "subscription": (0, 1),
    "subscriptionResourceId": (2, _MANY),
    "tenant": (0, 0),
    "tenantResourceId": (2, _MANY),
    "utcNow": (0, 1),
}
LOADS = ("loadJsonContent", "loadTextContent", "loadYamlContent")
_LOADERS: Mapping[str, Callable[[str], object]] = {
    "loadJsonContent": json.loads,
    "loadTextContent": str,
    "loadYamlContent": yaml.safe_load,
}


class Ambient:
    """Answers these functions for one module.

    Attributes:
        world: what is shared.
        path: of the file that calls.
        scope: where the module is deployed.
    """

    def __init__(self, world_: World, path: str, scope: Scope) -> None:
        self.world = world_
        self.path = path
        self.scope = scope

    def call(self, node: Call, arguments: list[object]) -> object:
        """Return what a function answers.

        Raises:
            EvaluationError: it takes other arguments, or is none.
        """
        answers: Mapping[str, Callable[[Place, list[str]], object]] = {
            "deployer": self._deployer,
            "deployment": lambda place, _: Record([("name", "example")], place=place),
            "environment": _environment,
            "extensionResourceId": self._extension,
            "newGuid": lambda _, __: "00000000-0000-0000-0000-00000000051d",
            "resourceGroup": self._group,
            "resourceId": self._resource,
            "subscription": self._subscription,
            "subscriptionResourceId": self._of_subscription,
            "tenant": lambda place, _: _tenant(place),
            "tenantResourceId": lambda place, a: "/providers/" + _typed(place, a[0], a[1:]),
            "utcNow": lambda _, __: "20260102T030405Z",
        }
        texts = [argument for argument in arguments if isinstance(argument, str)]
        if len(texts) != len(arguments):
            raise EvaluationError(node.place, "type", f"{node.name}() takes texts; give it those")
        if node.name in LOADS:
            return self._load(node, texts[0])
        return answers[node.name](node.place, texts)

    def _load(self, node: Call, name: str) -> object:
        if not isinstance(node.arguments[0], Literal):
            message = f"{node.name}() takes a file's name as it is; write it out"
            raise EvaluationError(node.place, "file", message)
        path = self.world.beside(self.path, name)
        try:
            text = (self.world.root / path).read_text(encoding="utf-8")
            return functions.located(_LOADERS[node.name](text), node.place)
        except OSError as exc:
            message = f"there is no file {path}; mend its name"
            raise EvaluationError(node.arguments[0].place, "file", message) from exc
        except (ValueError, yaml.YAMLError) as exc:
            message = f"{path} cannot be read: {exc}; mend it"
            raise EvaluationError(node.arguments[0].place, "file", message) from exc

    def _group(self, place: Place, names: list[str]) -> Scoped:
        if not names:
            if self.scope.kind != "resourceGroup":
                message = "no resource group is here; name it, or deploy this to one"
                raise EvaluationError(place, "scope", message)
            return _group(place, self.scope.id)
        subscription = names[0] if len(names) > 1 else world.SUBSCRIPTION
        return _group(place, f"/subscriptions/{subscription}/resourceGroups/{names[-1]}")

    def _subscription(self, place: Place, names: list[str]) -> object:
        subscription = names[0] if names else world.SUBSCRIPTION
        scope = Scope("subscription", f"/subscriptions/{subscription}")
        values = {
            "id": scope.id,
            "subscriptionId": subscription,
            "tenantId": world.TENANT,
            "displayName": "Example",
        }
        return Scoped(values.items(), place=place, scope=scope)

    def _deployer(self, place: Place, _: list[str]) -> object:
        values = {"objectId": world.DEPLOYER, "tenantId": world.TENANT}
        return Record(values.items(), place=place)

    def _resource(self, place: Place, arguments: list[str]) -> str:
        kind = next((at for at, text in enumerate(arguments) if "/" in text), None)
        if kind is None:
            raise EvaluationError(place, "type", "resourceId() takes a resource type; name it")
        before, rest = arguments[:kind], arguments[kind + 1 :]
        scope = self.scope.id
        if before:
            scope = self._group(place, before).scope.id
        return f"{scope}/providers/{_typed(place, arguments[kind], rest)}"

    def _of_subscription(self, place: Place, arguments: list[str]) -> str:
        scope = f"/subscriptions/{world.SUBSCRIPTION}"
        return f"{scope}/providers/{_typed(place, arguments[0], arguments[1:])}"

    def _extension(self, place: Place, arguments: list[str]) -> str:
        return f"{arguments[0]}/providers/{_typed(place, arguments[1], arguments[2:])}"


def _typed(place: Place, kind: str, names: list[str]) -> str:
    """Return `provider/type/name/type/name` of a type and its names."""
    provider, *types = kind.split("/")
    if len(types) != len(names):
        message = f"{kind} has {len(types)} names, {len(names)} are given; mend that"
        raise EvaluationError(place, "type", message)
    parts = [part for pair in zip(types, names, strict=True) for part in pair]
    return "/".join([provider, *parts])


def _group(place: Place, identifier: str) -> Scoped:
    name = identifier.rpartition("/")[2]
    values: dict[str, object] = {
        "id": identifier,
        "name": name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": world.LOCATION,
        "tags": Record(place=place),
    }
    return Scoped(values.items(), place=place, scope=Scope("resourceGroup", identifier))


def _tenant(place: Place) -> Scoped:
    values = {"tenantId": world.TENANT, "displayName": "Example", "countryCode": "DE"}
    return Scoped(values.items(), place=place, scope=Scope("tenant", "/"))


def _environment(place: Place, _: list[str]) -> Record:
    """Return what `az cloud show` says of Azure's public cloud."""
    login = "https://login.microsoftonline.com/"
    manager = "https://management.azure.com/"
    authentication: dict[str, object] = {
        "loginEndpoint": login,
        "audiences": Items(["https://management.core.windows.net/", manager], place=place),
        "tenant": "common",
        "identityProvider": "AAD",
    }
    suffixes = {
        "keyvaultDns": ".vault.azure.net",
        "storage": "core.windows.net",
        "sqlServerHostname": ".database.windows.net",
        "acrLoginServer": ".azurecr.io",
    }
    values: dict[str, object] = {
        "name": "AzureCloud",
        "portal": "https://portal.azure.com",
        "resourceManager": manager,
        "graph": "https://graph.windows.net/",
        "authentication": Record(authentication.items(), place=place),
        "suffixes": Record(suffixes.items(), place=place),
    }
    return Record(values.items(), place=place)


def example_group() -> Scope:
    """Return the resource group that a template of one is deployed to in examples."""
    return Scope(
        "resourceGroup", f"/subscriptions/{world.SUBSCRIPTION}/resourceGroups/{world.GROUP}"
    )

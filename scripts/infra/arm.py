"""Writes what a template deploys as an ARM template, for tools that read those."""

from __future__ import annotations

import json
import re
from pathlib import Path

from scripts.infra.check import Deployment
from scripts.infra.values import Unknown
from scripts.infra.world import Deployed

_SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


def write(deployments: list[Deployment], folder: Path) -> dict[str, Deployment]:
    """Write the first two cases of every template; return what each file was made from.

    The files hold examples of what only Azure knows, and are for looking at, not for deploying.
    """
    made: dict[str, Deployment] = {}
    for deployment in deployments:
        if deployment.case.name in {"the least", "everything"}:
            name = f"{Path(deployment.file.path).with_suffix('')}-{deployment.case.name}"
            path = re.sub(r"\W+", "-", name) + ".json"
            document = {
                "$schema": _SCHEMA,
                "contentVersion": "1.0.0.0",
                "resources": [
                    _resource(one)
                    for one in deployment.resources
                    if one.wanted and not one.existing
                ],
            }
            (folder / path).write_text(json.dumps(document, indent=1), encoding="utf-8")
            made[path] = deployment
    return made


def _resource(one: Deployed) -> dict[str, object]:
    head: dict[str, object] = {"type": one.type, "apiVersion": one.version, "name": one.name}
    if one.scope.kind == "resource":
        head["scope"] = one.scope.id
    return head | {key: _plain(value) for key, value in one.body.items()}


def _plain(value: object) -> object:
    match value:
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case Unknown(kind=kind):
            return f"[{kind}]"
        case None | str() | int():
            return value
    return str(value)

"""Ways to look into the resources of a deployment."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.infra.check import Deployment
from scripts.infra.faults import Place
from scripts.infra.values import Record
from scripts.infra.world import Deployed

SITE = "Microsoft.Web/sites"
CONFIG = "Microsoft.Web/sites/config"
SUBSCRIPTION = "Microsoft.EventGrid/systemTopics/eventSubscriptions"
ASSIGNMENT = "Microsoft.Authorization/roleAssignments"


def of(deployment: Deployment, *types: str) -> Iterator[Deployed]:
    """Yield the resources of these types that are deployed."""
    for resource in deployment.resources:
        if resource.wanted and not resource.existing and resource.is_of(*types):
            yield resource


def value(body: object, path: str) -> object:
    """Return what is at a path such as `properties.siteConfig.minTlsVersion`; None for nothing."""
    for key in path.split("."):
        body = body.get(key) if isinstance(body, dict) else None
    return body


def place(resource: Deployed, path: str) -> Place:
    """Return where a path is written, or where the nearest of what holds it is."""
    at: object = resource.body
    found = resource.place
    for key in path.split("."):
        if not isinstance(at, Record) or key not in at:
            return found
        found = at.at(key)
        at = at[key]
    return found


def config(deployment: Deployment, name: str) -> Iterator[Deployed]:
    """Yield the configurations of sites that have this name."""
    for resource in of(deployment, CONFIG):
        if resource.last_name.lower() == name.lower():
            yield resource


def settings(deployment: Deployment) -> Iterator[tuple[Deployed, str, object, Place]]:
    """Yield the app settings: whose, name, value, place."""
    for resource in config(deployment, "appsettings"):
        found = value(resource.body, "properties")
        if isinstance(found, Record):
            for name, one in found.items():
                yield resource, name, one, found.at(name)
    for site in of(deployment, SITE):
        listed = value(site.body, "properties.siteConfig.appSettings")
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, Record):
                yield site, str(one.get("name")), one.get("value"), one.place

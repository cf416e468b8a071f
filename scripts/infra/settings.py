"""The app settings that templates give, held against what the code and the platform read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from scripts.infra import find
from scripts.infra.check import Deployment
from scripts.infra.faults import Fault, Place
from scripts.infra.functions_app import FunctionsApp, left_out, variables
from scripts.infra.values import Secret
from scripts.infra.world import Deployed, near

_OWN = "STAGEWARD_"
_KEYED = re.compile(r"STAGEWARD_(NOTIFY_[A-Z0-9_]+|REGISTRY_[A-Z0-9_]+|WEBHOOKS_SECRET_([2-9]|10))")
REQUIRED: Mapping[str, str] = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "telemetry signs in by the identity",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "telemetry goes there",
    "AZURE_CLIENT_ID": "the app signs in by that identity",
    "AzureWebJobsStorage__blobServiceUri": "the host keeps its locks there",
    "AzureWebJobsStorage__clientId": "the host signs in by that identity",
    "AzureWebJobsStorage__credential": "the host signs in by identity",
    "STAGEWARD_ANCHORS": "whether the ledger was rewritten is told by what is kept there",
    "STAGEWARD_AUTH": "people sign in that way",
    "STAGEWARD_CONFIG": "what is governed stands there",
    "STAGEWARD_DEAD_LETTERS": "lost events are replayed from there",
    "STAGEWARD_EVENTGRID_ENDPOINT": "records are published there",
    "STAGEWARD_TABLES_ENDPOINT": "the ledger is there; a file does not survive an instance",
    "STAGEWARD_URL": "links in mails lead there",
}
"""Settings that the app needs in Azure, each with why."""
ADDRESSES: Mapping[str, tuple[re.Pattern[str], str]] = {
    "AzureWebJobsStorage__blobServiceUri": (
        re.compile(r"https://[^/]+\.blob\.[^/]+/"),
        "the address of blobs",
    ),
    "STAGEWARD_TABLES_ENDPOINT": (
        re.compile(r"https://[^/]+\.table\.[^/]+/"),
        "the address of tables",
    ),
    "STAGEWARD_URL": (re.compile(r"https://[^/]+"), "an address over https"),
}
"""Settings that are addresses, each with what it looks like, also in words."""
CONTAINERS = ("STAGEWARD_ANCHORS", "STAGEWARD_DEAD_LETTERS")
"""Settings that name a container, which is to be deployed."""
OTHERS = (
    "AZUREML_WORKSPACE_ID",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID",
    "WEBSITE_AUTH_AAD_ALLOWED_TENANTS",
)
"""Settings that the configuration file, a library or the platform reads besides."""
_NUMBERED = re.compile(r"AZUREML_REGISTRY_\d+")
REFUSED = (
    "AzureWebJobsStorage",
    "ENABLE_ORYX_BUILD",
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_WORKER_PROCESS_COUNT",
    "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_WORKER_RUNTIME_VERSION",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "STAGEWARD_LEDGER",
    "STAGEWARD_TABLES",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTSHARE",
    "WEBSITE_RUN_FROM_PACKAGE",
)
"""What Flex Consumption does not take, and what would be a key or a file. The former after
https://learn.microsoft.com/azure/azure-functions/functions-app-settings#flex-consumption-plan."""
MACHINE_PATHS = ("/events", "/webhooks/mlflow", "/healthz")
"""Paths of the app that machines call, which cannot sign in as people do."""
PLATFORM_PATH = "/runtime/webhooks/"
"""Where Event Grid calls functions."""
_NOT_HTTP = "function:"


def check(deployment: Deployment, app: FunctionsApp, root: Path) -> Iterator[Fault]:
    """Yield what is wrong with the settings of the sites of a deployment."""
    given: dict[str, object] = {}
    for _, name, value, place in find.settings(deployment):
        given[name] = value
        yield from _name(name, app, place)
        yield from _value(name, value, place)
    if not given:
        return
    for resource in find.config(deployment, "appsettings"):
        place = find.place(resource, "properties")
        for name, why in REQUIRED.items():
            if name not in given:
                yield Fault(place, "setting-missing", f"{name} is not set, and {why}; set it")
    for _, name, value, place in find.settings(deployment):
        if name == "STAGEWARD_CONFIG":
            yield from _configuration(str(value), given, root, place, deployment)
        if name in CONTAINERS:
            yield from _container(str(value), deployment, place)
        if name == "STAGEWARD_ANCHORS":
            yield from _immutable(str(value), deployment, place)
    yield from _sites(deployment, app)


def _name(name: str, app: FunctionsApp, place: Place) -> Iterator[Fault]:
    own = name.removeprefix(_OWN)
    known = [*REQUIRED, *OTHERS, *(f"{_OWN}{one}" for one in app.settings)]
    if name in REFUSED:
        message = f"{name} is not for this app, which has identity and Flex Consumption; remove it"
        yield Fault(place, "setting-refused", message)
    elif name.startswith(_OWN):
        if own not in app.settings and not _KEYED.fullmatch(name):
            hint = near(own, app.settings) or "; remove it"
            yield Fault(place, "setting-unknown", f"the app reads no setting {name}{hint}")
    elif name not in known and not _NUMBERED.fullmatch(name):
        message = (
            f"nothing is known to read {name}{near(name, known)}; if something does, add it to "
        )
        yield Fault(place, "setting-unknown", message + "scripts/infra/settings.py")


def _value(name: str, value: object, place: Place) -> Iterator[Fault]:
    if isinstance(value, Secret):
        message = f"{name} is a secret in clear; keep it in a Key Vault and refer to it"
        yield Fault(place, "secret", message)
    elif value is None or value == "":
        yield Fault(place, "setting-missing", f"{name} is empty; give it a value or leave it out")
    elif name in ADDRESSES and not ADDRESSES[name][0].fullmatch(str(value)):
        message = f"{name} is '{value}'; give {ADDRESSES[name][1]}"
        yield Fault(place, "setting-address", message)


def _configuration(
    path: str, given: Mapping[str, object], root: Path, place: Place, deployment: Deployment
) -> Iterator[Fault]:
    if not (root / path).is_file():
        yield Fault(place, "configuration", f"there is no file {path}; name one that is there")
        return
    if left_out(root, path):
        message = f".funcignore keeps {path} from being deployed; let it through"
        yield Fault(place, "configuration", message)
    optional = _NUMBERED if deployment.case.values.get("registryIds") is None else None
    for name in sorted(variables(root / path)):
        if name not in given and not (optional and optional.fullmatch(name)):
            message = f"{path} names ${{{name}}}, which is not set; set it"
            yield Fault(place, "configuration", message)


def _container(value: str, deployment: Deployment, place: Place) -> Iterator[Fault]:
    account, _, name = value.removeprefix("https://").partition("/")
    found = {
        (one.id.partition("/blobServices/")[0].rpartition("/")[2], str(one.last_name))
        for one in find.of(deployment, "Microsoft.Storage/storageAccounts/blobServices/containers")
    }
    if (account.partition(".")[0], name) not in found or ".blob." not in account:
        message = f"no container '{name}' is deployed there; deploy it, or name another"
        yield Fault(place, "container", message)


def _immutable(value: str, deployment: Deployment, place: Place) -> Iterator[Fault]:
    """Yield where nothing keeps whoever may write to a container from writing over an anchor."""
    kind = "Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies"
    account, _, name = value.removeprefix("https://").partition("/")
    holder = f"/{account.partition('.')[0]}/blobServices/default/containers/{name}/"
    for policy in find.of(deployment, kind):
        days = find.value(policy.body, "properties.immutabilityPeriodSinceCreationInDays")
        if holder in policy.id and isinstance(days, int) and days > 0:
            return
    message = "what is kept there could be changed; give the container an immutability policy"
    yield Fault(place, "immutability", message)


def _sites(deployment: Deployment, app: FunctionsApp) -> Iterator[Fault]:
    path = "properties.functionAppConfig"
    for site in find.of(deployment, find.SITE):
        version = find.value(site.body, f"{path}.runtime.version")
        if version not in app.python or version != app.pinned_python:
            message = (
                f"requirements.txt is pinned for Python {app.pinned_python}, "
                f"the app runs on {version}; make them one"
            )
            yield Fault(find.place(site, f"{path}.runtime.version"), "python", message)
        package = find.value(site.body, f"{path}.deployment.storage.value")
        if isinstance(package, str):
            where = find.place(site, f"{path}.deployment.storage.value")
            yield from _container(package, deployment, where)
        yield from _always_ready(site, app)
    for resource in find.config(deployment, "authsettingsV2"):
        yield from _excluded(resource)


def _always_ready(site: Deployed, app: FunctionsApp) -> Iterator[Fault]:
    path = "properties.functionAppConfig.scaleAndConcurrency.alwaysReady"
    listed = find.value(site.body, path)
    known = {f"{_NOT_HTTP}{name}" for name in (*app.event_functions, *app.other_functions)}
    for one in listed if isinstance(listed, list) else ():
        name = find.value(one, "name")
        if not isinstance(find.value(one, "instanceCount"), int):
            message = "how many are always ready is said; give instanceCount"
            yield Fault(find.place(site, path), "flex", message)
        if name not in {"http", "durable", "blob", *known}:
            message = f"'{name}' is no group of instances; name http or one of {sorted(known)}"
            yield Fault(find.place(site, path), "function", message)


def _excluded(resource: Deployed) -> Iterator[Fault]:
    path = "properties.globalValidation.excludedPaths"
    listed = find.value(resource.body, path)
    patterns = [str(one) for one in listed] if isinstance(listed, list) else []
    place = find.place(resource, path)
    for wanted in (f"{PLATFORM_PATH}eventgrid", *MACHINE_PATHS):
        if not any(_matches(pattern, wanted) for pattern in patterns):
            message = f"'{wanted}' would ask machines to sign in as people do; exclude it"
            yield Fault(place, "excluded-path", message)
    for pattern in patterns:
        machines = any(_matches(pattern, one) for one in (PLATFORM_PATH, *MACHINE_PATHS))
        if _matches(pattern, "/") or not machines:
            message = f"'{pattern}' opens what machines do not call; remove it"
            yield Fault(place, "excluded-path", message)


def _matches(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern

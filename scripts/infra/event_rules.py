"""What this project demands of event subscriptions: nothing is lost, and nothing called in vain."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from scripts.infra import find
from scripts.infra.check import Deployment
from scripts.infra.faults import Fault
from scripts.infra.functions_app import FunctionsApp
from scripts.infra.values import Unknown
from scripts.infra.world import Deployed

_ML = "Microsoft.MachineLearningServices"
TYPES = frozenset(
    {
        f"{_ML}.ModelDeployed",
        f"{_ML}.ModelRegistered",
        f"{_ML}.RunCompleted",
        "Microsoft.Resources.ResourceDeleteSuccess",
        "Microsoft.Resources.ResourceWriteSuccess",
    }
)
"""Types of events that tell of all there is to hear, after docs/azure-ml.md."""
_KINDS = (
    *("batchEndpoints", "components", "data", "datasets", "environments", "models"),
    "onlineEndpoints",
)
OPERATIONS = frozenset(f"{_ML}/workspaces/{kind}/" for kind in _KINDS)
"""What the names of operations begin with that concern Stageward."""
_SYSTEM_TOPIC = "Microsoft.EventGrid/systemTopics"
_ALERT = "Microsoft.Insights/metricAlerts"
COUNTS = ("DeadLetteredCount", "DroppedEventCount", "DeliveryAttemptFailCount")
"""What Event Grid counts of a topic that an operator must be told of."""
_SOURCES = (
    (re.compile(rf".+/providers/{_ML}/workspaces/[^/]+"), f"{_ML}.Workspaces"),
    (
        re.compile(r"/subscriptions/[^/]+/resourceGroups/[^/]+"),
        "Microsoft.Resources.ResourceGroups",
    ),
)
"""What the id of a source looks like, and the only type that its topic can have."""


def check(deployment: Deployment, app: FunctionsApp) -> Iterator[Fault]:
    """Yield what is lost, or comes in vain."""
    for topic in find.of(deployment, _SYSTEM_TOPIC):
        yield from _source(topic)
        yield from _alerts(topic, deployment)
    subscriptions = list(find.of(deployment, find.SUBSCRIPTION))
    for resource in subscriptions:
        for part in (_dead_letter, _retries, _filter):
            yield from part(resource)
        yield from _function(resource, app)
        for kind in sorted(_types(resource) - app.events):
            message = f"the app reads no '{kind}'; leave it out"
            yield Fault(find.place(resource, "properties.filter"), "events", message)
    heard = {kind for resource in subscriptions for kind in _types(resource)}
    for kind in sorted(TYPES - heard) if subscriptions else ():
        message = f"nothing subscribes to {kind}; add it to a filter"
        yield Fault(subscriptions[0].place, "events", message)


def _source(topic: Deployed) -> Iterator[Fault]:
    source = str(find.value(topic.body, "properties.source"))
    path = "properties.topicType"
    for pattern, kind in _SOURCES:
        if pattern.fullmatch(source) and find.value(topic.body, path) != kind:
            message = f"the source has topics of one type; give topicType: '{kind}'"
            yield Fault(find.place(topic, path), "topic-type", message)


def _alerts(topic: Deployed, deployment: Deployment) -> Iterator[Fault]:
    watched = {
        find.value(one, "metricName")
        for alert in find.of(deployment, _ALERT)
        if topic.id in _listed(alert, "properties.scopes")
        for one in _listed(alert, "properties.criteria.allOf")
    }
    for count in COUNTS:
        if count not in watched:
            message = f"nobody is told of events that go astray; give {_ALERT} on its {count}"
            yield Fault(topic.place, "alert", message)


def _listed(resource: Deployed, path: str) -> Sequence[object]:
    found = find.value(resource.body, path)
    return found if isinstance(found, list) else ()


def _types(resource: Deployed) -> frozenset[str]:
    return frozenset(map(str, _listed(resource, "properties.filter.includedEventTypes")))


def _dead_letter(resource: Deployed) -> Iterator[Fault]:
    by_key = find.value(resource.body, "properties.deadLetterDestination")
    path = "properties.deadLetterWithResourceIdentity"
    kind = find.value(resource.body, f"{path}.deadLetterDestination.endpointType")
    identity = find.value(resource.body, f"{path}.identity.type")
    if by_key is not None or kind != "StorageBlob" or identity is None:
        message = (
            "what cannot be delivered is lost; give deadLetterWithResourceIdentity with an "
            "identity and a container, and no deadLetterDestination"
        )
        yield Fault(find.place(resource, path), "dead-letter", message)


def _retries(resource: Deployed) -> Iterator[Fault]:
    path = "properties.retryPolicy"
    attempts = find.value(resource.body, f"{path}.maxDeliveryAttempts")
    minutes = find.value(resource.body, f"{path}.eventTimeToLiveInMinutes")
    for name, found, most in (
        ("maxDeliveryAttempts", attempts, 30),
        ("eventTimeToLiveInMinutes", minutes, 1440),
    ):
        known = isinstance(found, int) and not isinstance(found, bool)
        if not isinstance(found, Unknown) and not (known and 1 <= int(str(found)) <= most):
            message = f"how long Azure tries is said, 1 to {most}; give retryPolicy {name}: {most}"
            yield Fault(find.place(resource, f"{path}.{name}"), "retry", message)


def _filter(resource: Deployed) -> Iterator[Fault]:
    path = "properties.filter"
    types = _types(resource)
    if not types:
        message = "every event costs a call; give filter includedEventTypes"
        yield Fault(find.place(resource, path), "filter", message)
    if not any(one.startswith("Microsoft.Resources.") for one in types):
        return
    for one in _listed(resource, f"{path}.advancedFilters"):
        values = find.value(one, "values")
        if (
            find.value(one, "operatorType") == "StringBeginsWith"
            and find.value(one, "key") == "data.operationName"
            and isinstance(values, list)
            and set(map(str, values)) == OPERATIONS
        ):
            break
    else:
        message = (
            "a resource group tells of every write in it; give filter advancedFilters with "
            f"StringBeginsWith, data.operationName, {', '.join(sorted(OPERATIONS))}"
        )
        yield Fault(find.place(resource, f"{path}.advancedFilters"), "filter", message)
    begins = find.value(resource.body, f"{path}.subjectBeginsWith")
    if not isinstance(begins, str) or not begins.endswith("/"):
        message = "other workspaces in the group are not ours; give filter subjectBeginsWith"
        yield Fault(find.place(resource, path), "filter", message)


def _function(resource: Deployed, app: FunctionsApp) -> Iterator[Fault]:
    path = "properties.destination"
    if find.value(resource.body, f"{path}.endpointType") != "AzureFunction":
        message = "events go to the app's own function; give endpointType: 'AzureFunction'"
        yield Fault(find.place(resource, path), "function", message)
        return
    target = str(find.value(resource.body, f"{path}.properties.resourceId"))
    name = target.rpartition("/functions/")[2]
    if name not in app.event_functions:
        known = ", ".join(sorted(app.event_functions)) or "none"
        message = f"function_app.py has no Event Grid function '{name}'; name one of {known}"
        where = find.place(resource, f"{path}.properties.resourceId")
        yield Fault(where, "function", message)

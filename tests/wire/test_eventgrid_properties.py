"""What holds for every delivery, however malformed."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from stage_functions.application.signal import Signals
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import RegistryType
from stage_functions.domain.error import InvalidInputError
from stage_functions.wire.eventgrid import parse
from tests.wire.samples import ML_REGISTRY, REGISTRIES, RESOURCE_GROUP, WORKSPACE

TYPES = (
    "Microsoft.EventGrid.SubscriptionValidationEvent",
    "Microsoft.MachineLearningServices.ModelRegistered",
    "Microsoft.MachineLearningServices.ModelDeployed",
    "Microsoft.MachineLearningServices.RunCompleted",
    "Microsoft.Resources.ResourceWriteSuccess",
    "Microsoft.Resources.ResourceDeleteSuccess",
)
OTHERS = f"{RESOURCE_GROUP}/providers/Microsoft.MachineLearningServices/workspaces/others"

any_text = st.text(st.characters(), max_size=20)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=20,
)
words = any_text | st.sampled_from(["Churn", "..", "a b", "3", "versions", "models"])
registries = st.sampled_from([WORKSPACE, ML_REGISTRY, OTHERS, WORKSPACE.upper(), f"{WORKSPACE}/"])
models = st.builds("{}:{}".format, words, words)
resources = st.builds(
    "{}/{}/{}/versions/{}".format,
    registries,
    st.sampled_from(["models", "data", "jobs", "Models"]),
    words,
    words,
)
data = st.fixed_dictionaries(
    {},
    optional={
        "ModelName": words | any_json,
        "ModelVersion": words | st.integers() | any_json,
        "ModelIds": st.lists(models).map(",".join) | any_json,
        "resourceUri": resources | any_json,
        "claims": any_json,
        "validationCode": any_json,
    },
)
subjects = models.map("models/{}".format) | resources | any_json
sources = registries | st.just(RESOURCE_GROUP) | st.just("") | any_json
grid_events = st.fixed_dictionaries(
    {"eventType": st.sampled_from(TYPES), "topic": sources, "subject": subjects},
    optional={"data": data | any_json, "eventTime": any_json},
)
cloud_events = st.fixed_dictionaries(
    {
        "specversion": st.just("1.0") | any_json,
        "type": st.sampled_from(TYPES),
        "source": sources,
        "subject": subjects,
    },
    optional={"data": data | any_json, "data_base64": any_json, "time": any_json},
)
deliveries = any_json | st.lists(grid_events | cloud_events | any_json, max_size=4)


def read(body: object, headers: dict[str, str] | None = None) -> Signals:
    """Return what a delivery amounts to; nothing if it is refused as no event."""
    try:
        return parse(body, REGISTRIES, headers)
    except InvalidInputError:
        return Signals()


@given(deliveries)
def test_a_signal_names_a_version_of_a_configured_registry(body: object) -> None:
    """Whatever comes, nothing but InvalidInputError is raised, and no other registry is named."""
    for signal in read(body).versions:
        version = signal.version

        assert REGISTRIES[version.asset.registry].type is RegistryType.AZUREML
        assert Version.parse(str(version)) == version
        assert str(version).encode()


@given(deliveries)
def test_bytes_read_as_what_they_parse_to(body: object) -> None:
    """It does not matter who parsed the JSON, where it is an object or a list."""
    text = json.dumps([body])

    assert read(json.loads(text)) == read(text.encode())


@given(st.lists(grid_events | cloud_events, max_size=4))
def test_every_event_is_accounted_for(body: list[object]) -> None:
    """An event gives signals, a reason, or a handshake; it never goes unmentioned."""
    amounts = [read([event]) for event in body]

    assert all(one.signals or one.ignored or one.handshake for one in amounts)
    assert sum(len(one.signals) for one in amounts) == len(read(body).signals)


@given(deliveries)
def test_without_registries_nothing_is_a_signal(body: object) -> None:
    """An empty configuration follows nothing up."""
    try:
        amount = parse(body, {})
    except InvalidInputError:
        return

    assert () == amount.signals


@given(st.binary() | any_text, st.dictionaries(any_text, any_text, max_size=3))
def test_no_bytes_and_no_headers_break_it(body: bytes | str, headers: dict[str, str]) -> None:
    """What is not JSON is refused, in binary mode too."""
    read(body, headers)
    read(body, {**headers, "ce-specversion": "1.0", "ce-type": TYPES[1], "ce-source": WORKSPACE})

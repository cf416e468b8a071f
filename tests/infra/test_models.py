"""What is read out of the models in the azure-mgmt packages, of either generation."""

from __future__ import annotations

import pytest

from scripts.infra import catalog
from scripts.infra.models import UnknownModelError, shape_of
from scripts.infra.shapes import ARRAY, BOOL, INT, MAP, OBJECT, STRING, Field, Kind, Shape

STORAGE, EVENTS, WEB = (f"azure.mgmt.{name}.models" for name in ("storage", "eventgrid", "web"))


def inner(field: Field) -> Shape:
    """Return the shape of an object."""
    assert field.kind.shape is not None
    return field.kind.shape()


def test_the_newer_generation_is_read() -> None:
    """Types, listed values, what is required, what is Azure's to set."""
    account = shape_of(STORAGE, "StorageAccountCreateParameters")
    assert account.fields["kind"].required
    assert "StorageV2" in account.fields["kind"].kind.values
    assert not account.fields["tags"].required
    assert Kind(MAP, Kind(STRING)) == account.fields["tags"].kind
    properties = inner(account.fields["properties"])
    assert BOOL == properties.fields["allowSharedKeyAccess"].kind.name
    assert "TLS1_2" in properties.fields["minimumTlsVersion"].kind.values
    assert inner(account.fields["sku"]).fields["tier"].read_only
    rules = inner(properties.fields["networkAcls"]).fields["virtualNetworkRules"]
    assert rules.kind.item is not None
    assert rules.kind.item.shape is not None
    assert "id" in rules.kind.item.shape().fields


def test_the_older_generation_is_read() -> None:
    """What its models have flattened stands below `properties` again."""
    subscription = shape_of(EVENTS, "EventSubscription")
    properties = inner(subscription.fields["properties"])
    assert properties.fields["provisioningState"].read_only
    assert "CloudEventSchemaV1_0" in properties.fields["eventDeliverySchema"].kind.values
    assert Kind(ARRAY, Kind(STRING)) == properties.fields["labels"].kind
    assert INT == inner(properties.fields["retryPolicy"]).fields["maxDeliveryAttempts"].kind.name


@pytest.mark.parametrize("kind", catalog.TYPES)
def test_nothing_of_a_model_is_left_unread(kind: str) -> None:
    """Few properties may be anything: those of which Azure says so."""
    free = {
        *("definition", "metadata", "value", "userAssignedIdentities"),
        *("allowedValues", "defaultValue", "details", "policyRule", "schema"),  # of policies
    }
    waiting, seen = [catalog.TYPES[kind].sent()], set()
    while waiting:
        shape = waiting.pop()
        for name, field in shape.fields.items():
            one: Kind | None = field.kind
            while one is not None:
                assert one.name != "any" or name in free, f"{shape.name}.{name}"
                if one.shape is not None and one.shape().name not in seen:
                    seen.add(one.shape().name)
                    waiting.append(one.shape())
                one = one.item


def test_variants_are_chosen_by_a_value() -> None:
    """Each has its own properties; what is known of none of them is a fault of the value."""
    destination = shape_of(EVENTS, "EventSubscriptionDestination")
    assert "endpointType" == destination.selector
    function = destination.variants["AzureFunction"]()
    assert "maxEventsPerBatch" in inner(function.fields["properties"]).fields
    assert "AzureFunctions" not in destination.variants


def test_limits_are_read_where_a_model_has_them() -> None:
    """The older generation says how long and how high."""
    rule = shape_of("azure.mgmt.monitor.models", "ActionGroupResource")
    short = inner(rule.fields["properties"]).fields["groupShortName"]
    assert (False, 12) == (short.required, short.kind.limits["max_length"])


def test_a_model_that_is_not_there_is_said() -> None:
    """A slip in the catalog is no empty shape."""
    with pytest.raises(UnknownModelError, match="has no model Sight"):
        shape_of(WEB, "Sight")


@pytest.mark.parametrize("kind", catalog.TYPES)
def test_every_type_of_the_catalog_has_its_models(kind: str) -> None:
    """What is sent has properties; every version has its source; every name of its own kind fits."""
    known = catalog.TYPES[kind]
    assert known.sent().fields
    assert known.answered().fields
    assert all(source.startswith(("sdk", "types: ")) for source in known.versions.values())
    assert known.scope in {catalog.GROUP, catalog.SUBSCRIPTION, catalog.ANYWHERE}


@pytest.mark.parametrize("name", ["appsettings", "authsettingsV2", "logs", "metadata", "web"])
def test_configurations_of_sites_have_models_by_their_name(name: str) -> None:
    """One type, many models."""
    shape = catalog.sent("Microsoft.Web/sites/config", name)
    assert (
        OBJECT == shape.fields["properties"].kind.name
        or MAP == shape.fields["properties"].kind.name
    )

"""Shapes of what no installed package has a model of, each with its source.

The sources are the types that Bicep itself is made with, at
https://github.com/Azure/bicep-types-az/tree/main/generated, below named by their path there.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from scripts.infra.shapes import ANY, ARRAY, BOOL, INT, MAP, OBJECT, STRING, Field, Kind, Shape


def _itself(shape: Shape) -> Shape:
    return shape


def _object(name: str, fields: Mapping[str, Field]) -> Kind:
    return Kind(OBJECT, shape=functools.partial(_itself, Shape(name, fields)))


def _one_of(*values: str) -> Kind:
    return Kind(STRING, values=values)


_TEXT = Kind(STRING)
_ENVELOPE = {name: Field(_TEXT, read_only=True) for name in ("id", "name", "type")}
_TAGS = Field(Kind(MAP, _TEXT))
_IDENTITY = Field(
    _object(
        "Identity",
        {
            "type": Field(_one_of("None", "SystemAssigned", "UserAssigned"), required=True),
            "principalId": Field(_TEXT, read_only=True),
            "tenantId": Field(_TEXT, read_only=True),
            "userAssignedIdentities": Field(Kind(MAP, Kind(ANY))),
        },
    )
)


def _resource(name: str, properties: Mapping[str, Field], **more: Field) -> Shape:
    inner = _object(f"{name}.properties", properties)
    required = any(field.required for field in properties.values())
    return Shape(name, {**_ENVELOPE, "properties": Field(inner, required), **more})


def _diagnostic_settings() -> Shape:
    """Return what monitor/microsoft.insights/2021-05-01-preview says."""
    setting = {
        "category": Field(_TEXT),
        "categoryGroup": Field(_TEXT),
        "enabled": Field(Kind(BOOL), required=True),
        "retentionPolicy": Field(
            _object(
                "RetentionPolicy",
                {
                    "days": Field(Kind(INT), required=True),
                    "enabled": Field(Kind(BOOL), required=True),
                },
            )
        ),
    }
    metric = {key: field for key, field in setting.items() if key != "categoryGroup"}
    metric["timeGrain"] = Field(_TEXT)
    texts = (
        "eventHubAuthorizationRuleId",
        "eventHubName",
        "marketplacePartnerId",
        "serviceBusRuleId",
        "storageAccountId",
        "workspaceId",
    )
    return _resource(
        "DiagnosticSettings",
        {
            **{name: Field(_TEXT) for name in texts},
            "logAnalyticsDestinationType": Field(_one_of("Dedicated")),
            "logs": Field(Kind(ARRAY, _object("LogSettings", setting))),
            "metrics": Field(Kind(ARRAY, _object("MetricSettings", metric))),
        },
    )


def _lock() -> Shape:
    """Return what resources/microsoft.authorization/2020-05-01 says; `owners` is Azure's to use."""
    return _resource(
        "Lock",
        {
            "level": Field(_one_of("CanNotDelete", "ReadOnly"), required=True),
            "notes": Field(Kind(STRING, limits={"max_length": 512})),
        },
    )


def _connection() -> Shape:
    """Return what web/microsoft.web/2016-06-01 says of connections, and that they have an api."""
    values = Kind(MAP, _TEXT)
    names = ("brandColor", "description", "displayName", "iconUri", "id", "name", "type")
    api = {name: Field(_TEXT, required=name == "id") for name in names}
    return _resource(
        "ApiConnection",
        {
            "api": Field(_object("ApiReference", api), required=True),
            "customParameterValues": Field(values),
            "displayName": Field(_TEXT),
            "nonSecretParameterValues": Field(values),
            "parameterValues": Field(values),
        },
        location=Field(_TEXT, required=True),
        tags=_TAGS,
    )


def _workflow() -> Shape:
    """Return what logic/microsoft.logic/2019-05-01 says; definitions have tests of their own."""
    parameter = _object(
        "WorkflowParameter",
        {"type": Field(_TEXT), "value": Field(Kind(ANY)), "metadata": Field(Kind(ANY))},
    )
    return _resource(
        "Workflow",
        {
            "state": Field(_one_of("Completed", "Enabled", "Disabled", "Deleted", "Suspended")),
            "definition": Field(Kind(ANY), required=True),
            "parameters": Field(Kind(MAP, parameter)),
            "accessEndpoint": Field(_TEXT, read_only=True),
        },
        location=Field(_TEXT, required=True),
        tags=_TAGS,
        identity=_IDENTITY,
    )


def _registry() -> Shape:
    """Return what is asked of machinelearningservices/…/2025-12-01 `registries`, less the rest."""
    return _resource(
        "Registry",
        {"discoveryUrl": Field(_TEXT), "mlFlowRegistryUri": Field(_TEXT)},
        location=Field(_TEXT, required=True),
        tags=_TAGS,
        identity=_IDENTITY,
    )


SHAPES = {
    "DiagnosticSettings": _diagnostic_settings,
    "Lock": _lock,
    "ApiConnection": _connection,
    "Workflow": _workflow,
    "Registry": _registry,
}

"""Events as Microsoft's documents print them, in both schemas, and the registries they come from.

The text in braces is the documents' own: it stands for ids that they do not give.
"""

from __future__ import annotations

from stage_functions.domain.configuration import RegistryConfiguration, RegistryType

Event = dict[str, object]

RESOURCE_GROUP = "/subscriptions/{subscription-id}/resourceGroups/{resource-group-name}"
_PROVIDER = f"{RESOURCE_GROUP}/providers/Microsoft.MachineLearningServices"
WORKSPACE = f"{_PROVIDER}/workspaces/{{workspace-name}}"
ML_REGISTRY = f"{_PROVIDER}/registries/shared-models"
OID = "f3b0a1c2-0d4e-4c55-9a6b-7c8d9e0f1a2b"
APPLICATION = "0a1b2c3d-4e5f-4061-8273-94a5b6c7d8e9"

REGISTRIES = {
    "dev": RegistryConfiguration("dev", RegistryType.AZUREML, WORKSPACE),
    "shared": RegistryConfiguration("shared", RegistryType.AZUREML, ML_REGISTRY),
    "lab": RegistryConfiguration("lab", RegistryType.MLFLOW, "http://127.0.0.1:5000"),
}

MODEL_REGISTERED: Event = {
    "topic": WORKSPACE,
    "subject": "models/sklearn_regression_model:20",
    "eventType": "Microsoft.MachineLearningServices.ModelRegistered",
    "eventTime": "2017-06-26T18:41:00.9584103Z",
    "id": "831e1650-001e-001b-66ab-eeb76e069631",
    "data": {
        "ModelName": "sklearn_regression_model",
        "ModelVersion": 20,
        "ModelTags": {"area": "diabetes", "type": "regression"},
        "ModelProperties": {"type": "test"},
    },
    "dataVersion": "",
    "metadataVersion": "1",
}
MODEL_DEPLOYED: Event = {
    "topic": WORKSPACE,
    "subject": "endpoints/my-sklearn-service",
    "eventType": "Microsoft.MachineLearningServices.ModelDeployed",
    "eventTime": "2017-06-26T18:41:00.9584103Z",
    "id": "831e1650-001e-001b-66ab-eeb76e069631",
    "data": {
        "ServiceName": "my-sklearn-service",
        "ServiceComputeType": "ACI",
        "ModelIds": "sklearn_regression_model:1,sklearn_regression_model:2",
        "ServiceTags": {"area": "diabetes", "type": "regression"},
        "ServiceProperties": {"type": "test"},
    },
    "dataVersion": "",
    "metadataVersion": "1",
}
RUN_COMPLETED: Event = {
    "topic": WORKSPACE,
    "subject": "experiments/0fa9dfaa-cba3-4fa7-b590-23e48548f5c1/runs/AutoML_ad912b2d_5",
    "eventType": "Microsoft.MachineLearningServices.RunCompleted",
    "eventTime": "2017-06-26T18:41:00.9584103Z",
    "id": "831e1650-001e-001b-66ab-eeb76e069631",
    "data": {
        "experimentId": "0fa9dfaa-cba3-4fa7-b590-23e48548f5c1",
        "experimentName": "automl-local-regression",
        "runId": "AutoML_ad912b2d_5",
        "runType": None,
        "runTags": {},
        "runProperties": {},
    },
    "dataVersion": "",
    "metadataVersion": "1",
}
HANDSHAKE: Event = {
    "id": "2d1781af-3a4c-4d7c-bd0c-e34b19da4e66",
    "topic": WORKSPACE,
    "subject": "",
    "data": {
        "validationCode": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6",
        "validationUrl": "https://rp-eastus2.eventgrid.azure.net:553/eventsubscriptions/validate",
    },
    "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
    "eventTime": "2018-01-25T22:12:19.4556811Z",
    "metadataVersion": "1",
    "dataVersion": "1",
}


def resource_event(resource: str, what: str = "Write") -> Event:
    """Return the event of a write (or `Delete`) to a resource, as a resource group raises it."""
    operation = "Microsoft.MachineLearningServices/workspaces/models/versions/write"
    claims = {
        "appid": APPLICATION,
        "ipaddr": "203.0.113.7",
        "name": "Somebody Personal",
        "http://schemas.microsoft.com/identity/claims/objectidentifier": OID,
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": "somebody@example.org",
    }
    return {
        "subject": resource,
        "eventType": f"Microsoft.Resources.Resource{what}Success",
        "eventTime": "2018-07-19T18:38:04.6117357Z",
        "id": "4db48cba-50a2-455a-93b4-de41a3b5b7f6",
        "data": {
            "authorization": {
                "scope": resource,
                "action": operation,
                "evidence": {"role": "Contributor"},
            },
            "claims": claims,
            "correlationId": "9e1f3b7e-4a8c-4c11-8f4e-2f6d0f0b7a11",
            "resourceProvider": "Microsoft.MachineLearningServices",
            "resourceUri": resource,
            "operationName": operation,
            "status": "Succeeded",
        },
        "dataVersion": "2",
        "metadataVersion": "1",
        "topic": RESOURCE_GROUP,
    }


def as_cloud_event(event: Event) -> Event:
    """Return the same event in CloudEvents 1.0, as Event Grid delivers it."""
    renamed = {"topic": "source", "eventType": "type", "eventTime": "time"}
    dropped = ("dataVersion", "metadataVersion")
    kept = {renamed.get(key, key): value for key, value in event.items() if key not in dropped}
    return {**kept, "specversion": "1.0"}

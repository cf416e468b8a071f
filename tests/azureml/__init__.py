"""A local Azure ML: what resource manager, registries, tracking and sign-in answer, on one port.

The unchanged `azure.ai.ml.MLClient` and raw calls are pointed to it by environment alone. It keeps
everything in memory and speaks TLS with a certificate of its own.

    with running() as local:
        workspace = local.workspace("dev")
        local.put_version(workspace, "models", "churn", "1", {"modelUri": "azureml://…"})
        ...                             # with local.environment() set

What the service itself does is documented, or read in its SDK; what is neither is assumed, and said
where it is decided.
"""

from __future__ import annotations

from tests.azureml.calls import Call
from tests.azureml.identity import Person
from tests.azureml.local import LocalAzureMl
from tests.azureml.place import Place
from tests.azureml.server import running

__all__ = ["Call", "LocalAzureMl", "Person", "Place", "running"]

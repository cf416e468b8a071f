"""Raw calls of the local Azure ML, as whoever, with nothing between."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import httpx

from tests.azureml import LocalAzureMl

API = {"api-version": "2024-10-01"}
PLANE = "/mferp/managementfrontend"
MODEL = {"modelUri": "azureml://datastores/ds/paths/m", "modelType": "custom_model"}
CONTENTS: dict[str, dict[str, Any]] = {
    "models": MODEL,
    "data": {"dataUri": "azureml://datastores/ds/paths/d", "dataType": "uri_folder"},
    "environments": {"image": "python:3.12", "osType": "Linux"},
    "components": {"componentSpec": {"name": "churn", "version": "1", "type": "command"}},
}
"""What a version of each kind has at least."""


class Arm:
    """A client that is signed in as somebody."""

    def __init__(self, local: LocalAzureMl, name: str = "anna") -> None:
        self._client = httpx.Client(
            base_url=local.url,
            headers={"Authorization": f"Bearer {local.credential(name).get_token('x').token}"},
            verify=ssl.create_default_context(cafile=local.ca),
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def get(self, path: str, **query: str) -> httpx.Response:
        """Read; a query's `__` stands for `$`."""
        params = {key.replace("__", "$"): value for key, value in query.items()} | API
        return self._client.get(path, params=params)

    def put(self, path: str, properties: object, **others: object) -> httpx.Response:
        """Write a resource with these properties."""
        return self.put_raw(path, json.dumps({"properties": properties, **others}).encode())

    def put_raw(self, path: str, content: bytes) -> httpx.Response:
        """Write this."""
        return self._client.put(path, content=content, params=API)

    def post(self, path: str, content: object) -> httpx.Response:
        """Post."""
        return self._client.post(path, json=content, params=API)

    def delete(self, path: str, **query: str) -> httpx.Response:
        """Delete."""
        return self._client.delete(path, params=query | API)

    def pages(self, path: str, **query: str) -> Iterator[list[str]]:
        """Turn over a list, and return the names on each page."""
        answer = self.get(path, **query).json()
        yield [item["name"] for item in answer["value"]]
        while link := answer.get("nextLink"):
            answer = self._client.get(link).json()
            yield [item["name"] for item in answer["value"]]

    def names(self, path: str, **query: str) -> list[str]:
        """Return the names of a whole list."""
        return [name for names in self.pages(path, **query) for name in names]

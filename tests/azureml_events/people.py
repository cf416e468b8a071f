"""Carries out what people do in a workspace of a local Azure ML, as the SDK does: read, write all."""

from __future__ import annotations

from typing import Any

from tests.azureml.remote import RemoteAzureMl
from tests.azureml_events.plan import Edit


class People:
    """Those who work in a workspace."""

    def __init__(self, remote: RemoteAzureMl, workspace: str) -> None:
        """Take where the workspace is served, and its id."""
        self._remote = remote
        self._place = workspace
        self._deployed = 0
        self._told = len(remote.call("events"))

    def do(self, edit: Edit) -> None:
        """Do one thing."""
        getattr(self, f"_{edit.what}")(edit)

    def news(self) -> list[dict[str, Any]]:
        """Return the events that were raised since this was asked last, Stageward's own too."""
        found: list[dict[str, Any]] = self._remote.call("events", after=self._told)
        self._told += len(found)
        return found

    def _register(self, edit: Edit) -> None:
        properties = {**_made_of(edit), "tags": edit.tags}
        self._put(edit, properties)

    def _edit(self, edit: Edit) -> None:
        document = self._remote.call("version", place=self._place, **_which(edit))
        properties = document["properties"]
        merged = {**properties["tags"], **edit.tags}
        tags = {key: value for key, value in merged.items() if value is not None}
        written = {**properties, "tags": tags}
        if edit.description:
            written["description"] = edit.description
        self._put(edit, written)

    def _put(self, edit: Edit, properties: dict[str, Any]) -> None:
        which = _which(edit)
        self._remote.call(
            "put_version", place=self._place, properties=properties, who=edit.who, **which
        )

    def _track(self, edit: Edit) -> None:
        """Edit tags as MLflow does: no event tells of it."""
        self._remote.call(
            "data_plane_tags", place=self._place, tags=edit.tags, who=edit.who, **_which(edit)
        )

    def _delete(self, edit: Edit) -> None:
        self._remote.call("delete_version", place=self._place, who=edit.who, **_which(edit))

    def _delete_asset(self, edit: Edit) -> None:
        self._remote.call(
            "delete_asset", place=self._place, kind=edit.kind, name=edit.name, who=edit.who
        )

    def _deploy(self, edit: Edit) -> None:
        self._deployed += 1
        model = f"{self._place}/models/{edit.name}/versions/{edit.number}"
        self._remote.call(
            "deploy",
            place=self._place,
            endpoint=f"endpoint-{self._deployed % 7}",
            deployment=f"d{self._deployed}",
            model_id=model,
            who=edit.who,
        )

    def _run(self, edit: Edit) -> None:
        outputs = {"model": {"jobOutputType": "custom_model", "uri": f"azureml://{edit.name}"}}
        self._remote.call("job", place=self._place, name=edit.name, who=edit.who, outputs=outputs)


def _which(edit: Edit) -> dict[str, str]:
    return {"kind": edit.kind, "name": edit.name, "version": edit.number}


def _made_of(edit: Edit) -> dict[str, Any]:
    path = f"azureml://datastores/ds/paths/{edit.content}"
    match edit.kind:
        case "models":
            return {"modelUri": path, "modelType": "custom_model"}
        case "data":
            return {"dataUri": path, "dataType": "uri_folder"}
        case "environments":
            return {"image": f"registry.example/{edit.content}", "osType": "Linux"}
        case _:
            return {"componentSpec": {"name": edit.name, "command": edit.content}}

"""The back door for other processes: the methods of `LocalAzureMl` as calls of HTTP.

`POST /local/put_version` takes the arguments by name as an object of JSON; workspaces and registries
are given by their ids. What went wrong is told as an error, as everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tests.azureml.calls import Answer
from tests.azureml.errors import ArmError
from tests.azureml.place import Place

if TYPE_CHECKING:
    from tests.azureml.local import LocalAzureMl

_METHODS = (
    *("put_version", "version", "delete_version", "delete_asset", "data_plane_tags"),
    *("job", "endpoint", "deploy", "workspace", "registry"),
    *("fail", "stale", "heal", "forbid", "permit", "vanish"),
    *("subscribe", "deliver", "drain", "calls_to"),
)
_SETTINGS = ("page_size", "tag_limit", "polls")


def opened(local: LocalAzureMl, name: str, body: bytes) -> Answer:
    """Do what is asked, and answer with the result."""
    try:
        arguments: dict[str, Any] = json.loads(body) if body else {}
        if "place" in arguments:
            arguments["place"] = local.place(arguments["place"])
        if isinstance(arguments.get("body"), str):
            arguments["body"] = arguments["body"].encode()
        return Answer(_shown(_call(local, name, arguments)))
    except ArmError as exc:
        return Answer(exc.content, exc.status)
    except Exception as exc:  # noqa: BLE001  # whoever asks is told, whatever it is
        return Answer({"error": {"code": type(exc).__name__, "message": str(exc)}}, 400)


def _call(local: LocalAzureMl, name: str, arguments: Mapping[str, Any]) -> object:
    if name in _METHODS:
        method: Callable[..., object] = getattr(local, name)
        return method(**arguments)
    match name:
        case "calls":
            return [call._asdict() for call in local.calls]
        case "events":
            return local.events[arguments.get("after", 0) :]
        case "token":
            return local.credential(arguments["name"]).get_token(local.url).token
        case "settings":
            for setting in _SETTINGS:
                if setting in arguments:
                    setattr(local, setting, arguments[setting])
            return {setting: getattr(local, setting) for setting in _SETTINGS}
        case _:
            message = f"there is no /local/{name}"
            raise KeyError(message)


def _shown(result: object) -> dict[str, object]:
    if isinstance(result, Place):
        result = result.id
    elif isinstance(result, list):
        result = [call._asdict() if hasattr(call, "_asdict") else call for call in result]
    elif not isinstance(result, dict | str | int | float | None):
        result = None
    return {"result": result}

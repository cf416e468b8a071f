"""`az` and `azd` of a small Azure in a JSON file: what the hooks call, and what that changes there.

It stands for external commands, which are started as such. What it cannot do it refuses as `az` does: on
standard error, with 1.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def main(state: Path, command: str, arguments: list[str]) -> int:
    """Carry out one command over the file."""
    azure = json.loads(state.read_text(encoding="utf-8"))
    azure["calls"].append([command, *arguments])
    try:
        answer = Azure(azure).answer(command, arguments)
        code = 0
    except LookupError as exc:
        sys.stderr.write(f"ERROR: {exc.args[0]}\n")
        answer, code = None, 1
    state.write_text(json.dumps(azure), encoding="utf-8")
    if code == 0 and answer is not None:
        sys.stdout.write(azure["says"] + json.dumps(answer))
    return code


def option(arguments: list[str], name: str) -> str:
    """Return the value of an option."""
    return arguments[arguments.index(name) + 1] if name in arguments else ""


class Azure:
    """Answers over what is in the file."""

    def __init__(self, azure: dict[str, Any]) -> None:
        """Use what was read; it is changed in place."""
        self._azure = azure

    def answer(self, command: str, arguments: list[str]) -> Any:  # noqa: ANN401  # JSON
        """Return what a command answers."""
        if command == "azd":
            _, _, name, value = arguments
            self._azure["environment"][name] = value
            return None
        words = " ".join(arguments).partition(" --")[0]
        time.sleep(self._azure["slow"].get(words, 0))
        broken = self._azure["broken"].get(words) or self._azure["once"].pop(words, "")
        if broken:
            raise LookupError(broken)
        if words == "rest":
            return self._rest(arguments)
        if words == "resource show":
            return self._show(option(arguments, "--ids"))
        if words == "ad app create":
            self._azure["app"] = {"appId": self._azure["client"], "id": "app-object"}
            return self._azure["app"]
        if words == "ad sp create":
            self._azure["principals"] = [{"id": "sp-1"}]
            return self._azure["principals"][0]
        if words == "deployment sub create":
            resources = [{"id": one} for one in self._azure["makes"]]
            name = option(arguments, "--name")
            made = {
                "id": f"/deployments/{name}",
                "name": name,
                "properties": {"outputResources": resources, "provisioningState": "Succeeded"},
            }
            self._azure["deployments"].append(made)
            return made
        if words == "deployment sub list":
            return self._azure["deployments"]
        answers = {"ad app show": self._azure["app"], **self._azure["answers"]}
        return answers.get(words)

    def _show(self, resource: str) -> Any:  # noqa: ANN401  # JSON
        if resource in self._azure["late"]:
            self._azure["late"].remove(resource)
            self._azure["resources"].append(resource)
        elif resource in self._azure["resources"]:
            return {"id": resource, "properties": self._azure["properties"].get(resource)}
        why = f"(ResourceNotFound) The Resource '{resource}' was not found."
        raise LookupError(why)

    def _rest(self, arguments: list[str]) -> Any:  # noqa: ANN401  # JSON
        method, url = option(arguments, "--method"), option(arguments, "--url")
        body = json.loads(self._body(option(arguments, "--body")))
        if method != "get" and self._azure["broken"].get(f"rest {method}"):
            raise LookupError(self._azure["broken"][f"rest {method}"])
        once = self._azure["once"].pop(f"rest {method} {url.rpartition('/')[2]}", "")
        if once:
            raise LookupError(once)
        if method == "delete":
            self._azure["deleted"].append(url)
            return None
        if url in self._azure["read"]:
            return self._azure["read"][url]
        if url.startswith("/"):
            return self._of_azure(url)
        return self._of_graph(method, url, body)

    def _body(self, given: str) -> str:
        return Path(given[1:]).read_text(encoding="utf-8") if given else "{}"

    def _of_azure(self, url: str) -> Any:  # noqa: ANN401  # JSON
        if "/permissions?" in url:
            return {"value": self._azure["permissions"]}
        return {"value": []}

    def _of_graph(self, method: str, url: str, body: dict[str, Any]) -> Any:  # noqa: ANN401  # JSON
        if "/federatedIdentityCredentials" in url:
            return self._list(method, "credentials", body)
        if url.endswith("/appRoleAssignedTo"):
            return self._list(method, "assigned", body)
        if method == "patch" and url.endswith(f"/v1.0/applications/{self._azure['app']['id']}"):
            self._azure["patched"].append(body)
            for name, value in body.items():
                known = self._azure["app"].setdefault(name, {} if isinstance(value, dict) else [])
                if isinstance(known, dict):
                    known.update(value)
                else:
                    self._azure["app"][name] = value
            return None
        why = f"Request_ResourceNotFound: {url}"
        raise LookupError(why)

    def _list(self, method: str, name: str, body: dict[str, Any]) -> Any:  # noqa: ANN401  # JSON
        if method == "post":
            self._azure[name].append(body)
            return body
        return {"value": self._azure[name]}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))

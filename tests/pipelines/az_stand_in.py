"""Stands in for `az` in tests: keeps what it was asked, and answers what the scripts need.

It is put on the PATH as `az`, run by itself. `az account get-access-token` gives as token whoever
azure/login was given; `az ml job create` registers a version at the real MLflow server of the
test, as the pipeline would have; endpoints and their deployments are kept in a file.

The folder of the run is in $AT: `calls.jsonl`, `signed-in`, `mlflow`, `endpoint.json`. A file `no <command>` there
makes that command fail.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

AT = Path(os.environ["AT"])  # noqa: TID251  # it is a program of its own
ENDPOINT = AT / "endpoint.json"
EXTENSION = AT / "extension"
JOB = "shy_pear_123"


def option(name: str) -> str:
    """Return the value behind an option, or ""."""
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else ""


def pairs() -> dict[str, str]:
    """Return what `--set` sets."""
    behind = [sys.argv[at + 1] for at, word in enumerate(sys.argv) if word == "--set"]
    return dict(pair.split("=", 1) for pair in behind)


def mlflow(path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401  # JSON
    """Call the MLflow server of the test."""
    url = f"{(AT / 'mlflow').read_text()}/api/2.0/mlflow/{path}"
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def token() -> None:
    """Give a token of who is signed in."""
    who = AT / "signed-in"
    if not who.exists():
        sys.exit("ERROR: Please run 'az login' to setup account.")
    hour = int(time.time()) + 3600  # noqa: TID251  # a token says when it ends
    print(json.dumps({"accessToken": who.read_text(), "expires_on": hour}))


def create_job() -> None:
    """Register a version, as the last step of the pipeline does."""
    name = pairs()["inputs.name"]
    try:
        mlflow("registered-models/create", {"name": name})
    except urllib.error.HTTPError as exc:
        if b"RESOURCE_ALREADY_EXISTS" not in exc.read():
            raise
    made = mlflow("model-versions/create", {"name": name, "source": "s3://made/by/the/job"})
    registered = {"name": name, "version": made["model_version"]["version"]}
    (AT / "registered.json").write_text(json.dumps(registered))
    print(JOB)


def download() -> None:
    """Give the named output of the job, where `az` puts it."""
    folder = Path(option("--download-path")) / "named-outputs" / option("--output-name")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "registered").write_text((AT / "registered.json").read_text())


def endpoint() -> dict[str, Any]:
    """Return the endpoint as it is."""
    if not ENDPOINT.exists():
        sys.exit("ERROR: (ResourceNotFound) The Resource was not found.")
    found: dict[str, Any] = json.loads(ENDPOINT.read_text())
    return found


def keep(found: dict[str, Any]) -> None:
    """Keep the endpoint."""
    ENDPOINT.write_text(json.dumps(found))


def show_traffic() -> None:
    """Print the share of one deployment."""
    name = option("--query").removeprefix('traffic."').removesuffix('"')
    share = endpoint()["traffic"].get(name)
    print("" if share is None else share)


def create_deployment() -> None:
    """Deploy; what is there already is not written over, and one may come out as told."""
    found, name = endpoint(), option("--name")
    if name in found["deployments"]:
        sys.exit(f"ERROR: deployment {name} already exists.")
    state = AT / "deployed-as"
    as_ = state.read_text() if state.exists() else "Succeeded"
    found["deployments"][name] = {"model": pairs()["model"], "state": as_}
    keep(found)
    if as_ != "Succeeded":
        sys.exit(f"ERROR: {name} is {as_}.")


def update_traffic() -> None:
    """Give each deployment that is named its share."""
    found = endpoint()
    shares = {
        name: int(share) for name, share in (one.split("=") for one in option("--traffic").split())
    }
    assert set(shares) <= set(found["deployments"])
    given = found["traffic"] | shares
    assert sum(given.values()) == 100  # as Azure ML has it
    keep({**found, "traffic": {name: share for name, share in given.items() if share}})


def list_deployments() -> None:
    """Print the state of one, or the names of the others."""
    query, found = option("--query"), endpoint()["deployments"]
    mine = query.split("'")[1]
    if query.endswith(".provisioning_state"):
        print("".join(one["state"] for name, one in found.items() if name == mine))
    else:
        print("\n".join(name for name in found if name != mine))


def delete_deployment() -> None:
    """Take one away; one that is served is not taken."""
    found, name = endpoint(), option("--name")
    if name in found["traffic"]:
        sys.exit(f"ERROR: deployment {name} gets traffic.")
    del found["deployments"][name]
    keep(found)


def invoke() -> None:
    """Answer, where the model works."""
    if (AT / "broken").exists():
        sys.exit("ERROR: (BadRequest) the request failed with status code 500.")


def show_extension() -> None:
    """Tell whether `az ml` is known: a hosted runner does not bring it."""
    if not EXTENSION.exists():
        sys.exit("ERROR: The extension ml is not installed.")


def add_extension() -> None:
    """Make it known."""
    EXTENSION.write_text(option("--version"))


def show_job() -> None:
    """Print how the job ended."""
    status = AT / "status"
    print(status.read_text() if status.exists() else "Completed")


def nothing() -> None:
    """Do nothing, well."""


ANSWERS: dict[str, Callable[[], None]] = {
    "account get-access-token": token,
    "extension add": add_extension,
    "extension show": show_extension,
    "ml job create": create_job,
    "ml job stream": nothing,
    "ml job show": show_job,
    "ml job download": download,
    "ml online-endpoint show": show_traffic,
    "ml online-endpoint invoke": invoke,
    "ml online-endpoint update": update_traffic,
    "ml online-deployment create": create_deployment,
    "ml online-deployment list": list_deployments,
    "ml online-deployment delete": delete_deployment,
}

with (AT / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\n")
words = [word for word in sys.argv[1:4] if not word.startswith("-")]
command = next(one for one in (" ".join(words[:3]), " ".join(words[:2])) if one in ANSWERS)
if command.startswith("ml ") and not EXTENSION.exists():
    sys.exit("ERROR: The command requires the extension ml. Unable to prompt: no tty available.")
if (AT / f"no {command}").exists():
    sys.exit("ERROR: (AuthorizationFailed)")
ANSWERS[command]()

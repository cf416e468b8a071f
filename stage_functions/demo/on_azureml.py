"""The story on Azure ML: a local one, which the real SDK is pointed to, and who works with it."""

from __future__ import annotations

import json
import os
import ssl
import sys
import time
import urllib.request
import uuid
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stage_functions.demo import sdk
from stage_functions.demo.narrator import Narrator
from stage_functions.demo.processes import DemoError, Processes
from stage_functions.demo.stage import Stage
from stage_functions.demo.training import MODEL, fit

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.core.credentials import AccessToken

_SERVER = "tests.azureml"
_PEOPLE = ("scientist-1", "scientist-2", "an old script")
_STARTED_WITHIN_SECONDS = 30
_REFUSED = 4


class _Token:
    """A credential that has one token, which lasts longer than the story."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        """Return it, whatever it is for."""
        from azure.core.credentials import AccessToken as Token  # noqa: PLC0415  # as the SDK's

        return Token(self._token, int(time.monotonic()) + 2**31)


class OnAzureMl:
    """Azure ML, as data scientists have it before them: `azure.ai.ml.MLClient`."""

    product = "Azure ML"
    command = "make demo REGISTRY=azureml"
    asset = f"dev/models/{MODEL}"

    def __init__(self, started: dict[str, Any], folder: Path) -> None:
        """Work in what has started; what it gives to others goes to the folder."""
        self._started = started
        self._folder = folder
        self._clients: dict[str, MLClient] = {}
        self._trusted = ssl.create_default_context(cafile=started["ca"])

    @property
    def invitation(self) -> tuple[str, ...]:
        """Where it is."""
        workspace, token = self._started["workspaces"]["dev"], self._started["tokens"][_PEOPLE[0]]
        told = sdk.prepare(self._folder, self._started["environment"], workspace, token)
        return (
            "            version 5 stands at Staging: ask for Production as a scientist",
            "            one model is Unregistered still: the board leads to it",
            f"Azure ML    {self._started['url']}, a local one: links to studio lead nowhere",
            *sdk.words(told, sys.executable),
        )

    def train(self, stage: Stage) -> list[tuple[str, float]]:
        """Train classifiers in jobs, look at what is not registered, and register it."""
        _, trained = fit()
        jobs = [self._job(one.params, one.metrics) for one in trained]
        left = self._job(trained[0].params, trained[0].metrics)  # tried again, and never registered
        stage.narrator.tell("Their models are nobody's yet: Unregistered, and not to be promoted")
        listed = ("ls", "--stage", "Unregistered", "--json")
        stage.narrator.wait("stageward ls", lambda: stage.quietly(*listed), left)
        stage.run("scientist-1", "ls", "--stage", "Unregistered")
        name = f"dev/models/azureml_{jobs[0]}_output_model:1"
        stage.run("scientist-1", "promote", name, "Staging", exits=_REFUSED)
        stage.narrator.tell("Registered, each of the five begins a history, at None; one is left")
        pairs = zip(jobs, trained, strict=True)
        registered = [(self._register(job), one.accuracy) for job, one in pairs]
        stage.narrator.wait(
            "what is Unregistered",
            lambda: str(len(json.loads(stage.quietly(*listed)))),
            "1",
        )
        stage.run("scientist-1", "ls", "--stage", "Unregistered")
        return registered

    def tag(self, version: str, key: str) -> str:
        """Return a tag of a version, as Azure ML shows it."""
        return str(self._tags(version).get(key, ""))

    def set_tag(self, who: str, version: str, key: str, value: str) -> None:
        """Set a tag of a version: the SDK writes all of it."""
        models = self._client(who).models
        with _quietly():
            model = models.get(MODEL, version)
            model.tags = {**(model.tags or {}), key: value}
            models.create_or_update(model)

    def tell_more(self, stage: Stage, versions: Sequence[str]) -> None:
        """Tell what only Azure ML has: presence tags, copies, endpoints, archives."""
        first, _, third, _, fifth = versions
        self._presence(stage, fifth)
        self._copies(stage, third)
        self._violation(stage, fifth)
        stage.narrator.tell("What was displaced is archived in Azure ML, too")
        stage.narrator.until("archived", lambda: self._archived(first), "True")

    def _presence(self, stage: Stage, version: str) -> None:
        stage.narrator.tell("A tag whose key is the stage asks as well, and shows the answer")
        stage.set_tag("scientist-2", version, "staging", "true")
        status = stage.narrator.until(
            "stage_status", lambda: stage.tag(version, "stage_status"), "granted: None → Staging"
        )
        stage.narrator.expect("Staging", status)
        keys = [key for key in ("none", "staging", "prod") if key in self._tags(version)]
        stage.narrator.show(f"keys of the version: {', '.join(keys)}")
        stage.narrator.expect("staging", ", ".join(keys))

    def _copies(self, stage: Stage, version: str) -> None:
        stage.narrator.tell("With Production came a copy in the shared registry, and its origin")
        name = f"shared/models/{MODEL}:{version}"
        stage.narrator.wait("stageward ls", lambda: stage.quietly("ls", "shared"), "Production")
        stage.run("officer-1", "ls", "shared", "--all")
        said = stage.run("officer-1", "show", name)
        stage.narrator.expect(f"{self.asset}:{version}", said)

    def _violation(self, stage: Stage, version: str) -> None:
        stage.narrator.tell("A version is deployed that its stage does not allow there")
        said = stage.run(
            "scientist-2", "check", stage.name(version), "deploy", "dev/scoring", exits=_REFUSED
        )
        stage.narrator.expect("not deployable to dev/scoring", said)
        stage.narrator.show(f"scientist-2 in Azure ML: deploys v{version} to scoring all the same")
        workspace = self._started["workspaces"]["dev"]
        model = f"{workspace}/models/{MODEL}/versions/{version}"
        deployed = {"endpoint": "scoring", "deployment": "blue", "model_id": model, "traffic": 100}
        self._call("deploy", place=workspace, who="scientist-2", **deployed)
        history = ("history", self.asset, "--json")
        stage.narrator.wait("stageward history", lambda: stage.quietly(*history), "Violated")
        records = json.loads(stage.quietly(*history))
        violated = next(one["number"] for one in records if one["type"] == "Violated")
        stage.run("officer-1", "history", self.asset, "--after", str(violated - 1))
        stage.narrator.until("traffic of blue", self._traffic, "0 %")

    def _traffic(self) -> str:
        with _quietly():
            endpoint = self._client("scientist-2").online_endpoints.get("scoring")
        return f"{(endpoint.traffic or {}).get('blue', 0)} %"

    def _archived(self, version: str) -> str:
        workspace = self._started["workspaces"]["dev"]
        shown = self._call("version", place=workspace, kind="models", name=MODEL, version=version)
        return str(shown["properties"]["isArchived"])

    def _tags(self, version: str) -> dict[str, str]:
        with _quietly():
            return dict(self._client("scientist-1").models.get(MODEL, version).tags or {})

    def _job(self, params: dict[str, str], metrics: dict[str, float]) -> str:
        """Record a job that has trained here; a local Azure ML has no machines to run it on."""
        name = f"iris_{uuid.uuid4().hex[:8]}"
        model = {
            "jobOutputType": "mlflow_model",
            "uri": f"azureml://jobs/{name}/outputs/artifacts/paths/model/",
        }
        told = {"params": params, "metrics": metrics, "outputs": {"model": model}, "name": name}
        place = self._started["workspaces"]["dev"]
        return str(self._call("job", place=place, who="scientist-1", experiment="iris", **told))

    def _register(self, job: str) -> str:
        with _quietly():
            from azure.ai.ml.entities import Model  # noqa: PLC0415  # 2 s to import

            path = f"azureml://jobs/{job}/outputs/artifacts/paths/model/"
            model = Model(path=path, name=MODEL, type="mlflow_model")
            return str(self._client("scientist-1").models.create_or_update(model).version)

    def _client(self, who: str) -> MLClient:
        if who not in self._clients:
            _, _, subscription, _, group, *_, name = self._started["workspaces"]["dev"].split("/")
            with _quietly():
                from azure.ai.ml import MLClient as Client  # noqa: PLC0415  # 2 s to import

                credential = _Token(self._started["tokens"][who])
                client = Client(credential, subscription, group, name, show_progress=False)
            self._clients[who] = client
        return self._clients[who]

    def _call(self, call: str, /, **arguments: object) -> Any:  # noqa: ANN401  # JSON
        """Have the local Azure ML do what Azure would do by itself: run jobs, and serve."""
        request = urllib.request.Request(  # noqa: S310  # loopback
            f"{self._started['url']}/local/{call}", data=json.dumps(arguments).encode()
        )
        with urllib.request.urlopen(request, context=self._trusted, timeout=30) as answer:  # noqa: S310  # likewise
            return json.load(answer)["result"]


def open_azureml(
    processes: Processes, folder: Path, narrator: Narrator, environment: dict[str, str]
) -> OnAzureMl:
    """Start a local Azure ML, and let the environment say where it is.

    Raises:
        DemoError: it is not here: it belongs to the checkout, not to the package.
    """
    checkout = Path(__file__).parents[2]
    if not (checkout / "tests" / "azureml").is_dir():
        message = (
            "the local Azure ML is no part of the package: clone the repository, and run "
            "`make demo REGISTRY=azureml` there"
        )
        raise DemoError(message)
    environment["STAGEWARD_CONFIG"] = str(Path(__file__).with_name("stageward-azureml.yaml"))
    places = ["--workspace", "rg/dev", "--registry", "rg/shared"]
    people = [text for person in _PEOPLE for text in ("--person", person)]
    events = ["--events", f"{environment['STAGEWARD_URL']}/events"]
    path = {**environment, "PYTHONPATH": str(checkout)}
    processes.start("azureml", [_SERVER, *places, *people, *events], path)
    started = _started(folder / "azureml.log")
    environment |= {
        **started["environment"],
        "DEV_WORKSPACE": started["workspaces"]["dev"],
        "SHARED_REGISTRY": started["registries"]["shared"],
    }
    os.environ.update(started["environment"])  # noqa: TID251  # by this the SDK is pointed there
    narrator.show(f"Azure ML {started['url']}, with a workspace dev and a registry shared")
    return OnAzureMl(started, folder)


def can_play() -> bool:
    """Tell whether everything is installed that this takes."""
    return all(find_spec(name) for name in ("azure.ai.ml", "sklearn", "trustme"))


def _started(log: Path) -> dict[str, Any]:
    """Return what the server says of itself, in one line, when it is ready."""
    end = time.monotonic() + _STARTED_WITHIN_SECONDS
    while time.monotonic() < end:
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith('{"url"') and line.endswith("}"):
                found: dict[str, Any] = json.loads(line)
                return found
        time.sleep(0.1)
    message = f"the local Azure ML did not start: {log.read_text(errors='replace')[-2000:]}"
    raise DemoError(message)


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep from the reader what the SDK is warned of by what it imports."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield

"""The files beside the templates: azure.yaml, parameters, hooks, and what is deployed."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import yaml

from scripts.infra import find
from scripts.infra.check import Deployment
from scripts.infra.faults import Fault, Place
from scripts.infra.functions_app import left_out
from scripts.infra.syntax import Declaration, File
from scripts.infra.world import near

MAIN, GOVERNANCE = "infra/main.bicep", "infra/governance.bicep"
AZURE, PARAMETERS = "azure.yaml", "infra/main.parameters.json"
_TOP = (
    "name",
    "metadata",
    "infra",
    "services",
    "hooks",
    "requiredVersions",
    "pipeline",
    "workflows",
)
_SERVICE = ("project", "language", "host", "resourceName", "hooks", "config", "apiVersion")
_HOOK = ("shell", "run", "continueOnError", "interactive", "windows", "posix", "secrets", "dir")
_INFRA = ("provider", "path", "module", "name")
_COMMANDS = ("provision", "deploy", "down", "up", "package", "restore", "build", "publish")
HOOKS = tuple(f"{when}{command}" for when in ("pre", "post") for command in _COMMANDS)
"""After https://github.com/Azure/azure-dev/blob/main/schemas/v1.0/azure.yaml.json."""
_SCRIPT = re.compile(r"[\w./-]+\.(?:sh|ps1|py)")
_VARIABLE = re.compile(r"\$\{(\w+)(?:=([^}]*))?\}")
_GIVEN = re.compile(r"""given(?:\.several\()?[\["'(]+([A-Z][A-Z0-9_]+)["']""")
_OF_AZD = frozenset(
    f"AZURE_{name}"
    for name in (
        "ENV_NAME",
        "LOCATION",
        "PRINCIPAL_ID",
        "PRINCIPAL_TYPE",
        "RESOURCE_GROUP",
        "SUBSCRIPTION_ID",
        "TENANT_ID",
    )
)
"""What azd sets itself in its environment."""
_DEPLOYED = ("function_app.py", "host.json", "requirements.txt", "stage_functions/bootstrap.py")
_CONVERTED: Mapping[str, re.Pattern[str]] = {
    "bool": re.compile("true|false"),
    "int": re.compile(r"-?\d+"),
}


def check(
    root: Path, files: Mapping[str, File], deployments: Iterable[Deployment]
) -> Iterator[Fault]:
    """Yield what is wrong with them; a project without azure.yaml has none of them."""
    if not (root / AZURE).is_file():
        return
    yield from _azure(root)
    yield from _deployed(root)
    for deployment in deployments:
        if deployment.file.path == MAIN:
            yield from _tags(root, deployment)
    main = files.get(MAIN)
    if main is not None:
        yield from _parameters(root, main)
        yield from _outputs(root, main)
    if GOVERNANCE in files:
        yield from _arguments(root, files[GOVERNANCE])


def _azure(root: Path) -> Iterator[Fault]:
    whole = Place(AZURE)
    try:
        document = yaml.safe_load((root / AZURE).read_text(encoding="utf-8"))
    except yaml.YAMLError as exc:
        yield Fault(whole, "azure-yaml", f"this is no YAML: {exc}; mend it")
        return
    yield from _keys(document, _TOP, "")
    yield from _keys(document.get("infra", {}), _INFRA, "infra.")
    where = document.get("infra", {})
    module = f"{where.get('path', 'infra')}/{where.get('module', 'main')}.bicep"
    if not (root / module).is_file():
        yield Fault(whole, "azure-yaml", f"there is no template {module}; mend infra")
    for name, service in document.get("services", {}).items():
        yield from _keys(service, _SERVICE, f"services.{name}.")
        if service.get("host") != "function" or service.get("language") != "python":
            message = f"services.{name} is a Functions app in Python; write host: function and "
            yield Fault(whole, "azure-yaml", message + "language: python")
        if not (root / str(service.get("project")) / "host.json").is_file():
            message = f"services.{name}.project has no host.json; name the folder of the app"
            yield Fault(whole, "azure-yaml", message)
    yield from _hooks(root, document.get("hooks", {}))


def _tags(root: Path, deployment: Deployment) -> Iterator[Fault]:
    """Yield what azd would not find again: it looks for its own by tags."""
    services = yaml.safe_load((root / AZURE).read_text(encoding="utf-8")).get("services", {})
    environment = deployment.case.values.get("environmentName")
    for kind, tag, known in (
        ("Microsoft.Resources/resourceGroups", "azd-env-name", {environment}),
        (find.SITE, "azd-service-name", set(services)),
    ):
        for one in find.of(deployment, kind):
            if find.value(one.body, f"tags.{tag}") not in known:
                message = f"azd finds this by its tag {tag}; give it, as {sorted(map(str, known))}"
                yield Fault(find.place(one, "tags"), "azd-tag", message)
    for one in deployment.resources:
        tagged = find.value(one.body, "tags.azd-service-name") is not None
        if tagged and one.wanted and not one.is_of(find.SITE):
            message = (
                "azd takes one resource with azd-service-name: the app; leave the tag out here"
            )
            yield Fault(find.place(one, "tags"), "azd-tag", message)


def _keys(document: object, known: tuple[str, ...], path: str) -> Iterator[Fault]:
    for key in document if isinstance(document, dict) else ():
        if key not in known:
            message = f"there is no '{path}{key}'{near(str(key), known) or '; remove it'}"
            yield Fault(Place(AZURE), "azure-yaml", message)


def _hooks(root: Path, hooks: Mapping[str, object]) -> Iterator[Fault]:
    yield from _keys(hooks, HOOKS, "hooks.")
    for name, hook in hooks.items():
        yield from _keys(hook, _HOOK, f"hooks.{name}.")
        ways = [one for one in (_part(hook, "posix"), _part(hook, "windows"), hook) if one]
        for way in ways:
            yield from _keys(way, _HOOK, f"hooks.{name}.")
            for script in _SCRIPT.findall(str(_part(way, "run") or "")):
                if not (root / script).is_file():
                    message = f"hooks.{name} runs {script}, which is not there; mend the path"
                    yield Fault(Place(AZURE), "hook", message)
        if not _part(hook, "windows") or not _part(hook, "posix"):
            message = f"hooks.{name} runs on one kind of machine only; give posix and windows"
            yield Fault(Place(AZURE), "hook", message)
    shell = shutil.which("sh")
    for path in sorted((root / "infra").rglob("*.sh")):
        done = subprocess.run(  # noqa: S603  # it only reads the file
            [shell or "sh", "-n", str(path)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = done.stderr.strip().replace(str(path), path.name)
            name = path.relative_to(root).as_posix()
            yield Fault(Place(name), "hook", f"sh cannot read it: {said}; mend it")


def _part(hook: object, key: str) -> object:
    return hook.get(key) if isinstance(hook, dict) else None


def _deployed(root: Path) -> Iterator[Fault]:
    for path in _DEPLOYED:
        if not (root / path).is_file():
            yield Fault(Place(path), "deployed", "the app needs this file; make it")
        elif left_out(root, path):
            message = f"{path} is not deployed, and the app needs it; let it through"
            yield Fault(Place(".funcignore"), "deployed", message)
    host = json.loads((root / "host.json").read_text(encoding="utf-8"))
    bundle = host.get("extensionBundle", {})
    if host.get("version") != "2.0" or not bundle.get("version"):
        message = "Event Grid triggers come by a bundle; give version 2.0 and extensionBundle"
        yield Fault(Place("host.json"), "deployed", message)


# --- parameters and outputs ---------------------------------------------------------------------


def _parameters(root: Path, main: File) -> Iterator[Fault]:
    place = Place(PARAMETERS)
    document = json.loads((root / PARAMETERS).read_text(encoding="utf-8"))
    given: dict[str, dict[str, object]] = document.get("parameters", {})
    declared = {one.name: one for one in main.declarations if one.kind == "param"}
    for name in given:
        if name not in declared:
            message = f"{MAIN} has no param '{name}'{near(name, declared) or '; remove it'}"
            yield Fault(place, "parameters", message)
    for name, one in declared.items():
        if name not in given:
            if one.value is None:
                yield Fault(place, "parameters", f"param '{name}' is not given; give it")
            continue
        yield from _parameter(one, str(given[name].get("value")), place)


def _parameter(one: Declaration, text: str, place: Place) -> Iterator[Fault]:
    match = _VARIABLE.fullmatch(text)
    if match is None:
        if "${" in text:
            message = f"'{text}' is no ${{NAME}} or ${{NAME=default}}; mend it"
            yield Fault(place, "parameters", message)
        return
    name, default = match.groups()
    if default is None and name not in _OF_AZD and one.value is not None:
        message = f"'{one.name}' may be left out; write ${{{name}=default}}"
        yield Fault(place, "parameters", message)
    kind = one.type.name if one.type else ""
    form = _CONVERTED.get(kind)
    if default is not None and form and not form.fullmatch(default):
        message = f"'{one.name}' is of type {kind}, its default '{default}' is not; mend it"
        yield Fault(place, "parameters", message)
    written = getattr(one.value, "value", None)
    if default is not None and written is not None:
        same = str(written).lower() if isinstance(written, bool) else str(written)
        if default != same:
            message = (
                f"'{one.name}' is '{same}' by default in {MAIN}, '{default}' here; make them one"
            )
            yield Fault(place, "parameters", message)


def _outputs(root: Path, main: File) -> Iterator[Fault]:
    declared = {one.name: one for one in main.declarations if one.kind == "output"}
    sources = [path for path in (root / "infra" / "hooks").rglob("*.*") if path.suffix != ".pyc"]
    hooks = "\n".join(path.read_text(encoding="utf-8") for path in sources if path.is_file())
    docs = [*(root / "docs").glob("*.md"), root / "README.md", root / AZURE]
    text = "\n".join([hooks, *(path.read_text(encoding="utf-8") for path in docs)])
    for name, one in declared.items():
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
            message = f"azd keeps outputs as variables; name '{name}' in capitals"
            yield Fault(one.name_place, "output-name", message)
        elif not re.search(rf"\b{name}\b", text) and name not in _OF_AZD:
            message = f"no hook and no page uses {name}; remove it, or say what it is for"
            yield Fault(one.name_place, "output-unused", message)
    known = {*declared, *_OF_AZD, *_inputs(root)}
    for name in sorted(set(_GIVEN.findall(hooks)) - known):
        choices = re.search(rf"""["']{name}["']\s*:""", hooks)
        if not choices:
            message = f"a hook reads {name}, which neither {MAIN} nor azd sets{near(name, known)}"
            yield Fault(Place("infra/hooks"), "hook", f"{message}; mend it")


def _inputs(root: Path) -> frozenset[str]:
    text = (root / PARAMETERS).read_text(encoding="utf-8")
    return frozenset(name for name, _ in _VARIABLE.findall(text))


def _arguments(root: Path, governance: File) -> Iterator[Fault]:
    """Hold what a hook gives to the second template against its params."""
    path = root / "infra" / "hooks" / "governance.py"
    if not path.is_file():
        return
    place = Place(path.relative_to(root).as_posix())
    given: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name == "arguments":
            given = {
                str(getattr(key, "value", ""))
                for inner in ast.walk(node)
                if isinstance(inner, ast.Dict)
                for key in inner.keys
            }
    declared = {one.name: one for one in governance.declarations if one.kind == "param"}
    for name in sorted(given - declared.keys()):
        message = f"{GOVERNANCE} has no param '{name}'{near(name, declared) or '; remove it'}"
        yield Fault(place, "hook", message)
    for name in sorted(declared.keys() - given):
        if given:
            yield Fault(place, "hook", f"param '{name}' of {GOVERNANCE} is not given; give it")

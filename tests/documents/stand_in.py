"""`az` and `azd` where there is no Azure: they check what they are told of this project, and do nothing.

Started as those programs are, by the commands of documents. What a command names of ours must be
there: files, parameters of templates, settings and outputs of the deployment, hooks, roles,
policies, functions. What Azure would make of it is not tried. What others read from the answer is
made up, in the form that Azure has.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ML = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/ml/providers"
WORKSPACE = f"{_ML}/Microsoft.MachineLearningServices/workspaces/dev"
REGISTRY = f"{_ML}/Microsoft.MachineLearningServices/registries/shared"
_FAR = 2**31 - 1
"""Seconds from 1970 to the end of a token."""
_AZD = {"auth", "config", "deploy", "down", "env", "hooks", "init", "monitor", "provision", "up"}
_TAKES_A_FILE = {"--role-definition", "--template-file", "--file", "-f"}


class UnknownNameError(LookupError):
    """A command names something of this project that is not there."""


def main(program: str, arguments: list[str]) -> str:
    """Check one command; return what it answers.

    Raises:
        UnknownNameError: it names something of this project that is not there.
    """
    return _azd(arguments) if program == "azd" else _az(arguments)


def settings() -> set[str]:
    """Return what `azd env set` may set: what the template and the hooks read."""
    read = (ROOT / "infra/main.parameters.json").read_text("utf-8")
    hooks = "".join(path.read_text("utf-8") for path in (ROOT / "infra/hooks").glob("*.py"))
    return {*re.findall(r"\$\{([A-Z_]+)", read), *re.findall(r'"([A-Z][A-Z_]+)"', hooks)}


def outputs() -> set[str]:
    """Return what the deployment puts into azd's environment."""
    return set(_declared("output", ROOT / "infra/main.bicep"))


def _declared(what: str, template: Path) -> list[str]:
    return re.findall(rf"^{what} (\w+) ", template.read_text("utf-8"), re.MULTILINE)


def _azd(arguments: list[str]) -> str:
    _known("command of azd", arguments[0], _AZD)
    match arguments:
        case ["env", "set", name, _, *_]:
            _known("setting", name, settings())
        case ["env", "get-value", name, *_]:
            _known("value of azd's environment", name, settings() | outputs())
            return _value(name)
        case ["hooks", "run", name, *_]:
            hooks = (ROOT / "azure.yaml").read_text("utf-8").partition("\nhooks:\n")[2]
            _known("hook", name, set(re.findall(r"^  (\w+):", hooks, re.MULTILINE)))
        case _:
            pass
    return ""


def _value(name: str) -> str:
    """Return a value of azd's environment: of this world where it has one."""
    here = os.environ.get(name, "")  # noqa: TID251  # the world that the command runs in
    made_up = WORKSPACE if name == "AZUREML_WORKSPACE_ID" else f"the-{name.lower()}"
    return here or made_up


def _az(arguments: list[str]) -> str:
    for option, value in _options(arguments):
        if option in _TAKES_A_FILE:
            _file(value)
        if option == "--role":
            _known("role", value, _roles())
        if option in {"--policy", "--definition"}:
            _policy(value)
    for value in arguments:
        if value.startswith("@") and value != "@-":
            _file(value.removeprefix("@"))
        for name in re.findall(r"/policy(?:Definitions|Assignments)/([\w-]+)", value):
            _policy(name)
        for name in re.findall(r"/functions/(\w+)", value):
            functions = (ROOT / "function_app.py").read_text("utf-8")
            _known("function", name, set(re.findall(r"def (\w+)\(", functions)))
    _template(arguments)
    return _answer(" ".join(arguments))


def _options(arguments: list[str]) -> Iterator[tuple[str, str]]:
    yield from (pair for pair in itertools.pairwise(arguments) if pair[0][:1] == "-")


def _template(arguments: list[str]) -> None:
    """Check what is given to a template: each is a parameter of it, and none that it needs lacks."""
    if "--template-file" not in arguments:
        return
    template = Path(arguments[arguments.index("--template-file") + 1])
    known = set(_declared("param", template))
    for value in arguments:
        name, equals, _ = value.partition("=")
        if equals and re.fullmatch(r"\w+", name):
            _known(f"parameter of {template}", name, known)


def _answer(words: str) -> str:
    if words.startswith("ml workspace show"):
        return WORKSPACE
    if words.startswith("ml registry show"):
        return REGISTRY
    if words.startswith("account get-access-token"):
        who = os.environ["AZ_SIGNED_IN"]  # noqa: TID251  # who this world's commands are
        return json.dumps({"accessToken": who, "expires_on": _FAR})
    return ""


def _roles() -> set[str]:
    own = (json.loads(path.read_text("utf-8")) for path in (ROOT / "infra/roles").glob("*.json"))
    from scripts.infra.roles import ROLES  # what templates may give

    return {*(role["Name"] for role in own if isinstance(role, dict)), *ROLES.values()}


def _policy(name: str) -> None:
    if name.startswith(("stageward-", "concept-")):
        _known("policy", name, {path.stem for path in (ROOT / "infra/policy").glob("*.json")})


def _file(name: str) -> None:
    if not Path(name).exists():
        message = f"no such file: {name}"
        raise UnknownNameError(message)


def _known(what: str, name: str, names: set[str]) -> None:
    if name not in names:
        message = f"no such {what}: {name}; there are {', '.join(sorted(names))}"
        raise UnknownNameError(message)


if __name__ == "__main__":
    try:
        said = main(sys.argv[1], sys.argv[2:])
    except UnknownNameError as exc:
        sys.exit(f"{sys.argv[1]}: {exc}")
    sys.stdout.write(f"{said}\n" if said else "")

"""The configuration file that is deployed, checked by Stageward itself where it is installed.

Hooks have the standard library alone, which reads no YAML: so an interpreter is called that has
what Stageward needs, and runs the code that is deployed.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.hooks import contradictions
from infra.hooks.commands import CommandError, run
from infra.hooks.contradictions import CONFIGURATION
from infra.hooks.parameters import REGISTRY, Parameters, set_

VALIDATE = f"lifecycle validate {CONFIGURATION}"
RENDER = f"lifecycle azure-policy {CONFIGURATION}"
NOT_CHECKED = (
    f"{CONFIGURATION} was not checked, as Stageward is not installed here, and the app does not "
    f"start with a fault in it; make install, then .venv/bin/stageward {VALIDATE}"
)
_PYTHONS = (".venv/bin/python", ".venv/Scripts/python.exe", sys.executable)
_SECONDS = 120
_FAULTS = re.compile(r"\d+ faults? in ")
_DIFFERS = "is not what the configuration says: "
_NOTHING = "no policy can stand in front of"
_ML = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/ml/providers"
    "/Microsoft.MachineLearningServices"
)


def checked(given: Parameters) -> tuple[list[str], str]:
    """Return what is wrong with the configuration file, and why not all was looked for, or ""."""
    try:
        text = Path(CONFIGURATION).read_text(encoding="utf-8")
    except (OSError, ValueError) as exc:
        why = f"{CONFIGURATION}, which is deployed, cannot be read: {exc}"
        return [f"{why}; git restore {CONFIGURATION}"], ""
    faults = list(contradictions.with_configuration(given, text))
    environment = {**os.environ, **addresses(given, text)}
    for python in _PYTHONS:
        found = _faults(python, environment)
        if found is not None:
            policies = [] if found else _policies(given, python, text)
            return [*faults, *found, *policies], ""
    return faults, NOT_CHECKED


def addresses(given: Parameters, text: str) -> dict[str, str]:
    """Return what the app gets for the `${NAME}` of the file.

    What is not known yet, or is malformed and said to be, is made up: only its form counts here.
    """
    known = {"AZUREML_WORKSPACE_ID": given.workspace_id or f"{_ML}/workspaces/unknown"}
    for name in re.findall(r"\$\{(AZUREML_REGISTRY_\d+)\}", text):
        known[name] = f"{_ML}/registries/unknown"
    for position, one in enumerate(given.several("AZUREML_REGISTRY_IDS"), start=1):
        if REGISTRY.fullmatch(one):
            known[f"AZUREML_REGISTRY_{position}"] = one
    return known


def _faults(python: str, environment: Mapping[str, str]) -> list[str] | None:
    """Return the faults of the file; None where that Python does not have Stageward."""
    try:
        _stageward(python, VALIDATE, environment)
    except CommandError as exc:
        first, *others = str(exc).splitlines()
        if not _FAULTS.match(first):
            return None
        return [one if "; " in one else f"{one}; mend it there" for one in others]
    return []


def _policies(given: Parameters, python: str, text: str) -> list[str]:
    """Say that the policies to be deployed are not those of the file."""
    if given["POLICY_EFFECT"] == "disabled":
        return []
    known = addresses(given, text)
    written = "\n".join(contradictions.without_comments(text))
    used = {name: one for name, one in known.items() if f"${{{name}}}" in written}
    render = command_line(python, RENDER, used)
    try:
        _stageward(python, f"{RENDER} --check", {**os.environ, **known})
    except CommandError as exc:
        said = str(exc).splitlines()
        if _DIFFERS in said[0]:
            which = said[0].partition(_DIFFERS)[2]
            return [f"infra/policy is not what {CONFIGURATION} says ({which}); {render}"]
        if said[0].startswith(_NOTHING):
            why = f"POLICY_EFFECT is {given['POLICY_EFFECT']}, and {' '.join(said)}"
            return [f"{why}; {set_('POLICY_EFFECT', 'disabled')}"]
        return [f"the policies of {CONFIGURATION} cannot be told: {said[0]}; {render}"]
    return []


def command_line(python: str, arguments: str, known: Mapping[str, str]) -> str:
    """Return what to write to have Stageward do something with the addresses that the app gets.

    Before the first deployment nothing else has them: azd learns them from what it provisions.
    """
    folder, _, name = python.rpartition("/")
    installed = folder.startswith(".venv")
    stageward = f"{folder}/stageward" if installed else f"{shlex.quote(python)} -m stage_functions"
    if name.endswith(".exe"):
        call = stageward if installed else f"& '{python}' -m stage_functions"
        return "".join(f"$env:{one}='{value}'; " for one, value in known.items()) + (
            f"{call} {arguments}"
        )
    before = "".join(f"{one}={shlex.quote(value)} " for one, value in known.items())
    return f"{before}{stageward} {arguments}"


def _stageward(python: str, arguments: str, environment: Mapping[str, str]) -> None:
    run(
        python, "-m", "stage_functions", *arguments.split(),
        seconds=_SECONDS, environment=environment,
    )  # fmt: skip

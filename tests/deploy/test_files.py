"""What azd reads fits together: parameters, settings, hooks, outputs, the page that explains them."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.hooks.__main__ import HOOKS
from infra.hooks.parameters import CHOICES
from stage_functions.adapters.cel import CelRules
from stage_functions.domain.configuration import Mode
from stage_functions.wire.configuration import load
from tests.deploy.azure_world import ROOT, WORKSPACE

INFRA = ROOT / "infra"
MAIN = (INFRA / "main.bicep").read_text("utf-8")
GOVERNANCE = (INFRA / "governance.bicep").read_text("utf-8")
PAGE = (ROOT / "docs" / "deploy.md").read_text("utf-8")
AZURE_ML = (ROOT / "docs" / "azure-ml.md").read_text("utf-8")
HOOK_FILES = sorted((INFRA / "hooks").glob("*.py"))
AZD = yaml.safe_load((ROOT / "azure.yaml").read_text("utf-8"))
AZD_SETS = {
    "AZURE_ENV_NAME",
    "AZURE_LOCATION",
    "AZURE_PRINCIPAL_ID",
    "AZURE_PRINCIPAL_TYPE",
    "AZURE_RESOURCE_GROUP",
    "AZURE_SUBSCRIPTION_ID",
}
"""What azd itself keeps in an environment, or looks for there."""


def parameters() -> dict[str, tuple[str, str]]:
    """Return the variable and the default of each parameter of main.bicep."""
    read = json.loads((INFRA / "main.parameters.json").read_text("utf-8"))["parameters"]
    found = {}
    for name, one in read.items():
        match = re.fullmatch(r"\$\{(\w+)(?:=(.*))?\}", one["value"])
        assert match, one
        found[name] = (match[1], match[2] or "")
    return found


def outputs() -> set[str]:
    """Return the outputs of main.bicep."""
    return set(re.findall(r"^output (\w+)", MAIN, re.MULTILINE))


def asked() -> set[str]:
    """Return the variables that the hooks read."""
    text = "\n".join(path.read_text("utf-8") for path in HOOK_FILES)
    return set(re.findall(r"[\[\(][\"']([A-Z][A-Z_]{4,})[\"'][\]\),]", text))


def explained() -> set[str]:
    """Return the names of the table of parameters."""
    table = PAGE.partition("## Parameters")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}


def test_each_parameter_of_the_template_has_a_variable() -> None:
    """None is left out, none is of another template."""
    declared = set(re.findall(r"^param (\w+)", MAIN, re.MULTILINE))

    assert declared == set(parameters())


def test_defaults_are_the_same_everywhere() -> None:
    """What azd fills in is what the template and the hooks take for not set."""
    declared = dict(re.findall(r"^param (\w+) \w+ = (.+)$", MAIN, re.MULTILINE))

    for name, (variable, default) in parameters().items():
        if name in declared:
            assert default == declared[name].strip("'")
        if variable in CHOICES:
            assert default == CHOICES[variable][0]


def test_each_variable_is_explained() -> None:
    """The page names what can be set, all of it and nothing else."""
    settable = {variable for variable, _ in parameters().values()} | asked()

    assert settable - AZD_SETS - outputs() == explained()


def test_each_output_is_used() -> None:
    """By a hook, by azd, or by a command of the page."""
    used = asked() | AZD_SETS | set(re.findall(r"get-value (\w+)", PAGE))

    assert set() == outputs() - used


def test_hooks_are_there_for_both_shells() -> None:
    """Each hook of azure.yaml exists, for Windows and for the rest."""
    for name, hook in AZD["hooks"].items():
        assert name in HOOKS
        assert f"sh infra/hooks/run.sh {name}" == hook["posix"]["run"]
        assert f"./infra/hooks/run.ps1 {name}; exit $LASTEXITCODE" == hook["windows"]["run"]
    assert set(HOOKS) == set(AZD["hooks"])


def test_azd_finds_the_app() -> None:
    """By a tag with the name of the service, which nothing else has: azd takes no more than one."""
    (service,) = AZD["services"]
    texts = [MAIN, *(path.read_text("utf-8") for path in (INFRA / "modules").glob("*.bicep"))]

    assert f"siteTags: union(tags, {{ 'azd-service-name': '{service}' }})" in MAIN
    assert 1 == sum(text.count("'azd-service-name'") for text in texts)
    assert 1 == sum(text.count("tags: siteTags") for text in texts)


def test_flex_consumption_is_asked_for_nothing_that_it_refuses() -> None:
    """It answers 400 (51021) to properties of other plans, and to settings that it has itself."""
    app = (INFRA / "modules" / "app.bicep").read_text("utf-8")
    refused = (
        *("ftpsState", "alwaysOn", "use32BitWorkerProcess", "preWarmedInstanceCount"),
        *("linuxFxVersion", "netFrameworkVersion", "functionAppScaleLimit"),
        *("functionsRuntimeScaleMonitoringEnabled", "powerShellVersion", "javaVersion"),
        *("FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION", "WEBSITE_RUN_FROM_PACKAGE"),
        *("SCM_DO_BUILD_DURING_DEPLOYMENT", "ENABLE_ORYX_BUILD", "WEBSITE_CONTENTSHARE"),
    )

    assert [] == [name for name in refused if re.search(rf"^\s+{name}:", app, re.MULTILINE)]


def test_environments_at_one_resource_group_do_not_share_names() -> None:
    """What stands there of one would be overwritten by the other, and go with it."""
    assigned = (INFRA / "modules" / "policy-assignments.bicep").read_text("utf-8")
    defined = (INFRA / "modules" / "policy.bicep").read_text("utf-8")
    names = [
        *re.findall(r"^    (?:name|subscriptionName): ('\S+')", assigned + defined, re.MULTILINE),
        *re.findall(r"^    (?:name|subscriptionName): ('\S+')", GOVERNANCE, re.MULTILINE),
    ]

    assert 7 == len(names)
    assert [] == [name for name in names if "${token}" not in name]


def test_azds_deployment_touches_its_own_group_alone() -> None:
    """`azd down` deletes every resource group that it has touched: the workspace's is not among them."""
    modules = re.findall(r"^module \w+ '[^']+' = .*?\n}", MAIN, re.MULTILINE | re.DOTALL)

    assert modules
    assert all("\n  scope: group\n" in module for module in modules)
    assert " existing " not in MAIN
    assert "scope: resourceGroup(" not in MAIN


def test_hooks_need_nothing_installed() -> None:
    """They are Python 3.9 of the standard library."""
    for path in HOOK_FILES:
        tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 9))
        for name in imported(tree):
            assert name in sys.stdlib_module_names or name == "infra", (path.name, name)
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Match)]


def imported(tree: ast.AST) -> Iterator[str]:
    """Return the packages that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).partition(".")[0]


def test_without_python(tmp_path: Path) -> None:
    """The wrapper says what is missing."""
    (tmp_path / "dirname").symlink_to(str(shutil.which("dirname")))
    command = ["/bin/sh", "infra/hooks/run.sh", "preprovision"]
    done = subprocess.run(
        command, cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )

    assert 1 == done.returncode
    assert "no Python 3.9 or later" in done.stderr


def test_events_are_those_of_the_page() -> None:
    """Types and filters are the same by azd and by hand."""
    commands = "\n".join(re.findall(r"```sh\n(.*?)```", AZURE_ML, re.DOTALL))
    template = GOVERNANCE.replace("${machineLearning}", "Microsoft.MachineLearningServices")
    operations = r"Microsoft\.MachineLearningServices/workspaces/\w+/(?=[\s'])"
    types = (
        r"Microsoft\.(?:Resources\.Resource\w+Success|MachineLearningServices\.(?:Model|Run)\w+)"
    )

    for pattern in (operations, types):
        by_hand = set(re.findall(pattern, f"{commands} "))
        assert by_hand
        assert by_hand == set(re.findall(pattern, template))


def test_the_configuration_only_observes_at_first() -> None:
    """It is sound with the address of the workspace alone, and changes nothing."""
    text = (ROOT / "stageward.azure.yaml").read_text("utf-8")
    found = load(
        text,
        path="stageward.azure.yaml",
        environment={"AZUREML_WORKSPACE_ID": WORKSPACE},
        check_rule=CelRules().check,
    )

    assert [Mode.OBSERVE] == [one.mode for one in found.registries.values()]


def test_groups_of_the_configuration_are_roles_of_the_app() -> None:
    """Whoever gets a role in Entra belongs to a group of the file."""
    read = yaml.safe_load((ROOT / "stageward.azure.yaml").read_text("utf-8"))
    roles = json.loads((INFRA / "roles" / "app-roles.json").read_text("utf-8"))

    assert {one["value"] for one in roles} == {
        name for names in read["entra"].values() for name in names
    }
    assert 3 == len({one["id"] for one in roles})


def test_policies_are_those_of_the_configuration() -> None:
    """What stands in front of the workspace is rendered from the file that is deployed."""
    done = subprocess.run(
        [sys.executable, "-m", "stage_functions", "lifecycle", "azure-policy", "stageward.azure.yaml", "--check"],
        cwd=ROOT,
        env={"AZUREML_WORKSPACE_ID": WORKSPACE, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip

    assert 0 == done.returncode, done.stderr + done.stdout


@pytest.mark.parametrize("role", ["governor", "officer"])
def test_custom_roles_are_as_az_takes_them(role: str) -> None:
    """The same file is for `az role definition create`."""
    read: dict[str, Any] = json.loads((INFRA / "roles" / f"{role}.json").read_text("utf-8"))

    assert {"Name", "IsCustom", "Description", "Actions", "NotActions", "AssignableScopes"} == set(
        read
    )


def test_officers_write_nothing() -> None:
    """The role of who decides has no right to change what is decided about."""
    read = json.loads((INFRA / "roles" / "officer.json").read_text("utf-8"))

    assert all(action.endswith("/read") for action in read["Actions"])

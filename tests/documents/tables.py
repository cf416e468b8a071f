"""What documents need beside what every document gets, each with its reason.

Every document gets: a folder with the files of the project, an MLflow server, Stageward before it
that enforces, by the configuration that is shipped, and `demo/models/iris:1` to `:3`: 1 was
displaced by 2, which is in Production; 3 is in Staging, and an approval to take it to Production is
open. Commands are those of `operator-1`, who is of data science, too; anybody else is
`STAGEWARD_TOKEN=<key of the person>` before the command. A document may say `# exits 4` behind a
command that is right to end so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.documents.stand_in import REGISTRY, WORKSPACE


@dataclass(frozen=True, slots=True)
class Setting:
    """Where the commands of a document run.

    Attributes:
        reads: its commands change nothing that others see: such documents share a world.
        fresh: the versions are just registered, and stand at None.
        alias: of the registry.
        person: who the commands are.
        edits: of the configuration: what is there, and what is to be.
        substitutes: what the document writes, and what stands for it here.
        files: what the document talks of, by name.
        copies: of the first block of a language, into a file of that name.
        before: commands that come before those of the document.
        after: commands that come behind them.
        enforces: the registry is governed; as shipped it is only observed.
        production: version 3 is in Production already.
        edited: somebody has edited a tag of version 3.
        environment: variables of this world alone.
    """

    reads: bool = False
    fresh: bool = False
    alias: str = "demo"
    person: str = "operator-1"
    edits: tuple[tuple[str, str], ...] = ()
    substitutes: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    copies: Mapping[str, str] = field(default_factory=dict)
    before: str = ""
    after: str = ""
    enforces: bool = True
    production: bool = False
    edited: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


_IDENTITY = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_GOVERNOR, _PERSON = (f"00000000-0000-0000-0000-00000000000{end}" for end in "ab")
_VERSION = {
    "id": f"{WORKSPACE}/models/iris/versions/3",
    "type": "Microsoft.MachineLearningServices/workspaces/models/versions",
    "properties": {"tags": {"stage": "Production"}},
}
SETTINGS: Mapping[str, Setting] = {
    "README.md": Setting(reads=True),
    "docs/as-of.md": Setting(reads=True),
    "docs/auditor.md": Setting(reads=True),
    "docs/azure-ml.md": Setting(alias="dev", environment={"SHARED_REGISTRY": REGISTRY}),
    "docs/azure-policy.md": Setting(
        reads=True,
        substitutes={"AZUREML_WORKSPACE_ID=…": f"AZUREML_WORKSPACE_ID={WORKSPACE}"},
        files={
            "version.json": json.dumps(_VERSION),
            "who.json": json.dumps({"identity": {_IDENTITY: _PERSON}}),
            "values.json": json.dumps({"approvedObjectIds": [_GOVERNOR], "workspaces": ["dev"]}),
        },
        copies={"policy-cases.yaml": "yaml"},
    ),
    "docs/deploy.md": Setting(
        alias="workspace",
        before="unset STAGEWARD_TOKEN",  # who has run `az login`
        environment={"AZ_SIGNED_IN": "operator-1", "AZURE_TOKEN_CREDENTIALS": "AzureCliCredential"},
    ),
    "docs/events.md": Setting(reads=True),
    "docs/evidence-pack.md": Setting(reads=True),
    "docs/ml-professional.md": Setting(reads=True),
    "docs/pipelines.md": Setting(fresh=True),
    "docs/platform-engineer.md": Setting(reads=True),
    "docs/risk-officer.md": Setting(reads=True),
    "docs/workflows.md": Setting(reads=True),
    "examples/workflows/README.md": Setting(
        environment={"GROUP": "ml", "DATAVERSE": "https://contoso.crm4.dynamics.com"},
    ),
    "infra/logic-app/README.md": Setting(reads=True),
    "docs/frozen-and-review.md": Setting(
        person="officer-1",
        edits=(
            (
                "displaced_to: Archived,",
                "displaced_to: Archived, frozen: true, review_every: 180d, "
                "review: {groups: [model-risk]},",
            ),
        ),
        production=True,
        edited=True,
    ),
    "docs/retention.md": Setting(
        alias="dev",
        edits=(
            (
                "\npeople: ",
                '\npeople:\n  ada: {name: Ada, ids: ["upn:ada@example.org"]}\n# ',
            ),
        ),
    ),
    "docs/rules.md": Setting(reads=True, before="cp stageward.yaml draft.yaml"),
    "docs/verify.md": Setting(
        reads=True,
        substitutes={"--anchors PLACE": "--anchors configured"},
        before="stageward history demo/models/iris --json > history.json\n"
        "stageward backup ledger.backup\n"
        "stageward export demo/models/iris:3 --out q3.zip --force",
    ),
    "docs/way-back.md": Setting(
        edits=(
            (
                "    rules: ",
                "    emergency: {groups: [on-call], ratify_within: 1d, not_ratified: revert}\n"
                "    rules: ",
            ),
            ("\ngroups:\n", "\ngroups:\n  on-call: [operator-1]\n"),
        ),
    ),
}
"""By document; one that is not here gets what every document gets."""

EXITS: Mapping[str, Mapping[str, int]] = {
    "README.md": {
        "stageward check demo/models/iris:3 deploy demo/scoring": 4,  # it is in Staging
    },
    "docs/azure-ml.md": {
        "stageward promote dev/models/iris:3 Production -m AUC 0.94": 3,  # it waits for approval
    },
    "docs/azure-policy.md": {
        "stageward policy test infra/policy/stageward-*.json --resource version.json "
        "--request-context who.json --parameters infra/policy/assignments.json "
        "--parameters values.json --effect deny": 4,  # a person writes Production
    },
    "docs/operate.md": {
        "stageward outbox --retry ID": 1,  # nothing is owed
        "stageward dead-letters": 1,  # none are configured: Event Grid alone has them
        "stageward dead-letters --replay": 1,  # likewise
    },
    "docs/rules.md": {
        # it waits for approval
        "stageward check demo/models/iris:3 transition Production --config draft.yaml": 4,
    },
}
"""By document: commands that end with another code than 0, and are right to."""

CODES: Mapping[str, int] = {
    # files of an auditor; tests/cli/test_verify.py has them
    "stageward verify --all --anchors collected.jsonl": 1,
    "stageward verify history.json": 2,
    "stageward verify history.json --proof proof.json --anchors ./anchors": 2,
}
"""Commands within lines that end with another code than 0, and are right to. (`check` answers by 0
or 4.)"""

_IRIS_BLOCKS = (
    "export MLFLOW_TRACKING_URI=http://127.0.0.1:5000",
    "export LOGNAME=scientist1 STAGEWARD_TOKEN=scientist-1",
    'stageward promote demo/models/iris:1 Staging --reason "ready for tests"',
    "approval_of() {",
    "stageward check demo/models/iris:1 deploy demo/iris",
    'python examples/iris/run_locally.py --set jobs.register.inputs.stage_request="Staging: less regularised"',
    'python examples/iris/run_locally.py --set inputs.c=0.02 --set jobs.register.inputs.stage_request="Staging: simpler"',
)
ELSEWHERE: Mapping[tuple[str, str], str] = {
    ("README.md", "make install"): "tests/documents/test_first_steps.py",
    ("docs/azure-ml.md", "az login"): "tests/documents/test_first_steps.py",
    ("docs/notebook.md", 'export PATH="$PWD/.venv/bin:$PATH"'): "tests/documents/test_notebook.py",
    ("docs/azure-ml.md", "import os"): "tests/test_azureml_page.py",
    **{
        ("examples/iris/README.md", line): "tests/examples/test_iris_story.py"
        for line in _IRIS_BLOCKS
    },
}
"""Blocks, by document and first line, that another test runs: they take a world of their own."""


def setting_of(document: str) -> Setting:
    """Return where the commands of a document run."""
    return SETTINGS.get(document, Setting())

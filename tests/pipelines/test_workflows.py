"""The example's workflows, each script really run: a merge asks, people approve, it is deployed.

Not run: actions of others (checkout, setup-python, azure/login), `az` (a stand-in on the PATH keeps
its arguments), Azure ML, and pip.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from stage_functions.domain.error import StagewardError
from tests.pipelines.actions_runner import ROOT, Runner
from tests.pipelines.test_lint import minimal_workflow
from tests.pipelines.world import SHA, Desk

EXAMPLE = ROOT / "examples" / "iris"
WORKFLOWS = EXAMPLE / ".github" / "workflows"
HERE = {"pull_request": {"head": {"repo": {"full_name": "org/iris"}}}}
FORK = {"pull_request": {"head": {"repo": {"full_name": "stranger/iris"}}}}


def merged(at: Desk, actor: str = "mona") -> tuple[Runner, str]:
    """Run what a merge runs; return the runner, and the id of the approval that was asked."""
    runner = at.runner(actor=actor)
    runner.run(WORKFLOWS / "promote.yml")
    assert {"train": "success", "ask": "success"} == runner.jobs, runner.ran[-1].out
    return runner, runner.ran[-1].outputs["approval"]


def standing(at: Desk) -> str:
    """Bring a version to Production without a workflow; return its number."""
    version = at.live.people.create("iris")
    with at.live.client("pipeline") as stageward:
        stageward.transition(str(version), "Staging", reason="tested")
        asked = stageward.transition(str(version), "Production", reason="tested")
    at.live.vote("olaf", asked.approval or "")
    return str(version.number)


def deployed(at: Desk, event: dict[str, Any] | None = None) -> Runner:
    """Run what the event runs."""
    runner = at.runner(event)
    runner.run(WORKFLOWS / "deploy.yml")
    return runner


def endpoint(at: Desk) -> dict[str, Any]:
    """Return what is deployed."""
    found: dict[str, Any] = json.loads((at.folder / "endpoint.json").read_text())
    return found


def test_a_merge_asks_people_approve_and_it_is_deployed(at: Desk) -> None:
    """From the merge to the endpoint, twice: the second version takes the place of the first."""
    runner, approval = merged(at)
    version = runner.ran[-1].outputs["version"]
    before = deployed(at)
    with pytest.raises(StagewardError, match="nobody approves their own work"):
        at.live.vote("mona", approval)
    at.live.vote("olaf", approval)
    first = deployed(at)
    number = version.rpartition(":")[2]

    assert ("pending", version) == tuple(
        runner.ran[-1].outputs[one] for one in ("outcome", "version")
    )
    assert before.jobs == first.jobs == {"deploy": "success"}
    assert {
        "traffic": {f"v{number}": 100},
        "deployments": {f"v{number}": {"model": f"azureml:iris:{number}", "state": "Succeeded"}},
    } == endpoint(at)

    again, approval = merged(at)
    at.live.vote("olaf", approval)
    second = deployed(at)
    following = again.ran[-1].outputs["number"]

    assert {"deploy": "success"} == second.jobs
    assert {f"v{following}": 100} == endpoint(at)["traffic"]
    assert [f"v{following}"] == list(endpoint(at)["deployments"])
    with at.live.client("olaf") as stageward:
        assert "Archived" == stageward.version(version).stage
        assert f"Merged as {SHA}" == stageward.approval(approval).reason
        assert "person:mona" == stageward.approval(approval).on_behalf_of
        assert "person:pipeline" == stageward.approval(approval).requester


def test_merges_that_overlap_are_approved_one_by_one(at: Desk) -> None:
    """What was asked before another version came to Production is voided, and asked for again."""
    runner, second = merged(at)
    standing(at)
    at.live.vote("olaf", second)
    with at.live.client("olaf") as stageward:
        assert "voided" == stageward.approval(second).status
        assert "it would displace" in stageward.approval(second).why
    runner.run(WORKFLOWS / "promote.yml", again="ask")
    third = runner.ran[-1].outputs["approval"]

    assert {"train": "success", "ask": "success"} == runner.jobs
    at.live.vote("olaf", third)
    with at.live.client("olaf") as stageward:
        assert "Production" == stageward.version(runner.ran[-1].outputs["version"]).stage


def test_where_staging_waits_too_the_job_is_run_again_after_its_approval(
    at: Desk, tmp_path: Path
) -> None:
    """The step for Staging ends with 3, and Production is asked for when it is run again."""
    workflow = tmp_path / "promote.yml"
    text = (WORKFLOWS / "promote.yml").read_text()
    workflow.write_text(text.replace("models/iris:", "models/careful:"))
    (at.checkout / ".github" / "scripts" / "train.sh").write_text(
        (EXAMPLE / ".github" / "scripts" / "train.sh").read_text().replace("$MODEL", "careful")
    )
    runner = at.runner(actor="mona")
    runner.run(workflow)
    asked = runner.ran[-1]

    assert ("failure", 3, "pending") == (runner.jobs["ask"], asked.code, asked.outputs["outcome"])
    at.live.vote("olaf", asked.outputs["approval"])
    runner.run(workflow, again="ask")
    assert ("success", "pending") == (runner.jobs["ask"], runner.ran[-1].outputs["outcome"])
    assert asked.outputs["approval"] != runner.ran[-1].outputs["approval"]


def test_what_an_event_carries_decides_nothing(at: Desk) -> None:
    """A forged event brings no version to the endpoint, and no word of it to a script."""
    standing(at)
    forged = {"client_payload": {"version": "demo/models/iris:999", "stage": "$(touch owned)"}}
    deployed(at, forged)
    plain = endpoint(at)

    assert "999" not in json.dumps(plain)
    assert "client_payload" not in (WORKFLOWS / "deploy.yml").read_text()


def test_a_version_that_may_not_be_deployed_is_not(at: Desk) -> None:
    """Where Stageward does not allow the endpoint the job ends before anything is deployed."""
    standing(at)
    runner = at.runner(ENDPOINT="another")
    runner.run(WORKFLOWS / "deploy.yml")

    assert {"deploy": "failure"} == runner.jobs
    assert "::error title=" in runner.ran[-1].out
    assert [] == at.calls("ml", "online-deployment")


def test_a_pipeline_that_fails_asks_for_nothing(at: Desk) -> None:
    """The job that asks needs the one that trains."""
    (at.folder / "status").write_text("Failed")
    runner = at.runner()
    runner.run(WORKFLOWS / "promote.yml")

    assert {"train": "failure", "ask": "skipped"} == runner.jobs
    assert "Job shy_pear_123 is Failed." in runner.ran[-1].out


def test_a_pull_request_trains_and_asks_for_nothing(
    at: Desk,
) -> None:
    """On the runner with no identity, and on Azure ML by one that only trains."""
    _locally(at)
    runner = at.runner(HERE)
    runner.run(WORKFLOWS / "train.yml")
    ours = [one.given["client-id"] for one in runner.skipped if one.uses.startswith("azure/login@")]

    assert {"here": "success", "azure": "success"} == runner.jobs, runner.ran[-1].out
    assert ["trainer"] == ours
    assert "inputs.name=iris-pull-requests" in at.calls("ml", "job", "create")[0]
    assert [] == at.calls("account")


def test_a_fork_reaches_no_identity(at: Desk) -> None:
    """Its pull request is trained on the runner, and that is all."""
    _locally(at)
    runner = at.runner(FORK)
    runner.run(WORKFLOWS / "train.yml")

    assert {"here": "success", "azure": "skipped"} == runner.jobs, runner.ran[-1].out
    assert [] == at.calls()
    assert [] == [one for one in runner.skipped if one.uses.startswith("azure/login@")]


def _locally(at: Desk) -> None:
    """Let `python` be one that keeps what it was asked: what it runs has tests of its own."""
    program = at.folder / "bin" / "python"
    program.write_text(f'#!/bin/sh\necho "$*" >> "{at.folder}/python.txt"\n')
    program.chmod(0o755)


def test_the_workflow_of_the_page_asks_with_a_token(at: Desk) -> None:
    """For teams without Azure ML: a merge trains, is granted Staging, and waits for Production."""
    workflow = at.folder / "promote.yml"
    workflow.write_text(minimal_workflow().replace("models/flowers", "models/iris"), "utf-8")
    trained = at.live.people.create("iris")
    (at.checkout / "train.py").write_text(
        "import os\n"
        f"assert os.environ['MLFLOW_TRACKING_URI'] == '{at.live.mlflow}'\n"
        "with open(os.environ['GITHUB_OUTPUT'], 'a') as outputs:\n"
        f"    print('number={trained.number}', file=outputs)\n"
    )
    python = at.folder / "bin" / "python"
    python.write_text(
        f'#!/bin/sh\n[ "$2" = pip ] || exec "{sys.executable}" "$@"\n'  # pip is not run
    )
    python.chmod(0o755)
    runner = at.runner(actor="mona", MLFLOW_TRACKING_URI=at.live.mlflow)
    runner.run(workflow)

    assert {"train": "success", "ask": "success"} == runner.jobs, runner.ran[-1].out
    with pytest.raises(StagewardError, match="nobody approves their own work"):
        at.live.vote("mona", runner.ran[-1].outputs["approval"])
    at.live.vote("olaf", runner.ran[-1].outputs["approval"])
    with at.live.client("olaf") as stageward:
        assert "Production" == stageward.version(str(trained)).stage


def test_the_files_that_scripts_and_workflows_name_are_those_of_the_example() -> None:
    """A file that is renamed would be missed on GitHub, and nowhere else."""
    named = ["pipeline.yml", "run_locally.py", "requirements.txt", "endpoint/deployment.yml"]
    named += ["requests/azureml.json", "components", "data", "src"]
    text = "".join(file.read_text() for file in (EXAMPLE / ".github").rglob("*.*"))

    assert [] == [one for one in named if not (EXAMPLE / one).exists()]
    assert [] == [one for one in named if one not in text]


@pytest.mark.parametrize("file", sorted(WORKFLOWS.glob("*.yml")), ids=lambda file: file.name)
def test_only_jobs_that_sign_in_may_and_each_at_an_environment(file: Path) -> None:
    """So the subject of its token is that environment, which GitHub lets only main have."""
    workflow = yaml.safe_load(file.read_text("utf-8"))
    triggers = set(workflow[True])  # YAML 1.1 reads `on` so

    assert {} == workflow["permissions"]
    assert not triggers & {"pull_request_target", "workflow_run", "issue_comment"}
    for job in workflow["jobs"].values():
        login = any(step.get("uses", "").startswith("azure/login@") for step in job["steps"])
        assert login == (job["permissions"].get("id-token") == "write")
        assert login == ("environment" in job)
        assert set(job["permissions"]) <= {"contents", "id-token"}
        assert job["permissions"].get("contents", "read") == "read"


def test_pull_requests_and_the_job_that_asks_share_no_environment() -> None:
    """The identity that may ask is not reachable from what somebody proposes."""
    jobs = {
        (file.stem, name): job.get("environment")
        for file in WORKFLOWS.glob("*.yml")
        for name, job in yaml.safe_load(file.read_text("utf-8"))["jobs"].items()
    }

    assert {
        ("train", "here"): None,
        ("train", "azure"): "training",
        ("promote", "train"): "training",
        ("promote", "ask"): "stageward",
        ("deploy", "deploy"): "production",
    } == jobs

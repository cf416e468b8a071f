"""The composite action, each of its scripts really run, against a live Stageward."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from stage_functions.domain.error import StagewardError
from tests.pipelines.actions_runner import Ran, read_outputs
from tests.pipelines.world import Desk


def ask(at: Desk, **given: str) -> Ran:
    """Run the action as the pipeline that may ask."""
    (at.folder / "signed-in").write_text("pipeline")
    address, audience = at.variables["STAGEWARD_URL"], at.variables["STAGEWARD_AUDIENCE"]
    named = {name.replace("_", "-"): text for name, text in given.items()}
    return at.runner().use(**{"address": address, "audience": audience, **named})


def made(at: Desk, name: str = "", staged: bool = False) -> str:  # noqa: FBT001, FBT002  # short
    """Register a version of a model of this test's own, at Staging where that is wanted."""
    version = str(at.live.people.create(name or at.folder.name))
    if staged:
        assert ask(at, command="request", version=version, stage="Staging").code == 0
    return version


def test_what_is_granted_succeeds_and_is_told(at: Desk) -> None:
    """Outcome, stage and number are outputs; no annotation cries."""
    version = made(at)
    ran = ask(at, command="request", version=version, stage="Staging", reason="Merged")

    assert 0 == ran.code, ran.out
    assert ("granted", "Staging", version, "1") == tuple(
        ran.outputs[name] for name in ("outcome", "stage", "version", "number")
    )
    assert "" == ran.outputs["approval"]
    assert "::error" not in ran.out
    assert "<td>it is not the forbidden one" not in ran.summary
    assert "Merged" in ran.summary


def test_what_is_refused_says_why_where_a_reviewer_looks(at: Desk) -> None:
    """Exit code 4, one annotation with the reason, and the rules in the summary."""
    version = made(at, name="forbidden")
    ran = ask(at, command="request", version=version, stage="Staging")

    assert 4 == ran.code
    assert "refused" == ran.outputs["outcome"]
    assert f"::error title={version.replace(':', '%3A')} → Staging%3A refused::" in ran.out
    assert 1 == ran.out.count("\n::error")
    assert "described" in ran.summary
    assert "it is not the forbidden one" in ran.summary


def test_what_waits_for_approval_names_its_page(at: Desk) -> None:
    """Exit code 3, or 0 where that is allowed; the same approval both times."""
    version = made(at, staged=True)
    given = {"command": "request", "version": version, "stage": "Production"}
    ran = ask(at, **given, on_behalf_of="github:octocat")
    again = ask(at, **given, on_behalf_of="github:octocat", allow_pending="true")

    assert (3, 0) == (ran.code, again.code)
    assert "pending" == ran.outputs["outcome"]
    assert ran.outputs["approval"] == again.outputs["approval"]
    assert f"{at.live.url}/approvals/{ran.outputs['approval']}" == ran.outputs["address"]
    assert f'<a href="{ran.outputs["address"]}">' in ran.summary
    assert "github:octocat" in ran.summary
    assert "::notice title=" in ran.out


def test_who_merged_cannot_approve_it(at: Desk) -> None:
    """`on_behalf_of` bars the person whom that GitHub login belongs to, and nobody else."""
    version = made(at, staged=True)
    ran = ask(
        at, command="request", version=version, stage="Production", on_behalf_of="github:mona"
    )
    with pytest.raises(StagewardError, match="nobody approves their own work"):
        at.live.vote("mona", ran.outputs["approval"])
    at.live.vote("olaf", ran.outputs["approval"])

    with at.live.client("olaf") as stageward:
        assert "Production" == stageward.version(version).stage


def test_whoever_merged_and_is_unknown_is_certainly_nobody_with_a_login(at: Desk) -> None:
    """An approver whose own login is not known might be the one who merged, and does not count."""
    version = made(at, staged=True)
    ran = ask(
        at, command="request", version=version, stage="Production", on_behalf_of="github:octocat"
    )
    with pytest.raises(StagewardError, match="github"):
        at.live.vote("paul", ran.outputs["approval"])
    at.live.vote("mona", ran.outputs["approval"])

    with at.live.client("olaf") as stageward:
        assert "Production" == stageward.version(version).stage


def test_a_tag_that_the_training_job_writes_is_no_way_around(at: Desk) -> None:
    """Where `requesters` are named, what nobody is proven to have asked is refused."""
    version = at.live.people.create(at.folder.name, tags={"stage_request": "Staging"})
    answer = at.live.until(version, "stage_status")

    assert "refused" in answer
    assert "None" == at.live.people.tags(version)["stage"]


@pytest.mark.parametrize(
    ("decision", "code", "outcome"), [("approve", 0, "granted"), ("reject", 5, "closed")]
)
def test_it_waits_until_it_is_decided(at: Desk, decision: str, code: int, outcome: str) -> None:
    """By `wait-minutes` of the request itself; what the page is, is told before."""
    version = made(at, staged=True)
    voter = threading.Thread(target=vote_once_told, args=(at, decision))
    voter.start()
    ran = ask(
        at,
        command="request",
        version=version,
        stage="Production",
        on_behalf_of="github:mona",
        wait_minutes="5",
    )
    voter.join()

    assert (code, outcome) == (ran.code, ran.outputs["outcome"]), ran.out
    assert ran.out.index("approve it at") < ran.out.rindex(f"approval {ran.outputs['approval']}:")


def vote_once_told(at: Desk, decision: str) -> None:
    """Vote as olaf as soon as a step of this machine has told that it waits, and for what."""
    end = time.monotonic() + 90
    while time.monotonic() < end:
        for file in at.folder.glob("*-github_output"):
            told = dict(read_outputs(file.read_text()))
            if told.get("outcome") == "pending" and told.get("detail"):
                at.live.vote("olaf", told["approval"], decision)
                return
        time.sleep(0.1)


def test_an_approval_that_is_closed_already_is_not_waited_for(at: Desk) -> None:
    """`wait` looks before it waits, and looks once where it is to wait for no time."""
    version = made(at, staged=True)
    given = {"command": "request", "version": version, "stage": "Production"}
    approval = ask(at, **given, on_behalf_of="github:mona").outputs["approval"]
    before = ask(at, command="wait", approval=approval)
    at.live.vote("olaf", approval, "reject")
    after = ask(at, command="wait", approval=approval, wait_minutes="300")

    assert (3, "pending") == (before.code, before.outputs["outcome"])
    assert (5, "closed") == (after.code, after.outputs["outcome"])
    assert "rejected" in after.outputs["detail"]


def test_a_deployment_is_checked_before_it_is_made(at: Desk) -> None:
    """Exit code 0 or 4, with the reason; nothing is changed by it."""
    version = made(at, staged=True)
    test = ask(at, command="check", version=version, endpoint="demo/iris-test")
    real = ask(at, command="check", version=version, endpoint="demo/iris")
    waits = ask(at, command="check", version=version, stage="Production")

    assert (0, 4, 4) == (test.code, real.code, waits.code), real.out
    assert "::error title=" in real.out
    assert "pending" == waits.outputs["outcome"]
    assert "" == waits.outputs["approval"]


def test_the_holder_of_a_stage_is_found(at: Desk) -> None:
    """None is an answer, several are a fault."""
    first = made(at, staged=True)
    asset = first.rpartition(":")[0]
    found = ask(at, command="holder", asset=asset, stage="Staging")
    none = ask(at, command="holder", asset=asset, stage="Production")
    made(at, staged=True)
    several = ask(at, command="holder", asset=asset, stage="Staging")

    assert (0, first, "1") == (found.code, found.outputs["version"], found.outputs["number"])
    assert (0, "none", "") == (none.code, none.outputs["outcome"], none.outputs["version"])
    assert (1, "fault") == (several.code, several.outputs["outcome"])


def test_who_may_not_ask_is_refused(at: Desk) -> None:
    """The identity that deploys cannot promote, and the step says so."""
    version = made(at)
    (at.folder / "signed-in").write_text("deployer")
    runner = at.runner()
    given = {"address": at.live.url, "audience": at.variables["STAGEWARD_AUDIENCE"]}
    ran = runner.use(command="request", version=version, stage="Staging", **given)

    assert 4 == ran.code
    assert "refused" == ran.outputs["outcome"]
    assert "::error title=" in ran.out


def test_a_token_is_masked_and_kept_nowhere(at: Desk) -> None:
    """It is printed once, as what the runner is to mask; no file of the run has it."""
    ran = ask(at, command="holder", asset="demo/models/iris", stage="Production")
    kept = [file for file in at.folder.glob("*-github_*") if "pipeline" in file.read_text()]

    assert ran.out.startswith("::add-mask::pipeline\n")
    assert 1 == ran.out.count("pipeline")
    assert [] == kept
    (asked,) = at.calls("account")
    assert ["--resource", at.variables["STAGEWARD_AUDIENCE"]] == asked[-2:]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"command": "promote"}, "command is 'promote'"),
        ({"command": "request", "stage": "Staging"}, "needs `version`"),
        ({"command": "wait"}, "needs `approval`"),
        ({"command": "wait", "approval": "7f3k9m2x", "wait_minutes": "1e9"}, "wait-minutes is"),
        (
            {"command": "wait", "approval": "7f3k9m2x", "address": "http://evil.example.org"},
            "https",
        ),
        ({"command": "wait", "approval": "7f3k9m2x", "audience": ""}, "there is no token"),
        ({"command": "wait", "approval": "7f3k9m2x", "audience": "--help"}, "is no audience"),
        ({"command": "wait", "approval": "7f3k9m2x"}, "no approval"),
    ],
)
def test_what_it_cannot_do_is_a_fault(at: Desk, given: dict[str, str], said: str) -> None:
    """Exit code 1, with one sentence; nothing is asked under a wrong reading."""
    ran = ask(at, **given)

    assert (1, "fault") == (ran.code, ran.outputs["outcome"]), ran.out
    assert said in ran.out


def test_without_a_sign_in_nothing_is_asked(at: Desk) -> None:
    """As in a pull request from a fork, which GitHub gives no token: the step fails."""
    given = {"address": at.live.url, "audience": at.variables["STAGEWARD_AUDIENCE"]}
    ran = at.runner().use(command="wait", approval="7f3k9m2x", **given)

    assert 1 == ran.code
    assert "is azure/login before it?" in ran.out


def test_no_value_becomes_a_script_or_a_command_of_the_runner(at: Desk) -> None:
    """However it is written: it arrives at Stageward as it is, and is shown as text."""
    version = made(at, staged=True)
    nasty = (
        '$(touch owned)`touch owned`"; touch owned\n::warning::owned\n<b>x</b> %0A::error::owned'
    )
    ran = ask(
        at,
        command="request",
        version=version,
        stage="Production",
        reason=nasty,
        on_behalf_of="github:octocat",
    )
    with at.live.client("olaf") as stageward:
        reason = stageward.approval(ran.outputs["approval"]).reason

    assert nasty == reason
    assert [] == list(Path(at.folder).rglob("owned"))
    assert "\n::warning" not in ran.out
    assert "&lt;b&gt;x&lt;/b&gt;" in ran.summary
    assert "<b>x" not in ran.summary

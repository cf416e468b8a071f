"""The story of `stageward demo`: what users do, each under their own name, and what comes of it."""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from stage_functions.demo.narrator import Narrator
from stage_functions.demo.processes import Processes, free_port
from stage_functions.demo.stage import Begin, Stage
from stage_functions.demo.training import MODEL

PENDING, REFUSED = 3, 4


def play(begin: Begin, *, once: bool) -> None:
    """Start everything, tell the story, stay up until Ctrl-C unless `once`; stop everything.

    Args:
        begin: starts the registry that the story plays on.
        once: end with the story.

    Raises:
        DemoError: a step came out otherwise than told.
    """
    console = Console(highlight=False)
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, _leave)
    with tempfile.TemporaryDirectory(prefix="stageward-demo-") as name:
        folder = Path(name)
        processes = Processes(folder)
        try:
            stage = _open(console, folder, processes, begin)
            registered = _train(stage)
            versions = [version for version, _ in registered]
            _tell(stage, versions)
            approval = _leave_waiting(stage, versions[3])
            console.rule("Every step came out as told")
            if once:
                console.print(
                    f"`{stage.workplace.command}` without ONCE=1 leaves both servers up, "
                    "to try it yourself."
                )
            else:
                _invite(console, stage, approval)
                _wait(console)
        finally:
            processes.stop()


def _leave(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _wait(console: Console) -> None:
    console.print("Both stay up until Ctrl-C.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print("\nStopping.")


def _invite(console: Console, stage: Stage, approval: str) -> None:
    """Tell where everything is, and what to try."""
    command = Path(sys.executable).with_name("stageward")
    console.print(f"Decide      {stage.stageward_url}/approvals/{approval}", soft_wrap=True)
    console.print("            in a browser, as officer-1, then as officer-2")
    console.print(f"Stageward   {stage.stageward_url}")
    for line in stage.workplace.invitation:
        console.print(line, soft_wrap=True)
    console.print(
        "Or be one of scientist-1, scientist-2, officer-1, officer-2 in another terminal:"
    )
    said = f"export STAGEWARD_URL={stage.stageward_url} STAGEWARD_TOKEN=officer-1"
    console.print(f"            {said}", soft_wrap=True)
    console.print(f"            {shlex.quote(str(command))} ls", soft_wrap=True)
    console.print("scientist-2 is the operator, who alone sees how Stageward fares:")
    status = f"STAGEWARD_TOKEN=scientist-2 {shlex.quote(str(command))} status"
    console.print(f"            {status}", soft_wrap=True)


def _open(console: Console, folder: Path, processes: Processes, begin: Begin) -> Stage:
    narrator = Narrator(console)
    url = f"http://127.0.0.1:{free_port()}"
    narrator.tell("A registry and Stageward start, each on a free port of this machine")
    environment = {
        **os.environ,  # noqa: TID251  # what is started needs PATH and its like
        "STAGEWARD_LEDGER": str(folder / "ledger.db"),
        "STAGEWARD_AUTH": "dev",
        "STAGEWARD_URL": url,
        "STAGEWARD_WEBHOOK_SECRET": secrets.token_urlsafe(32),
    }
    workplace = begin(processes, folder, narrator, environment)
    processes.start("stageward", ["stage_functions", "serve"], environment)
    processes.wait_for("stageward", f"{url}/healthz")
    narrator.show(f"Stageward {url}, which hears of every change")
    return Stage(workplace, url, narrator, environment)


def _train(stage: Stage) -> list[tuple[str, float]]:
    stage.narrator.tell("scientist-1 trains five classifiers on IRIS")
    registered = stage.workplace.train(stage)
    for version, accuracy in registered:
        stage.narrator.show(f"{MODEL} v{version}: accuracy {accuracy:.3f}")
    return registered


def _tell(stage: Stage, versions: list[str]) -> None:
    first, second, third, *_ = versions
    _begin(stage, first, second)
    _promote(stage, first)
    _displace(stage, first, second)
    _sponsor(stage, third)
    _stale_tool(stage, third)
    stage.workplace.tell_more(stage, versions)
    stage.narrator.tell(
        "The history: whoever reads it checks its hashes, and need not trust Stageward"
    )
    stage.run("officer-1", "history", stage.workplace.asset, "--verify")


def _begin(stage: Stage, first: str, second: str) -> None:
    tell, until = stage.narrator.tell, stage.narrator.until
    tell("Registered versions begin at None; Stageward writes it into their tags")
    for version in (first, second):
        until(f"stage of v{version}", lambda v=version: stage.tag(v, "stage"), "None")  # type: ignore[misc]
    tell("A data scientist asks for Staging with a tag")
    stage.set_tag("scientist-1", first, "stage_request", "Staging: ready for tests")
    until("stage", lambda: stage.tag(first, "stage_status"), "granted: None → Staging")
    tell("The shorthand: editing the stage itself asks as well")
    stage.set_tag("scientist-1", second, "stage", "Staging")
    until("stage_status", lambda: stage.tag(second, "stage_status"), "granted: None → Staging")


def _promote(stage: Stage, version: str) -> None:
    tell, until = stage.narrator.tell, stage.narrator.until
    tell("Production needs two people: the request waits")
    reason = "accurate enough for the pilot"
    name = stage.name(version)
    stage.run("scientist-1", "promote", name, "Production", "--reason", reason, exits=PENDING)
    approval = stage.pending(version)
    tell("Nobody approves their own work")
    said = stage.run("scientist-1", "approve", approval, exits=1)
    stage.narrator.expect("nobody approves their own work", said)
    tell("Two people who may approve it, and it is granted")
    stage.run("officer-1", "approve", approval, "--comment", "evidence is complete")
    stage.run("officer-2", "approve", approval)
    until("stage", lambda: stage.tag(version, "stage"), "Production")


def _displace(stage: Stage, first: str, second: str) -> None:
    tell, until = stage.narrator.tell, stage.narrator.until
    tell("The next version is approved, and the previous one archived in the same step")
    name = stage.name(second)
    stage.run(
        "scientist-1",
        "promote",
        name,
        "Production",
        "--reason",
        "as accurate, and surer",
        exits=PENDING,
    )
    approval = stage.pending(second)
    stage.run("officer-1", "approve", approval)
    stage.run("officer-2", "approve", approval)
    until(f"stage of v{second}", lambda: stage.tag(second, "stage"), "Production")
    until(f"stage of v{first}", lambda: stage.tag(first, "stage"), "Archived")


def _sponsor(stage: Stage, version: str) -> None:
    tell, until = stage.narrator.tell, stage.narrator.until
    tell("An illegal jump is refused, with the reason where the person looks")
    stage.set_tag("scientist-2", version, "stage_request", "Production: it is better")
    until("stage_status", lambda: stage.tag(version, "stage_status"), "refused: None → Production")
    tell("A request by tag is nobody's until someone sponsors it")
    stage.set_tag("scientist-2", version, "stage_request", "Staging: try it")
    until("stage_status", lambda: stage.tag(version, "stage_status"), "granted: None → Staging")
    stage.set_tag("scientist-2", version, "stage_request", "Production: the best so far")
    approval = stage.pending(version)
    stage.run("officer-1", "approve", approval)
    stage.run("officer-2", "approve", approval)
    until("stage", lambda: stage.tag(version, "stage"), "Staging")
    stage.run("scientist-2", "sponsor", approval)
    until("stage", lambda: stage.tag(version, "stage"), "Production")


def _leave_waiting(stage: Stage, version: str) -> str:
    """Ask for one thing more, and look at its page; return the id of the approval."""
    stage.narrator.tell("Another one waits for a decision: its page has all that is needed for it")
    name = stage.name(version)
    stage.run("scientist-1", "promote", name, "Staging", "--reason", "ready for tests")
    reason = "as accurate, with less log loss"
    stage.run("scientist-1", "promote", name, "Production", "--reason", reason, exits=PENDING)
    approval = stage.pending(version)
    seen = stage.page("officer-1", f"/approvals/{approval}")
    stage.narrator.expect("log_loss", seen)
    stage.narrator.show(f"{stage.stageward_url}/approvals/{approval}")
    return approval


def _stale_tool(stage: Stage, third: str) -> None:
    alias = stage.workplace.asset.partition("/")[0]
    tell, until = stage.narrator.tell, stage.narrator.until
    tell("A stale tool writes old tags back: nothing moves, and the tags are put right")
    stage.set_tag("an old script", third, "stage_request", "Staging: try it")
    stage.set_tag("an old script", third, "stage", "Staging")
    until(f"stage of v{third}", lambda: stage.tag(third, "stage"), "Production")
    stage.run("officer-1", "check", stage.name(third), "deploy", f"{alias}/scoring")
    tell("Who holds what, since when, and who approved it")
    stage.run("officer-1", "as-of", stage.workplace.asset)
    tell("Everything that is known of a version, and what is not recorded")
    stage.run("officer-1", "show", stage.name(third))

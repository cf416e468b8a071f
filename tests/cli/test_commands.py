"""The commands, as scientists, officers and operators use them."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from stage_functions.cli.output import print_table
from stage_functions.domain.asset import Version
from stage_functions.settings import SignIn
from tests.api_server import api_over
from tests.builders import IRIS, World, world
from tests.cli.console import Console, run
from tests.fakes.sink import MemorySink

FIRST = "demo/models/iris:1"
DRAFT = """\
version: 1
registries: [{alias: demo, type: mlflow, address: "${NOWHERE}"}]
people: {sam: {name: Sam}}
lifecycles:
  - name: draft
    applies_to: ["*/*/*"]
    stages: {None: {initial: true}, Staging: {}}
    rules:
      unmeasured: {cel: "!has(evidence.metrics.accuracy)", says: nobody measured it}
    transitions: [{from: None, to: Staging, rules: [unmeasured]}]
"""


def staged(it: World, at: Console) -> None:
    """Bring a version to Staging."""
    it.register("1")
    at.run("sam", "promote", FIRST, "Staging")


def pending(it: World, at: Console) -> str:
    """Bring a version before its approvers; return the approval's id."""
    staged(it, at)
    done = at.run("sam", "promote", FIRST, "Production", "--reason", "AUC 0.94", "--json")
    return str(done.json["approval"])


def test_promote_exits_as_it_was_decided(it: World, at: Console) -> None:
    """0 granted, 3 pending, 4 refused; pipelines need no more."""
    it.register("1")

    refused = at.run("sam", "promote", FIRST, "Production")
    granted = at.run("sam", "promote", FIRST, "Staging")
    waits = at.run("sam", "promote", FIRST, "Production")

    assert (refused.code, granted.code, waits.code) == (4, 0, 3)
    assert "allowed: Staging, Archived" in refused.out
    assert "granted: demo/models/iris:1: None → Staging" in granted.out
    assert "approvers decide with `stageward approve" in waits.out


@pytest.mark.parametrize(
    ("verdict", "code", "stage"), [("approve", 0, "Production"), ("reject", 5, "Staging")]
)
def test_promote_waits_until_it_is_decided(
    it: World, at: Console, verdict: str, code: int, stage: str
) -> None:
    """`--wait` ends with 0 when granted and with 5 when rejected."""
    id_ = pending(it, at)

    def decide() -> None:
        for who in ("bob", "eve"):
            brief = at.api.client(who).get(f"/api/v1/approvals/{id_}").json()
            body = {"decision": verdict, "fingerprint": brief["fingerprint"], "comment": "so be it"}
            at.api.client(who).post(f"/api/v1/approvals/{id_}/votes", json=body)

    later = threading.Timer(0.3, decide)
    later.start()
    done = at.run("sam", "promote", FIRST, "Production", "--wait")
    later.join()

    assert done.code == code
    assert it.registry.tags(Version(IRIS, "1"))["stage"] == stage


def test_two_officers_approve_and_the_second_vote_grants(it: World, at: Console) -> None:
    """Each by the id alone: the command votes on what it was shown."""
    id_ = pending(it, at)

    own = at.run("sam", "approve", id_)
    first = at.run("bob", "approve", id_, "--comment", "evidence is complete")
    second = at.run("eve", "approve", id_)

    assert (own.code, first.code, second.code) == (1, 0, 0)
    assert "nobody approves their own work" in own.err
    assert "needs 1 more of risk or science" in first.out
    assert "granted" in second.out


def test_a_vote_that_voids_the_approval_is_no_success(it: World, at: Console) -> None:
    """Exit 5, with what changed and what to do: a script must not take it for a grant."""
    id_ = pending(it, at)
    at.run("bob", "approve", id_)
    it.registry.describe(Version(IRIS, "1"), "another description")

    voided = at.run("eve", "approve", id_)

    assert voided.code == 5
    assert "is voided" in voided.out
    assert "description" in voided.out
    assert "it must be asked for again" in voided.err
    assert it.context.ledger.load(IRIS, ["1"]).versions["1"].stage == "Staging"


def test_approvals_are_listed_and_one_is_shown_whole(it: World, at: Console) -> None:
    """What it asks for, why, and who may not vote."""
    id_ = pending(it, at)

    listed = at.run("bob", "approvals")
    shown = at.run("bob", "approvals", id_)

    assert FIRST in listed.out
    assert "AUC 0.94" in shown.out
    assert "person:sam: the requester" in shown.out


def test_a_request_is_withdrawn_by_who_made_it(it: World, at: Console) -> None:
    """And then nothing is open."""
    id_ = pending(it, at)

    done = at.run("sam", "withdraw", id_, "--reason", "found a bug")

    assert "withdrawn" in done.out
    assert at.run("bob", "approvals").err == "no approval is open\n"


def test_a_request_by_tag_is_sponsored(it: World, at: Console) -> None:
    """Votes wait for the sponsor."""
    staged(it, at)
    it.tag(Version(IRIS, "1"), "stage_request", "Production: by tag")
    id_ = at.run("bob", "approvals", "--json").json[0]["id"]
    for who in ("bob", "eve"):
        at.run(who, "approve", id_)

    done = at.run("ada", "sponsor", id_)

    assert "granted" in done.out


def test_check_tells_and_exits_0_or_4(it: World, at: Console) -> None:
    """A gate for pipelines that changes nothing."""
    it.register("1")

    allowed = at.run("sam", "check", FIRST, "transition", "Staging")
    refused = at.run("sam", "check", FIRST, "deploy", "demo/scoring")
    unsaid = at.run("sam", "check", FIRST, "deploy")

    assert (allowed.code, refused.code, unsaid.code) == (0, 4, 1)
    assert "not deployable to demo/scoring" in refused.out
    assert "needs registry/endpoint behind it" in unsaid.err


def test_check_tries_a_draft_and_explains_each_rule(it: World, at: Console, tmp_path: Path) -> None:
    """A table of what each rule answered and saw; a fault has the file's own name."""
    it.register("1")
    draft, faulty = tmp_path / "draft.yaml", tmp_path / "faulty.yaml"
    draft.write_text(DRAFT, "utf-8")
    faulty.write_text(DRAFT.replace("metrics", "metric"), "utf-8")

    tried = at.run("sam", "check", FIRST, "transition", "Staging", "--config", str(draft))
    wrong = at.run("sam", "check", FIRST, "transition", "Staging", "--config", str(faulty))
    missing = at.run("sam", "check", FIRST, "transition", "Staging", "--config", "no/such/file")

    assert (tried.code, wrong.code, missing.code) == (0, 1, 2)
    assert f"allowed, under {draft}: None → Staging" in tried.out
    for word in ("rule", "says", "values", "unmeasured", "passed", "nobody measured it"):
        assert word in tried.out
    assert "evidence.metrics.accuracy is not recorded" in tried.out
    assert f"1 fault in {faulty}\n" in wrong.err
    assert f"{faulty}:9:25: rule unmeasured: evidence has no 'metric'" in wrong.err


def test_lists_and_details_are_shown_to_people_and_programs(it: World, at: Console) -> None:
    """A table, or JSON."""
    staged(it, at)

    assert FIRST in at.run("sam", "ls", "--stage", "Staging").out
    assert at.run("sam", "ls", "--json").json[0]["stage"] == "Staging"
    assert at.run("sam", "show", "demo/models/iris", "--json").json["records"] == 2
    assert "metrics" in at.run("sam", "show", FIRST).out
    assert at.run("sam", "registries", "--json").json[0]["mode"] == "enforce"


def test_a_history_is_verified_by_the_reader(it: World, at: Console) -> None:
    """From what it says alone, without trust in the server."""
    staged(it, at)

    done = at.run("sam", "history", "demo/models/iris", "--verify")

    assert done.code == 0
    assert "StageChanged None → Staging" in done.out
    assert "2 records, every hash and link is right" in done.out


def test_as_of_shows_who_held_what(it: World, at: Console) -> None:
    """Then and now."""
    staged(it, at)

    now = at.run("sam", "as-of", "demo/models/iris", "--json").json
    then = at.run("sam", "as-of", "demo/models/iris", "2020-01-01", "--json").json

    assert now["versions"]["1"]["stage"] == "Staging"
    assert then["versions"] == {}


class Screen(io.StringIO):
    """A terminal that keeps what is shown on it."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


def test_a_narrow_terminal_wraps_a_table_and_cuts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An id that ends in three dots would be nobody's."""
    monkeypatch.setenv("COLUMNS", "80")
    screen = Screen()
    row = (
        "3",
        "Production",
        "2026-10-07 14:02:11 UTC",
        "approved",
        "person:officer-1 and person:officer-2",
        "2027-04-05 14:02:11 UTC",
    )
    monkeypatch.setenv("TERM", "dumb")  # no colours
    with redirect_stdout(screen):
        print_table(("version", "stage", "since", "why", "approved by", "valid until"), [row])
    shown = screen.getvalue()

    assert "…" not in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    column = shown.splitlines()[0].index("approved by")
    width = shown.splitlines()[0].index("valid until") - column
    cell = "".join(line[column : column + width].strip() for line in shown.splitlines()[1:])
    assert "person:officer-1andperson:officer-2" == cell.replace(" ", "")


@pytest.mark.parametrize("columns", ["20", "80", "2000"])
def test_a_piped_table_has_one_line_a_row(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that awk finds whole cells, however wide the terminal is said to be."""
    monkeypatch.setenv("COLUMNS", columns)
    long = "the job that made it has finished " * 12
    rows = [("7f3k9m2x", "demo/models/iris:3", long + "\nand more"), ("8", None, "日本")]
    print_table(("id", "version", "needs"), rows)
    header, first, second = capsys.readouterr().out.splitlines()

    assert f"7f3k9m2x  demo/models/iris:3  {long.strip()}; and more" == first
    assert "8         –                   日本" == second
    assert ["id", "version", "needs"] == header.split()


def test_an_operator_scans_imports_and_resolves(it: World, at: Console) -> None:
    """And nobody else."""
    it.registry.register(Version(IRIS, "1"), it.clock.now())

    assert "1 versions seen, 1 differed" in at.run("eve", "scan", "demo").out
    assert "imported nothing" in at.run("eve", "import", "demo").out
    assert "demo: written over: no versions" in at.run("eve", "resolve", "demo").out
    assert "operators are eve" in at.run("sam", "scan", "demo").err


def test_an_import_names_what_must_be_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the very option to add."""
    it = world()
    it.context.states.update("demo", lambda state: type(state)())
    it.registry.register(Version(IRIS, "1"), it.clock.now(), tags={"stage": "Prod"})
    with api_over(it) as api:
        at = Console(api, monkeypatch)

        unclear = at.run("eve", "import", "demo")
        garbled = at.run("eve", "import", "demo", "--map", "Prod")
        done = at.run("eve", "import", "demo", "--map", "Prod=Production", "-m", "day one")

        assert (unclear.code, garbled.code, done.code) == (1, 1, 0)
        assert "add --map Prod=<stage>" in unclear.err
        assert "as in --map Prod=Production" in garbled.err
        assert "imported 1 at Production" in done.out
    it.rows.close()


def test_parked_work_is_listed_and_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 1 while any is parked, so that a probe can ask."""
    from stage_functions.domain.error import SinkRefusedError

    sink = MemorySink("webhook-1")
    it = world(sinks=(sink,))
    with api_over(it) as api:
        at = Console(api, monkeypatch)
        sink.fault = SinkRefusedError("HTTP 403")
        it.register("1")

        parked = at.run("eve", "outbox", "--json")
        sink.fault = None
        retried = at.run("eve", "outbox", "--retry", parked.json[0]["id"])

        assert (parked.code, parked.json[0]["parked"]) == (1, True)
        assert retried.code == 0
        assert "nothing is owed" in retried.err
    it.rows.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "iris"), "write registry/kind/name"),
        (("show", "demo/things/iris"), "the kinds are models"),
        (("show", "demo/models/iris:9"), "neither the ledger nor registry demo knows"),
        (("show", "nope/models/iris"), "the file has: demo"),
        (("promote", "demo/models/iris", "Staging"), "names no version"),
        (("approve", "zzzzzzzz"), "`stageward approvals` lists them"),
        (("history", "demo/models/nope"), "the ledger knows no demo/models/nope"),
        (("history", "demo/models/iris", "--verify", "--after", "3"), "leave --after out"),
        (("scan", "nope"), "the file has: demo"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_next_step(
    it: World, at: Console, arguments: tuple[str, ...], said: str
) -> None:
    """Exit 1, on standard error, without a traceback."""
    it.register("1")

    done = at.run("eve", *arguments)

    assert done.code == 1
    assert said in done.err
    assert done.out == ""


@pytest.mark.parametrize("sign_in", [SignIn.DEV, SignIn.TOKENS, SignIn.ENTRA])
@pytest.mark.parametrize("who", ["", "mallory"])
def test_who_is_not_signed_in_is_told_how(
    it: World, monkeypatch: pytest.MonkeyPatch, sign_in: SignIn, who: str
) -> None:
    """By what to set the variable to, as people sign in there; headers are the program's."""
    with api_over(it, sign_in=sign_in) as api:
        done = Console(api, monkeypatch).run(who, "ls")
    *said, advice = done.err.splitlines()

    assert (done.code, "Authorization" in done.err) == (1, False)
    assert (said == ["STAGEWARD_TOKEN is not set, so nobody is signed in."]) == (not who)
    assert advice.startswith(
        {
            SignIn.DEV: "Set STAGEWARD_TOKEN to the key of a person in `people`",
            SignIn.TOKENS: "Set STAGEWARD_TOKEN to a token; `stageward token create PERSON` makes",
            SignIn.ENTRA: "Set STAGEWARD_TOKEN to a token of Microsoft Entra for this app",
        }[sign_in]
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            "{url}/foo",
            "nothing is at /foo/api/v1/assets; /api/v1/openapi.json describes what is. "
            "STAGEWARD_URL is {url}/foo: is its path right?",
        ),
        ("https{host}", "(it may speak http: then STAGEWARD_URL is {url})"),
    ],
)
def test_an_address_that_is_nearly_right_is_told_with_what_is_wrong_about_it(
    at: Console, monkeypatch: pytest.MonkeyPatch, wrong: str, said: str
) -> None:
    """A path too many, or TLS where there is none."""
    url, host = at.api.address, at.api.address.removeprefix("http")
    monkeypatch.setenv("STAGEWARD_URL", wrong.format(url=url, host=host))
    done = run("ls")

    assert done.code == 1
    assert said.format(url=url) in done.err


@pytest.mark.parametrize("token", ["eve\r", "eve\n", " eve\r\n"])
def test_white_space_about_a_token_is_not_of_it(it: World, at: Console, token: str) -> None:
    """A file with the line ends of Windows leaves some."""
    it.register("1")

    assert at.run(token, "ls").code == 0


def test_a_token_that_cannot_be_sent_is_not_shown(at: Console) -> None:
    """Nor tried four times."""
    done = at.run("secret\rtoken", "ls")

    assert done.code == 1
    assert "a character that no header can carry" in done.err
    assert "secret" not in done.err + done.out


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nowhere", "http://[::1"])
def test_a_stageward_that_is_not_there_is_said_so(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """With how to start it, or how to name it."""
    monkeypatch.setenv("STAGEWARD_URL", url)

    done = run("ls")

    assert done.code == 1
    assert url in done.err


def test_wrong_arguments_are_told_and_help_has_every_command() -> None:
    """Exit 2, as every command line does."""
    missing, unknown, helped = run("promote"), run("nonsense"), run("--help")

    assert (missing.code, unknown.code, helped.code) == (2, 2, 0)
    for name in ("serve", "demo", "import", "resolve", "ls", "show", "promote", "check", "scan"):
        assert f" {name} " in helped.out
    assert run("--version").out.startswith("stageward ")


def test_the_shell_completes_commands() -> None:
    """As `--install-completion` sets it up."""
    done = subprocess.run(
        [Path(sys.executable).with_name("stageward")],
        env={
            "_STAGEWARD_COMPLETE": "complete_bash",
            "COMP_WORDS": "stageward ap",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.split() == ["approvals", "approve"]


def test_a_check_of_what_needs_approval_is_not_shown_as_a_failed_rule(
    it: World, at: Console
) -> None:
    """It says of whom; the exit code is that of what is not allowed now."""
    staged(it, at)

    checked = at.run("sam", "check", FIRST, "transition", "Production")

    assert checked.code == 4
    assert checked.out.startswith("Staging → Production needs approval: 1 of risk")
    assert "not allowed" not in checked.out


def test_a_history_says_once_what_became_of_an_approval(it: World, at: Console) -> None:
    """As the answer to the vote and the list of approvals do."""
    id_ = pending(it, at)

    done = at.run("bob", "reject", id_, "--comment", "it drifts")
    listed = at.run("bob", "approvals", "--status", "rejected")
    told = at.run("bob", "history", "demo/models/iris")

    assert done.out == f"approval {id_} is rejected by person:bob: it drifts\n"
    assert "rejected by person:bob: it drifts" in listed.out
    assert "Staging → Production: rejected by person:bob: it drifts" in told.out
    assert not any("rejected: rejected" in one.out for one in (done, listed, told))

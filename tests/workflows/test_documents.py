"""The pages about events and workflows hold what they say: tables, code and commands."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from scripts.infra.parser import parse
from stage_functions.adapters.events import WebhookSink
from stage_functions.domain.error import SinkUnavailableError
from stage_functions.settings import NAMES
from stage_functions.wire.asyncapi import PUBLISHED, schema_text
from stage_functions.wire.signing import Signer, signers
from tests.adapters.records import history
from tests.api_server import serving
from tests.receiver import Receiver
from tests.test_signed_webhooks import ONE, TWO

ROOT = Path(__file__).parents[2]
EVENTS = (ROOT / "docs" / "events.md").read_text("utf-8")
WORKFLOWS = (ROOT / "docs" / "workflows.md").read_text("utf-8")
EXAMPLES = (ROOT / "examples" / "workflows" / "README.md").read_text("utf-8")
RECEIVER, BY_HAND = re.findall(r"```python\n(.*?)```", WORKFLOWS, re.DOTALL)
ROWS = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", EVENTS, re.MULTILINE)
COMMANDS_OF_PAGE = re.findall(r"```sh\n(.*?)```", WORKFLOWS, re.DOTALL)
"""Run where Stageward is served: tests/cli/test_serve_signed.py."""
COMMANDS = re.findall(r"```sh\n(.*?)```", EXAMPLES, re.DOTALL)


def signer(*secrets: str) -> Signer:
    """Return what signs with these secrets."""
    return signers({"S": ("u",)}, {"S_SECRET": " ".join(secrets)})["S"][1]


def made(code: str) -> dict[str, Any]:
    """Return what a block of a page defines."""
    names: dict[str, Any] = {}
    exec(code, names)
    return names


class TestReceiver:
    """The receiver of the page, run as it stands."""

    @pytest.fixture
    def names(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        """What its code defines, with a secret in its environment."""
        monkeypatch.setenv("STAGEWARD_WEBHOOKS_SECRET", ONE)
        return made(RECEIVER)

    def test_it_takes_what_stageward_signs_once(
        self, names: dict[str, Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Also while the secret is changed; and what comes again it has handled already."""
        records = history("first", "second")
        with serving(names["app"]) as address, ExitStack() as stack:
            for secrets in ((ONE,), (TWO, ONE)):
                sink = WebhookSink("w", f"{address}/stageward", signer=signer(*secrets))
                stack.enter_context(closing(sink)).publish(records)

        assert 2 == len(names["handled"])
        assert "Stageward.Registered models/iris:3\n" * 2 == capsys.readouterr().out

    @pytest.mark.parametrize("by", [None, signer(TWO)], ids=["unsigned", "another secret"])
    def test_what_is_not_from_stageward_it_refuses_and_it_comes_again(
        self, names: dict[str, Any], by: Signer | None
    ) -> None:
        """Nothing is lost where one side has the new secret first."""
        with (
            serving(names["app"]) as address,
            closing(WebhookSink("w", f"{address}/stageward", signer=by)) as sink,
            pytest.raises(SinkUnavailableError, match="answered 401"),
        ):
            sink.publish(history("x"))

        assert set() == names["handled"]

    def test_without_the_library_it_is_as_sure(self) -> None:
        """A secret, a body and a time of another are found, and so is what is not signed."""
        fits = made(BY_HAND)["is_from_stageward"]
        with (
            Receiver() as receiver,
            closing(WebhookSink("w", receiver.url, signer=signer(TWO, ONE))) as sink,
        ):
            sink.publish(history("x"))
        (request,) = receiver.requests
        headers = dict(request.headers)
        old = {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 400)}

        assert [True, True] == [fits(one, headers, request.body) for one in (ONE, TWO)]
        assert not fits(ONE.replace("M", "N"), headers, request.body)
        assert not fits(ONE, headers, request.body + b" ")
        assert not fits(ONE, old, request.body)
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
            assert not fits(ONE, {key: headers[key] for key in set(headers) - {name}}, request.body)
        assert not fits(ONE, {**headers, "webhook-timestamp": "now"}, request.body)


def test_the_secret_that_the_page_makes_is_one() -> None:
    """As it stands."""
    (command,) = re.findall(r"```sh\n(echo .*?)```", WORKFLOWS, re.DOTALL)
    secret = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)

    assert signer(secret.stdout.strip()).keys


def test_the_pages_name_only_settings_that_there_are() -> None:
    """Those of a place behind the first by their number."""
    named = set(re.findall(r"STAGEWARD_([A-Z_]+?)(?:_\d+)?\b", WORKFLOWS + EXAMPLES)) - {"NOTIFY_"}

    assert {"WEBHOOKS_SECRET", "ANCHORS_SECRET", "WEBHOOK_SECRET"} <= named
    assert named <= set(NAMES)


class TestEvents:
    """The table of the types of events, held against the schemas."""

    def test_each_type_that_is_published_has_one_row(self) -> None:
        """But the anchors, which have a section."""
        assert sorted({*PUBLISHED} - {"Anchored"}) == sorted(type_ for type_, _ in ROWS)

    @pytest.mark.parametrize(("type_", "look"), ROWS)
    def test_each_field_that_it_names_is_one_of_the_type(self, type_: str, look: str) -> None:
        """And where it lists the values of one, they are all."""
        fields: Mapping[str, Any] = json.loads(schema_text(type_))["properties"]
        listed = {
            name: sorted(one.strip() for one in values.split(","))
            for name, values in re.findall(r"`(\w+)` \(([a-z_, ]+)\)", look)
            if "enum" in fields[name]
        }

        assert set(re.findall(r"`(\w+)`", look)) <= set(fields)
        assert {name: sorted(fields[name]["enum"]) for name in listed} == listed

    def test_it_names_the_types_that_are_about_no_version(self) -> None:
        """Whoever reads `version` of all others finds it."""
        (sentence,) = re.findall(r"all but (.*?) have `version`", EVENTS, re.DOTALL)
        without = {
            one
            for one in set(PUBLISHED) - {"Anchored"}
            if "version" not in json.loads(schema_text(one))["required"]
        }

        assert without == set(re.findall(r"`(\w+)`", sentence))

    def test_it_says_how_an_id_is_made(self) -> None:
        """As the events have it, in both places."""
        said = re.findall(r"`(<ledger>/<kind>/<name>/<number>[^`]*)`", EVENTS)

        assert ["<ledger>/<kind>/<name>/<number>"] == said
        assert EVENTS.count("`<number>.<restored>`") == 2


class TestCommands:
    """Those that need Azure are read, the others run."""

    @pytest.mark.parametrize("command", COMMANDS)
    def test_each_is_one_that_a_shell_can_read(self, command: str) -> None:
        """Quotes and brackets are closed."""
        done = subprocess.run(["bash", "-n"], input=command, text=True, check=False)

        assert 0 == done.returncode

    def test_what_is_deployed_is_there_and_takes_what_is_given(self) -> None:
        """Every parameter is one of the template; those that it needs are given."""
        (command,) = (one for one in COMMANDS if "deployment group create" in one)
        (path,) = re.findall(r"--template-file (\S+)", command)
        parameters = {
            one.name: one
            for one in parse(path, (ROOT / path).read_text("utf-8")).declarations
            if one.kind == "param"
        }
        (values,) = re.findall(r"--parameters (.*?)\\\n", command)
        given = {one.partition("=")[0] for one in values.split()}
        outputs = re.findall(r"properties\.outputs\.(\w+)\.value", command)
        table = re.findall(r"^\| `(\w+)` \| .* \| .* \|$", EXAMPLES, re.MULTILINE)

        assert {name for name, one in parameters.items() if one.value is None} == given
        assert set(table) <= set(parameters)
        assert all(f"output {name} " in (ROOT / path).read_text("utf-8") for name in outputs)

    def test_the_row_of_dataverse_has_the_flow_as_text(self, tmp_path: Path) -> None:
        """The command is run."""
        (command,) = (one for one in COMMANDS if "clientdata" in one)
        (tmp_path / "examples").symlink_to(ROOT / "examples")
        ready = command.replace("python3", shlex.quote(sys.executable))
        subprocess.run(["bash", "-c", ready], cwd=tmp_path, check=True)
        row = json.loads((tmp_path / "flow.json").read_text("utf-8"))
        kept = (ROOT / "examples/workflows/power-automate/tell-teams.json").read_text("utf-8")

        assert (5, 1, "none") == (row["category"], row["type"], row["primaryentity"])
        assert kept == row["clientdata"]

"""What `docs/azure-policy.md` shows can be done as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from stage_functions.wire.policy_definitions import definitions
from tests.cli.console import run

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "azure-policy.md").read_text("utf-8")


def test_the_cases_come_out_as_shown(tmp_path: Path) -> None:
    """They lie beside the folder of the policies."""
    (cases,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "infra").symlink_to(PROJECT / "infra")
    (tmp_path / "policy-cases.yaml").write_text(cases, "utf-8")
    done = run("policy", "test", "--cases", str(tmp_path / "policy-cases.yaml"))

    assert (0, "", "2 of 2 are as expected\n") == (done.code, done.err, done.out)
    assert 2 == len(yaml.safe_load(cases)["cases"])


def test_every_definition_is_told_of() -> None:
    """By its name, in the table and where it is assigned."""
    table = re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)

    assert list(definitions()) == table


def test_its_commands_are_ones() -> None:
    """Each command of Stageward's that it names has the options that it shows."""
    for command in re.findall(r"^stageward (.*?)(?: *#.*)?$", PAGE, re.MULTILINE):
        words = command.split()
        options = [word for word in words if word.startswith("--")]
        shown = run(*words[:2], "--help")
        assert 0 == shown.code
        assert [] == [option for option in options if option not in shown.out]


def test_its_links_lead_somewhere() -> None:
    """Pages that are there, and headings within this one."""
    headings = {
        re.sub(r"[^a-z -]", "", line.lower()).replace(" ", "-")
        for line in re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
    }
    for page, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", PAGE):
        assert not page or (PROJECT / "docs" / page).exists(), page
        assert page or anchor in headings, anchor

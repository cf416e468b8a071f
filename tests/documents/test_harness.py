"""What runs documents finds what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documents import stand_in
from tests.documents.program import write
from tests.documents.reading import Document
from tests.documents.script import script
from tests.documents.tables import Setting
from tests.documents.world import beginning
from tests.receiver import Receiver

FAILS = {
    "false": "false",
    "an option that is none": "stageward ls --no-such-option",
    "a setting that is none": "azd env set NO_SUCH_SETTING 1",
    "a target that is none": "make no-such-target",
    "a variable that is not set": 'echo "$NO_SUCH_VARIABLE"',
    "the first of two": "false | true",
    "a value that is not there": """echo '{"a": 1}' | jq -r .b""",
}


@pytest.mark.parametrize("command", FAILS.values(), ids=FAILS)
def test_a_wrong_command_fails_its_document_with_the_line(tmp_path: Path, command: str) -> None:
    """Whatever stands behind it."""
    document = Document("page.md", f"# Page\n\n```sh\ntrue\n{command}\necho not reached\n```\n")
    world = beginning(tmp_path, Setting())

    with pytest.raises(pytest.fail.Exception) as caught:
        world.run(write(world, document, Setting()))

    assert "not reached" not in str(caught.value)
    assert "page.md:5" in str(caught.value) or "line 5" in str(caught.value)


def test_an_address_with_nothing_behind_it_fails_its_document(tmp_path: Path) -> None:
    """Also where `curl` is not told to fail, as a reader would not be."""
    with Receiver(404) as receiver:
        document = Document("page.md", f"```sh\ncurl --silent {receiver.url}/none\n```\n")
        world = beginning(tmp_path, Setting())

        with pytest.raises(pytest.fail.Exception, match=r"page\.md:2: ended with 22: curl"):
            world.run(write(world, document, Setting()))


def test_commands_stand_at_the_lines_of_the_document() -> None:
    """Python goes to the interpreter that is on the path."""
    text = "# A\n\n```sh\none <name> 1\n```\n\nb\n\n```python\nprint(1)\n```\n"
    document = Document("page.md", text)
    found = script(document, list(document.blocks()), {"1": "2"}).splitlines()

    assert "one placeholder 2" == found[3]
    assert ["python - <<'END OF THE BLOCK'", "print(2)", "END OF THE BLOCK"] == found[8:11]


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("azd env get-value NO_SUCH_OUTPUT", "no such value"),
        ("azd hooks run no-such-hook", "no such hook"),
        ("azd no-such-command", "no such command"),
        ("az role definition create --role-definition infra/roles/none.json", "no such file"),
        ("az role assignment create --role Owner", "no such role"),
        ("az rest --body @none.json", "no such file"),
        ("az policy assignment create --policy stageward-none", "no such policy"),
        ("az x --url /providers/policyDefinitions/stageward-none?api-version=1", "no such policy"),
        ("az x --endpoint /sites/app/functions/none", "no such function"),
        (
            "az deployment group create --template-file infra/logic-app/main.bicep "
            "--parameters none=1",
            "no such parameter",
        ),
    ],
)
def test_what_is_not_ours_is_refused(
    command: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whatever stands for `az` and `azd`."""
    monkeypatch.chdir(stand_in.ROOT)
    program, *arguments = command.split()

    with pytest.raises(stand_in.UnknownNameError, match=fault):
        stand_in.main(program, arguments)


@pytest.mark.parametrize(("said", "fails"), [("# exits 2: why", False), ("# exits 3", True)])
def test_a_document_may_say_how_a_command_ends(tmp_path: Path, said: str, *, fails: bool) -> None:
    """And is held to it."""
    command = f"python -c 'raise SystemExit(2)'   {said}"
    document = Document("page.md", f"```sh\n{command}\necho reached\n```\n")
    world = beginning(tmp_path, Setting())
    program = write(world, document, Setting())

    if fails:
        with pytest.raises(pytest.fail.Exception, match="ended with 2, not 3"):
            world.run(program)
    else:
        assert "reached" in world.run(program)

"""The page of the example, from its first command to its last, before a real MLflow and Stageward."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.azurite import free_port
from tests.examples.iris import IRIS, ROOT, environment
from tests.mlflow_server import WEBHOOKS, running_mlflow

README = (IRIS / "README.md").read_text("utf-8")
LOCAL = README.partition("## On one machine")[2].partition("## On Azure ML")[0]
BLOCKS = re.findall(r"```sh\n(.*?)```", LOCAL, re.DOTALL)
_EXITS = re.compile(r"(.*?)\s+# exits (\d):.*")
_PRELUDE = """\
set -euo pipefail
stageward() {{
  if [ "$1" != serve ]; then command stageward "$@"; return; fi
  command stageward "$@" > {folder}/serve.log 2>&1 &
  echo $! > {folder}/pid
  for try in $(seq 600); do
    if curl --silent --output /dev/null "$STAGEWARD_URL/healthz"; then return; fi
    sleep 0.1
  done
  return 1
}}
mlflow() {{ if [ "$1" != server ]; then command mlflow "$@"; fi; }}
trap 'kill $(cat {folder}/pid); wait' EXIT
"""
"""MLflow runs already, and Stageward has answered before the next command."""


def _checked(line: str) -> str:
    """Return a command of the page that fails where it ends otherwise than the page says."""
    line = line.removesuffix(" &")  # what starts servers here goes into the background itself
    found = _EXITS.fullmatch(line)
    if found is None:
        return line
    command, code = found.groups()
    return f"{command} && exit 97 || [ $? -eq {code} ]"


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run all commands of the page, in one shell as a reader does; the value is what they print."""
    folder = tmp_path_factory.mktemp("iris")
    with running_mlflow(folder, WEBHOOKS) as server:
        text = "".join(BLOCKS).replace("http://127.0.0.1:5000", server.address)
        text = text.replace(":8321", f":{free_port()}").replace("iris.db", f"{folder}/ledger.db")
        program = folder / "page.sh"
        lines = map(_checked, text.splitlines())
        program.write_text(_PRELUDE.format(folder=folder) + "\n".join(lines))
        done = subprocess.run(
            ["bash", program],
            cwd=ROOT,
            env=environment(server.address),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, done.stdout[-6000:]
        yield done.stdout


def _after(said: str, *marks: str) -> str:
    """Return what was printed after these texts, each looked for behind the one before."""
    for mark in marks:
        assert mark in said, f"not said: {mark}"
        said = said.partition(mark)[2]
    return said


def _stages(listed: str) -> dict[str, str]:
    """Return the stages of a list, by number of the version."""
    return dict(re.findall(r"^demo/models/iris:(\d) +(\w+) ", listed, re.MULTILINE))


def test_the_page_comes_out_as_told(said: str) -> None:
    """From None through Staging and an approval to Production, step by step."""
    rest = _after(said, "registered iris:1", "demo/models/iris:1  None", "granted: ")
    rest = _after(rest, "None → Staging", "allowed", "not allowed", "waits for approval")
    _after(rest, "only model-risk may vote on it", "granted", '"setosa", "virginica"')


def test_the_previous_version_is_archived(said: str) -> None:
    """With the second approval the second version is in Production, and the first one archived."""
    rest = _after(said, "registered iris:2")
    listed, _, later = rest.partition("registered iris:3")

    assert {"1": "Archived", "2": "Production"} == _stages(listed)
    assert "not allowed: demo/models/iris:1 stands at Archived" in listed
    assert "no-worse failed" in later


def test_what_is_approved_is_known(said: str) -> None:
    """Whoever decides sees job, code, data, metrics and parameters of the version."""
    shown = _after(said, "demo/models/iris:1: None").partition("granted: ")[0]
    known = {line.split()[0]: line for line in shown.splitlines() if line.strip()}

    assert "person:scientist-1" in known["author"]
    for section in ("job", "code", "model", "data", "environment", "metrics", "params"):
        assert "not recorded" not in known[section], known[section]
    assert "accuracy = 0.91" in known["metrics"]
    assert "c = 0.02" in known["params"]


def test_the_history_is_whole(said: str) -> None:
    """The last command of the page checks every record."""
    for kind in ("Registered", "ApprovalRequested", "Voted", "StageChanged", "TransitionRefused"):
        assert kind in _after(said, "no-worse failed"), kind


pytestmark = pytest.mark.timeout(400)

"""How the action installs Stageward: the script is run, and pip is one that keeps what it was asked."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.pipelines.actions_runner import ACTION, ROOT

STAND_IN = """\
#!/bin/sh
echo "$@" >> "{log}"
case "$1 $2" in
"-c import"*) exit {usable} ;;
"-m venv") mkdir -p "$4/bin"; cp "$0" "$4/bin/python" ;;
esac
"""


def install(
    folder: Path, usable: int = 0, path: str = "/usr/bin:/bin"
) -> tuple[int, str, list[str]]:
    """Run the script; return its exit code, what it printed, and what Python was asked."""
    log = folder / "python.txt"
    bin_ = folder / "bin"
    bin_.mkdir(exist_ok=True)
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        (bin_ / name).write_text(STAND_IN.format(log=log, usable=usable))
        (bin_ / name).chmod(0o755)
    done = subprocess.run(
        ["bash", ACTION / "install.sh", folder / "stageward"],
        env={"PATH": f"{bin_}:{path}"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr, log.read_text().splitlines()


def test_it_installs_this_checkout_with_its_pins(tmp_path: Path) -> None:
    """Into an environment of its own, so that nothing of the job's is changed."""
    code, said, asked = install(tmp_path)

    assert (0, "") == (code, said)
    assert f"-m venv --clear {tmp_path / 'stageward'}" == asked[1]
    assert asked[2].startswith("-m pip install ")
    assert asked[2].endswith(f"--constraint {ROOT / 'constraints.txt'} {ROOT}")
    assert (ROOT / "constraints.txt").is_file()


def test_it_installs_once_a_job(tmp_path: Path) -> None:
    """Another step of the same job finds it there."""
    install(tmp_path)
    _, _, asked = install(tmp_path)

    assert 3 == len(asked)


def test_without_a_python_that_will_do_it_says_what_to_do(tmp_path: Path) -> None:
    """An annotation names the action that brings one."""
    code, said, _ = install(tmp_path, usable=1)

    assert 1 == code
    assert said.startswith("::error title=Stageward is not installed::It needs Python 3.11")

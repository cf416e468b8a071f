"""The release before this one, from git: its own tree, run by this environment's Python.

`PREVIOUS` names its commit. When a release is made, the file is given that release's commit, so that
the next one is tested beside it.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMIT = (Path(__file__).parent / "PREVIOUS").read_text().strip()


@pytest.fixture(scope="session")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tree of the previous release.

    Sources unpacked from an archive have no history to take it from: there, what needs it is
    skipped. In a clone that lacks the commit it fails, so that nobody misses these tests unawares.
    """
    if not (ROOT / ".git").exists():
        pytest.skip("these sources are no clone: the previous release is taken from git's history")
    found = subprocess.run(
        ["git", "archive", COMMIT, "stage_functions", "tests", "stageward.yaml"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if found.returncode:
        said = found.stderr.decode(errors="replace").strip()
        pytest.fail(
            f"this clone lacks the previous release ({said}): "
            "get its whole history with `git fetch --unshallow`"
        )
    folder = tmp_path_factory.mktemp("previous")
    with tarfile.open(fileobj=io.BytesIO(found.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder

"""A copy of what the checker reads of this project, in which faults are planted."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.infra import suite

ROOT = Path(__file__).parents[2]
_FOLDERS = ("infra", "docs")
_FILES = (
    ".funcignore",
    "README.md",
    "azure.yaml",
    "function_app.py",
    "host.json",
    "pyproject.toml",
    "requirements.txt",
    "scripts/lock.sh",
    "stageward.azure.yaml",
)


class Project:
    """The copy.

    Attributes:
        root: its folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        ignored = shutil.ignore_patterns("__pycache__")
        for folder in _FOLDERS:
            shutil.copytree(ROOT / folder, root / folder, ignore=ignored)
        (root / "stage_functions").symlink_to(ROOT / "stage_functions")  # nothing is planted there
        for file in _FILES:
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, root / file)

    def plant(self, path: str, before: str, after: str) -> None:
        """Replace text that stands in a file, the first time it does."""
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert before in text, f"{path} holds no {before!r} any more: plant this another way"
        file.write_text(text.replace(before, after, 1), encoding="utf-8")

    def rules(self, *, thorough: bool = False) -> dict[str, list[str]]:
        """Return what the checker finds: the rules, each with the lines that it would write."""
        found: dict[str, list[str]] = {}
        for fault in suite.faults(self.root, thorough=thorough)[1]:
            found.setdefault(fault.rule, []).append(str(fault))
        return found

"""`python -m scripts.infra`: check the project's templates; see the package."""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.infra import check


def main(root: Path) -> int:
    files, found = check.read(root)
    if not any(fault.rule in check.BLIND for fault in found):
        found += check.evaluate(root, files)[1]
    for fault in found:
        print(fault)
    return bool(found)


sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else Path.cwd()))

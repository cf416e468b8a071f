"""`python -m scripts.infra`: check the project's templates; see the package."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scripts.infra import checkov, suite


def main(arguments: list[str]) -> int:
    """Write what is wrong, a line each; return how the program ends."""
    parser = argparse.ArgumentParser(prog="python -m scripts.infra")
    parser.add_argument("root", nargs="?", type=Path, default=Path.cwd(), help="of the project")
    parser.add_argument(
        "--checkov", type=Path, help="have the Checkov of this Python look over them too"
    )
    given = parser.parse_args(arguments)
    deployments, found = suite.faults(given.root)
    if given.checkov and deployments:
        try:
            found = sorted({*found, *checkov.check(deployments, given.checkov, given.root)})
        except checkov.CheckovError as exc:
            sys.stderr.write(f"{exc}\n")
            return 1
    sys.stdout.writelines(f"{fault}\n" for fault in found)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

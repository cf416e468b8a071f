"""`python -m scripts.infra`: check the project's templates; see the package."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scripts.infra import suite


def main(arguments: list[str]) -> int:
    """Write what is wrong, a line each; return how the program ends."""
    parser = argparse.ArgumentParser(prog="python -m scripts.infra")
    parser.add_argument("root", nargs="?", type=Path, default=Path.cwd(), help="of the project")
    given = parser.parse_args(arguments)
    _, found = suite.faults(given.root)
    sys.stdout.writelines(f"{fault}\n" for fault in found)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

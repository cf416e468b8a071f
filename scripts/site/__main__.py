"""`python -m scripts.site`: build the site of the documents; see the package."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scripts.site.build import build


def main(arguments: list[str]) -> int:
    """Build, and write what is wrong, a line each; return how the program ends."""
    parser = argparse.ArgumentParser(prog="python -m scripts.site")
    parser.add_argument("out", nargs="?", type=Path, default=Path("site"), help="where it goes")
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="of the project")
    given = parser.parse_args(arguments)
    faults = build(given.root.resolve(), given.out.resolve())
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    if not faults:
        sys.stdout.write(f"The site is in {given.out}: open {given.out / 'index.html'}\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

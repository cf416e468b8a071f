"""Run the command line as `python -m stage_functions`."""

from __future__ import annotations

from stage_functions.cli import main

if __name__ == "__main__":
    main()

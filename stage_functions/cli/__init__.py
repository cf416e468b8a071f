"""The command line. Every error names the next step; people read it, programs take `--json`."""

from __future__ import annotations

from stage_functions.cli.main import main

__all__ = ["main"]

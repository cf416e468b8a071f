"""The command line, run as a user does but in this process, against a running Stageward."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

import pytest

from stage_functions.cli.main import main
from tests.api_server import Api


@dataclass(frozen=True, slots=True)
class Done:
    """What a command came to.

    Attributes:
        code: exit code.
        out: what it printed.
        err: what it complained.
    """

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401  # as JSON is
        """What it printed, parsed."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Console:
    """A terminal whose environment names a Stageward."""

    api: Api
    patch: pytest.MonkeyPatch

    def run(self, who: str, *arguments: str) -> Done:
        """Run a command as somebody."""
        self.patch.setenv("STAGEWARD_URL", self.api.address)
        self.patch.setenv("STAGEWARD_TOKEN", who)
        return run(*arguments)


def run(*arguments: str) -> Done:
    """Run a command."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main(arguments)
        except SystemExit as exc:
            code = int(exc.code or 0)
    return Done(code, out.getvalue(), err.getvalue())

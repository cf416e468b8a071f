"""Holds an AsyncAPI document against the parser of AsyncAPI itself, which runs on Node."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

PLACE = Path(__file__).parents[1] / ".linters"
PROGRAM = PLACE / "node"
_PARSER = PLACE / "node_modules" / "@asyncapi" / "parser"
_CODE = """
const { Parser } = require(process.argv[1]);
new Parser().parse(require('fs').readFileSync(0, 'utf8')).then(({ document, diagnostics }) => {
  const messages = document ? document.allMessages().all() : [];
  console.log(JSON.stringify({
    found: diagnostics.map((one) => [one.severity, one.code, one.path.join('/'), one.message]),
    messages: messages.map((one) => one.name()),
  }));
});
"""
NEWER = "asyncapi-latest-version"
"""That a later version of AsyncAPI is there: no fault, and 3.0 is what more tools read."""


def parsed(document: object) -> tuple[list[str], list[str]]:
    """Return what the parser finds wrong, warnings and hints too, and the messages it has read."""
    if not PROGRAM.exists() or not _PARSER.exists():
        pytest.fail(
            f"the linters are not installed ({_PARSER} is missing): `make test` installs them",
            pytrace=False,
        )
    done = subprocess.run(
        [PROGRAM, "-e", _CODE, str(_PARSER)],
        input=json.dumps(document),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    told = json.loads(done.stdout)
    faults = [" ".join(map(str, one)) for one in told["found"] if one[1] != NEWER]
    return faults, sorted(set(told["messages"]))

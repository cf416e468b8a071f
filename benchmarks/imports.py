"""What `import function_app` loads, and its time beside that of the libraries that it must load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.rows import Row

ROOT = Path(__file__).parent.parent
_HEAVY = ("azure.ai.ml", "azure.identity", "mlflow", "fastapi", "pandas", "numpy", "sklearn")
_OURS = "function_app"
_THEIRS = "azure.functions, azure.data.tables, azure.eventgrid"
_SCRIPT = """
import json, sys, time
start = time.perf_counter()
import {modules}
seconds = time.perf_counter() - start
print(json.dumps([seconds, [name for name in {heavy!r} if name in sys.modules]]))
"""


def measure(*, times: int) -> list[Row]:
    """Import both in fresh processes, in turn; the fastest of each counts."""
    loads = f"import {_OURS}: heavy libraries loaded"
    ratio = f"import {_OURS}, over importing {_THEIRS}"
    if not (ROOT / f"{_OURS}.py").exists():
        missing = f"{_OURS}.py is missing"
        return [
            Row(loads, None, "modules", "= 0", missing),
            Row(ratio, None, "x", "≤ 1.5", missing),
        ]
    seconds: dict[str, list[float]] = {_OURS: [], _THEIRS: []}
    found: list[str] = []
    for _ in range(times + 1):  # the first one compiles
        for modules, noted in seconds.items():
            took, loaded = _import(modules)
            noted.append(took)
            found = loaded if modules == _OURS else found
    ours, theirs = (min(noted[1:]) for noted in seconds.values())
    best = f"the fastest of {times}: {ours * 1000:.0f} ms, {theirs * 1000:.0f} ms"
    return [
        Row(
            loads, len(found), "modules", "= 0", ", ".join(found) or "none of " + ", ".join(_HEAVY)
        ),
        Row(ratio, ours / theirs, "x", "≤ 1.5", best),
    ]


def _import(modules: str) -> tuple[float, list[str]]:
    done = subprocess.run(  # noqa: S603  # a fixed script
        [sys.executable, "-c", _SCRIPT.format(modules=modules, heavy=_HEAVY)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    seconds, loaded = json.loads(done.stdout)
    return seconds, loaded

"""Measure everything in one run; print a table and write `results.json` beside this file."""

from __future__ import annotations

import argparse
import logging
import os
import platform
import tempfile
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

from benchmarks import (
    asof,
    azureml,
    counted,
    imports,
    operations,
    packs,
    pages,
    policies,
    rows,
    throughput,
    verify,
)
from benchmarks.servers import running

RESULTS = Path(__file__).parent / "results.json"
QUICK = throughput.Pace(rounds=3, seconds=1)
THOROUGH = throughput.Pace(rounds=5, seconds=4)


def main() -> None:
    """Run all benchmarks; whatever the figures, the exit code is 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter rounds, coarser figures")
    quick = parser.parse_args().quick
    console, progress = Console(), Console(stderr=True)
    logging.basicConfig(level=logging.WARNING)
    progress.print("imports ...")
    circumstances = _circumstances()
    found = imports.measure(times=7 if quick else 11)
    with tempfile.TemporaryDirectory(prefix="stageward-bench-") as folder:
        progress.print("servers start ...")
        with running(Path(folder)) as servers:
            pace = QUICK if quick else THOROUGH
            progress.print(f"throughput, {pace.rounds} rounds ...")
            measured = throughput.compare(servers, pace)
            progress.print("counting ...")
            found = [*measured, *counted.count(servers.bare), *found]
        progress.print("pages ...")
        found += pages.measure(Path(folder))
        progress.print("packs ...")
        found += packs.measure(Path(folder), packs.QUICKLY if quick else packs.RECORDS)
        progress.print("as of ...")
        found += asof.measure(Path(folder), asof.QUICKLY if quick else asof.SIZES)
        progress.print("rules ...")
        found += policies.measure(policies.QUICKLY if quick else policies.ROUNDS)
        progress.print("azure ml ...")
        found += azureml.measure(Path(folder), azureml.QUICKLY if quick else azureml.VERSIONS)
        progress.print("verify ...")
        found += verify.measure(Path(folder), verify.QUICKLY if quick else verify.RECORDS)
        progress.print("operations ...")
        found += operations.measure()
    rows.show(found, console, circumstances)
    rows.keep(found, RESULTS)
    missed = [row.name for row in found if row.holds is False]
    console.print(f"{len(missed)} goals do not hold." if missed else "Every goal holds.")


def _circumstances() -> str:
    """Say on what was measured; what else ran there shows as load, and in how far rounds differ."""
    busy = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    return (
        f"{os.cpu_count()} cores, Python {platform.python_version()}, MLflow {version('mlflow')}; "
        f"load of the last 1, 5 and 15 minutes before it began: {busy}"
    )


if __name__ == "__main__":
    main()

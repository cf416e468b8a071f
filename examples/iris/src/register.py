"""Register an evaluated classifier, as an output of the run that trained it.

It begins at None. A stage is not set here, nor can it be: a wish for one may go along, as the tag
`stage_request`, and Stageward answers it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import mlflow
from mlflow.models import Model


def main() -> None:
    """Register as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="folder of the classifier")
    parser.add_argument("--report", required=True, help="its metrics, as JSON")
    parser.add_argument("--name", required=True, help="what it is registered as")
    parser.add_argument("--stage-request", default="", help="such as: Staging: ready for tests")
    parser.add_argument("--registered", required=True, help="file for name and version, as JSON")
    given = parser.parse_args()
    metrics = json.loads(Path(given.report).read_text(encoding="utf-8"))
    tags = {"stage_request": given.stage_request} if given.stage_request else {}
    with mlflow.start_run():
        source = f"runs:/{Model.load(given.model).run_id}/model"
        version = mlflow.register_model(source, given.name, tags=tags)
    registered = {"name": version.name, "version": str(version.version), "metrics": metrics}
    Path(given.registered).write_text(json.dumps(registered, indent=2), encoding="utf-8")
    print(f"registered {version.name}:{version.version}")


if __name__ == "__main__":
    main()

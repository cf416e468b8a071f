"""Train and register models as a data scientist does, with MLflow's own library.

Run as a program, in a process of its own: `python -m tests.mlflow_training <address> <name>
<user> <commit>`. It prints what it made as JSON. The versions it registers, in order:

1. logged inside a run, with parameters, metrics, a dataset and a signature;
2. from an artifact of that run, by `runs:/`;
3. from the same artifact, by the place where the run keeps it;
4. a logged model whose own run is silent, and which another run measured.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
import warnings
from pathlib import Path

import mlflow
from mlflow.data.pandas_dataset import from_pandas
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression


def main(address: str, name: str, user: str, commit: str) -> None:
    """Train, log and register."""
    mlflow.set_tracking_uri(address)
    mlflow.set_experiment(name)
    measured, target = load_iris(return_X_y=True, as_frame=True)
    model = LogisticRegression(C=0.5, max_iter=200).fit(measured, target)
    signature = infer_signature(measured, model.predict(measured))
    tags = {"mlflow.source.git.commit": commit, "mlflow.user": user}
    with mlflow.start_run(run_name="train iris", tags=tags) as run:
        data = from_pandas(measured, name="iris", source="https://example.org/iris.csv")
        held_out = from_pandas(measured.tail(30), name="held-out")
        mlflow.log_input(held_out, context="validation")
        mlflow.log_input(data, context="training")
        mlflow.log_params({"C": 0.5, "note": "ü" * 1000})
        mlflow.log_metric("accuracy", model.score(measured, target))
        mlflow.log_metric("not-a-number", math.nan)
        mlflow.log_metric("infinite", math.inf)
        logged = mlflow.sklearn.log_model(
            model, name="model", signature=signature, registered_model_name=name
        )
        with tempfile.TemporaryDirectory() as folder:
            mlflow.sklearn.save_model(model, str(Path(folder) / "m"), signature=signature)
            mlflow.log_artifacts(str(Path(folder) / "m"), "saved/by hand")
    client = mlflow.MlflowClient()
    client.create_model_version(name, f"runs:/{run.info.run_id}/saved/by hand", run.info.run_id)
    place = f"{run.info.artifact_uri}/saved/by hand"
    client.create_model_version(name, place, run.info.run_id)
    with mlflow.start_run() as silent:
        other = mlflow.sklearn.log_model(model, name="other", params={"C": 0.5})
    with mlflow.start_run():
        mlflow.log_metric("auc", 0.75, model_id=other.model_id)
        mlflow.log_metric("lost", math.nan, model_id=other.model_id)
    source = f"models:/{other.model_id}"
    client.create_model_version(name, source, silent.info.run_id, model_id=other.model_id)
    made = {"run": run.info.run_id, "model": logged.model_id, "silent": silent.info.run_id}
    sys.stdout.write(json.dumps({**made, "other": other.model_id}))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])

"""Measure a classifier on what was held back.

The metrics go to the run of this step, and to the run that trained the classifier: that one is what
a registered version points to, so that is where whoever has to approve it finds them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.models import Model
from sklearn.metrics import accuracy_score, f1_score, log_loss

TARGET = "target"


def main() -> None:
    """Measure as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="folder of the classifier")
    parser.add_argument("--held-out", required=True, help="CSV that it never saw")
    parser.add_argument("--report", required=True, help="file for the metrics, as JSON")
    given = parser.parse_args()
    with mlflow.start_run():
        metrics = measured(given.model, pd.read_csv(given.held_out))
        mlflow.log_metrics(metrics)
        client, trained = mlflow.MlflowClient(), Model.load(given.model).run_id
        for name, value in metrics.items():
            client.log_metric(trained, name, value)
    report = json.dumps(metrics, indent=2)
    Path(given.report).write_text(report, encoding="utf-8")
    print(report)


def measured(model: str, held_out: pd.DataFrame) -> dict[str, float]:
    """Return how good a classifier is.

    Args:
        model: its folder.
        held_out: what it never saw, with the target.
    """
    classifier = mlflow.sklearn.load_model(model)
    features, target = held_out.drop(columns=TARGET), held_out[TARGET]
    predicted = classifier.predict(features)
    likely = classifier.predict_proba(features)
    return {
        "accuracy": float(accuracy_score(target, predicted)),
        "f1_macro": float(f1_score(target, predicted, average="macro")),
        "log_loss": float(log_loss(target, likely, labels=classifier.classes_)),
    }


if __name__ == "__main__":
    main()

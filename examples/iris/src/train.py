"""Train a classifier of irises, and hold back a part of the data that it never sees.

What is trained is saved with what serves it on Azure ML, kept with the run, and handed on. It is
saved and logged as a folder, not by `log_model`: Azure ML has no logged models as MLflow 3 has.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version

import mlflow
import pandas as pd
from mlflow.data.pandas_dataset import from_pandas
from mlflow.models import Model, infer_signature
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

TARGET = "target"
HELD_OUT = 0.3
"""Share of the data that is held back."""
LOADED_WITH = ["cloudpickle", "mlflow", "numpy", "pandas", "scikit-learn", "scipy"]
"""What the classifier is loaded with: in the versions that it was trained with, and not guessed."""
SERVED_WITH = ["azureml-ai-monitoring==1.0.0", "azureml-inference-server-http==1.5.1"]
"""What a deployment without code of one's own imports on Azure ML, and does not bring itself."""


def main() -> None:
    """Train as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="CSV with a column of the target")
    parser.add_argument("--c", type=float, required=True, help="inverse of the regularisation")
    parser.add_argument("--seed", type=int, default=7, help="of the split")
    parser.add_argument("--model", required=True, help="folder to save the classifier in")
    parser.add_argument("--held-out", required=True, help="file for what is held back, as CSV")
    given = parser.parse_args()
    with mlflow.start_run() as run:
        train(given, run.info.run_id)


def train(given: argparse.Namespace, run_id: str) -> None:
    """Train, and record with the run what it was trained on and how.

    Args:
        given: the arguments.
        run_id: the run's.
    """
    data = pd.read_csv(given.data)
    seen, held_out = train_test_split(
        data, test_size=HELD_OUT, random_state=given.seed, stratify=data[TARGET]
    )
    features = seen.drop(columns=TARGET)
    classifier = LogisticRegression(C=given.c, max_iter=2000).fit(features, seen[TARGET])
    mlflow.log_params({"c": given.c, "seed": given.seed, "rows": len(seen)})
    if not mlflow.get_tracking_uri().startswith("azureml"):  # which knows what its jobs were given
        dataset = from_pandas(data, source=given.data, name="iris", targets=TARGET)
        mlflow.log_input(dataset, context="training")
    mlflow.sklearn.save_model(
        classifier,
        given.model,
        mlflow_model=Model(run_id=run_id),  # by which the next steps know the run
        signature=infer_signature(features, classifier.predict(features)),
        input_example=features.head(2),
        pip_requirements=[*(f"{one}=={version(one)}" for one in LOADED_WITH), *SERVED_WITH],
    )
    mlflow.log_artifacts(given.model, "model")
    held_out.to_csv(given.held_out, index=False)


if __name__ == "__main__":
    main()

"""Train classifiers on the IRIS data, as a data scientist would."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from pandas import DataFrame
    from sklearn.linear_model import LogisticRegression

MODEL = "iris"


class Trained(Struct, frozen=True):
    """A classifier, and how good it is on the held-out set.

    Attributes:
        model: the classifier.
        params: what it was made with.
        metrics: by name; `accuracy` is one.
    """

    model: LogisticRegression
    params: dict[str, str]
    metrics: dict[str, float]

    @property
    def accuracy(self) -> float:
        """The share of the held-out set that it gets right."""
        return self.metrics["accuracy"]


class Data(Struct, frozen=True):
    """What is trained on.

    Attributes:
        frame: all of it.
        features: of the part to train on.
    """

    frame: DataFrame
    features: DataFrame


def fit() -> tuple[Data, list[Trained]]:
    """Train five classifiers; the least accurate comes first."""
    from sklearn.datasets import load_iris  # noqa: PLC0415  # slow to import; so are the others
    from sklearn.linear_model import LogisticRegression as Regression  # noqa: PLC0415  # likewise
    from sklearn.metrics import f1_score, log_loss  # noqa: PLC0415  # likewise
    from sklearn.model_selection import train_test_split  # noqa: PLC0415  # likewise

    data = load_iris(as_frame=True)
    x_train, x_test, y_train, y_test = train_test_split(
        data.data, data.target, test_size=0.3, random_state=7, stratify=data.target
    )
    trained: list[Trained] = []
    for strength in (0.02, 0.1, 0.5, 5.0, 50.0):
        model = Regression(C=strength, max_iter=2000).fit(x_train, y_train)
        metrics = {
            "accuracy": float(model.score(x_test, y_test)),
            "f1_macro": float(f1_score(y_test, model.predict(x_test), average="macro")),
            "log_loss": float(log_loss(y_test, model.predict_proba(x_test))),
        }
        params = {k: str(v) for k, v in model.get_params().items() if v is not None}
        trained.append(Trained(model, params, metrics))
    return Data(data.frame, x_train), sorted(trained, key=lambda one: one.accuracy)


def register_in_mlflow(
    tracking_uri: str, data: Data, trained: list[Trained]
) -> list[tuple[str, float]]:
    """Log classifiers with MLflow and register each; return the versions with their accuracy."""
    import mlflow  # noqa: PLC0415  # 1.3 s to import, and only the demonstration needs it
    from mlflow.data.pandas_dataset import from_pandas  # noqa: PLC0415  # likewise
    from mlflow.environment_variables import (  # noqa: PLC0415  # likewise
        MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT,
    )
    from mlflow.models import infer_signature  # noqa: PLC0415  # likewise

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.set(True)  # type: ignore[no-untyped-call]  # MLflow's
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_experiment("iris")
    registered: list[tuple[str, float]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one in trained:
            with mlflow.start_run(tags={"mlflow.user": "scientist1"}):
                mlflow.log_params(one.params)
                mlflow.log_metrics(one.metrics)
                dataset = from_pandas(data.frame, name="iris", targets="target")
                mlflow.log_input(dataset, context="training")
                signature: Any = infer_signature(data.features, one.model.predict(data.features))
                info = mlflow.sklearn.log_model(
                    one.model,
                    name="model",
                    signature=signature,
                    input_example=data.features.head(2),
                )
            version = mlflow.register_model(info.model_uri, MODEL, await_registration_for=0)
            registered.append((str(version.version), one.accuracy))
    return registered

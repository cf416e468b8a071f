"""Train classifiers on the IRIS data and register them, as a data scientist would."""

from __future__ import annotations

import logging
import warnings

MODEL = "iris"


def train(tracking_uri: str) -> list[tuple[str, float]]:
    """Train five classifiers, log them with MLflow, register each; the least accurate first.

    Returns:
        The versions with their accuracy on the held-out set, in the order of registration.
    """
    import mlflow  # noqa: PLC0415  # 1.3 s to import, and only the demonstration needs it
    from mlflow.data.pandas_dataset import from_pandas  # noqa: PLC0415  # likewise
    from mlflow.environment_variables import (  # noqa: PLC0415  # likewise
        MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT,
    )
    from mlflow.models import infer_signature  # noqa: PLC0415  # likewise
    from sklearn.datasets import load_iris  # noqa: PLC0415  # likewise
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  # likewise
    from sklearn.metrics import f1_score, log_loss  # noqa: PLC0415  # likewise
    from sklearn.model_selection import train_test_split  # noqa: PLC0415  # likewise

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.set(True)  # type: ignore[no-untyped-call]  # MLflow's
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_experiment("iris")
    data = load_iris(as_frame=True)
    features, labels = data.data, data.target
    x_train, x_test, y_train, y_test = train_test_split(
        features, labels, test_size=0.3, random_state=7, stratify=labels
    )
    candidates = [
        LogisticRegression(C=0.02, max_iter=500),
        LogisticRegression(C=0.1, max_iter=500),
        LogisticRegression(C=0.5, max_iter=500),
        LogisticRegression(C=5.0, max_iter=1000),
        LogisticRegression(C=50.0, max_iter=2000),
    ]
    fitted = [(model.fit(x_train, y_train), model.score(x_test, y_test)) for model in candidates]
    registered: list[tuple[str, float]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for model, accuracy in sorted(fitted, key=lambda pair: pair[1]):
            with mlflow.start_run(tags={"mlflow.user": "scientist1"}):
                mlflow.log_params({k: v for k, v in model.get_params().items() if v is not None})
                mlflow.log_metrics(
                    {
                        "accuracy": accuracy,
                        "f1_macro": f1_score(y_test, model.predict(x_test), average="macro"),
                        "log_loss": log_loss(y_test, model.predict_proba(x_test)),
                    }
                )
                dataset = from_pandas(data.frame, name="iris", targets="target")
                mlflow.log_input(dataset, context="training")
                signature = infer_signature(x_train, model.predict(x_train))
                info = mlflow.sklearn.log_model(
                    model, name="model", signature=signature, input_example=x_train.head(2)
                )
            version = mlflow.register_model(info.model_uri, MODEL, await_registration_for=0)
            registered.append((str(version.version), accuracy))
    return registered

"""Logs a bit of everything to the tracking URI of the first argument, as clients from 1.30 to 3.x do it."""

import os
import sys

os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", MLFLOW_ALLOW_FILE_STORE="true", GIT_PYTHON_REFRESH="quiet")
os.environ["MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT"] = "1"

import mlflow
from mlflow.tracking import MlflowClient

MAJOR = int(mlflow.__version__.split(".")[0])

mlflow.set_tracking_uri(sys.argv[1])
client = MlflowClient()


def log_model():
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    frame = pd.DataFrame({"x": [1.0, 2.0]})
    dataset = mlflow.data.from_pandas(frame, name="two rows")
    mlflow.log_input(dataset, context="training")
    model = LinearRegression().fit(frame, [2.0, 4.0])
    if MAJOR < 3:
        mlflow.sklearn.log_model(model, "model")
        return
    info = mlflow.sklearn.log_model(model, name="model", params={"alpha": "0.5"}, tags={"made by": "test"})
    mlflow.log_metric("accuracy", 0.75, model_id=info.model_id)
    mlflow.log_metric("accuracy", 0.875, step=1, model_id=info.model_id)


if MAJOR > 1:
    client.create_registered_model("left out")
alpha = client.create_experiment("alpha")
client.set_experiment_tag(alpha, "owner", "Zoë")
mlflow.set_experiment("alpha")
with mlflow.start_run(run_name="first"):
    mlflow.log_params({"lr": 0.1, "text": "two\nlines", "opt/name": "adam"})
    mlflow.set_tag("note", "hällo – ≠")
    for step in range(50):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metric("train/late", 2.0, step=7)
    mlflow.log_metric("train/late", 3.0, step=-3)
    mlflow.log_metric("odd", float("nan"))
    mlflow.log_metric("odd", float("inf"), step=1)
    mlflow.log_metric("odd", float("-inf"), step=2)
    mlflow.log_text("deep inside", "some folder/deep/file.txt")
    mlflow.log_text("", "empty.txt")
    if MAJOR > 1:
        log_model()
    with mlflow.start_run(run_name="child", nested=True):
        mlflow.log_metric("loss", 5)
with mlflow.start_run(run_name="deleted") as deleted:
    mlflow.log_text("kept", "kept.txt")
client.delete_run(deleted.info.run_id)
client.set_terminated(client.create_run(alpha, start_time=12345).info.run_id, "FAILED", end_time=23456)
client.create_run(alpha)
gone = client.create_experiment("gone")
client.create_run(gone)
client.delete_experiment(gone)

"""The sample programs, unchanged: only the environment points them at the server."""

import os
import pathlib
import subprocess
import sys

import mlflow
import pytest

pytestmark = pytest.mark.client((2, 0))
SAMPLES = pathlib.Path(__file__).parents[1] / "samples"
IS_3 = mlflow.__version__.startswith("3.")


# By default the 3.17 client saves scikit-learn models with skops, which refuses the trees of a forest: they are not on its
# list of trusted types. It has no environment setting for that, only the parameter `skops_trusted_types` of `log_model` (or
# `serialization_format`), so this is given as its default before the sample runs from its unchanged file.
TRUSTING_SKOPS = """
import functools, runpy, sys
import mlflow.sklearn
trusted = ["sklearn.tree._tree.Tree"]
mlflow.sklearn.log_model = functools.partial(mlflow.sklearn.log_model, skops_trusted_types=trusted)
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def execute(sample, folder, experiment, *options):
    program = [sys.executable, *options, str(SAMPLES / sample)]
    env = os.environ | {"MLFLOW_EXPERIMENT_ID": experiment}
    done = subprocess.run(program, cwd=folder, env=env, capture_output=True, text=True, timeout=540)
    assert done.returncode == 0, done.stderr[-4000:]
    return done


def only_run(client, experiment):
    (run,) = client.search_runs([experiment])
    return run


def model_files(client, run, path):
    if not IS_3:
        return {entry.path.split("/")[-1] for entry in client.list_artifacts(run.info.run_id, path)}
    (output,) = run.outputs.model_outputs
    entries = mlflow.artifacts.list_artifacts(f"models:/{output.model_id}")
    return {entry.path.split("/")[-1] for entry in entries}


def test_iris_random_forest(client, experiment, tmp_path):
    done = execute("iris_random_forest.py", tmp_path, experiment, *(["-c", TRUSTING_SKOPS] if IS_3 else []))
    assert "MLflow Run completed. Artifacts logged to: mlflow-artifacts:/" in done.stdout
    # Its last line asks for the artifact URI outside of the `with`, which makes the client start a second run.
    (run,) = client.search_runs([experiment], "run_name = 'Iris RF Example'")
    assert (run.info.run_name, run.info.status) == ("Iris RF Example", "FINISHED")
    assert run.data.params == {"n_estimators": "100", "max_depth": "10"}
    assert run.data.metrics["accuracy"] == 1
    assert "MLmodel" in model_files(client, run, "random-forest-model")
    predicted = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/random-forest-model").predict([[5.1, 3.5, 1.4, 0.2]])
    assert list(predicted) == [0]


def test_autolog(client, experiment, tmp_path):
    execute("autolog.py", tmp_path, experiment)
    run = only_run(client, experiment)
    assert (run.info.run_name, run.info.status) == ("rf_experiment", "FINISHED")
    assert run.data.params["n_estimators"] == "100" and run.data.params["max_depth"] == "10"
    assert len(run.data.params) > 10
    assert 0.9 < run.data.metrics["test_accuracy"] <= 1 and run.data.metrics["training_score"] == 1
    paths = {entry.path for entry in client.list_artifacts(run.info.run_id)}
    assert "feature_importance.png" in paths and "estimator.html" in paths
    assert {entry.tags[0].value for entry in run.inputs.dataset_inputs} >= {"train"}

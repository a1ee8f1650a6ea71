"""Models with their files: logged, found, loaded and used, without a model registry."""

import os

import mlflow
import numpy
import pytest

sklearn = pytest.importorskip("sklearn", reason="scikit-learn is not installed here")

import mlflow.sklearn  # noqa: E402  (after the check that it is there)
from sklearn.linear_model import LogisticRegression  # noqa: E402

PINNED = ["scikit-learn"]  # given, the client need not find them out, which takes it ten seconds a model
ROWS = numpy.array([[0.0, 1.0], [1.0, 0.0], [0.2, 0.9], [0.9, 0.1]])


@pytest.fixture(scope="module")
def fitted():
    return LogisticRegression().fit(ROWS, [0, 1, 0, 1])


@pytest.mark.client((3, 0))
def test_log_and_load_a_model(client, active_experiment, fitted):
    with mlflow.start_run() as run:
        mlflow.log_metric("before", 1)
        info = mlflow.sklearn.log_model(
            fitted, name="clf", pip_requirements=PINNED, input_example=ROWS[:2], params={"C": 1.0}, tags={"kind": "linear"}
        )
    model = client.get_logged_model(info.model_id)
    assert (model.name, str(model.status), model.source_run_id) == ("clf", "READY", run.info.run_id)
    assert model.params["C"] == "1.0" and model.tags["kind"] == "linear"
    assert [m.model_id for m in client.get_run(run.info.run_id).outputs.model_outputs] == [info.model_id]
    for uri in (f"models:/{info.model_id}", f"runs:/{run.info.run_id}/clf", info.model_uri):
        assert mlflow.pyfunc.load_model(uri).predict(ROWS).tolist() == [0, 1, 0, 1]
    assert isinstance(mlflow.sklearn.load_model(info.model_uri), LogisticRegression)
    files = {entry.path for entry in mlflow.artifacts.list_artifacts(info.model_uri)}
    assert any(path.endswith("MLmodel") for path in files)
    assert mlflow.models.get_model_info(info.model_uri).signature is not None


@pytest.mark.client((3, 0))
def test_log_a_model_without_a_run(client, active_experiment, fitted):
    info = mlflow.sklearn.log_model(fitted, name="alone", pip_requirements=PINNED)
    model = client.get_logged_model(info.model_id)
    assert str(model.status) == "READY" and model.source_run_id in (None, "") and model.experiment_id == active_experiment
    assert mlflow.sklearn.load_model(f"models:/{info.model_id}").predict(ROWS).tolist() == [0, 1, 0, 1]


@pytest.mark.client((3, 0))
def test_metrics_find_the_active_model(client, active_experiment):
    model = mlflow.initialize_logged_model(name="external", params={"a": "1"})
    with mlflow.start_run():
        mlflow.log_metric("acc", 0.75, model_id=model.model_id)
    mlflow.finalize_logged_model(model.model_id, "READY")
    found = mlflow.search_logged_models([active_experiment], filter_string="metrics.acc > 0.7", output_format="list")
    assert [m.model_id for m in found] == [model.model_id]
    assert mlflow.last_logged_model().model_id == model.model_id
    frame = mlflow.search_logged_models([active_experiment])
    assert frame["model_id"].tolist() == [model.model_id]


@pytest.mark.client((1, 0), before=(3, 0))  # 3.x keeps a model beside its run
def test_log_and_load_a_model_inside_the_run(client, active_experiment, fitted):
    with mlflow.start_run() as run:
        mlflow.sklearn.log_model(fitted, "clf", pip_requirements=PINNED)
    assert "clf" in {entry.path for entry in client.list_artifacts(run.info.run_id)}
    assert '"clf"' in client.get_run(run.info.run_id).data.tags["mlflow.log-model.history"]
    uri = f"runs:/{run.info.run_id}/clf"
    assert mlflow.pyfunc.load_model(uri).predict(ROWS).tolist() == [0, 1, 0, 1]
    assert isinstance(mlflow.sklearn.load_model(uri), LogisticRegression)


class Doubler(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [2 * value for value in model_input]


@pytest.mark.client((3, 0))
def test_custom_pyfunc_with_an_artifact(active_experiment, tmp_path):
    path = tmp_path / "data.txt"
    path.write_text("payload")
    info = mlflow.pyfunc.log_model(name="doubler", python_model=Doubler(), artifacts={"data": str(path)}, pip_requirements=PINNED)
    assert mlflow.pyfunc.load_model(info.model_uri).predict([1, 2]) == [2, 4]
    local = mlflow.artifacts.download_artifacts(info.model_uri)
    assert "data.txt" in os.listdir(os.path.join(local, "artifacts"))

import mlflow
import numpy
import pytest

sklearn_datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed here")


@pytest.fixture
def iris():
    return sklearn_datasets.load_iris(return_X_y=True)


def the_run(client, experiment):
    (run,) = client.search_runs([experiment])
    return run


def test_sklearn(client, active_experiment, iris):
    from sklearn.linear_model import LogisticRegression

    import mlflow.sklearn

    mlflow.sklearn.autolog()
    try:
        LogisticRegression(C=0.5, max_iter=500).fit(*iris)
    finally:
        mlflow.sklearn.autolog(disable=True)
    run = the_run(client, active_experiment)
    assert run.info.status == "FINISHED"
    assert run.data.params["C"] == "0.5" and run.data.params["max_iter"] == "500"
    assert 0.9 < run.data.metrics["training_accuracy_score"] <= 1
    assert run.data.tags["estimator_name"] == "LogisticRegression"
    paths = {entry.path for entry in client.list_artifacts(run.info.run_id)}
    assert {"estimator.html"} <= paths or "model" in paths
    loaded = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    assert loaded.predict(iris[0]).shape == (150,)


@pytest.mark.client((2, 0))
def test_sklearn_search_logs_child_runs(client, active_experiment, iris):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    import mlflow.sklearn

    mlflow.sklearn.autolog(max_tuning_runs=3, log_models=False)
    try:
        GridSearchCV(LogisticRegression(max_iter=500), {"C": [0.1, 1, 10]}, cv=2).fit(*iris)
    finally:
        mlflow.sklearn.autolog(disable=True)
    runs = client.search_runs([active_experiment])
    (parent,) = [r for r in runs if "mlflow.parentRunId" not in r.data.tags]
    children = [r for r in runs if r.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert sorted(r.data.params["C"] for r in children) == ["0.1", "1", "10"]
    assert {r.info.status for r in children} == {"FINISHED"}
    assert "best_cv_score" in parent.data.metrics


@pytest.mark.client((3, 0))
def test_xgboost(client, active_experiment, iris):
    xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed here")
    import mlflow.xgboost

    data = xgboost.DMatrix(iris[0], label=(iris[1] == 2).astype(int))
    mlflow.xgboost.autolog(importance_types=["weight"])
    try:
        settings = {"objective": "binary:logistic", "max_depth": 3, "nthread": 1}
        xgboost.train(settings, data, num_boost_round=12, evals=[(data, "train")], verbose_eval=False)
    finally:
        mlflow.xgboost.autolog(disable=True)
    run = the_run(client, active_experiment)
    assert run.data.params["max_depth"] == "3" and run.data.params["num_boost_round"] == "12"
    points = client.get_metric_history(run.info.run_id, "train-logloss")
    assert sorted(p.step for p in points) == list(range(12))
    assert {entry.path for entry in client.list_artifacts(run.info.run_id)} >= {"feature_importance_weight.json"}
    loaded = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    assert numpy.asarray(loaded.predict(iris[0])).shape == (150,)


def test_pytorch(client, active_experiment):
    torch = pytest.importorskip(
        "torch",
        reason="torch is not installed here: PyPI's Linux wheel is the CUDA build (0.5 GB, and several GB of nvidia-* with it)",
    )
    import mlflow.pytorch

    module = torch.nn.Linear(2, 1)
    with mlflow.start_run():
        info = mlflow.pytorch.log_model(module, name="net")
    rows = torch.zeros(1, 2)
    assert torch.equal(mlflow.pytorch.load_model(info.model_uri)(rows), module(rows))

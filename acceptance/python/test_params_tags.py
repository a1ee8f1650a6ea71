import mlflow
import pytest
from support import api, error_code


def test_values_become_strings(client, run):
    for key, value in {"int": 1, "float": 0.1, "none": None, "list": [1, "a"], "text": "ünï\n二"}.items():
        client.log_param(run, key, value)
        client.set_tag(run, key, value)
    data = client.get_run(run).data
    expected = {"int": "1", "float": "0.1", "none": "None", "list": "[1, 'a']", "text": "ünï\n二"}
    assert data.params == expected
    assert {key: data.tags[key] for key in expected} == expected


def test_empty_values(client, run):
    client.log_param(run, "p", "")
    client.set_tag(run, "t", "")
    data = client.get_run(run).data
    assert data.params == {"p": ""} and data.tags["t"] == ""


@pytest.mark.parametrize("key", ["a b", "a-b_c.d", "a/b/c", "a:b", "ключ", "x" * 250])
def test_keys_that_are_allowed(client, run, key):
    if ":" in key and mlflow.__version__.startswith("1."):
        pytest.skip("the 1.x client itself refuses ':'")
    client.log_param(run, key, "v")
    client.log_metric(run, key, 1)
    client.set_tag(run, key, "v")
    data = client.get_run(run).data
    assert key in data.params and key in data.metrics and key in data.tags


@pytest.mark.parametrize("key", ["", "a,b", "../a", "/a", "a//b", "./a", "a/..", "x" * 251, "a\tb", "a\\b", "@"])
def test_keys_that_are_refused(run, key):
    base = {"run_id": run, "key": key}
    for route, value in (("log-parameter", "v"), ("set-tag", "v")):
        answer = api("POST", f"/api/2.0/mlflow/runs/{route}", base | {"value": value})
        assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), route
    answer = api("POST", "/api/2.0/mlflow/runs/log-metric", base | {"value": 1, "timestamp": 1, "step": 0})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_params_do_not_change(client, run):
    client.log_param(run, "p", "1")
    client.log_param(run, "p", "1")
    with pytest.raises(mlflow.exceptions.MlflowException, match="(?s)p.*1.*2"):
        client.log_param(run, "p", "2")
    assert client.get_run(run).data.params == {"p": "1"}


def test_tags_change(client, run):
    client.set_tag(run, "t", "1")
    client.set_tag(run, "t", "2")
    assert client.get_run(run).data.tags["t"] == "2"
    client.delete_tag(run, "t")
    assert "t" not in client.get_run(run).data.tags
    assert error_code(client.delete_tag, run, "t") == "RESOURCE_DOES_NOT_EXIST"


def test_long_values_are_cut_as_the_real_server_does(run, client):
    post = "/api/2.0/mlflow/runs/"
    assert api("POST", post + "log-parameter", {"run_id": run, "key": "p", "value": "x" * 6001}).status_code == 200
    assert api("POST", post + "set-tag", {"run_id": run, "key": "t", "value": "x" * 8001}).status_code == 200
    data = client.get_run(run).data
    assert len(data.params["p"]) == 6000 and len(data.tags["t"]) == 8000


def test_fluent_params_and_tags(client, active_experiment):
    with mlflow.start_run() as run:
        mlflow.log_param("one", 1)
        mlflow.log_params({f"p{number}": number for number in range(150)})
        mlflow.set_tags({"a": 1, "b": 2})
        mlflow.delete_tag("a")
    data = client.get_run(run.info.run_id).data
    assert len(data.params) == 151 and data.params["p149"] == "149"
    assert data.tags["b"] == "2" and "a" not in data.tags

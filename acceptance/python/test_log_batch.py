import mlflow
import pytest
from mlflow.entities import Metric, Param, RunTag
from support import api, error_code

PATH = "/api/2.0/mlflow/runs/log-batch"


def metrics(count, key="m"):
    return [Metric(f"{key}{number}", number, 1, 0) for number in range(count)]


def wire(count, kind):
    extra = {"timestamp": 1} if kind == "metrics" else {}
    return [{"key": f"{kind}{number}", "value": number if extra else str(number)} | extra for number in range(count)]


def post(run, **parts):
    return api("POST", PATH, {"run_id": run} | parts)


def snapshot(client, run):
    data = client.get_run(run).data
    tags = {key: value for key, value in data.tags.items() if not key.startswith("mlflow.")}
    return data.params, data.metrics, tags


def test_everything_at_once(client, run):
    client.log_batch(run, metrics(3), [Param("p", "1")], [RunTag("t", "2")])
    assert snapshot(client, run) == ({"p": "1"}, {"m0": 0, "m1": 1, "m2": 2}, {"t": "2"})


def test_nothing_at_all(client, run):
    client.log_batch(run)
    assert snapshot(client, run) == ({}, {}, {})


def test_replay_changes_nothing(client, run):
    for _ in range(3):
        client.log_batch(run, metrics(5), [Param("p", "1")], [RunTag("t", "2")])
    assert len(client.get_metric_history(run, "m3")) == 1
    assert snapshot(client, run)[0] == {"p": "1"}


def test_limits(run):
    assert post(run, metrics=wire(1000, "metrics")).status_code == 200
    assert post(run, params=wire(100, "params")).status_code == 200
    assert post(run, tags=wire(100, "tags")).status_code == 200
    full = post(run, metrics=wire(800, "metrics"), params=wire(100, "params"), tags=wire(100, "tags"))
    assert full.status_code == 200


@pytest.mark.parametrize(
    "sizes",
    [{"metrics": 1001}, {"params": 101}, {"tags": 101}, {"metrics": 801, "params": 100, "tags": 100}],
    ids=str,
)
def test_beyond_the_limits(client, run, sizes):
    answer = post(run, **{kind: wire(count, kind) for kind, count in sizes.items()})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert snapshot(client, run) == ({}, {}, {})


def test_a_param_twice_in_one_batch(client, run):
    answer = post(run, params=[{"key": "p", "value": "1"}, {"key": "p", "value": "2"}])
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert snapshot(client, run)[0] == {}


@pytest.mark.millrace_only("it keeps the parts it wrote before the refused one")
def test_a_refused_batch_leaves_nothing(client, run):
    client.log_param(run, "p", "1")
    code = error_code(client.log_batch, run, metrics(2), [Param("new", "1"), Param("p", "other")], [RunTag("t", "1")])
    assert code == "INVALID_PARAMETER_VALUE"
    assert snapshot(client, run) == ({"p": "1"}, {}, {})


@pytest.mark.parametrize(
    "metric",
    [{"value": 1, "timestamp": 1}, {"key": "m", "timestamp": 1}, {"key": "m", "value": 1}],
    ids=["no key", "no value", "no timestamp"],
)
def test_a_metric_needs_its_fields(client, run, metric):
    answer = post(run, metrics=[{"key": "good", "value": 1, "timestamp": 1}, metric])
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert client.get_run(run).data.metrics == {}


def test_same_tag_twice_takes_the_last(client, run):
    client.log_batch(run, tags=[RunTag("t", "1"), RunTag("t", "2")])
    assert client.get_run(run).data.tags["t"] == "2"


def test_latest_within_a_batch(client, run):
    client.log_batch(run, [Metric("m", value, 1, step) for value, step in [(1, 5), (2, 9), (3, 7)]])
    assert client.get_run(run).data.metrics == {"m": 2}


def test_fluent_logs_more_than_one_batch_holds(client, active_experiment):
    with mlflow.start_run() as run:
        mlflow.log_metrics({f"m{number}": number for number in range(1500)})
    assert len(client.get_run(run.info.run_id).data.metrics) == 1500

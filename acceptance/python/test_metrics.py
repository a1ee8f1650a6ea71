import math

import mlflow
import pytest
from mlflow.entities import Metric
from support import api, error_code

LARGEST = 1.7976931348623157e308


def history(client, run, key):
    return [(m.value, m.timestamp, m.step) for m in client.get_metric_history(run, key)]


def test_latest_is_the_highest_step_then_timestamp_then_value(client, run):
    for value, timestamp, step in [(1, 10, 0), (5, 30, 2), (9, 20, 2), (2, 30, 2), (7, 99, 1), (3, 5, -4)]:
        client.log_metric(run, "m", value, timestamp=timestamp, step=step)
    assert client.get_run(run).data.metrics == {"m": 5.0}


def test_history_is_sorted_and_exact_duplicates_collapse(client, run):
    points = [(1.5, 30, 0), (1.5, 10, 3), (2.5, 20, 1), (2.5, 20, 1), (0.5, 20, 1)]
    for value, timestamp, step in points:
        client.log_metric(run, "m", value, timestamp=timestamp, step=step)
    assert sorted(history(client, run, "m")) == sorted(set(points))


@pytest.mark.parametrize(
    ("logged", "shown"),
    [
        (LARGEST, LARGEST),
        (5e-324, 5e-324),
        (-0.0, 0.0),
        (0.1 + 0.2, 0.1 + 0.2),
        (2**53 + 2, 2**53 + 2),
        (1e22, 1e22),
    ],
)
def test_unusual_values_come_back(client, run, logged, shown):
    client.log_metric(run, "m", logged, timestamp=1, step=0)
    assert client.get_run(run).data.metrics["m"] == shown
    assert history(client, run, "m") == [(shown, 1, 0)]


@pytest.mark.millrace_only("the real server gives the largest double for an infinity: a value that was never logged")
@pytest.mark.parametrize("logged", [math.inf, -math.inf])
def test_infinities_come_back(client, run, logged):
    client.log_metric(run, "m", logged, timestamp=1, step=0)
    assert client.get_run(run).data.metrics["m"] == logged
    assert history(client, run, "m") == [(logged, 1, 0)]


def test_nan_comes_back(client, run):
    client.log_metric(run, "m", math.nan, timestamp=1)
    assert math.isnan(client.get_run(run).data.metrics["m"])
    assert math.isnan(client.get_metric_history(run, "m")[0].value)
    client.log_metric(run, "m", -1, timestamp=1)
    assert math.isnan(client.get_run(run).data.metrics["m"]), "NaN counts as 0 against -1"
    client.log_metric(run, "m", 1, timestamp=1)
    assert client.get_run(run).data.metrics["m"] == 1


def test_int64_timestamps_and_steps(client, run):
    client.log_metric(run, "m", 1, timestamp=2**53 + 1, step=2**53 + 3)
    client.log_metric(run, "m", 2, timestamp=9_007_199_254_740_995, step=-(2**53) - 1)
    assert sorted(history(client, run, "m")) == [
        (1, 2**53 + 1, 2**53 + 3),
        (2, 9_007_199_254_740_995, -(2**53) - 1),
    ]


NOT_A_500 = pytest.mark.millrace_only("it answers 500 with a page of HTML")


@pytest.mark.parametrize("value", ["text", None, pytest.param([], marks=NOT_A_500), pytest.param({}, marks=NOT_A_500)])
def test_value_must_be_a_number(run, value):
    payload = {"run_id": run, "key": "m", "value": value, "timestamp": 1}
    answer = api("POST", "/api/2.0/mlflow/runs/log-metric", payload)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_timestamp_may_not_be_negative(run):
    payload = {"run_id": run, "key": "m", "value": 1, "timestamp": -1}
    assert api("POST", "/api/2.0/mlflow/runs/log-metric", payload).status_code == 400


def test_history_of_nothing(client, run):
    assert history(client, run, "absent") == []


def log_series(client, run, key, count):
    for start in range(0, count, 1000):
        steps = range(start, min(start + 1000, count))
        client.log_batch(run, metrics=[Metric(key, step / 2, 1_000 + step, step) for step in steps])


def test_history_pages(client, run):
    log_series(client, run, "m", 2500)
    pages, token = [], None
    while True:
        query = {"run_id": run, "metric_key": "m", "max_results": 1000} | ({"page_token": token} if token else {})
        answer = api("GET", "/api/2.0/mlflow/metrics/get-history", query).json()
        pages.append([m["step"] for m in answer["metrics"]])
        token = answer.get("next_page_token")
        if not token:
            break
    assert [len(page) for page in pages] == [1000, 1000, 500]
    assert sum(pages, []) == list(range(2500))
    assert len(client.get_metric_history(run, "m")) == 2500


def test_bulk_history(client, experiment):
    runs = [client.create_run(experiment).info.run_id for _ in range(3)]
    for number, run in enumerate(runs):
        log_series(client, run, "m", 10 + number)
    query = [("run_id", run) for run in runs] + [("metric_key", "m")]
    metrics = api("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk", query).json()["metrics"]
    assert sorted(m["run_id"] for m in metrics) == sorted(sum(([r] * (10 + n) for n, r in enumerate(runs)), []))
    limited = api("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk", query + [("max_results", "5")]).json()
    assert len(limited["metrics"]) == 5


def test_bulk_history_bounds(experiment):
    path = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
    assert api("GET", path, {"metric_key": "m"}).status_code == 400
    assert api("GET", path, {"run_id": "a"}).status_code == 400
    too_many = [("run_id", f"{number:032x}") for number in range(101)] + [("metric_key", "m")]
    assert api("GET", path, too_many).status_code == 400


def test_interval_history_is_sampled(client, run):
    log_series(client, run, "m", 1000)
    path = "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval"
    query = {"run_ids": run, "metric_key": "m", "max_results": 50}
    steps = [m["step"] for m in api("GET", path, query).json()["metrics"]]
    assert steps == sorted(steps) and steps[0] == 0 and steps[-1] == 999 and 50 <= len(steps) <= 52
    query |= {"start_step": 100, "end_step": 119}
    steps = [m["step"] for m in api("GET", path, query).json()["metrics"]]
    assert steps == list(range(100, 120))


def test_interval_history_bounds(run):
    path = "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval"
    base = {"run_ids": run, "metric_key": "m"}
    for wrong in ({"max_results": 0}, {"max_results": 2501}, {"start_step": 5, "end_step": 4}, {"start_step": 1}):
        assert api("GET", path, base | wrong).status_code == 400, wrong
    assert api("GET", path, {"metric_key": "m"}).status_code == 400


def test_fluent_metrics(client, active_experiment):
    with mlflow.start_run() as run:
        for step in range(5):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"a": 1, "b": math.nan}, step=7)
    metrics = client.get_run(run.info.run_id).data.metrics
    assert metrics["loss"] == 0.2 and metrics["a"] == 1 and math.isnan(metrics["b"])
    assert [p[2] for p in history(client, run.info.run_id, "loss")] == list(range(5))


@pytest.mark.client((3, 0))
def test_metric_of_a_logged_model_and_a_dataset(client, run, experiment):
    model = client.create_logged_model(experiment, name="m", source_run_id=run)
    client.log_metric(
        run, "acc", 0.5, step=3, timestamp=9, model_id=model.model_id, dataset_name="d", dataset_digest="abc"
    )
    (metric,) = client.get_logged_model(model.model_id).metrics
    assert (metric.key, metric.value, metric.step, metric.timestamp) == ("acc", 0.5, 3, 9)
    assert (metric.run_id, metric.dataset_name, metric.dataset_digest) == (run, "d", "abc")
    assert client.get_run(run).data.metrics == {"acc": 0.5}


@pytest.mark.client((3, 0))
@pytest.mark.millrace_only("it answers BAD_REQUEST with the text of its SQL statement")
def test_metric_of_an_absent_logged_model(client, run):
    code = error_code(client.log_metric, run, "acc", 1, model_id="m-" + "0" * 32)
    assert code == "RESOURCE_DOES_NOT_EXIST"

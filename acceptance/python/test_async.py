import mlflow
import pytest
from mlflow.entities import Metric, Param, RunTag

pytestmark = pytest.mark.client((2, 8))


def test_asynchronous_logging_arrives_in_full(client, active_experiment):
    with mlflow.start_run() as run:
        operations = [mlflow.log_metric("m", step, step=step, synchronous=False) for step in range(300)]
        operations.append(mlflow.log_params({f"p{n}": n for n in range(120)}, synchronous=False))
        operations.append(mlflow.set_tags({f"t{n}": n for n in range(120)}, synchronous=False))
        for operation in operations:
            operation.wait()
    data = client.get_run(run.info.run_id).data
    assert len(client.get_metric_history(run.info.run_id, "m")) == 300
    assert data.metrics["m"] == 299 and len(data.params) == 120 and data.tags["t119"] == "119"


def test_flush(client, run):
    client.log_batch(run, [Metric("a", 1, 1, 0)], [Param("p", "1")], [RunTag("t", "1")], synchronous=False)
    client.log_metric(run, "b", 2, synchronous=False)
    mlflow.flush_async_logging()
    data = client.get_run(run).data
    assert data.metrics == {"a": 1, "b": 2} and data.params == {"p": "1"} and data.tags["t"] == "1"

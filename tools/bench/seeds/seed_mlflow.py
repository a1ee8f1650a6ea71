"""Fills the database of a real server, in its own process and with its own models, far faster than through HTTP.

python seed_mlflow.py FOLDER runs COUNT      COUNT finished runs, each with 5 params, 5 metrics and 3 tags
python seed_mlflow.py FOLDER history POINTS  one run with one metric of POINTS points

The values are those of recipe.ts.
"""

import hashlib
import sys

import sqlalchemy
from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlMetric, SqlParam, SqlRun, SqlTag
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

TIME = 1_767_225_600_000
EXPERIMENT = "bench"
HISTORY_KEY = "loss"


def run_row(run_id, experiment_id, index):
    return {
        "run_uuid": run_id,
        "name": f"run-{index}",
        "source_type": "UNKNOWN",
        "source_name": "",
        "entry_point_name": "",
        "user_id": f"user{index % 5}",
        "status": "FINISHED",
        "start_time": TIME + index * 1000,
        "end_time": TIME + index * 1000 + 500,
        "source_version": "",
        "lifecycle_stage": "active",
        "artifact_uri": f"mlflow-artifacts:/{experiment_id}/{run_id}/artifacts",
        "experiment_id": int(experiment_id),
    }


def metric_row(run_id, key, value, timestamp, step):
    return {
        "run_uuid": run_id,
        "key": key,
        "value": value,
        "timestamp": timestamp,
        "step": step,
        "is_nan": False,
    }


def run_id_of(index):
    return hashlib.md5(f"run-{index}".encode()).hexdigest()


def seed_runs(connection, experiment_id, count):
    for numbers in chunks(count, 1000):
        runs, metrics, params, tags = [], [], [], []
        for index in numbers:
            run_id = run_id_of(index)
            runs.append(run_row(run_id, experiment_id, index))
            loss = ((index * 37) % 100) / 100
            values = {
                "score": ((index * 7919) % count) / count,
                "loss": loss,
                "accuracy": 1 - loss,
                "rate": 0.001 * (1 + index % 10),
                "epochs": float(index % 50),
            }
            start = TIME + index * 1000
            metrics += [metric_row(run_id, key, value, start, 0) for key, value in values.items()]
            params += [
                {"run_uuid": run_id, "key": f"p{k}", "value": str((index * (k + 1)) % 100)} for k in range(5)
            ]
            tags += [
                {"run_uuid": run_id, "key": key, "value": value}
                for key, value in (
                    ("mlflow.user", f"user{index % 5}"),
                    ("mlflow.source.name", "train.py"),
                    ("mlflow.runName", f"run-{index}"),
                )
            ]
        for model, rows in (
            (SqlRun, runs),
            (SqlMetric, metrics),
            (SqlLatestMetric, metrics),
            (SqlParam, params),
            (SqlTag, tags),
        ):
            connection.execute(sqlalchemy.insert(model.__table__), rows)


def chunks(count, size):
    for first in range(0, count, size):
        yield range(first, min(first + size, count))


def seed_history(connection, experiment_id, points):
    run_id = run_id_of(0)
    connection.execute(sqlalchemy.insert(SqlRun.__table__), [run_row(run_id, experiment_id, 0)])
    tag = {"run_uuid": run_id, "key": "mlflow.runName", "value": "run-0"}
    connection.execute(sqlalchemy.insert(SqlTag.__table__), [tag])
    for steps in chunks(points, 10_000):
        rows = [
            metric_row(run_id, HISTORY_KEY, 1 / (1 + step / 1000) + ((step * 7919) % 1000) / 100_000, TIME + step, step)
            for step in steps
        ]
        connection.execute(sqlalchemy.insert(SqlMetric.__table__), rows)
    connection.execute(sqlalchemy.insert(SqlLatestMetric.__table__), rows[-1:])


def main():
    folder, kind, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
    store = SqlAlchemyStore(f"sqlite:///{folder}/mlflow.db", "mlflow-artifacts:/")
    experiment_id = store.create_experiment(EXPERIMENT)
    with store.engine.begin() as connection:
        {"runs": seed_runs, "history": seed_history}[kind](connection, experiment_id, size)


main()

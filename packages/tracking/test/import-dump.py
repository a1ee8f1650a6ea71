"""Prints what a client sees at the tracking URI of the first argument, without what an import may change: ids of
experiments and locations of artifacts."""

import hashlib
import json
import os
import sys
import tempfile

os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", MLFLOW_ALLOW_FILE_STORE="true", GIT_PYTHON_REFRESH="quiet")

import mlflow
from mlflow.entities import ViewType
from mlflow.tracking import MlflowClient

MAJOR = int(mlflow.__version__.split(".")[0])
LATEST = "--latest-model-metrics" in sys.argv

mlflow.set_tracking_uri(sys.argv[1])
client = MlflowClient()


def digests(folder):
    found = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = hashlib.sha256(file.read()).hexdigest()
    return found


def run_artifacts(run_id):
    if not client.list_artifacts(run_id):
        return {}
    with tempfile.TemporaryDirectory() as folder:
        return digests(client.download_artifacts(run_id, "", folder))


def prediction(uri):
    import pandas as pd

    return [round(y, 6) for y in mlflow.pyfunc.load_model(uri).predict(pd.DataFrame({"x": [3.0]}))]


def points(run_id, key):
    return sorted({(m.step, m.timestamp, repr(m.value)) for m in client.get_metric_history(run_id, key)})


def links(run):
    inputs, outputs = getattr(run, "inputs", None), getattr(run, "outputs", None)
    datasets = inputs.dataset_inputs if inputs else []
    return {
        "datasets": [[dict(i.dataset), {t.key: t.value for t in i.tags}] for i in datasets],
        "model_outputs": [[o.model_id, o.step] for o in outputs.model_outputs] if outputs else [],
    }


def dump_run(run):
    info = run.info
    return {
        "info": [info.run_id, info.run_name, info.user_id, info.status, info.start_time, info.end_time, info.lifecycle_stage],
        "params": run.data.params,
        "tags": run.data.tags,
        "latest": {key: repr(value) for key, value in run.data.metrics.items()},
        "history": {key: points(info.run_id, key) for key in run.data.metrics},
        "links": links(run),
        "artifacts": run_artifacts(info.run_id) if info.lifecycle_stage == "active" else None,
        "prediction": prediction(f"runs:/{info.run_id}/model") if MAJOR == 2 and info.run_name == "first" else None,
    }


def model_metrics(model):
    metrics = {(m.key, m.step, m.timestamp, repr(m.value), m.run_id) for m in model.metrics or []}
    # The file store has them all and shows the latest.
    return sorted({m[0]: m for m in sorted(metrics)}.values() if LATEST else metrics)


def dump_model(model):
    with tempfile.TemporaryDirectory() as folder:
        files = digests(mlflow.artifacts.download_artifacts(f"models:/{model.model_id}", dst_path=folder))
    return {
        "info": [model.model_id, model.name, model.creation_timestamp, model.last_updated_timestamp, str(model.status)],
        "type": model.model_type or None,
        "run": model.source_run_id,
        "params": model.params,
        "tags": model.tags,
        "metrics": model_metrics(model),
        "files": files,
        "prediction": prediction(f"models:/{model.model_id}"),
    }


def dump_experiment(experiment):
    ids = [experiment.experiment_id]
    runs = client.search_runs(ids, run_view_type=ViewType.ALL)
    models = client.search_logged_models(experiment_ids=ids) if MAJOR > 2 else []
    return {
        "lifecycle": experiment.lifecycle_stage,
        "times": [getattr(experiment, "creation_time", None), getattr(experiment, "last_update_time", None)],
        "tags": experiment.tags,
        "runs": {run.info.run_id: dump_run(run) for run in runs},
        "models": {model.model_id: dump_model(model) for model in models},
    }


experiments = client.search_experiments(view_type=ViewType.ALL)
print("\n" + json.dumps({e.name: dump_experiment(e) for e in experiments}, sort_keys=True))

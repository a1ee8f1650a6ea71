"""The real MLflow, asked line by line: JSON in, JSON out.

It keeps a small world of entities in real SQLite stores. {"world": true} prints it; {"entity", "filter", "order_by"}
searches it; {"call", "args"} calls one of the plain functions below. An answer is {"ok": …}, {"refused": message} for
an MLflow error or {"crashed": message} for anything else, which its server answers with status 500.
"""

import json
import logging
import math
import os
import sys
import tempfile
import unicodedata
import warnings

warnings.filterwarnings("ignore")
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

from mlflow.entities import (
    Dataset,
    DatasetInput,
    ExperimentTag,
    InputTag,
    LoggedModelParameter,
    LoggedModelTag,
    Metric,
    Param,
    RunStatus,
    RunTag,
    ViewType,
)
from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag
from mlflow.exceptions import MlflowException
from mlflow.server.handlers import _validate_storage_location_uri
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as RegistryStore
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as TrackingStore
from mlflow.utils import search_logged_model_utils, search_utils, validation
from mlflow.utils.uri import append_to_uri_path

logging.disable(logging.CRITICAL)

PARAMS = [
    {"lr": "0.1", "opt": "adam", "a/b": "x"},
    {"lr": "0.01", "opt": "Adam", "n": "10", "a b": "y"},
    {"lr": "1e-1", "opt": "sgd", "text": "it''s", "dir": "C:\\data\\"},
    {"opt": "100%", "n": "9", "a.b": "z"},
    {"lr": "abc", "opt": "é_%", "n": "1000"},
    {},
]
METRICS = [
    {"loss": 0.5, "val/loss": 1.0},
    {"loss": float("nan"), "acc": 1.0},
    {"loss": -0.25, "acc": 0.0},
    {"acc": float("inf")},
    {"loss": 1e300, "acc": -3.0},
    {},
]
TAGS = [{"team": "red", "a b": "1"}, {"team": "Red"}, {"team": ""}, {"x.y": "blue"}, {"team": "re_d"}, {}]


def finite(value):
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


class World:
    def __init__(self, folder):
        self.tracking = TrackingStore(f"sqlite:///{folder}/world.db", f"{folder}/artifacts")
        self.registry = RegistryStore(f"sqlite:///{folder}/world.db")
        self.experiments = ["0"]
        for number, name in enumerate(["alpha", "Alpha", "beta_1", "100% é"]):
            tags = [ExperimentTag(key, value) for key, value in TAGS[number].items()]
            self.experiments.append(self.tracking.create_experiment(name, tags=tags))
        self.fill_runs()
        self.fill_models()
        self.fill_datasets()

    def fill_runs(self):
        for number, (params, metrics, tags) in enumerate(zip(PARAMS, METRICS, TAGS)):
            run = self.tracking.create_run(
                "1", user_id=["ann", "bob"][number % 2], start_time=1000 + number // 2, tags=[], run_name=f"run_{number}"
            )
            run_id = run.info.run_id
            self.tracking.log_batch(
                run_id,
                [Metric(key, value, 1, 0) for key, value in metrics.items()],
                [Param(key, value) for key, value in params.items()],
                [RunTag(key, value) for key, value in tags.items()],
            )
            datasets = [
                DatasetInput(
                    Dataset(f"data{each}", f"digest{each}", "local", "source"),
                    [InputTag("mlflow.data.context", ["train", "Test"][each])],
                )
                for each in range(number % 3)
            ]
            self.tracking.log_inputs(run_id, datasets)
            if number % 2:
                self.tracking.update_run_info(run_id, RunStatus.FINISHED, 2000 + number, None)

    def fill_models(self):
        source = self.tracking.create_run("2", user_id="ann", start_time=1, tags=[], run_name="source")
        for number, (params, tags) in enumerate(zip(PARAMS, TAGS)):
            model = self.tracking.create_logged_model(
                "1",
                name=f"model{number % 4}",
                source_run_id=None,
                tags=[LoggedModelTag(key, value) for key, value in tags.items()],
                params=[LoggedModelParameter(key, value) for key, value in params.items()],
                model_type=[None, "Agent", "agent"][number % 3],
            )
            for key, value in METRICS[number].items():
                if math.isfinite(value):
                    metric = Metric(key, value, 1, 0, model_id=model.model_id)
                    self.tracking.log_metric(source.info.run_id, metric)
            name = ["net", "Net", "tree_1", "100%", "é", "forest"][number]
            self.registry.create_registered_model(
                name, tags=[RegisteredModelTag(key, value) for key, value in tags.items()]
            )
            for each in range(1 + number % 3):
                self.registry.create_model_version(
                    name,
                    f"s3://bucket/{name}/{each}",
                    run_id=f"run{number}" if each else None,
                    tags=[ModelVersionTag(key, value) for key, value in tags.items()],
                )

    def fill_datasets(self):
        for number, tags in enumerate(TAGS):
            self.tracking.create_dataset(f"set_{number}", tags=tags, experiment_ids=["1"])

    def search(self, entity, filter, order_by):
        if entity == "run":
            found = self.tracking.search_runs(["1"], filter, ViewType.ALL, 100, order_by)
            return [run.info.run_id for run in found]
        if entity == "experiment":
            found = self.tracking.search_experiments(ViewType.ALL, 100, filter, order_by)
            return [experiment.experiment_id for experiment in found]
        if entity == "logged_model":
            found = self.tracking.search_logged_models(["1"], filter, None, 100, order_by)
            return [model.model_id for model in found]
        if entity == "evaluation_dataset":
            return [each.dataset_id for each in self.tracking.search_datasets(None, filter, 100, order_by)]
        if entity == "registered_model":
            return [model.name for model in self.registry.search_registered_models(filter, 100, order_by)]
        return [f"{each.name}/{each.version}" for each in self.registry.search_model_versions(filter, 100, order_by)]

    def parse(self, entity, filter):
        if entity == "logged_model":
            found = search_logged_model_utils.parse_filter_string(filter)
            return [
                {"type": each.entity.type.value[:-1], "key": each.entity.key, "op": each.op, "value": finite(each.value)}
                for each in found
            ]
        utils = {
            "run": search_utils.SearchUtils,
            "experiment": search_utils.SearchExperimentsUtils,
            "evaluation_dataset": search_utils.SearchEvaluationDatasetsUtils,
            "registered_model": search_utils.SearchModelUtils,
            "model_version": search_utils.SearchModelVersionUtils,
        }[entity]
        clauses = []
        for each in utils.parse_search_filter(filter):
            value = float(each["value"]) if each["type"] == "metric" else each["value"]
            key = search_utils.SearchUtils.translate_key_alias(each["key"])
            clauses.append({"type": each["type"], "key": key, "op": each["comparator"].upper(), "value": finite(value)})
        return clauses

    def describe(self):
        runs = []
        for run in self.tracking.search_runs(["1"], "", ViewType.ALL, 100):
            inputs = run.inputs.dataset_inputs
            runs.append({
                "id": run.info.run_id,
                "attribute": {
                    name: getattr(run.info, name)
                    for name in ("run_id", "run_name", "status", "user_id", "artifact_uri", "start_time", "end_time")
                },
                "metric": {key: finite(value) for key, value in run.data.metrics.items()},
                "param": run.data.params,
                "tag": run.data.tags,
                "dataset": {
                    "name": [each.dataset.name for each in inputs],
                    "digest": [each.dataset.digest for each in inputs],
                    "context": [tag.value for each in inputs for tag in each.tags],
                },
            })
        found = self.tracking.search_experiments(ViewType.ALL, 100)
        names = ("name", "experiment_id", "creation_time", "last_update_time")
        experiments = [
            {"id": each.experiment_id, "attribute": {name: getattr(each, name) for name in names}, "tag": each.tags}
            for each in found
        ]
        models = [
            {
                "id": each.model_id,
                "attribute": {
                    "name": each.name,
                    "model_id": each.model_id,
                    "model_type": each.model_type,
                    "source_run_id": each.source_run_id,
                    "creation_timestamp": each.creation_timestamp,
                    "last_updated_timestamp": each.last_updated_timestamp,
                },
                "metric": {metric.key: metric.value for metric in each.metrics or []},
                "param": each.params,
                "tag": each.tags,
            }
            for each in self.tracking.search_logged_models(["1"], max_results=100)
        ]
        datasets = [
            {
                "id": each.dataset_id,
                "attribute": {
                    "name": each.name,
                    "created_time": each.created_time,
                    "last_update_time": each.last_update_time,
                    "created_by": each.created_by,
                    "last_updated_by": each.last_updated_by,
                },
                "tag": each.tags,
            }
            for each in self.tracking.search_datasets(None, None, 100)
        ]
        registered = [
            {"id": each.name, "attribute": {"name": each.name}, "tag": each.tags}
            for each in self.registry.search_registered_models(max_results=100)
        ]
        versions = [
            {
                "id": f"{each.name}/{each.version}",
                "attribute": {
                    "name": each.name,
                    "run_id": each.run_id,
                    "source_path": each.source,
                    "version_number": int(each.version),
                },
                "tag": each.tags,
            }
            for each in self.registry.search_model_versions(max_results=100)
        ]
        return {
            "run": runs,
            "experiment": experiments,
            "logged_model": models,
            "evaluation_dataset": datasets,
            "registered_model": registered,
            "model_version": versions,
        }


CALLS = {
    "metric_key": lambda key: validation._validate_metric(key, 1.0, 1, 0),
    "batch_metric_key": lambda key: validation._validate_metric(key, 1.0, 1, 0, "metrics[3]"),
    "metric_timestamp": lambda timestamp: validation._validate_metric("m", 1.5, timestamp, 0),
    "param": lambda key, value: validation._validate_param(key, value).value,
    "batch_param": lambda key, value: validation._validate_param(key, value, "params[3]").value,
    "tag": lambda key, value: validation._validate_tag(key, value).value,
    "batch_tag": lambda key, value: validation._validate_tag(key, value, "tags[3]").value,
    "run_id": validation._validate_run_id,
    "experiment_id": lambda given: str(validation._parse_experiment_id(given)),
    "experiment_name": validation._validate_experiment_name,
    "experiment_tag": validation._validate_experiment_tag,
    "registered_model_name": validation._validate_model_name,
    "registered_model_tag": validation._validate_registered_model_tag,
    "model_version_tag": validation._validate_model_version_tag,
    "alias": lambda name: (
        validation._validate_model_alias_name(name),
        validation._validate_model_alias_name_reserved(name),
    )[0],
    "logged_model_name": validation._validate_logged_model_name,
    "batch_size": lambda metrics, params, tags: validation._validate_batch_log_limits(
        [None] * metrics, [None] * params, [None] * tags
    ),
    "param_keys": lambda keys: validation._validate_param_keys_unique([Param(key, "") for key in keys]),
    "location": lambda uri: _validate_storage_location_uri(uri, "artifact_location") and None,
    "append": append_to_uri_path,
    "word_characters": lambda: [code for code in range(0x110000) if validation.re.match(r"\w", chr(code))],
    "assigned": lambda codes: [code for code in codes if unicodedata.category(chr(code)) != "Cn"],
}


def answer(question, world):
    try:
        if "call" in question:
            return {"ok": CALLS[question["call"]](*question.get("args", []))}
        if "world" in question:
            return {"ok": world().describe()}
        ids = world().search(question["entity"], question.get("filter"), question.get("order_by"))
        return {"ok": {"ids": ids, "clauses": world().parse(question["entity"], question.get("filter"))}}
    except MlflowException as error:
        return {"refused": error.message, "code": error.error_code}
    except Exception as error:
        return {"crashed": f"{type(error).__name__}: {error}"}


def main():
    with tempfile.TemporaryDirectory() as folder:
        made = []

        def world():
            if not made:
                made.append(World(folder))
            return made[0]

        for line in sys.stdin:
            print(json.dumps(answer(json.loads(line), world)), flush=True)


if __name__ == "__main__":
    main()

import mlflow
import pytest
from support import api

pytestmark = pytest.mark.client((2, 4))


def log(client, run, *datasets, context="training"):
    from mlflow.entities import Dataset, DatasetInput, InputTag

    client.log_inputs(
        run,
        [
            DatasetInput(
                Dataset(name, digest, "local", '{"uri":"x"}', schema="{}", profile="{}"),
                [InputTag("mlflow.data.context", context)],
            )
            for name, digest in datasets
        ],
    )


def test_pandas_dataset(client, active_experiment):
    import pandas

    frame = pandas.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    dataset = mlflow.data.from_pandas(frame, source="https://example.org/data.csv", name="frame")
    with mlflow.start_run() as run:
        mlflow.log_input(dataset, context="training")
    (logged,) = client.get_run(run.info.run_id).inputs.dataset_inputs
    assert (logged.dataset.name, logged.dataset.digest) == ("frame", dataset.digest)
    assert logged.dataset.profile == '{"num_rows": 3, "num_elements": 6}'
    assert "mlflow_colspec" in logged.dataset.schema
    assert {tag.key: tag.value for tag in logged.tags} == {"mlflow.data.context": "training"}
    assert mlflow.data.get_source(logged).url == "https://example.org/data.csv"


def test_repeating_an_input_adds_nothing(client, experiment, run):
    for _ in range(2):
        log(client, run, ("d", "1"), ("d", "2"))
    digests = sorted(entry.dataset.digest for entry in client.get_run(run).inputs.dataset_inputs)
    assert digests == ["1", "2"]


def test_search_returns_inputs_and_filters_by_them(client, experiment):
    first, second, third = (client.create_run(experiment).info.run_id for _ in range(3))
    log(client, first, ("iris", "aaa"))
    log(client, second, ("iris", "bbb"), context="eval")
    log(client, third, ("wine", "aaa"))

    def found(clause):
        return {r.info.run_id for r in client.search_runs([experiment], clause)}

    assert found("dataset.name = 'iris'") == {first, second}
    assert found("datasets.digest = 'aaa'") == {first, third}
    assert found("dataset.context = 'eval'") == {second}
    assert found("dataset.name = 'iris' AND dataset.digest = 'aaa'") == {first}
    assert found("dataset.name LIKE 'w%'") == {third}
    assert found("dataset.name ILIKE 'IR%'") == {first, second}
    assert found("dataset.name != 'iris'") == {third}
    assert found("dataset.name IN ('iris', 'x') AND dataset.digest NOT IN ('bbb')") == {first}
    (page,) = [r for r in client.search_runs([experiment]) if r.info.run_id == second]
    assert [entry.dataset.digest for entry in page.inputs.dataset_inputs] == ["bbb"]


def test_search_datasets(client, experiment, run):
    log(client, run, ("iris", "aaa"), ("wine", "ccc"))
    path = "/ajax-api/2.0/mlflow/experiments/search-datasets"
    summaries = api("POST", path, {"experiment_ids": [experiment]}).json()["dataset_summaries"]
    assert sorted((s["name"], s["digest"], s["context"], s["experiment_id"]) for s in summaries) == [
        ("iris", "aaa", "training", experiment),
        ("wine", "ccc", "training", experiment),
    ]


@pytest.mark.parametrize(
    "dataset",
    [
        {"name": "n" * 501, "digest": "d", "source_type": "t", "source": "s"},
        {"name": "n", "digest": "d" * 37, "source_type": "t", "source": "s"},
    ],
    ids=["long name", "long digest"],
)
def test_long_names_and_digests_are_refused(client, run, dataset):
    answer = api("POST", "/api/2.0/mlflow/runs/log-inputs", {"run_id": run, "datasets": [{"dataset": dataset}]})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert client.get_run(run).inputs.dataset_inputs == []


@pytest.mark.client((3, 0))
def test_model_inputs_and_outputs(client, experiment, run):
    from mlflow.entities import LoggedModelInput, LoggedModelOutput

    made = client.create_logged_model(experiment, name="made", source_run_id=run)
    used = client.create_logged_model(experiment, name="used")
    client.log_outputs(run, [LoggedModelOutput(made.model_id, step=3)])
    client.log_inputs(run, models=[LoggedModelInput(used.model_id)])
    whole = client.get_run(run)
    assert [(m.model_id, m.step) for m in whole.outputs.model_outputs] == [(made.model_id, 3)]
    assert [m.model_id for m in whole.inputs.model_inputs] == [used.model_id]
    (found,) = client.search_runs([experiment])
    assert [m.model_id for m in found.outputs.model_outputs] == [made.model_id]

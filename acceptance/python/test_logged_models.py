"""The life of a logged model without any files: what `log_model` is built on."""

import uuid

import pytest
from mlflow.entities import Metric
from support import api, error_code

pytestmark = pytest.mark.client((3, 0))


@pytest.fixture
def model(client, experiment, run):
    return client.create_logged_model(
        experiment, name="näme", source_run_id=run, tags={"t": "1"}, params={"p": "2"}, model_type="agent"
    )


def test_create_and_get(client, experiment, run, model):
    assert model.model_id.startswith("m-") and len(model.model_id) == 34
    again = client.get_logged_model(model.model_id)
    assert (again.name, again.experiment_id, again.source_run_id) == ("näme", experiment, run)
    assert (str(again.status), again.model_type) == ("PENDING", "agent")
    assert again.params == {"p": "2"} and again.tags["t"] == "1"
    assert again.artifact_location == f"mlflow-artifacts:/{experiment}/models/{model.model_id}/artifacts"
    assert again.creation_timestamp == again.last_updated_timestamp > 1_500_000_000_000


def test_a_name_is_made_up(client, experiment):
    assert client.create_logged_model(experiment).name


@pytest.mark.parametrize("status", ["READY", "FAILED"])
def test_finalize(client, model, status):
    assert str(client.finalize_logged_model(model.model_id, status).status) == status
    again = client.get_logged_model(model.model_id)
    assert str(again.status) == status and again.last_updated_timestamp >= again.creation_timestamp


def test_tags(client, model):
    client.set_logged_model_tags(model.model_id, {"t": "2", "u": "3"})
    client.delete_logged_model_tag(model.model_id, "u")
    tags = client.get_logged_model(model.model_id).tags
    assert tags["t"] == "2" and "u" not in tags
    assert error_code(client.delete_logged_model_tag, model.model_id, "u") == "RESOURCE_DOES_NOT_EXIST"


def test_params_added_later(client, model):
    client.log_model_params(model.model_id, {f"p{number}": str(number) for number in range(120)})
    params = client.get_logged_model(model.model_id).params
    assert len(params) == 121 and params["p119"] == "119"


def test_delete_hides(client, experiment, model):
    client.delete_logged_model(model.model_id)
    assert error_code(client.get_logged_model, model.model_id) == "RESOURCE_DOES_NOT_EXIST"
    assert list(client.search_logged_models([experiment])) == []
    path = f"/api/2.0/mlflow/logged-models/{model.model_id}"
    assert api("GET", path, {"allow_deleted": "true"}).json()["model"]["info"]["name"] == "näme"


def test_absent(client, experiment):
    absent = "m-" + "0" * 32
    assert error_code(client.get_logged_model, absent) == "RESOURCE_DOES_NOT_EXIST"
    assert error_code(client.finalize_logged_model, absent, "READY") == "RESOURCE_DOES_NOT_EXIST"
    assert error_code(client.delete_logged_model, absent) == "RESOURCE_DOES_NOT_EXIST"


@pytest.mark.parametrize("name", ["a/b", "a:b", "a.b", "a%b", 'a"b', "a'b"])
def test_names_that_are_refused(client, experiment, name):
    answer = api("POST", "/api/2.0/mlflow/logged-models", {"experiment_id": experiment, "name": name})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


@pytest.fixture(scope="module")
def gallery(client):
    experiment = client.create_experiment(f"gallery-{uuid.uuid4().hex}")
    run = client.create_run(experiment).info.run_id
    ids = {}
    for name, accuracy, dataset, params, tags in [
        ("a", 0.9, ("iris", "1"), {"depth": "3"}, {"team": "red"}),
        ("b", 0.5, ("iris", "2"), {"depth": "5"}, {"team": "blue"}),
        ("c", 0.7, (None, None), {}, {"team": "Red"}),
        ("d", None, (None, None), {"depth": "30"}, {}),
    ]:
        source = run if name in "ab" else None
        model = client.create_logged_model(experiment, name=name, source_run_id=source, params=params, tags=tags)
        ids[model.model_id] = name
        if accuracy is not None:
            metric = Metric("acc", accuracy, 1, 0, model.model_id, dataset[0], dataset[1])
            client.log_batch(run, [metric])
        if name != "d":
            client.finalize_logged_model(model.model_id, "READY")
    return experiment, run, ids


def names(client, gallery, **kwargs):
    experiment, _, ids = gallery
    return "".join(ids[m.model_id] for m in client.search_logged_models([experiment], **kwargs))


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("name = 'a'", "a"),
        ("name != 'a'", "bcd"),
        ("name LIKE 'A'", ""),
        ("name ILIKE 'A'", "a"),
        ("attributes.name IN ('a', 'c')", "ac"),
        pytest.param(
            *("status = 'READY'", "abc"),
            marks=pytest.mark.millrace_only("it compares the word with its stored number, and finds nothing"),
        ),
        ("source_run_id = '{run}'", "ab"),
        ("model_type = 'x'", ""),
        ("creation_timestamp > 0 AND last_updated_timestamp > 0", "abcd"),
        ("metrics.acc > 0.6", "ac"),
        ("metrics.acc <= 0.7", "bc"),
        ("params.depth = '3'", "a"),
        ("params.depth LIKE '3%'", "ad"),
        ("tags.team = 'red'", "a"),
        ("tags.team ILIKE 'red' AND metrics.acc > 0.8", "a"),
    ],
)
def test_filter(client, gallery, clause, expected):
    assert sorted(names(client, gallery, filter_string=clause.replace("{run}", gallery[1]))) == sorted(expected)


@pytest.mark.millrace_only("it finds nothing unless the dataset's digest is named too")
def test_metrics_of_one_dataset_whatever_its_digest(client, gallery):
    iris = [{"dataset_name": "iris"}]
    assert sorted(names(client, gallery, filter_string="metrics.acc > 0", datasets=iris)) == ["a", "b"]


def test_metrics_of_one_dataset(client, gallery):
    second = [{"dataset_name": "iris", "dataset_digest": "2"}]
    assert names(client, gallery, filter_string="metrics.acc > 0", datasets=second) == "b"


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([{"field_name": "metrics.acc"}], "bcad"),
        ([{"field_name": "metrics.acc", "ascending": False}], "acbd"),
        ([{"field_name": "name", "ascending": False}], "dcba"),
        ([{"field_name": "creation_timestamp"}], "abcd"),
    ],
    ids=str,
)
def test_order(client, gallery, order, expected):
    assert names(client, gallery, order_by=order) == expected


def test_order_by_the_metric_of_one_dataset(client, gallery):
    order = [{"field_name": "metrics.acc", "ascending": False, "dataset_name": "iris"}]
    assert names(client, gallery, order_by=order)[:2] == "ab"


NOT_A_500 = pytest.mark.millrace_only("it answers 500")


@pytest.mark.parametrize(
    "clause",
    [
        "params.depth > '1'",
        "name =",
        pytest.param("nonsense = 'a'", marks=NOT_A_500),
        pytest.param("metrics.acc = 'a'", marks=NOT_A_500),
    ],
)
def test_bad_filters_are_refused(client, gallery, clause):
    assert error_code(names, client, gallery, filter_string=clause) == "INVALID_PARAMETER_VALUE"


def test_pages(client, gallery):
    experiment, _, ids = gallery
    seen, token = "", None
    while True:
        page = client.search_logged_models(
            [experiment], max_results=3, order_by=[{"field_name": "name"}], page_token=token
        )
        seen += "".join(ids[m.model_id] for m in page)
        token = page.token
        if not token:
            break
    assert seen == "abcd"
    first = client.search_logged_models([experiment], max_results=3)
    other = {"filter_string": "name = 'a'", "page_token": first.token}
    assert error_code(client.search_logged_models, [experiment], **other) == "INVALID_PARAMETER_VALUE"

"""Evaluation datasets: `mlflow.genai.datasets`, and the client's own calls beneath it."""

import hashlib
import json
import math
import time

import pandas as pd
import pytest
from support import api, error_code

pytestmark = pytest.mark.client((3, 17))

NOT_A_500 = pytest.mark.millrace_only("it answers 500")
UNKNOWN_EXPERIMENT = pytest.mark.millrace_only("it links a new dataset to experiments that do not exist")
BASE = "/api/3.0/mlflow/datasets"


@pytest.fixture
def datasets(client):
    from mlflow.genai import datasets

    return datasets


@pytest.fixture
def dataset(client, experiment, unique):
    return client.create_dataset(unique("dataset"), experiment, {"mlflow.user": "ann", "team": "red"})


def digest(name, last_update_time):
    return hashlib.sha256(f"{name}:{last_update_time}".encode()).hexdigest()[:8]


def rows(client, dataset, *columns):
    frame = client.get_dataset(dataset.dataset_id).to_df()
    return [tuple(row[column] for column in columns) for _, row in frame.iterrows()]


def upsert(dataset, records):
    text = records if isinstance(records, str) else json.dumps(records)
    return api("POST", f"{BASE}/{dataset.dataset_id}/records", {"records": text})


def test_create_and_get(client, experiment, unique):
    name = unique("dätaset")
    made = client.create_dataset(name, [experiment, "0"], {"mlflow.user": "ann", "team": "red"})
    assert made.dataset_id.startswith("d-") and len(made.dataset_id) == 34
    assert made.experiment_ids == [experiment, "0"]
    again = client.get_dataset(made.dataset_id)
    assert (again.name, again.tags) == (name, {"mlflow.user": "ann", "team": "red"})
    assert (again.created_by, again.last_updated_by) == ("ann", "ann")
    assert again.schema is None and again.profile is None
    assert again.created_time == again.last_update_time > 1_500_000_000_000
    assert again.digest == made.digest == digest(name, again.created_time)
    assert sorted(again.experiment_ids) == sorted([experiment, "0"])
    assert again.to_df().empty


@pytest.mark.parametrize("fields", [{"name": ""}, {"name": 5}, {}])
def test_names_that_are_refused(fields):
    answer = api("POST", f"{BASE}/create", fields)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"tags": "{bad"}, marks=NOT_A_500),
        pytest.param({"tags": "[1]"}, marks=NOT_A_500),
        pytest.param({"name": "n" * 256}, marks=pytest.mark.millrace_only("its limit is that of its database")),
        pytest.param({"experiment_ids": ["987654321"]}, marks=UNKNOWN_EXPERIMENT),
    ],
    ids=str,
)
def test_what_a_dataset_is_not_made_of(unique, fields):
    answer = api("POST", f"{BASE}/create", {"name": unique(), **fields})
    assert 400 <= answer.status_code <= 404 and answer.json()["error_code"]


def test_delete(client, dataset):
    upsert(dataset, [{"inputs": {"q": 1}}])
    for _ in range(2):
        client.delete_dataset(dataset.dataset_id)
    assert error_code(client.get_dataset, dataset.dataset_id) == "RESOURCE_DOES_NOT_EXIST"
    assert api("GET", f"{BASE}/{dataset.dataset_id}/records").json() == {"records": "[]"}


def test_absent(client, experiment):
    absent = "d-" + "0" * 32
    assert error_code(client.get_dataset, absent) == "RESOURCE_DOES_NOT_EXIST"
    assert error_code(client.set_dataset_tags, absent, {"a": "1"}) == "RESOURCE_DOES_NOT_EXIST"
    assert error_code(client.add_dataset_to_experiments, absent, [experiment]) == "RESOURCE_DOES_NOT_EXIST"
    assert error_code(client.remove_dataset_from_experiments, absent, [experiment]) == "RESOURCE_DOES_NOT_EXIST"
    client.delete_dataset_tag(absent, "a")
    assert api("DELETE", f"{BASE}/{absent}/records", {"dataset_record_ids": ["x"]}).json() == {"deleted_count": 0}


def test_tags(client, dataset):
    client.set_dataset_tags(dataset.dataset_id, {"team": "blue", "n": 5, "yes": True, "gone": None, "f": 1.5})
    for _ in range(2):
        client.delete_dataset_tag(dataset.dataset_id, "mlflow.user")
    again = client.get_dataset(dataset.dataset_id)
    assert again.tags == {"team": "blue", "n": "5", "yes": "True", "f": "1.5"}
    assert again.created_by == "ann" and again.last_update_time == dataset.last_update_time


def test_experiments(client, dataset, experiment, unique):
    other = client.create_experiment(unique())
    time.sleep(0.002)
    added = client.add_dataset_to_experiments(dataset.dataset_id, [experiment, other])
    assert added.last_update_time > dataset.last_update_time and added.digest == dataset.digest
    assert client.get_dataset(dataset.dataset_id).experiment_ids == [experiment, other]
    client.remove_dataset_from_experiments(dataset.dataset_id, [experiment, "987654321"])
    assert client.get_dataset(dataset.dataset_id).experiment_ids == [other]
    unknown = error_code(client.add_dataset_to_experiments, dataset.dataset_id, ["987654321"])
    assert unknown == "RESOURCE_DOES_NOT_EXIST"


@pytest.mark.millrace_only("it fails where outputs were text and become an object")
def test_merge_records(client, dataset):
    dataset.merge_records([{"inputs": {"q": "a", "n": 1}, "expectations": {"x": 1, "y": 1}}, {"inputs": {"q": "b"}}])
    first = client.get_dataset(dataset.dataset_id)
    assert json.loads(first.profile) == {"num_records": 2}
    assert first.digest == digest(first.name, first.last_update_time)
    dataset.merge_records(
        [
            {"inputs": {"n": 1, "q": "a"}, "expectations": {"y": 2, "z": None}, "tags": {"mlflow.user": "bo", "k": "v"}},
            {"inputs": {"q": "c"}, "outputs": "text"},
            {"inputs": {"q": "c"}, "outputs": {"o": [1]}, "source": {"source_type": "document"}},
        ]
    )
    again = client.get_dataset(dataset.dataset_id)
    assert json.loads(again.profile) == {"num_records": 3}
    assert json.loads(again.schema) == {
        "inputs": {"q": "string", "n": "integer"},
        "outputs": "string",
        "expectations": {"x": "integer", "y": "integer", "z": "null"},
        "version": "1.0",
    }
    records = {record.inputs["q"]: record for record in again.records}
    a, b, c = records["a"], records["b"], records["c"]
    assert (a.expectations, a.outputs) == ({"x": 1, "y": 2, "z": None}, {})
    assert (a.tags["k"], a.last_updated_by, a.source_type) == ("v", "bo", "HUMAN")
    assert a.created_by != "bo" and a.last_update_time >= a.created_time
    assert (b.source_type, b.expectations) == ("CODE", None)
    assert (c.outputs, c.source_type) == ({"o": [1]}, "CODE")
    assert all(record.dataset_record_id.startswith("dr-") for record in again.records)



def test_merge_a_data_frame(client, dataset):
    frame = pd.DataFrame(
        {"inputs": [{"x": math.nan}, {"x": 1.0}, {"x": 1}], "expectations": [{"e": True}, {"e": math.inf}, {"e": 2**70}]}
    )
    dataset.merge_records(frame)
    found = rows(client, dataset, "inputs", "expectations")
    assert {repr(row) for row in found} == {
        repr(({"x": math.nan}, {"e": True})),
        repr(({"x": 1.0}, {"e": math.inf})),
        repr(({"x": 1}, {"e": 2**70})),
    }


def test_text_of_every_kind(client, dataset):
    texts = ["", "é😀", "\x00", "\ud800", "\u2028\x7f", "'\"\\/\n", "__proto__"]
    dataset.merge_records([{"inputs": {text: text}, "tags": {"mlflow.user": "u"}} for text in texts])
    assert sorted(list(inputs.items())[0] for (inputs,) in rows(client, dataset, "inputs")) == sorted(zip(texts, texts))


def test_records_with_and_without_a_source(client, dataset):
    trace = {"source_type": "trace", "source_data": {"trace_id": "tr-1", "session_id": "s"}}
    upsert(dataset, [{"inputs": {"q": 1}, "source": trace}, {"inputs": {"q": 2}}, {"inputs": {"q": 3}, "outputs": None}])
    records = client.get_dataset(dataset.dataset_id).records
    found = {record.inputs["q"]: (record.source_type, record.source_id, record.outputs) for record in records}
    assert found == {1: ("TRACE", "tr-1", {}), 2: (None, None, {}), 3: (None, None, None)}


@pytest.mark.parametrize(
    "records",
    [
        '[{"inputs": {"s": 1}, "source": {"source_type": "bogus"}}]',
        pytest.param("{bad", marks=NOT_A_500),
        pytest.param("null", marks=NOT_A_500),
        pytest.param("[1]", marks=NOT_A_500),
        pytest.param('[{"inputs": null}]', marks=NOT_A_500),
        pytest.param('[{"inputs": "x"}]', marks=NOT_A_500),
        pytest.param('[{"inputs": {}, "expectations": [1]}]', marks=NOT_A_500),
        pytest.param('[{"inputs": {}, "source": {"source_data": {}}}]', marks=NOT_A_500),
    ],
)
def test_records_that_are_refused(client, dataset, records):
    answer = upsert(dataset, records)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert client.get_dataset(dataset.dataset_id).digest == dataset.digest


def test_pages_of_records(client, dataset):
    dataset.merge_records([{"inputs": {"q": q}} for q in range(2_500)])
    assert sorted(inputs["q"] for (inputs,) in rows(client, dataset, "inputs")) == list(range(2_500))
    path = f"{BASE}/{dataset.dataset_id}/records"
    first = api("GET", path, {"max_results": 2_000}).json()
    rest = api("GET", path, {"max_results": 2_000, "page_token": first["next_page_token"]}).json()
    assert [len(json.loads(page["records"])) for page in (first, rest)] == [2_000, 500]
    assert "next_page_token" not in rest


@NOT_A_500
@pytest.mark.parametrize("query", [{"max_results": -1}, {"max_results": "abc"}, {"page_token": "garbage"}], ids=str)
def test_pages_that_are_refused(dataset, query):
    answer = api("GET", f"{BASE}/{dataset.dataset_id}/records", query)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_delete_records(client, dataset):
    dataset.merge_records([{"inputs": {"q": q}} for q in range(3)])
    before = client.get_dataset(dataset.dataset_id)
    ids = before.to_df()["dataset_record_id"].tolist()
    assert dataset.delete_records([ids[0], "dr-absent"]) == 1
    again = client.get_dataset(dataset.dataset_id)
    assert json.loads(again.profile) == {"num_records": 2}
    assert (again.digest, again.last_update_time) == (before.digest, before.last_update_time)
    assert dataset.delete_records(ids) == 2 and dataset.to_df().empty
    assert client.get_dataset(dataset.dataset_id).profile == "null"


def test_genai_datasets(client, datasets, active_experiment, unique):
    name = unique("genai")
    made = datasets.create_dataset(name, tags={"stage": "dev"})
    assert made.experiment_ids == [active_experiment]
    made.merge_records([{"inputs": {"question": "q"}, "expectations": {"answer": "a"}}])
    datasets.set_dataset_tags(dataset_id=made.dataset_id, tags={"stage": "prod", "owner": "me"})
    datasets.delete_dataset_tag(dataset_id=made.dataset_id, key="owner")
    other = client.create_experiment(unique())
    datasets.add_dataset_to_experiments(dataset_id=made.dataset_id, experiment_ids=[other])
    datasets.remove_dataset_from_experiments(dataset_id=made.dataset_id, experiment_ids=[active_experiment])
    for found in (datasets.get_dataset(name=name), datasets.get_dataset(dataset_id=made.dataset_id)):
        assert (found.dataset_id, found.tags["stage"], found.experiment_ids) == (made.dataset_id, "prod", [other])
        assert found.to_df()["inputs"].tolist() == [{"question": "q"}]
    assert [found.name for found in datasets.search_datasets(experiment_ids=other)] == [name]
    datasets.delete_dataset(dataset_id=made.dataset_id)
    assert datasets.search_datasets(experiment_ids=[other, active_experiment]) == []


@pytest.fixture(scope="module")
def gallery(client):
    experiment = client.create_experiment(f"dataset-gallery-{time.time_ns()}")
    ids = {}
    for name, tags in [
        ("a", {"mlflow.user": "ann", "team": "red"}),
        ("b", {"mlflow.user": "bo", "team": "Red"}),
        ("c", {"team": "blue"}),
        ("d", {}),
    ]:
        # The client would say who runs it where the tags do not.
        fields = {"name": name, "experiment_ids": [experiment], "tags": json.dumps(tags)}
        ids[api("POST", f"{BASE}/create", fields).json()["dataset"]["dataset_id"]] = name
        time.sleep(0.002)
    return experiment, ids


def names(client, gallery, **kwargs):
    experiment, ids = gallery
    return "".join(ids[found.dataset_id] for found in client.search_datasets([experiment], **kwargs))


OURS = pytest.mark.millrace_only("its filters of datasets have neither")


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("name = 'a'", "a"),
        ("name != 'a'", "bcd"),
        ("name LIKE 'A'", ""),
        ("name ILIKE 'A'", "a"),
        ("name IN ('a', 'c')", "ac"),
        ("created_by = 'ann'", "a"),
        ("created_by != 'ann'", "b"),
        ("last_updated_by LIKE '%n'", "a"),
        ("created_time > 0 AND last_update_time > 0", "abcd"),
        ("created_time < 5", ""),
        ("tags.team = 'red'", "a"),
        ("tags.team != 'red'", "bc"),
        ("tags.team ILIKE 'RED' AND name != 'a'", "b"),
        pytest.param("tags.`mlflow.user` = 'bo'", "b", marks=pytest.mark.millrace_only("it finds nothing")),
        pytest.param("tags.team IS NULL OR created_by = 'ann'", "ad", marks=OURS),
        pytest.param("NOT (tags.team IN ('red', 'blue'))", "bd", marks=OURS),
    ],
)
def test_filter(client, gallery, clause, expected):
    assert "".join(sorted(names(client, gallery, filter_string=clause))) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (None, "dcba"),
        (["name"], "abcd"),
        (["name DESC"], "dcba"),
        (["created_time ASC"], "abcd"),
        (["last_update_time DESC", "name"], "dcba"),
    ],
    ids=str,
)
def test_order(client, gallery, order, expected):
    assert names(client, gallery, order_by=order) == expected


@pytest.mark.parametrize(
    "search",
    [
        {"filter_string": "dataset_id = 'x'"},
        {"filter_string": "metrics.m > 1"},
        {"filter_string": "created_time > '5'"},
        {"filter_string": "name ="},
        {"order_by": ["dataset_id"]},
        {"order_by": ["tags.team"]},
        {"max_results": 0},
        {"max_results": -1},
        {"max_results": 50_001},
        {"page_token": "garbage"},
    ],
    ids=str,
)
def test_searches_that_are_refused(client, gallery, search):
    assert error_code(names, client, gallery, **search) == "INVALID_PARAMETER_VALUE"


def test_pages(client, gallery):
    experiment, ids = gallery
    seen, token = "", None
    while True:
        page = client.search_datasets([experiment], max_results=3, order_by=["name"], page_token=token)
        seen += "".join(ids[found.dataset_id] for found in page)
        token = page.token
        if not token:
            break
    assert seen == "abcd"
    got = api("GET", f"{BASE}/search", {"experiment_ids": [experiment, "987654321"], "max_results": 2}).json()
    assert [found["name"] for found in got["datasets"]] == ["d", "c"] and got["next_page_token"]
    assert api("POST", f"{BASE}/search", {"experiment_ids": ["987654321"]}).json() == {}

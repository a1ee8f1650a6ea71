"""The filter language, order and pages of runs/search."""

import math
import uuid

import mlflow
import pytest
from mlflow.entities import Metric, Param, RunTag, ViewType
from support import api, error_code

RUNS = {
    # name: (metrics, params, tags, status, start time)
    "a": ({"acc": 0.9, "my loss": 1.5}, {"lr": "0.1", "Opt": "Adam"}, {"team": "red", "a b": "x"}, "FINISHED", 1000),
    "b": ({"acc": 0.5}, {"lr": "0.01", "Opt": "adamw"}, {"team": "blue"}, "FAILED", 2000),
    "C": ({"acc": math.nan}, {"Opt": "SGD_1"}, {"team": "Red"}, "FINISHED", 3000),
    "d": ({}, {"lr": "%"}, {}, "RUNNING", 3000),
    "e": ({"acc": -1.0, "my loss": 0.0}, {"Opt": "it's"}, {"team": 'say "hi"'}, "KILLED", 4000),
}


@pytest.fixture(scope="module")
def world(client):
    experiment = client.create_experiment(f"search-{uuid.uuid4().hex}")
    ids = {}
    for name, (metrics, params, tags, status, start) in RUNS.items():
        run = client.create_run(experiment, start_time=start, tags={"mlflow.runName": name}).info.run_id
        client.log_batch(
            run,
            [Metric(key, value, 1, 0) for key, value in metrics.items()],
            [Param(key, value) for key, value in params.items()],
            [RunTag(key, value) for key, value in tags.items()],
        )
        if status != "RUNNING":
            client.set_terminated(run, status, end_time=start + 500)
        ids[run] = name
    return experiment, ids


def names(client, world, clause="", **kwargs):
    experiment, ids = world
    return [ids[r.info.run_id] for r in client.search_runs([experiment], clause, **kwargs)]


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("", "abCde"),
        ("metrics.acc > 0.5", "a"),
        ("metrics.acc >= 0.5", "ab"),
        ("metrics.acc = 0.5", "b"),
        ("metrics.acc != 0.5", "aCe"),
        ("metrics.acc < 0.5", "e"),
        ("metrics.acc <= 0.5", "be"),
        ("metric.acc > -2", "abe"),
        ("metrics.acc > 1e-1", "ab"),
        ("metrics.`my loss` >= 0", "ae"),
        ('metrics."my loss" > 1', "a"),
        ("metrics.absent > 0", ""),
        ("params.lr = '0.1'", "a"),
        ('params.lr = "0.1"', "a"),
        ("param.lr != '0.1'", "bd"),
        ("parameters.Opt LIKE 'Adam%'", "a"),
        ("parameter.Opt ILIKE 'adam%'", "ab"),
        ("params.Opt LIKE 'SGD_1'", "C"),
        ("params.lr LIKE '%'", "abd"),
        ("params.Opt = \"it's\"", "e"),
        ("tags.team = 'red'", "a"),
        ("tag.team ILIKE 'RED'", "aC"),
        ("tags.team != 'red'", "bCe"),
        ("tags.team LIKE '%\"hi\"'", "e"),
        ("tags.`a b` = 'x'", "a"),
        ("tags.mlflow.runName = 'b'", "b"),
        ("tags.`mlflow.runName` LIKE '_'", "abCde"),
        ("attributes.status = 'FINISHED'", "aC"),
        ("attribute.status != 'FINISHED'", "bde"),
        ("attr.status LIKE 'F%'", "abC"),
        ("status ILIKE 'f%'", "abC"),
        ("run.status = 'KILLED'", "e"),
        ("start_time > 2000", "Cde"),
        ("attributes.start_time >= 2000 AND start_time < 4000", "bCd"),
        ("start_time != 3000", "abe"),
        ("end_time <= 2500", "ab"),
        ("created = 1000", "a"),
        ("run_name = 'C'", "C"),
        ("attributes.run_name ILIKE 'c'", "C"),
        ("attributes.`Run name` = 'd'", "d"),
        ("run_name != 'C'", "abde"),
        ("attributes.artifact_uri LIKE 'mlflow-artifacts:/%'", "abCde"),
        ("metrics.acc > 0 AND params.lr = '0.1' and tags.team = 'red'", "a"),
        ("metrics.acc > 0 AND metrics.acc < 0.6", "b"),
    ],
)
def test_filter(client, world, clause, expected):
    assert set(names(client, world, clause)) == set(expected)


@pytest.mark.client((3, 6))
@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("tags.team IS NULL", "d"),
        ("tags.team IS NOT NULL", "abCe"),
        ("params.lr IS NULL", "Ce"),
        ("params.lr is not null AND metrics.acc > 0", "ab"),
    ],
)
def test_is_null(client, world, clause, expected):
    assert set(names(client, world, clause)) == set(expected)


def test_run_id_in(client, world):
    _, ids = world
    of = {name: run for run, name in ids.items()}
    listed = f"('{of['a']}', '{of['b']}')"
    assert set(names(client, world, f"attributes.run_id IN {listed}")) == {"a", "b"}
    assert set(names(client, world, f"run_id NOT IN {listed}")) == {"C", "d", "e"}
    assert names(client, world, f"run_id = '{of['C']}'") == ["C"]


@pytest.mark.parametrize(
    "clause",
    [
        "metrics.acc",
        "metrics.acc > ",
        "metrics.acc LIKE 'x'",
        "metrics.acc = 'text'",
        "params.lr = 0.1x",
        "params.lr > '0.1'",
        "tags.team >= 'a'",
        "attributes.status > 'A'",
        "attributes.nonsense = 'a'",
        "nonsense.key = 'a'",
        "start_time LIKE '1'",
        "start_time > 'abc'",
        "status = FINISHED",
        "params.lr = '0.1",
        "= 'a'",
    ],
)
def test_bad_filters_are_refused(client, world, clause):
    assert error_code(names, client, world, clause) == "INVALID_PARAMETER_VALUE"


@pytest.mark.millrace_only("its language has no OR, NOT, parentheses, and compares params as text only")
@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("metrics.acc > 0.8 OR tags.team = 'blue'", "ab"),
        ("NOT status = 'FINISHED'", "bde"),
        ("(params.lr = '0.1' OR params.lr = '0.01') AND metrics.acc < 0.8", "b"),
        ("params.lr < 0.05", "b"),
        ("params.lr IN ('0.1', '%')", "ad"),
    ],
)
def test_the_wider_language(client, world, clause, expected):
    assert set(names(client, world, clause)) == set(expected)


# `=` stands for the runs C and d, which started at the same time: the lower run id comes first.
@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([], "e=ba"),
        (["metrics.acc"], "ebaCd"),
        (["metrics.acc ASC"], "ebaCd"),
        (["metrics.acc DESC"], "abeCd"),
        (["metrics.`my loss` DESC"], "ae=b"),
        (["params.lr ASC"], "dbaeC"),
        (["params.lr DESC"], "abdeC"),
        (["tags.team"], "Cbaed"),
        (["start_time ASC", "metrics.acc DESC"], "abCde"),
        (["attributes.start_time DESC", "run_name DESC"], "edCba"),
        (["end_time DESC"], "eCbad"),
        (["status", "run_name"], "bCaed"),
        (["run_name"], "Cabde"),
        (["attribute.run_name desc"], "edbaC"),
        (["metrics.absent"], "e=ba"),
    ],
)
def test_order(client, world, order, expected):
    _, ids = world
    tie = "".join(sorted("Cd", key=lambda name: next(run for run, of in ids.items() if of == name)))
    assert "".join(names(client, world, order_by=order)) == expected.replace("=", tie)


@pytest.mark.parametrize("order", ["nonsense", "metrics.acc UP", "attributes.nonsense", "metrics.acc ASC ASC"])
def test_bad_order_is_refused(client, world, order):
    assert error_code(names, client, world, order_by=[order]) == "INVALID_PARAMETER_VALUE"


@pytest.mark.millrace_only("it answers 500")
def test_the_same_order_twice_is_no_server_error(world):
    body = {"experiment_ids": [world[0]], "order_by": ["metrics.acc", "metrics.acc"]}
    assert api("POST", "/api/2.0/mlflow/runs/search", body).status_code < 500


def test_views(client, experiment):
    kept, dropped = (client.create_run(experiment).info.run_id for _ in range(2))
    client.delete_run(dropped)

    def found(view):
        return {r.info.run_id for r in client.search_runs([experiment], run_view_type=view)}

    assert found(ViewType.ACTIVE_ONLY) == {kept}
    assert found(ViewType.DELETED_ONLY) == {dropped}
    assert found(ViewType.ALL) == {kept, dropped}


def test_several_experiments_none_and_absent(client, unique):
    ids = [client.create_experiment(unique()) for _ in range(2)]
    runs = {client.create_run(experiment).info.run_id for experiment in ids}
    assert {r.info.run_id for r in client.search_runs(ids)} == runs
    assert client.search_runs(["987654321"]) == []
    assert api("POST", "/api/2.0/mlflow/runs/search", {}).json() == {}


@pytest.mark.parametrize("order", [None, ["metrics.m DESC"], ["params.p ASC", "metrics.m"], ["tags.t DESC"]], ids=str)
def test_pages_cover_everything_once(client, experiment, order):
    runs = []
    for number in range(23):
        run = client.create_run(experiment, start_time=1000 + number // 5).info.run_id
        metrics = [Metric("m", math.nan if number % 4 == 0 else number % 3, 1, 0)] if number % 5 else []
        client.log_batch(run, metrics, [Param("p", str(number % 2))], [RunTag("t", "x")] if number % 2 else [])
        runs.append(run)
    whole = [r.info.run_id for r in client.search_runs([experiment], order_by=order)]
    assert sorted(whole) == sorted(runs)
    for size in (1, 7, 22, 23):
        seen, token, sizes = [], None, []
        while True:
            page = client.search_runs([experiment], order_by=order, max_results=size, page_token=token)
            seen += [r.info.run_id for r in page]
            sizes.append(len(page))
            token = page.token
            if not token:
                break
        assert seen == whole
        assert all(count == size for count in sizes[:-1]) and sizes[-1] > 0


def test_pages_while_runs_come_and_go(client, experiment):
    """Runs that existed from first page to last are each seen; new ones sort before the first page and are not."""
    runs = [client.create_run(experiment, start_time=1000 + number).info.run_id for number in range(12)]
    page = client.search_runs([experiment], max_results=4)
    seen = [r.info.run_id for r in page]
    client.delete_run(runs[0])
    while page.token:
        page = client.search_runs([experiment], max_results=4, page_token=page.token)
        seen += [r.info.run_id for r in page]
    assert seen == runs[:0:-1]


@pytest.mark.millrace_only("its tokens are offsets, so that a run created in between repeats another one")
def test_a_new_run_does_not_shift_the_pages(client, experiment):
    runs = [client.create_run(experiment, start_time=1000 + number).info.run_id for number in range(8)]
    page = client.search_runs([experiment], max_results=3)
    seen = [r.info.run_id for r in page]
    while page.token:
        client.create_run(experiment, start_time=5000)
        page = client.search_runs([experiment], max_results=3, page_token=page.token)
        seen += [r.info.run_id for r in page]
    assert seen == runs[::-1]


@pytest.mark.parametrize("size", [-1, 0, 50_001])
def test_page_size_is_bounded(experiment, size):
    body = {"experiment_ids": [experiment], "max_results": size}
    answer = api("POST", "/api/2.0/mlflow/runs/search", body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_broken_page_token(client, experiment):
    assert error_code(client.search_runs, [experiment], page_token="not a token") == "INVALID_PARAMETER_VALUE"


def test_to_a_data_frame(world):
    experiment, ids = world
    frame = mlflow.search_runs([experiment], order_by=["metrics.acc DESC"])
    assert [ids[run] for run in frame["run_id"]][:3] == ["a", "b", "e"]
    assert len(frame) == 5
    first = frame.iloc[0]
    assert (first["metrics.acc"], first["params.lr"], first["tags.team"]) == (0.9, "0.1", "red")
    assert frame["metrics.acc"].isna().sum() == 2
    assert first["start_time"].year == 1970 and frame["status"].tolist().count("FINISHED") == 2


@pytest.mark.client((2, 0))  # 1.x asks `experiments/list`, which the server of today has no more
def test_to_a_data_frame_over_all_experiments(world):
    _, ids = world
    frame = mlflow.search_runs(search_all_experiments=True, filter_string="tags.`a b` = 'x'")
    assert set(ids) & set(frame["run_id"])

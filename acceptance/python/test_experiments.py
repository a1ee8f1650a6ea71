import uuid

import mlflow
import pytest
from mlflow.entities import ViewType
from support import error_code


def test_default_experiment_exists(client):
    default = client.get_experiment("0")
    assert (default.name, default.lifecycle_stage) == ("Default", "active")


def test_create_get_and_by_name_agree(client, unique):
    name = unique("ünï/code name: ")
    experiment_id = client.create_experiment(name, tags={"team": "a", "note": "línea\n二"})
    assert experiment_id.isdigit()
    by_id, by_name = client.get_experiment(experiment_id), client.get_experiment_by_name(name)
    assert by_id.name == by_name.name == name
    assert by_id.experiment_id == by_name.experiment_id == experiment_id
    assert by_id.tags == {"team": "a", "note": "línea\n二"}
    assert by_id.artifact_location == f"mlflow-artifacts:/{experiment_id}"
    assert by_id.creation_time == by_id.last_update_time > 1_500_000_000_000


def test_own_artifact_location_is_kept(client, unique):
    experiment_id = client.create_experiment(unique(), artifact_location="s3://bucket/some/where")
    assert client.get_experiment(experiment_id).artifact_location == "s3://bucket/some/where"
    run = client.create_run(experiment_id)
    assert run.info.artifact_uri == f"s3://bucket/some/where/{run.info.run_id}/artifacts"


def test_name_is_unique_even_among_deleted(client, unique):
    name = unique()
    experiment_id = client.create_experiment(name)
    assert error_code(client.create_experiment, name) == "RESOURCE_ALREADY_EXISTS"
    client.delete_experiment(experiment_id)
    assert error_code(client.create_experiment, name) == "RESOURCE_ALREADY_EXISTS"
    assert client.get_experiment_by_name(name).lifecycle_stage == "deleted"


@pytest.mark.parametrize("name", ["", "x" * 501], ids=["empty", "501 characters"])
def test_bad_names_are_refused(client, name):
    assert error_code(client.create_experiment, name) == "INVALID_PARAMETER_VALUE"


def test_missing_experiments(client, unique):
    assert error_code(client.get_experiment, "987654321") == "RESOURCE_DOES_NOT_EXIST"
    assert client.get_experiment_by_name(unique("absent")) is None
    assert error_code(client.get_experiment, "not-a-number") == "INVALID_PARAMETER_VALUE"
    assert error_code(client.rename_experiment, "987654321", unique()) == "RESOURCE_DOES_NOT_EXIST"
    assert error_code(client.delete_experiment, "987654321") == "RESOURCE_DOES_NOT_EXIST"
    assert error_code(client.set_experiment_tag, "987654321", "k", "v") == "RESOURCE_DOES_NOT_EXIST"


def test_rename(client, experiment, unique):
    name = unique("renamed")
    before = client.get_experiment(experiment)
    client.rename_experiment(experiment, name)
    after = client.get_experiment(experiment)
    assert after.name == name and client.get_experiment_by_name(before.name) is None
    assert after.last_update_time >= before.last_update_time


@pytest.mark.millrace_only("it answers BAD_REQUEST with the text of its SQL statement")
def test_rename_to_a_taken_name(client, experiment, unique):
    taken = unique()
    client.create_experiment(taken)
    assert error_code(client.rename_experiment, experiment, taken) == "RESOURCE_ALREADY_EXISTS"


@pytest.mark.millrace_only("it answers a rename of a deleted experiment with 500, which clients retry for minutes")
def test_rename_of_a_deleted_experiment_is_refused_at_once(client, experiment, unique):
    client.delete_experiment(experiment)
    with pytest.raises(mlflow.exceptions.MlflowException) as refused:
        client.rename_experiment(experiment, unique())
    assert refused.value.get_http_status_code() < 500
    assert refused.value.error_code != "INTERNAL_ERROR"


def test_delete_takes_its_runs_and_restore_brings_them_back(client, experiment):
    kept, dropped = (client.create_run(experiment).info.run_id for _ in range(2))
    client.delete_run(dropped)
    client.delete_experiment(experiment)
    assert client.get_experiment(experiment).lifecycle_stage == "deleted"
    assert client.get_run(kept).info.lifecycle_stage == "deleted"
    assert error_code(client.create_run, experiment) == "INVALID_PARAMETER_VALUE"
    assert error_code(client.delete_experiment, experiment) == "RESOURCE_DOES_NOT_EXIST"
    client.restore_experiment(experiment)
    assert client.get_experiment(experiment).lifecycle_stage == "active"
    assert {client.get_run(run).info.lifecycle_stage for run in (kept, dropped)} == {"active"}
    assert error_code(client.restore_experiment, experiment) == "RESOURCE_DOES_NOT_EXIST"


def test_tags_upsert(client, experiment):
    client.set_experiment_tag(experiment, "k", "1")
    client.set_experiment_tag(experiment, "k", "2")
    client.set_experiment_tag(experiment, "mlflow.note.content", "# note")
    assert client.get_experiment(experiment).tags == {"k": "2", "mlflow.note.content": "# note"}


@pytest.mark.client((3, 0))
def test_tag_delete(client, experiment):
    client.set_experiment_tag(experiment, "k", "1")
    client.delete_experiment_tag(experiment, "k")
    assert client.get_experiment(experiment).tags == {}
    assert error_code(client.delete_experiment_tag, experiment, "k") == "RESOURCE_DOES_NOT_EXIST"


def test_set_experiment_creates_once(unique):
    name = unique("set")
    first, second = mlflow.set_experiment(name), mlflow.set_experiment(name)
    assert first.experiment_id == second.experiment_id


def test_search_views(client, unique):
    prefix = unique("view")
    active, deleted = (client.create_experiment(f"{prefix}-{stage}") for stage in ("active", "deleted"))
    client.delete_experiment(deleted)

    def found(view):
        return {e.experiment_id for e in client.search_experiments(view, filter_string=f"name LIKE '{prefix}%'")}

    assert found(ViewType.ACTIVE_ONLY) == {active}
    assert found(ViewType.DELETED_ONLY) == {deleted}
    assert found(ViewType.ALL) == {active, deleted}


@pytest.fixture(scope="module")
def family(client):
    """Names and tags that the filters below tell apart."""
    prefix = f"Fam-{uuid.uuid4().hex[:8]}"
    members = {
        "alpha": {"team": "red", "my key": "a_b"},
        "Beta": {"team": "blue"},
        "gamma": {"team": "red"},
    }
    ids = {client.create_experiment(f"{prefix}-{name}", tags=tags): name for name, tags in members.items()}
    return prefix, ids


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("name = '{p}-alpha'", {"alpha"}),
        ("name != '{p}-alpha'", {"Beta", "gamma"}),
        ("name LIKE '%-Be%'", {"Beta"}),
        ("name LIKE '%-be%'", set()),
        ("name ILIKE '%-BE%'", {"Beta"}),
        ("attribute.name ILIKE '%GAMMA'", {"gamma"}),
        ("attribute.creation_time > 0", {"alpha", "Beta", "gamma"}),
        ("creation_time < 1000", set()),
        ("last_update_time >= 1000 AND tags.team = 'red'", {"alpha", "gamma"}),
        ("tags.team = 'red'", {"alpha", "gamma"}),
        ('tag.team = "blue"', {"Beta"}),
        ("tags.team != 'red'", {"Beta"}),
        ("tags.team LIKE 'r%'", {"alpha", "gamma"}),
        ("tags.team ILIKE 'R%'", {"alpha", "gamma"}),
        ("tags.`my key` = 'a_b'", {"alpha"}),
        ('tags."my key" LIKE \'a_b\'', {"alpha"}),
        ("tags.team = 'red' and name LIKE '%gamma'", {"gamma"}),
    ],
)
def test_filters(client, family, condition, expected):
    prefix, ids = family
    clause = f"name LIKE '{prefix}-%' AND " + condition.replace("{p}", prefix)
    assert {ids[e.experiment_id] for e in client.search_experiments(filter_string=clause)} == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (["name"], ["Beta", "alpha", "gamma"]),
        (["name DESC"], ["gamma", "alpha", "Beta"]),
        (["attribute.name ASC"], ["Beta", "alpha", "gamma"]),
        (["experiment_id ASC"], ["alpha", "Beta", "gamma"]),
        (["experiment_id DESC"], ["gamma", "Beta", "alpha"]),
        (["creation_time ASC", "name DESC"], None),
        (["last_update_time DESC"], None),
    ],
)
def test_order(client, family, order, expected):
    prefix, ids = family
    found = client.search_experiments(filter_string=f"name LIKE '{prefix}-%'", order_by=order)
    if expected is None:
        field = order[0].split()[0]
        values = [getattr(e, field) for e in found]
        assert values == sorted(values, reverse=order[0].endswith("DESC"))
    else:
        assert [ids[e.experiment_id] for e in found] == expected


@pytest.mark.parametrize(
    "clause",
    ["name > 'a'", "nonsense = 1", "name = unquoted", "tags.a.b = ", "creation_time = 'text'", "name LIKE"],
)
def test_bad_filters_are_refused(client, clause):
    assert error_code(client.search_experiments, filter_string=clause) == "INVALID_PARAMETER_VALUE"


def test_pages_cover_everything_once(client, unique):
    prefix = unique("page")
    created = [client.create_experiment(f"{prefix}-{number}") for number in range(7)]
    seen, token = [], None
    while True:
        page = client.search_experiments(
            max_results=3, filter_string=f"name LIKE '{prefix}%'", order_by=["experiment_id ASC"], page_token=token
        )
        seen += [e.experiment_id for e in page]
        token = page.token
        if not token:
            break
        assert len(page) == 3
    assert seen == sorted(created, key=int)


@pytest.mark.parametrize("size", [-1, 0, 50_001])
def test_page_size_is_bounded(client, size):
    assert error_code(client.search_experiments, max_results=size) == "INVALID_PARAMETER_VALUE"


def test_broken_page_token(client):
    assert error_code(client.search_experiments, page_token="not a token") == "INVALID_PARAMETER_VALUE"

import mlflow
import pytest
from mlflow.entities import RunStatus
from support import api, error_code


def test_create_stores_what_it_was_given(client, experiment):
    run = client.create_run(experiment, start_time=1_700_000_000_123, tags={"a": "1"}, run_name="nämed")
    again = client.get_run(run.info.run_id)
    assert again.info.run_name == again.data.tags["mlflow.runName"] == "nämed"
    assert again.info.start_time == 1_700_000_000_123
    assert again.info.end_time is None
    assert (again.info.status, again.info.lifecycle_stage) == ("RUNNING", "active")
    assert again.info.experiment_id == experiment
    assert again.data.tags["a"] == "1"
    assert again.info.artifact_uri == f"mlflow-artifacts:/{experiment}/{run.info.run_id}/artifacts"
    assert len(run.info.run_id) == 32


def test_a_name_is_made_up_when_none_is_given(client, experiment):
    run = client.create_run(experiment)
    assert run.info.run_name and run.data.tags["mlflow.runName"] == run.info.run_name


def test_name_by_tag_and_both_names_must_agree(client, experiment):
    assert client.create_run(experiment, tags={"mlflow.runName": "by tag"}).info.run_name == "by tag"
    assert (
        error_code(client.create_run, experiment, tags={"mlflow.runName": "one"}, run_name="two")
        == "INVALID_PARAMETER_VALUE"
    )


def test_missing_runs(client, experiment):
    absent = "0" * 32
    assert error_code(client.get_run, absent) == "RESOURCE_DOES_NOT_EXIST"
    assert error_code(client.log_metric, absent, "m", 1) == "RESOURCE_DOES_NOT_EXIST"
    assert error_code(client.log_param, absent, "p", 1) == "RESOURCE_DOES_NOT_EXIST"
    assert error_code(client.set_tag, absent, "t", 1) == "RESOURCE_DOES_NOT_EXIST"
    assert error_code(client.delete_run, absent) == "RESOURCE_DOES_NOT_EXIST"
    assert error_code(client.create_run, "987654321") == "RESOURCE_DOES_NOT_EXIST"


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED"])
def test_terminate(client, run, status):
    client.set_terminated(run, status, end_time=1_800_000_000_000)
    info = client.get_run(run).info
    assert (info.status, info.end_time) == (status, 1_800_000_000_000)


def test_update_keeps_name_and_tag_together(client, run):
    client.update_run(run, name="second")
    assert client.get_run(run).data.tags["mlflow.runName"] == "second"
    client.set_tag(run, "mlflow.runName", "third")
    assert client.get_run(run).info.run_name == "third"
    client.update_run(run, status="SCHEDULED")
    after = client.get_run(run).info
    assert (after.run_name, after.status) == ("third", "SCHEDULED")
    assert RunStatus.from_string(after.status) == RunStatus.SCHEDULED


def test_delete_and_restore_are_repeatable(client, run):
    for _ in range(2):
        client.delete_run(run)
        assert client.get_run(run).info.lifecycle_stage == "deleted"
    for write in (
        lambda: client.log_metric(run, "m", 1),
        lambda: client.log_param(run, "p", 1),
        lambda: client.set_tag(run, "t", 1),
        lambda: client.log_batch(run, params=[mlflow.entities.Param("p", "1")]),
        lambda: client.set_terminated(run),
    ):
        assert error_code(write) == "INVALID_PARAMETER_VALUE"
    for _ in range(2):
        client.restore_run(run)
        assert client.get_run(run).info.lifecycle_stage == "active"
    client.log_metric(run, "m", 1)


def test_nested_runs(client, active_experiment):
    with mlflow.start_run(run_name="parent") as parent:
        mlflow.log_param("level", 0)
        with mlflow.start_run(nested=True, run_name="child") as child:
            mlflow.log_metric("m", 1)
            with mlflow.start_run(nested=True) as grandchild:
                mlflow.set_tag("leaf", "yes")
    assert client.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == parent.info.run_id
    children = client.search_runs([active_experiment], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert [r.info.run_id for r in children] == [child.info.run_id]
    found = {r.info.run_id: r.info.status for r in client.search_runs([active_experiment])}
    assert found == {r.info.run_id: "FINISHED" for r in (parent, child, grandchild)}


@pytest.mark.client((2, 3))
def test_parent_run(client, active_experiment):
    with mlflow.start_run() as parent, mlflow.start_run(nested=True) as child:
        pass
    assert client.get_parent_run(child.info.run_id).info.run_id == parent.info.run_id
    assert client.get_parent_run(parent.info.run_id) is None


def test_failing_and_resumed_runs(client, active_experiment):
    with pytest.raises(ZeroDivisionError), mlflow.start_run() as run:
        _ = 1 / 0
    assert client.get_run(run.info.run_id).info.status == "FAILED"
    with mlflow.start_run(run_id=run.info.run_id):
        mlflow.log_metric("again", 1)
    info = client.get_run(run.info.run_id).info
    assert info.status == "FINISHED" and info.end_time >= info.start_time


def test_tags_set_by_the_client(client, active_experiment):
    with mlflow.start_run(tags={"own": "1"}, description="what it is") as run:
        pass
    tags = client.get_run(run.info.run_id).data.tags
    assert tags["own"] == "1" and tags["mlflow.note.content"] == "what it is"
    assert {"mlflow.user", "mlflow.source.name", "mlflow.source.type"} <= tags.keys()


def test_both_spellings_of_the_run_id(run):
    for name in ("run_id", "run_uuid"):
        body = api("GET", "/api/2.0/mlflow/runs/get", {name: run}).json()
        assert body["run"]["info"]["run_id"] == body["run"]["info"]["run_uuid"] == run
    assert api("POST", "/api/2.0/mlflow/runs/set-tag", {"run_uuid": run, "key": "k", "value": "v"}).status_code == 200


def test_user_given_by_the_caller(experiment):
    created = api("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": experiment, "user_id": "ada"}).json()
    assert created["run"]["info"]["user_id"] == "ada"
    assert created["run"]["info"]["start_time"] == 0

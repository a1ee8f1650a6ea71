import hashlib
import os

import mlflow
import pytest
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository


def listing(client, run, path=None):
    return {(entry.path, entry.is_dir, entry.file_size) for entry in client.list_artifacts(run, path)}


def fetch(client, run, path, folder):
    return open(client.download_artifacts(run, path, str(folder)), "rb").read()


def test_text_dict_and_figure(client, run, tmp_path):
    figures = pytest.importorskip("matplotlib.figure", reason="matplotlib is not installed here")
    figure = figures.Figure()
    figure.subplots().plot([1, 2, 3])
    client.log_text(run, "ünï\n二", "texts/note.txt")
    client.log_dict(run, {"a": [1, None]}, "config.json")
    client.log_dict(run, {"a": [1, None]}, "config.yaml")
    client.log_figure(run, figure, "plots/figure.png")
    assert fetch(client, run, "texts/note.txt", tmp_path) == "ünï\n二".encode()
    assert fetch(client, run, "plots/figure.png", tmp_path).startswith(b"\x89PNG")
    assert {(path, is_dir) for path, is_dir, _ in listing(client, run)} == {
        ("texts", True),
        ("plots", True),
        ("config.json", False),
        ("config.yaml", False),
    }
    assert listing(client, run, "texts") == {("texts/note.txt", False, 9)}


def test_folder_up_and_down(client, run, tmp_path):
    files = {
        "root.bin": bytes(range(256)) * 300,
        "empty": b"",
        "a/b/c/deep.txt": b"deep",
        "a/ünï cödé 二 +&=;'%41.txt": b"name",
        "a/.hidden": b"h",
    }
    for name, content in files.items():
        path = tmp_path / "up" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    client.log_artifacts(run, str(tmp_path / "up"), "in/here")
    assert listing(client, run, "in") == {("in/here", True, None)}
    sizes = {path: size for path, _, size in listing(client, run, "in/here")}
    assert sizes["in/here/root.bin"] == 76_800 and not sizes["in/here/empty"]
    target = tmp_path / "down"
    target.mkdir()
    fetched = client.download_artifacts(run, "in/here", str(target))
    found = {
        os.path.relpath(os.path.join(folder, name), fetched): open(os.path.join(folder, name), "rb").read()
        for folder, _, names in os.walk(fetched)
        for name in names
    }
    # The real server decodes a name again, so that `%41` becomes `A`.
    assert {name.replace("%41", "A"): content for name, content in found.items()} == {
        name.replace("%41", "A"): content for name, content in files.items()
    }


def test_overwrite(client, run, tmp_path):
    client.log_text(run, "first, and longer", "f.txt")
    client.log_text(run, "second", "f.txt")
    assert fetch(client, run, "f.txt", tmp_path) == b"second"
    assert listing(client, run) == {("f.txt", False, 6)}


def test_large_file(client, run, tmp_path):
    block = os.urandom(1 << 20)
    path = tmp_path / "large.bin"
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        for number in range(60):
            file.write(block[number:] + block[:number])
            digest.update(block[number:] + block[:number])
    client.log_artifact(run, str(path), "big")
    assert listing(client, run, "big") == {("big/large.bin", False, 60 << 20)}
    target = tmp_path / "down"
    target.mkdir()
    assert hashlib.sha256(fetch(client, run, "big/large.bin", target)).digest() == digest.digest()


def test_nothing_there(client, run, tmp_path):
    assert client.list_artifacts(run) == []
    assert client.list_artifacts(run, "absent") == []
    with pytest.raises(Exception, match="(?i)absent"):
        client.download_artifacts(run, "absent", str(tmp_path))


def test_delete_through_the_repository(client, run):
    client.log_text(run, "a", "keep.txt")
    client.log_text(run, "b", "drop/one.txt")
    client.log_text(run, "b", "drop/two/three.txt")
    repository = get_artifact_repository(client.get_run(run).info.artifact_uri)
    repository.delete_artifacts("drop/one.txt")
    assert listing(client, run, "drop") == {("drop/two", True, None)}
    repository.delete_artifacts("drop")
    repository.delete_artifacts("drop")
    assert listing(client, run) == {("keep.txt", False, 1)}


def test_two_runs_do_not_share(client, experiment, tmp_path):
    one, two = (client.create_run(experiment).info.run_id for _ in range(2))
    client.log_text(one, "1", "same.txt")
    client.log_text(two, "2", "same.txt")
    assert [fetch(client, run, "same.txt", tmp_path) for run in (one, two)] == [b"1", b"2"]


@pytest.mark.client((2, 0))
def test_fluent_and_load(active_experiment):
    with mlflow.start_run() as run:
        mlflow.log_text("hello", "dir/hello.txt")
        mlflow.log_dict({"a": 1}, "a.json")
        uri = mlflow.get_artifact_uri("dir/hello.txt")
    assert uri == f"mlflow-artifacts:/{active_experiment}/{run.info.run_id}/artifacts/dir/hello.txt"
    assert mlflow.artifacts.load_text(uri) == "hello"
    assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/dir/hello.txt") == "hello"
    assert mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/a.json") == {"a": 1}


@pytest.mark.client((2, 0))
def test_download_by_uri(client, run, tmp_path):
    client.log_text(run, "x", "d/one.txt")
    client.log_text(run, "y", "d/two.txt")
    path = mlflow.artifacts.download_artifacts(f"runs:/{run}/d", dst_path=str(tmp_path))
    assert sorted(os.listdir(path)) == ["one.txt", "two.txt"]


@pytest.mark.client((2, 3))
def test_tables(active_experiment):
    with mlflow.start_run() as run:
        mlflow.log_table({"q": ["a", "b"], "n": [1, 2]}, "table.json")
        mlflow.log_table({"q": ["c"], "n": [3]}, "table.json")
    frame = mlflow.load_table("table.json", run_ids=[run.info.run_id], extra_columns=["run_id"])
    assert frame["q"].tolist() == ["a", "b", "c"] and frame["n"].tolist() == [1, 2, 3]
    assert set(frame["run_id"]) == {run.info.run_id}
    tag = mlflow.get_run(run.info.run_id).data.tags["mlflow.loggedArtifacts"]
    assert "table.json" in tag


@pytest.mark.client((2, 10))
def test_image_time_series(client, active_experiment):
    import numpy

    with mlflow.start_run() as run:
        mlflow.log_image(numpy.zeros((4, 4, 3), dtype="uint8"), key="frame", step=2)
        mlflow.flush_artifact_async_logging()
    assert len(client.list_artifacts(run.info.run_id, "images")) >= 1

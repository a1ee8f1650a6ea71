"""The real client against one server per artifact store, and against stores that it uses itself.

Environment: ACCEPTANCE_STORES, a JSON object that for each server names its URL and, where clients write themselves, the location
and what the client needs in its environment. A store that is missing here is left out by who starts this.
"""

import hashlib
import json
import os

import boto3
import mlflow
import pytest
import requests
from mlflow.tracking import MlflowClient
from sklearn.linear_model import LinearRegression

SERVERS = json.loads(os.environ["ACCEPTANCE_STORES"])
MIB = 1 << 20
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
API = "/api/2.0/mlflow"
PROXY = "/api/2.0/mlflow-artifacts"

PROXIED = [name for name, server in SERVERS.items() if server["kind"] == "proxied"]
SIGNING = [name for name, server in SERVERS.items() if server["kind"] == "signing"]


def named(*names):
    return [name if name in SERVERS else pytest.param(name, marks=pytest.mark.skip(f"{name} is not available here")) for name in names]


@pytest.fixture(scope="session", params=PROXIED)
def proxied(request):
    return server_of(request.param)


def server_of(name):
    """Points the client at the server, and gives the server's description."""
    server = SERVERS[name]
    mlflow.set_tracking_uri(server["url"])
    return server


@pytest.fixture
def store(proxied):
    mlflow.set_tracking_uri(proxied["url"])
    return proxied


@pytest.fixture
def client(store):
    return MlflowClient(store["url"])


def fetch(client, run, path, folder):
    folder.mkdir(exist_ok=True)
    with open(client.download_artifacts(run, path, str(folder)), "rb") as file:
        return file.read()


def listing(client, run, path=None):
    return {(entry.path, entry.is_dir, entry.file_size) for entry in client.list_artifacts(run, path)}


def random_file(path, size):
    """Writes a file without repetitions that a mixed-up part could hide in; returns its digest."""
    digest = hashlib.sha256()
    block = os.urandom(MIB)
    with open(path, "wb") as file:
        for number in range(0, size, MIB):
            content = (number.to_bytes(8, "big") + block)[: min(MIB, size - number)]
            file.write(content)
            digest.update(content)
    return digest.hexdigest()


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class TestFiles:
    def test_every_kind_of_file(self, client, run, tmp_path):
        files = {
            "root.txt": "ünï\n二".encode(),
            "empty": b"",
            "plot.png": PNG,
            "a/b/c/deep.txt": b"deep",
            "a/ünï cödé 二 +&=;'.txt": b"name",
        }
        for name, content in files.items():
            path = tmp_path / "up" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        client.log_artifacts(run, str(tmp_path / "up"), "in")
        client.log_text(run, "text", "text.txt")

        assert listing(client, run) == {("in", True, None), ("text.txt", False, 4)}
        assert listing(client, run, "in") == {
            ("in/root.txt", False, 9),
            ("in/empty", False, 0),
            ("in/plot.png", False, len(PNG)),
            ("in/a", True, None),
        }
        assert listing(client, run, "in/plot.png") == set() == listing(client, run, "absent")
        (tmp_path / "down").mkdir()
        folder = client.download_artifacts(run, "in", str(tmp_path / "down"))
        found = {
            os.path.relpath(os.path.join(root, name), folder): open(os.path.join(root, name), "rb").read()
            for root, _, names in os.walk(folder)
            for name in names
        }
        assert found == files

    def test_overwritten_and_deleted(self, client, run, tmp_path):
        client.log_text(run, "the first, and longer", "f.txt")
        client.log_text(run, "second", "f.txt")
        client.log_text(run, "x", "folder/one")
        client.log_text(run, "y", "folder/deep/two")
        assert fetch(client, run, "f.txt", tmp_path) == b"second"
        repository = mlflow.store.artifact.artifact_repository_registry.get_artifact_repository(
            client.get_run(run).info.artifact_uri
        )
        for path in ("folder", "f.txt", "absent"):
            repository.delete_artifacts(path)
        assert listing(client, run) == set()
        with pytest.raises(Exception, match="f.txt"):
            client.download_artifacts(run, "f.txt", str(tmp_path))

    def test_a_large_file(self, client, run, tmp_path):
        digest = random_file(tmp_path / "large.bin", 60 * MIB + 1)
        client.log_artifact(run, str(tmp_path / "large.bin"))
        assert listing(client, run) == {("large.bin", False, 60 * MIB + 1)}
        (tmp_path / "down").mkdir()
        assert digest_of(client.download_artifacts(run, "large.bin", str(tmp_path / "down"))) == digest

    def test_a_refusal_arrives_though_the_file_is_still_being_sent(self, store, client, run, tmp_path):
        if store["store"] not in ("local", "sftp"):
            return  # In a bucket a name can be both a file and a folder.
        client.log_text(run, "x", "taken/x")
        random_file(tmp_path / "taken", 60 * MIB)
        with pytest.raises(requests.exceptions.HTTPError, match="taken") as refused:
            client.log_artifact(run, str(tmp_path / "taken"))
        assert refused.value.response.status_code == 400
        assert listing(client, run) == {("taken", True, None)}

    def test_a_model(self, client, experiment, tmp_path):
        model = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
        with mlflow.start_run(experiment_id=experiment):
            info = mlflow.sklearn.log_model(
                model, name="model", pip_requirements=["scikit-learn"], serialization_format="cloudpickle"
            )
        assert mlflow.sklearn.load_model(info.model_uri).predict([[2.0]]) == pytest.approx([5.0])


class TestMultipart:
    """Parts of 5 MiB, the least that S3 takes."""

    @pytest.fixture(autouse=True)
    def settings(self, monkeypatch):
        for name in ("UPLOAD", "DOWNLOAD"):
            monkeypatch.setenv(f"MLFLOW_ENABLE_PROXY_MULTIPART_{name}", "true")
            monkeypatch.setenv(f"MLFLOW_MULTIPART_{name}_MINIMUM_FILE_SIZE", str(6 * MIB))
            monkeypatch.setenv(f"MLFLOW_MULTIPART_{name}_CHUNK_SIZE", str(5 * MIB))

    def test_up_and_down_in_parts(self, store, client, run, tmp_path):
        digest = random_file(tmp_path / "parts.bin", 17 * MIB + 3)
        client.log_artifact(run, str(tmp_path / "parts.bin"), "dir ü")
        assert listing(client, run, "dir ü") == {("dir ü/parts.bin", False, 17 * MIB + 3)}
        (tmp_path / "down").mkdir()
        assert digest_of(client.download_artifacts(run, "dir ü/parts.bin", str(tmp_path / "down"))) == digest

    def test_parts_that_do_not_fit(self, store, client, run):
        info = requests.get(store["url"] + "/api/3.0/mlflow/server-info", timeout=30).json()
        assert info["multipart_uploads_enabled"] is (store["store"] != "sftp")
        folder = client.get_run(run).info.artifact_uri.removeprefix("mlflow-artifacts:/")

        def mpu(verb, **body):
            url = f"{store['url']}{PROXY}/mpu/{verb}/{folder}"
            return requests.post(url, json={"path": "file.bin", **body}, timeout=60)

        created = mpu("create", num_parts=2)
        if not info["multipart_uploads_enabled"]:
            assert created.status_code == 501
            assert created.json()["message"].startswith("Multipart upload is not supported for the current artifact repository")
            return
        upload = created.json()["upload_id"]
        parts = []
        for credential in created.json()["credentials"]:
            sent = requests.put(credential["url"], data=b"p" * (5 * MIB), headers=credential.get("headers"), timeout=60)
            sent.raise_for_status()
            part = {"part_number": credential["part_number"], "etag": sent.headers.get("ETag", ""), "url": credential["url"]}
            parts.append(part)
        if store["store"] in ("local", "s3"):
            wrong = mpu("complete", upload_id=upload, parts=[parts[0], {**parts[1], "etag": '"0123456789abcdef0123456789abcdef"'}])
            assert 400 <= wrong.status_code < 500, wrong.text
        missing = mpu("complete", upload_id=upload, parts=[*parts, {"part_number": 3, "etag": '"0"', "url": "x"}])
        assert 400 <= missing.status_code < 500, missing.text
        assert mpu("complete", upload_id=upload, parts=[]).status_code == 400
        assert listing(client, run) == set()
        assert mpu("abort", upload_id=upload).status_code == 200
        assert listing(client, run) == set()
        if store["store"] != "azure":  # It has no word for abort: blocks stay for a week, and may be committed.
            assert 400 <= mpu("complete", upload_id=upload, parts=parts).status_code < 500
            assert listing(client, run) == set()


class TestDirectLocations:
    """The client and the store speak without the server, which then lists and reads."""

    def check_reading(self, server, run):
        """What the client wrote is listed and read by the server."""
        listed = requests.get(server["url"] + API + "/artifacts/list", {"run_id": run}, timeout=60).json()
        assert {(file["path"], file["is_dir"]) for file in listed["files"]} == {("text.txt", False), ("folder", True)}
        inside = requests.get(server["url"] + API + "/artifacts/list", {"run_id": run, "path": "folder"}, timeout=60).json()
        assert inside["files"] == [{"path": "folder/ünï 二.bin", "is_dir": False, "file_size": 3}]
        for path, content in (("text.txt", b"text"), ("folder/ünï 二.bin", b"abc")):
            answer = requests.get(server["url"] + "/get-artifact", {"run_id": run, "path": path}, timeout=60)
            assert (answer.status_code, answer.content) == (200, content)
        part = requests.get(
            server["url"] + "/get-artifact", {"run_id": run, "path": "text.txt"}, headers={"Range": "bytes=1-2"}, timeout=60
        )
        assert (part.status_code, part.content) == (206, b"ex")
        absent = requests.get(server["url"] + "/get-artifact", {"run_id": run, "path": "absent"}, timeout=60)
        assert (absent.status_code, absent.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")

    def check_client(self, server, location, tmp_path, unique):
        """A run whose artifacts the client itself writes and reads."""
        client = MlflowClient(server["url"])
        run = client.create_run(client.create_experiment(unique("direct"), artifact_location=location)).info
        client.log_text(run.run_id, "text", "text.txt")
        (tmp_path / "ünï 二.bin").write_bytes(b"abc")
        client.log_artifact(run.run_id, str(tmp_path / "ünï 二.bin"), "folder")
        assert fetch(client, run.run_id, "folder/ünï 二.bin", tmp_path / "down") == b"abc"
        self.check_reading(server, run.run_id)
        return run

    @pytest.mark.parametrize("name", named("s3"))
    def test_a_location_of_the_experiments_own(self, name, tmp_path, unique, monkeypatch):
        server = server_of(name)
        for key, value in server["env"].items():
            monkeypatch.setenv(key, value)
        run = self.check_client(server, "s3://artifacts/an experiment's/own", tmp_path, unique)
        assert run.artifact_uri == f"s3://artifacts/an experiment's/own/{run.run_id}/artifacts"
        objects = boto3.client("s3", endpoint_url=server["env"]["MLFLOW_S3_ENDPOINT_URL"])
        assert objects.head_object(Bucket="artifacts", Key=f"an experiment's/own/{run.run_id}/artifacts/text.txt")

    @pytest.mark.parametrize("name", named("s3-unserved"))
    def test_a_server_that_serves_no_artifacts(self, name, tmp_path, unique, monkeypatch):
        server = server_of(name)
        for key, value in server["env"].items():
            monkeypatch.setenv(key, value)
        run = self.check_client(server, None, tmp_path, unique)
        assert run.artifact_uri.startswith(server["location"])
        refused = requests.get(f"{server['url']}{PROXY}/artifacts/x", timeout=30)
        assert (refused.status_code, refused.json()["error_code"]) == (501, "NOT_IMPLEMENTED")

    @pytest.mark.parametrize(("name", "library"), [("azure-unserved", "azure.storage.blob"), ("gcs-unserved", "google.cloud.storage")])
    def test_other_clouds(self, name, library, tmp_path, unique, monkeypatch):
        pytest.importorskip(library, reason=f"{library}, which the client needs, is not installed here")
        if name not in SERVERS:
            pytest.skip(f"{name} is not available here")
        server = server_of(name)
        for key, value in server["env"].items():
            # The key is good for signatures; with none at all the client comes to the emulator as anybody.
            if key != "GOOGLE_APPLICATION_CREDENTIALS":
                monkeypatch.setenv(key, value)
        run = self.check_client(server, None, tmp_path, unique)
        assert run.artifact_uri.startswith(server["location"])

    @pytest.mark.parametrize("name", named("folder-unserved"))
    def test_a_folder_that_clients_share(self, name, tmp_path, unique):
        server = server_of(name)
        run = self.check_client(server, None, tmp_path, unique)
        root = run.artifact_uri.removeprefix("file://")
        assert root.startswith(server["location"])

        secret = tmp_path / "secret"
        secret.mkdir()
        (secret / "key").write_text("private")
        os.symlink(secret / "key", f"{root}/link")
        os.symlink(secret, f"{root}/out")
        other = MlflowClient(server["url"]).create_run(run.experiment_id).info
        os.makedirs(os.path.dirname(other.artifact_uri.removeprefix("file://")))
        os.symlink(secret, other.artifact_uri.removeprefix("file://"))

        def get(run_id, path):
            return requests.get(server["url"] + "/get-artifact", {"run_id": run_id, "path": path}, timeout=30)

        for run_id, path in ((run.run_id, "link"), (run.run_id, "out/key"), (other.run_id, "key")):
            answer = get(run_id, path)
            assert answer.status_code in (403, 404) and "private" not in answer.text, (path, answer.text)
        for run_id, path in ((run.run_id, None), (run.run_id, "out"), (other.run_id, None)):
            listed = requests.get(server["url"] + API + "/artifacts/list", {"run_id": run_id, "path": path}, timeout=30)
            assert not any(word in listed.text for word in ("key", '"link"', '"out"')), listed.text

    @pytest.mark.parametrize("name", SIGNING)
    def test_signed_urls(self, name, unique):
        server = server_of(name)
        client = MlflowClient(server["url"])
        run = client.create_run(client.create_experiment(unique("signed"))).info.run_id

        def signed(verb, path, **more):
            url = f"{server['url']}{API}/artifacts/presigned-{verb}-url"
            return requests.post(url, json={"run_id": run, "path": path, **more}, timeout=30)

        for path, content in (("text.txt", b"text"), ("folder/ünï 二.bin", b"abc")):
            answer = signed("upload", path, expiration=60)
            assert answer.status_code == 200, answer.text
            target = answer.json()
            put = requests.put(target["presigned_url"], data=content, headers=target.get("headers"), timeout=60)
            assert put.ok, put.text
        self.check_reading(server, run)
        answer = signed("download", "folder/ünï 二.bin")
        assert answer.status_code == 200, answer.text
        source = answer.json()
        assert source["file_size"] == 3
        got = requests.get(source["presigned_url"], headers=source.get("headers"), timeout=60)
        assert (got.status_code, got.content) == (200, b"abc")
        assert signed("download", "absent").status_code == 404
        for expiration in (0, 604_801):
            assert signed("upload", "x", expiration=expiration).status_code == 400

    def test_no_signed_urls_through_the_server(self, store, run):
        url = f"{store['url']}{API}/artifacts/presigned-upload-url"
        answer = requests.post(url, json={"run_id": run, "path": "x"}, timeout=30)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


class TestForeignHosts:
    @pytest.mark.parametrize(
        "location",
        [
            "sftp://evil.example/a",
            "sftp://127.0.0.1:22/",
            "ftp://evil.example/a",
            "http://169.254.169.254/latest",
            "https://evil.example/a",
            "hdfs://evil.example/a",
            "abfss://c@evil.example/a",
            "mlflow-artifacts://evil.example/a",
            "file:///etc",
            "/etc",
            "runs:/a",
        ],
    )
    def test_a_client_cannot_name_them(self, client, unique, location):
        with pytest.raises(mlflow.MlflowException) as refused:
            client.create_experiment(unique("foreign"), artifact_location=location)
        assert refused.value.error_code == "INVALID_PARAMETER_VALUE"

    @pytest.mark.parametrize("name", named("sftp"))
    def test_the_servers_own_may_be_named(self, name, unique):
        server = server_of(name)
        client = MlflowClient(server["url"])
        run = client.create_run(client.create_experiment(unique("own"), artifact_location=server["location"] + "/own")).info.run_id
        answer = requests.get(server["url"] + API + "/artifacts/list", {"run_id": run}, timeout=60)
        assert answer.status_code == 200 and "files" not in answer.json()

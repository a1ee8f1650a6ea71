"""Fixtures of the suites that drive the real, unmodified MLflow client against a server known only by its URL.

Environment: MLFLOW_TRACKING_URI (the server), ACCEPTANCE_TARGET (`millrace`, the default, or `mlflow`: the real server, which
every test passes but those marked `millrace_only`), ACCEPTANCE_REPORT (a file that gets one JSON line per test).
"""

import json
import os
import uuid

# Documented client settings: an error is seen at once instead of after minutes of retries, and the client reports nothing home.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
# Packing a model, the client loads it once more in a process of its own to see what it imports, which takes up to a minute;
# the list that the flavour names itself does as well here.
os.environ.setdefault("MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

import mlflow
import pytest
from mlflow.tracking import MlflowClient

CLIENT = tuple(int(part) for part in mlflow.__version__.split(".")[:2])
TARGET = os.environ.get("ACCEPTANCE_TARGET", "millrace")


def pytest_configure(config):
    config.addinivalue_line("markers", "client(since, before): the clients, as (major, minor), that have what the test calls")
    config.addinivalue_line("markers", "millrace_only(reason): asserts a stated improvement over the real server")


def pytest_collection_modifyitems(config, items):
    foreign = [item for item in items if not all(_speaks(*m.args, **m.kwargs) for m in item.iter_markers("client"))]
    config.hook.pytest_deselected(items=foreign)
    items[:] = [item for item in items if item not in foreign]
    for item in items:
        ours = item.get_closest_marker("millrace_only")
        if ours and TARGET == "mlflow":
            item.add_marker(pytest.mark.skip(reason=f"the real server differs: {ours.args[0]}"))


def _speaks(since, before=(99, 0)):
    return since <= CLIENT < before


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    path = os.environ.get("ACCEPTANCE_REPORT")
    if path is None or (report.when != "call" and report.passed):
        return
    message = report.longrepr[2] if report.skipped else report.longreprtext
    entry = {"test": item.nodeid, "outcome": report.outcome, "message": message}
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


@pytest.fixture(scope="session")
def tracking_uri():
    return os.environ["MLFLOW_TRACKING_URI"].rstrip("/")


@pytest.fixture(scope="session", autouse=True)
def _tracking(tracking_uri):
    mlflow.set_tracking_uri(tracking_uri)


@pytest.fixture(scope="session")
def client(_tracking):
    return MlflowClient()


@pytest.fixture
def unique():
    """A function that makes a name no other test has."""
    return lambda stem="test": f"{stem}-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def experiment(client, unique):
    """The id of a fresh experiment."""
    return client.create_experiment(unique("experiment"))


@pytest.fixture
def run(client, experiment):
    """The id of a fresh run in a fresh experiment."""
    return client.create_run(experiment).info.run_id


@pytest.fixture
def active_experiment(unique):
    """The id of a fresh experiment that the fluent API logs to."""
    experiment_id = mlflow.create_experiment(unique("fluent"))
    mlflow.set_experiment(experiment_id=experiment_id)
    yield experiment_id
    while mlflow.active_run():
        mlflow.end_run()

"""What several suites share: raw requests beside the client, and polling for what becomes true later."""

import os
import time

import requests
from mlflow.exceptions import MlflowException

__test__ = False


def api(method, path, payload=None, **kwargs):
    """One request as the client would send it; returns the response whatever its status."""
    body = {"params": payload} if method == "GET" else {"json": payload}
    url = os.environ["MLFLOW_TRACKING_URI"].rstrip("/") + path
    return requests.request(method, url, timeout=60, **body, **kwargs)


def error_code(call, *args, **kwargs):
    """The MLflow error code that the call fails with."""
    try:
        call(*args, **kwargs)
    except MlflowException as error:
        return error.error_code
    raise AssertionError("the call succeeded")


def eventually(condition, seconds=60):
    """The condition's first truthy value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"still not so after {seconds} s"
        time.sleep(0.05)
    return value

"""The `mlflow` command."""

import csv
import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner
from mlflow.cli import cli
from support import error_code

pytestmark = pytest.mark.client((2, 0))  # 1.x spells some commands otherwise


def mlflow(*args):
    """The command's own entry point, in this process: to start one imports for ten seconds."""
    result = CliRunner().invoke(cli, args, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_program(run):
    program = os.path.join(os.path.dirname(sys.executable), "mlflow")
    done = subprocess.run([program, "runs", "describe", "--run-id", run], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["info"]["run_id"] == run


def test_experiments_and_runs(client, unique, tmp_path):
    name, renamed = unique("cli"), unique("renamed")
    mlflow("experiments", "create", "--experiment-name", name)
    experiment = client.get_experiment_by_name(name).experiment_id
    mlflow("experiments", "rename", "--experiment-id", experiment, "--new-name", renamed)
    assert renamed in mlflow("experiments", "search")
    run = client.create_run(experiment, run_name="from cli").info.run_id
    client.log_metric(run, "m", 0.5)
    assert run in mlflow("runs", "list", "--experiment-id", experiment)
    described = json.loads(mlflow("runs", "describe", "--run-id", run))
    assert described["info"]["run_id"] == run and described["data"]["metrics"] == {"m": 0.5}
    out = tmp_path / "runs.csv"
    mlflow("experiments", "csv", "--experiment-id", experiment, "--filename", str(out))
    with open(out, newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["run_id"] == run and float(row["metrics.m"]) == 0.5
    mlflow("runs", "delete", "--run-id", run)
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    mlflow("runs", "restore", "--run-id", run)
    assert client.get_run(run).info.lifecycle_stage == "active"
    mlflow("experiments", "delete", "--experiment-id", experiment)
    assert error_code(client.create_run, experiment) == "INVALID_PARAMETER_VALUE"
    mlflow("experiments", "restore", "--experiment-id", experiment)
    assert client.get_experiment(experiment).lifecycle_stage == "active"


def test_artifacts(client, run, tmp_path):
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "ä.txt").write_text("one")
    mlflow("artifacts", "log-artifact", "--local-file", str(tmp_path / "up" / "ä.txt"), "--run-id", run)
    mlflow("artifacts", "log-artifacts", "--local-dir", str(tmp_path / "up"), "--run-id", run, "--artifact-path", "d")
    listed = json.loads(mlflow("artifacts", "list", "--run-id", run))
    assert sorted((entry["path"], entry["is_dir"]) for entry in listed) == [("d", True), ("ä.txt", False)]
    down = tmp_path / "down"
    down.mkdir()
    mlflow("artifacts", "download", "--run-id", run, "--artifact-path", "d", "--dst-path", str(down))
    assert (down / "d" / "ä.txt").read_text() == "one"

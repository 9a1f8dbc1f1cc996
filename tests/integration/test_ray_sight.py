"""Two nodes: before a sweep starts, each proves that it sees what trials need."""

import os
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.ray]
SCRIPT = """
import ray
from ray.cluster_utils import Cluster
from sweeper.errors import PreflightError, StateError
from sweeper.runners.ray.sight import require_sight

def seen():
    pass

def blind():
    if ray.get_runtime_context().get_node_id() == other:
        raise StateError("node B does not see the sweep's folder", where="/shared/runs/toy")

def broken():
    raise ImportError("no such package")

cluster = Cluster()
try:
    cluster.add_node(num_cpus=1, include_dashboard=False)
    other = cluster.add_node(num_cpus=1).node_id
    cluster.add_node(num_cpus=0)
    cluster.wait_for_nodes()
    ray.init(address=cluster.address)
    require_sight(seen)
    require_sight(None)
    for prove in (blind, broken):
        try:
            require_sight(prove)
        except PreflightError as error:
            print(f"{error.exit_code} {error}")
finally:
    ray.shutdown()
    cluster.shutdown()
"""


def test_a_node_that_does_not_see_the_folder_ends_the_sweep_before_it_starts(end_session):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, env=environment,
    ) as process:  # fmt: skip
        try:
            out, error = process.communicate(timeout=600)
        finally:
            end_session(process.pid)
    assert process.returncode == 0, error[-3000:]
    said = [line for line in out.splitlines() if line.startswith("5 ")]
    assert said[0] == "5 /shared/runs/toy: node B does not see the sweep's folder"
    assert "cannot run sweeper (ImportError: no such package)" in said[1]

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sweeper.sweep.sweep import Sweep


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """One Ray for all tests that run trials in this process: two CPUs, two GPUs that only Ray believes in."""
    ray = pytest.importorskip("ray")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    ray.init(
        address="local",
        num_cpus=2,
        num_gpus=2,
        resources={"license": 1.0},
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    yield
    ray.shutdown()


@pytest.fixture(scope="session")
def end_session() -> Callable[[int], None]:
    """`end_session(pid)`: whatever Ray left behind of the session that a script of the test's own led."""

    def end(leader: int) -> None:
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    if os.getsid(int(entry)) == leader:
                        os.kill(int(entry), signal.SIGKILL)

    return end


@pytest.fixture(scope="session")
def run_script(end_session) -> Callable[..., Any]:
    """`run_script(text, *words, NAME=value)`: the JSON of its last line. No variable of Ray reaches it."""

    def run(script: str, *words: str, **variables: str) -> Any:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        with subprocess.Popen(
            [sys.executable, "-c", script, *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
            env=environment | variables,
        ) as process:  # fmt: skip
            try:
                out, error = process.communicate(timeout=600)
            finally:
                end_session(process.pid)
        assert process.returncode == 0, error[-3000:]
        return json.loads(out.strip().splitlines()[-1])

    return run


@pytest.fixture
def drive(request, make_sweep, tmp_path) -> Callable[..., Sweep]:
    """`drive(workload, at_once=2, pulse=..., options={...}, budget=...)`: a sweep on the shared Ray.

    Trials ask for a CPU and no GPU, unless `resources` says otherwise; `options` are the runner's. With
    `by="subprocess"` they run in a process of their own, one at a time, and Ray is not started. `look` is a
    pulse that is given the sweep.
    """
    from sweeper.runners import runner

    def build(
        workload,
        *,
        by="ray_tune",
        at_once=1,
        pulse=lambda: False,
        look=None,
        options=None,
        resources=None,
        listener=None,
        **sections,
    ) -> Sweep:
        resources = resources or {"gpu": 0, "concurrency": at_once}
        sweep = make_sweep(clock=time.monotonic, resources=resources, **sections)
        sweep.listen(listener or (lambda event, history: None))
        folders = {"log": tmp_path / "log"}
        if by == "ray_tune":
            request.getfixturevalue("ray_cluster")
            folders["state"] = tmp_path / "tune"
        run = runner[by](resources=sweep.spec.resources, **folders, **(options or {}))
        run(sweep, workload, (lambda: look(sweep)) if look else pulse)
        sweep.close()
        return sweep

    return build

"""A worker process of our own: what it sees, how its end is told, and that nothing of it stays."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sweeper.errors import SweeperError
from sweeper.runners.parts.worker_main import Setup
from sweeper.runners.parts.worker_process import WorkerLost, WorkerProcess

pytestmark = pytest.mark.slow(reason="a process starts for each test")
DRIVER = """
import sys, time
from sweeper.runners.parts.worker_process import WorkerProcess
worker = WorkerProcess()
worker.start()
print(worker.call(__import__("os").getpid), flush=True)
if sys.argv[1] == "busy":
    worker.call(time.sleep, 600)
time.sleep(600)
"""


@pytest.fixture
def worker():
    process = WorkerProcess()
    yield process
    process.kill()


def environment(*names):
    return [os.environ.get(name) for name in names]


def test_it_sees_its_gpus_alone_in_the_order_of_nvml_and_trains_on_one_thread(worker):
    names = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "OMP_NUM_THREADS")
    worker.start()
    assert worker.call(environment, *names) == ["", "PCI_BUS_ID", "1"]
    worker.start(("3", "GPU-5f"))
    assert worker.call(environment, *names) == ["3,GPU-5f", "PCI_BUS_ID", "1"]


def test_what_fails_in_it_is_told_and_the_process_goes_on(worker):
    worker.start()
    with pytest.raises(SweeperError, match="ZeroDivisionError: integer division or modulo by zero"):
        worker.call(divmod, 1, 0)
    assert worker.call(divmod, 7, 2) == (3, 1)


def test_what_it_prints_goes_to_the_log_and_its_end_names_that(worker, tmp_path):
    worker.prepare((), Setup(tmp_path / "log", iter))
    worker.call(os.system, "echo said by a child")
    assert "said by a child" in (tmp_path / "log").read_text()
    with pytest.raises(WorkerLost, match=f"what it said is in {tmp_path / 'log'}"):
        worker.call(os._exit, 1)


def test_a_worker_that_was_started_early_is_the_one_that_is_used(worker, tmp_path):
    worker.start(("0",))
    worker.load("colorsys")
    pid = worker.call(os.getpid)
    worker.prepare(("0",), Setup(tmp_path / "log", iter))
    assert worker.call(os.getpid) == pid
    assert worker.call(eval, "'colorsys' in __import__('sys').modules")
    worker.prepare((), Setup(tmp_path / "log", iter))
    assert worker.call(os.getpid) != pid, "it sees another device"


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (lambda: os._exit(3), "ended with exit code 3"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "ended by SIGKILL, as the kernel does where memory"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "ended by SIGSEGV"),
    ],
    ids=["exit", "SIGKILL", "SIGSEGV"],
)
def test_how_it_ended_is_told_in_words_and_another_one_takes_its_place(worker, end, words):
    worker.start()
    with pytest.raises(WorkerLost, match=words):
        worker.call(end)
    assert not worker.is_alive
    with pytest.raises(WorkerLost, match="there is no worker"):
        worker.call(os.getpid)
    worker.start()
    assert worker.call(os.getpid) != os.getpid()


def test_ctrl_c_on_the_terminal_is_for_the_driver_alone(worker):
    worker.start()
    pid = worker.call(os.getpid)
    os.kill(pid, signal.SIGINT)
    assert worker.call(os.getpid) == pid


def test_the_kernel_would_end_it_before_its_driver_where_memory_runs_out(worker):
    worker.start()
    assert worker.call(Path("/proc/self/oom_score_adj").read_text) == "1000\n"


@pytest.mark.parametrize("doing", ["idle", "busy"])
def test_it_does_not_outlive_a_driver_that_is_killed(doing):
    command = [sys.executable, "-c", DRIVER, doing]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        pid = int(driver.stdout.readline())
        driver.kill()
    deadline = time.monotonic() + 15
    while _lives(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _lives(pid)


def _lives(pid):
    """An ended process that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False

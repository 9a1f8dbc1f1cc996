"""SIGTERM to a worker, in a process of its own: a notice while it has an attempt, else the end."""

import subprocess
import sys

import pytest

SCRIPT = """
import os, signal, sys, time
from sweeper.runners.parts.run_attempt import failure
from sweeper.runners.parts.lost import Preempted
from sweeper.runners.parts.notice import Notice, told_to_leave

notice = Notice(seconds=0.3)
notice.listen()
notice.has_attempt = {has_attempt}

def term():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0)

{body}
"""
WITHIN_AN_EPOCH = """
try:
    with notice.training():
        term()
        time.sleep(3000)
except Preempted as error:
    print(notice.is_given, failure(error).kind)
"""
AT_THE_REPORT = """
notice.seconds = 3000
with notice.training():
    term()
print(notice.is_given, failure(told_to_leave()).kind)
"""
BETWEEN_REPORTS = """
term()
time.sleep(3000)
print("never")
"""


@pytest.mark.slow(reason="starts Python anew")
@pytest.mark.parametrize(
    ("has_attempt", "body", "code", "said"),
    [
        (True, WITHIN_AN_EPOCH, 0, "True preempted"),
        (True, AT_THE_REPORT, 0, "True preempted"),
        (True, BETWEEN_REPORTS, 143, ""),
        (False, "term(); print('never')", 143, ""),
    ],
    ids=["epoch too long", "report in time", "driver silent", "no attempt"],
)
def test_a_worker_that_is_told_to_end_leaves_in_time(has_attempt, body, code, said) -> None:
    script = SCRIPT.format(has_attempt=has_attempt, body=body)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=600, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (code, said), done.stderr

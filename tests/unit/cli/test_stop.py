"""`stop` and `cancel`: a request to the process that runs the sweep, here a thread that obeys."""

import threading
import time
from collections.abc import Iterator

import pytest

from sweeper.store import lease

NOBODY = [
    ("done", "error: toy: nobody runs it: done; `sweeper best toy` is next\n"),
    ("stopped", "error: toy: nobody runs it: stopped (Ctrl-C); `sweeper resume toy` is next\n"),
]


@pytest.mark.parametrize("verb", ["stop", "cancel"])
@pytest.mark.parametrize(("ending", "message"), NOBODY, ids=[row[0] for row in NOBODY])
def test_where_nobody_runs_the_sweep_it_says_what_is_next(verb, ending, message, make_run, say) -> None:
    paths = make_run("toy", ending)
    said = say(verb, "toy")
    assert (said.code, said.out, said.err) == (2, "", message)
    assert lease.requested(paths.root) is None


@pytest.fixture
def heard(make_run) -> Iterator[list[str]]:
    """What an owner of the sweep `toy` was asked for, before it obeyed and left."""
    paths = make_run("toy", "stopped")
    asked: list[str] = []
    is_held, is_over = threading.Event(), threading.Event()

    def own() -> None:
        with lease.held(paths.root):
            is_held.set()
            while not is_over.is_set() and not lease.requested(paths.root):
                time.sleep(0.02)
            asked.append(str(lease.requested(paths.root)))
            time.sleep(0.1)

    owner = threading.Thread(target=own)
    owner.start()
    is_held.wait(300)
    yield asked
    is_over.set()
    owner.join(300)


@pytest.mark.parametrize("verb", ["stop", "cancel"])
def test_the_owner_is_asked_and_waited_for(verb, heard, say) -> None:
    said = say(verb, "toy")
    assert said.code == 0
    assert heard == [verb]
    assert said.err.startswith("asked process ")
    assert "toy: stopped (Ctrl-C); " in said.out
    assert "best so far: valid/top1 " in said.out
    assert said.out.endswith("next: sweeper resume toy\n")


def test_without_waiting_it_returns_at_once(heard, say) -> None:
    said = say("stop", "toy", "--no-wait")
    assert (said.code, said.out) == (0, "")

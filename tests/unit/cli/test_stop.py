"""`stop` and `cancel`: a request to the process that runs the sweep, here a thread that obeys."""

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest

from sweeper.launch.wishes import Wishes
from sweeper.results.stored_sweep import stored
from sweeper.store import lease
from sweeper.store.record import Record
from sweeper.sweep.sweep import Sweep
from sweeper.trial import State, Wish

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


@pytest.fixture
def driven(make_run, toy_spec) -> Iterator[list[str]]:
    """The sweep `toy`, stopped and driven again by a thread that hears of single trials; what it said."""
    paths = make_run("toy", "stopped")
    said: list[str] = []
    is_held, is_over = threading.Event(), threading.Event()

    def own() -> None:
        with lease.held(paths.root), contextlib.closing(Record.open(paths.record)) as record:
            sweep = Sweep(toy_spec(name="toy"), record)
            wishes = Wishes(sweep, paths.root, said.append)
            is_held.set()
            while not is_over.is_set() and not lease.requested(paths.root):
                wishes.look()
                time.sleep(0.02)

    owner = threading.Thread(target=own)
    owner.start()
    is_held.wait(300)
    yield said
    is_over.set()
    owner.join(300)


def waiting_trial() -> str:
    return next(str(t.number) for t in stored("toy").history.trials.values() if t.state is State.WAITING)


def test_one_trial_is_stopped_and_the_answer_says_by_whom(driven, say) -> None:
    number = waiting_trial()
    said = say("stop", "toy", "--trial", number)
    assert said.code == 0
    assert said.out == f"trial {number}: stopped: {lease.asker()} typed `sweeper stop --trial {number}`\n"
    assert driven == [f"{lease.asker()} typed `sweeper stop --trial {number}`"]
    again = say("stop", "toy", "--trial", number)
    assert again.code == 2
    assert again.err.startswith(f"error: toy: trial {number}: it is over, stopped: {lease.asker()} typed")
    assert len(again.err.splitlines()) == 1
    assert f"typed `sweeper stop --trial {number}`" in say("logs", "toy", number).out


def test_one_trial_is_paused_shown_so_and_goes_on(driven, say) -> None:
    number = waiting_trial()
    assert f"sweeper resume toy --trial {number}` goes on\n" in say("pause", "toy", "--trial", number).out
    assert f"paused       trial {number}  paused after epoch " in say("status", "toy").out
    twice = say("pause", "toy", "--trial", number)
    assert (twice.code, len(twice.err.splitlines())) == (2, 1)
    assert "asked for that already" in twice.err
    assert say("resume", "toy", "--trial", number).code == 0
    assert not stored("toy").history.held


@pytest.mark.parametrize("verb", ["stop", "pause", "resume"])
def test_an_unknown_trial_is_one_line(driven, say, verb) -> None:
    said = say(verb, "toy", "--trial", "999")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: toy: no trial '999'; its trials are 0 to ")
    assert len(said.err.splitlines()) == 1


def test_a_trial_that_nobody_paused_cannot_go_on(driven, say) -> None:
    said = say("resume", "toy", "--trial", waiting_trial())
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert "nobody paused it" in said.err


@pytest.mark.parametrize("verb", ["stop", "pause"])
def test_one_trial_of_a_sweep_that_nobody_runs_is_one_line(verb, make_run, say) -> None:
    paths = make_run("toy", "stopped")
    said = say(verb, "toy", "--trial", waiting_trial())
    assert (said.code, said.err) == (2, NOBODY[1][1])
    assert not list(paths.root.glob(".request*"))


def test_a_request_that_nobody_heard_does_not_outlive_its_sweep(make_run) -> None:
    paths = make_run("toy", "stopped")
    lease.ask_for_trial(paths.root, 0, Wish.STOP)
    with lease.held(paths.root):
        assert lease.taken_trial_requests(paths.root) == []


def test_without_waiting_it_returns_at_once(heard, say) -> None:
    said = say("stop", "toy", "--no-wait")
    assert (said.code, said.out) == (0, "")

import queue
from multiprocessing import Pipe

import pytest

from sweeper.data.handled import HANDLED
from sweeper.runners.parts.signs_of_life import tell_batches
from sweeper.runners.parts.watch import (
    FIRST_PATIENCE_SECONDS,
    PATIENCE_SECONDS,
    UNKNOWN_PATIENCE_SECONDS,
    Watch,
)
from sweeper.runners.parts.worker_main import BatchCount
from sweeper.runners.parts.worker_process import WorkerProcess
from sweeper.runners.simulated import VirtualClock


@pytest.fixture
def clock():
    return VirtualClock()


def nobody_knows(key):
    return 0.0


def nothing(key):
    return None


def test_silence_counts_from_assignment_and_ends_with_every_sign_of_life(clock):
    watch = Watch(patience=10.0, clock=clock)
    watch.started("a")
    watch.started("b")
    clock.now = 8.0
    watch.alive("b")
    clock.now = 11.0
    assert watch.hung(nobody_knows, nothing) == ["a"], "it never said a word"
    clock.now = 18.5
    assert watch.hung(nobody_knows, nothing) == ["a", "b"]
    watch.ended("a")
    watch.alive("a")
    assert watch.hung(nobody_knows, nothing) == ["b"]


@pytest.mark.parametrize(
    ("epoch", "has_reported", "limit"),
    [
        (0.0, False, UNKNOWN_PATIENCE_SECONDS),
        (2.0, True, PATIENCE_SECONDS),
        (2.0, False, FIRST_PATIENCE_SECONDS),
        (100.0, True, 500.0),
        (1000.0, False, 5000.0),
    ],
)
def test_how_long_silence_may_last_follows_the_attempts_own_epoch(clock, epoch, has_reported, limit):
    """A dear network among cheap ones was killed after five of their epochs, a long first epoch like any."""
    watch = Watch(clock=clock)
    for name in ("a", "cheap"):
        watch.started(name)
    if has_reported:
        watch.reported("a")
    watch.reported("cheap")

    def foreseen(key):
        return epoch if key == "a" else 10.0

    clock.now = limit - 1
    assert "a" not in watch.hung(foreseen, nothing)
    clock.now = limit + 1
    assert "a" in watch.hung(foreseen, nothing)


def test_who_goes_through_batches_within_a_long_epoch_is_alive_until_the_count_stands_still(clock):
    watch, count = Watch(patience=10.0, clock=clock), {"a": 7}
    watch.started("a")
    watch.started("mute")
    clock.now = 11.0
    assert watch.hung(nobody_knows, count.get) == ["mute"]
    watch.ended("mute")
    clock.now = 22.0
    count["a"] = 9
    assert watch.hung(nobody_knows, count.get) == []
    clock.now = 33.0
    assert watch.hung(nobody_knows, count.get) == ["a"]


def test_the_longest_wait_for_resources_ends_when_the_attempt_has_its_worker(clock):
    watch = Watch(clock=clock)
    assert watch.longest_wait() == ("", 0.0)
    watch.asked("a")
    clock.now = 59.0
    watch.asked("b")
    clock.now = 61.0
    assert watch.longest_wait() == ("a", 61.0)
    watch.started("a")
    assert watch.longest_wait() == ("b", 2.0)
    watch.ended("b")
    assert watch.longest_wait() == ("", 0.0)
    assert watch.hung(nobody_knows, nothing) == []


def test_a_worker_tells_its_batches_as_often_as_their_count_changes():
    told = queue.Queue()
    HANDLED.batches += 1
    tell_batches(told.put, seconds=0.01)
    first = told.get(timeout=300)
    HANDLED.batches += 2
    assert told.get(timeout=300) == first + 2


def test_a_sign_of_life_answers_nothing_that_the_driver_waits_for():
    ours, theirs = Pipe()
    process = WorkerProcess(ours)
    theirs.send(BatchCount(7))
    assert process.heard(60.0) is None
    assert process.batches == 7
    theirs.send({"done": True})
    assert process.heard(60.0) == {"done": True}

from types import SimpleNamespace

import pytest
from ray import cloudpickle
from ray.exceptions import ActorDiedError

from sweeper.runners.ray.watchdog import (
    PATIENCE_SECONDS,
    UNKNOWN_PATIENCE_SECONDS,
    Watch,
    error_of,
    kind_of_loss,
    reason_of,
)
from sweeper.runners.simulated import VirtualClock
from sweeper.store.event_lines import Line, parse_lines
from sweeper.store.history import replay

GRANT = {"node": "n", "device": "d", "is_gpu": False, "share": 0.5, "usd_per_hour": None, "granted": 0.0}


OUT_OF_MEMORY = """The actor died unexpectedly before finishing this task.
\tclass_name: Worker
\tactor_id: 5b2
The actor is dead because it was killed by the memory monitor.
Memory on the node was 30.1GB / 31.0GB, which exceeds the memory usage threshold of 0.95."""


class Died(ActorDiedError):
    """Ray builds its message from what only Ray has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def __str__(self) -> str:
        return self.text


@pytest.fixture
def clock():
    return VirtualClock()


def epochs_of(*seconds):
    """A history whose trials took so many device-seconds an epoch, at half a device each."""
    log = []
    for place, each in enumerate(seconds):
        trial = f"t{place}"
        log += [
            Line("asked", trial, body={"number": place, "config": {}, "seed": 0}),
            Line("granted", trial, 1, GRANT),
            Line("reported", trial, 1, {"epoch": 2, "score": 0.5, "device_seconds": 2 * each}),
        ]
    return replay(parse_lines(log))


def test_silence_counts_from_assignment_and_ends_with_every_sign_of_life(clock):
    watch = Watch(patience=10.0, clock=clock)
    watch.started("a", SimpleNamespace())
    watch.started("b", SimpleNamespace())
    clock.now = 8.0
    watch.alive("b")
    clock.now = 11.0
    assert watch.hung(epochs_of()) == ["a"], "it never said a word"
    clock.now = 18.5
    assert watch.hung(epochs_of()) == ["a", "b"]
    watch.ended("a")
    watch.alive("a")
    assert watch.hung(epochs_of()) == ["b"]


@pytest.mark.parametrize(
    ("epochs", "limit"),
    [
        ((), UNKNOWN_PATIENCE_SECONDS),
        ((1.0, 2.0), PATIENCE_SECONDS),
        ((10.0, 50.0, 900.0), 500.0),  # half a device: 50 device-seconds are 100 s, five of them 500 s
    ],
)
def test_how_long_silence_may_last_follows_the_median_epoch(clock, epochs, limit):
    watch, history = Watch(clock=clock), epochs_of(*epochs)
    watch.started("a", SimpleNamespace())
    clock.now = limit - 1
    assert watch.hung(history) == []
    clock.now = limit + 1
    assert watch.hung(history) == ["a"]


def test_the_longest_wait_for_resources_ends_when_the_attempt_has_its_worker(clock):
    watch = Watch(clock=clock)
    assert watch.longest_wait() == ("", 0.0)
    watch.asked("a")
    clock.now = 59.0
    watch.asked("b")
    clock.now = 61.0
    assert watch.longest_wait() == ("a", 61.0)
    watch.started("a", SimpleNamespace())
    assert watch.longest_wait() == ("b", 2.0)
    watch.ended("b")
    assert watch.longest_wait() == ("", 0.0)
    assert watch.hung(epochs_of()) == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (None, "worker_lost"),
        (RuntimeError("x"), "worker_lost"),
        (SimpleNamespace(preempted=True), "preempted"),
        (Died("The actor died because its node has died."), "node_lost"),
        (Died("The actor died unexpectedly"), "worker_lost"),
        (Died(OUT_OF_MEMORY), "worker_lost"),  # Ray may take innocent neighbors: nobody's own budget pays
    ],
)
def test_a_lost_worker_is_told_by_what_took_it(error, kind):
    assert kind_of_loss(error) == kind


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (None, "the worker ended"),
        (RuntimeError("the attempt failed"), "the attempt failed"),
        (
            Died("The actor died.\n\tclass_name: Worker\n\tpid: 7\nIts node has died.\nMore."),
            "Its node has died.",
        ),
        (Died("The actor died."), "The actor died."),
        (Died(OUT_OF_MEMORY), "The actor is dead because it was killed by the memory monitor."),
    ],
)
def test_the_reason_is_the_line_that_says_why(error, reason):
    assert reason_of(error) == reason


def tune_trial(path):
    return SimpleNamespace(pickled_error_file=None if path is None else str(path))


def test_the_error_that_tune_wrote_down_is_read_where_it_wrote_it(tmp_path):
    path = tmp_path / "error.pkl"
    path.write_bytes(cloudpickle.dumps(ActorDiedError()))
    assert kind_of_loss(error_of(tune_trial(path))) == "worker_lost"
    assert isinstance(error_of(tune_trial(path)), ActorDiedError)


def test_an_error_that_could_not_be_written_down_is_no_error_of_ours(tmp_path):
    (tmp_path / "half.pkl").write_bytes(cloudpickle.dumps(ActorDiedError())[:20])
    (tmp_path / "empty.pkl").touch()
    for path in (None, tmp_path / "absent.pkl", tmp_path / "half.pkl", tmp_path / "empty.pkl"):
        assert error_of(tune_trial(path)) is None

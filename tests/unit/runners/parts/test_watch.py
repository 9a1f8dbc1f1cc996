import pytest

from sweeper.runners.parts.watch import PATIENCE_SECONDS, UNKNOWN_PATIENCE_SECONDS, Watch
from sweeper.runners.simulated import VirtualClock
from sweeper.store.event_lines import Line, parse_lines
from sweeper.store.history import replay

GRANT = {"node": "n", "device": "d", "is_gpu": False, "share": 0.5, "usd_per_hour": None, "granted": 0.0}


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
    watch.started("a")
    watch.started("b")
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
    watch.started("a")
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
    watch.started("a")
    assert watch.longest_wait() == ("b", 2.0)
    watch.ended("b")
    assert watch.longest_wait() == ("", 0.0)
    assert watch.hung(epochs_of()) == []

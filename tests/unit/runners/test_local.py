"""The runner of this process: its driver's pulse goes on in mid-epoch, and a cancel does not wait for it."""

import signal
import threading
import time

import pytest

from sweeper.runners import runner
from sweeper.runners.parts.tick import Cancelled, ticking
from sweeper.trial import Report, State


def test_a_cancel_ends_an_epoch_at_once_and_the_trial_can_go_on(make_sweep):
    is_waiting, is_over = threading.Event(), threading.Event()

    def endless_epochs(trial):
        for epoch in (1, 2):
            yield Report(epoch, 0.5, 0.1 * epoch, checkpoint=str(epoch))
            is_waiting.set()
            is_over.wait()

    sweep = make_sweep(clock=time.monotonic, scheduler={"type": "none"}, budget={"trials": 2})
    runner["local"]()(sweep, endless_epochs, is_waiting.is_set)
    sweep.close()
    [trial] = sweep.history.trials.values()
    assert (trial.state, trial.last.epoch, trial.attempts[0].ended) == (State.WAITING, 1, "interrupted")


def test_the_pulse_goes_on_while_an_epoch_takes_long():
    beats, is_enough = [], threading.Event()

    def pulse():
        beats.append(1)
        if len(beats) == 5:
            is_enough.set()
        return False

    with ticking(pulse, 0.02):
        assert is_enough.wait(300)


def test_training_does_not_take_a_cancel_for_its_own_failure():
    def careless():
        try:
            with ticking(lambda: True, 0.02):
                time.sleep(300)
        except Exception:
            pytest.fail("swallowed")

    with pytest.raises(Cancelled):
        careless()


def test_whoever_used_the_timer_before_has_it_back():
    def theirs(*_):
        pytest.fail("it rang")

    before = signal.signal(signal.SIGALRM, theirs)
    timer = signal.setitimer(signal.ITIMER_REAL, 3000)
    try:
        with ticking(lambda: False, 0.05):
            assert signal.getitimer(signal.ITIMER_REAL)[0] < 1
        assert signal.getsignal(signal.SIGALRM) is theirs
        assert 1000 < signal.getitimer(signal.ITIMER_REAL)[0] < 3000
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *timer)


def test_outside_the_main_thread_no_signal_is_touched():
    held = signal.getsignal(signal.SIGALRM)
    seen = []

    def run():
        with ticking(lambda: True, 0.01):
            seen.append(signal.getsignal(signal.SIGALRM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [held]

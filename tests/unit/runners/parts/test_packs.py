"""Trials in a pack are to the sweep what they are alone: each is asked for, reported and told by itself."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from sweeper.runners import runner
from sweeper.runners.simulated import VirtualClock
from sweeper.trial import Report, State


@dataclass
class Fraction:
    """What training together came to: nothing but the seconds."""

    seconds: float


@dataclass
class Toy:
    """Trains nothing; notes which trials were trained as one, and fails or ends as it is told."""

    kind_of: Callable[[dict], str] = lambda config: "one"
    epochs: int = 4
    packs: list[list[int]] = field(default_factory=list)
    broken: int | None = None
    clock: VirtualClock | None = None

    def __call__(self, trial):
        raise AssertionError("trials of this test train in packs")

    def kind(self, config):
        return self.kind_of(config)

    def stages(self, trial):
        for epoch in range(int(trial.checkpoint or 0) + 1, self.epochs + 1):
            yield trial.number
            if trial.number == self.broken:
                raise FloatingPointError("no number")
            yield Report(epoch, 0.1 * trial.number, 0.001 * epoch, checkpoint=str(epoch))

    def together(self, epochs):
        self.packs.append(list(epochs))
        if self.clock:
            self.clock.now += 10.0
        return [Fraction(1e3 * (2 if number == 0 else 1)) for number in epochs]


def drive(sweep, toy, size=2):
    said = []
    runner["local"](fuse=size, say=said.append)(sweep, toy, lambda: False)
    sweep.close()
    return said


def states(sweep):
    return {trial.number: trial.state for trial in sweep.history.trials.values()}


def test_as_many_trials_as_fit_train_as_one_and_share_the_device(make_sweep):
    sweep, toy = make_sweep(scheduler={"type": "none"}, budget={"trials": 4}), Toy()
    drive(sweep, toy, size=4)
    assert toy.packs == [[0, 1, 2, 3]] * 4
    assert set(states(sweep).values()) == {State.COMPLETED}
    assert {attempt.share for trial in sweep.history.trials.values() for attempt in trial.attempts} == {0.25}


def test_what_fails_leaves_the_pack_alone_and_its_next_attempt_takes_the_place(make_sweep):
    sweep, toy = make_sweep(scheduler={"type": "none"}, budget={"trials": 3}), Toy(broken=0)
    drive(sweep, toy)
    assert toy.packs[:2] == [[0, 1], [1, 0]]
    assert states(sweep)[1] is states(sweep)[2] is State.COMPLETED
    assert states(sweep)[0] is State.FAILED


def test_what_the_scheduler_ends_leaves_the_pack_early(make_sweep):
    sweep, toy = make_sweep(scheduler={"type": "asha"}, budget={"trials": 6}), Toy()
    drive(sweep, toy, size=3)
    trained = [number for pack in toy.packs for number in pack]
    assert State.STOPPED in states(sweep).values()
    assert len(trained) < 6 * toy.epochs


def test_a_trial_that_must_train_alone_does_so_and_it_is_said(make_sweep):
    sweep, toy = make_sweep(scheduler={"type": "none"}, budget={"trials": 2}), Toy(lambda config: "")
    said = drive(sweep, toy)
    assert toy.packs == [[0]] * 4 + [[1]] * 4
    assert [text for text in said if text.startswith("trial 0 trains alone")] == said != []


@pytest.mark.parametrize(("scheduler", "trials"), [("none", 3), ("asha", 5)])
def test_members_pay_together_for_the_time_that_the_device_was_held(make_sweep, scheduler, trials):
    clock = VirtualClock()
    sweep = make_sweep(clock=clock, scheduler={"type": scheduler}, budget={"trials": trials})
    toy = Toy(clock=clock)
    drive(sweep, toy, size=3)
    attempts = [attempt for trial in sweep.history.trials.values() for attempt in trial.attempts]
    held = 10.0 * len(toy.packs)
    assert sum(each.device_seconds for each in attempts) == pytest.approx(held) == sweep.totals.capacity
    assert sum(each.billed for each in attempts) > 1.5 * held


def test_each_member_pays_for_what_was_measured_to_be_its_own(make_sweep):
    clock = VirtualClock()
    sweep = make_sweep(clock=clock, scheduler={"type": "none"}, budget={"trials": 3})
    drive(sweep, Toy(clock=clock), size=3)
    paid = {trial.number: trial.attempts[0].device_seconds for trial in sweep.history.trials.values()}
    assert [paid[number] for number in range(3)] == pytest.approx([20, 10, 10], rel=1e-3)


def test_the_last_of_a_pack_pays_for_the_whole_device(make_sweep):
    clock = VirtualClock()
    sweep = make_sweep(clock=clock, scheduler={"type": "none"}, budget={"trials": 2})
    toy = Toy(clock=clock, broken=1)
    drive(sweep, toy)
    (attempt,) = next(trial.attempts for trial in sweep.history.trials.values() if trial.number == 0)
    alone = sum(pack == [0] for pack in toy.packs)
    assert alone
    assert attempt.device_seconds == pytest.approx(10 * alone + 20 / 3 * (4 - alone), rel=1e-3)
    assert attempt.share == 0.5

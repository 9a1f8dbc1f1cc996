"""A pack in a worker process: to the sweep each member is an attempt that can be stopped, lost, cancelled."""

import os
import signal
import time
from dataclasses import dataclass

import pytest

from sweeper.config.resources import ResourcesSpec
from sweeper.errors import FailureKind
from sweeper.runners import runner
from sweeper.trial import Report, State

pytestmark = pytest.mark.slow(reason="a process starts for each test")


@dataclass
class Part:
    """What training together came to: who was there, and the seconds."""

    seconds: float
    members: int


@dataclass
class Toy:
    """Trains nothing; says in its reports who trained beside it, and where. `on` is what goes wrong."""

    epochs: int = 4
    on: str = ""

    def __call__(self, trial):
        raise AssertionError("trials of these tests train in packs")

    def kind(self, config):
        return "one"

    def stages(self, trial):
        for epoch in range(int(trial.checkpoint or 0) + 1, self.epochs + 1):
            part = yield (trial.number, trial.attempt, epoch)
            if self.on == "diverging" and trial.number == 0:
                raise FloatingPointError("no number")
            seen = {"members": float(part.members), "pid": float(os.getpid())}
            score = 0.9 - 0.1 * trial.number
            yield Report(epoch, score, 0.001 * epoch, seen, checkpoint=str(epoch))

    def together(self, epochs):
        if any(self._is_due(*epoch) for epoch in epochs):
            if self.on == "broken" and len(epochs) > 1:
                raise RuntimeError("CUDA error: device-side assert triggered")
            if self.on == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.on == "hanging":
                time.sleep(60)
        return [Part(0.001 / len(epochs), len(epochs)) for _ in epochs]

    def _is_due(self, number, attempt, epoch):
        return (number, attempt, epoch) == (1, 1, 3)


@pytest.fixture
def drive(make_sweep, tmp_path):
    def build(toy, *, fuse=2, pulse=lambda sweep: False, patience=300, say=lambda text: None, **changes):
        wanted = {"scheduler": {"type": "none"}, "budget": {"trials": 2}} | changes
        sweep = make_sweep(clock=time.monotonic, **wanted)
        build = runner["subprocess"]
        run = build(resources=ResourcesSpec(), log=tmp_path / "log", fuse=fuse, patience=patience, say=say)
        run(sweep, toy, lambda: pulse(sweep))
        sweep.close()
        return sorted(sweep.history.trials.values(), key=lambda trial: trial.number)

    return build


def pids(trials):
    return {report.metrics["pid"] for trial in trials for report in trial.reports}


def ends(trial):
    return [attempt.ended for attempt in trial.attempts]


def members(trial):
    return [int(report.metrics["members"]) for report in trial.reports]


def test_as_many_trials_as_fit_train_as_one_in_one_process(drive):
    trials = drive(Toy(), fuse=3, budget={"trials": 3})
    assert [trial.state for trial in trials] == [State.COMPLETED] * 3
    assert [members(trial) for trial in trials] == [[3, 3, 3, 3]] * 3
    assert len(pids(trials)) == 1
    assert os.getpid() not in pids(trials)


def test_what_the_scheduler_ends_leaves_its_place_to_another(drive):
    trials = drive(Toy(), budget={"trials": 6}, scheduler={"type": "asha"})
    assert State.STOPPED in {trial.state for trial in trials}
    assert sum(len(trial.reports) for trial in trials) < 6 * 4
    assert {count for trial in trials for count in members(trial)} <= {1, 2}
    assert len(pids(trials)) == 1


def test_all_are_lost_with_the_process_and_go_on_alone_from_their_checkpoints(drive):
    said = []
    trials = drive(Toy(on="killed"), say=said.append)
    assert [ends(trial) for trial in trials] == [[FailureKind.WORKER_LOST, State.COMPLETED]] * 2
    assert [[report.epoch for report in trial.reports] for trial in trials] == [[1, 2, 3, 4]] * 2
    assert [members(trial) for trial in trials] == [[2, 2, 1, 1]] * 2
    assert len(pids(trials)) == 2
    assert any("was lost as a whole" in text for text in said)


def test_a_step_that_fails_as_one_fails_for_all_and_each_is_tried_alone_in_a_new_process(drive):
    trials = drive(Toy(on="broken"))
    assert [ends(trial) for trial in trials] == [[FailureKind.ERROR, State.COMPLETED]] * 2
    assert [members(trial) for trial in trials] == [[2, 2, 1, 1]] * 2
    assert len(pids(trials)) == 2


def test_one_that_fails_by_itself_leaves_the_others_where_they_are(drive):
    trials = drive(Toy(on="diverging"))
    assert trials[0].state is State.FAILED
    assert trials[1].state is State.COMPLETED
    assert len(trials[1].attempts) == len(pids(trials)) == 1


def test_a_pack_that_hangs_is_ended_and_its_trials_go_on(drive):
    trials = drive(Toy(on="hanging"), patience=1)
    assert {trial.state for trial in trials} == {State.COMPLETED}
    assert all(FailureKind.HUNG in ends(trial) for trial in trials)


def test_cancelling_ends_all_at_once_and_each_can_go_on(drive):
    trials = drive(Toy(on="hanging"), pulse=lambda sweep: len(sweep.history.trials) == 2 and done(sweep))
    assert [trial.state for trial in trials] == [State.WAITING] * 2
    assert [ends(trial) for trial in trials] == [[FailureKind.INTERRUPTED]] * 2


def done(sweep):
    """Whether the epoch has come in which the toy hangs."""
    return all(len(trial.reports) == 2 for trial in sweep.history.trials.values())

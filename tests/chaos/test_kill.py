"""SIGKILL of the driver at random moments, again and again, until the sweep is done.

The three assertions of Ray's own `test_experiment_restore.py` (progress only grows, identities are
unique, every iteration is seen) and those that a record makes possible. `SWEEPER_CHAOS_SEED` repeats a
run, `SWEEPER_CHAOS_KILLS` sets how often the driver dies, `make soak` does it for twenty minutes.
"""

import contextlib
import os
import signal
import sqlite3
import time
from collections import Counter

import numpy as np
import pytest

from sweeper.store.event_lines import parse_lines
from sweeper.store.history import replay
from sweeper.store.ledger import totals
from sweeper.store.record import Record
from sweeper.trial import canonical

KILLS = int(os.environ.get("SWEEPER_CHAOS_KILLS", "4"))
SEED = int(os.environ.get("SWEEPER_CHAOS_SEED", "0")) or time.time_ns() % 1_000_000
TRIALS, EPOCHS = max(6, 2 * KILLS), 8
SMALL = (
    *("-o", "search.algorithm=random"),  # a killed sweep asks for the configurations of an undisturbed one
    *("-o", f"budget.trials={TRIALS}"),
    *("-o", f"train.epochs={EPOCHS}"),
    *("-o", "parameters.normalization=standardize"),
    *("-o", "parameters.pixels=16"),
)


@pytest.fixture(scope="module")
def outcome(machine, digits):
    """The sweep's record after as many kills as asked for, and what was acknowledged before each.

    The first strikes before any trial is asked for, the second in the first epoch, each later one some lines
    after the first new report: no sweep, however quick, is done before it was killed that often.
    """
    print(f"SWEEPER_CHAOS_SEED={SEED}")
    chance = np.random.default_rng(SEED)
    record = machine.runs / "digits" / "record.db"
    seen: list[dict[str, int]] = []
    process = machine.start("launch", digits, *SMALL)
    for number in range(KILLS):
        wait_for(
            record, process, granted=min(number, 1), reports=sum(seen[-1].values()) + 1 if number > 1 else 0
        )
        wait_for(
            record, process, lines=len(events(record)) + (int(chance.integers(0, 8)) if number > 1 else 0)
        )
        process.kill()
        assert process.wait() == -signal.SIGKILL, "it was not killed: it had ended"
        seen.append(progress(record))
        process = machine.start("resume", "digits")
    out, err = process.communicate(timeout=600)
    return process.returncode, out + err, record, seen


def wait_for(record, process, *, lines=1, granted=0, reports=0):
    """Until the record has so many; an error where the driver ends before."""
    while not record.exists() or not has(events(record), lines, granted, reports):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def has(log, lines, granted, reports):
    return len(log) >= lines and count(log, "granted") >= granted and count(log, "reported") >= reports


def count(log, kind):
    return sum(event.kind == kind for event in log)


def progress(record) -> dict[str, int]:
    opened = Record.open(record)
    reports = [event for event in opened.lines() if event.kind == "reported"]
    opened.close()
    return {event.trial: event.body["epoch"] for event in reports}


def events(record):
    opened = Record.open(record)
    found = list(opened.lines())
    opened.close()
    return found


def curves(record):
    """The scores of each configuration, epoch by epoch."""
    trials = replay(parse_lines(events(record))).trials.values()
    return {canonical(trial.config): [report.score for report in trial.reports] for trial in trials}


@pytest.fixture(scope="module")
def undisturbed(other_machine, digits):
    """The same sweep where nobody kills anything."""
    done = other_machine.run("launch", digits, *SMALL)
    assert done.returncode == 0, done.stderr
    return other_machine.runs / "digits" / "record.db"


@pytest.mark.integration
@pytest.mark.ray
@pytest.mark.timeout(1200 + 300 * KILLS)
class TestASweepThatIsKilledAgainAndAgain:
    def test_ends_as_if_nothing_had_happened(self, outcome):
        code, said, _, _ = outcome
        assert code == 0, said
        assert "Traceback" not in said

    def test_was_killed_as_often_as_asked_for_and_first_before_any_report(self, outcome):
        _, _, record, seen = outcome
        assert (len(seen), count(events(record), "launched")) == (KILLS, KILLS + 1)
        assert seen[0] == {}
        assert len(seen[-1]) > 0

    def test_keeps_what_every_killed_driver_had_acknowledged(self, outcome):
        _, _, record, seen = outcome
        final = progress(record)
        for before in seen:
            assert all(final[trial] >= epoch for trial, epoch in before.items())

    def test_runs_each_configuration_once_and_each_trial_to_its_end(self, outcome):
        _, _, record, _ = outcome
        history = replay(parse_lines(events(record)))
        assert len(history.trials) == TRIALS
        assert {trial.state.is_final for trial in history.trials.values()} == {True}
        assert len({repr(trial.config) for trial in history.trials.values()}) == TRIALS

    def test_records_every_epoch_of_a_trial_once_and_in_order(self, outcome):
        _, _, record, _ = outcome
        reported = [(e.trial, e.body["epoch"]) for e in events(record) if e.kind == "reported"]
        assert [again for again, times in Counter(reported).items() if times > 1] == []
        for trial in dict.fromkeys(trial for trial, _ in reported):
            epochs = [epoch for other, epoch in reported if other == trial]
            assert epochs == list(range(1, len(epochs) + 1))

    def test_learns_what_an_undisturbed_sweep_learns_to_the_last_bit(self, outcome, undisturbed):
        """ASHA decides by who is there: how far a trial goes may differ, never what it reaches on the way."""
        _, _, record, _ = outcome
        then, now = curves(undisturbed), curves(record)
        assert then.keys() == now.keys()
        for config, scores in now.items():
            both = min(len(scores), len(then[config]))
            assert scores[:both] == then[config][:both]

    def test_trains_no_more_than_two_epochs_a_kill_beyond_what_it_reports(self, outcome):
        """A trial's own device-seconds count each epoch once, as in a sweep that nobody disturbs."""
        _, _, record, _ = outcome
        history = replay(parse_lines(events(record)))
        once = sum(trial.last.device_seconds for trial in history.trials.values() if trial.last)
        epoch = max(t.last.device_seconds / t.last.epoch for t in history.trials.values() if t.last)
        lost = sum(attempt.ended == "driver_lost" for attempt in history.attempts)
        productive = sum(attempt.productive_device_seconds for attempt in history.attempts)
        assert abs(productive - once) <= 2 * epoch * lost + 0.01 * once
        for trial in history.trials.values():
            spent = [report.device_seconds for report in trial.reports]
            assert spent == sorted(set(spent)), "it only grows"

    def test_leaves_a_ledger_that_adds_up(self, outcome):
        _, _, record, _ = outcome
        history = replay(parse_lines(events(record)))
        for attempt in history.attempts:
            assert attempt.billed >= attempt.productive >= 0
        sums = totals(history)
        assert sums.billed >= sums.productive
        with contextlib.closing(sqlite3.connect(record)) as opened:
            assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)

    def test_accounts_for_every_lost_attempt(self, outcome):
        _, _, record, _ = outcome
        history = replay(parse_lines(events(record)))
        assert all(attempt.ended for attempt in history.attempts)
        lost = [attempt for attempt in history.attempts if attempt.ended == "driver_lost"]
        assert len(lost) <= 2 * KILLS  # two slots
        for trial in history.trials.values():
            assert [attempt.number for attempt in trial.attempts] == list(range(1, len(trial.attempts) + 1))

    def test_tells_mlflow_exactly_the_points_of_the_record(self, outcome, machine):
        from mlflow.tracking import MlflowClient

        _, _, record, _ = outcome
        client = MlflowClient(f"sqlite:///{machine.runs / 'mlflow.db'}")
        experiment = client.get_experiment_by_name("digits")
        runs = client.search_runs([experiment.experiment_id], max_results=100)
        keys = [run.data.tags["sweeper.trial_key"] for run in runs]
        assert len(keys) == len(set(keys)) == TRIALS + 1
        assert {run.info.status for run in runs} == {"FINISHED"}
        told = {run.data.tags["sweeper.trial_key"]: run.info.run_id for run in runs}
        for trial in replay(parse_lines(events(record))).trials.values():
            for name in ("valid/top1", "train/loss", "device_seconds"):
                points = client.get_metric_history(told[trial.id], name)
                steps = sorted((point.step, point.value) for point in points)
                assert steps == [(r.epoch, pytest.approx(r.metrics[name])) for r in trial.reports]

    def test_leaves_no_process_behind(self, outcome, machine):
        # Ray's agents notice that their raylet was orphaned within about half a minute
        assert machine.leftovers() == []

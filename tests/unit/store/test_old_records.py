"""Sweeps that were recorded by an older sweeper can be read, opened and gone on with.

`records/` holds text dumps of records of schema version 1, and what the code that wrote them said of each:
its trials and sums, what a driver found that opened it, and each turn of a driver that went on with it.
`make_old_record.py` made them, with that code.
"""

import json
import math
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sweeper.config.spec import restore_spec
from sweeper.cost.cost_estimate import CostEstimate
from sweeper.runners.simulated import VirtualClock
from sweeper.store.attempt import Attempt, Grant
from sweeper.store.history import SweepHistory, TrialHistory, replay
from sweeper.store.ledger import totals
from sweeper.store.record import Record
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Decision, Outcome, Report, State, Trial, Verdict

RECORDS = Path(__file__).parent / "records"
ELSEWHERE = "/home/ada/runs"
"""Where the sweeps once ran, as their checkpoints say."""
TOLD = sorted(path.stem for path in RECORDS.glob("old_record_*.json"))
DUMPS = sorted(path.stem for path in RECORDS.glob("old_record_*.sql"))
WHOLE = [name for name in TOLD if name in DUMPS]

EVENTS = {
    "launched", "closed", "asked", "granted", "reported", "decided", "beat", "ended", "tested", "booked",
    "extended", "retried", "known", "enough", "final",
}  # fmt: skip
ENDS = {
    ("completed", ""), ("stopped", ""), ("stopped", "unpromoted"), ("paused", ""),
    ("waiting", "interrupted"), ("waiting", "budget"), ("waiting", "driver_lost"),
    ("waiting", "worker_lost"), ("waiting", "preempted"), ("waiting", "node_lost"), ("waiting", "storage"),
    ("waiting", "hung"), ("waiting", "gpu_lost"), ("waiting", "version_skew"), ("waiting", "out_of_memory"),
    ("waiting", "error"), ("failed", "out_of_memory"), ("failed", "error"), ("failed", "diverged"),
    ("failed", "unheard_of"), ("infeasible", "refused"), ("cancelled", "cancelled"),
}  # fmt: skip
REASONS = (
    "1 of the 2 results that rung", "among the best", "not among the best", "on its way from rung",
    "waits at rung 1", "promoted at rung", "below the first rung", "the first at rung",
    "below the percentile", "not below the percentile", "no early stopping", "within the grace",
    "0 of 2 trials to compare with", "at least the median", "worse than the median", "the score is nan",
    "a run of the final", "reached the target", "another trial reached the target", "interrupted: SIGINT",
    "budget: 0.0155 of 0.015 device-hours are spent", "budget: 0.01 wall-clock hours are over",
    "budget: 0.04 of 0.04 USD are spent",
)  # fmt: skip


@dataclass
class Old:
    """A record as it was left by the old code, in a folder of this test, and what that code said of it."""

    name: str
    path: Path
    told: dict[str, Any]


@pytest.fixture
def old(request, tmp_path) -> Old:
    return load(request.param, tmp_path)


def load(name: str, folder: Path) -> Old:
    told = json.loads((RECORDS / f"{name}.json").read_text(encoding="utf-8"))
    path = folder / "record.db"
    connection = sqlite3.connect(path)
    with connection:
        connection.executescript((RECORDS / told["dump"]).read_text(encoding="utf-8"))
        if told["until"] is not None:
            connection.execute("DELETE FROM events WHERE seq > ?", (told["until"],))
            connection.execute("UPDATE outbox SET delivered = 0")
    connection.close()
    return Old(name, path, told)


def opened(record: Record, old: Old, clock: VirtualClock) -> Sweep:
    """As a driver opens it that goes on with the sweep."""
    spec = restore_spec(json.loads(record.meta["spec"]), name="sweep.yaml")

    def refuse(config) -> str:
        found = [each for each in old.told["refused"] if all(config.get(k) == v for k, v in each.items())]
        return "cannot be trained" if found else ""

    return Sweep(spec, record, clock=clock, validate_config=refuse)


def played(sweep: Sweep, clock: VirtualClock, old: Old) -> list[dict[str, Any]]:
    """The same turns again: what was said to the sweep is what was said then, what it answers is new."""
    grant, turns = Grant(**old.told["grant"]), []
    for turn in old.told["turns"]:
        if "ask" in turn:
            trial = sweep.ask()
            turns.append({"ask": ask_facts(trial)} if trial else {"ask": None, "is_done": sweep.is_done})
            if trial is not None:
                clock.now += 0.5
                sweep.on_start(trial.id, grant)
        elif "report" in turn:
            clock.now += turn["seconds"]
            decision = sweep.report(turn["trial"], Report(**turn["report"]), turn["attempt"])
            answer = sweep.history.trials[turn["trial"]].answer
            assert answer is None or answer.decision is decision
            turns.append({**turn, "verdict": verdict_facts(answer)})
        else:
            sweep.tell(turn["trial"], Outcome(State(turn["tell"])), turn["attempt"])
            turns.append({**turn, "outcome": outcome_facts(sweep.history.trials[turn["trial"]].outcome)})
    return turns


# what is compared: each of these names what it reads, so that another code can be compared too -------------


def ask_facts(trial: Trial) -> dict[str, Any]:
    checkpoint = trial.checkpoint and "/".join(trial.checkpoint.split("/")[-3:])
    return {
        "id": trial.id,
        "number": trial.number,
        "config": dict(trial.config),
        "seed": trial.seed,
        "attempt": trial.attempt,
        "repeat": trial.repeat,
        "checkpoint": checkpoint,
        "point": trial.point,
    }


def trial_facts(trial: TrialHistory, goal) -> dict[str, Any]:
    best = trial.best(goal)
    return {
        "id": trial.id,
        "number": trial.number,
        "seed": trial.seed,
        "config": dict(trial.config),
        "repeat": trial.repeat,
        "point": trial.point,
        "is_final_run": trial.is_final_run,
        "state": str(trial.state),
        "outcome": outcome_facts(trial.outcome),
        "reports": len(trial.reports),
        "epoch": trial.last.epoch if trial.last else None,
        "best": [best.epoch, best.score] if best else None,
        "answer": verdict_facts(trial.answer),
        "decisions": "".join(verdict.decision[0] for _, verdict in trial.verdicts),
        "ends": [outcome_facts(end) for end in trial.ends],
        "attempts": [attempt_facts(attempt) for attempt in trial.attempts],
        "device_seconds": trial.device_seconds,
        "usd": trial.usd,
        "test": trial.test,
    }


def attempt_facts(attempt: Attempt) -> dict[str, Any]:
    """Without what nobody knows of it."""
    facts = {
        "number": attempt.number,
        "launch": attempt.launch,
        "node": attempt.node,
        "device": attempt.device,
        "share": attempt.share,
        "billed": attempt.billed,
        "productive": attempt.productive,
        "usd_per_hour": attempt.usd_per_hour,
        "market": attempt.market,
        "waited": attempt.waited,
        "joules": attempt.joules,
        "first_step": attempt.first_step,
        "kept": attempt.kept,
        "ended": attempt.ended,
        "message": attempt.message,
    }
    return {name: value for name, value in facts.items() if value not in (None, "")}


def outcome_facts(outcome: Outcome | None) -> list[str] | None:
    if outcome is None:
        return None
    return [str(outcome.state), outcome.kind, outcome.message, outcome.fingerprint]


def verdict_facts(verdict: Verdict | None) -> dict[str, Any] | None:
    if verdict is None:
        return None
    facts = {
        "decision": str(verdict.decision),
        "reason": verdict.reason,
        "rung": verdict.rung,
        "rank": verdict.rank,
        "of": verdict.of,
        "threshold": verdict.threshold,
    }
    return {name: value for name, value in facts.items() if value not in (None, "")}


def sweep_facts(history: SweepHistory) -> dict[str, Any]:
    sums = totals(history)
    return {
        "launches": history.launches,
        "wall_seconds": history.wall_seconds,
        "capacity_device_seconds": history.capacity_device_seconds,
        "capacity_by_node": history.capacity_by_node,
        "booked": [{"what": work.what, "device_seconds": work.device_seconds} for work in history.booked],
        "closed": history.closed,
        "settled": [[history.trials[each.trial].number, each.number] for each in history.settled],
        "over": [trial.number for trial in history.over],
        "known": [[each.sweep, each.number, str(each.state)] for each in history.known],
        "enough": history.enough,
        "finalists": [dict(config) for config in history.finalists],
        "totals": {
            "billed": sums.billed,
            "productive": sums.productive,
            "failed": sums.failed,
            "preempted": sums.preempted,
            "capacity": sums.capacity,
            "gpu_billed": sums.gpu_billed,
            "one_off": sums.one_off,
            "set_up": sums.set_up,
            "repeated": sums.repeated,
            "waited": sums.waited,
            "joules": sums.joules,
            "measured": sums.measured,
            "usd": sums.usd,
            "gpu_hours": sums.gpu_hours,
            "idle": sums.idle,
        },
    }


def rounded(value: Any) -> Any:
    """Sums may be added up in another order."""
    if isinstance(value, float):
        return round(value, 9)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return value


def with_numbers(value: Any) -> Any:
    """JSON as the old record writes it has no NaN: it stands there as an object."""
    if isinstance(value, dict):
        is_number = value.keys() == {"$number"}
        return value["$number"] if is_number else {key: with_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_numbers(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


# the records ----------------------------------------------------------------------------------------


def test_the_old_records_hold_all_that_the_old_code_could_write(tmp_path):
    kinds, ends, decisions, reasons, redrawn, closings = set(), set(), set(), [], set(), set()
    for name in WHOLE:
        (tmp_path / name).mkdir()
        connection = sqlite3.connect(load(name, tmp_path / name).path)
        for kind, text in connection.execute("SELECT kind, body FROM events"):
            body = json.loads(text)
            kinds.add(kind)
            if kind == "ended":
                ends.add((body["state"], body["kind"]))
            elif kind == "decided":
                decisions.add(body["decision"])
                reasons.append(body["reason"])
            elif kind == "asked":
                redrawn |= {each["state"] for each in body["redrawn"]}
            elif kind == "closed":
                closings.add(body["why"])
        connection.close()
    assert kinds == EVENTS
    assert ends == ENDS
    assert decisions == {"continue", "stop", "pause"}
    assert [start for start in REASONS if not any(reason.startswith(start) for reason in reasons)] == []
    assert redrawn == {"completed", "stopped", "infeasible", "cancelled"}
    assert closings == {"SIGINT", "SIGTERM", "done", "budget", "broken", "error"}


@pytest.mark.parametrize("old", WHOLE, indirect=True)
def test_each_line_of_an_old_log_is_read_as_it_was_written(old):
    connection = sqlite3.connect(old.path)
    query = "SELECT seq, at, kind, trial, attempt, body FROM events ORDER BY seq"
    rows = connection.execute(query).fetchall()
    connection.close()
    record = Record.open(old.path)
    read = [(e.seq, e.at, e.kind, e.trial, e.attempt, with_numbers(dict(e.body))) for e in record.lines()]
    moved = f"{ELSEWHERE}/{record.meta['name']}", str(old.path.parent)
    record.close()
    assert read == [(*row[:-1], with_numbers(json.loads(row[-1].replace(*moved)))) for row in rows]


@pytest.mark.parametrize("old", TOLD, indirect=True)
def test_an_old_record_has_its_events_and_what_no_tracker_has_heard(old):
    record = Record.open(old.path)
    assert record.meta["sweep_id"] == old.told["sweep_id"]
    assert Counter(event.kind for event in record.lines()) == old.told["events"]
    pending = record.pending(100_000)
    assert Counter(row.kind for row in pending) == old.told["pending"]
    assert record.pending_count() == len(pending)
    assert all(row.at_ms > 1.7e12 for row in pending)
    record.close()


@pytest.mark.parametrize("old", WHOLE, indirect=True)
def test_an_old_record_tells_the_history_and_the_sums_that_it_always_told(old):
    record = Record.open(old.path)
    spec = restore_spec(json.loads(record.meta["spec"]), name="sweep.yaml")
    assert spec.name == record.meta["name"]
    history = replay(record.events())
    record.close()
    trials = [trial_facts(trial, spec.objective.goal) for trial in history.trials.values()]
    for trial, told in zip(trials, old.told["trials"], strict=True):
        assert rounded(trial) == rounded(told)
    assert rounded(sweep_facts(history)) == rounded(old.told["sweep"])


def test_the_quote_in_an_old_record_is_read(tmp_path):
    record = Record.open(load("old_record_budget", tmp_path).path)
    quote = CostEstimate.from_json(record.meta["quote"])
    record.close()
    assert quote is not None
    assert (quote.trials.p50, quote.cut_by, quote.samples[0][1]) == (8, "gpu_hours", 1.5)


@pytest.mark.parametrize("old", WHOLE, indirect=True)
def test_whoever_queries_an_old_record_finds_its_reports_and_decisions(old):
    Record.open(old.path).close()
    connection = sqlite3.connect(old.path)
    for view, kind in (("reports", "reported"), ("decisions", "decided")):
        found = connection.execute(f"SELECT count(*) FROM {view}").fetchone()[0]
        assert found == old.told["events"].get(kind, 0)
    connection.close()


# going on -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("old", TOLD, indirect=True)
def test_a_driver_that_opens_an_old_record_makes_of_it_what_the_old_one_made(old):
    record = Record.open(old.path)
    sweep = opened(record, old, VirtualClock())
    goal = sweep.spec.objective.goal
    trials = {trial.id: trial_facts(trial, goal) for trial in sweep.history.trials.values()}
    record.close()
    for told in old.told["opened_trials"]:
        assert rounded(trials[told["id"]]) == rounded(told)
    for told in old.told.get("trials", []):
        if told["id"] not in {changed["id"] for changed in old.told["opened_trials"]}:
            assert rounded(trials[told["id"]]) == rounded(told), "nothing new is known of it"
    assert rounded(sweep_facts(sweep.history)) == rounded(old.told["opened_sweep"])


@pytest.mark.parametrize("old", TOLD, indirect=True)
def test_an_old_sweep_goes_on_with_the_same_trials_and_verdicts(old):
    clock, record = VirtualClock(), Record.open(old.path)
    sweep = opened(record, old, clock)
    turns = played(sweep, clock, old)
    for number, (turn, told) in enumerate(zip(turns, old.told["turns"], strict=True)):
        assert rounded(turn) == rounded(told), f"turn {number}"
    sweep.close()
    standing = [[t.number, str(t.state), len(t.reports)] for t in sweep.history.trials.values()]
    assert standing == old.told["standing"]
    assert rounded(sweep_facts(sweep.history)) == rounded(old.told["closed"])
    record.close()


@pytest.mark.parametrize("old", TOLD, indirect=True)
def test_what_was_added_to_an_old_record_is_read_with_the_rest_of_it(old):
    clock, record = VirtualClock(), Record.open(old.path)
    sweep = opened(record, old, clock)
    played(sweep, clock, old)
    sweep.close()
    record.close()
    again = Record.open(old.path)
    history = replay(again.events())
    goal = sweep.spec.objective.goal
    for trial, other in zip(history.trials.values(), sweep.history.trials.values(), strict=True):
        assert rounded(trial_facts(trial, goal)) == rounded(trial_facts(other, goal))
    assert rounded(sweep_facts(history)) == rounded(sweep_facts(sweep.history))
    again.close()


@pytest.mark.parametrize("old", TOLD, indirect=True)
def test_a_word_of_an_attempt_that_the_old_driver_started_is_refused(old):
    record = Record.open(old.path)
    sweep = opened(record, old, VirtualClock())
    before = [event.seq for event in record.events()]
    for trial in sweep.history.trials.values():
        said = Report(trial.last.epoch + 1 if trial.last else 1, 0.9)
        assert sweep.report(trial.id, said, len(trial.ends)) is Decision.STOP
        sweep.tell(trial.id, Outcome(State.COMPLETED), len(trial.ends))
    assert [event.seq for event in record.events()] == before
    record.close()

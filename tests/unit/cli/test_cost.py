import csv
import io
import json
import time
from collections.abc import Callable

import pyarrow.parquet
import pytest

from sweeper.store.event_lines import Line
from sweeper.store.paths import SweepPaths
from sweeper.store.record import Record

GRANT = {
    "node": "n0", "device": "A10", "is_gpu": True, "share": 0.5, "usd_per_hour": 1.2, "granted": 0.0,
    "waited": 0.5, "price_source": "catalog @1", "price_date": "2026-11-21", "market": "spot",
}  # fmt: skip


def test_the_page_says_what_became_of_the_time_and_who_it_went_to(make_run, say):
    make_run("toy")
    said = say("cost", "toy")
    assert said.code == 0, said.err
    out = " ".join(said.out.split())
    for words in (
        "held", "billed", "productive", "set-up", "hand-over", "one-off", "idle", "failed", "preempted",
        "waiting", "saved", "CPU slot seconds", "CPU slots stand in", "by node", "by parameter value",
        "by trial", "money unknown", "energy not measured", "points per CPU slot hour",
    ):  # fmt: skip
        assert words in out, words
    assert "GPU seconds" not in said.out


@pytest.mark.parametrize("ending", ["stopped", "interrupted", "broken"])
def test_it_works_however_the_sweep_stands(make_run, say, ending):
    make_run("toy", ending)
    assert say("cost", "toy").code == 0
    told = say("cost", "toy", "--json").json
    assert told["billed_device_seconds"] >= told["productive_device_seconds"] >= 0


def test_json_adds_up_to_what_was_held(make_run, say):
    make_run("toy")
    told = say("cost", "toy", "--json").json
    parts = ("billed_device_seconds", "idle_device_seconds", "one_off_device_seconds")
    assert sum(told[part] for part in parts) == pytest.approx(told["held_device_seconds"], rel=0.01)
    assert sum(trial["billed"] for trial in told["trials"]) == pytest.approx(told["billed_device_seconds"])
    assert (told["device"], told["usd"], told["joules"]) == ("cpu_slot", None, None)


@pytest.mark.parametrize(
    ("view", "key"), [("trial", "trials"), ("parameter", "parameters"), ("node", "nodes")]
)
def test_one_table_alone_is_whole(make_run, say, view, key):
    make_run("toy")
    told = say("cost", "toy", "--by", view, "--json").json
    assert {"trials", "parameters", "nodes"} & set(told) == {key}
    out = say("cost", "toy", "--by", view).out
    assert "held  " not in out.splitlines()[0]
    assert out.count("\nby ") == 1


def test_n_cuts_the_trials(make_run, say):
    make_run("toy")
    assert len(say("cost", "toy", "-n", "3", "--json").json["trials"]) == 3
    assert "the dearest 3; 9 more" in say("cost", "toy", "-n", "3").out


def test_the_ledger_is_written_as_parquet_csv_and_json(make_run, say, tmp_path):
    make_run("toy")
    file = tmp_path / "ledger.parquet"
    said = say("cost", "toy", "--format", "parquet", "--output", str(file))
    assert (said.code, said.out) == (0, "")
    table = pyarrow.parquet.read_table(file)
    rows = list(csv.DictReader(io.StringIO(say("cost", "toy", "--format", "csv").out)))
    told = say("cost", "toy", "--format", "json").json
    assert table.num_rows == len(rows) == len(told["attempts"]) >= 12
    billed = say("cost", "toy", "--json").json["billed_device_seconds"]
    assert sum(table.column("billed_device_seconds").to_pylist()) == pytest.approx(billed)
    assert table.column("granted_at").null_count == 0
    assert set(table.column("sweep_id").to_pylist()) == {"toy-id"}
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--output", "x.csv"], "--output without --format"),
        (["--format", "csv", "--json"], "contradict"),
        (["--format", "csv", "--by", "node"], "contradict"),
        (["--format", "xlsx"], "xlsx"),
        (["--format", "csv", "--output", "/no/such/folder/x.csv"], "cannot write there"),
        (["--by", "day"], "day"),
        (["-n", "0"], "-n"),
    ],
)
def test_what_cannot_be_done_is_one_line(make_run, say, words, complaint):
    make_run("toy")
    said = say("cost", "toy", *words)
    assert (said.code, said.err.count("\n"), "Traceback" in said.err) == (2, 1, False)
    assert complaint in said.err


def test_an_unknown_sweep_is_named_with_the_nearest(make_run, say):
    make_run("toy")
    said = say("cost", "tpy")
    assert (said.code, "did you mean 'toy'" in said.err) == (2, True)


@pytest.fixture
def make_large(runs, toy_spec) -> Callable[[int], SweepPaths]:
    """`make_large(trials)`: a record of many trials on priced GPUs, three reports each."""

    def build(trials: int) -> SweepPaths:
        name = f"large-{trials}"
        spec = toy_spec(name=name, budget={"trials": trials})
        meta = {"sweep_id": "x", "name": name, "spec": json.dumps(spec.resolved()), "classes": '["a", "b"]'}
        paths = SweepPaths.of(name)
        record = Record.create(paths.record, meta)
        events = [Line("launched")]
        for number in range(trials):
            events += _told(f"{number:016x}", number)
        body = {"why": "done", "wall": 1e4, "capacity": 6 * trials, "nodes": {}}
        record.write(*events, Line("closed", body=body))
        record.close()
        return paths

    return build


def _told(trial, number):
    config = {"layers": 1 + number % 5, "learning_rate": 1e-4 + number * 1e-6}
    yield Line("asked", trial, 0, {"number": number, "config": config, "seed": number})
    yield Line("granted", trial, 1, GRANT)
    for epoch in (1, 2, 3):
        metrics = {"valid/top1": 0.5, "valid/top5": 0.9, "train/loss": 0.1, "images_per_second": 1e3}
        report = {
            "epoch": epoch,
            "score": number / 10_000,
            "device_seconds": float(epoch),
            "metrics": metrics,
        }
        yield Line("reported", trial, 1, report)
        cost = {"billed": 2.0 * epoch, "productive": 2.0 * epoch, "joules": None}
        yield Line("decided", trial, 1, {"epoch": epoch, "decision": "continue"} | cost)
    outcome = {"state": "completed", "kind": "", "message": "", "fingerprint": ""}
    yield Line("ended", trial, 1, outcome | {"billed": 7.0, "productive": 6.0, "joules": 700.0})


def test_the_page_costs_in_proportion_to_the_trials(make_large, say, lines_run):
    few, many = (make_large(trials).root.name for trials in (100, 1000))
    say("cost", few)  # imports
    assert lines_run(lambda: say("cost", many)) < 15 * lines_run(lambda: say("cost", few))


@pytest.mark.slow(reason="ten thousand trials")
def test_the_page_of_ten_thousand_trials_sums_them_all(make_large, say):
    said = say("cost", make_large(10_000).root.name)
    assert said.code == 0
    assert "9.72 GPU hours" in said.out
    assert "at 1.2 USD an hour (spot; catalog @1, 2026-11-21)" in said.out
    assert "1.94 kWh by NVML for 100 % of what was billed" in said.out


@pytest.mark.speed
def test_the_page_of_ten_thousand_trials_takes_seconds(make_large, say):
    name = make_large(10_000).root.name
    say("cost", make_large(1).root.name)  # imports
    began = time.process_time()
    say("cost", name)
    assert time.process_time() - began < 5.0, "1.5 s on a quiet machine"

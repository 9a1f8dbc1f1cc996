import json
import re
import shutil
from pathlib import Path

import pytest

from sweeper.cli import run
from sweeper.store import lease
from sweeper.store.history import replay
from sweeper.store.record import Record


@pytest.fixture
def running(shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A copy of the sweep that some process runs: so MLflow, slow to import, is not told."""
    shutil.copytree(shelf.runs, tmp_path / "runs")
    monkeypatch.setenv("SWEEPER_RUNS", str(tmp_path / "runs"))
    with lease.held(tmp_path / "runs" / "shelf"):
        yield tmp_path / "runs" / "shelf"


@pytest.mark.slow(reason="draws pictures with matplotlib")
def test_the_page_has_all_its_parts(running: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "shelf", "--trial", "1", "--split", "valid"]) == 0
    said = capsys.readouterr()
    first, second = said.out.splitlines()[:2]
    assert re.fullmatch(r"trial 1 of shelf, epoch \d, valid split: 36 images of 6 classes", first)
    assert second.startswith("top-1 ")
    for part in ("disturbed", "rotation 45°", "flip top-bottom", "by class", "café", "files in "):
        assert part in said.out
    assert "MLflow is not told now" in said.err
    assert (running / "evaluation" / "1" / "valid" / "confusion.png").is_file()


@pytest.mark.slow(reason="draws pictures with matplotlib")
def test_json_is_what_the_file_holds(running: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "shelf", "--split", "valid", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    folder = running / "evaluation" / str(facts["trial"]) / "valid"
    held = json.loads((folder / "evaluation.json").read_text())
    assert {key: facts[key] for key in held} == held
    assert {Path(file).name for file in facts["files"]} == {file.name for file in folder.iterdir()}


def test_the_test_split_of_a_running_sweep_stays_closed(running: Path, capsys) -> None:
    assert run(["evaluate", "shelf"]) == 75
    assert "already run by process" in capsys.readouterr().err
    assert not (running / "evaluation").exists()


@pytest.mark.slow(reason="draws pictures with matplotlib")
def test_where_mlflow_is_down_the_figures_wait_in_the_record(shelf, tmp_path, monkeypatch, capsys) -> None:
    shutil.copytree(shelf.runs, tmp_path / "runs")
    monkeypatch.setenv("SWEEPER_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert run(["evaluate", "shelf", "--trial", "0"]) == 7
    said = capsys.readouterr()
    assert "`sweeper sync shelf` delivers the figures later" in said.err
    assert said.out.startswith("trial 0 of shelf")
    record = Record.open(tmp_path / "runs" / "shelf" / "record.db")
    (told,) = [row for row in record.pending() if "test/calibration_error" in row.payload.get("metrics", {})]
    trial = replay(record.events()).trials[told.trial]
    record.close()
    assert trial.test is not None
    assert trial.test.keys() == {"test/top1", "test/top5", "test/balanced_top1", "test/loss"}


def test_a_sweep_without_reports_has_nothing_to_evaluate(make_run, capsys) -> None:
    make_run("toy", "broken")
    assert run(["evaluate", "toy"]) == 2
    assert "no trial has reported yet" in capsys.readouterr().err

"""A study in small: points alone, trained for an epoch, tested, and shown beside what was published."""

from pathlib import Path

import pytest

from sweeper.store.paths import SweepPaths
from sweeper.store.record import Record

FILE = """\
name: study
dataset: {source: digits}
parameters:
  pixels: 8
  filters: {values: [4, 8], per: layers}
  layers: [1, 2]
  kernel: 2
  batch_norm: false
train: {epochs: 1, batch_size: 64}
objective: {metric: valid/top1, test: points}
search: {algorithm: points}
scheduler: {type: none}
points:
  - {name: printed, filters: [4], published: {test: {top1: 0.5}, parameters: 70}}
  - {name: wrong, filters: [4, 8], published: {test: {top1: 0.6}, parameters: 1}}
  - {name: other split, filters: [8], published: {valid: {top1: 0.4}}}
  - {name: mine, filters: [8, 8]}
"""


@pytest.fixture
def file(tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "study.yaml"
    path.write_text(FILE)
    return str(path)


def opened_for(name: str) -> list[int]:
    record = Record.open(SweepPaths.of(name).record)
    numbers = {event.trial: event.body["number"] for event in record.lines() if event.kind == "asked"}
    found = [numbers[event.trial] for event in record.lines() if event.kind == "tested"]
    record.close()
    return sorted(found)


@pytest.mark.slow(reason="a sweep is really trained")
def test_a_study_runs_its_points_tests_those_published_and_shows_both(file, say) -> None:
    said = say("launch", file, "--runner", "local", "--quiet")
    assert said.code == 0, said.err
    assert "Published beside measured" in said.out
    best = say("best", "study", "--json").json
    winner = best["best"]["number"]
    assert opened_for("study") == sorted({0, 1, winner})
    printed, wrong, other = best["published"]
    assert best["trials"] == {"completed": 4}
    assert (printed["measured"]["parameters"], wrong["measured"]["parameters"]) == (70, 246)
    assert set(printed["measured"]["test"]) == {"top1", "top5", "loss"}
    assert bool(other["measured"]["test"]) is (winner == 2)
    rows = [line.split() for line in say("best", "study").out.splitlines()]
    assert ["printed", "0", "1", "70", "="] in [row[:5] for row in rows]
    assert ["wrong", "1", "1", "1", "246"] in [row[:5] for row in rows]


@pytest.mark.slow(reason="a sweep is really trained")
def test_without_the_switch_the_winner_alone_is_tested(file, say) -> None:
    assert say("launch", file, "--runner", "local", "-q", "-o", "objective.test=winner").code == 0
    assert opened_for("study") == [say("best", "study", "--json").json["best"]["number"]]


def test_a_plan_of_points_says_how_many_and_shows_no_other_network(file, say) -> None:
    said = say("plan", file)
    assert "space      4 points of 5 parameters" in said.out
    assert "\nsample" not in said.out
    assert said.out.count("head.logits") == 4
    assert "sweep study: 4 points of 5 parameters" in say("validate", file).out

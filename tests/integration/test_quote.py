"""A quote through the installed console script: probed, priced, refused, and beside the actual."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sweeper.cost.cost_estimate import CostEstimate
from sweeper.store.paths import SweepPaths
from sweeper.store.record import Record

pytestmark = [pytest.mark.integration, pytest.mark.ray]

SMALL = (
    "-o", "parameters.pixels=[8]", "-o", "parameters.layers={min: 1, max: 2}", "-o", "budget.trials=4",
    "-o", "train.epochs=2", "-o", "scheduler={type: none}",
)  # fmt: skip


@pytest.fixture(scope="module")
def probed(machine: Any, digits: str) -> dict[str, Any]:
    done = machine.run("plan", digits, "--probe", "--json", *SMALL)
    assert done.returncode == 0, done.stderr
    assert "timing a few networks" in done.stderr
    return json.loads(done.stdout)["quote"]


def ordered(found: dict[str, float]) -> bool:
    return 0 < found["p10"] <= found["p50"] <= found["p90"]


def test_a_probe_gives_a_pace_of_this_machine_with_quantiles_in_order(probed: dict[str, Any]) -> None:
    assert (probed["source"], probed["is_gpu"], probed["refusal"]) == ("probe", False, "")
    assert 3 <= probed["timings"] <= 6
    assert all(ordered(probed[name]) for name in ("device_hours", "wall_hours", "full_trial"))
    assert probed["trials"]["p50"] == 4
    assert probed["usd"] is None


def test_the_next_plan_goes_by_the_same_probe_and_quotes_money_at_a_price(
    machine: Any, digits: str, probed: dict[str, Any]
) -> None:
    done = machine.run("plan", digits, "--instance", "g6.xlarge", *SMALL)
    assert done.returncode == 0, done.stderr
    assert f"from {probed['timings']} networks timed on this machine" in done.stdout
    assert "USD" in done.stdout
    assert "CPU slot hours" in done.stdout


def test_a_damaged_probe_is_ignored(machine: Any, digits: str, probed: dict[str, Any]) -> None:
    (kept,) = (machine.home / ".cache" / "sweeper" / "probes").glob("*.json")
    before = kept.read_bytes()
    kept.write_text("{")
    try:
        done = machine.run("plan", digits, "--json", *SMALL)
        assert json.loads(done.stdout)["quote"]["source"] in ("table", "history")
    finally:
        kept.write_bytes(before)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--slots", "0"), "0 is not in the range"),
        (("--usd-per-gpu-hour", "-1"), "-1.0 is not in the range"),
        (("--instance", "g6.xlarg"), "did you mean 'g6.xlarge'"),
    ],
)
def test_wrong_options_are_refused(machine: Any, digits: str, words: tuple[str, ...], complaint: str) -> None:
    done = machine.run("plan", digits, *words)
    assert done.returncode == 2
    assert complaint in done.stderr


def test_a_budget_without_room_for_a_trial_is_refused_by_plan_and_launch(machine: Any, digits: str) -> None:
    words = (*SMALL, "-o", "name=tight", "-o", "budget.gpu_hours=1e-7")
    for done in (machine.run("plan", digits, *words), machine.run("launch", digits, *words)):
        assert done.returncode == 2
        assert "budget.gpu_hours: 1e-07 has no room for one trial of 2 epochs" in done.stderr
        assert "would fit one trial" in done.stderr
    assert not (machine.runs / "tight").exists()


@pytest.fixture(scope="module")
def launched(machine: Any, digits: str, probed: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    done = machine.run("launch", digits, "--runner", "local", "-o", "name=quoted", *SMALL)
    assert done.returncode == 0, done.stderr
    return done


def test_a_launch_without_a_price_says_one_line_and_asks_nothing(
    launched: subprocess.CompletedProcess[str],
) -> None:
    (line,) = [line for line in launched.stderr.splitlines() if line.startswith("about ")]
    assert "CPU slot hours" in line
    assert "Proceed?" not in launched.stderr


def test_the_record_keeps_the_quote_and_cost_shows_it_beside_the_actual(
    machine: Any, launched: subprocess.CompletedProcess[str]
) -> None:
    record = Record.open(SweepPaths.of("quoted", machine.runs).record)
    quote = CostEstimate.from_json(record.meta["quote"])
    record.close()
    assert quote is not None
    facts = json.loads(machine.run("cost", "quoted", "--json").stdout)["quote"]
    assert facts["source"] == quote.source
    assert facts["device_hours"]["p50"] == quote.device_hours.p50
    assert facts["trials"] == {"p10": 4, "p50": 4, "p90": 4, "actual": 4, "verdict": "as quoted"}
    assert facts["device_hours"]["actual"] > 0
    assert facts["trial_error"] >= 0
    assert "actual" in machine.run("cost", "quoted").stdout


def test_money_is_asked_for_on_a_terminal_and_no_means_no(machine: Any, digits: str, probed: object) -> None:
    terminal, theirs = pty.openpty()
    os.write(terminal, b"n\n")
    words = ["launch", digits, "-o", "name=dear", "--usd-per-gpu-hour", "2", *SMALL]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("sweeper")), *words],
        cwd=machine.folder,
        env=machine._environment(),
        stdin=theirs,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    os.close(terminal)
    os.close(theirs)
    assert done.returncode == 0, done.stderr
    assert "USD" in done.stderr
    assert "Proceed? [Y/n]" in done.stderr
    assert "nothing was started" in done.stdout
    assert not (machine.runs / "dear").exists()

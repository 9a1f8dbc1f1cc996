import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweeper.config.run_options import RunOptions
from sweeper.launch.own_cores import own_cores
from sweeper.runners.parts.this_machine import usable_cpus
from sweeper.store.machine import claimed, claims


@pytest.fixture
def first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[contextlib.ExitStack]:
    """A sweep that holds every core until the stack is closed."""
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path))
    with contextlib.ExitStack() as stack:
        stack.enter_context(claimed(Path("first"), lambda others: usable_cpus()))
        yield stack


def test_a_second_sweep_is_told_and_waits_until_the_cores_are_free(first) -> None:
    said: list[str] = []
    with own_cores("second", RunOptions(), said.append, pause=first.close) as options:
        assert options.cpus is None
        assert [each.sweep for each in claims()] == ["second"]
    (line,) = said
    assert line.startswith("waits for sweep first (process ")
    assert line.endswith("--share runs beside it at the cost of both")


def test_with_share_it_runs_beside_and_that_is_said(first) -> None:
    said: list[str] = []
    with own_cores("second", RunOptions(is_sharing=True), said.append) as options:
        assert options.is_sharing
        assert sorted(each.sweep for each in claims()) == ["first", "second"]
    assert said[0].startswith("shares this machine with sweep first (process ")


def test_what_takes_no_core_here_waits_for_nobody(first) -> None:
    for options in (RunOptions(runner="simulated"), RunOptions("ray_tune", "auto")):
        with own_cores("second", options, pytest.fail) as same:
            assert same is options


def test_cores_that_are_left_are_taken_and_a_wish_that_fits_is_granted(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path))
    cores, said = usable_cpus(), list[str]()
    if cores < 2:
        pytest.skip("one core cannot be divided")
    with claimed(Path("first"), lambda others: 1):
        with own_cores("second", RunOptions(), said.append) as options:
            assert options.cpus == cores - 1
        assert said[0].startswith(f"takes the {cores - 1} of {cores} cores that are left by sweep first")
        with own_cores("third", RunOptions(cpus=1), pytest.fail) as options:
            assert options.cpus == 1


def test_a_cache_that_cannot_be_written_to_stops_no_sweep(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path / "file"))
    said: list[str] = []
    with own_cores("only", RunOptions(), said.append) as options:
        assert options == RunOptions()
    assert said[0].startswith("whether other sweeps use this machine cannot be told: ")


def test_a_driver_that_was_put_out_of_its_sweep_holds_its_successor_up_no_more(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path))
    monkeypatch.setenv("SWEEPER_RUNS", str(tmp_path / "runs"))
    lost = claimed(tmp_path / "runs" / "mine", lambda others: usable_cpus())
    with lost, own_cores("mine", RunOptions(), pytest.fail, pause=pytest.fail) as options:
        assert options.cpus is None

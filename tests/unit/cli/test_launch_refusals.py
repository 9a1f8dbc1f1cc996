"""Whatever a launch is refused for, nothing of it stays behind, and the corrected file launches."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweeper.errors import PreflightError
from sweeper.launch.create import new_folder
from sweeper.store.events import Event, TrialAsked
from sweeper.store.paths import SweepPaths
from sweeper.store.record import Record

QUICK = ("--runner", "local", "-q", "-o", "budget.trials=1", "-o", "train.epochs=1")
QUICK += ("-o", "scheduler={type: none}", "-o", "parameters.pixels=[8]")

NO_RAY = PreflightError("Ray cannot be reached")


@pytest.fixture
def launch(say, runs: Path, digits: str):
    """`launch("-o", ...)`: digits with one trial of one epoch, or what is wrong with that."""
    shutil.rmtree(runs)
    yield lambda *words: say("launch", digits, *QUICK, *words)
    runs.mkdir(exist_ok=True)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


REFUSED = [
    (("-o", "tracking.uri=file:///tmp/mlruns"), 2, "-o tracking.uri=file:///tmp/mlruns: tracking.uri: 'file"),
    (("-o", "tracking.uri='http://u:p@[::1/'"), 2, "tracking.uri: 'http://u:***@[::1/' is not an MLflow"),
    (("-o", "search.algorithm=tpee"), 2, "no search algorithm"),
    (
        ("-o", "search={algorithm: optuna, sampler: NobodySampler}"),
        2,
        "optuna.samplers has no 'NobodySampler'",
    ),
    (("-o", "parameters.drop_out=0.1"), 2, "nothing knows the parameter"),
    (("-o", "budget={}"), 2, "the space is infinite"),
    (("-o", "search.from=[elsewhere]"), 2, "no sweep 'elsewhere' is there"),
    (("-o", "dataset.root=/nowhere", "-o", "dataset.source=image_folder"), 2, "/nowhere"),
    (("-o", "parameters.layers=[8]"), 2, "no network can be trained with"),
    (("--usd-per-gpu-hour", "1000", "-o", "budget={usd: 1.0e-9}"), 2, "budget"),
    (("--instance", "g6.xlargest"), 2, "no on-demand price"),
    (("--address", "127.0.0.1:1", "--runner", "ray_tune"), 5, "nobody answers there"),
    (("-o", "resources.fuse=4", "--runner", "ray_tune"), 2, "--runner subprocess trains packs on one device"),
    (
        ("-o", "resources.fuse=4", "-o", "train.batch_size=auto"),
        2,
        "but every trial trains alone (batch_size: auto)",
    ),
    (("-o", "resources.fuse=4", "-o", "train.compile=true"), 2, "fuse: off, or compile: false"),
]


@pytest.mark.slow(reason="a launch is refused after its plan, whose networks are built")
@pytest.mark.parametrize(("words", "code", "message"), REFUSED, ids=[" ".join(row[0]) for row in REFUSED])
def test_a_refused_launch_makes_no_folder(launch, runs: Path, words, code: int, message: str) -> None:
    said = launch(*words)
    assert (said.code, message in said.err) == (code, True), said.err
    assert not runs.exists()


@pytest.mark.slow(reason="a launch is refused after its plan, whose networks are built")
def test_a_taken_port_for_metrics_makes_no_folder(launch, runs: Path, taken: int) -> None:
    assert launch("--metrics-port", str(taken)).code == 5
    assert not runs.exists()


@pytest.mark.slow(reason="one of the two launches trains a network")
def test_a_launch_that_fails_before_its_first_trial_is_as_if_it_had_never_been(
    launch, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SWEEPER_CACHE_GB", "1")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "stores").touch()  # images can be counted, but not kept
    failed = launch()
    assert failed.code == 2, failed.err
    assert not runs.exists()
    (tmp_path / "cache" / "stores").unlink()
    corrected = launch()
    assert corrected.code == 0, corrected.err
    assert (runs / "digits" / "record.db").is_file()


def fail(paths: SweepPaths, error: BaseException, *events: Event, content: bytes = b"") -> None:
    """A launch that has written so much when the error ends it."""
    with new_folder(paths):
        if content:
            paths.record.write_bytes(content)
        elif not paths.record.exists():
            record = Record.create(paths.record, {})
            record.append(*events)
            record.close()
        raise error


def test_what_lay_in_the_folder_before_stays_there(runs: Path) -> None:
    paths = SweepPaths.of("mine")
    paths.root.mkdir()
    (paths.root / "notes.txt").write_text("mine")
    with pytest.raises(PreflightError):
        fail(paths, NO_RAY)
    assert {path.name for path in paths.root.iterdir()} == {"notes.txt", ".lease"}


def test_a_folder_of_another_sweep_beside_it_stays(runs: Path) -> None:
    (runs / "other").mkdir()
    with pytest.raises(PreflightError):
        fail(SweepPaths.of("mine"), NO_RAY)
    assert [path.name for path in runs.iterdir()] == ["other"]


def test_a_record_that_was_there_before_is_never_removed(runs: Path) -> None:
    paths = SweepPaths.of("mine")
    Record.create(paths.record, {}).close()
    with pytest.raises(PreflightError):
        fail(paths, NO_RAY)
    assert paths.record.is_file()


@pytest.mark.parametrize("error", [NO_RAY, OSError("gone"), KeyboardInterrupt()], ids=repr)
def test_a_sweep_whose_trials_have_begun_is_kept_whatever_ends_it(runs: Path, error: BaseException) -> None:
    paths = SweepPaths.of("mine")
    with pytest.raises(type(error)):
        fail(paths, error, TrialAsked(trial="a-trial", number=0, config={}, seed=1))
    assert paths.record.is_file()


def test_an_interrupt_before_the_first_trial_leaves_a_sweep_to_resume(runs: Path) -> None:
    paths = SweepPaths.of("mine")
    with pytest.raises(KeyboardInterrupt):
        fail(paths, KeyboardInterrupt())
    assert paths.record.is_file()


def test_a_record_that_cannot_be_read_may_hold_work_and_stays(runs: Path) -> None:
    paths = SweepPaths.of("mine")
    with pytest.raises(PreflightError):
        fail(paths, NO_RAY, content=b"what is left of a record")
    assert paths.record.is_file()

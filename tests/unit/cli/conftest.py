"""A folder of sweeps as they end: done, stopped, broken, or cut off in the middle."""

import contextlib
import itertools
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sweeper.cli import run
from sweeper.runners import runner
from sweeper.runners.simulated import VirtualClock
from sweeper.store.outbox import sweep_row
from sweeper.store.paths import SweepPaths
from sweeper.store.record import Record
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Report, Trial


class Said:
    """What one command line answered."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        """Stdout as the one document that `--json` promises."""
        return json.loads(self.out)


def failing(trial: Trial) -> Iterator[Report]:
    raise RuntimeError("no [red]such\x1b[31m file")
    yield


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty `runs/`, in memory where the machine can: every event of a record is fsynced."""
    shared = Path("/dev/shm")
    root = Path(tempfile.mkdtemp(prefix="sweeper-test-", dir=shared if shared.is_dir() else None))
    monkeypatch.setenv("SWEEPER_RUNS", str(root))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    yield root
    shutil.rmtree(root)


class Killed(BaseException):
    """The driver is gone in the middle of what it did."""


@pytest.fixture
def make_run(runs: Path, toy_spec, toy_workload) -> Callable[..., SweepPaths]:
    """`make_run("toy", "stopped", budget=...)`: a sweep of two workers that ended in that way.

    `interrupted` is one whose driver was killed: the record is not closed, two trials never ended.
    """

    def build(name: str = "toy", ending: str = "done", *, meta=None, workload=None, **sections) -> SweepPaths:
        spec = toy_spec(**{"name": name, **sections})
        paths = SweepPaths.of(name)
        record = Record.create(paths.record, _meta(spec) | (meta or {}))
        record.append(outbox=[sweep_row(spec, "toy-id")])
        clock = VirtualClock()
        sweep = Sweep(spec, record, clock=clock)
        steps = itertools.count()

        def pulse() -> bool:
            is_late = next(steps) == 12
            if is_late and ending == "stopped":
                sweep.stop("SIGINT")
            if is_late and ending == "interrupted":
                raise Killed
            return False

        trains = workload or (failing if ending == "broken" else toy_workload())
        with contextlib.suppress(Killed):
            runner["simulated"](clock=clock, workers=2)(sweep, trains, pulse)
        sweep.beat()
        if ending != "interrupted":
            sweep.close()
        record.close()
        return paths

    return build


def _meta(spec) -> dict[str, str]:
    return {
        "sweep_id": "toy-id",
        "name": spec.name,
        "spec": json.dumps(spec.resolved()),
        "classes": json.dumps([str(digit) for digit in range(10)]),
        "data_digest": "other images",
        "created": "2026-11-21T09:07:29+0000",
    }


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """`say("status", "toy")`: one command line, in this process."""

    def say(*words: str) -> Said:
        capsys.readouterr()
        code = run(words)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return say

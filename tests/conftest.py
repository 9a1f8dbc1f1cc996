"""What tests of the deciding core share: a toy sweep, a workload with known curves, and a rig that drives
one decision after another, kills the driver, and starts it anew."""

import itertools
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import HealthCheck, settings

from sweeper.config.spec import SweepSpec, parse_spec
from sweeper.errors import FailureKind
from sweeper.runners.simulated import VirtualClock
from sweeper.store.attempt import Grant
from sweeper.store.event_lines import Line, line_of
from sweeper.store.events import Event
from sweeper.store.record import Record
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Decision, Outcome, Report, State, Trial

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch comes: idle threads of it spin, and count as CPU
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell runs in the background ignores it
settings.register_profile("sweeper", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sweeper")  # hypothesis fails what takes 0.2 s: a verdict on the machine
ENDS = {Decision.CONTINUE: State.COMPLETED, Decision.STOP: State.STOPPED, Decision.PAUSE: State.PAUSED}
NOBODY = 65534
TOY = {
    "name": "toy",
    "dataset": {"source": "digits"},
    "parameters": {
        "layers": {"min": 1, "max": 5},
        "learning_rate": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-1},
    },
    "train": {"epochs": 9},
    "search": {"algorithm": "random", "seed": 7},
    "scheduler": {"type": "asha", "grace": 1, "reduction_factor": 3},
    "budget": {"trials": 12},
    "objective": {"metric": "valid/top1"},
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--speed`: seconds count. Without it no verdict hangs on how fast the machine is."""
    parser.addoption("--speed", action="store_true", help="run what is marked speed; slow unit tests fail")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Figures in seconds are held on a quiet machine alone."""
    if not config.getoption("--speed"):
        left_out = [item for item in items if item.get_closest_marker("speed")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def _lines_run(work: Callable[[], object], at_most: float = math.inf) -> int:
    lines, before = 0, sys.gettrace()

    def count(frame: FrameType, event: str, argument: object) -> Callable[..., object]:
        nonlocal lines
        lines += 1
        if lines > at_most:
            pytest.fail(f"more than {at_most:,} lines of Python were run")
        return count

    sys.settrace(count)
    try:
        work()
    finally:
        sys.settrace(before)
    return lines


def _until(is_so: Callable[[], object], seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "what is waited for did not come"
        time.sleep(0.02)


@pytest.fixture
def until() -> Callable[..., None]:
    """`until(is_so)`: waits for it, however slow the machine is; what never comes fails."""
    return _until


@pytest.fixture
def lines_run() -> Callable[..., int]:
    """`lines_run(work, at_most=...)`: how many lines of Python it takes, whoever else computes.

    It fails as soon as there are more than `at_most`. Work inside one call of C is not seen.
    """
    return _lines_run


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test finds what another session prepared, writes where the user's images are kept, or tells whom
    the user's own configuration names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEPER_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


def _toy_spec(**sections) -> SweepSpec:
    return parse_spec(json.dumps(TOY | sections))


def _toy_workload(epochs: int = 9, seconds: float = 0.01) -> Callable[[Trial], Iterator[Report]]:
    """Deterministic curves: a good learning rate and three layers win, more layers cost more.

    A closure, so that it can be pickled for another process. A checkpoint is `ID@EPOCH`.
    """

    def toy(trial: Trial) -> Iterator[Report]:
        rate, layers = trial.config.get("learning_rate", 3e-3), trial.config.get("layers", 3)
        start = int(trial.checkpoint.rpartition("@")[2]) if trial.checkpoint else 0
        for epoch in range(start + 1, epochs + 1):
            reach = 1 - abs(math.log10(rate) + 2.5) / 3 - 0.02 * abs(layers - 3)
            score = reach * (1 - math.exp(-epoch / 3))
            spent = seconds * layers * epoch
            yield Report(epoch, score, spent, {"valid/top1": score}, f"{trial.id}@{epoch}")

    return toy


@dataclass
class Rig:
    """Drives a sweep by hand, on a clock that moves by what the trials cost.

    `kill` forgets the sweep without a word, as a SIGKILL would, and builds another from the record.
    """

    spec: SweepSpec
    record: Record
    workload: Callable[[Trial], Iterator[Report]]
    clock: VirtualClock = field(default_factory=VirtualClock)
    grant: Grant = field(default_factory=Grant)
    running: dict[str, tuple[Trial, Iterator[Report]]] = field(default_factory=dict)
    started: list[Trial] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kill()

    def kill(self) -> None:
        self.running.clear()
        self.sweep = Sweep(self.spec, self.record, clock=self.clock)

    def start(self, grant: Grant | None = None) -> Trial | None:
        trial = self.sweep.ask()
        if trial is not None:
            self.sweep.on_start(trial.id, grant or self.grant)
            self.running[trial.id] = (trial, self.workload(trial))
            self.started.append(trial)
        return trial

    def step(self, trial_id: str) -> Decision:
        """The trial's next report, and its end where that was its last."""
        trial, reports = self.running[trial_id]
        report = next(reports, None)
        if report is None:
            self.end(trial_id, Outcome(State.COMPLETED))
            return Decision.CONTINUE
        last = self.sweep.history.trials[trial_id].last
        self.clock.now += max(0.0, report.device_seconds - (last.device_seconds if last else 0.0))
        decision = self.sweep.report(trial_id, report, trial.attempt)
        if decision is not Decision.CONTINUE:
            self.end(trial_id, Outcome(ENDS[decision]))
        return decision

    def end(self, trial_id: str, outcome: Outcome) -> None:
        trial, _ = self.running.pop(trial_id)
        self.sweep.tell(trial_id, outcome, trial.attempt)

    def fail(self, trial_id: str, kind: str = "worker_lost", message: str = "gone", print_: str = "") -> None:
        self.end(trial_id, Outcome(State.FAILED, FailureKind(kind), message, print_))

    def finish(self, workers: int = 1) -> Sweep:
        """Go on until the sweep is done, `workers` trials side by side, each a report in turn."""
        while True:
            while len(self.running) < workers and self.start():
                pass
            if not self.running:
                return self.sweep
            for trial_id in list(self.running):
                self.step(trial_id)

    @property
    def trials(self):
        return list(self.sweep.history.trials.values())


@pytest.fixture
def toy_spec() -> Callable[..., SweepSpec]:
    """`toy_spec(budget={"trials": 3})`: the toy sweep with sections replaced."""
    return _toy_spec


@pytest.fixture
def toy_workload() -> Callable[..., Callable[[Trial], Iterator[Report]]]:
    """`toy_workload(epochs=9, seconds=0.01)`: a workload with known curves."""
    return _toy_workload


@pytest.fixture
def records() -> Iterator[Callable[..., Record]]:
    """`records(events, meta)`: a new record, in memory where the machine can, that holds these events."""
    shared = Path("/dev/shm")
    root = Path(tempfile.mkdtemp(prefix="sweeper-test-", dir=shared if shared.is_dir() else None))
    numbers, opened = itertools.count(), list[Record]()

    def build(events: Iterable[Line | Event] = (), meta: Mapping[str, str] | None = None) -> Record:
        record = Record.create(root / f"{next(numbers)}.db", {"sweep_id": "toy-id", **(meta or {})})
        if events := list(events):
            record.write(*(each if isinstance(each, Line) else line_of(each) for each in events))
        opened.append(record)
        return record

    yield build
    for record in opened:
        record.close()
    shutil.rmtree(root)


@pytest.fixture
def without_rights() -> Iterator[Callable[..., None]]:
    """`without_rights(folder, owned=...)`: from here on this process is one whom permissions bind.

    Where root runs the tests it becomes nobody, who may enter the folders above `folder`; `owned` is then
    nobody's own.
    """
    opened = dict[Path, int]()

    def give_up(folder: Path, *, owned: Path | None = None) -> None:
        if os.geteuid():
            return
        for parent in folder.parents:
            if not parent.stat().st_mode & 0o001:
                opened[parent] = parent.stat().st_mode
                parent.chmod(parent.stat().st_mode | 0o011)
        for path in (owned, *owned.rglob("*")) if owned else ():
            os.chown(path, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, 0)

    yield give_up
    if opened or os.getuid() == NOBODY:
        os.setresuid(0, 0, 0)
    for parent, mode in opened.items():
        parent.chmod(mode)


@pytest.fixture
def make_rig(records) -> Callable[..., Rig]:
    """`make_rig(budget=..., workload=..., events=...)`: a rig around the toy sweep, sections replaced.

    `meta` is what the record knows besides.
    """

    def build(*, workload=None, events=(), meta=None, grant=None, **sections) -> Rig:
        record = records(events, meta)
        return Rig(_toy_spec(**sections), record, workload or _toy_workload(), grant=grant or Grant())

    return build


@pytest.fixture
def make_sweep(records) -> Callable[..., Sweep]:
    """`make_sweep(clock=..., validate_config=..., budget=...)`: a sweep on a new record."""

    def build(*, clock=None, validate_config=lambda config: "", **sections) -> Sweep:
        return Sweep(
            _toy_spec(**sections), records(), clock=clock or VirtualClock(), validate_config=validate_config
        )

    return build


REPOSITORY = Path(__file__).parents[1]
FOREIGN = ("SWEEPER_", "MLFLOW_", "RAY_", "XDG_", "PYTEST_", "COLUMNS", "UECFOOD_", "VIRTUAL_ENV")


@dataclass
class Machine:
    """A fresh user's account: an empty home, an empty folder, and the installed `sweeper`."""

    home: Path
    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    def start(self, *words: str) -> subprocess.Popen[str]:
        """`sweeper WORDS` in a session of its own, so that Ctrl-C reaches all of it, as on a terminal."""
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("sweeper")), *words],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def run(self, *words: str, seconds: float = 600) -> subprocess.CompletedProcess[str]:
        """`sweeper WORDS` until it ends."""
        process = self.start(*words)
        out, err = process.communicate(timeout=seconds)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def interrupt(self, process: subprocess.Popen[str]) -> None:
        """Ctrl-C: the terminal tells every process of the foreground group."""
        os.killpg(process.pid, signal.SIGINT)

    def end(self) -> None:
        """Leave nothing running, whatever the test did."""
        for process in self.started:
            for member in _session(process.pid):
                with suppress(ProcessLookupError):
                    os.kill(member, signal.SIGKILL)
            process.wait()

    def leftovers(self, seconds: float = 120) -> list[str]:
        """Processes that outlive the commands that started them; dying ones are given a moment."""
        deadline = time.monotonic() + seconds
        while (left := self._members()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return left

    def _members(self) -> list[str]:
        found: list[str] = []
        for member in (member for process in self.started for member in _session(process.pid)):
            with suppress(FileNotFoundError, ProcessLookupError):
                found.append(Path(f"/proc/{member}/cmdline").read_text().replace("\0", " "))
        return found

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        return {**kept, "HOME": str(self.home)}


def _session(leader: int) -> list[int]:
    """The processes of a session; Ray's have groups of their own, but stay in it."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        with suppress(ValueError, ProcessLookupError, PermissionError):
            if os.getsid(int(entry.name)) == leader:
                found.append(int(entry.name))
    return found


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The account that the tests of one module share."""
    fresh = Machine(tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("work"))
    try:
        yield fresh
    finally:
        fresh.end()


@pytest.fixture(scope="module")
def other_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Another account, which shares nothing with the first."""
    fresh = Machine(tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("work"))
    try:
        yield fresh
    finally:
        fresh.end()


@pytest.fixture(scope="session")
def digits() -> str:
    """The sweep file that the README launches."""
    return str(REPOSITORY / "search_spaces" / "digits.yaml")

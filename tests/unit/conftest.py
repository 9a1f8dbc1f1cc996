"""A second of CPU for each unit test; and a small sweep that has really been trained, for what follows it."""

import contextlib
import os
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

CPU_SECONDS = 1.0
"""What a unit test may take, unless `@pytest.mark.slow(reason="...")` says why it takes more."""
TOO_LONG = "cpu_seconds"
LOADED = 30
"""A test that loads more modules than this is let off: whose call is the first hangs on the order."""
COLORS = [(200, 40, 40), (40, 200, 40), (40, 40, 200), (200, 200, 40), (40, 200, 200), (200, 40, 200)]
NAMES = ["apple", "basil", "café", "$dal$", "egg", "fig"]
SPEC = """
name: shelf
dataset:
  source: image_folder
  root: {root}
  split: {{train: 0.5, valid: 0.25, test: 0.25, seed: 3}}
parameters:
  architecture:  [cnn]
  layers:        [2]
  filters:       [8]
  normalization: [zca, standardize]
  learning_rate: [0.01, 0.02]
  pixels:        [16]
points:
  - {{architecture: cnn, layers: 2, filters: 8, normalization: zca, learning_rate: 0.01, pixels: 16}}
  - {{architecture: cnn, layers: 2, filters: 8, normalization: standardize, learning_rate: 0.02, pixels: 16}}
train:     {{epochs: 3, batch_size: 16, precision: fp32}}
objective: {{metric: valid/top1}}
search:    {{algorithm: random, seed: 1}}
scheduler: {{type: none}}
budget:    {{trials: 2}}
"""


def _cpu_seconds() -> float:
    """Of this process and of those it waited for; the wall's seconds would hang on who else computes."""
    return sum(os.times()[:4])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Notes what takes too long, and fails it where seconds count; fixtures do not."""
    slow = item.get_closest_marker("slow")
    if slow is not None and not slow.kwargs.get("reason"):
        pytest.fail('slow needs a reason: @pytest.mark.slow(reason="...")')
    loaded, before = len(sys.modules), _cpu_seconds()
    result = yield
    spent, is_first = _cpu_seconds() - before, len(sys.modules) - loaded > LOADED
    if slow is None and not is_first and spent > CPU_SECONDS:
        item.user_properties.append((TOO_LONG, f"{spent:.1f} CPU-seconds: {item.nodeid}"))
        if item.config.getoption("--speed"):
            pytest.fail(f"took {spent:.1f} CPU-seconds: make it quicker, or mark it slow with a reason")
    return result


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What took too long, though it passed: neighbors on the cores cost CPU seconds too."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    told = {text for report in reports for name, text in report.user_properties if name == TOO_LONG}
    if told:
        terminalreporter.section(f"more than {CPU_SECONDS:g} s, and not marked slow; `make speed` fails them")
        terminalreporter.write_line("\n".join(sorted(told)))


@dataclass(frozen=True)
class TrainedSweep:
    """Where a sweep of two trials lies: its runs, its cache and its photos."""

    name: str
    runs: Path
    cache: Path
    photos: Path


def write_photos(root: Path, each: int = 24) -> None:
    """Noisy JPEGs of 40 x 30, a color a class."""
    random = np.random.default_rng(7)
    for name, color in zip(NAMES, COLORS, strict=True):
        (root / name).mkdir(parents=True)
        for number in range(each):
            noise = random.normal(0, 60, (30, 40, 3))
            pixels = np.clip(np.array(color) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number}.jpg", quality=90)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedSweep:
    """Shared by all tests: leave it as it is, or take `own_sweep`."""
    root = tmp_path_factory.mktemp("trained")
    write_photos(root / "photos")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEPER_RUNS", str(root / "runs"))
        patch.setenv("SWEEPER_CACHE", str(root / "cache"))
        _run(root)
    return TrainedSweep("shelf", root / "runs", root / "cache", root / "photos")


def _run(root: Path) -> None:
    from sweeper.config.spec import parse_spec
    from sweeper.launch.create import create
    from sweeper.plan.plan import make_plan
    from sweeper.runners import runner
    from sweeper.store.paths import SweepPaths, cache_root
    from sweeper.sweep.sweep import Sweep
    from sweeper.training.trial_workload import Training

    spec = parse_spec(SPEC.format(root=root / "photos"), name="shelf.yaml")
    paths = SweepPaths.of(spec.name)
    record = create(spec, paths, make_plan(spec, cache_root()))
    sweep = Sweep(spec, record)
    workload = Training(spec.dataset, spec.train, spec.objective.metric, cache_root(), paths.checkpoints)
    runner["local"]()(sweep, workload, lambda: False)
    sweep.close()
    record.close()


@pytest.fixture
def shelf(trained: TrainedSweep, monkeypatch: pytest.MonkeyPatch) -> TrainedSweep:
    """The trained sweep, as the command line of this test finds it."""
    monkeypatch.setenv("SWEEPER_RUNS", str(trained.runs))
    monkeypatch.setenv("SWEEPER_CACHE", str(trained.cache))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    return trained


@pytest.fixture
def open_shelf(shelf: TrainedSweep):
    """`open_shelf(0)`: the network of a trial, and its images, on the CPU."""
    import torch

    from sweeper.inference.trained_network import open_trial
    from sweeper.launch.create import reopen
    from sweeper.store.history import replay
    from sweeper.store.paths import SweepPaths

    def build(number: int = 0, runs: Path | None = None):
        paths = SweepPaths.of(shelf.name, runs)
        spec, record = reopen(paths)
        trials = list(replay(record.events()).trials.values())
        meta = record.meta
        record.close()
        return open_trial(paths, meta, spec, trials[number], device=torch.device("cpu"))

    return build


@pytest.fixture
def holding():
    """`with holding(16) as seen`: a device on which no more images pass a convolution; lists what passed."""
    from torch import nn
    from torch.nn.modules.module import register_module_forward_pre_hook

    @contextlib.contextmanager
    def limited(images: int) -> Generator[list[int]]:
        seen: list[int] = []

        def convolve(module, inputs) -> None:
            if isinstance(module, nn.Conv2d):
                if len(inputs[0]) > images:
                    raise RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED")
                seen.append(len(inputs[0]))

        hook = register_module_forward_pre_hook(convolve)
        try:
            yield seen
        finally:
            hook.remove()

    return limited

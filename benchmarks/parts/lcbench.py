"""Learning curves that nobody here made: the LCBench surrogate of YAHPO Gym, perceptrons on OpenML sets."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import onnxruntime
from parts import complementary
from parts.complementary import Ground

from sweeper.config.spec import SweepSpec, restore_spec
from sweeper.schedulers.parts.noise import LUCK, binomial
from sweeper.search.random import RandomSearch
from sweeper.trial import Config, Report, Trial, canonical, derive

FOLDER = Path(os.environ.get("LCBENCH_ROOT", Path(__file__).parents[2].parent / "shared/data/lcbench"))
EPOCHS = 52
TASKS = (
    "189908", "168329", "168331", "167152", "189905", "168910", "7593", "126029", "126025", "146212",
    "167161", "167181", "167200", "168330", "168868", "189862", "189873",
)  # fmt: skip
"""The sets for development; the model's others are kept for checking that nothing was tuned to these."""
JUDGED, OTHERS = TASKS[:8], TASKS[8:]
"""The table is made on these; what is chosen by hand is chosen on the other nine."""
EARLY = 18
"""Epochs by which members of a portfolio are chosen: a small budget trains few of them for longer."""
DRAWN = 4_000
"""Random configurations of a set, whose best and median are the ends of the scale of regret."""
IMAGES = 1_000
"""Validation images that the surrogate's scores are given the noise of."""
KEPT = Path("/tmp/sweeper-lcbench")
"""Where the curves of these are kept from one run to the next."""
RANGES = {
    "batch_size": {"min": 16, "max": 512, "distribution": "q_log_uniform_values", "q": 1},
    "learning_rate": {"min": 1e-4, "max": 1e-1, "distribution": "log_uniform_values"},
    "momentum": {"min": 0.1, "max": 0.99},
    "weight_decay": {"min": 1e-5, "max": 0.1},
    "num_layers": {"min": 1, "max": 5},
    "max_units": {"min": 64, "max": 1024, "distribution": "q_log_uniform_values", "q": 1},
    "max_dropout": {"min": 0.0, "max": 1.0},
}
"""The space of LCBench, in the order in which the model takes it behind the epoch."""


def spec() -> SweepSpec:
    """A sweep over the space of LCBench, 52 epochs a trial."""
    written = {
        "name": "lcbench",
        "dataset": {"source": "digits"},
        "parameters": RANGES,
        "train": {"epochs": EPOCHS},
        "objective": {"metric": "valid/top1"},
    }
    return restore_spec(written, name="lcbench")


@dataclass
class Surrogate:
    """One set: a workload whose scores are validation accuracies, 0 to 1; its seconds are the model's."""

    task: str
    _known: dict[str, np.ndarray] = field(default_factory=dict[str, np.ndarray], repr=False)

    def __call__(self, trial: Trial) -> Iterator[Report]:
        """The reports behind the trial's checkpoint."""
        scores, seconds = self.curve(trial.config)
        for epoch in range(int(trial.checkpoint or 0), EPOCHS):
            yield Report(epoch + 1, float(scores[epoch]), float(seconds[epoch]), {}, str(epoch + 1))

    def curve(self, config: Config) -> np.ndarray:
        """Scores and seconds since the start by epoch, [2, 52]."""
        key = canonical(config)
        if key not in self._known:
            self._known[key] = self.curves([config])[0]
        return self._known[key]

    def curves(self, configs: Sequence[Config]) -> np.ndarray:
        """[n, 2, 52] of scores and seconds, which rise by a millisecond an epoch at least."""
        rows = np.array([[config[name] for name in RANGES] for config in configs], dtype=np.float32)
        epochs = np.arange(1, EPOCHS + 1, dtype=np.float32)
        inputs = np.concatenate(
            [np.tile(epochs, len(rows))[:, None], np.repeat(rows, EPOCHS, axis=0)], axis=1
        )
        sets = np.full((len(inputs), 1), _sets()[self.task], dtype=np.int32)
        (told,) = _model().run(None, {"x_cat": sets, "x_cont": inputs})
        told = np.asarray(told, dtype=np.float64).reshape(len(rows), EPOCHS, -1)
        rising = np.maximum.accumulate(told[:, :, 0], axis=1)
        seconds = np.maximum(rising, 0.0) + 1e-3 * epochs
        scores = told[:, :, 1] / 100
        return np.stack([scores, seconds], axis=1)

    @cached_property
    def drawn(self) -> np.ndarray:
        """The curves of random configurations, the same for every arm and seed."""
        kept = KEPT / f"{self.task}-{DRAWN}.npy"
        if not kept.exists():
            KEPT.mkdir(exist_ok=True)
            np.save(kept, Surrogate(self.task).curves(pool()))
        return np.load(kept)

    @cached_property
    def full_cost(self) -> float:
        """Seconds of a training in full, the mean over random configurations."""
        return float(self.drawn[:, 1, -1].mean())

    def regret(self, score: float) -> float:
        """How far the score is from the best known, 1 where it is the median of random trainings in full."""
        finals = self.drawn[:, 0].max(axis=1)
        return float((finals.max() - score) / (finals.max() - np.median(finals)))


@dataclass(frozen=True)
class Noisy:
    """The surrogate as if it were validated on images; half of the noise stays for all epochs of a run."""

    of: Surrogate
    seed: int

    @property
    def task(self) -> str:
        return self.of.task

    def curve(self, config: Config) -> np.ndarray:
        """Scores and seconds by epoch for another search: a configuration has the same luck again."""
        luck = derive(self.seed, canonical(config))
        reports = list(self(Trial(f"noisy-{luck}", 0, config, seed=luck)))
        return np.array([[each.score for each in reports], [each.device_seconds for each in reports]])

    def __call__(self, trial: Trial) -> Iterator[Report]:
        random = np.random.default_rng(derive(self.seed, "noise", trial.seed))
        luck = random.normal(size=100)
        for report in self.of(trial):
            drawn = (luck[0] + luck[report.epoch]) / np.sqrt(2)
            score = report.score + drawn * np.sqrt(LUCK * binomial(report.score, IMAGES))
            yield Report(
                report.epoch, float(np.clip(score, 0, 1)), report.device_seconds, {}, str(report.epoch)
            )


@cache
def pool() -> list[Config]:
    """The configurations of `Surrogate.drawn`, alike for every set."""
    draws = RandomSearch(spec().space, 2026)
    return [draws.suggest(number) for number in range(DRAWN)]


def portfolio(tasks: Sequence[str], size: int, early: int = EARLY) -> list[Config]:
    """Configurations that complement each other on the sets.

    Greedily: each lowers the mean regret after `early` epochs most for the seconds until then.
    """
    grounds = [
        Ground(each.drawn[:, 0, :early].max(axis=1), each.drawn[:, 1, early - 1])
        for each in map(Surrogate, tasks)
    ]
    return [pool()[place] for place in complementary.portfolio(grounds, size)]


_SESSION: list[onnxruntime.InferenceSession] = []


def _model() -> onnxruntime.InferenceSession:
    if not _SESSION:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        _SESSION.append(onnxruntime.InferenceSession(str(FOLDER / "model.onnx"), options))
    return _SESSION[0]


def _sets() -> dict[str, int]:
    return json.loads((FOLDER / "encoding.json").read_text(encoding="utf-8"))["OpenML_task_id"]

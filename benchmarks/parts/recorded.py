"""Full learning curves of configurations drawn at random: recorded once, kept as small Parquet files."""

import json
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from parts.measure import cpu

from sweeper.config.spec import SweepSpec, load_spec
from sweeper.search import searcher
from sweeper.training.loop import Diverged, train
from sweeper.training.open_images import open_for
from sweeper.training.recipe import compose
from sweeper.trial import Config, Goal, Trial, derive, trial_key

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "benchmarks" / "curves"
SEED = 2026
METRICS = ("valid/top1", "valid/top5", "valid/loss", "train/loss", "device_seconds")
SCHEMA = pa.schema(
    [("config", pa.string()), ("epoch", pa.int32()), *((name, pa.float64()) for name in METRICS)]
)


@dataclass(frozen=True)
class Recording:
    """Which sweep file, what is changed in it, and how many configurations to draw."""

    name: str
    count: int
    overrides: tuple[str, ...] = ()

    @property
    def spec(self) -> SweepSpec:
        return load_spec(ROOT / "search_spaces" / f"{self.name}.yaml", self.overrides)

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.parquet"

    def configs(self) -> list[Config]:
        """The draws, each a function of the seed and its number."""
        draws = searcher["random"](self.spec.space, Goal.MAXIMIZE, SEED)
        return [config for number in range(self.count) if (config := draws.suggest(number))]


RECORDINGS = {
    "digits": Recording("digits", 64),
    "groceries": Recording("groceries", 40, ("parameters.pixels=[24, 32]", "train.epochs=12")),
}

Row = dict[str, object]


def record(recording: Recording, cache: Path, count: int | None = None) -> None:
    """Train every configuration that the file lacks, one thread, for all its epochs; nothing is stopped."""
    torch.set_num_threads(1)
    rows = read_rows(recording.path)
    known = {row["config"] for row in rows}
    spec = recording.spec
    for number, config in enumerate(recording.configs()[:count]):
        text = json.dumps(config)
        if text in known:
            continue
        rows += [{"config": text, **row} for row in curve(spec, config, number, cache)]
        write_rows(recording.path, rows, {"epochs": spec.train.epochs, "seed": SEED})
        last = rows[-1]
        print(
            f"{number + 1:4} of {recording.count}  {last['device_seconds']:7.1f} s  {last['valid/top1']:.4f}"
        )


def curve(spec: SweepSpec, config: Config, number: int, cache: Path) -> Iterator[Row]:
    """One row an epoch; a trial that diverges ends with a row that has no score."""
    recipe = compose(config, spec.train)
    dataset = open_for(recipe, spec.dataset, cache)
    seed = derive(SEED, "trial", number)
    trial = Trial(trial_key("recorded", config, seed), number, config, seed)
    began, epoch = time.process_time(), 0
    steps = train(
        trial, dataset, recipe, objective=spec.objective.metric, device=torch.device("cpu"),
        clock=time.process_time,
    )  # fmt: skip
    try:
        for report in steps:
            epoch = report.epoch
            yield {"epoch": epoch, **{name: report.metrics[name] for name in METRICS}}
    except Diverged:
        lost = {"device_seconds": time.process_time() - began}
        yield {"epoch": epoch + 1, **dict.fromkeys(METRICS, float("nan")), **lost}


def read_rows(path: Path) -> list[Row]:
    return pq.read_table(path).to_pylist() if path.exists() else []


def write_rows(path: Path, rows: list[Row], about: dict[str, object]) -> None:
    """Beside it and renamed: a recorder that is killed goes on with the configuration after the last."""
    machine = f"{cpu()}, {os.cpu_count()} cores, one thread, torch {torch.__version__}"
    about |= {"machine": machine, "python": platform.python_version(), "device_seconds": "CPU-seconds"}
    table = pa.Table.from_pylist(rows, SCHEMA).replace_schema_metadata({"about": json.dumps(about)})
    path.parent.mkdir(exist_ok=True)
    aside = path.with_suffix(".writing")
    pq.write_table(table, aside, compression="zstd")
    aside.replace(path)

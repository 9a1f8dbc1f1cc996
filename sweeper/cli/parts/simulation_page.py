"""What simulated sweeps cost and found, settings side by side: `sweeper simulate`."""

from collections.abc import Sequence

from sweeper.cli.parts.table import print_table
from sweeper.plan.simulate import Run, Summary
from sweeper.wording import score_text

_COLUMNS = ("settings", "best", "device-hours", "wall hours", "trials", "stopped", "attempts")


def print_runs(runs: Sequence[tuple[str, Sequence[Run]]], metric: str) -> None:
    """Print a row for each of the settings, over all its seeds."""
    print_table(_COLUMNS, [_row(name, some, metric) for name, some in runs], left=("settings",))


def _row(name: str, runs: Sequence[Run], metric: str) -> list[str]:
    best = Summary.of([run.best for run in runs])
    numbers = [[getattr(run, field) for run in runs] for field in ("device_hours", "wall_hours")]
    counts = [[getattr(run, field) for run in runs] for field in ("trials", "stopped", "attempts")]
    width = score_text(metric, best.half_width).removesuffix(" %")
    return [
        name,
        f"{score_text(metric, best.mean)} +- {width}",
        *(f"{(s := Summary.of(values)).mean:.3g} +- {s.half_width:.2g}" for values in numbers),
        *(f"{Summary.of(values).mean:.0f}" for values in counts),
    ]

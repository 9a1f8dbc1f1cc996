"""Curves of the best score over device-seconds: how they are metered, compared, tabled and drawn."""

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from scipy import stats

Curve = list[tuple[float, float]]  # device-seconds spent and best score so far, where the best rose


@dataclass
class Meter:
    """Adds up what the processes that held the device have spent, in CPU-seconds since each was started.

    So imports and set-up count as training does, and what other jobs on the machine do counts little.
    """

    budget: float
    prepared: float = 0.0
    began: float = field(default_factory=time.monotonic)
    curve: Curve = field(default_factory=list[tuple[float, float]])
    trials: dict[str, int] = field(default_factory=dict[str, int])
    _processes: dict[int, float] = field(default_factory=dict[int, float])

    def report(self, trial: str, process: int, cpu_seconds: float, score: float) -> None:
        """An epoch of a trial has ended, in a process that has used so much CPU in all."""
        self._processes[process] = cpu_seconds
        self.trials[trial] = self.trials.get(trial, 0) + 1
        if self.spent <= self.budget and (not self.curve or score > self.curve[-1][1]):
            self.curve.append((round(self.spent, 2), round(score, 4)))

    @property
    def spent(self) -> float:
        """Device-seconds so far, one-off work included."""
        return self.prepared + sum(self._processes.values())

    @property
    def is_spent(self) -> bool:
        """Whether the run is over."""
        return self.spent >= self.budget

    def result(self) -> dict[str, Any]:
        """What is kept of the run."""
        return {
            "spent": round(self.spent, 1),
            "prepared": round(self.prepared, 1),
            "wall": round(time.monotonic() - self.began, 1),
            "driver": round(time.process_time() - self.prepared, 1),
            "processes": len(self._processes),
            "trials": len(self.trials),
            "epochs": sum(self.trials.values()),
            "longest": max(self.trials.values(), default=0),
            "curve": self.curve,
        }


def at(curve: Curve, seconds: float) -> float:
    """The best score after so many device-seconds, 0 before the first."""
    return max((score for spent, score in curve if spent <= seconds), default=0.0)


def reached(curve: Curve, score: float) -> float:
    """Device-seconds until the score was first reached, infinite where it never was."""
    return next((spent for spent, best in curve if best >= score), math.inf)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean and the half width of its 95 % t-interval."""
    half = stats.t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return statistics.fmean(values), float(half)


def ratio_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The geometric mean of ratios with its 95 % t-interval."""
    middle, half = interval([math.log(value) for value in values])
    return math.exp(middle), math.exp(middle - half), math.exp(middle + half)


def draw(curves: dict[str, list[Curve]], budget: float, path: Path) -> None:
    """The mean of each arm with its interval, over device-seconds on a logarithmic axis."""
    mpl.rcParams |= {"svg.hashsalt": "sweeper", "svg.fonttype": "none"}  # equal figures make equal files
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    places = [budget * 2 ** (step / 12) for step in range(-60, 1)]
    for name, runs in curves.items():
        points = [interval([at(curve, place) for curve in runs]) for place in places]
        means = [mean for mean, _ in points]
        (line,) = axes.plot(places, means, label=name, drawstyle="steps-post")
        low = [mean - half for mean, half in points]
        high = [mean + half for mean, half in points]
        axes.fill_between(places, low, high, alpha=0.15, color=line.get_color(), step="post", linewidth=0)
    axes.set(xscale="log", xlabel="device-seconds (CPU)", ylabel="best valid/top5 so far", ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, metadata={"Date": None})

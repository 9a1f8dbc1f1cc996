"""Draws confusion matrix, reliability and curves."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sweeper.drawing.canvas import alike, figure
from sweeper.drawing.looks import BLUE, GRAY, ORANGE
from sweeper.inference.calibration import Calibration
from sweeper.inference.scores import Scores
from sweeper.trial import Report

_LETTERS = 30  # of a name: longer ones would leave the matrix no room
_NAMED, _COUNTED = 60, 30  # classes up to which ticks are named and cells are numbered


@alike
def confusion_chart(scores: Scores, title: str) -> Figure:
    """Draw shares of each true class; counts and names are written as far as they can be read."""
    count = len(scores.classes)
    side = min(24.0, max(5.5, 0.32 * min(count, _NAMED) + 2.5))
    made = figure(side + 0.8, side)
    axes = made.add_subplot()
    totals = scores.confusion.sum(1, keepdims=True)
    shares = scores.confusion / np.maximum(totals, 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    made.colorbar(image, ax=axes, shrink=0.8, label="share of the true class")
    axes.set(xlabel="predicted", ylabel="true")
    axes.set_title(title)
    if count <= _NAMED:
        names = [name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…" for name in scores.classes]
        axes.set_xticks(range(count), names, rotation=90, fontsize=8)
        axes.set_yticks(range(count), names, fontsize=8)
    if count <= _COUNTED:
        for true, predicted in np.argwhere(scores.confusion):
            color = "white" if shares[true, predicted] > 0.5 else "black"
            text = str(scores.confusion[true, predicted])
            axes.text(predicted, true, text, ha="center", va="center", fontsize=7, color=color)
    return made


@alike
def reliability_chart(calibration: Calibration, title: str) -> Figure:
    """Draw accuracy against confidence above, and the number of images in each bin below."""
    made = figure(5.5, 6.0)
    above, below = made.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    filled = [row for row in calibration.bins if row.images]
    middles = [(row.low + row.high) / 2 for row in filled]
    width = 1 / len(calibration.bins)
    above.plot([0, 1], [0, 1], color=GRAY, linestyle="--", label="perfect")
    means, accuracies = [row.confidence for row in filled], [row.accuracy for row in filled]
    above.bar(middles, accuracies, width * 0.95, color=BLUE, label="accuracy")
    above.plot(means, accuracies, "o", color=ORANGE, markersize=4, label="at the mean confidence")
    above.set(ylabel="accuracy", ylim=(0, 1))
    above.set_title(f"{title}: calibration error {100 * calibration.ece:.1f} %")
    above.legend(loc="upper left")
    below.bar(middles, [row.images for row in filled], width * 0.95, color=GRAY)
    below.set(xlabel="confidence", ylabel="images", xlim=(0, 1))
    return made


@alike
def curves_chart(reports: Sequence[Report], title: str, best_epoch: int | None = None) -> Figure:
    """Draw loss and accuracy by epoch, with the best epoch marked."""
    made = figure(10, 4)
    loss, accuracy = made.subplots(1, 2)
    epochs = [report.epoch for report in reports]
    metrics = [report.metrics for report in reports]
    _lines(loss, epochs, metrics, {"train/loss": ORANGE, "valid/loss": BLUE})
    _lines(accuracy, epochs, metrics, {"valid/top1": BLUE, "valid/top5": ORANGE})
    loss.set(xlabel="epoch", ylabel="loss")
    loss.set_title(title)
    accuracy.set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1.02))
    for axes in (loss, accuracy):
        axes.grid(alpha=0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)
        if best_epoch is not None:
            axes.axvline(best_epoch, color=GRAY, linestyle="--", label=f"epoch {best_epoch}")
        axes.legend()
    return made


def _lines(
    axes: Axes, epochs: Sequence[int], metrics: Iterable[Mapping[str, float]], colors: Mapping[str, str]
) -> None:
    rows = list(metrics)
    for name, color in colors.items():
        values = [report.get(name, math.nan) for report in rows]
        if not all(math.isnan(value) for value in values):
            marker = "o" if color == BLUE else "s"  # a shape beside the color
            axes.plot(epochs, values, color=color, marker=marker, markersize=3, label=name)

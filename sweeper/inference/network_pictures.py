"""Draws a trial's network into files: its curves, its first filters, the maps that an image gives."""

from collections.abc import Sequence
from pathlib import Path

from sweeper.drawing.canvas import save
from sweeper.inference.charts import curves_chart
from sweeper.inference.feature_maps import convolutions, feature_maps, filters_chart, maps_chart
from sweeper.inference.image_files import read_pixels
from sweeper.inference.trained_network import Opened
from sweeper.store.history import TrialHistory
from sweeper.trial import Goal


def draw_curves(trial: TrialHistory, goal: Goal, title: str, folder: Path) -> list[Path]:
    """Draw loss and accuracy by epoch into two files, PNG and SVG; none where the trial has not reported."""
    if not trial.reports:
        return []
    best = trial.best(goal)
    chart = curves_chart(trial.reports, title, best.epoch if best else None)
    return [save(chart, folder / f"curves.{suffix}") for suffix in ("png", "svg")]


def draw_network(opened: Opened, image: Path | None, layers: Sequence[str], folder: Path) -> list[Path]:
    """Draw the first filters, and the feature maps of the image: by default the first validation image.

    A network without convolutions has neither, unless `layers` names layers of it; SpecError where one of
    those does not exist or gives no maps.
    """
    model = opened.model
    if not convolutions(model.module) and not layers:
        return []
    pixels = opened.pixels("valid", 1)[0].numpy() if image is None else read_pixels(model, image)
    source = "the first validation image" if image is None else image.name
    maps = feature_maps(model, pixels, layers)
    chart = maps_chart(pixels, maps, f"{model.sweep} trial {model.number}: {source}")
    return [
        save(filters_chart(model), folder / "filters.png"),
        save(chart, folder / "feature_maps.png"),
    ]

"""Writes an evaluation as files: JSON with everything, tables as CSV, charts as PNG, mistakes as pictures."""

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sweeper.drawing.canvas import save
from sweeper.files import write_atomically
from sweeper.inference.charts import confusion_chart, reliability_chart
from sweeper.inference.evaluation import Evaluation
from sweeper.wording import cell


def write_evaluation(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Write the files and return them in the order in which people look at them; older ones are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    scores, model = evaluation.scores, evaluation.model
    title = f"{model.sweep} trial {model.number}, {evaluation.split}"
    headline = f"{title}: top-1 {100 * scores.top1:.1f} %"
    names = scores.classes
    confusion = [[name, *row] for name, row in zip(names, scores.confusion.tolist(), strict=True)]
    return [
        save(confusion_chart(scores, headline), folder / "confusion.png"),
        _table(folder / "confusion.csv", ["true \\ predicted", *names], confusion),
        _rows(folder / "classes.csv", scores.per_class()),
        _rows(folder / "confused_pairs.csv", scores.confused_pairs()),
        _rows(folder / "sensitivity.csv", evaluation.sensitivity),
        _rows(folder / "calibration.csv", scores.calibration.bins),
        save(reliability_chart(scores.calibration, title), folder / "calibration.png"),
        _json(folder / "mistakes.json", [asdict(mistake) for mistake in evaluation.mistakes]),
        _json(folder / "evaluation.json", evaluation.facts),
    ]


def _json(path: Path, facts: Any) -> Path:
    text = json.dumps(finite(facts), ensure_ascii=False, indent=1, allow_nan=False)
    write_atomically(path, text + "\n")
    return path


def finite(value: Any) -> Any:
    """Replace numbers that JSON does not know, such as NaN, by null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, list | tuple) else value


def _rows(path: Path, rows: Sequence[Any]) -> Path:
    """Write dataclasses as lines; an unknown value is an empty cell."""
    lines = [asdict(row) for row in rows]
    header = list(lines[0]) if lines else []
    return _table(path, header, [[_cell(value) for value in line.values()] for line in lines])


def _cell(value: Any) -> Any:
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else value


def _table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([[cell(value) for value in row] for row in (header, *rows)])
    write_atomically(path, text.getvalue())
    return path

"""Where the winner fails: what `sweeper evaluate` has written about it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import plotly.graph_objects as go
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from sweeper.drawing.looks import BLUE
from sweeper.files import read_regular
from sweeper.report.section import Drawing, Section, Thumbnail, drawn, spoken
from sweeper.results.card import Table
from sweeper.results.leaderboard import Leaderboard
from sweeper.wording import counted, plain, score_text

_SPLITS = ("test", "valid")
_MOST_CLASSES = 120
_MOST_IMAGES, _MOST_LETTERS = 24, 24_000  # of a thumbnail: 64 px of noise in color have 17,000
_MOST_BYTES = 200_000_000  # a confusion matrix of 5,000 classes has 100 MB
_KEY, _TITLE = "mistakes", "Where it fails"
_PNG = r"^data:image/png;base64,[A-Za-z0-9+/=]+$"


class _Class(BaseModel):
    name: str
    images: int
    top1: float | None
    top5: float | None
    precision: float | None


class _Pair(BaseModel):
    true: str
    predicted: str
    images: int
    share: float


class _Evaluation(BaseModel):
    """What a report needs of `evaluation.json`."""

    split: str
    images: int
    classes: list[str]
    confusion: list[list[int]]
    per_class: list[_Class]
    confused_pairs: list[_Pair]


class _Mistake(BaseModel):
    true: str
    predicted: str
    confidence: float
    png: Annotated[str, Field(max_length=_MOST_LETTERS, pattern=_PNG)]


_MISTAKES = TypeAdapter(list[_Mistake])


def mistakes(board: Leaderboard) -> Section:
    """Draw confusion matrix and accuracy by class of the best trial, its most confused pairs, and samples."""
    best, name = board.best, plain(board.sweep.name)
    if best is None:
        return Section(_KEY, _TITLE, absent="no trial has a score")
    folder = board.sweep.root / "evaluation" / str(best.number)
    found = next((file for split in _SPLITS if (file := folder / split / "evaluation.json").is_file()), None)
    if found is None:
        return Section(_KEY, _TITLE, absent=f"not looked into yet: `sweeper evaluate {name}`")
    facts = _evaluation(found)
    if facts is None:
        return Section(_KEY, _TITLE, absent=f"{plain(str(found))} is damaged: `sweeper evaluate {name}`")
    about = f"trial {best.number} on the {facts.images:,} images of the {facts.split} split"
    drawings = [_confusion(facts, about), _by_class(facts, about)]
    samples = _thumbnails(found.with_name("mistakes.json"))
    notes = [f"Of each pair the surest of {about}."] if samples else []
    return Section(_KEY, _TITLE, drawings=drawings, tables=[_pairs(facts)], images=samples, notes=notes)


def _evaluation(file: Path) -> _Evaluation | None:
    """Return the evaluation; None for a file that is damaged, or of another version."""
    try:
        return _Evaluation.model_validate_json(read_regular(file, _MOST_BYTES))
    except (OSError, ValidationError):
        return None


def _confusion(facts: _Evaluation, about: str) -> Drawing:
    names = [spoken(name) for name in facts.classes][:_MOST_CLASSES]
    counts = [row[:_MOST_CLASSES] for row in facts.confusion[:_MOST_CLASSES]]
    sums = [max(1, sum(row)) for row in facts.confusion[:_MOST_CLASSES]]
    shares = [[round(count / total, 4) for count in row] for row, total in zip(counts, sums, strict=True)]
    figure = drawn("taken for", "is", height=max(420, 18 * len(names) + 140))
    labels = [f"{place + 1} {name}" for place, name in enumerate(names)]  # two classes may share a name
    figure.add_trace(
        go.Heatmap(
            z=shares,
            x=labels,
            y=labels,
            text=counts,
            colorscale="Blues",
            zmin=0,
            zmax=1,
            colorbar={"title": {"text": "share"}},
            hovertemplate="is %{y}<br>taken for %{x}: %{text} images, %{z:.0%}<extra></extra>",
        )
    )
    figure.update_layout(yaxis={"autorange": "reversed"}, margin={"l": 140, "b": 120})
    left = len(facts.classes) - len(names)
    more = f" The first {len(names)} classes are drawn, {left} are left out." if left else ""
    return Drawing(f"Confusion matrix of {about}: a row for what each image is.{more}", figure)


def _by_class(facts: _Evaluation, about: str) -> Drawing:
    rows = sorted((row for row in facts.per_class if row.top1 is not None), key=lambda row: row.top1 or 0.0)
    figure = drawn("", "top-1", is_share=True)
    labels = [f"{place + 1} {spoken(row.name)}" for place, row in enumerate(rows)]
    figure.add_trace(
        go.Bar(
            x=labels,
            y=[row.top1 for row in rows],
            marker={"color": BLUE},
            customdata=[row.images for row in rows],
            hovertemplate="%{x}: %{y:.0%} of %{customdata} images<extra></extra>",
        )
    )
    cells = [
        (
            row.name,
            str(row.images),
            *(score_text("top1", share) for share in (row.top1, row.top5, row.precision)),
        )
        for row in rows
    ]
    table = Table(("class", "images", "top-1", "top-5", "precision"), cells, left=("class",))
    worst = f"; the worst is {rows[0].name} with {score_text('top1', rows[0].top1)}" if rows else ""
    return Drawing(f"Top-1 by class of {about}, the worst first{plain(worst)}.", figure, table)


def _pairs(facts: _Evaluation) -> Table:
    rows = [
        (pair.true, pair.predicted, str(pair.images), f"{100 * pair.share:.0f} %")
        for pair in facts.confused_pairs
    ]
    columns = ("is", "taken for", "images", "share of the class")
    return Table(columns, rows, title=f"Most confused: {counted(len(rows), 'pair')}", left=columns[:2])


def _thumbnails(file: Path) -> Sequence[Thumbnail]:
    """Return the sample mistakes that `evaluate` has kept; none where it kept none that can be read."""
    try:
        known = _MISTAKES.validate_json(read_regular(file, 2 * _MOST_IMAGES * _MOST_LETTERS))
    except (OSError, ValidationError):
        return ()
    return [
        Thumbnail(each.png, f"{each.true} taken for {each.predicted} ({100 * each.confidence:.0f} % sure)")
        for each in known[:_MOST_IMAGES]
    ]

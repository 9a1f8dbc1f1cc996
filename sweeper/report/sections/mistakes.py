"""Where the winner fails: what `sweeper evaluate` has written about it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import plotly.graph_objects as go
from pydantic import BaseModel, Field, TypeAdapter, ValidationError, model_validator

from sweeper.drawing.looks import BLUE, PALETTE, looks_of
from sweeper.files import read_regular
from sweeper.report.section import Drawing, Section, Thumbnail, by_name, drawn, spoken
from sweeper.results.card import Table
from sweeper.results.leaderboard import Leaderboard
from sweeper.wording import counted, plain, score_text

_SPLITS = ("test", "valid")
_MOST_CLASSES = 120
_MOST_CELLS = 400
_LETTERS = 24  # of a class on an axis: longer ones would leave the figure no room
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

    @model_validator(mode="after")
    def _fits(self) -> "_Evaluation":
        if not len(self.classes) == len(self.confusion) == len(self.per_class):
            raise ValueError("not one row for each class")
        return self


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
    others = _others(folder.parent, best.number, facts)
    drawings = [_confusion(facts, about), _by_class(facts, about), *others]
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
    names = facts.classes[:_MOST_CLASSES]
    counts = [row[:_MOST_CLASSES] for row in facts.confusion[:_MOST_CLASSES]]
    sums = [max(1, sum(row)) for row in facts.confusion[:_MOST_CLASSES]]
    shares = [[round(count / total, 4) for count in row] for row, total in zip(counts, sums, strict=True)]
    figure = drawn("taken for", "is", height=max(420, 18 * len(names) + 140))
    labels = _labels(names)
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
    by_name(figure, "x", "y")
    figure.update_layout(yaxis={"autorange": "reversed"}, margin={"l": 140, "b": 120})
    left = len(facts.classes) - len(names)
    more = f" The first {len(names)} classes are drawn, {left} are left out." if left else ""
    return Drawing(
        f"Confusion matrix of {about}: a row for what each image is.{more}", figure, _counts(facts)
    )


def _labels(names: Sequence[str]) -> Sequence[str]:
    """Number the names where two are alike, as names are that are cut: each class has its own place."""
    short = [spoken(name, _LETTERS) for name in names]
    is_clear = len(set(short)) == len(short)
    return short if is_clear else [f"{place + 1} {name}" for place, name in enumerate(short)]


def _counts(facts: _Evaluation) -> Table:
    """Return the numbers of the matrix: its cells that are not zero, the fullest first."""
    cells = [
        (count, true, predicted)
        for true, row in zip(facts.classes, facts.confusion, strict=False)
        for predicted, count in zip(facts.classes, row, strict=False)
        if count
    ]
    rows = [
        (true, predicted, str(count)) for count, true, predicted in sorted(cells, key=lambda cell: -cell[0])
    ]
    below = f"The fullest {_MOST_CELLS} of {len(rows):,} cells." if len(rows) > _MOST_CELLS else ""
    return Table(("is", "taken for", "images"), rows[:_MOST_CELLS], left=("is", "taken for"), below=below)


def _by_class(facts: _Evaluation, about: str) -> Drawing:
    rows = sorted((row for row in facts.per_class if row.top1 is not None), key=lambda row: row.top1 or 0.0)
    figure = drawn("", "top-1", is_share=True)
    labels = _labels([row.name for row in rows])
    figure.add_trace(
        go.Bar(
            x=labels,
            y=[row.top1 for row in rows],
            marker={"color": BLUE},
            customdata=[row.images for row in rows],
            hovertemplate="%{x}: %{y:.0%} of %{customdata} images<extra></extra>",
        )
    )
    by_name(figure, "x")
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


def _others(folder: Path, winner: int, facts: _Evaluation) -> Sequence[Drawing]:
    """Draw the winner's accuracies by class beside those of others that were evaluated on that split."""
    numbers = sorted(int(each.name) for each in folder.iterdir() if each.name.isdecimal())
    files = {number: folder / str(number) / facts.split / "evaluation.json" for number in numbers}
    read = {number: _evaluation(file) for number, file in files.items() if number != winner}
    found = {n: each for n, each in read.items() if each and each.classes == facts.classes}
    if not found:
        return []
    shown = {winner: facts} | dict(list(found.items())[: len(PALETTE) - 1])
    figure = drawn("", "top-1", is_share=True)
    labels = _labels(facts.classes)
    for (number, each), look in zip(shown.items(), looks_of([f"trial {n}" for n in shown]), strict=True):
        figure.add_trace(
            go.Scatter(
                x=labels,
                y=[row.top1 for row in each.per_class],
                mode="markers",
                name=look.name,
                marker={"color": look.color, "symbol": look.symbol, "size": 9},
                customdata=[number] * len(labels),
                hovertemplate=f"{look.name}<br>%{{x}}: %{{y:.0%}}<extra></extra>",
            )
        )
    by_name(figure, "x")
    cells = [
        (name, *(score_text("top1", each.per_class[place].top1) for each in shown.values()))
        for place, name in enumerate(facts.classes)
    ]
    left = len(found) + 1 - len(shown)
    more = f" {left} more were evaluated." if left else ""
    said = f"Top-1 by class of {counted(len(shown), 'trial')} on the {facts.split} split.{more}"
    return [Drawing(said, figure, Table(("class", *(f"trial {n}" for n in shown)), cells, left=("class",)))]


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

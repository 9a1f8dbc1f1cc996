"""Where the winner fails: what `sweeper evaluate` has written about it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from sweeper.report.section import BLUE, Drawing, Section, Thumbnail, drawn, spoken
from sweeper.results.card import Table
from sweeper.results.leaderboard import Leaderboard
from sweeper.wording import counted, plain, score_text

_SPLITS = ("test", "valid")
_MOST_CLASSES = 120
_KEY, _TITLE = "mistakes", "Where it fails"


def mistakes(board: Leaderboard) -> Section:
    """Draw confusion matrix and accuracy by class of the best trial, with its most confused pairs."""
    best, name = board.best, board.sweep.name
    if best is None:
        return Section(_KEY, _TITLE, absent="no trial has a score")
    folder = board.sweep.root / "evaluation" / str(best.number)
    found = next((file for split in _SPLITS if (file := folder / split / "evaluation.json").is_file()), None)
    facts = _read(found) if found else None
    if found is None or facts is None:
        return Section(_KEY, _TITLE, absent=f"not looked into yet: `sweeper evaluate {plain(name)}`")
    split, images = str(facts["split"]), int(facts["images"])
    about = f"trial {best.number} on the {images:,} images of the {split} split"
    drawings = [_confusion(facts, about), _by_class(facts, about)]
    return Section(
        _KEY,
        _TITLE,
        drawings=drawings,
        tables=[_pairs(facts)],
        images=_thumbnails(found.with_name("mistakes.json")),
    )


def _read(file: Path) -> Mapping[str, Any] | None:
    """Return the evaluation; None for a file that is damaged, or of another version."""
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return (
        facts
        if isinstance(facts, dict) and {"confusion", "per_class", "classes", "images"} <= facts.keys()
        else None
    )


def _confusion(facts: Mapping[str, Any], about: str) -> Drawing:
    names = [spoken(name) for name in facts["classes"]][:_MOST_CLASSES]
    counts = [row[:_MOST_CLASSES] for row in facts["confusion"][:_MOST_CLASSES]]
    sums = [max(1, sum(row)) for row in facts["confusion"][:_MOST_CLASSES]]
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
    left = len(facts["classes"]) - len(names)
    more = f" The first {len(names)} classes are drawn, {left} are left out." if left else ""
    return Drawing(f"Confusion matrix of {about}: a row for what each image is.{more}", figure)


def _by_class(facts: Mapping[str, Any], about: str) -> Drawing:
    rows = sorted((row for row in facts["per_class"] if row["top1"] is not None), key=lambda row: row["top1"])
    figure = drawn("", "top-1", is_share=True)
    labels = [f"{place + 1} {spoken(row['name'])}" for place, row in enumerate(rows)]
    figure.add_trace(
        go.Bar(
            x=labels,
            y=[row["top1"] for row in rows],
            marker={"color": BLUE},
            customdata=[row["images"] for row in rows],
            hovertemplate="%{x}: %{y:.0%} of %{customdata} images<extra></extra>",
        )
    )
    cells = [
        (
            str(row["name"]),
            str(row["images"]),
            *(score_text("top1", row[figure]) for figure in ("top1", "top5", "precision")),
        )
        for row in rows
    ]
    table = Table(("class", "images", "top-1", "top-5", "precision"), cells, left=("class",))
    worst = f"; the worst is {rows[0]['name']} with {score_text('top1', rows[0]['top1'])}" if rows else ""
    return Drawing(f"Top-1 by class of {about}, the worst first{plain(worst)}.", figure, table)


def _pairs(facts: Mapping[str, Any]) -> Table:
    rows = [
        (str(pair["true"]), str(pair["predicted"]), str(pair["images"]), f"{100 * pair['share']:.0f} %")
        for pair in facts.get("confused_pairs", ())
    ]
    columns = ("is", "taken for", "images", "share of the class")
    return Table(columns, rows, title=f"Most confused: {counted(len(rows), 'pair')}", left=columns[:2])


def _thumbnails(file: Path) -> Sequence[Thumbnail]:
    """Return the sample mistakes that `evaluate` has kept; none where it kept none."""
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    return [
        Thumbnail(
            str(each["png"]),
            f"{each['true']} taken for {each['predicted']} ({100 * each['confidence']:.0f} % sure)",
        )
        for each in known
        if str(each.get("png", "")).startswith("data:image/png;base64,")
    ]

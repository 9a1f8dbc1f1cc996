"""`sweeper report`: a page that opens offline, and the same facts for a README, a program, a spreadsheet."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from markupsafe import escape

from sweeper.cli import run
from sweeper.report.build import build_report
from sweeper.results.leaderboard import Leaderboard
from sweeper.results.stored_sweep import stored
from sweeper.store.paths import SweepPaths
from sweeper.trial import Report
from sweeper.wording import plain

FOREIGN = re.compile(r"""(?:src|href)=["'](?!#|data:)[^"']+|url\((?!["']?data:)|@import""")
SECTIONS = [
    "answer",
    "front",
    "curves",
    "parallel",
    "importance",
    "values",
    "time",
    "timeline",
    "mistakes",
    "provenance",
]


def page(say, *words) -> str:
    """Return the page without Plotly, which is somebody else's text."""
    said = say("report", *words)
    assert said.code == 0, said.err
    path = said.out.rpartition(":")[0]
    text = Path(path).read_text(encoding="utf-8")
    start = text.index("<script>")
    return text[:start] + text[text.index('<script type="application/json"') :]


def figures(text: str):
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


@pytest.mark.slow(reason="imports Plotly and writes a page of 5 MB")
def test_the_page_has_every_section_and_loads_nothing_from_elsewhere(make_run, say):
    make_run("toy", budget={"trials": 24})
    text = page(say, "toy")
    assert [key for key in SECTIONS if f'<section id="{key}"' not in text] == []
    assert FOREIGN.findall(text) == []
    assert "default-src 'none'" in text


@pytest.mark.slow(reason="imports Plotly and writes a page of 5 MB")
def test_each_figure_has_marks_and_a_sentence(make_run, say):
    make_run("toy", budget={"trials": 24})
    text = page(say, "toy")
    drawn = figures(text)
    assert len(drawn) >= 7
    for place, figure in drawn.items():
        assert figure["data"], place
        said = re.search(rf'<figcaption id="said-{place}">([^<]+)<', text)
        assert said is not None
        assert len(said[1]) > 20


@pytest.mark.slow(reason="a page of 5 MB for each of five endings")
@pytest.mark.parametrize("ending", ["done", "stopped", "interrupted", "broken"])
def test_a_sweep_that_ended_in_any_way_has_its_page(make_run, say, ending):
    make_run("toy", ending)
    assert "The answer" in page(say, "toy")


@pytest.mark.slow(reason="imports Plotly and writes a page of 5 MB")
def test_one_trial_is_enough_for_a_page_and_says_what_it_lacks(make_run, say):
    make_run("toy", budget={"trials": 1})
    text = page(say, "toy")
    assert "too few trials to tell: 1, of 20 at least" in text
    assert "no two configurations differ and have a score" in text


HOSTILE = '<script>alert(1)</script>\x1b[31m "quoted" \u202egnp.exe ' + "long" * 80


@pytest.mark.slow(reason="imports Plotly and writes a page of 5 MB")
def test_names_that_a_stranger_chose_are_text(make_run, say):
    make_run(
        "toy",
        parameters={"activation": [HOSTILE, "relu"], "layers": {"min": 1, "max": 3}},
        description=HOSTILE,
        meta={"git_revision": HOSTILE},
    )
    text = page(say, "toy")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text, "it is shown as it is written"
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
    labels = [tick for figure in figures(text).values() for tick in ticks(figure)]
    assert any("&lt;script&gt;" in label for label in labels), "Plotly reads names as HTML"
    assert max(map(len, labels)) < 120, "a long name is cut in a figure"


def ticks(figure):
    dimensions = [dimension for trace in figure["data"] for dimension in trace.get("dimensions", ())]
    return [tick for dimension in dimensions for tick in dimension.get("ticktext", ())]


@pytest.mark.slow(reason="imports Plotly and writes a page of 5 MB")
def test_two_sweeps_stand_side_by_side(make_run, say):
    make_run("toy")
    make_run("other", budget={"trials": 6}, description="shorter")
    text = page(say, "toy", "other")
    assert "Where their files differ" in text
    assert "budget.trials" in text
    assert '<section id="other-curves"' in text


def test_markdown_has_the_same_sections(make_run, say, tmp_path):
    make_run("toy")
    assert say("report", "toy", "-o", str(tmp_path / "toy.md")).code == 0
    text = (tmp_path / "toy.md").read_text()
    for title in ("# toy", "## The answer", "## Score against cost", "## Where the device time went"):
        assert title in text
    assert "| rank |" in text


def test_json_is_the_answer(make_run, say, tmp_path):
    make_run("toy")
    assert say("report", "toy", "--format", "json", "-o", str(tmp_path / "toy.out")).code == 0
    found = json.loads((tmp_path / "toy.out").read_text())
    best = say("best", "toy", "--json").json
    assert found["toy"]["best"] == best["best"]


def formula(trial):
    yield Report(1, 0.5, 0.1, {"valid/top1": 0.5}, None)


def test_csv_has_every_configuration_and_no_formula(make_run, say, tmp_path):
    make_run("toy", parameters={"activation": ["=1+1", "@x", "-cmd"], "layers": [1, 2, 3]}, workload=formula)
    assert say("report", "toy", "-o", str(tmp_path / "toy.csv")).code == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "toy.csv").read_text())))
    assert len(rows) == len(say("best", "toy", "-n", "999", "--json").json["trials_ranked"])
    assert {row["activation"] for row in rows} <= {"'=1+1", "'@x", "'-cmd"}
    assert all(float(row["valid/top1"]) == 0.5 for row in rows)


@pytest.mark.parametrize("words", [["nobody"], ["toy", "toy"], ["toy", "-o", "/dev/null/x.html"], []])
def test_what_cannot_be_written_is_one_line(make_run, capsys, words):
    make_run("toy", budget={"trials": 1})
    capsys.readouterr()
    assert run(["report", *words]) == 2
    assert "Traceback" not in capsys.readouterr().err


def evaluated(
    paths: SweepPaths, samples: object, classes: tuple[str, ...] = (HOSTILE, "b"), trial: int | None = None
) -> None:
    """Write what `sweeper evaluate` leaves of a trial, the best one if none is named."""
    each = [{"name": name, "images": 5, "top1": 0.6, "top5": None, "precision": 0.7} for name in classes]
    pair = {"true": classes[0], "predicted": classes[1], "images": 2, "share": 0.4}
    facts = {
        "split": "test",
        "images": 10,
        "classes": classes,
        "confusion": [[3, 2], [2, 3]],
        "per_class": each,
        "confused_pairs": [pair],
    }
    best = stored("toy").best
    assert best is not None
    number = best.number if trial is None else trial
    folder = paths.root / "evaluation" / str(number) / "test"
    folder.mkdir(parents=True)
    (folder / "evaluation.json").write_text(json.dumps(facts))
    (folder / "mistakes.json").write_text(json.dumps(samples))


def sample(png: str = "data:image/png;base64,iVBORw0KGgo=") -> dict[str, object]:
    return {"row": 1, "true": HOSTILE, "predicted": "b", "confidence": 0.93, "png": png}


@pytest.mark.slow(reason="imports Plotly and writes a page of 5 MB")
def test_where_the_winner_fails_is_shown_with_pictures_and_no_name_is_markup(make_run, say):
    evaluated(make_run("toy"), [sample()])
    text = page(say, "toy")
    said = str(escape(plain(HOSTILE)))
    assert f'<img src="data:image/png;base64,iVBORw0KGgo=" alt="{said} taken for b (93 % sure)">' in text
    assert f'<td class="left">{said}</td><td class="left">b</td><td>2</td><td>40 %</td>' in text
    assert "<script>alert" not in text
    assert {"figure-mistakes-0", "figure-mistakes-1"} <= figures(text).keys()


@pytest.mark.slow(reason="imports Plotly and writes a page of 5 MB")
@pytest.mark.parametrize(
    "samples",
    [
        "nothing",
        [{"png": 3}],
        [sample("https://example.com/x.png")],
        [sample('data:image/png;base64,AAAA" onerror="alert(1)')],
        [sample("data:image/png;base64," + "A" * 30_000)],
    ],
)
def test_pictures_that_evaluate_did_not_write_are_left_out(make_run, say, samples):
    evaluated(make_run("toy"), samples)
    text = page(say, "toy")
    assert "<img" not in text
    assert "figure-mistakes-0" in figures(text)


@pytest.mark.slow(reason="imports Plotly and writes a page of 5 MB")
def test_a_damaged_evaluation_is_said(make_run, say):
    paths = make_run("toy")
    evaluated(paths, [])
    (found,) = paths.root.glob("evaluation/*/test/evaluation.json")
    found.write_text('{"split": "test", "classes": 3}')
    assert "evaluation.json is damaged: `sweeper evaluate toy`" in page(say, "toy")


def validating(trial):
    for epoch in range(1, 3):
        yield Report(epoch, 0.5, 1.0 * epoch, {"valid/top1": 0.5, "validation_seconds": 0.25}, None)


def time_parts(say, tmp_path) -> dict[str, float]:
    assert say("report", "toy", "-o", str(tmp_path / "toy.md")).code == 0
    text = (tmp_path / "toy.md").read_text().partition("## Where the device time went")[2]
    rows = re.findall(r"^\| ([a-z][^|]+) \| ([\d.]+) \|$", text.partition("## Timeline")[0], re.MULTILINE)
    return {name: float(seconds) for name, seconds in rows}


def test_what_was_trained_is_told_from_what_was_validated(make_run, say, tmp_path):
    make_run("toy", budget={"trials": 4}, scheduler={"type": "none"}, workload=validating)
    parts = time_parts(say, tmp_path)
    assert parts["trained"] == pytest.approx(4 * 1.5, abs=0.1)
    assert parts["validated"] == pytest.approx(4 * 0.5, abs=0.1)


def test_a_record_that_does_not_tell_validation_apart_says_so(make_run, say, tmp_path):
    make_run("toy", budget={"trials": 4})
    parts = time_parts(say, tmp_path)
    assert "trained and validated" in parts
    assert "validated" not in parts


def drawings(*names: str):
    """Every figure of the report, by its section and place."""
    report = build_report([Leaderboard(stored(name)) for name in names])
    return {
        f"{section.key}-{number}": drawing
        for section in report.sections
        for number, drawing in enumerate(section.drawings)
    }


def test_each_figure_has_its_numbers_as_a_table(make_run):
    evaluated(make_run("toy", parameters=STUDY, points=POINTS, budget={"trials": 24}), [])
    make_run("other", budget={"trials": 6})
    found = drawings("toy", "other")
    keys = ("front", "curves", "parallel", "values", "pixels", "networks", "published", "time", "mistakes")
    assert {f"toy-{key}-0" for key in keys} | {"compared-0", "compared-1", "compared-2"} <= found.keys()
    assert [key for key, drawing in found.items() if not (drawing.table and drawing.table.rows)] == []


STUDY = {"architecture": ["lenet5", "alexnet"], "pixels": [8, 16], "layers": {"min": 1, "max": 3}}
POINTS = [
    {"architecture": "lenet5", "pixels": 8, "layers": 1, "published": {"valid": {"top1": 0.5}}},
]


def test_names_of_digits_are_names_and_no_numbers(make_run):
    evaluated(make_run("toy"), [], classes=("1", "2026-11-27"))
    found = drawings("toy")
    for key, axes in {"mistakes-0": "xy", "mistakes-1": "x", "values-0": "y", "timeline-0": "y"}.items():
        layout = found[key].figure.layout
        assert [layout[f"{axis}axis"].type for axis in axes] == ["category"] * len(axes), key


def test_other_evaluated_trials_stand_beside_the_winner(make_run):
    paths = make_run("toy")
    evaluated(paths, [])
    best = stored("toy").best
    assert best is not None
    others = [number for number in range(3) if number != best.number][:2]
    evaluated(paths, [], trial=others[0])
    evaluated(paths, [], trial=others[1], classes=("not", "the same"))
    beside = drawings("toy")["mistakes-2"]
    assert [trace.name for trace in beside.figure.data] == [f"trial {best.number}", f"trial {others[0]}"]
    assert len({trace.marker.symbol for trace in beside.figure.data}) == 2


def test_what_a_study_printed_is_drawn_against_what_was_measured(make_run):
    make_run("toy", parameters=STUDY, points=POINTS)
    against = drawings("toy")["published-0"]
    (row,) = against.table.rows
    assert row[1:3] == ("top1", "50.0 %")
    assert list(against.figure.data[0].x) == [0.5]


def test_networks_and_data_sets_are_bars_side_by_side(make_run):
    make_run("toy", parameters=STUDY)
    make_run("other", parameters=STUDY, dataset={"source": "image_folder", "root": "/data/food"})
    bars = drawings("toy", "other")["compared-2"].figure.data
    assert [bar.name for bar in bars] == ["toy (digits)", "other (food)"]
    assert [sorted(bar.x) for bar in bars] == [["alexnet", "lenet5"]] * 2
    assert len({bar.marker.pattern.shape for bar in bars}) == 2


def test_long_names_of_classes_leave_a_figure_its_room_and_stay_apart(make_run):
    evaluated(make_run("toy"), [], classes=("long" * 80 + "a", "long" * 80 + "b"))
    matrix = drawings("toy")["mistakes-0"].figure.data[0]
    assert list(matrix.x) == list(matrix.y) == [f"1 {'long' * 6}"[:25] + "…", f"2 {'long' * 6}"[:25] + "…"]

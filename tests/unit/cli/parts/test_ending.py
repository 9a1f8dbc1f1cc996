"""The last words of `launch` and `resume`."""

import pytest

from sweeper.cli.parts.ending import say
from sweeper.launch.driver import Ending

ENDINGS = [
    ("done", Ending(0, "done", 0), ""),
    ("done", Ending(7, "done", 3), "tracking has not confirmed 3 rows: `sweeper sync toy` delivers them\n"),
    (
        "done",
        Ending(7, "done", 3, "tracking.experiment: 'toy' was deleted in MLflow"),
        "MLflow: tracking.experiment: 'toy' was deleted in MLflow\n"
        "tracking has not confirmed 3 rows: `sweeper sync toy` delivers them once that is mended\n",
    ),
    ("stopped", Ending(130, "SIGINT", 0), "stopped (Ctrl-C); go on with:  sweeper resume toy\n"),
    ("interrupted", Ending(130, "SIGINT", 0), "stopped (Ctrl-C); go on with:  sweeper resume toy\n"),
    (
        "broken",
        Ending(6, "broken", 0),
        "6 failed: `sweeper logs toy 5` says why\ngiven up: each of the first 5",
    ),
]


@pytest.mark.parametrize(
    ("how", "ending", "words"), ENDINGS, ids=[f"{r[0]} {r[1].exit_code}" for r in ENDINGS]
)
def test_the_end_says_what_to_do_about_it(how, ending, words, make_run, capsys) -> None:
    make_run("toy", how)
    say(ending, "toy")
    captured = capsys.readouterr()
    assert captured.err.startswith(words)
    assert bool(captured.err) == bool(words)
    assert ("each of 6 trials failed" if how == "broken" else "valid/top1") in captured.out


def test_a_finished_sweep_ends_with_its_answer_and_the_commands_that_lead_on(make_run, capsys) -> None:
    paths = make_run()
    say(Ending(0, "done", 0), "toy")
    out = capsys.readouterr().out
    for words in ("Best valid/top1", "Pareto front", str(paths.record), "sweeper best toy", "sweeper ui toy"):
        assert words in out
    assert "sweeper resume" not in out


def test_an_interrupted_sweep_prints_the_answer_so_far_and_the_resume_line(make_run, capsys) -> None:
    make_run("toy", "stopped")
    say(Ending(130, "SIGINT", 0), "toy")
    out = capsys.readouterr().out
    assert "Best valid/top1" in out
    assert "sweeper resume toy" in out


def test_the_pictures_are_drawn_at_the_end_and_named(make_run, capsys) -> None:
    paths = make_run()
    for _ in range(2):
        paths.front.write_text("an older one")
        say(Ending(0, "done", 0), "toy")
        out = capsys.readouterr().out
        assert str(paths.front) in out
        assert str(paths.anytime) in out
        assert paths.front.read_text().startswith("<svg")
        assert paths.anytime.read_text().startswith("<svg")


def test_a_picture_that_cannot_be_written_costs_nobody_the_answer(make_run, capsys) -> None:
    paths = make_run()
    paths.front.mkdir()
    say(Ending(0, "done", 0), "toy")
    assert "Best valid/top1" in capsys.readouterr().out


@pytest.mark.slow(reason="imports Plotly and writes a page of 5 MB")
def test_a_report_that_cannot_be_written_is_the_last_word_and_no_more(make_run, capsys) -> None:
    paths = make_run("toy", "stopped")
    paths.report.mkdir()
    assert say(Ending(130, "SIGINT", 0), "toy") == 130
    captured = capsys.readouterr()
    first, second = captured.err.splitlines()
    assert first == "stopped (Ctrl-C); go on with:  sweeper resume toy"
    assert second.startswith(f"no report: {paths.report} cannot be written")
    assert "Best valid/top1" in captured.out
    assert "Report " not in captured.out

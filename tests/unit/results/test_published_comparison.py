import io
import json
import math
from dataclasses import replace

import pytest
from rich.console import Console

from sweeper.config.spec import parse_spec
from sweeper.results.cards.published import compare, published, published_trials
from sweeper.results.leaderboard import trial_rows
from sweeper.results.render_text import print_tables
from sweeper.store.history import Attempt, SweepHistory, TrialHistory
from sweeper.trial import Goal, Report, State

POINTS = [
    {
        "name": "one",
        "layers": 1,
        "published": {"test": {"top1": 0.0236, "top5": 0.0763}, "parameters": 4560, "seconds": 184},
    },
    {
        "name": "two",
        "layers": 2,
        "published": {"valid": {"top1": 0.612}, "counted": 76464, "seconds_per_epoch": 13},
    },
    {"name": "mine", "layers": 3},
    {"layers": 4, "published": {"test": {"loss": 3.19}}},
]
MEASURED = {1: 4560, 2: 76000, 4: 9}


def spec(**sections):
    sweep = {
        "name": "study",
        "dataset": {"source": "digits"},
        "parameters": {"layers": [1, 2, 3, 4, 5]},
        "objective": {"metric": "valid/top1", "test": "points"},
        "search": {"algorithm": "points"},
        "points": POINTS,
    }
    return parse_spec(json.dumps(sweep | sections))


def trial(number, layers, point=None, state=State.COMPLETED, scores=(0.2, 0.4), test=None, repeat=0):
    made = TrialHistory(f"{number:016x}", number, {"layers": layers}, seed=0, repeat=repeat, point=point)
    made.state, made.test = state, test
    for epoch, score in enumerate(scores, 1):
        metrics = {"valid/top1": score, "valid/top5": score + 0.1, "valid/loss": 1.5}
        made.reports.append(Report(epoch, score, 10.0 * epoch, metrics))
    made.attempts = [Attempt(made.id, 1, billed=24.0, productive=20.0, ended="completed")]
    return made


def history(*trials):
    return SweepHistory({t.id: t for t in trials}, launches=1, wall_seconds=200.0, closed="done")


TESTED = {"test/top1": 0.0211, "test/top5": 0.0704, "test/loss": 5.1}
RUN = (
    trial(0, 1, "one", test=TESTED),
    trial(1, 2, "two"),
    trial(2, 3, "mine"),
    trial(3, 4, None, State.FAILED, scores=()),
    trial(4, 5),
)


def measured(config):
    return MEASURED[config["layers"]]


def lines(*trials, of=None, measure=measured):
    return compare(of or spec(), trial_rows(history(*trials), Goal.MAXIMIZE), measure)


def test_each_point_with_figures_stands_beside_its_trial_in_the_order_of_the_file():
    assert [(line.point, line.row and line.row.number) for line in lines(*RUN)] == [
        ("one", 0),
        ("two", 1),
        ("point 4", 3),
    ]


def test_a_point_without_a_trial_yet_keeps_its_place():
    found = lines(RUN[1])
    assert [(line.point, line.row is None) for line in found] == [
        ("one", True),
        ("two", False),
        ("point 4", True),
    ]
    assert found[0].as_dict()["trial"] is None
    assert found[0].parameters == 4560  # its network can be counted before it is trained


def test_every_repeat_of_a_point_is_a_line():
    twice = [trial(0, 1, "one"), trial(1, 1, "one", repeat=1)]
    assert [line.row.number for line in lines(*twice) if line.point == "one"] == [0, 1]


def test_a_trial_of_the_same_configuration_that_is_not_the_point_is_none_of_its_lines():
    assert lines(trial(7, 1))[0].row is None


def test_json_has_both_sides_in_the_same_shape(board):
    one, two, failed = [line.as_dict() for line in lines(*RUN)]
    assert one["published"] == {"test": {"top1": 0.0236, "top5": 0.0763}, "parameters": 4560, "seconds": 184}
    assert one["measured"] == {
        "valid": {"top1": 0.4, "top5": 0.5, "loss": 1.5},
        "test": {"top1": 0.0211, "top5": 0.0704, "loss": 5.1},
        "parameters": 4560,
        "epochs": 2,
        "seconds": 24.0,
        "seconds_per_epoch": 12.0,
    }
    assert two["measured"]["test"] == {}
    assert (failed["state"], failed["measured"]["seconds_per_epoch"]) == ("failed", None)
    whole = published(board(history(*RUN), spec())).facts["published"]
    assert [line["point"] for line in json.loads(json.dumps(whole, allow_nan=False))] == [
        "one",
        "two",
        "point 4",
    ]


def test_a_figure_that_is_no_number_is_left_out_of_json():
    odd = trial(0, 1, "one", scores=(0.2,))
    odd.reports = [replace(odd.reports[0], metrics={"valid/top1": 0.2, "valid/loss": math.nan})]
    assert lines(odd)[0].as_dict()["measured"]["valid"] == {"top1": 0.2}


@pytest.fixture
def drawn(board):
    """`drawn(*trials, of=spec(), measure=...)`: the words of each line of the table."""

    def draw(*trials, of=None, measure=measured):
        stream = io.StringIO()
        found = published(board(history(*trials), of or spec(), measure=measure))
        print_tables(found, Console(file=stream, width=120))
        return [line.split() for line in stream.getvalue().splitlines()]

    return draw


def test_the_table_says_which_figures_are_the_same_counted_or_of_the_validation_split(drawn):
    rows = {row[0]: row[1:] for row in drawn(*RUN) if row}
    assert rows["one"] == ["0", "2", "4,560", "=", "2.36", "40.00", "2.11", "7.63", "50.00", "7.04",
                           "-", "1.500", "5.100", "184", "24"]  # fmt: skip
    assert rows["two"][:8] == ["1", "2", "76,464*", "76,000", "61.20", "v", "40.00", "-"]
    assert rows["two"][-2:] == ["13/epoch", "12.0/epoch"]
    assert rows["point"][:3] == ["4", "3", "failed"]


def test_columns_that_no_study_gave_are_left_out(drawn):
    only = spec(points=[{"name": "one", "layers": 1, "published": {"test": {"top5": 0.5}}}])
    _, _, group, header, *_ = drawn(trial(0, 1, "one"), of=only)
    assert group == ["top-5", "%"]
    assert header == ["point", "trial", "epochs", "printed", "valid", "test"]


def test_the_widest_study_fits_into_the_width_of_a_log(drawn):
    long = [
        POINTS[0]
        | {"name": "norm-4conv-128-drop.3", "published": POINTS[0]["published"] | {"seconds": 48600}}
    ]
    run = trial(0, 1, "norm-4conv-128-drop.3", test=TESTED)
    text = "\n".join(" ".join(row) for row in drawn(run, of=spec(points=long), measure=lambda _: 15_502_400))
    assert "norm-4conv-128-drop.3 0 2 4,560 15,502,400 2.36" in text
    assert "…" not in text


def test_the_answer_prints_the_table_and_a_sweep_without_figures_has_none(board, printed):
    for points, said in ((POINTS, True), ([], False)):
        found = board(history(*RUN), spec(points=points, search={"algorithm": "tpe"}), 10)
        assert ("Published beside measured" in printed(found)) is said


def test_a_test_split_opened_for_several_trials_is_said_to_be(board, printed):
    both = (trial(0, 1, "one", test=TESTED), trial(1, 2, "two", test=TESTED, scores=(0.1,)))
    assert "(opened once for each of 2 trials)" in printed(board(history(*both), spec()))


def test_completed_trials_of_points_with_test_figures_are_to_be_tested():
    assert [t.number for t in published_trials(spec(), history(*RUN))] == [0]
    stopped = (trial(0, 1, "one", State.STOPPED), trial(3, 4, None))
    assert [t.number for t in published_trials(spec(), history(*stopped))] == [3]


def test_nothing_is_measured_where_nobody_can_count():
    assert [line.parameters for line in lines(*RUN, measure=None)] == [None] * 3


@pytest.mark.parametrize("points", [[], [{"layers": 1}]])
def test_a_sweep_without_published_figures_has_no_lines(points):
    assert lines(*RUN, of=spec(points=points, search={"algorithm": "tpe"})) == []

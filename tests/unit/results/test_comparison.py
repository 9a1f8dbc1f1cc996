import json
import xml.etree.ElementTree as ElementTree

import pytest

from sweeper.errors import SpecError, StateError
from sweeper.results.cards.compare import comparison
from sweeper.results.comparison import compare_sweeps
from sweeper.results.plots import svg


@pytest.fixture
def sweep(trial, history, spec, board):
    """`sweep("a", [(0.9, 3600)])`: the leaderboard of a sweep with a trial for each score and seconds."""

    def build(name, trials, *, classes=10, digest="d", usd_per_hour=None, **objective):
        made = [
            trial(n, n, [score] if score is not None else [], seconds, usd_per_hour=usd_per_hour)
            for n, (score, seconds) in enumerate(trials)
        ]
        return board(history(*made), spec(name, **objective), classes, digest)

    return build


CHEAP = [(0.5, 3600), (0.8, 7200)]
DEAR = [(0.4, 3600), (0.9, 36000)]


def test_fronts_are_measured_from_one_corner(sweep):
    found = compare_sweeps([sweep("cheap", CHEAP), sweep("dear", DEAR)])
    assert (found.worst, found.dearest) == (0.1, pytest.approx(11.0))
    areas = [side.area for side in found.sides]
    assert areas == pytest.approx([0.4 * 1 + 0.7 * 9, 0.3 * 9 + 0.8 * 1])
    assert found.whole == pytest.approx(0.8 * 11)
    assert [[row.number for row in side.front] for side in found.sides] == [[0, 1], [0, 1]]


def test_efficiency_is_sought_from_a_common_floor_up(sweep):
    found = compare_sweeps([sweep("cheap", CHEAP), sweep("dear", DEAR)])
    assert found.floor == pytest.approx(0.1 + 0.9 * 0.7)
    assert [side.ratio for side in found.sides] == pytest.approx([0.7 / 2, 0.8 / 10])


def test_what_each_had_spent_when_it_was_as_good_as_the_others_best(sweep):
    found = compare_sweeps([sweep("cheap", CHEAP), sweep("dear", DEAR)])
    cheap, dear = found.sides
    assert cheap.reached == {"dear": None}
    assert dear.reached["cheap"].device_seconds == 39600
    spent = {row[0]: row[1:] for row in comparison(found).tables[2].rows}
    assert spent == {"cheap": ("3.00 GPU hours", "never"), "dear": ("11.00 GPU hours", "11.00 GPU hours")}


def test_fronts_stand_side_by_side_on_common_costs(sweep):
    found = compare_sweeps([sweep("cheap", CHEAP), sweep("dear", DEAR)])
    levels = [(level, [row.score if row else None for row in rows]) for level, rows in found.levels]
    assert levels[0] == (1.0, [0.5, 0.4])
    assert levels[-1] == (10.0, [0.8, 0.9])
    assert len(levels) == 6


def test_other_images_other_devices_and_other_units_are_pointed_out(sweep, trial, history, spec, board):
    slots = trial(0, 0, [0.5])
    slots.attempts[0].is_gpu = False
    on_slots = board(history(slots), spec("slots"), 10)
    found = compare_sweeps([sweep("cheap", CHEAP, digest="one"), on_slots])
    said = "\n".join(comparison(found).notes)
    assert "their images or splits differ (cheap one, slots unknown)" in said
    assert "some ran on GPUs, some on CPU slots" in said
    seconds = compare_sweeps([sweep("a", CHEAP, cost="device_seconds"), sweep("b", DEAR)])
    assert (seconds.cost, len(seconds.warnings)) == ("gpu_hours", 1)
    assert compare_sweeps([sweep("a", CHEAP), sweep("b", DEAR)]).warnings == []


def test_money_is_the_axis_where_all_count_in_it(sweep):
    both = [sweep(name, CHEAP, cost="usd", usd_per_hour=2.0) for name in "ab"]
    found = compare_sweeps(both)
    assert (found.cost, found.dearest) == ("usd", pytest.approx(4.4))
    assert comparison(found).tables[2].rows[0] == ("a", "6 USD", "6 USD")


def test_losses_compare_downwards(sweep):
    low = sweep("low", [(0.3, 3600), (0.1, 7200)], metric="valid/loss")
    high = sweep("high", [(0.4, 3600)], metric="valid/loss")
    found = compare_sweeps([low, high])
    assert found.worst == pytest.approx(0.4)
    assert found.sides[0].area > found.sides[1].area == 0
    assert [side.ratio for side in found.sides] == [None, None]
    assert found.sides[1].reached == {"low": None}


def test_a_sweep_without_scores_stands_beside_one_with(sweep):
    found = compare_sweeps([sweep("cheap", CHEAP), sweep("new", [(None, 5)])])
    rows = comparison(found).tables[0].rows
    assert rows[1][3:] == ("-", "-", "-", "0.0 %")
    json.dumps(comparison(found).facts, allow_nan=False)
    assert ElementTree.fromstring(svg(comparison(found).picture())) is not None
    with pytest.raises(StateError, match="no trial has a score yet"):
        compare_sweeps([sweep("one", [(None, 5)]), sweep("two", [])])


def test_other_metrics_do_not_compare(sweep):
    with pytest.raises(SpecError, match="a ranks by valid/top1, b ranks by valid/top5"):
        compare_sweeps([sweep("a", CHEAP), sweep("b", DEAR, metric="valid/top5")])


def test_the_picture_has_a_line_and_a_name_for_each_sweep(sweep):
    found = compare_sweeps([sweep("cheap", CHEAP), sweep("dear", DEAR)])
    picture = svg(comparison(found).picture())
    assert picture.count('id="stairs"') == 2
    assert ">cheap<" in picture
    assert ">dear<" in picture

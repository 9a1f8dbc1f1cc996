import dataclasses
import xml.etree.ElementTree as ElementTree

import pytest

from sweeper.config.spec import parse_spec
from sweeper.drawing.looks import EARLY, FULL
from sweeper.results.card import Stairs
from sweeper.results.cards.front import front_picture
from sweeper.results.cards.spent import anytime_picture
from sweeper.results.plots import svg
from sweeper.store.event_lines import Line, parse_lines
from sweeper.store.history import SweepHistory
from sweeper.store.history import replay as folded


def replay(lines) -> SweepHistory:
    """What the record tells, from lines as it spells them."""
    return folded(parse_lines(lines))


SVG = "{http://www.w3.org/2000/svg}"
SPEC = """
name: toy
dataset: {source: digits}
parameters: {layers: {min: 1, max: 3}}
objective: {metric: valid/top1, cost: device_seconds}
budget: {trials: 3}
"""


def events(scores: list[float]) -> list[Line]:
    found: list[Line] = []
    for number, score in enumerate(scores):
        trial = f"t{number}"
        asked = {"number": number, "config": {"layers": number, "text": "<script>"}, "seed": 1}
        report = {
            "epoch": 1,
            "score": score,
            "device_seconds": 1.0 + number,
            "metrics": {"valid/top1": score},
        }
        ended = {"state": "completed", "kind": "", "message": "", "fingerprint": "", "billed": 2.0 + number}
        found += [
            Line("asked", trial, 0, asked),
            Line("granted", trial, 1, {"node": "n", "device": "cpu", "is_gpu": False, "granted": 0.0}),
            Line("reported", trial, 1, report),
            Line("ended", trial, 1, ended | {"productive": 1.0}),
        ]
    return found


@pytest.fixture
def found(board):
    """`found([0.5, 0.7])`: what the cards of a sweep with these scores start from."""
    return lambda scores: board(replay(events(scores)), parse_spec(SPEC), 10)


@pytest.fixture
def picture(found):
    """`picture([0.5, 0.7])`: its front as SVG."""
    return lambda scores: svg(front_picture(found(scores)))


def dots(picture):
    """What each dot says on hovering."""
    marks = ElementTree.fromstring(picture).iter(f"{SVG}use")
    return [said for node in marks if (said := node.findtext(f"{SVG}title")) is not None]


def test_the_picture_has_a_dot_for_each_scored_trial_and_parses_as_xml(picture):
    said = dots(picture([0.5, 0.7, 0.9, float("nan")]))
    assert [each.partition(":")[0] for each in said] == ["trial 2", "trial 1", "trial 0"]


def test_the_best_trial_is_named(picture):
    assert "best, most efficient: trial 2, 90.0 %" in picture([0.5, 0.7, 0.9])


def test_what_a_configuration_says_cannot_become_markup(picture):
    assert "<script>" not in picture([0.5, 0.7])
    assert "text <script>" in dots(picture([0.5, 0.7]))[0]


@pytest.mark.parametrize("draw", [front_picture, anytime_picture])
@pytest.mark.parametrize("scores", [[], [0.5], [0.5, 0.5], [float("nan")]])
def test_one_trial_alone_and_none_at_all_still_give_a_picture(draw, scores, found):
    assert ElementTree.fromstring(svg(draw(found(scores)))) is not None


def test_the_best_so_far_has_a_dot_for_each_rise_and_one_for_the_end(found):
    said = dots(svg(anytime_picture(found([0.5, 0.4, 0.7, 0.6]))))
    assert said == ["50.0 %", "70.0 %", "70.0 %"]


def test_the_states_differ_by_color_and_symbol_and_each_mark_says_its_own(found):
    made = front_picture(found([0.5, 0.7, 0.9]))
    looks = [FULL, EARLY, FULL]
    marks = [
        dataclasses.replace(mark, color=look.color, symbol=look.symbol, said=f"{number} {look.name}")
        for number, (mark, look) in enumerate(zip(made.marks, looks, strict=True))
    ]
    text = svg(dataclasses.replace(made, marks=marks, kinds=[FULL, EARLY]))
    root = ElementTree.fromstring(text)
    shapes = {}
    for group in root.iter(f"{SVG}g"):
        if group.get("id") == "marks":
            (path,) = group.iter(f"{SVG}path")
            shapes[path.get("d")] = [use.findtext(f"{SVG}title") for use in group.iter(f"{SVG}use")]
    assert sorted(shapes.values()) == [["0 trained in full", "2 trained in full"], ["1 stopped early"]]
    said = [node.text for node in root.iter(f"{SVG}text")]
    assert {"trained in full", "stopped early"} <= set(said)


def test_dots_of_many_configurations_are_small_and_have_no_rim(picture):
    rim = "stroke: #ffffff"
    assert rim in picture([0.5, 0.7]).partition('id="marks"')[2]
    many = picture([number / 1000 for number in range(401)])
    assert rim not in many.partition('id="marks"')[2]


def test_one_of_another_look_among_many_says_its_own_too(found):
    """matplotlib refers to the path of many dots, and writes out that of a few without a rim."""
    made = front_picture(found([number / 1000 for number in range(401)]))
    other = dataclasses.replace(made.marks[7], color=EARLY.color, symbol=EARLY.symbol, said="the other")
    marks = [*made.marks[:7], other, *made.marks[8:]]
    text = svg(dataclasses.replace(made, marks=marks, kinds=[FULL, EARLY]))
    said = [node.text for node in ElementTree.fromstring(text).iter(f"{SVG}title")]
    assert said.count("the other") == 1
    assert len(said) == 1 + len(marks)


def test_the_same_picture_is_the_same_file(picture):
    assert picture([0.5, 0.7]) == picture([0.5, 0.7])


@pytest.mark.parametrize("draw", [front_picture, anytime_picture])
def test_no_name_can_break_the_file(draw, found):
    odd = '<b>&"$x_1$\x1b[31m\x00\ud800'
    made = dataclasses.replace(draw(found([0.5, 0.7])), title=odd, stairs=[Stairs([(1.0, 0.5)], odd)])
    root = ElementTree.fromstring(svg(made))
    said = [node.text for node in root.iter(f"{SVG}text")]
    assert said.count('<b>&"$x_1$') == 2, "as the title and in the legend, as it is"

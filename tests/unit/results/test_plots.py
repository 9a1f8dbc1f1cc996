import xml.etree.ElementTree as ElementTree

import pytest

from sweeper.config.spec import parse_spec
from sweeper.results.answer import answer
from sweeper.results.plots import anytime_svg, front_svg
from sweeper.store.event_lines import Line, parse_lines
from sweeper.store.history import SweepHistory
from sweeper.store.history import replay as folded


def replay(lines) -> SweepHistory:
    """What the record tells, from lines as it spells them."""
    return folded(parse_lines(lines))


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


def found(scores: list[float]):
    return answer(replay(events(scores)), parse_spec(SPEC), classes=10)


def picture(scores: list[float]) -> str:
    return front_svg(found(scores))


def test_the_picture_has_a_dot_for_each_scored_trial_and_parses_as_xml():
    root = ElementTree.fromstring(picture([0.5, 0.7, 0.9, float("nan")]))
    dots = [node for node in root.iter("{http://www.w3.org/2000/svg}circle") if node.get("stroke") == "white"]
    assert len(dots) == 3


def test_the_best_trial_is_named():
    assert "best, most efficient: trial 2, 90.0 %" in picture([0.5, 0.7, 0.9])


def test_what_a_configuration_says_cannot_become_markup():
    assert "<script>" not in picture([0.5, 0.7])


@pytest.mark.parametrize("draw", [front_svg, anytime_svg])
@pytest.mark.parametrize("scores", [[], [0.5], [0.5, 0.5], [float("nan")]])
def test_one_trial_alone_and_none_at_all_still_give_a_picture(draw, scores):
    assert ElementTree.fromstring(draw(found(scores))) is not None


def test_the_best_so_far_has_a_dot_for_each_rise_and_one_for_the_end():
    assert anytime_svg(found([0.5, 0.4, 0.7, 0.6])).count("<circle") == 3


def test_dots_of_many_configurations_are_small():
    assert 'r="5"' in picture([0.5, 0.7]).partition("Pareto front")[2]
    many = picture([number / 1000 for number in range(401)])
    assert 'r="5"' not in many.partition("Pareto front")[2]

import xml.etree.ElementTree as ElementTree

from sweeper.history import replay
from sweeper.record import Event
from sweeper.results.answer import answer
from sweeper.results.plots import front_svg
from sweeper.spec import parse_spec

SPEC = """
name: toy
dataset: {source: digits}
parameters: {layers: {min: 1, max: 3}}
objective: {metric: valid/top1, cost: device_seconds}
budget: {trials: 3}
"""


def events(scores: list[float]) -> list[Event]:
    found: list[Event] = []
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
            Event("asked", trial, 0, asked),
            Event("granted", trial, 1, {"node": "n", "device": "cpu", "is_gpu": False, "granted": 0.0}),
            Event("reported", trial, 1, report),
            Event("ended", trial, 1, ended | {"productive": 1.0}),
        ]
    return found


def picture(scores: list[float]) -> str:
    return front_svg(answer(replay(events(scores)), parse_spec(SPEC), classes=10))


def test_the_picture_has_a_dot_for_each_scored_trial_and_parses_as_xml():
    root = ElementTree.fromstring(picture([0.5, 0.7, 0.9, float("nan")]))
    dots = [node for node in root.iter("{http://www.w3.org/2000/svg}circle") if node.get("stroke") == "white"]
    assert len(dots) == 3


def test_the_best_trial_is_named():
    assert "best, most efficient: trial 2, 90.0 %" in picture([0.5, 0.7, 0.9])


def test_what_a_configuration_says_cannot_become_markup():
    assert "<script>" not in picture([0.5, 0.7])


def test_one_trial_alone_and_none_at_all_still_give_a_picture():
    assert ElementTree.fromstring(picture([0.5])) is not None
    assert ElementTree.fromstring(picture([])) is not None

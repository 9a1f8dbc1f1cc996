import json
from pathlib import Path

import pytest

from sweeper.cli import run

FILES = Path(__file__).parents[3] / "search_spaces"


def test_a_right_file_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", str(FILES / "digits.yaml"), "-o", "parameters.layers={min: 1, max: 2}"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == f"{FILES / 'digits.yaml'}: ok"
    assert lines[1] == "sweep digits: infinitely many configurations of 9 parameters"
    assert "layers a whole number from 1 to 2" in lines
    assert "learning_rate a number from 0.001 to 0.03, logarithmic" in lines


def test_json_holds_the_resolved_file_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", str(FILES / "digits.yaml"), "--json", "-o", "budget.trials=8"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["overrides"] == ["budget.trials=8"]
    assert facts["spec"]["budget"]["trials"] == 8
    assert facts["configurations"] is None


WRONG = [
    ("dataset.source=digit", "dataset.source: no source is called 'digit'; did you mean 'digits'?"),
    ("dataset.crop=boxes", "dataset.crop: source 'digits' has no option 'crop'"),
    ("search.algorithm=tpee", "search.algorithm: no search algorithm is called 'tpee'; did you mean 'tpe'?"),
    (
        "search.startup=many",
        "search.startup: search algorithm 'tpe': startup: found 'many', input should be a",
    ),
    ("scheduler.type=ashha", "scheduler.type: no scheduler is called 'ashha'; did you mean 'asha'?"),
    ("scheduler.grase=3", "scheduler.grase: scheduler 'asha' has no option 'grase'; did you mean 'grace'?"),
    (
        "scheduler.reduction_factor=1",
        "scheduler.reduction_factor: scheduler 'asha': reduction_factor: found 1",
    ),
    ("scheduler.grace=99", "scheduler: scheduler 'asha': grace 99 leaves no rung below"),
    ("search.algorithm=grid", "parameters.learning_rate: a continuous range has no grid; give it a step: q"),
    ("parameters.drop_out=0.1", "parameters.drop_out: nothing knows the parameter 'drop_out'; did you mean"),
]


@pytest.mark.parametrize(("override", "message"), WRONG, ids=[row[0] for row in WRONG])
def test_what_a_plug_in_would_refuse_is_refused_with_its_place(
    override: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["validate", str(FILES / "digits.yaml"), "-o", override]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.startswith((f"error: -o {override}: ", f"error: {FILES / 'digits.yaml'}:"))
    assert captured.err.count("\n") == 1
    assert captured.out == ""

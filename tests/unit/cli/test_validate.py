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
        "search.startup: search algorithm 'tpe': found 'many', input should be a",
    ),
    ("scheduler.type=ashha", "scheduler.type: no scheduler is called 'ashha'; did you mean 'asha'?"),
    ("scheduler.grase=3", "scheduler.grase: scheduler 'asha' has no option 'grase'; did you mean 'grace'?"),
    (
        "scheduler.reduction_factor=1",
        "scheduler.reduction_factor: scheduler 'asha': found 1",
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


def test_what_launch_would_refuse_for_want_of_an_end_is_not_called_ok(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["validate", str(FILES / "digits.yaml"), "-o", "budget={}"]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: -o budget={}: budget: found no limit, and the space is infinite")
    assert captured.out == ""


def test_a_wrong_word_names_its_place_once_and_the_nearest_right_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["validate", str(FILES / "digits.yaml"), "-o", "parameters.optimizer=[adamm]"]) == 2
    assert capsys.readouterr().err == (
        "error: -o parameters.optimizer=[adamm]: parameters.optimizer: found 'adamm', input should be 'sgd', "
        "'rmsprop', 'adam' or 'adamw'; did you mean 'adam'?\n"
    )


def test_an_architecture_that_does_not_exist_is_located_at_its_parameter(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["validate", str(FILES / "digits.yaml"), "-o", "parameters.architecture=[lenett]"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: -o parameters.architecture=[lenett]: parameters.architecture: no model is")


def test_a_section_that_an_override_made_wrong_is_located_at_the_override(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["validate", str(FILES / "digits.yaml"), "-o", "dataset.split.train=0.9"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: -o dataset.split.train=0.9: dataset.split: train + valid + test is")


def test_a_file_that_is_not_there_in_a_folder_without_any_hints_at_init(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["validate", str(tmp_path / "nosuch.yaml")]) == 2
    assert f"; `sweeper init {tmp_path / 'nosuch.yaml'}` writes one" in capsys.readouterr().err

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
    ("scheduler.grace=99", "scheduler.grace: scheduler 'asha': grace 99 leaves no rung below"),
    ("search.algorithm=grid", "parameters.learning_rate: a continuous range has no grid; give it a step: q"),
    ("resources.gpu=2", "resources.gpu: found 2, expected at most 1: a trial trains on one GPU; write 1"),
    (
        "resources={rules: [{when: {layers: 2}, gpu: 4}]}",
        "resources.rules.0.gpu: found 4, expected at most 1: a trial trains on one GPU",
    ),
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
        "'rmsprop', 'adam', 'adamw' or 'muon'; did you mean 'adam'?\n"
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


OTHER_TOOLS = [
    ("parameters.lr=0.1", "'learning_rate'"),
    ("search.algorithm=bayes", "'tpe'"),
    ("scheduler.type=hyperband", "'asha'"),
    ("objective.metric=val_accuracy", "'valid/top1'"),
    ("early_terminate.type=hyperband", "'scheduler'"),
    ("budget.n_trials=8", "'trials'"),
]


@pytest.mark.parametrize(("override", "ours"), OTHER_TOOLS, ids=[row[0] for row in OTHER_TOOLS])
def test_a_word_of_another_tool_is_answered_with_ours(
    override: str, ours: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["validate", str(FILES / "digits.yaml"), "-o", override]) == 2
    assert capsys.readouterr().err.endswith(f"; did you mean {ours}?\n")


def test_what_stands_in_another_section_here_is_named_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", str(FILES / "digits.yaml"), "-o", "method=bayes"]) == 2
    assert capsys.readouterr().err.endswith("no key is called 'method'; here that is search.algorithm\n")


MANY = """\
name: many
dataset: {source: digits, crop: 3}
parameters:
  lr: [0.1]
  kernel: {values: [3], per: blocks}
  layers: {values: [1], when: {depth: 2}}
train: {epochs: three, label_smothing: 0.1}
objective: {metric: val_acc, mode: target}
search: {algorithm: bayes, from: [nowhere]}
scheduler: {type: hyperband}
budget: {trails: 3}
tracking: {uri: "file:///x"}
"""


def test_every_mistake_is_told_at_once_each_on_its_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "many.yaml"
    path.write_text(MANY)
    assert run(["validate", str(path)]) == 2
    said = [line.removeprefix(f"error: {path}:") for line in capsys.readouterr().err.splitlines()]
    places = [" ".join(line.split(": ")[:2]) for line in said]
    assert places == [
        "2 dataset.crop", "5 parameters.kernel.per", "6 parameters.layers.when.depth", "7 train.epochs",
        "7 train.label_smothing", "8 objective.metric", "9 search.algorithm", "9 search.from",
        "10 scheduler.type", "11 budget.trails", "12 tracking.uri",
    ]  # fmt: skip


def test_what_is_found_behind_one_mistake_is_not_its_echo(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "echo.yaml"
    path.write_text(
        "name: echo\ndataset: {source: digits}\n"
        "parameters: {layers: {min: 3, max: 1}, kernel: {values: [3], per: layers}}\n"
        "points: [{kernel: [3, 3]}]\n"
    )
    assert run(["validate", str(path)]) == 2
    assert capsys.readouterr().err.count("error:") == 1


def test_every_value_that_a_part_refuses_is_found_and_not_by_the_luck_of_a_draw(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rare = f"parameters.batch_size={[*range(1, 100), 0]}"
    assert run(["validate", str(FILES / "digits.yaml"), "-o", rare, "-o", "parameters.lr=1"]) == 2
    said = capsys.readouterr().err
    assert "parameters.batch_size: found 0" in said
    assert "parameters.lr: nothing knows" in said


def test_a_point_that_no_network_can_be_is_refused_without_a_draw(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "point.yaml"
    path.write_text(
        "name: point\ndataset: {source: digits}\nsearch: {algorithm: points}\n"
        "parameters: {lr: [1.0]}\npoints: [{lr: 1.0}]\n"
    )
    assert run(["validate", str(path)]) == 2
    assert "nothing knows the parameter 'lr'" in capsys.readouterr().err


def test_the_type_alone_overridden_says_how_to_replace_the_section(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["validate", str(FILES / "digits.yaml"), "-o", "scheduler.type=none"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(
        "error: -o scheduler.type=none: scheduler.type: the file gives scheduler grace and"
    )
    assert said.endswith("; replace the whole section: -o 'scheduler={type: none}'\n")
    assert run(["validate", str(FILES / "digits.yaml"), "-o", "scheduler={type: none}"]) == 0


OWN = [
    ("objective: {mode: target}", "objective.cost=usd", "5: objective: 'target' is missing"),
    ("scheduler: {type: asha, resource: device_seconds}", "scheduler.grace=3", "5: scheduler.max: scheduler"),
    ("search: {algorithm: optuna, sampler: No}", "search.seed=3", "5: search"),
]


@pytest.mark.parametrize(("section", "override", "message"), OWN, ids=[row[0] for row in OWN])
def test_an_override_is_not_blamed_for_what_its_section_has_without_it(
    section: str, override: str, message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        "name: own\ndataset: {source: digits}\nparameters: {layers: [1]}\n"
        f"budget: {{trials: 2}}\n{section}\n"
    )
    assert run(["validate", str(path), "-o", override]) == 2
    assert capsys.readouterr().err.startswith(f"error: {path}:{message}")


def test_an_objective_that_tells_no_networks_apart_is_warned_of(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in "abc":
        (tmp_path / "photos" / name).mkdir(parents=True)
        (tmp_path / "photos" / name / "1.png").touch()
    words = [
        "validate",
        str(FILES / "digits.yaml"),
        "-o",
        f"dataset={{source: image_folder, root: {tmp_path}/photos}}",
    ]
    assert run([*words, "-o", "objective={metric: valid/top5, min_top5: 0.5}"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "warning: top-5 of 3 classes is always 100 %: use objective.metric: valid/top1",
        "warning: objective.min_top5 keeps nothing out: top-5 of 3 classes is always 100 %",
    ]


def test_images_that_are_not_here_are_said_not_to_have_been_looked_at(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["validate", str(FILES / "digits.yaml"), "-o", "dataset.source=image_folder"]
    assert run([*words, "-o", "dataset.root=/nowhere"]) == 0
    said = capsys.readouterr().err
    assert said.startswith("warning: the images were not looked at: /nowhere: there is no such folder")
    assert run(words) == 2
    assert "dataset.root is not set" in capsys.readouterr().err

"""Whatever is wrong with a sweep file is one clear line: where, what was found, what was expected."""

import os
from pathlib import Path

import pytest

from sweeper.config.spec import load_spec, parse_spec
from sweeper.errors import SpecError

GOOD = """\
name: good
dataset:
  source: digits
  split: {train: 0.7, valid: 0.2, test: 0.1}
parameters:
  architecture: [cnn, pretrained]
  layers: {min: 1, max: 5, when: {architecture: cnn}}
  filters: {values: [16, 32], per: layers}
  learning_rate: {distribution: log_uniform_values, min: 1e-4, max: 1e-2}
train:
  epochs: 3
budget: {trials: 4}
"""

# (what is wrong, a line of GOOD, what stands in its place, the message from the line number on)
ONE_LINE = [
    ("an unknown section", "train:", "trian:", "10: trian: no key is called 'trian'; did you mean 'train'?"),
    (
        "an unknown key",
        "budget: {trials: 4}",
        "budget: {trails: 4}",
        "12: budget.trails: no key is called 'trails'; did you mean 'trials'?",
    ),
    ("a required key is missing", "name: good", "", "good.yaml: name: 'name' is missing"),
    (
        "a word for a number",
        "  epochs: 3",
        "  epochs: three",
        "11: train.epochs: found 'three', expected a whole number",
    ),
    (
        "a number in quotes",
        "  epochs: 3",
        "  epochs: '3'",
        "11: train.epochs: found '3', expected a whole number",
    ),
    (
        "a number that loses its last digit",
        "  learning_rate: {distribution: log_uniform_values, min: 1e-4, max: 1e-2}",
        "  learning_rate: [1.0e30]",
        "9: parameters.learning_rate.values.0: found 1e+30, expected a number of at most 2^53",
    ),
    ("half an epoch", "  epochs: 3", "  epochs: 2.5", "11: train.epochs: found 2.5, expected a whole number"),
    (
        "true for a number",
        "  epochs: 3",
        "  epochs: true",
        "11: train.epochs: found true, expected a whole number",
    ),
    (
        "no for a switch",
        "  epochs: 3",
        "  compile: no",
        "11: train.compile: found 'no', expected true or false",
    ),
    (
        "nothing for a number",
        "  epochs: 3",
        "  epochs:",
        "11: train.epochs: found nothing, expected a whole number",
    ),
    (
        "a list for a number",
        "  epochs: 3",
        "  epochs: [3]",
        "11: train.epochs: found [3], expected a whole number",
    ),
    ("no epochs", "  epochs: 3", "  epochs: 0", "11: train.epochs: found 0, expected at least 1"),
    (
        "a batch size that is a word",
        "  epochs: 3",
        "  batch_size: big",
        "11: train.batch_size: found 'big', expected a whole number or auto",
    ),
    (
        "an unknown optimizer",
        "  epochs: 3",
        "  optimizer: adamm",
        "11: train.optimizer: found 'adamm', expected sgd, rmsprop, adam, adamw or muon; "
        "did you mean 'adam'?",
    ),
    (
        "an infinite rate",
        "  epochs: 3",
        "  learning_rate: .inf",
        "11: train.learning_rate: found inf, expected a finite",
    ),
    (
        "a rate of no number",
        "  epochs: 3",
        "  learning_rate: .nan",
        "11: train.learning_rate: found nan, expected a fi",
    ),
    (
        "a rate of zero",
        "  epochs: 3",
        "  learning_rate: 0.0",
        "11: train.learning_rate: found 0.0, expected more than 0",
    ),
    (
        "a section that is a value",
        "budget: {trials: 4}",
        "budget: 4",
        "12: budget: found 4, expected keys with values",
    ),
    (
        "a negative budget",
        "budget: {trials: 4}",
        "budget: {usd: -3}",
        "12: budget.usd: found -3, expected more than 0",
    ),
    (
        "a budget of nothing",
        "budget: {trials: 4}",
        "budget: {trials: 0}",
        "12: budget.trials: found 0, expected at least",
    ),
    (
        "shares of more than everything",
        "  split: {train: 0.7, valid: 0.2, test: 0.1}",
        "  split: {train: 0.8, valid: 0.2, test: 0.1}",
        "4: dataset.split: train + valid + test is 0.8 + 0.2 + 0.1 = 1.1, expected 1",
    ),
    (
        "nothing to compare trials on",
        "  split: {train: 0.7, valid: 0.2, test: 0.1}",
        "  split: {train: 0.9, valid: 0, test: 0.1}",
        "4: dataset.split.valid: found 0, expected a share that trials can use",
    ),
    (
        "a fold that does not exist",
        "  split: {train: 0.7, valid: 0.2, test: 0.1}",
        "  split: {folds: 5, fold: 5}",
        "4: dataset.split.fold: found 5, expected at most 4",
    ),
    (
        "a pattern that is none",
        "  split: {train: 0.7, valid: 0.2, test: 0.1}",
        "  split: {group_by: '(a'}",
        "4: dataset.split.group_by: found '(a', which is no regular expression: missing ), ",
    ),
    (
        "min above max",
        "  layers: {min: 1, max: 5, when: {architecture: cnn}}",
        "  layers: {min: 6, max: 5}",
        "7: parameters.layers.min: found 6, which is greater than max (5)",
    ),
    (
        "a range without an end",
        "  layers: {min: 1, max: 5, when: {architecture: cnn}}",
        "  layers: {min: 1}",
        "7: parameters.layers: 'max' is missing; a range has min and max",
    ),
    (
        "a parameter that says nothing",
        "  layers: {min: 1, max: 5, when: {architecture: cnn}}",
        "  layers:",
        "7: parameters.layers: found nothing, expected a value, a list of values, or min and max",
    ),
    (
        "a parameter without values",
        "  layers: {min: 1, max: 5, when: {architecture: cnn}}",
        "  layers: {when: {architecture: cnn}}",
        "7: parameters.layers: no values are given; give value, values, or min and max",
    ),
    (
        "an empty choice",
        "  architecture: [cnn, pretrained]",
        "  architecture: []",
        "6: parameters.architecture.values: found [], expected at least 1 of them",
    ),
    (
        "a value twice",
        "  architecture: [cnn, pretrained]",
        "  architecture: [cnn, pretrained, cnn]",
        "6: parameters.architecture.values.2: 'cnn' stands twice",
    ),
    (
        "values and a range",
        "  layers: {min: 1, max: 5, when: {architecture: cnn}}",
        "  layers: {values: [1], max: 5}",
        "7: parameters.layers: values and min and max exclude each other; keep one of them",
    ),
    (
        "an unknown key of a parameter",
        "  layers: {min: 1, max: 5, when: {architecture: cnn}}",
        "  layers: {minimum: 1, max: 5}",
        "7: parameters.layers.minimum: no key is called 'minimum'; did you mean 'min'?",
    ),
    (
        "a logarithmic range from zero",
        "  learning_rate: {distribution: log_uniform_values, min: 1e-4, max: 1e-2}",
        "  learning_rate: {distribution: log_uniform_values, min: 0.0, max: 1e-2}",
        "9: parameters.learning_rate.min: found 0, expected more than 0 on a logarithmic scale",
    ),
    (
        "an unknown distribution",
        "  learning_rate: {distribution: log_uniform_values, min: 1e-4, max: 1e-2}",
        "  learning_rate: {distribution: log_unifrom_values, min: 1e-4, max: 1e-2}",
        "9: parameters.learning_rate.distribution: found 'log_unifrom_values', expected constant,",
    ),
    (
        "a distribution of W&B that takes exponents",
        "  learning_rate: {distribution: log_uniform_values, min: 1e-4, max: 1e-2}",
        "  learning_rate: {distribution: log_uniform, min: -9.0, max: -4.0}",
        "the distribution 'log_uniform' is not supported; use log_uniform_values",
    ),
    (
        "whole numbers asked of fractions",
        "  layers: {min: 1, max: 5, when: {architecture: cnn}}",
        "  layers: {min: 0.5, max: 5, distribution: int_uniform}",
        "7: parameters.layers.distribution: 'int_uniform' needs whole numbers, found 0.5, 5",
    ),
    (
        "a step larger than the range",
        "  layers: {min: 1, max: 5, when: {architecture: cnn}}",
        "  layers: {min: 1, max: 5, q: 8}",
        "7: parameters.layers.q: found 8, which is larger than the range (4)",
    ),
    (
        "a step of zero",
        "  layers: {min: 1, max: 5, when: {architecture: cnn}}",
        "  layers: {min: 1, max: 5, q: 0}",
        "7: parameters.layers.q: found 0, expected more than 0",
    ),
    (
        "a step that makes a billion values",
        "  layers: {min: 1, max: 5, when: {architecture: cnn}}",
        "  layers: {min: 0.0, max: 1.0, q: 1e-9}",
        "7: parameters.layers.q: found 1e-09, which makes more than 100,000 steps",
    ),
    (
        "a condition on nothing that exists",
        "  layers: {min: 1, max: 5, when: {architecture: cnn}}",
        "  layers: {min: 1, max: 5, when: {architektur: cnn}}",
        "7: parameters.layers.when.architektur: no parameter is called 'architektur'; did you mean 'archi",
    ),
    (
        "a condition that is never met",
        "  layers: {min: 1, max: 5, when: {architecture: cnn}}",
        "  layers: {min: 1, max: 5, when: {architecture: pretraind}}",
        "7: parameters.layers.when.architecture: 'architecture' is never 'pretraind'; did you mean 'pretr",
    ),
    (
        "conditions in a circle",
        "  architecture: [cnn, pretrained]",
        "  architecture: {values: [cnn, pretrained], when: {layers: 3}}",
        "the conditions go in a circle: ",
    ),
    (
        "a value for each of what is no number",
        "  filters: {values: [16, 32], per: layers}",
        "  filters: {values: [16, 32], per: architecture}",
        "8: parameters.filters.per: 'architecture' is not a whole number, so it cannot say how many",
    ),
    (
        "a list of a million blocks",
        "  layers: {min: 1, max: 5, when: {architecture: cnn}}",
        "  layers: {min: 1, max: 1000000}",
        "8: parameters.filters.per: 'layers' must stay within 0 and 1000 to be the length of a list",
    ),
    (
        "a parameter that no program can name",
        "  architecture: [cnn, pretrained]",
        "  architecture: [cnn, pretrained]\n  drop-out: 0.5",
        "7: parameters.drop-out: 'drop-out' cannot name a parameter; use letters, digits and _",
    ),
    ("a key twice", "train:", "name: better\ntrain:", "10: 'name' stands twice; the first is in line 1"),
    (
        "a key twice in a section",
        "budget: {trials: 4}",
        "budget: {trials: 4, usd: 1, trials: 5}",
        "12: 'budget.trials' stands twice; the first is in line 12",
    ),
    ("a name that leaves the folder", "name: good", "name: ../up", "1: name: '../up' cannot name a sweep"),
    ("a name that is a number", "name: good", "name: 12", "1: name: found 12, expected text"),
    ("a number in octal", "  epochs: 3", "  epochs: 010", "11: found 010, octal to some readers; write 10,"),
    ("a newer file", "name: good", "schema_version: 2\nname: good", "1: schema_version: found 2, expected 1"),
    ("an anchor", "name: good", "name: &it good", "1: anchors and aliases (& and *) are not accepted"),
    ("an alias", "name: good", "name: *it", "1: anchors and aliases (& and *) are not accepted"),
    (
        "a tag that runs code",
        "name: good",
        "name: !!python/object/apply:os.system [ls]",
        "1: the tag tag:yaml.org",
    ),
    (
        "a tab",
        "  epochs: 3",
        "\tepochs: 3",
        "11: not YAML: found character that cannot start any token; the line has a",
    ),
    ("a bracket left open", "  epochs: 3", "  epochs: [3", "12: not YAML: "),
    (
        "a second sweep",
        "train:",
        "---\ntrain:",
        "10: a second document starts here; one file holds one sweep",
    ),
    (
        "an unset variable",
        "name: good",
        "name: ${SWEEPER_UNSET}",
        "1: the environment has no SWEEPER_UNSET; export",
    ),
    ("a variable left open", "name: good", "name: ${HOME", "1: found '${HOME', expected ${NAME} or"),
    (
        "a metric that no trial reports",
        "train:",
        "objective: {metric: valid/top3}\ntrain:",
        "10: objective.metric: found 'valid/top3', expected valid/top5, valid/top1, "
        "valid/balanced_top1, valid/loss or train/loss",
    ),
    (
        "choosing on the test split",
        "train:",
        "objective: {metric: test/top1}\ntrain:",
        "10: objective.metric: found 'test/top1', expected valid/top5",
    ),
    (
        "the largest loss",
        "train:",
        "objective: {metric: valid/loss, goal: maximize}\ntrain:",
        "10: objective.goal: found 'maximize' for valid/loss, expected 'minimize'",
    ),
    (
        "a target that is not said",
        "train:",
        "objective: {mode: target}\ntrain:",
        "10: objective: 'target' is missing",
    ),
    (
        "one and a half GPUs",
        "train:",
        "resources: {gpu: 1.5}\ntrain:",
        "10: resources.gpu: found 1.5, expected a frac",
    ),
    (
        "a point outside of the space",
        "train:",
        "points:\n  - {layers: 3}\n  - {layers: 9}\ntrain:",
        "12: points.1.layers: found 9, expected a whole number from 1 to 5",
    ),
    (
        "a point with an unknown parameter",
        "train:",
        "points: [{layer: 3}]\ntrain:",
        "10: points.0.layer: no parameter is called 'layer'; did you mean 'layers'?",
    ),
    (
        "a point against its condition",
        "train:",
        "points: [{architecture: pretrained, layers: 3}]\ntrain:",
        "10: points.0.layers: 'layers' exists only when architecture is cnn",
    ),
    (
        "a point with a filter too few",
        "train:",
        "points: [{architecture: cnn, layers: 3, filters: [16, 32]}]\ntrain:",
        "10: points.0.filters: found 2 values, expected 3: one per layers",
    ),
]


@pytest.mark.parametrize(
    ("line", "instead", "message"), [row[1:] for row in ONE_LINE], ids=[r[0] for r in ONE_LINE]
)
def test_a_mistake_is_told_in_one_line_with_its_place(
    tmp_path: Path, line: str, instead: str, message: str
) -> None:
    assert f"{line}\n" in GOOD
    path = tmp_path / "good.yaml"
    path.write_text(GOOD.replace(f"{line}\n", f"{instead}\n" if instead else ""))
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    text = str(caught.value)
    assert message in text
    assert text.startswith(str(path))
    assert "\n" not in text


OVERRIDES = [
    ("budget.trials", "-o budget.trials: expected KEY=VALUE, such as -o budget.trials=8"),
    ("=3", "-o =3: expected KEY=VALUE"),
    ("budget..trials=3", "-o budget..trials=3: expected KEY=VALUE"),
    (
        "budget.trails=3",
        "-o budget.trails=3: budget.trails: no key is called 'trails'; did you mean 'trials'?",
    ),
    ("bugdet.trials=3", "-o bugdet.trials=3: bugdet: no key is called 'bugdet'; did you mean 'budget'?"),
    ("budget.trials=-3", "-o budget.trials=-3: budget.trials: found -3, expected at least 1"),
    (
        "parameters.layer.max=3",
        "-o parameters.layer.max=3: no parameter is called 'layer'; did you mean 'layers'?",
    ),
    ("parameters.layers.max=0", "good:7: parameters.layers.min: found 1, which is greater than max (0)"),
    ("name.first=x", "-o name.first=x: 'name' holds one value and has no 'first'"),
    (
        "parameters.architecture.7=x",
        "'parameters.architecture' is a list; found '7', expected a number from 0 to 1",
    ),
    (
        "parameters.architecture.first=x",
        "'parameters.architecture' is a list; found 'first', expected a number",
    ),
    ("budget=[", "-o budget=[: not YAML: "),
    ("name=\udcff", "this is not text that YAML can hold"),  # a byte that is no UTF-8, as Python reads it
    ("budget={trials: 1, trials: 2}", "'trials' stands twice"),
]


@pytest.mark.parametrize(("override", "message"), OVERRIDES, ids=[row[0] for row in OVERRIDES])
def test_a_mistake_in_an_override_names_the_override(override: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(GOOD, name="good", overrides=[override])
    assert message in str(caught.value)


def _lines(*lines: str) -> bytes:
    return "\n".join(lines).encode()


FILES = [
    ("an empty file", b"", "the file is empty; `sweeper init` writes a starter sweep file"),
    ("only comments", b"# nothing\n", "the file is empty"),
    ("a list at the top", b"- name: good\n", "expected keys with values (`name: ...`) at the top"),
    ("a word at the top", b"good\n", "expected keys with values (`name: ...`) at the top"),
    ("a binary file", b"\x89PNG\r\n\x1a\n\0\0\0", "this is a binary file, expected YAML text in UTF-8"),
    ("Latin-1", _lines("name: good", "description: ") + b"caf\xe9", "yaml:2: byte 0xe9 is not UTF-8 text"),
    ("a control character", b"name: g\x07ood\n", "this is not text that YAML can hold"),
    ("a key that is a list", b"? [a, b]\n: 3\n", "yaml:1: a key must be plain text"),
    ("a variable for a key", b"a: {${HOME}: 3}\n", "yaml:1: "),
    ("an empty key", b"'': 3\n", "yaml:1: a key is empty"),
    ("a file of 300 KiB", b"# " + b"x" * 300 * 1024, "larger than 256 KiB, which no sweep file needs"),
]


@pytest.mark.parametrize(("content", "message"), [row[1:] for row in FILES], ids=[row[0] for row in FILES])
def test_a_file_that_is_no_sweep_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_names_its_nearest_neighbour(tmp_path: Path) -> None:
    (tmp_path / "digits.yaml").touch()
    with pytest.raises(SpecError, match=r"there is no such file; did you mean 'digits.yaml'\?"):
        load_spec(tmp_path / "digit.yaml")
    with pytest.raises(SpecError, match="there is no folder"):
        load_spec(tmp_path / "nowhere" / "digits.yaml")


def test_a_folder_names_the_files_that_it_holds(tmp_path: Path) -> None:
    (tmp_path / "digits.yaml").touch()
    with pytest.raises(SpecError, match=r"this is a folder, expected a YAML file; it holds digits.yaml"):
        load_spec(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.yaml"
    path.touch(mode=0)
    with pytest.raises(SpecError, match="cannot be read: Permission denied"):
        load_spec(path)


def test_several_problems_are_counted_with_their_places() -> None:
    text = GOOD.replace("trials: 4", "trails: 4").replace("epochs: 3", "epochs: three")
    with pytest.raises(SpecError, match=r"expected a whole number; and 1 more problem \(good:12\)$"):
        parse_spec(text, name="good")


def test_a_line_stays_short_whatever_was_found() -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(GOOD.replace("epochs: 3", f"epochs: {'x' * 10_000}"), name="good")
    assert len(str(caught.value)) < 200


def _alias_bomb() -> str:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    return "\n".join(rows)


def _conditions_bomb() -> str:
    names = [f"p{i}" for i in range(150)]
    when = ", ".join(f"{name}: true" for name in names)
    return "\n".join([
        "name: bomb", "dataset: {source: digits}", "parameters:",
        *(f"  {name}: [true, false]" for name in names), f"  last: {{values: [1, 2], when: {{{when}}}}}",
    ])  # fmt: skip


BOMBS = [
    ("aliases", _alias_bomb(), "anchors and aliases"),
    ("brackets", "a: " + "[" * 200_000, "nested deeper than 32 levels"),
    ("braces", "a: " + "{a: " * 60_000, "nested deeper than 32 levels"),
    ("dashes", "- " * 100_000, "nested deeper than 32 levels"),
    ("indentation", "\n".join(f"{' ' * i}k:" for i in range(600)), "nested deeper than 32 levels"),
    ("a long list", f"a: [{'0,' * 125_000}]", "more than 20,000 values"),
    ("many keys", "\n".join(f"k{i}: 0" for i in range(20_000)), "more than 20,000 values"),
    ("a long number", f"{GOOD}description: {'9' * 100_000}", "description: found"),
    ("many choices", f"{GOOD}points: [{', '.join(['{layers: 9}'] * 5_000)}]", "points.0.layers"),
    ("merge keys", "a: {b: 1}\nc: {<<: {b: 2}, <<: {b: 3}}", "'c.<<' stands twice"),
    ("conditions", f"{_conditions_bomb()}\ntrain: {{epochs: 0}}", "train.epochs"),
    (
        "a ring of conditions",
        GOOD + "".join(f"{'#' * 100}\n" for _ in range(2000)) + "x: 1",
        "no key is called 'x'",
    ),
]


BOMB_LINES = 3_000_000  # the dearest takes 0.9 million, and 0.03 s


@pytest.mark.parametrize(("text", "message"), [row[1:] for row in BOMBS], ids=[row[0] for row in BOMBS])
def test_a_bomb_is_refused_before_it_costs_much(text: str, message: str, lines_run) -> None:
    with pytest.raises(SpecError) as caught:
        lines_run(lambda: parse_spec(text, name="bomb"), at_most=BOMB_LINES)
    assert message in str(caught.value)

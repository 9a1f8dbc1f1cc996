import json
import pickle
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from sweeper.config.json_schema import SECTIONS, json_schema, reference
from sweeper.config.space import Constant, IntRange
from sweeper.config.spec import SweepSpec, load_spec, parse_spec, restore_spec
from sweeper.config.yaml_document import parse_value
from sweeper.errors import SpecError

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "search_spaces").rglob("*.yaml"))
MINIMAL = "name: small\ndataset: {source: digits}\nparameters: {layers: 3}\n"


def test_a_minimal_file_is_completed_with_defaults() -> None:
    spec = parse_spec(MINIMAL)
    assert spec.parameters == {"layers": Constant(value=3)}
    assert (spec.train.epochs, spec.search.algorithm, spec.scheduler.type) == (20, "tpe", "asha")
    assert spec.dataset.split.train == 0.7
    assert spec.budget.trials is None
    assert spec.tracking.uri == "auto"


def test_further_keys_of_a_plug_in_section_are_its_options() -> None:
    text = MINIMAL.replace("source: digits", "source: uecfood, crop: largest_box")
    spec = parse_spec(
        text + "scheduler: {type: asha, grace: 30, reduction_factor: 3}\nsearch: {startup: 4}\n"
    )
    assert spec.dataset.options == {"crop": "largest_box"}
    assert spec.scheduler.options == {"grace": 30, "reduction_factor": 3}
    assert spec.search.options == {"startup": 4}


def test_a_spec_is_frozen() -> None:
    spec = parse_spec(MINIMAL)
    with pytest.raises(ValidationError, match="frozen"):
        spec.name = "other"


def test_the_resolved_spec_is_json_and_reads_back_as_itself() -> None:
    for path in FILES:
        spec = load_spec(path)
        again = SweepSpec.model_validate(json.loads(json.dumps(spec.resolved())))
        assert again.resolved() == spec.resolved()
        assert again.digest == spec.digest


def test_a_restored_spec_expands_nothing_again() -> None:
    spec = parse_spec(MINIMAL + "description: costs $${PRICE}\n")
    assert spec.description == "costs ${PRICE}"
    again = restore_spec(json.loads(json.dumps(spec.resolved())), name="runs/small/sweep.yaml")
    assert (again.description, again.digest) == (spec.description, spec.digest)
    with pytest.raises(SpecError, match=r"^runs/small/sweep.yaml: name: 'name' is missing"):
        restore_spec(
            {key: value for key, value in spec.resolved().items() if key != "name"}, name=again.where("")
        )


def test_the_digest_depends_on_what_is_said_and_not_on_how() -> None:
    spec = parse_spec(MINIMAL)
    shuffled = (
        "parameters: {layers: {value: 3}}\ntrain: {epochs: 20}\ndataset:\n  source: digits\nname: small\n"
    )
    assert parse_spec(shuffled).digest == spec.digest
    assert parse_spec(MINIMAL, overrides=["train.epochs=21"]).digest != spec.digest


def test_a_spec_survives_pickling_with_its_lines() -> None:
    spec = pickle.loads(pickle.dumps(parse_spec(MINIMAL, name="a.yaml")))  # noqa: S301  (our own bytes)
    assert spec.where("parameters.layers") == "a.yaml:3"
    assert spec.space.size == 1


def test_where_names_the_line_of_a_path_or_of_the_nearest_thing_above_it() -> None:
    text = MINIMAL + "points:\n  - {layers: 3}\n  - name: two\n    layers: 3\n"
    spec = parse_spec(text, name="a.yaml", overrides=["budget.trials=3"])
    assert spec.where("dataset.source") == "a.yaml:2"
    assert spec.where("dataset.root") == "a.yaml:2"
    assert spec.where("points.1.layers") == "a.yaml:7"
    assert spec.where("budget.trials") == "-o budget.trials=3"
    assert spec.where("train") == "a.yaml"


def test_a_loss_is_minimized_unless_the_file_says_otherwise() -> None:
    assert parse_spec(MINIMAL + "objective: {metric: valid/loss}").objective.goal == "minimize"
    assert parse_spec(MINIMAL + "objective: {metric: valid/top1}").objective.goal == "maximize"


def test_a_byte_order_mark_and_windows_line_ends_are_tolerated(tmp_path: Path) -> None:
    path = tmp_path / "windows.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode())
    assert load_spec(path).name == "small"


# YAML 1.2's core schema, whatever PyYAML makes of these by itself
SCALARS: list[tuple[str, Any]] = [
    ("1e-3", 0.001),
    ("1E3", 1000.0),
    ("-2.5e+2", -250.0),
    (".5", 0.5),
    ("12", 12),
    ("-7", -7),
    ("0", 0),
    ("0x1F", 31),
    ("0o17", 15),
    ("no", "no"),
    ("off", "off"),
    ("yes", "yes"),
    ("on", "on"),
    ("y", "y"),
    ("none", "none"),
    ("true", True),
    ("False", False),
    ("null", None),
    ("~", None),
    ("", None),
    ("12:30:45", "12:30:45"),
    ("2026-11-21", "2026-11-21"),
    ("1_000", "1_000"),
    ("'1e-3'", "1e-3"),
    ('"true"', "true"),
    ("{on: 1, no: 2}", {"on": 1, "no": 2}),
    ("{1: a}", {"1": "a"}),
]


@pytest.mark.parametrize(("text", "value"), SCALARS, ids=[row[0] for row in SCALARS])
def test_yaml_is_read_without_its_surprises(text: str, value: object) -> None:
    read, _ = parse_value(text, name="text", environment={})
    assert read == value
    assert type(read) is type(value)


VARIABLES: list[tuple[str, Any]] = [
    ("${HERE}", "data"),
    ("${HERE}/food", "data/food"),
    ("${EPOCHS}", 3),
    ("'${EPOCHS}'", 3),
    ("${RATE}", 0.001),
    ("${NO}", "no"),
    ("${EMPTY:-7}", 7),
    ("${UNSET:-data/food}", "data/food"),
    ("${UNSET:-}", None),
    ("${EMPTY}", None),
    ("$${HERE}", "${HERE}"),
    ("cost in $", "cost in $"),
    ("$HERE", "$HERE"),
    ("{root: '${HERE}'}", {"root": "data"}),
]
ENVIRONMENT = {"HERE": "data", "EPOCHS": "3", "RATE": "1e-3", "NO": "no", "EMPTY": ""}


@pytest.mark.parametrize(("text", "value"), VARIABLES, ids=[row[0] for row in VARIABLES])
def test_variables_come_from_the_environment_and_are_typed_afterwards(text: str, value: object) -> None:
    read, _ = parse_value(text, name="text", environment=ENVIRONMENT)
    assert read == value
    assert type(read) is type(value)


OVERRIDES: list[tuple[str, str, Any]] = [
    ("budget.trials=8", "budget.trials", 8),
    ("train.learning_rate=1e-3", "train.learning_rate", 0.001),
    ("budget.trials=1e3", "budget.trials", 1000),
    ("dataset.root=a b=c", "dataset.root", "a b=c"),
    ("dataset.root=", "dataset.root", None),
    ("dataset.root=${HERE}", "dataset.root", "data"),
    ("tracking={experiment: mine}", "tracking.experiment", "mine"),
    ("resources.custom.tpu=1", "resources.custom", {"tpu": 1.0}),
]


@pytest.mark.parametrize(("override", "path", "value"), OVERRIDES, ids=[row[0] for row in OVERRIDES])
def test_an_override_replaces_or_adds_one_value(override: str, path: str, value: object) -> None:
    spec: Any = parse_spec(MINIMAL, overrides=[override], environment=ENVIRONMENT)
    for part in path.split("."):
        spec = getattr(spec, part)
    assert spec == value


def test_overrides_apply_from_left_to_right_and_are_kept() -> None:
    overrides = ["parameters.layers={min: 1, max: 9}", "parameters.layers.max=4", "parameters.pixels=[8, 16]"]
    spec = parse_spec(MINIMAL, overrides=[*overrides, "parameters.pixels.1=32"])
    assert spec.parameters["layers"] == IntRange(low=1, high=4)
    assert list(spec.parameters["pixels"].values) == [8, 32]
    assert spec.overrides == (*overrides, "parameters.pixels.1=32")
    assert "overrides" not in spec.resolved()


def test_points_may_leave_parameters_out_and_carry_a_name_and_published_figures() -> None:
    text = "name: small\ndataset: {source: digits}\nparameters: {layers: [1, 2], pixels: [8, 16]}\n"
    spec = parse_spec(text + "points: [{name: first, published: {test: {top1: 0.9}}, layers: 2}, {}]")
    assert spec.points == [{"name": "first", "published": {"test": {"top1": 0.9}}, "layers": 2}, {}]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_in_search_spaces_is_right_and_fits_the_schema(path: Path) -> None:
    spec = load_spec(path)
    assert spec.name == path.stem
    raw, _ = parse_value(path.read_text(), name=path.name, environment={})
    jsonschema.Draft7Validator(json_schema()).validate(raw)
    first = path.read_text().splitlines()[0]
    schema = re.fullmatch(r"# yaml-language-server: \$schema=(.+)", first)
    assert schema
    assert (path.parent / schema[1]).resolve() == ROOT / "sweeper/config/schema_v1.json"


def test_the_committed_schema_is_current() -> None:
    committed = json.loads((ROOT / "sweeper/config/schema_v1.json").read_text())
    assert committed == json_schema(), "run: sweeper schema > sweeper/config/schema_v1.json"
    jsonschema.Draft7Validator.check_schema(committed)


NOT_IN_SCHEMA: list[dict[str, Any]] = [
    {"trian": {}},
    {"name": 3},
    {"budget": {"trials": 0}},
    {"train": {"optimizer": "adamm"}},
    {"parameters": {}},
    {"parameters": {"layers": {"minimum": 1}}},
    {"parameters": {"layers": {"values": []}}},
    {"parameters": {"layers": {"values": [1], "when": {"a": []}}}},
]


@pytest.mark.parametrize("change", NOT_IN_SCHEMA, ids=str)
def test_the_schema_refuses_what_an_editor_should_mark(change: dict[str, Any]) -> None:
    good, _ = parse_value(MINIMAL, name="text", environment={})
    validator = jsonschema.Draft7Validator(json_schema())
    assert validator.is_valid(good)
    assert validator.is_valid(
        good | {"parameters": {"layers": {"values": [1], "when": {"a": "x", "b": [1]}}}}
    )
    assert not validator.is_valid(good | change)


def test_the_reference_page_holds_the_tables_that_the_models_give() -> None:
    page = (ROOT / "docs/sweep-file.md").read_text()
    assert reference() in page, "run: sweeper schema --markdown, and put it between the marks"
    for model in SECTIONS.values():
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name} has no docstring"


def test_every_yaml_example_on_the_reference_page_is_right() -> None:
    page = (ROOT / "docs/sweep-file.md").read_text()
    examples = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    assert len(examples) >= 3
    for example in examples:
        parameters = "" if "\nparameters:" in f"\n{example}" else "parameters: {layers: 3}\n"
        head = "" if example.startswith("name:") else "name: example\ndataset: {source: digits}\n"
        try:
            parse_spec(head + parameters + example, environment={})
        except SpecError as error:
            pytest.fail(f"{error}\n{example}")


PLAIN = "name: a\ndataset: {source: digits}\nparameters: {layers: [1, 2]}\n"


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("objective: {metric: valid/top1, mode: target, target: 95}", "did you mean 0.95?"),
        ("final: {tops: 3}", "did you mean 'top'?"),
        ("stop_when: {afer: 5}", "did you mean 'after'?"),
        ("final: {top: 2, seeds: 2}\nobjective: {mode: target, target: 0.9}", "leave final out"),
    ],
)
def test_slips_in_what_is_looked_for_are_told_with_what_was_meant(section, said):
    text = (
        "name: a\ndataset: {source: digits}\nparameters: {layers: [1, 2]}\nbudget: {trials: 20}\n" + section
    )
    with pytest.raises(SpecError) as caught:
        parse_spec(text)
    assert said in caught.value.hint


def test_nothing_is_kept_for_a_final_from_wall_hours_alone():
    text = (
        "name: a\ndataset: {source: digits}\nparameters: {layers: [1, 2]}\nbudget: {wall_hours: 1}\nfinal: {}"
    )
    with pytest.raises(SpecError, match="kept back from wall_hours alone"):
        parse_spec(text)


CONDITIONAL = """
name: conditional
dataset: {source: digits}
parameters:
  architecture: [cnn, pretrained, lenet5]
  backbone: {values: [vgg16], when: {architecture: pretrained}}
  freeze: {values: [all], when: {backbone: vgg16}}
  layers: {values: [1, 2], when: {architecture: [cnn, lenet5]}}
  filters: {values: [8], per: layers}
resources: {rules: [{when: {architecture: pretrained}, cpu: 2}]}
"""


def test_fewer_values_take_along_what_exists_only_under_the_others() -> None:
    narrowed = parse_spec(CONDITIONAL, overrides=["parameters.architecture=[cnn]"])
    assert list(narrowed.parameters) == ["architecture", "layers", "filters"]
    assert narrowed.parameters["layers"].when == {"architecture": ["cnn"]}
    assert narrowed.resources.rules == []
    other = parse_spec(CONDITIONAL, overrides=["parameters.architecture=pretrained"])
    assert list(other.parameters) == ["architecture", "backbone", "freeze"]


def test_a_condition_on_a_value_that_there_never_was_stays_a_mistake_beside_an_override() -> None:
    wrong = CONDITIONAL.replace(
        "when: {architecture: pretrained}}\n  freeze", "when: {architecture: pre}}\n  freeze"
    )
    with pytest.raises(SpecError, match="'architecture' is never 'pre'"):
        parse_spec(wrong, overrides=["parameters.architecture=[cnn]"])

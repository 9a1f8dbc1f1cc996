"""What a trial holds, by its configuration: `resources.rules`."""

import pytest

from sweeper.config.resources import ResourcesSpec
from sweeper.config.spec import parse_spec, restore_spec
from sweeper.errors import SpecError

PRETRAINED, CNN = {"architecture": "pretrained", "layers": 2}, {"architecture": "cnn", "layers": 2}
SPACE = """name: small
dataset: {source: digits}
parameters:
  architecture: [cnn, pretrained]
  layers: {min: 1, max: 3}
  dropout: {min: 0.0, max: 0.5}
resources:
"""


def resources(text: str) -> ResourcesSpec:
    return parse_spec(SPACE + text).resources


def test_a_rule_changes_what_it_names_for_the_configurations_it_is_for() -> None:
    held = resources("  {gpu: 0.5, cpu: 2, rules: [{when: {architecture: pretrained}, gpu: 1}]}")
    assert (held.of(CNN).gpu, held.of(CNN).cpu) == (0.5, 2)
    assert (held.of(PRETRAINED).gpu, held.of(PRETRAINED).cpu) == (1, 2)


def test_of_several_rules_that_fit_the_first_counts() -> None:
    held = resources(
        "  rules: [{when: {architecture: cnn, layers: [2, 3]}, cpu: 4}, {when: {layers: 2}, cpu: 3}]"
    )
    assert [held.of(each).cpu for each in (CNN, PRETRAINED, {"layers": 1})] == [4, 3, 1]


def test_a_parameter_that_the_configuration_lacks_meets_no_condition() -> None:
    held = resources("  rules: [{when: {architecture: cnn}, custom: {license: 1}}]")
    assert held.of({"layers": 1}).custom == {}
    assert held.of(CNN).custom == {"license": 1}


def test_the_variants_are_all_that_a_trial_can_ask_for() -> None:
    held = resources(
        "  rules: [{when: {layers: 1}, cpu: 2}, {when: {layers: 2}, cpu: 2}, {when: {layers: 3}, cpu: 1}]"
    )
    assert [variant.cpu for variant in held.variants] == [1, 2]


def test_a_share_is_of_a_gpu_or_of_a_cpu_slot_as_the_section_makes_them() -> None:
    held = resources("  {gpu: 0.25, cpu: 2, rules: [{when: {architecture: pretrained}, gpu: 1, cpu: 3}]}")
    assert [held.share(CNN, on_gpu=is_gpu) for is_gpu in (True, False)] == [0.25, 1.0]
    assert [held.share(PRETRAINED, on_gpu=is_gpu) for is_gpu in (True, False)] == [1.0, 1.5]


def test_rules_survive_being_written_down() -> None:
    spec = parse_spec(SPACE + "  rules: [{when: {layers: 1}, memory_gb: 2}]")
    assert restore_spec(spec.resolved(), name="again").resources.of({"layers": 1}).memory_gb == 2


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{when: {architecure: cnn}, gpu: 1}",
         "when.architecure: no parameter is called 'architecure'; did you mean 'architecture'?"),
        ("{when: {architecture: vgg}, gpu: 1}",
         "when.architecture: 'architecture' is never 'vgg'; expected one of cnn, pretrained"),
        ("{when: {dropout: 0.5}, gpu: 1}",
         "when.dropout: 'dropout' is a continuous range and cannot be a condition"),
        ("{when: {layers: 1}, gpus: 1}", "gpus: no key is called 'gpus'; did you mean 'gpu'?"),
        ("{when: {layers: 1}, gpu: 1.5}", "gpu: found 1.5, expected a fraction up to 1 or a whole number"),
        ("{gpu: 1}", "when: 'when' is missing"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_one_line_with_its_place(rule: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(f"{SPACE}  rules:\n    - {{when: {{layers: 2}}, cpu: 1}}\n    - {rule}\n", name="f.yaml")
    assert str(caught.value) == f"f.yaml:10: resources.rules.1.{message}"

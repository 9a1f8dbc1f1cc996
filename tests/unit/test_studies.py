"""The studies' sweep files: every network weighs what was printed, every file can be planned."""

from pathlib import Path

import pytest
import torch

from sweeper.config.published_figures import published_of
from sweeper.config.spec import SweepSpec, load_spec
from sweeper.errors import PreflightError, SpecError
from sweeper.models import model
from sweeper.models.parts.count import count
from sweeper.plan.image_variants import image_variants, pixel_sizes
from sweeper.plan.network_cost import parameter_count
from sweeper.plan.plan import make_plan
from sweeper.search.points import complete, configurations, has_points_only
from sweeper.trial import canonical

ROOT = Path(__file__).parents[2] / "search_spaces"
STUDIES = sorted((ROOT / "studies").glob("*.yaml"))
FILES = sorted(ROOT.rglob("*.yaml"))
POINTS = {
    "uecfood_2017": 18, "cifar10_2020": 5, "cifar100_2020": 5,
    "cifar_notes": 2, "small_data": 6, "objects_100px": 2,
}  # fmt: skip
# classes and channels of the images that each file is for
IMAGES = {
    "uecfood": (256, 3), "uecfood_2017": (256, 3), "groceries": (25, 3), "digits": (10, 1),
    "cifar10": (10, 3), "cifar10_2020": (10, 3), "cifar_notes": (10, 3), "cifar100": (100, 3),
    "cifar100_2020": (100, 3), "small_data": (10, 1), "objects_100px": (12, 3),
}  # fmt: skip


def synthetic(path: Path, *more: str) -> SweepSpec:
    """The file on textures in the place of its images; without weights that only a download has."""
    classes, channels = IMAGES[path.stem]
    images = f"dataset={{source: synthetic, classes: {classes}, per_class: 3, size: 8, channels: {channels}}}"
    wants_weights = "weights" in load_spec(path).parameters
    freeze = "parameters.freeze={value: none, when: {architecture: pretrained}}"
    without = ["parameters.weights.value=none", freeze] if wants_weights else []
    return load_spec(path, [images, *without, *more])


def counted() -> list[tuple[str, str, int]]:
    rows: list[tuple[str, str, int]] = []
    for path in STUDIES:
        for point in load_spec(path).points:
            published = published_of(point)
            number = published and (published.parameters or published.counted)
            if number:
                rows.append((path.stem, point["name"], number))
    return rows


COUNTED = counted()


def test_no_count_is_lost():
    assert len(COUNTED) == 16 + 5 + 5 + 1


@pytest.mark.parametrize(("study", "point", "printed"), COUNTED, ids=[f"{r[0]}-{r[1]}" for r in COUNTED])
def test_a_point_weighs_to_the_parameter_what_its_study_printed(study, point, printed):
    spec = load_spec(ROOT / "studies" / f"{study}.yaml")
    number = next(number for number, each in enumerate(spec.points) if each["name"] == point)
    classes, channels = IMAGES[study]
    config = complete(spec.points[number], spec.space, spec.search.seed, number)
    assert parameter_count(config, spec, channels=channels, classes=classes) == printed


@pytest.mark.parametrize("study", ["uecfood_2017", "objects_100px"])
def test_the_frozen_base_of_vgg16_weighs_what_two_studies_printed(study):
    spec = synthetic(ROOT / "studies" / f"{study}.yaml")
    config = next(c for c in configurations(spec) if c["architecture"] == "pretrained")
    with torch.device("meta"):
        network = model["pretrained"]((3, 48, 48), 256, backbone=config["backbone"], weights="none")
    assert count(network.base) == 14_714_688
    head = 512 * 1024 + 1024 + 1024 * 256 + 256 if study == "uecfood_2017" else 512 * 256 + 256
    assert parameter_count(config, spec, channels=3, classes=256) == 14_714_688 + head


def test_parameters_are_counted_without_the_weights_of_a_backbone(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    spec = load_spec(ROOT / "studies" / "uecfood_2017.yaml")
    config = configurations(spec)[-1]
    assert config["weights"] == "imagenet"
    assert parameter_count(config, spec, channels=3, classes=256) == 14_714_688 + 787_712


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_study_is_its_points_and_nothing_else(path):
    spec = load_spec(path)
    assert has_points_only(spec)
    assert len(spec.points) == POINTS[path.stem]
    assert spec.scheduler.type == "none"
    assert len({point["name"] for point in spec.points}) == len(spec.points)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_no_part_of_a_studys_point_is_left_to_chance(path):
    spec = load_spec(path)
    for number, point in enumerate(spec.points):
        drawn = {canonical(complete(point, spec.space, seed, number)) for seed in range(8)}
        assert len(drawn) == 1, point["name"]


@pytest.mark.slow(reason="networks of the papers, at their size")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_can_be_planned_on_images_of_its_shape(path, tmp_path):
    spec = synthetic(path)
    plan = make_plan(spec, tmp_path, samples=2)
    assert (len(plan.facts.classes), plan.facts.channels) == IMAGES[path.stem]
    assert len(plan.samples) == 2
    if path in STUDIES:
        assert plan.size == len(spec.points)
        assert not [note for note in plan.warnings if "skipped" in note]


@pytest.mark.parametrize("path", [ROOT / "uecfood.yaml", STUDIES[-1]], ids=lambda path: path.stem)
def test_absent_weights_are_one_line_that_names_the_file_to_place(path, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody listens: the same on every machine
    plan = make_plan(synthetic(path, "parameters.weights.value=imagenet"), tmp_path, samples=2)
    assert len(plan.samples) == 2
    with pytest.raises(PreflightError) as caught:
        plan.require_weights()
    folder = str(tmp_path / "hub" / "checkpoints")
    assert any(f"{folder}/{name}-" in str(caught.value) for name in ("vgg16", "resnet50"))
    assert "\n" not in str(caught.value)
    assert "ownloading" not in "".join(capfd.readouterr())


@pytest.mark.slow(reason="networks of torchvision are built for every draw")
def test_absent_weights_name_the_one_override_that_goes_on_without_them(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    plan = make_plan(
        synthetic(ROOT / "uecfood.yaml", "parameters.weights.value=imagenet"), tmp_path, samples=2
    )
    words = "or go on without them: -o 'parameters.architecture=[cnn]'"
    with pytest.raises(PreflightError, match=r"so are those of (resnet50|vgg16)") as caught:
        plan.require_weights()
    assert str(caught.value).endswith(words)
    without = synthetic(ROOT / "uecfood.yaml", "parameters.architecture=[cnn]")
    assert "backbone" not in without.parameters
    make_plan(without, tmp_path, samples=2).require_weights()


def test_only_images_that_a_point_asks_for_are_prepared():
    spec = synthetic(ROOT / "studies" / "uecfood_2017.yaml")
    assert pixel_sizes(spec) == (48, 64, 128, 256)
    assert sorted(image_variants(spec)) == [
        (48, "none"), (64, "none"), (128, "none"), (128, "standardize"), (256, "none"),
    ]  # fmt: skip


def test_images_of_a_search_are_prepared_in_every_combination():
    spec = load_spec(ROOT / "digits.yaml")
    assert len(image_variants(spec)) == 2 * 3


def test_points_alone_without_any_point_are_refused(tmp_path):
    spec = load_spec(ROOT / "digits.yaml", ["search={algorithm: points}"])
    with pytest.raises(SpecError, match="'points' runs the points alone, and there are none"):
        make_plan(spec, tmp_path)

"""What a launch says of figures that mean nothing, before and after it is run."""

import pytest
from PIL import Image

QUICK = ("-o", "budget.trials=1", "-o", "train.epochs=1", "-o", "scheduler={type: none}")
QUICK += ("-o", "parameters={pixels: [8], layers: [1], filters: [4]}")
FEW = ("-o", "dataset={source: synthetic, classes: 3, per_class: 20}", "-o", "objective.metric=valid/top5")


@pytest.mark.slow(reason="a launch is planned, which loads torch")
def test_a_launch_warns_of_an_objective_that_tells_no_networks_apart(say, runs, digits) -> None:
    said = say("launch", digits, *QUICK, *FEW, "--runner", "simulated", "-o", "name=few")
    assert said.code == 0, said.err
    assert "warning: top-5 of 3 classes is always 100 %: use objective.metric: valid/top1\n" in said.err
    assert "this means nothing: top-5 of 3 classes is always 100 %" in " ".join(said.out.split())


@pytest.mark.slow(reason="trains a network")
def test_without_images_for_the_test_nothing_is_tested_and_that_is_said(say, runs, digits) -> None:
    split = "dataset.split={train: 0.7, valid: 0.3, test: 0}"
    said = say("launch", digits, *QUICK, "-o", split, "--runner", "local", "-q", "-o", "name=untested")
    assert said.code == 0, said.err
    shown = say("best", "untested").out
    assert "not tested: no image is kept for the test (dataset.split.test)" in shown
    assert "test/top1" not in shown


@pytest.mark.slow(reason="a launch is planned, which loads torch")
def test_inspect_plan_and_launch_say_how_the_folders_were_read(say, runs, digits, tmp_path) -> None:
    for number, name in enumerate(("train/cat", "train/dog", "val/cat", "val/dog")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for shade in range(4):
            image = Image.new("L", (9, 9), 16 * number + 3 * shade)
            image.save(tmp_path / "photos" / name / f"{shade}.png")
    dataset = f"dataset={{source: image_folder, root: {tmp_path / 'photos'}}}"
    given = (digits, *QUICK, "-o", dataset, "-o", "name=folders")
    reading = "train/ is the train split, val/ is the valid split"
    assert reading in say("data", "inspect", *given[:1], *given[-4:], "--no-sheet").out
    assert reading in say("plan", *given).out
    said = say("launch", *given, "--runner", "simulated")
    assert said.code == 0, said.err
    assert f"images: {reading}\n" in said.err

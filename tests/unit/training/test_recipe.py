import pytest

from sweeper.config.sections import TrainSpec
from sweeper.errors import PreflightError, SpecError
from sweeper.training.network import check_buildable
from sweeper.training.recipe import compose

TRAIN = TrainSpec()


def test_each_parameter_goes_to_the_part_that_knows_it():
    recipe = compose(
        {
            "architecture": "cnn", "layers": 3, "filters": [32, 64, 64], "dropout": 0.2, "pixels": 8,
            "augmentation": "basic", "rotation": 15.0, "normalization": "standardize",
            "learning_rate": 0.003, "optimizer": "sgd",
        },
        TRAIN,
    )  # fmt: skip
    assert recipe.architecture == "cnn"
    assert recipe.model_options["filters"] == [32, 64, 64]
    assert recipe.model_options["kernel"] == 3
    assert recipe.augmentation_options["rotation"] == 15.0
    assert (recipe.train.learning_rate, recipe.train.optimizer) == (0.003, "sgd")
    assert recipe.train.epochs == TRAIN.epochs
    assert (recipe.pixels, recipe.normalization) == (8, "standardize")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"layerz": 3}, "nothing knows the parameter 'layerz'; did you mean 'layers'"),
        ({"architecture": "cnnn"}, "no model is called 'cnnn'; did you mean 'cnn'"),
        ({"architecture": 3}, "architecture: found 3"),
        ({"layers": 9}, "layers: found 9, input should be less than or equal to 8"),
        ({"layers": "many"}, "layers: found 'many'"),
        ({"filters": [16, -1, 16]}, "filters"),
        ({"dropout": 1.0}, "dropout: found 1.0"),
        ({"pooling": "min"}, "pooling: found 'min'"),
        ({"learning_rate": -1.0}, "learning_rate: found -1.0"),
        ({"optimizer": "adamx"}, "optimizer: found 'adamx', input should be"),
        ({"pixels": 0}, "pixels: found 0"),
        ({"pixels": "48"}, "pixels: found '48'"),
        ({"normalization": "zcaa"}, "no normalization is called 'zcaa'"),
        ({"augmentation": "basics"}, "did you mean 'basic'"),
        ({"rotation": 10}, "augmentation 'none' has no parameter 'rotation'; add `when: {augmentation:"),
        ({"augmentation": "basic", "rotation": 500.0}, "rotation: found 500.0"),
    ],
)
def test_a_wrong_parameter_is_one_clear_line(config, message):
    with pytest.raises(SpecError) as caught:
        compose(config, TRAIN)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "pixels", "message"),
    [
        ({"layers": 4}, 8, "pooled below 1 px at block 4 of 4: 8 px"),
        ({"layers": 4}, 8, "allow at most 3 blocks"),
        ({"layers": 1}, 1, "allow no block at all"),
        ({"layers": 2, "padding": "valid", "kernel": 5}, 8, "at block 2 of 2"),
        ({"layers": 1, "padding": "valid", "kernel": 9}, 8, "at block 1 of 1"),
        ({"layers": 3, "stride": 2}, 16, "at block 3 of 3"),
        ({"layers": 3, "filters": [8, 8]}, 8, "filters has 2 values for 3 layers"),
        ({"architecture": "lenet5"}, 8, "lenet5 leaves less than 1 px of 8 px"),
        (
            {"architecture": "pretrained", "backbone": "vgg11", "weights": "none"},
            8,
            "vgg11 takes images of at least 32 px, found 8",
        ),
        (
            {"architecture": "pretrained", "backbone": "vit_b_16", "weights": "none"},
            50,
            "vit_b_16 takes images of a multiple of 16 px, found 50; write pixels: 48 or 64",
        ),
        (
            {"architecture": "pretrained", "backbone": "maxvit_t", "weights": "none"},
            48,
            "maxvit_t takes images of a multiple of 224 px, found 48; write pixels: 224",
        ),
    ],
)
def test_a_network_that_cannot_be_is_refused_with_the_reason(config, pixels, message):
    recipe = compose({**config, "pixels": pixels}, TRAIN)
    with pytest.raises(SpecError) as caught:
        check_buildable(recipe, shape=(1, pixels, pixels), classes=10)
    assert message in str(caught.value)


def test_absent_weights_stop_the_plan_rather_than_one_configuration(tmp_path):
    config = {"architecture": "pretrained", "weights": str(tmp_path / "gone.pt"), "pixels": 64}
    with pytest.raises(PreflightError, match="there is no file"):
        check_buildable(compose(config, TRAIN), shape=(3, 64, 64), classes=10)


@pytest.mark.parametrize(("normalization", "inputs"), [("none", "unit"), ("standardize", "normalized")])
def test_a_pretrained_network_is_told_what_its_inputs_are(normalization, inputs):
    config = {"architecture": "pretrained", "weights": "none", "normalization": normalization}
    assert compose(config, TRAIN).model_options["inputs"] == inputs


def test_what_can_be_built_is_let_through():
    check_buildable(compose({"layers": 3, "pixels": 8}, TRAIN), shape=(3, 8, 8), classes=1)


def test_ema_and_lookahead_exclude_each_other():
    with pytest.raises(SpecError, match="lookahead: ema and lookahead both take the place"):
        compose({"ema": 0.9, "lookahead": 5}, TRAIN)

import json

import pytest

from sweeper.config.named_recipes import RECIPES
from sweeper.config.parameter import Choice, Constant
from sweeper.config.sections import TrainSpec
from sweeper.config.spec import parse_spec, restore_spec
from sweeper.errors import SpecError
from sweeper.training.recipe import compose

MINIMAL = "name: small\ndataset: {source: digits}\nparameters: {layers: [2, 3]}\n"


@pytest.mark.parametrize("name", list(RECIPES))
def test_a_recipe_fills_in_what_the_file_leaves_out_and_every_part_knows_its_keys(name) -> None:
    spec = parse_spec(MINIMAL + f"recipe: {name}\n")
    assert spec.recipe_values == RECIPES[name].values
    assert {key: getattr(spec.train, key) for key in RECIPES[name].train} == RECIPES[name].train
    recipe = compose({n: p.value for n, p in spec.parameters.items() if isinstance(p, Constant)}, spec.train)
    assert {key: recipe.model_options[key] for key in RECIPES[name].network} == RECIPES[name].network


def test_a_file_without_a_recipe_is_plain_and_plain_changes_nothing() -> None:
    plain, named = parse_spec(MINIMAL), parse_spec(MINIMAL + "recipe: plain\n")
    assert plain.digest == named.digest
    assert plain.train == TrainSpec()
    assert list(plain.parameters) == ["layers"]


def test_each_key_of_a_recipe_can_be_set_or_searched_by_the_file() -> None:
    spec = parse_spec(
        "name: small\ndataset: {source: digits}\nrecipe: fast\n"
        "parameters: {whitening: [true, false], label_smoothing: [0.0, 0.1], augmentation: none}\n"
        "train: {optimizer: sgd}\n",
        overrides=["train.schedule=cosine"],
    )
    assert isinstance(spec.parameters["whitening"], Choice)
    assert spec.parameters["augmentation"] == Constant(value="none")
    assert (spec.train.optimizer, spec.train.schedule, spec.train.label_smoothing) == ("sgd", "cosine", 0.0)
    own = {"whitening", "label_smoothing", "augmentation", "optimizer", "schedule"}
    assert set(RECIPES["fast"].values) - set(spec.recipe_values) == own


def test_an_unknown_recipe_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(
        SpecError, match=r"<text>:4: recipe: found 'quick', expected .*study2017.*plain.*fast"
    ):
        parse_spec(MINIMAL + "recipe: quick\n")
    with pytest.raises(SpecError, match="did you mean 'fast'"):
        parse_spec(MINIMAL + "recipe: fats\n")
    with pytest.raises(SpecError, match=r"recipe: found \[1\]"):
        parse_spec(MINIMAL + "recipe: [1]\n")


def test_a_recipe_holds_for_cnn_alone_where_other_networks_are_searched() -> None:
    two = parse_spec(
        "name: small\ndataset: {source: digits}\nrecipe: fast\n"
        "parameters: {architecture: {values: [cnn, lenet5]}, pixels: 32}\n"
    )
    for key, value in RECIPES["fast"].values.items():
        assert two.parameters[key] == Constant(value=value, when={"architecture": ["cnn"]})
    assert two.train == TrainSpec()
    other = parse_spec(
        "name: small\ndataset: {source: digits}\nrecipe: fast\n"
        "parameters: {architecture: lenet5, pixels: 32}\n"
    )
    assert set(other.parameters) == {"architecture", "pixels", "augmentation", "normalization"}


def test_a_record_means_the_same_whatever_becomes_of_a_recipe() -> None:
    spec = parse_spec(MINIMAL + "recipe: fast\n")
    kept = json.loads(json.dumps(spec.resolved()))
    assert kept["train"]["optimizer"] == RECIPES["fast"].train["optimizer"]
    assert restore_spec(kept, name="sweep.yaml").digest == spec.digest
    kept["train"]["optimizer"] = "sgd"
    assert restore_spec(kept, name="sweep.yaml").train.optimizer == "sgd"


def test_a_key_that_comes_from_the_recipe_is_said_to() -> None:
    spec = parse_spec(MINIMAL + "recipe: fast\ntrain: {epochs: 3}\n")
    places = [spec.where(path) for path in ("parameters.whitening", "train.optimizer", "train.epochs")]
    assert places == ["recipe fast", "recipe fast", "<text>:5"]

"""This module works out what a configuration computes and holds in memory, without computing anything."""

from dataclasses import dataclass

import torch
from torch import nn

from sweeper.config.spec import SweepSpec
from sweeper.cost import Work, terms
from sweeper.data.dataset import DataFacts
from sweeper.models.parts.count import LayerRow, count, layer_table
from sweeper.models.parts.flip_average import views_of
from sweeper.store.paths import cache_root
from sweeper.training.batch import planned_batch, rate_text
from sweeper.training.device import default_device
from sweeper.training.network import build
from sweeper.training.parameter_groups import parameter_groups
from sweeper.training.recipe import Recipe, area_share, can_share, compose, without_file
from sweeper.training.validation import evaluation_batch
from sweeper.trial import Config

_EXACT_ZCA = 3_072  # numbers of an image up to which the whitening matrix is whole
_ZCA_RANK = 1_024
_BYTES = 4  # of a number in fp32; bf16 halves the activations
_STATES = {
    "sgd": 3,
    "rmsprop": 3,
    "adam": 4,
    "adamw": 4,
    "muon": 3,
}  # weight, gradient, and the optimizer's memory


@dataclass(frozen=True, slots=True)
class NetworkCost:
    """One configuration's network and what an epoch of it takes.

    `memory` is in bytes, of a training step: activations of a batch, weights, gradients, optimizer. `trained`
    is what the optimizer moves, `checkpoint` the bytes of one.
    """

    layers: tuple[LayerRow, ...]
    parameters: int
    trained: int
    memory: int
    checkpoint: int
    work: Work

    @property
    def operations(self) -> float:
        """What an epoch computes, the first of the terms by which its seconds are foreseen."""
        return terms(self.work)[0]


@dataclass(frozen=True, slots=True)
class Sample:
    """One configuration and the network that it stands for."""

    name: str
    config: Config
    size: NetworkCost

    @property
    def parameters(self) -> int:
        """The number of parameters, as Keras counts them."""
        return self.size.parameters

    @property
    def layers(self) -> tuple[LayerRow, ...]:
        """The layers, in the order of the forward pass."""
        return self.size.layers

    @property
    def flops(self) -> int:
        """The operations of one image's forward pass."""
        return sum(row.flops for row in self.layers)


def size_of(config: Config, spec: SweepSpec, facts: DataFacts) -> NetworkCost:
    """Build the network on the meta device, in about 10 ms; SpecError where it cannot be built."""
    recipe = compose(config, spec.train)
    shape = (facts.channels, recipe.pixels, recipe.pixels)
    with torch.device("meta"):
        module = build(without_file(recipe), shape=shape, classes=len(facts.classes))
    rows = tuple(layer_table(module, shape))
    is_shared = can_share(recipe)
    work = _work(recipe, module, rows, facts, is_shared=is_shared)
    trained = sum(p.numel() for p in module.parameters() if p.requires_grad)
    states = _STATES[recipe.train.optimizer]
    held = (
        work.values * _batch(recipe, facts)
        + sum(p.numel() for p in module.parameters())
        + (states - 1) * trained
    )
    parameters = count(module)
    kept = trained if is_shared else parameters
    if recipe.train.ema or recipe.train.lookahead:  # a copy, and so are those of the checkpoint
        held, kept = held + parameters, kept + trained
    return NetworkCost(
        rows, parameters, trained, int(_BYTES * held), _BYTES * (kept + (states - 2) * trained), work
    )


def parameter_count(config: Config, spec: SweepSpec, *, channels: int, classes: int) -> int:
    """How many parameters the configuration's network has; needs no file of weights."""
    recipe = compose(config, spec.train)
    with torch.device("meta"):
        return count(
            build(without_file(recipe), shape=(channels, recipe.pixels, recipe.pixels), classes=classes)
        )


def automatic_text(config: Config, spec: SweepSpec, facts: DataFacts) -> str:
    """Say in a line which batch `auto` is, and what the rate becomes; empty where the file has a number."""
    recipe = compose(config, spec.train)
    if recipe.train.batch_size != "auto":
        return ""
    is_measured = default_device().type == "cuda"
    more = "; a GPU is measured by the first trial of a kind" if is_measured else ""
    return rate_text(recipe.train, _batch(recipe, facts)) + more


def _work(
    recipe: Recipe, module: nn.Module, rows: tuple[LayerRow, ...], facts: DataFacts, *, is_shared: bool
) -> Work:
    """Where a frozen backbone's vectors are shared, an epoch computes the head alone."""
    counted = [row for row in rows if not is_shared or row.name.startswith("head")]
    inputs = facts.channels * recipe.pixels**2
    train, valid = facts.per_split["train"], facts.per_split["valid"]
    batch = min(_batch(recipe, facts), max(1, train))
    views = views_of(module)
    at_once = evaluation_batch((facts.channels, recipe.pixels, recipe.pixels), default_device())
    steps = max(1, -(-train // batch))  # all of one size, as training.batch.even_batches makes them
    return Work(
        flops=sum(row.flops for row in counted),
        values=sum(_product(row.output) for row in counted),
        layers=len(counted),
        parameters=sum(p.numel() for p in module.parameters() if p.requires_grad),
        inputs=0 if is_shared else inputs,
        steps=steps,
        train_images=round(train // steps * steps * area_share(recipe)),
        valid_images=views * valid,
        valid_steps=views * -(-valid // at_once),
        transform=0 if is_shared else _transform(recipe.normalization, inputs),
        augmentation=0 if recipe.augmentation == "none" else inputs,
        update=_orthogonalization(module, recipe) if recipe.train.optimizer == "muon" else 0.0,
    )


def _orthogonalization(module: nn.Module, recipe: Recipe) -> float:
    """The operations of Muon's five Newton-Schulz iterations, each of three products, on every matrix."""
    weights: list[nn.Parameter] = parameter_groups(module, recipe.train)[0]["params"]
    sides = (sorted((len(weight), weight[0].numel())) for weight in weights)
    return sum(5 * (4.0 * short**2 * long + 2.0 * short**3) for short, long in sides)


def _batch(recipe: Recipe, facts: DataFacts) -> int:
    size = recipe.train.batch_size
    if size != "auto":
        return size
    return planned_batch(
        recipe,
        shape=(facts.channels, recipe.pixels, recipe.pixels),
        classes=len(facts.classes),
        images=facts.per_split["train"],
        device=default_device(),
        cache=cache_root(),
    )


def _product(shape: tuple[int, ...]) -> int:
    total = 1
    for side in shape:
        total *= side
    return total


def _transform(normalization: str, inputs: int) -> float:
    """The operations of whitening one image; other normalizations take too few to count."""
    if normalization != "zca":
        return 0.0
    return 2.0 * inputs * (inputs if inputs <= _EXACT_ZCA else 2 * min(inputs, _ZCA_RANK))

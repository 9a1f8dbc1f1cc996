"""Turns a trial's flat configuration into what it is made of: network, training, images. Builds nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from sweeper.config.sections import TrainSpec
from sweeper.data.augment import augmentation
from sweeper.data.normalize import normalization
from sweeper.errors import Mistakes, SpecError
from sweeper.models import model
from sweeper.registry import Registry, first_problem, nearest
from sweeper.trial import Config

DEFAULT_ARCHITECTURE = "cnn"
DEFAULT_PIXELS = 64
_GRID = 4  # sizes that images grow through are multiples of it, where they have so many pixels


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that a trial is made of, checked and with its defaults filled in."""

    architecture: str
    model_options: Mapping[str, Any]
    train: TrainSpec
    pixels: int
    augmentation: str = "none"
    augmentation_options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    normalization: str = "none"
    normalization_options: Mapping[str, Any] = field(default_factory=dict[str, Any])


def can_share(recipe: Recipe) -> bool:
    """Return whether all trials with this recipe's backbone see the same vectors in every epoch."""
    options = recipe.model_options
    return (
        recipe.architecture == "pretrained"
        and options["freeze"] == "all"
        and options["weights"] != "none"
        and not (options["backbone"].startswith("timm/") and options["weights"] == "imagenet")
        and recipe.augmentation == "none"
    )


def stage_sizes(pixels: int, begin: float) -> tuple[int, int, int]:
    """Return the sizes of the three stages: the share `begin` of the pixels, halfway from there, and all.

    Progressive resizing (Howard 2018, in fast.ai's entry for DAWNBench); stages of equal length as in
    Tan and Le 2021, arXiv:2104.00298.
    """
    return _on_grid(pixels, begin), _on_grid(pixels, (1 + begin) / 2), pixels


def stage_of(epoch: int, epochs: int) -> int:
    """Return the stage, 0 to 2, of an epoch that counts from 1; fewer than three epochs skip the first."""
    return 2 - min(2, 3 * (epochs - epoch) // epochs)


def area_share(recipe: Recipe) -> float:
    """Return how many pixels training sees, as a share of those that it would see at full size throughout."""
    epochs = recipe.train.epochs
    if recipe.train.progressive == 1:
        return 1.0
    sizes = stage_sizes(recipe.pixels, recipe.train.progressive)
    seen = sum(sizes[stage_of(epoch, epochs)] ** 2 for epoch in range(1, epochs + 1))
    return seen / (epochs * recipe.pixels**2)


def _on_grid(pixels: int, share: float) -> int:
    grid = _GRID if pixels >= 2 * _GRID else 1
    return min(pixels, max(grid, round(pixels * share / grid) * grid))


def compose(config: Config, train: TrainSpec) -> Recipe:
    """Give each parameter of the configuration to the part that knows it.

    A parameter named like a setting of the `train` section takes its place. SpecError names a parameter
    that no part of this configuration knows, or a value that its part refuses.
    """
    rest = dict(config)
    architecture = _name(rest, "architecture", model, DEFAULT_ARCHITECTURE)
    augment = _name(rest, "augmentation", augmentation)
    normalize = _name(rest, "normalization", normalization)
    model_options = _taken(rest, model.options(architecture))
    if "inputs" in model.options(architecture):
        model_options.setdefault("inputs", "unit" if normalize == "none" else "normalized")
    settings = _taken(rest, TrainSpec.model_fields)
    augment_options = _taken(rest, augmentation.options(augment))
    normalize_options = _taken(rest, normalization.options(normalize))
    pixels = _pixels(rest.pop("pixels", DEFAULT_PIXELS))
    mistakes = Mistakes()
    for key in rest:
        with mistakes.collected():
            raise _unknown(key, architecture=architecture, augmentation=augment, normalization=normalize)
    checked: dict[str, Any] = {}
    for part, check in {
        "model": lambda: model.check(architecture, model_options),
        "train": lambda: _train_settings(train, settings),
        "augmentation": lambda: augmentation.check(augment, augment_options),
        "normalization": lambda: normalization.check(normalize, normalize_options),
    }.items():
        with mistakes.collected():
            checked[part] = check()
    mistakes.refuse()
    recipe = Recipe(
        architecture=architecture,
        model_options=checked["model"],
        train=checked["train"],
        pixels=pixels,
        augmentation=augment,
        augmentation_options=checked["augmentation"],
        normalization=normalize,
        normalization_options=checked["normalization"],
    )
    _refuse_exclusive(recipe)
    return recipe


def _refuse_exclusive(recipe: Recipe) -> None:
    """SpecError where two options contradict each other."""
    policy = recipe.augmentation_options
    if policy.get("flip_alternating") and policy.get("flip_horizontal"):
        raise SpecError(
            "flip_alternating and flip_horizontal both mirror the images",
            hint="keep one of them",
            path="flip_horizontal",
        )
    if recipe.train.progressive < 1 and recipe.train.compile:
        raise SpecError(
            "a compiled network would be compiled anew for each size of progressive",
            hint="keep one of them",
            path="progressive",
        )
    if recipe.train.ema and recipe.train.lookahead:
        raise SpecError(
            "ema and lookahead both take the place of the trained weights",
            hint="keep one of them",
            path="lookahead",
        )


def _name(rest: dict[str, Any], key: str, registry: Registry[Any], default: str = "none") -> str:
    """The plug-in that the parameter of that name chooses."""
    value = rest.pop(key, default)
    if not isinstance(value, str):
        raise SpecError(f"found {value!r}, expected a name", path=key)
    try:
        registry.options(value)
    except SpecError as error:
        raise SpecError(error.problem, hint=error.hint, path=key) from error
    return value


def _pixels(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 4096:
        raise SpecError(f"found {value!r}, expected a whole number from 1 to 4096", path="pixels")
    return value


def _taken(rest: dict[str, Any], known: Iterable[str]) -> dict[str, Any]:
    return {key: rest.pop(key) for key in set(known) & set(rest)}


def _train_settings(train: TrainSpec, settings: Mapping[str, Any]) -> TrainSpec:
    try:
        return TrainSpec.model_validate({**train.model_dump(), **settings})
    except ValidationError as error:
        raise first_problem(error) from error


def _unknown(key: str, **chosen: str) -> SpecError:
    """Name the plug-ins of the same kind that do have a parameter of that name."""
    registries: dict[str, Registry[Any]] = {
        "architecture": model,
        "augmentation": augmentation,
        "normalization": normalization,
    }
    known = {*registries, "pixels", *TrainSpec.model_fields}
    for kind, registry in registries.items():
        known |= set(registry.options(chosen[kind]))
        owners = [name for name in registry if key in registry.options(name)]
        if owners:
            hint = f"add `when: {{{kind}: {owners[0]}}}` to it"
            return SpecError(f"{kind} {chosen[kind]!r} has no parameter {key!r}", hint=hint, path=key)
    return SpecError(f"nothing knows the parameter {key!r}", hint=nearest(key, known), path=key)


def without_file(recipe: Recipe) -> Recipe:
    """The same recipe without its file of weights, which does not change its size."""
    if "weights" not in recipe.model_options:
        return recipe
    return replace(recipe, model_options={**recipe.model_options, "weights": "none"})

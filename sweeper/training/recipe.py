"""Turns a trial's flat configuration into what is built from it: network, training, images."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from sweeper.config.sections import TrainSpec
from sweeper.data.augment import augmentation
from sweeper.data.normalize import normalization
from sweeper.errors import SpecError, StateError, SweeperError
from sweeper.models import Shape, model
from sweeper.models.parts.initial_weights import initialize
from sweeper.registry import Registry, first_problem, nearest
from sweeper.trial import Config, derive

DEFAULT_ARCHITECTURE = "cnn"
DEFAULT_PIXELS = 64


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
    if rest:
        raise _unknown(
            next(iter(rest)), architecture=architecture, augmentation=augment, normalization=normalize
        )
    return Recipe(
        architecture=architecture,
        model_options=model.check(architecture, model_options),
        train=_train_settings(train, settings),
        pixels=pixels,
        augmentation=augment,
        augmentation_options=augmentation.check(augment, augment_options),
        normalization=normalize,
        normalization_options=normalization.check(normalize, normalize_options),
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


def build(recipe: Recipe, *, shape: Shape, classes: int) -> nn.Module:
    """Build the network on the default device; its weights are not drawn yet."""
    return model[recipe.architecture](shape, classes, **recipe.model_options)


def build_initialized(recipe: Recipe, *, shape: Shape, classes: int, seed: int) -> nn.Module:
    """Build the network with which training starts: the seed alone decides its weights."""
    module = build(recipe, shape=shape, classes=classes)
    initialize(module, torch.Generator().manual_seed(derive(seed, "weights")))
    return module


def portable_state(module: nn.Module) -> dict[str, Tensor]:
    """Return the weights that a checkpoint needs: all but those of a frozen part that come from a file."""
    left_out = tuple(_frozen_from_file(module))
    return {name: value for name, value in module.state_dict().items() if not name.startswith(left_out)}


def restore_state(module: nn.Module, state: Mapping[str, Tensor], where: str = "") -> None:
    """Fill `module` with what `portable_state` gave; StateError where that is of another network."""
    missing = {name for name in module.state_dict() if name not in state}
    missing -= {name for name in missing if name.startswith(tuple(_frozen_from_file(module)))}
    unknown = set(state) - set(module.state_dict())
    if wrong := sorted(missing | unknown):
        raise StateError(f"the checkpoint is of another network: {wrong[0]}", where=where)
    module.load_state_dict(state, strict=False)


def _frozen_from_file(module: nn.Module) -> Iterator[str]:
    for name, part in module.named_modules():
        if getattr(part, "is_loaded", False) and not any(p.requires_grad for p in part.parameters()):
            yield f"{name}."


def check_buildable(recipe: Recipe, *, shape: Shape, classes: int) -> None:
    """Build on the meta device and pass one image through, which takes neither memory nor time.

    SpecError gives the reason why the network cannot be.
    """
    try:
        with torch.device("meta"), torch.no_grad():
            module = build(recipe, shape=shape, classes=classes).eval()
            logits = module(torch.empty(1, *shape))
    except (RuntimeError, ValueError, AssertionError) as error:  # torch._assert is how ViT refuses a size
        if isinstance(error, SweeperError):
            raise
        reason = str(error).splitlines()[0]
        problem = f"{recipe.architecture} cannot be built at {shape[1]} px: {reason}"
        raise SpecError(problem, hint="more pixels or fewer layers") from error
    if tuple(logits.shape) != (1, classes):
        raise SpecError(f"{recipe.architecture} gives {tuple(logits.shape)} in place of (1, {classes})")

"""Builds a recipe's network, fills it with the seed's or a checkpoint's weights, tries it on one image."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from sweeper.errors import SpecError, StateError, SweeperError
from sweeper.models import Shape, model
from sweeper.models.parts.initial_weights import initialize
from sweeper.models.parts.shape_pass import shape_pass
from sweeper.training.parameter_groups import check_optimizer
from sweeper.training.recipe import Recipe
from sweeper.trial import derive


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


def refuse_idle_weights(recipe: Recipe) -> None:
    """SpecError where frozen parts would keep the values that were drawn, and never learn."""
    weights, freeze = (recipe.model_options.get(name) for name in ("weights", "freeze"))
    if weights == "none" and freeze not in ("none", 0):
        raise SpecError(
            f"weights: none with freeze: {freeze} keeps random weights that never learn",
            hint="write freeze: none, or weights: imagenet or a file",
            path="freeze",
        )


def check_buildable(recipe: Recipe, *, shape: Shape, classes: int) -> tuple[str, ...]:
    """Build without weights and pass no image through, which takes neither memory nor time.

    SpecError gives the reason why the network cannot be, or cannot be trained by its optimizer. What is
    returned are notes on the file that its weights come from.
    """
    try:
        with torch.device("meta"):
            module = build(recipe, shape=shape, classes=classes).eval()
        logits = shape_pass(lambda forward, images: forward(images), module, shape)
    except (RuntimeError, ValueError, AssertionError) as error:  # torch._assert is how ViT refuses a size
        if isinstance(error, SweeperError):
            raise
        reason = str(error).splitlines()[0]
        problem = f"{recipe.architecture} cannot be built at {shape[1]} px: {reason}"
        raise SpecError(problem, hint="more pixels or fewer layers") from error
    if tuple(logits.shape[1:]) != (classes,):
        found = tuple(logits.shape[1:])
        raise SpecError(f"{recipe.architecture} gives {found} for an image in place of ({classes},)")
    check_optimizer(module, recipe.train)
    return tuple(getattr(module, "notes", ()))

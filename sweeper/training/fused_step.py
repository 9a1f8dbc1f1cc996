"""One step for several networks of equal shape: their layers are computed together, nothing is shared.

The parameters of all lie in stacks, of which each network's own are views. `torch.func.vmap` makes grouped
convolutions and batched products of the layers; losses, clipping and updates stay each network's own, so that
what is no number in one never reaches another.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from sweeper.models.parts.random_layers import Dropout, SeededLayer, random_layers
from sweeper.training.device import autocast
from sweeper.training.optim import loss_normalizer
from sweeper.training.step import Stepper

Batch = tuple[Tensor, Tensor]


def signature(module: nn.Module) -> str:
    """Say all that must be equal of networks that are computed as one: layers, shapes, what learns.

    What is dropped and how much is not part of it.
    """
    layers = [
        f"{name}:{type(part).__name__}({part.extra_repr()})"
        for name, part in module.named_modules()
        if not isinstance(part, Dropout)
    ]
    named = [*module.named_parameters(), *module.named_buffers()]
    tensors = [f"{name}:{tuple(each.shape)}:{each.dtype}:{each.requires_grad}" for name, each in named]
    return "\n".join((*layers, *tensors))


def dropping(module: nn.Module) -> frozenset[str]:
    """Return the places of its layers that drop something."""
    return frozenset(name for name, part in module.named_modules() if isinstance(part, Dropout))


@dataclass(frozen=True, slots=True)
class _Decision:
    """A layer that draws, in the order of the forward pass, and the shape and strides of what it draws."""

    place: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class FusedStep:
    """Computes the gradients of all networks from a batch each, and each one's mean loss, on the device.

    The first of them has all layers that drop something in any other. Building it moves the weights of the
    networks into stacks; the networks themselves, their optimizers and averages go on working as if they
    were alone.
    """

    def __init__(self, steppers: Sequence[Stepper]) -> None:
        self._steppers = steppers
        self._modules = [stepper.module for stepper in steppers]
        self._skeleton = _copied(self._modules[0])
        self._parameters = {
            name: _stacked([dict(module.named_parameters())[name] for module in self._modules])
            for name, _ in self._modules[0].named_parameters()
        }
        self._buffers = {
            name: _stacked([dict(module.named_buffers())[name] for module in self._modules])
            for name, _ in self._modules[0].named_buffers()
        }
        self._named = [_named_random_layers(module) for module in self._modules]
        self._own = [dict(module.named_parameters()) for module in self._modules]
        self._decisions: Sequence[_Decision] = ()
        self._seen: Sequence[int] = ()

    def __call__(self, batches: Sequence[Batch]) -> list[Tensor]:
        """Leave the gradients at each network's weights; the images of all have one shape."""
        images = torch.stack([images for images, _ in batches])
        if self._seen != images.shape:
            self._decisions, self._seen = _recorded(_copied(self._modules[0]), images[0]), images.shape
        first = self._steppers[0]
        with autocast(first.device, first.dtype):
            logits = self._forward(images, self._drawn(images))
        losses = [
            stepper.loss(own, labels) / loss_normalizer(labels, stepper.weights)
            for stepper, own, (_, labels) in zip(self._steppers, logits.unbind(), batches, strict=True)
        ]
        scaled = [stepper.scaler.scale(loss) for stepper, loss in zip(self._steppers, losses, strict=True)]
        torch.autograd.backward(scaled)
        for place, own in enumerate(self._own):
            for name, parameter in own.items():
                gradient = self._parameters[name].grad
                parameter.grad = None if gradient is None else gradient[place]
        for parameter in self._parameters.values():
            parameter.grad = None
        return [loss.detach() for loss in losses]

    def _forward(self, images: Tensor, drawn: Sequence[Tensor]) -> Tensor:
        layers = [self._skeleton.get_submodule(each.place) for each in self._decisions]

        def one(
            parameters: Mapping[str, Tensor],
            buffers: Mapping[str, Tensor],
            own: Tensor,
            given: Sequence[Tensor],
        ) -> Tensor:
            for layer, decisions in zip(layers, given, strict=True):
                layer.given = decisions
            return functional_call(self._skeleton, {**parameters, **buffers}, (own,))

        return vmap(one)(self._parameters, self._buffers, images, list(drawn))

    def _drawn(self, images: Tensor) -> list[Tensor]:
        """Let each network draw what it would have drawn alone; what it has no layer for changes nothing."""
        found: list[Tensor] = []
        for each in self._decisions:
            like = torch.empty_strided(each.shape, each.strides, device=images.device)
            layers = [named.get(each.place) for named in self._named]
            found.append(
                torch.stack([layer.decide(like) if layer else torch.ones_like(like) for layer in layers])
            )
        return found


def _named_random_layers(module: nn.Module) -> Mapping[str, SeededLayer]:
    return {name: part for name, part in module.named_modules() if isinstance(part, SeededLayer)}


def _stacked(tensors: Sequence[Tensor]) -> Tensor:
    """Return one tensor that holds all, each of which becomes a view with the strides that it had."""
    first = tensors[0]
    stack = torch.empty_strided(
        (len(tensors), *first.shape), (first.numel(), *first.stride()), dtype=first.dtype, device=first.device
    )
    with torch.no_grad():
        for own, place in zip(tensors, stack, strict=True):
            place.copy_(own)
            own.data = place
    return stack.requires_grad_(first.requires_grad)


def _copied(module: nn.Module) -> nn.Module:
    """Return a copy of the network in training; its generators, which nothing copies, are left out."""
    layers = list(random_layers(module))
    held = [layer.generator for layer in layers]
    for layer in layers:
        layer.generator = None
    made = copy.deepcopy(module).train()
    for layer, generator in zip(layers, held, strict=True):
        layer.generator = generator
    return made


def _recorded(module: nn.Module, images: Tensor) -> list[_Decision]:
    """Return the layers that draw, in the order in which a forward pass of this copy comes by them."""
    names = {part: name for name, part in module.named_modules()}
    found: list[_Decision] = []

    def note(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if isinstance(layer, SeededLayer):
            layer.given = None
            like = layer.like(inputs[0])
            found.append(_Decision(names[layer], tuple(like.shape), tuple(like.stride())))
            layer.given = torch.ones((), device=like.device)

    hooks = [layer.register_forward_pre_hook(note) for layer in random_layers(module)]
    with torch.no_grad():
        module(images)
    for hook in hooks:
        hook.remove()
    return found

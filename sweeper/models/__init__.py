"""Networks: each is one function `(shape, classes, *, options) -> nn.Module`, registered by name.

To add one, put a module here with a decorated function; its keyword-only arguments are the parameters
that a sweep file may search. The module must give logits `[N, classes]`, take its randomness in
training from `parts.random_layers` and leave its initial weights to `parts.initial_weights`.
"""

from collections.abc import Callable

from torch import nn

from sweeper.registry import Registry

Shape = tuple[int, int, int]  # channels, height, width
Model = Callable[..., nn.Module]

model: Registry[Model] = Registry("model", "sweeper.models")

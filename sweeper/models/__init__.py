"""Networks: each is one function `(shape, classes, *, options) -> nn.Module`, registered by name.

To add one, put a module here with a decorated function; its keyword-only arguments are the parameters
that a sweep file may search. The module must give logits `[N, classes]`, take its randomness in
training from `parts.random_layers` and leave its initial weights to `parts.initial_weights`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from sweeper.registry import Registry

if TYPE_CHECKING:  # the names and options of networks are known without torch
    from torch import nn

Shape = tuple[int, int, int]  # channels, height, width
Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"]
Pooling = Literal["max", "avg", "mixed"]
Padding = Literal["same", "valid"]
Scheme = Literal["he_normal", "glorot_uniform", "dirac"]  # of initial weights
Width = Annotated[int, Field(ge=1, le=8192)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Model = Callable[..., "nn.Module"]

model: Registry[Model] = Registry("model", "sweeper.models")

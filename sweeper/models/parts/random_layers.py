"""Layers that draw random numbers in training, each from a generator that it is given.

torch's own dropout draws from the process's global state, so two trials in one process would disturb
each other and a resumed trial would differ from one that ran through.
"""

import itertools
from collections.abc import Iterable
from weakref import WeakValueDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_BITS = 16
_numbers = itertools.count(1)
_numbered: WeakValueDictionary[int, torch.Generator] = WeakValueDictionary()


def _drawn(like: Tensor, probability: float, generator: torch.Generator | None) -> Tensor:
    """Draw ones with that probability, else zeros."""
    if like.device.type == "cpu":
        return _coins(like, probability, generator)
    return torch.empty_like(like).bernoulli_(probability, generator=generator)


@torch.library.custom_op(
    "sweeper::draw",
    mutates_args=(),
    tags=(torch.Tag.nondeterministic_seeded,),  # two draws of one shape are not one
)
def draw_numbered(like: Tensor, probability: float, number: int) -> Tensor:
    """Draw from the generator of that number; at a generator itself torch.compile would break its graph."""
    return _drawn(like, probability, _numbered[number] if number else None)


@draw_numbered.register_fake
def _(like: Tensor, probability: float, number: int) -> Tensor:
    return torch.empty_like(like)


def _coins(like: Tensor, probability: float, generator: torch.Generator | None) -> Tensor:
    """Draw 16 random bits a value in place of torch's 64, on a CPU: 5 times as fast as `bernoulli_`.

    Dropout took an eighth of the training time before. The probability is met to 2**-17.
    """
    count = like.numel()
    words = torch.empty(-(-count * _BITS // 64), dtype=torch.int64)
    drawn = words.random_(-(2**63), None, generator=generator).view(torch.int16)[:count]
    last = max(round(probability * 2**_BITS), 1) - 1 - 2 ** (_BITS - 1)
    coins = torch.empty_like(like)  # dense, whatever the memory format
    torch.le(drawn, last, out=coins.as_strided((count,), (1,)))
    return coins


class SeededLayer(nn.Module):
    """A layer with a generator; without one it falls back to torch's global state.

    Where several networks are computed as one (`sweeper.training.fused`), each layer is `given` what its own
    network decides, because numbers drawn for all at once would not be those of one alone.
    """

    generator: torch.Generator | None = None
    number = 0  # of the generator, by which compiled code finds it
    given: Tensor | None = None

    def like(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape in which decisions are drawn."""
        raise NotImplementedError

    def decide(self, like: Tensor) -> Tensor:
        """Draw the decisions of one training step, of the shape and memory format of `like`."""
        raise NotImplementedError

    def decisions(self, x: Tensor) -> Tensor:
        """Return what is given, else what is drawn now."""
        return self.decide(self.like(x)) if self.given is None else self.given.to(x.dtype)

    def draw(self, like: Tensor, probability: float) -> Tensor:
        """Draw ones with that probability, else zeros."""
        if torch.compiler.is_compiling():
            return draw_numbered(like.detach(), probability, self.number)
        return _drawn(like, probability, self.generator)


class Dropout(SeededLayer):
    """Sets single values to zero in training and scales the others up."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` itself outside training."""
        if not self.training or (self.probability == 0 and self.given is None):
            return x
        return x * self.decisions(x)

    def decide(self, like: Tensor) -> Tensor:
        """Draw factors: 0, or what keeps the mean; without dropout ones, for which nothing is drawn."""
        if self.probability == 0:
            return torch.ones_like(like)
        kept = 1 - self.probability
        return self.draw(like, kept).div_(max(kept, 1e-6))

    def like(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape in which decisions are drawn: one for each value."""
        return x

    def extra_repr(self) -> str:
        """The probability, for layer tables."""
        return f"{self.probability}"


class DropPath(Dropout):
    """Stochastic depth: it leaves a residual branch out for whole images."""

    def like(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape in which decisions are drawn: one for each image."""
        return x.new_empty(len(x), *(1 for _ in x.shape[1:]))


class MixedPool2d(SeededLayer):
    """s = λ·max + (1-λ)·mean with λ drawn as 0 or 1 for each batch; λ = 1/2, its mean, outside training."""

    def __init__(self, kernel: int, stride: int) -> None:
        super().__init__()
        self.kernel = kernel
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Choose on the device, so that nothing waits for the choice."""
        largest = F.max_pool2d(x, self.kernel, self.stride)
        mean = F.avg_pool2d(x, self.kernel, self.stride)
        if not self.training:
            return (largest + mean) / 2
        return torch.where(self.decisions(x).bool(), largest, mean)

    def decide(self, like: Tensor) -> Tensor:
        """Draw one coin for the batch."""
        return self.draw(like, 0.5)

    def like(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape in which decisions are drawn: one for the batch."""
        return x.new_empty(1)

    def extra_repr(self) -> str:
        """The window, for layer tables."""
        return f"{self.kernel}, stride={self.stride}"


def random_layers(module: nn.Module) -> Iterable[SeededLayer]:
    """Return the layers that draw, in a fixed order."""
    return (part for part in module.modules() if isinstance(part, SeededLayer))


def share_generator(module: nn.Module, generator: torch.Generator) -> None:
    """Let every layer that draws take its numbers from one generator, in the order of the forward pass."""
    number = next(_numbers)
    _numbered[number] = generator
    for part in random_layers(module):
        part.generator, part.number = generator, number

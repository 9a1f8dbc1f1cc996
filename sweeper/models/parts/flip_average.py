"""Networks in a line whose answer may be the mean over an image and its mirror image."""

from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager

from torch import Tensor, nn

from sweeper.models import Scheme


class Viewed(nn.Sequential):
    """Layers in a line; outside training their logits are the mean over `views` views of an image, 1 or 2.

    The second view is the mirrored image (Krizhevsky, Sutskever, Hinton 2012; as in airbench94): whoever
    validates, predicts or exports gets the average, at twice the cost of a forward pass.
    """

    def __init__(self, parts: "OrderedDict[str, nn.Module]", *, initial: Scheme, views: int) -> None:
        super().__init__(parts)
        self.initial: Scheme = initial
        self.views = views

    def forward(self, input: Tensor) -> Tensor:
        """Return the logits."""
        logits = super().forward(input)
        if self.training or self.views == 1:
            return logits
        return (logits + super().forward(input.flip(-1))) / 2


def views_of(module: nn.Module) -> int:
    """Return how often the network is computed for an answer."""
    return module.views if isinstance(module, Viewed) else 1


@contextmanager
def single_view(module: nn.Module) -> Generator[None]:
    """Let the network answer from the image alone for the block."""
    before = views_of(module)
    if isinstance(module, Viewed):
        module.views = 1
    try:
        yield
    finally:
        if isinstance(module, Viewed):
            module.views = before

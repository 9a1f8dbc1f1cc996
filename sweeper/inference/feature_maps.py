"""Draws what a network looks for and what it sees: its first filters, and the maps that an image gives."""

import math
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor, nn

from sweeper.data.sources import Pixels
from sweeper.drawing.canvas import alike, figure
from sweeper.errors import SpecError
from sweeper.inference.trained_network import TrainedModel
from sweeper.models.parts.flip_average import single_view
from sweeper.registry import nearest

_MOST_FILTERS = 64
_MOST_LAYERS = 6
_MOST_MAPS = 12  # of a layer


def convolutions(module: nn.Module) -> dict[str, nn.Conv2d]:
    """Return the network's convolutions by name, in the order in which it names them."""
    return {name: part for name, part in module.named_modules() if isinstance(part, nn.Conv2d)}


@alike
def filters_chart(model: TrainedModel) -> Figure:
    """Draw the first convolution's filters: in color where they see colors, else a tile an input channel.

    SpecError for a network without a convolution.
    """
    name, first = next(iter(convolutions(model.module).items()), ("", None))
    if first is None:
        raise SpecError(f"{model.recipe.architecture} has no convolution whose filters could be shown")
    tiles = _tiles(first.weight.detach().float().cpu())
    shown = tiles[:_MOST_FILTERS]
    columns = min(len(shown), max(4, math.ceil(math.sqrt(2 * len(shown)))))
    rows = math.ceil(len(shown) / columns)
    made = figure(0.7 * columns + 0.4, 0.7 * rows + 0.9)
    grid = made.subplots(rows, columns, squeeze=False)
    for axes, tile in zip(grid.flat, [*shown, *[None] * (rows * columns - len(shown))], strict=True):
        _tile(axes, tile)
    more = f", {len(shown)} of {len(tiles)} shown" if len(shown) < len(tiles) else ""
    made.suptitle(f"{name}: {tuple(first.weight.shape)}{more}", fontsize=9)
    return made


def _tiles(weight: Tensor) -> list[NDArray[np.float32]]:
    """Scale each filter to 0 to 1 with zero in the middle: gray is where it does not look."""
    if weight.shape[1] != 3:
        weight = weight.flatten(0, 1).unsqueeze(1)
    largest = weight.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-12)
    scaled = (weight / largest + 1) / 2
    return [tile if tile.shape[2] == 3 else tile[..., 0] for tile in scaled.permute(0, 2, 3, 1).numpy()]


def feature_maps(
    model: TrainedModel, image: Pixels, layers: Sequence[str] = ()
) -> dict[str, NDArray[np.float32]]:
    """Return each layer's maps for one image, (maps, height, width); by default of up to six convolutions.

    SpecError names the nearest layer where one does not exist or gives no maps.
    """
    known = dict(model.module.named_modules())
    for name in layers:
        if name not in known:
            raise SpecError(f"no layer is called {name!r}", hint=nearest(name, filter(None, known)))
    chosen = list(layers) or _spread(list(convolutions(model.module)))
    maps: dict[str, Tensor] = {}
    with single_view(model.module), _noted({name: known[name] for name in chosen}, maps):
        model.probabilities(torch.from_numpy(image.copy()).unsqueeze(0))
    for name in chosen:
        if name not in maps or maps[name].dim() != 4:
            raise SpecError(f"layer {name!r} gives no feature maps", hint="name a convolution or a pooling")
    return {name: maps[name][0].float().cpu().numpy() for name in chosen}


def _spread(names: list[str]) -> list[str]:
    if len(names) <= _MOST_LAYERS:
        return names
    step = (len(names) - 1) / (_MOST_LAYERS - 1)
    return [names[round(step * place)] for place in range(_MOST_LAYERS)]


@contextmanager
def _noted(layers: dict[str, nn.Module], maps: dict[str, Tensor]) -> Generator[None]:
    def note(name: str) -> torch.utils.hooks.RemovableHandle:
        def keep(layer: nn.Module, inputs: tuple[Tensor, ...], output: object) -> None:
            if isinstance(output, Tensor):
                maps[name] = output.detach().clone()

        return layers[name].register_forward_hook(keep)

    handles = [note(name) for name in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@alike
def maps_chart(image: Pixels, maps: dict[str, NDArray[np.float32]], title: str) -> Figure:
    """Draw the image, then a row of maps for each layer: those that vary most, each scaled to itself."""
    made = figure(0.85 * (_MOST_MAPS + 1) + 0.5, 1.05 * len(maps) + 0.7)
    grid = made.subplots(len(maps), _MOST_MAPS + 1, squeeze=False)
    for row, (name, layer) in zip(grid, maps.items(), strict=True):
        liveliest = np.argsort(-layer.reshape(len(layer), -1).std(1), kind="stable")[:_MOST_MAPS]
        _tile(row[0], image.squeeze(-1) if image.shape[2] == 1 else image)
        row[0].set_title(f"{name}\n{'x'.join(map(str, layer.shape))}", fontsize=6)
        shown = [layer[place] for place in np.sort(liveliest)]
        for axes, single in zip(row[1:], [*shown, *[None] * (_MOST_MAPS - len(shown))], strict=True):
            _tile(axes, single, colors="viridis")
    made.suptitle(title, fontsize=9, parse_math=False)
    return made


def _tile(axes: Axes, tile: NDArray[np.generic] | None, colors: str = "gray") -> None:
    axes.axis("off")
    if tile is not None:
        # a filter's tile and a gray photo have fixed ends, a feature map is scaled to its own
        low, high = (0, 255) if tile.dtype == np.uint8 else (0, 1)
        ends = (None, None) if colors == "viridis" else (low, high)
        axes.imshow(tile, cmap=colors, interpolation="nearest", vmin=ends[0], vmax=ends[1])

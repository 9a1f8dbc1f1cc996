"""The layers of a trial's network, from its configuration alone."""

import torch

from sweeper.config.spec import SweepSpec
from sweeper.data.dataset import open_source
from sweeper.models.parts.count import LayerRow, count, layer_table
from sweeper.training.network import build
from sweeper.training.recipe import compose
from sweeper.trial import Config


def layer_rows(config: Config, spec: SweepSpec, classes: int) -> list[LayerRow]:
    """The layers of the network, which is built without memory: no checkpoint is needed.

    Parameters that belong to no layer, such as a transformer's position embedding, are one row at the end.
    """
    recipe = compose(config, spec.train)
    shape = (open_source(spec.dataset).channels, recipe.pixels, recipe.pixels)
    with torch.device("meta"):
        module = build(recipe, shape=shape, classes=classes)
    rows = layer_table(module, shape)
    others = count(module) - sum(row.parameters for row in rows)
    return [*rows, LayerRow("(others)", "", (), others, 0)] if others else rows

"""Exports PyTorch's own traced format, which torch alone loads and which runs no code of ours."""

import json
import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sweeper.export import Format, Predict, exporter
from sweeper.export.parts.servable import Servable

CARD = "card.json"


@exporter("torch_export")
def torch_export() -> Format:
    """A `.pt2` archive: `torch.export.load(path).module()`; the card is its extra file `card.json`."""
    return Format(".pt2", _write, _load)


def traced(model: Servable) -> torch.export.ExportedProgram:
    """Trace the pipeline as a graph for any number of images."""
    rows = torch.export.Dim("rows", min=1)
    with torch.no_grad():
        return torch.export.export(model.pipeline, (model.example,), dynamic_shapes=({0: rows},))


def _write(model: Servable, path: Path) -> None:
    card = json.dumps(model.card, ensure_ascii=False)
    with warnings.catch_warnings():
        # said of views whose storage is larger than they are, and meant for other devices than the CPU
        warnings.filterwarnings("ignore", message="No complete tensor found")
        torch.export.save(traced(model), path, extra_files={CARD: card})


def _load(path: Path) -> Predict:
    graph = torch.export.load(path).module()

    def predict(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.no_grad():
            return graph(torch.from_numpy(pixels)).numpy()

    return predict

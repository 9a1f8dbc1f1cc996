"""Draws a contact sheet: a few images of each class on one page, to see what a network will see."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sweeper.data.store import Store
from sweeper.files import writing

_COLUMNS = 8
_MAX_ROWS = 64
_GAP = 2


def contact_sheet(store: Store, path: Path) -> int:
    """Write a PNG with eight images of each class, in label order; return how many classes are on it.

    Of more than 64 classes it shows 64, spread over the labels.
    """
    present = store.labels.unique()
    spread = np.linspace(0, len(present) - 1, min(len(present), _MAX_ROWS)).round().astype(np.int64)
    chosen = present[torch.from_numpy(spread)]
    side = store.images.shape[1] + _GAP
    sheet = torch.full((len(chosen) * side + _GAP, _COLUMNS * side + _GAP, store.images.shape[3]), 255).byte()
    for row, label in enumerate(chosen):
        for column, image in enumerate(_examples(store, label)):
            top, left = row * side + _GAP, column * side + _GAP
            sheet[top : top + side - _GAP, left : left + side - _GAP] = image
    pixels = sheet.numpy()
    with writing(path) as file:
        Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(file, "PNG")
    return len(chosen)


def _examples(store: Store, label: Tensor) -> Tensor:
    rows = (store.labels == label).nonzero().flatten()
    places = torch.linspace(0, len(rows) - 1, min(len(rows), _COLUMNS)).round().long()
    return store.images[rows[places]]

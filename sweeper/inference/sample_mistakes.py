"""Picks images that a network got wrong, so that people see what its most confused pairs look like."""

import base64
import io
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sweeper.data.sources import Pixels

MOST = 24
_OF_A_PAIR = 3
_SIDE = 64  # pixels: 24 pictures of noise in color have 0.4 MB as text


@dataclass(frozen=True, slots=True)
class Mistake:
    """An image of `true` that was taken for `predicted`, with `confidence` from 0 to 1. `row` is its place
    in the split; `png` is the picture as a `data:` address, 64 px wide at most."""

    row: int
    true: str
    predicted: str
    confidence: float
    png: str


def sample_mistakes(
    logits: Tensor, labels: Tensor, classes: tuple[str, ...], pixels: Iterable[Tensor]
) -> Iterator[Mistake]:
    """Yield up to 24 mistakes: of each pair of classes the three surest, the most confused pairs first.

    `pixels` gives the split in the order of `labels`, uint8 with channels last, some images at a time.
    """
    confidences, predicted = (each.cpu() for each in logits.softmax(1).max(1))
    true = labels.cpu()
    chosen = _chosen(true, predicted, confidences)
    pictures = _pictures(set(chosen), pixels)
    for row in chosen:
        yield Mistake(
            row=row,
            true=classes[int(true[row])],
            predicted=classes[int(predicted[row])],
            confidence=float(confidences[row]),
            png=_address(pictures[row]),
        )


def _chosen(true: Tensor, predicted: Tensor, confidences: Tensor) -> list[int]:
    pairs: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    wrong = torch.nonzero(true != predicted).flatten()
    for row in wrong[confidences[wrong].argsort(descending=True, stable=True)].tolist():
        pairs[int(true[row]), int(predicted[row])].append(row)
    most_confused = sorted(pairs, key=lambda pair: (-len(pairs[pair]), pair))
    return [row for pair in most_confused for row in pairs[pair][:_OF_A_PAIR]][:MOST]


def _pictures(wanted: set[int], pixels: Iterable[Tensor]) -> dict[int, Pixels]:
    images = enumerate(itertools.chain.from_iterable(pixels)) if wanted else ()
    return {row: image.numpy() for row, image in images if row in wanted}


def _address(pixels: Pixels) -> str:
    picture = Image.fromarray(np.squeeze(pixels, 2) if pixels.shape[2] == 1 else pixels)
    picture.thumbnail((_SIDE, _SIDE))
    stream = io.BytesIO()
    picture.save(stream, format="png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"

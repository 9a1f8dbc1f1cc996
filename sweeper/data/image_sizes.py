"""How large the images of a source are, as their headers say."""

import math
from pathlib import Path

from sweeper.config.sections import DatasetSpec
from sweeper.data.dataset import open_source
from sweeper.data.decode import dimensions
from sweeper.data.index import open_index


def image_sizes(spec: DatasetSpec, cache: Path, most: int = 500) -> list[tuple[int, int]]:
    """Read (width, height) from the headers of up to `most` images over the source, sorted by area."""
    given = open_source(spec)
    rows = open_index(given, cache).rows
    chosen = rows[:: max(1, math.ceil(len(rows) / most))]
    sizes = (dimensions(given.read(row.number)) for row in chosen)
    return sorted((size for size in sizes if size), key=lambda size: size[0] * size[1])

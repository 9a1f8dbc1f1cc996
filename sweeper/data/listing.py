"""How many images each class has, as the names and labels alone tell: no image is read."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from sweeper.config.sections import DatasetSpec
from sweeper.data.sources import source


def listed_images(spec: DatasetSpec) -> Mapping[str, int]:
    """Images by class, on the source's own validation split where it has one; loads no torch.

    DataError where the source cannot be listed. Images that cannot be read are among them.
    """
    options = source.check(spec.source, spec.options)
    given = source[spec.source](Path(spec.root) if spec.root else None, **options)
    of_valid = Counter(item.label for item in given.items if item.split == "valid")
    counts = of_valid or Counter(item.label for item in given.items)
    return {name: counts[label] for label, name in enumerate(given.classes)}

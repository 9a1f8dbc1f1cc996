"""What is wrong with the classes of a data set: too few, look-alikes, none to learn from or to judge by."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sweeper.data.index import Bad
from sweeper.data.sources import SPLITS, Split
from sweeper.errors import DataError

Rows = Mapping[Split, NDArray[np.int64]]
_SHOWN = 3  # names in a note


def class_notes(rows: Rows, labels: Sequence[int], classes: Sequence[str]) -> Iterator[str]:
    """Yield look-alikes and classes that a split lacks; DataError where none is both learnt and judged."""
    every = np.asarray(labels)
    present = {split: set(np.unique(every[rows[split]]).tolist()) for split in SPLITS}
    alike = look_alikes(classes)
    if present["train"] and present["valid"] and not present["train"] & present["valid"]:
        raise DataError(
            "; ".join(
                ["the training and the validation split share no class", *_alike_notes(alike, classes)]
            ),
            where="dataset",
            hint="give a class the same name in every split, or put the images into one folder a class "
            "and let dataset.split divide them",
        )
    yield from _alike_notes(alike, classes)
    for split in SPLITS:
        absent = [classes[label] for label in range(len(classes)) if label not in present[split]]
        if absent and present[split]:
            said = "no image to train on, so these classes cannot be learnt" if split == "train" else ""
            yield f"{said or f'too few images to put one in the {split} split'}: {_some(absent)}"


def check_classes(filled: Sequence[str], where: str, hint: str = "") -> None:
    """DataError where there are fewer than two classes with readable images."""
    if len(filled) < 2:
        found = f"only class {filled[0]!r}" if filled else "none"
        raise DataError(
            f"a classifier needs at least two classes with readable images, found {found}",
            where=where,
            hint=hint or "name the folder that holds one folder a class: -o dataset.root=FOLDER",
        )


def check_readable(max_bad: float, good: int, bad: Sequence[Bad], where: str) -> None:
    """DataError where more than the share `max_bad` of all images cannot be read."""
    total = good + len(bad)
    if len(bad) > max_bad * total:
        first = f"{bad[0].key}: {bad[0].reason}"
        raise DataError(
            f"{len(bad)} of {total} images are unreadable, max_bad allows {max_bad:g} of all: {first}",
            where=where,
            hint="remove them or raise dataset.max_bad",
        )


def look_alikes(classes: Sequence[str]) -> list[list[int]]:
    """Return groups of labels whose names differ only in case, spaces or Unicode form (`dog` and `Dog `)."""
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for label, name in enumerate(classes):
        groups[" ".join(unicodedata.normalize("NFKC", name).casefold().split())].append(label)
    return [labels for labels in groups.values() if len(labels) > 1]


def _alike_notes(alike: Sequence[Sequence[int]], classes: Sequence[str]) -> Iterator[str]:
    for labels in alike[:_SHOWN]:
        names = " and ".join(repr(classes[label]) for label in labels)
        yield f"{names} are different classes, though they differ only in case, spaces or Unicode form"
    if len(alike) > _SHOWN:
        yield f"{len(alike) - _SHOWN} more groups of classes differ only in case, spaces or Unicode form"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more

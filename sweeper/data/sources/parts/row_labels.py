"""Labels of rows from several files, made one list of classes: by name, not by each file's numbers."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sweeper.data.sources.parts.file_source import natural
from sweeper.errors import DataError

_NONE = frozenset(("", "None", "nan", "NaN", "null", "NULL", "N/A", "n/a", "<NA>", "?"))


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of one file. `names` are the class names that the file itself gives its numbers."""

    file: str
    values: Sequence[Any]
    names: Sequence[str] | None


def classes_of(files: Sequence[Labels], column: str) -> tuple[list[str], list[int | None]]:
    """Return the class names and every row's class, None where a row has no label.

    Two files may number the same names differently. DataError where only some of them name their numbers.
    """
    minus_is_none = any(each.names or 0 in each.values for each in files)
    values = [[_value(each, value, column, minus_is_none) for value in each.values] for each in files]
    rows = [value for inside in values for value in inside]
    _refuse_mixture(files, values)
    known = list(dict.fromkeys(name for each in files for name in each.names or ()))
    used = {value for value in rows if value is not None}
    if known and used <= set(known):
        names: list[Any] = known
    else:
        names = sorted(used, key=lambda value: (isinstance(value, str), natural(str(value)), value))
        if all(isinstance(value, int) for value in names):
            names.sort()
    number = {value: place for place, value in enumerate(names)}
    return [str(name) for name in names], [None if value is None else number[value] for value in rows]


def unlabeled_notes(files: Sequence[Labels], numbers: Sequence[int | None]) -> Iterator[str]:
    """Yield how many rows of each file have no label."""
    start = 0
    for each in files:
        count = numbers[start : start + len(each.values)].count(None)
        start += len(each.values)
        if count:
            yield f"{count:,} of {len(each.values):,} images not used, as they have no label: {each.file}"


def _value(labels: Labels, value: Any, column: str, minus_is_none: bool) -> int | str | None:
    """Return a row's label, by name where the file names its numbers; None where there is none."""
    if isinstance(value, float):
        if math.isnan(value):
            return None
        value = int(value) if value.is_integer() else value
    if value is None or (isinstance(value, str) and value.strip() in _NONE):
        return None
    if not isinstance(value, int | str):
        raise DataError(
            f"column {column!r} holds {value!r:.40}, expected a whole number or a text in every row",
            where=labels.file,
            hint="name the column of the labels: -o dataset.label=COLUMN",
        )
    if isinstance(value, str):
        return value
    if value == -1 and minus_is_none:  # Hugging Face's sign for a test set without labels
        return None
    if labels.names is None:
        return value
    if 0 <= value < len(labels.names):
        return labels.names[value]
    raise DataError(
        f"column {column!r} holds {value}, and the file names the classes 0 to {len(labels.names) - 1}",
        where=labels.file,
    )


def _refuse_mixture(files: Sequence[Labels], values: Sequence[Sequence[int | str | None]]) -> None:
    numbered = [
        each.file
        for each, inside in zip(files, values, strict=True)
        if any(isinstance(value, int) for value in inside)
    ]
    named = [
        each.file
        for each, inside in zip(files, values, strict=True)
        if any(isinstance(value, str) for value in inside)
    ]
    if numbered and named:
        raise DataError(
            f"its labels are numbers without names, and those of {named[0]} are names",
            where=numbered[0],
            hint="write one kind of label into all files",
        )

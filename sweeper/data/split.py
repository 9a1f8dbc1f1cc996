"""Splits by class, so that a class with 20 images still has 2 in the test split.

The split depends on the images' content and a seed alone: neither file order nor file names matter, except
where `group_by` asks for them. Images that must stay together form a unit: copies, near-copies where
that is asked for, and those for which the pattern `group_by` finds the same text in the file name.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweeper.config.sections import SplitSpec
from sweeper.data.class_check import Rows, class_notes
from sweeper.data.index import ImageRow
from sweeper.data.sources import SPLITS, Split

_TRAIN, _VALID, _TEST = range(3)
_APART: Mapping[str, str] = {}
Shares = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Assignment:
    """Row numbers of each split, ascending, and notes on what could not be done as asked."""

    rows: Rows
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Unit:
    """Rows that stay together; `order` is where the seed puts the unit among the others."""

    rows: tuple[int, ...]
    order: bytes


def assign(
    rows: Sequence[ImageRow], classes: Sequence[str], spec: SplitSpec, near: Mapping[str, str] = _APART
) -> Assignment:
    """Divide the rows. A source's own test and valid images stay what they are.

    `near` gives the group of each picture that has near-copies to stay with.
    """
    units = _units(rows, spec, near)
    dropped = _leaking(units, rows)
    labels = [row.label for row in rows]
    place = np.full(len(rows), -1)
    own = {split for row in rows if (split := row.split)}
    free: list[_Unit] = []
    for unit in units:
        split = _own_split(unit, rows)
        if split in ("valid", "test") or (split == "train" and "valid" in own and not spec.folds):
            place[list(unit.rows)] = SPLITS.index(split)
        else:
            free.append(unit)
    shares = _shares(spec, own)
    if spec.folds is None:
        _divide(free, labels, place, shares, len(classes))
    else:
        _divide_folds(free, labels, place, shares, len(classes), spec.folds, spec.fold)
    place[dropped] = -1
    divided: dict[Split, NDArray[np.int64]] = {
        split: np.flatnonzero(place == number).astype(np.int64) for number, split in enumerate(SPLITS)
    }
    notes = (
        *_leaks(dropped, "equal or nearly equal" if near else "equal"),
        *_empty(divided, len(rows), own, shares),
        *class_notes(divided, labels, classes),
    )
    return Assignment(divided, notes)


def _units(rows: Sequence[ImageRow], spec: SplitSpec, near: Mapping[str, str]) -> list[_Unit]:
    """Join rows by equal content, as near-copies or by equal text under the pattern, in the seed's order."""
    parent = list(range(len(rows)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    first: dict[tuple[str, str], int] = {}
    for number, row in enumerate(rows):
        for tie in _ties(row, spec.group_by, near):
            parent[root(number)] = root(first.setdefault(tie, number))
    members: defaultdict[int, list[int]] = defaultdict(list)
    for number in range(len(rows)):
        members[root(number)].append(number)
    return sorted((_unit(each, rows, spec.seed) for each in members.values()), key=lambda unit: unit.order)


def _ties(row: ImageRow, pattern: str | None, near: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield ("picture", row.picture)
    if row.picture in near:
        yield ("near", near[row.picture])
    if pattern is not None and (match := re.search(pattern, row.key)):
        yield ("group", "\0".join(match.groups("")) if match.re.groups else match.group())


def _unit(members: list[int], rows: Sequence[ImageRow], seed: int) -> _Unit:
    identity = "".join(sorted(rows[row].content for row in members))
    return _Unit(tuple(members), hashlib.blake2b(f"{seed}/{identity}".encode(), digest_size=16).digest())


def _own_split(unit: _Unit, rows: Sequence[ImageRow]) -> str | None:
    own = [rows[row].split for row in unit.rows]
    return next((split for split in ("test", "valid", "train") if split in own), None)


def _leaking(units: list[_Unit], rows: Sequence[ImageRow]) -> list[int]:
    """Find training images that equal one of the source's own test images: they are left out."""
    return [
        row
        for unit in units
        if (split := _own_split(unit, rows)) in ("valid", "test")
        for row in unit.rows
        if rows[row].split != split
    ]


def _shares(spec: SplitSpec, own: Iterable[str]) -> Shares:
    """Return the shares of the images that are still free, where the source has decided a part."""
    test = 0.0 if "test" in own else spec.test
    valid = 0.0 if "valid" in own and spec.folds is None else spec.valid
    total = spec.train + valid + test
    return (spec.train / total, valid / total, test / total)


def _divide(
    units: Sequence[_Unit], labels: Sequence[int], place: NDArray[np.int64], shares: Shares, classes: int
) -> None:
    """Place the units. Large ones go where the most is missing, single rows fill up exactly."""
    counts = np.bincount([labels[row] for unit in units for row in unit.rows], minlength=classes)
    wanted = np.array([quotas(int(count), shares) for count in counts], dtype=np.float64)
    missing = wanted.copy()
    singles: defaultdict[int, list[int]] = defaultdict(list)
    for unit in units:
        if len(unit.rows) == 1:
            singles[labels[unit.rows[0]]].append(unit.rows[0])
    large = sorted((unit for unit in units if len(unit.rows) > 1), key=lambda each: -len(each.rows))
    inside = [np.bincount([labels[row] for row in unit.rows], minlength=classes) for unit in large]
    left = np.array([len(singles[label]) for label in range(classes)])
    for labels_inside in inside:
        left += labels_inside > 0
    for unit, labels_inside in zip(large, inside, strict=True):
        split = _best_split(labels_inside, missing, wanted, left)
        left -= labels_inside > 0
        missing[:, split] -= labels_inside
        place[list(unit.rows)] = split
    for label, rows in singles.items():
        _fill(rows, missing[label], place)


def _best_split(
    inside: NDArray[np.int64],
    missing: NDArray[np.float64],
    wanted: NDArray[np.float64],
    left: NDArray[np.int64],
) -> int:
    """Choose where most is missing; only splits without the class once it has no unit to spare."""
    gain = inside @ missing
    label = int(np.argmax(inside))
    empty = np.flatnonzero((missing[label] == wanted[label]) & (wanted[label] > 0))
    if len(empty) > 0 and left[label] <= len(empty):
        return int(empty[np.argmax(gain[empty])])
    return int(np.argmax(gain))


def _fill(rows: Sequence[int], missing: NDArray[np.float64], place: NDArray[np.int64]) -> None:
    """Deal rows in the seed's order: the first to test, the next to valid, the rest to train."""
    test = min(max(int(missing[_TEST]), 0), len(rows))
    valid = min(max(int(missing[_VALID]), 0), len(rows) - test)
    for position, row in enumerate(rows):
        place[row] = _TEST if position < test else _VALID if position < test + valid else _TRAIN


def quotas(count: int, shares: Shares) -> tuple[int, int, int]:
    """Count how many of a class go where; train comes first, then valid, when there are too few."""
    wanted = [split for split in (_TRAIN, _VALID, _TEST) if shares[split] > 0]
    if count <= len(wanted):
        given = wanted[:count]
        return (int(_TRAIN in given), int(_VALID in given), int(_TEST in given))
    test = max(1, round(count * shares[_TEST])) if shares[_TEST] > 0 else 0
    valid = max(1, round(count * shares[_VALID])) if shares[_VALID] > 0 else 0
    return (count - valid - test, valid, test)


def _divide_folds(
    units: Sequence[_Unit],
    labels: Sequence[int],
    place: NDArray[np.int64],
    shares: Shares,
    classes: int,
    folds: int,
    fold: int,
) -> None:
    """Take the test share first, alike for every fold, then cut the rest into `folds` parts, one valid."""
    scratch = place.copy()
    _divide(units, labels, scratch, (shares[0] + shares[1], 0.0, shares[2]), classes)
    load = np.zeros((classes, folds))
    for unit in sorted(units, key=lambda each: (-len(each.rows), each.order)):
        members = list(unit.rows)
        if scratch[members[0]] == _TEST:
            place[members] = _TEST
            continue
        inside = np.bincount([labels[row] for row in members], minlength=classes)
        # ties go to the fold with the fewest images in all, so that small classes spread over the folds
        chosen = int(np.lexsort((load.sum(axis=0), inside @ load))[0])
        load[:, chosen] += inside
        place[members] = _VALID if chosen == fold else _TRAIN


def _leaks(dropped: Sequence[int], how: str) -> Iterator[str]:
    if dropped:
        yield f"{len(dropped)} images {how} one of the source's own valid or test images and are left out"


def _empty(rows: Rows, count: int, own: Set[str], shares: Shares) -> Iterator[str]:
    for split in SPLITS:
        if len(rows[split]) > 0 or (split == "test" and shares[_TEST] == 0):
            continue
        if {"train", "valid"} <= own and split == "test":
            yield "nothing is kept for the test: the source has splits of its own, train and valid"
        else:
            yield f"the {split} split is empty: {count} images do not allow the shares asked for"

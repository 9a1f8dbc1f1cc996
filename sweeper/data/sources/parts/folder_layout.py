"""What a tree of folders means: which folders are splits, which are classes, and what is left over."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import Literal

from sweeper.data.sources import SPLITS, Split
from sweeper.data.sources.parts.file_source import File
from sweeper.data.sources.parts.folder_tree import Folder, some
from sweeper.data.sources.parts.split_words import is_unlabeled, splits_among
from sweeper.errors import DataError

LayoutOption = Literal["auto", "classes", "splits"]


@dataclass(frozen=True, slots=True)
class ClassFolder:
    """The images of one class in one split."""

    name: str
    split: Split | None
    files: tuple[File, ...]


@dataclass(slots=True)
class Layout:
    """The classes in natural order, the reading in one sentence, and what is not used."""

    classes: list[ClassFolder] = field(default_factory=list[ClassFolder])
    said: str = ""
    notes: list[str] = field(default_factory=list[str])
    unused: list[File] = field(default_factory=list[File])

    def leave_out(self, files: Sequence[File], reason: str) -> None:
        """Count and name images that belong to no class."""
        if files:
            self.unused += files
            count = f"{len(files):,} image{'s' if len(files) > 1 else ''}"
            self.notes.append(f"{count} not used, {reason}: {some([file.key for file in files])}")


def understood(top: Folder, where: str, option: LayoutOption) -> Layout:
    """Read the tree as classes or as splits of classes; DataError where both are possible.

    A folder that is named like a split is never a class unless the option says so. Folders without images
    decide nothing.
    """
    layout = Layout()
    base, way = top, ""
    while option == "auto" and (inner := _wrapped(base)):
        layout.leave_out(base.loose, f"beside {inner.name}/")
        base, way = inner, f"{way}{inner.name}/"
    splits = {} if option == "classes" else splits_among(folder.name for folder in base.filled)
    if option == "splits" and not splits:
        raise DataError(
            f"no folder is named like a split among {_names(base.folders) or 'none'}",
            where=where,
            hint="leave dataset.layout out, or name the folders train, valid and test",
        )
    if splits:
        _read_splits(layout, base, splits, where, option)
    else:
        _read_classes(layout, base, None)
        if option == "auto":
            _read_inner_splits(layout, base, where)
    if way:
        layout.said = (
            f"below {way}: {layout.said}" if layout.said else f"the classes are the folders in {way}"
        )
    return layout


def _wrapped(folder: Folder) -> Folder | None:
    """Return the only folder that holds images, where it holds folders of images itself: an archive's."""
    filled = folder.filled
    is_wrapper = len(filled) == 1 and filled[0].filled and not splits_among([filled[0].name])
    return filled[0] if is_wrapper else None


def _read_splits(
    layout: Layout, base: Folder, splits: dict[str, Split], where: str, option: LayoutOption
) -> None:
    named = sorted(
        (folder for folder in base.filled if folder.name in splits),
        key=lambda folder: SPLITS.index(splits[folder.name]),
    )
    others = [folder for folder in base.filled if folder.name not in splits]
    unlabeled = [folder for folder in others if is_unlabeled(folder.name)]
    if option == "auto":
        _refuse_ambiguous([each for each in others if each not in unlabeled], named, where)
    if "train" not in splits.values():
        raise DataError(
            f"found {_names(named)} named like splits, none of them to train on",
            where=where,
            hint=f"name one as the root to divide it (-o dataset.root={named[0].path}), "
            "or, if they are classes, type -o dataset.layout=classes",
        )
    for folder in others:
        layout.leave_out(list(folder.images()), f"as {folder.name}/ is no split")
    layout.leave_out(base.loose, "beside the split folders")
    for folder in named:
        inner = _unwrapped(folder, named)
        if inner.filled:
            _read_classes(layout, inner, splits[folder.name])
        else:
            layout.leave_out(list(folder.images()), f"as {folder.name}/ has no class folders")
    if not layout.classes:
        raise DataError(
            f"found {_names(named)} named like splits, with images but no class folders in them",
            where=where,
            hint=f"put the images of each class into a folder of its own, such as {named[0].name}/cat/1.jpg, "
            "or, if they are classes, type -o dataset.layout=classes",
        )
    layout.said = _said({each.split for each in layout.classes}, splits)
    layout.notes += [f"{each.name}/ has no images and is left out" for each in base.folders if not each.count]


def _refuse_ambiguous(others: list[Folder], named: list[Folder], where: str) -> None:
    if others:
        is_are = "is" if len(others) == 1 else "are"
        raise DataError(
            f"found {_names(named)} named like splits, and {_names(others)} {is_are} not",
            where=where,
            hint=f"if all of them are classes, type -o dataset.layout=classes; if only {_names(named)} "
            f"count, as splits, type -o dataset.layout=splits",
        )


def _unwrapped(folder: Folder, named: Sequence[Folder]) -> Folder:
    """Go down to the classes of a split: `seg_train/seg_train/cat`, `train/images/cat`."""
    classes = {each.name for split in named for each in split.filled if len(split.filled) > 1}
    while len(folder.filled) == 1 and not folder.loose:
        (inner,) = folder.filled
        if not inner.filled or inner.name in classes:
            break
        folder = inner
    return folder


def _read_classes(layout: Layout, base: Folder, split: Split | None) -> None:
    layout.leave_out(base.loose, f"beside the class folders of {base.name}/")
    layout.classes += [ClassFolder(each.name, split, tuple(each.images())) for each in base.filled]
    empty = [each.name for each in base.folders if not each.count]
    layout.notes += [f"class {name!r} has no images and is left out" for name in empty]


def _read_inner_splits(layout: Layout, base: Folder, where: str) -> None:
    """Read `cat/train, cat/test, dog/train, ...`, where every class is divided; say it where some are."""
    inside = {each.name: splits_among(inner.name for inner in each.filled) for each in base.filled}
    divided = [name for name, splits in inside.items() if "train" in splits.values()]
    is_whole = all(not each.loose and len(inside[each.name]) == len(each.filled) > 0 for each in base.filled)
    if is_whole and len(divided) == len(base.filled):
        layout.classes = list(_classes_of_splits(base, inside))
        spelled: dict[str, Split] = {
            name: split for splits in inside.values() for name, split in splits.items()
        }
        layout.said = f"in each class {_said(set(spelled.values()), spelled)}"
    elif divided:
        raise DataError(
            f"{some([f'{name}/{next(iter(inside[name]))}' for name in divided])}: named like splits, "
            "in some class folders only",
            where=where,
            hint="if they are parts of the class, type -o dataset.layout=classes; if they are splits, "
            "divide every class into the same ones",
        )


def _classes_of_splits(base: Folder, inside: dict[str, dict[str, Split]]) -> Iterator[ClassFolder]:
    for folder in base.filled:
        for inner in folder.filled:
            yield ClassFolder(folder.name, inside[folder.name][inner.name], tuple(inner.images()))


def _said(used: Set[Split | None], splits: dict[str, Split]) -> str:
    """Say which folder is which split, and that the rest is divided."""
    said = [
        f"{name}/ is the {split} split"
        for split in SPLITS
        if split in used
        for name in splits
        if splits[name] == split
    ]
    divided = "; valid and test come out of it, by dataset.split" if used == {"train"} else ""
    return f"{', '.join(said)}{divided}"


def _names(folders: Sequence[Folder]) -> str:
    return some([f"{folder.name}/" for folder in folders])

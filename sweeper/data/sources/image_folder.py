"""A folder a class, any image format; train, valid and test folders above the classes are understood."""

from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import Field

from sweeper.data.sources import Item, Source, Split, source
from sweeper.data.sources.parts.file_source import (
    File,
    FileSource,
    Listing,
    folder,
    images_below,
    printable,
    subfolders,
)
from sweeper.errors import DataError

_SPLITS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "val": "valid",
    "validation": "valid",
    "test": "test",
    "testing": "test",
}


@source("image_folder")
def image_folder(
    root: Path | None,
    *,
    channels: Literal[1, 3] = 3,
    max_bad: Annotated[float, Field(ge=0, le=1)] = 0.01,
) -> Source:
    """Classes are the folder names, numbers in numeric order. Files are judged by content, not by suffix."""
    top = folder(root, "image_folder")
    folders: list[tuple[str, Split | None, list[File]]] = [
        (printable(each.name), split, images_below(each, top))
        for split, base in _bases(top)
        for each in subfolders(base)
    ]
    if not any(files for _, _, files in folders):
        raise DataError(
            "holds no class folder with images", where=str(top), hint="one folder a class is expected"
        )
    every = (file for _, _, files in folders for file in files)
    identity = [(name, split) for name, split, _ in folders]
    return FileSource(every, identity, lambda: _list(folders), channels=channels, max_bad=max_bad)


def _list(folders: list[tuple[str, Split | None, list[File]]]) -> Listing:
    names = list(dict.fromkeys(name for name, _, files in folders if files))
    label = {name: number for number, name in enumerate(names)}
    items = [(file, Item(file.key, label[name], split)) for name, split, files in folders for file in files]
    notes = [f"class {name!r} has no images and is left out" for name, _, files in folders if not files]
    return Listing(items, names, notes)


def _bases(top: Path) -> list[tuple[Split | None, Path]]:
    """The folders that hold the classes, each with the split that its name says."""
    children = subfolders(top)
    splits = [(_SPLITS[path.name.lower()], path) for path in children if path.name.lower() in _SPLITS]
    if splits and len(splits) == len(children):
        return cast(list[tuple[Split | None, Path]], splits)
    return [(None, top)]

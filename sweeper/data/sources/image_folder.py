"""A folder a class, any image format; train, valid and test folders above the classes are understood."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from sweeper.data.sources import Item, Source, source
from sweeper.data.sources.parts.file_source import File, FileSource, Listing, folder
from sweeper.data.sources.parts.folder_layout import Layout, LayoutOption, understood
from sweeper.data.sources.parts.folder_tree import Links, read_tree
from sweeper.data.sources.parts.looks_like import looks_like
from sweeper.errors import DataError


@source("image_folder")
def image_folder(
    root: Path | None,
    *,
    layout: LayoutOption = "auto",
    links: Links = "inside",
    channels: Literal[1, 3] = 3,
    max_bad: Annotated[float, Field(ge=0, le=1)] = 0.01,
) -> Source:
    """Classes are the folder names, numbers in numeric order. Files are judged by content, not by suffix."""
    top = folder(root, "image_folder")
    tree = read_tree(top, links)
    found = understood(tree.top, str(top), layout)
    notes = (*found.notes, *tree.notes())
    if not any(each.files for each in found.classes):
        raise _no_classes(top, tree.top.loose, notes)
    every = [file for each in found.classes for file in each.files]
    identity = [(each.name, each.split) for each in found.classes]
    return FileSource(
        [*every, *found.unused],  # a note about what is not used must not grow old either
        (identity, found.said, notes),
        lambda: _list(found, notes),
        channels=channels,
        max_bad=max_bad,
    )


def _list(found: Layout, notes: Sequence[str]) -> Listing:
    names = list(dict.fromkeys(each.name for each in found.classes if each.files))
    label = {name: number for number, name in enumerate(names)}
    items = [
        (file, Item(file.key, label[each.name], each.split)) for each in found.classes for file in each.files
    ]
    return Listing(items, names, notes, found.said)


def _no_classes(top: Path, loose: Sequence[File], notes: Sequence[str]) -> DataError:
    likely = looks_like(top)
    if likely.source != "image_folder":
        said = f"holds no class folder with images, but {likely.said}"
        hint = f"type -o dataset.source={likely.source} -o dataset.root={likely.root}"
        return DataError(said, where=str(top), hint=hint)
    said = f"holds {len(loose):,} images but no class folder with images" if loose else ""
    return DataError(
        "; ".join([said or "holds no class folder with images", *notes]),
        where=str(top),
        hint=f"put the images of each class into a folder of its own, such as {top}/cat/1.jpg, "
        "or name another folder: -o dataset.root=FOLDER",
    )

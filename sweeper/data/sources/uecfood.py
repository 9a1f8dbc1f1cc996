"""UECFOOD-256 and data sets of its layout: numbered class folders, category.txt, a bb_info.txt a folder."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from sweeper.data.sources import Item, Source, source
from sweeper.data.sources.parts.file_source import (
    File,
    FileSource,
    Listing,
    folder,
    printable,
    side_files,
)
from sweeper.data.sources.parts.folder_tree import Folder, Links, Tree, read_tree, some
from sweeper.errors import DataError
from sweeper.files import read_regular

Crop = Literal["none", "boxes", "largest_box"]
Box = tuple[int, int, int, int]
_MOST_TEXT = 1 << 26  # bytes of a file of names or boxes
HINT = (
    "UECFOOD-256 is published by its owners at http://foodcam.mobi/dataset256.html "
    "(non-commercial research use); unpack it and set dataset.root to the folder that holds 1 to 256"
)


@source("uecfood")
def uecfood(
    root: Path | None,
    *,
    crop: Crop = "none",
    links: Links = "inside",
    channels: Literal[1, 3] = 3,
    max_bad: Annotated[float, Field(ge=0, le=1)] = 0.01,
) -> Source:
    """The folder's number is the class: two classes may share a name. `boxes` makes an image of each box."""
    if root is None or not root.expanduser().exists():
        raise DataError("there is no UECFOOD-256 here", where=f"dataset.root {root}", hint=HINT)
    top = folder(root, "uecfood")
    tree = read_tree(top, links)
    numbered = [each for each in tree.top.folders if each.name.isascii() and each.name.isdigit()]
    if not numbered:
        hint = _nested(tree.top) or HINT
        raise DataError(
            "; ".join(["holds no folder named by a number", *tree.notes()]), where=str(top), hint=hint
        )
    folders = {int(each.name): each for each in numbered}
    if len(folders) < len(numbered):
        raise DataError("two folders carry the same number, such as 1 and 01", where=str(top))
    texts = side_files([top / "category.txt", *(Path(each.path) / "bb_info.txt" for each in numbered)])
    every = (*texts, *tree.top.images())
    return FileSource(
        every, crop, lambda: _list(top, tree, folders, crop), channels=channels, max_bad=max_bad
    )


def _list(top: Path, tree: Tree, folders: Mapping[int, Folder], crop: Crop) -> Listing:
    odd = _Oddities()
    for file in tree.top.loose:
        odd.add("images beside the class folders are not used", file.key)
    for other in tree.top.filled:
        if other not in folders.values():
            odd.add("folders without a number are not used", f"{other.name}/ ({other.count:,} images)")
    files_of = {number: list(each.images()) for number, each in folders.items()}
    names = _names(top / "category.txt", files_of, odd)
    ids = [number for number in sorted(files_of) if files_of[number]]
    boxes = {number: _boxes(Path(folders[number].path), crop, odd) for number in ids}
    items = [
        (file, Item(key, label, box=box))
        for label, number in enumerate(ids)
        for file in files_of[number]
        for key, box in _crops(file, boxes[number], crop, odd)
    ]
    return Listing(items, [names[number] for number in ids], [*odd.notes(), *tree.notes()])


@dataclass(slots=True)
class _Oddities:
    """Collects by kind what is reported but not fatal, so that 256 folders do not give 256 lines."""

    found: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, kind: str, example: str) -> None:
        self.found[kind].append(example)

    def notes(self) -> Iterator[str]:
        for kind, examples in self.found.items():
            yield f"{len(examples)} {kind}: {some(examples)}"


def _names(path: Path, files_of: Mapping[int, list[File]], odd: _Oddities) -> dict[int, str]:
    """Return class names by id; a name that two ids share is followed by the id."""
    names: dict[int, str] = {}
    for line in _lines(path):
        number, _, name = line.partition("\t")
        if not number.strip().isdigit():
            continue  # the header, or a line that names no class
        if int(number) in names:
            odd.add("ids stand twice in category.txt, the first name counts", number.strip())
        names.setdefault(int(number), name.strip() or number.strip())
    for number in sorted(set(names) | set(files_of)):
        if not files_of.get(number):
            odd.add("classes without images are left out", f"{number} {names.get(number, '')!r}")
        elif number not in names:
            odd.add("folders have no name in category.txt", str(number))
            names[number] = str(number)
    shared = {name for name, count in Counter(names.values()).items() if count > 1}
    return {number: f"{name} ({number})" if name in shared else name for number, name in names.items()}


def _boxes(path: Path, crop: Crop, odd: _Oddities) -> dict[str, list[Box]]:
    """Read the boxes of each file of a folder, by the file's name without suffix."""
    boxes: defaultdict[str, list[Box]] = defaultdict(list)
    if crop == "none":
        return boxes
    for number, line in enumerate(_lines(path / "bb_info.txt"), start=1):
        name, *sides = line.split()
        place = f"{path.name}/bb_info.txt:{number}"
        try:
            left, top, right, bottom = (round(float(side)) for side in sides)
        except (ValueError, OverflowError):
            if name != "img":
                odd.add("lines of bb_info.txt are not `img x1 y1 x2 y2` and are skipped", place)
            continue
        if left >= right or top >= bottom:
            odd.add("boxes are empty and are skipped", place)
        else:
            boxes[name].append((left, top, right, bottom))
    return boxes


def _crops(
    file: File, boxes: Mapping[str, list[Box]], crop: Crop, odd: _Oddities
) -> Iterator[tuple[str, Box | None]]:
    own = boxes.get(file.stem, [])
    if crop == "none":
        yield file.key, None
    elif not own:
        odd.add("images have no box and are used whole", file.key)
        yield file.key, None
    elif crop == "largest_box":
        yield file.key, max(own, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
    else:
        yield from ((f"{file.key}#{number}", box) for number, box in enumerate(own, start=1))


def _lines(path: Path) -> list[str]:
    """Read the lines with text; a BOM, Windows line ends, stray bytes and a missing file do no harm."""
    try:
        text = read_regular(path, _MOST_TEXT).decode("utf-8-sig", "replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=printable(str(path))) from error
    return [line for line in text.splitlines() if line.strip()]


def _nested(top: Folder) -> str:
    inner = [each.path for each in top.folders if any(below.name.isdigit() for below in each.folders)]
    return f"did you mean {inner[0]}? then type -o dataset.root={inner[0]}" if inner else ""

"""Which source a file or folder looks like, by the names in it: nothing is opened."""

from dataclasses import dataclass
from pathlib import Path

from sweeper.data.sources.parts.folder_tree import IMAGES, Folder, read_tree

_IDX = ("", "raw", "MNIST/raw", "FashionMNIST/raw")


@dataclass(frozen=True, slots=True)
class Likeness:
    """A source, the root that it should get, and what was seen that says so (or what was guessed)."""

    source: str
    root: Path
    said: str


def looks_like(root: Path) -> Likeness:
    """Return the likeliest source of a file or folder that exists, `image_folder` where nothing else fits.

    The only folder in a folder is looked into as well: archives bring one along.
    """
    if root.is_file():
        return Likeness("parquet" if root.suffix == ".parquet" else "", root, "")
    folder = read_tree(root).top
    while True:
        found = _of(folder, Path(folder.path))
        if found or len(folder.folders) != 1 or folder.files:
            return found or Likeness("image_folder", root, "")
        (folder,) = folder.folders


def _of(folder: Folder, root: Path) -> Likeness | None:
    names = {file.key.rpartition("/")[2] for file in folder.files} | {each.name for each in folder.folders}
    if any((root / below).is_dir() and list((root / below).glob("train-images*ubyte*")) for below in _IDX):
        name = "fashion_mnist" if "fashion" in str(root).lower() or "FashionMNIST" in names else "mnist"
        other = "mnist" if name == "fashion_mnist" else "fashion_mnist"
        return Likeness(name, root, f"idx files, taken for {name}: --source {other} reads the same files")
    if (root / "batches.meta").is_file() or "cifar-10-batches-py" in names:
        return Likeness("cifar10", root, "batches of CIFAR-10")
    if "cifar-100-python" in names or all((root / name).is_file() for name in ("meta", "train", "test")):
        return Likeness("cifar100", root, "batches of CIFAR-100")
    if (root / "category.txt").is_file():
        return Likeness("uecfood", root, "category.txt")
    keys = [file.key.lower() for file in folder.images()]
    if any(key.endswith(".parquet") for key in keys) and not any(key.endswith(IMAGES) for key in keys):
        return Likeness("parquet", root, "Parquet files")
    return None

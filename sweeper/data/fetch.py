"""Downloads public data sets on request, from torchvision's addresses and with its checksums."""

import tempfile
from pathlib import Path
from urllib.error import URLError

from torchvision import datasets
from torchvision.datasets.utils import download_url

from sweeper.data.archive import is_archive, unpack
from sweeper.data.sources.parts.folder_tree import read_tree
from sweeper.data.sources.uecfood import HINT
from sweeper.errors import DataError
from sweeper.registry import nearest

_ARCHIVES = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}
_FILES = {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST}
NAMES = (*_ARCHIVES, *_FILES)


def fetch(name: str, target: Path) -> Path:
    """Download a data set by name, or unpack an archive that is already here, into `target`.

    Return the folder that a sweep file should name: inside `target` where the archive has one more level.
    """
    if name == "uecfood":
        raise DataError("UECFOOD-256 is not ours to pass on", hint=HINT)
    if name in _ARCHIVES:
        return _fetch_archive(name, target)
    if name in _FILES:
        return _fetch_files(name, target)
    if is_archive(Path(name)):
        return _classes_in(unpack(Path(name), target))
    if Path(name).exists():
        raise DataError("is neither a tar nor a zip", where=name)
    raise DataError(f"no data set and no archive is called {name!r}", hint=nearest(name, NAMES))


def _classes_in(folder: Path) -> Path:
    """Return the only folder in it, if that holds folders itself; macOS packs another beside it."""
    top = read_tree(folder).top
    is_wrapped = len(top.folders) == 1 and not top.loose and top.folders[0].folders
    return Path(top.folders[0].path) if is_wrapped else folder


def _fetch_archive(name: str, target: Path) -> Path:
    source = _ARCHIVES[name]
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        download([source.url], source.filename, source.tgz_md5, Path(folder))
        return unpack(Path(folder) / source.filename, target)


def _fetch_files(name: str, target: Path) -> Path:
    source = _FILES[name]
    target.mkdir(parents=True, exist_ok=True)
    for file, md5 in source.resources:
        download([f"{mirror}{file}" for mirror in source.mirrors], file, md5, target)
    return target


def download(addresses: list[str], file: str, md5: str, folder: Path) -> None:
    """From the first address that answers; a file that is there with the right checksum is kept."""
    problem = ""
    for address in addresses:
        try:
            download_url(address, str(folder), file, md5)
        except (URLError, OSError, RuntimeError) as error:  # RuntimeError is torchvision's wrong checksum
            problem = f"{address}: {error}"
        else:
            return
    raise DataError(f"cannot be downloaded: {problem}", hint="check the network, or download it elsewhere")
